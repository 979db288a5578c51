//! One file that holds the content of many, and writing those into directories with few system calls.
//!
//! Copies, never hard links: a hard link shares its owner and mode with every other environment that links it. Where
//! the file system can share blocks between files without that, the kernel is asked to.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, Timespec, Timestamps, UTIME_OMIT};

use super::checkpoint::{reach, reach_in};
use super::fs::{Directory, Doing, IoError, Named, Result, facts_of, remove_file};
use crate::model::facts::Kind;
use crate::model::owner::Viewer;

/// So much is read at once: many small files.
const WINDOW: u64 = 256 * 1024;

/// From this size on blocks are shared where the file system can: below, asking costs more than copying.
const LARGE: u64 = 16 * 1024;

/// Where contents of that size have to begin so that their blocks can be shared.
pub fn alignment(size: u64) -> u64 {
    const BLOCK: u64 = 4096;
    if size >= LARGE { BLOCK } else { 1 }
}

/// Where in a container a content lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Its first byte.
    pub at: u64,
    /// How many bytes.
    pub size: u64,
}

/// A container, open for reading.
#[derive(Debug)]
pub struct Container {
    file: File,
    path: PathBuf,
    size: u64,
    shares_blocks: bool,
}

impl Directory {
    /// Opens a file in this directory that nobody but the viewer can have written.
    pub fn open_own_file(&self, name: &OsStr, viewer: &Viewer) -> Result<File> {
        let file = self.open_known_file(Path::new(name))?;
        let path = || self.path().join(name);
        let facts = rustix::fs::fstat(&file).map(|stat| facts_of(&stat)).named(Doing::Look, &path())?;
        if facts.kind == Kind::File && facts.uid == viewer.uid && !viewer.others_can_write(&facts) {
            return Ok(file);
        }
        let why = io::Error::new(io::ErrorKind::PermissionDenied, "other users could have written it");
        Err(IoError::new(Doing::Read, path(), why))
    }

    /// Makes a directory below this one, unless it is there; less the umask.
    pub fn make_below(&self, relative: &Path, mode: u16) -> Result<()> {
        reach_in("mkdir", self.path(), relative.as_os_str()).named(Doing::Make, self.path())?;
        match rustix::fs::mkdirat(&self.fd, relative, Mode::from_raw_mode(mode.into())) {
            Err(rustix::io::Errno::EXIST) => Ok(()),
            answer => answer.named(Doing::Make, &self.path().join(relative)),
        }
    }

    /// Writes a new file in this directory, less the umask, with a piece's content and, where one is given, that time in
    /// seconds.
    pub fn fill(
        &self,
        name: &OsStr,
        mode: u16,
        modified: Option<i64>,
        (piece, window): (Piece, &mut Window<'_>),
    ) -> Result<()> {
        let path = || self.path().join(name);
        let at = |doing: Doing| move |error: rustix::io::Errno| IoError::new(doing, path(), error);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        reach_in("create", self.path(), name).map_err(at(Doing::Make))?;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::from_raw_mode(mode.into()));
        let mut file = File::from(fd.map_err(at(Doing::Make))?);
        reach_in("write", self.path(), name).map_err(at(Doing::Write))?;
        let shared = window.container.share(piece, &file);
        let rest = Piece { at: piece.at + shared, size: piece.size - shared };
        if rest.size > 0 {
            file.write_all(window.bytes(rest)?).map_err(|error| IoError::new(Doing::Write, path(), error))?;
        }
        if let Some(seconds) = modified {
            let last_access = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
            let last_modification = Timespec { tv_sec: seconds, tv_nsec: 0 };
            let times = Timestamps { last_access, last_modification };
            reach_in("times", self.path(), name).map_err(at(Doing::Write))?;
            rustix::fs::futimens(&file, &times).map_err(at(Doing::Write))?;
        }
        Ok(())
    }
}

impl Container {
    /// Opens one in a directory, where nobody but the viewer can have written it.
    pub fn open(directory: &Directory, name: &OsStr, viewer: &Viewer) -> Result<Self> {
        let (file, path) = (directory.open_own_file(name, viewer)?, directory.path().join(name));
        let size = rustix::fs::fstat(&file).map(|stat| facts_of(&stat)).named(Doing::Look, &path)?.size;
        let shares_blocks = can_share(&file);
        Ok(Self { file, path, size, shares_blocks })
    }

    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The bytes of a piece.
    pub fn read(&self, piece: Piece) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length(piece.size)];
        self.file.read_exact_at(&mut bytes, piece.at).named(Doing::Read, &self.path)?;
        Ok(bytes)
    }

    /// Has the kernel put a piece at the end of a file, sharing blocks; gives how many bytes it did.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn share(&self, piece: Piece, to: &File) -> u64 {
        let (mut from, end) = (piece.at, piece.at + piece.size);
        while self.shares_blocks && piece.size >= LARGE && from < end {
            let rest = length(end - from);
            match rustix::fs::copy_file_range(&self.file, Some(&mut from), to, None, rest) {
                Ok(1..) => {}
                // The rest is copied by hand.
                Ok(0) | Err(_) => break,
            }
        }
        from - piece.at
    }

    /// macOS shares whole files only.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn share(&self, _piece: Piece, _to: &File) -> u64 {
        0
    }
}

/// Whether the file system can give two files the same blocks until one of them is written. Elsewhere the call that
/// asks for it copies, and slower than reading and writing does.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn can_share(file: &File) -> bool {
    // statfs(2): btrfs, XFS, bcachefs.
    const SHARING: [u32; 3] = [0x9123_683e, 0x5846_5342, 0xca45_1a4e];
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the numbers have 32 bits")]
    rustix::fs::fstatfs(file).is_ok_and(|there| SHARING.contains(&(there.f_type as u32)))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn can_share(_file: &File) -> bool {
    false
}

/// What was read last of a container: the next small files follow right behind.
#[derive(Debug)]
pub struct Window<'a> {
    container: &'a Container,
    /// Not more than this is going to be asked for.
    end: u64,
    /// As long as the longest that was read: what is behind `held` is of before.
    bytes: Vec<u8>,
    held: usize,
    at: u64,
}

impl<'a> Window<'a> {
    /// Nothing is read yet.
    pub fn new(container: &'a Container) -> Self {
        Self { container, end: 0, bytes: Vec::new(), held: 0, at: 0 }
    }

    /// From now on pieces up to `end` are asked for, of that container.
    pub fn turn_to(&mut self, container: &'a Container, end: u64) {
        (self.container, self.end, self.held) = (container, end, 0);
    }

    /// The bytes of a piece.
    fn bytes(&mut self, piece: Piece) -> Result<&[u8]> {
        let end = piece.at + piece.size;
        if piece.at < self.at || end > self.at + self.held as u64 {
            let ahead = self.end.clamp(end, end.max(piece.at + WINDOW));
            let size = length(ahead.min(self.container.size).saturating_sub(piece.at));
            if self.bytes.len() < size {
                self.bytes.resize(size, 0);
            }
            let container = self.container;
            let into = &mut self.bytes[..size];
            container.file.read_exact_at(into, piece.at).named(Doing::Read, &container.path)?;
            (self.at, self.held) = (piece.at, size);
        }
        let begin = length(piece.at - self.at);
        self.bytes[..self.held].get(begin..begin + length(piece.size)).ok_or_else(|| {
            let why = io::Error::new(io::ErrorKind::UnexpectedEof, "it ends too early");
            IoError::new(Doing::Read, &self.container.path, why)
        })
    }
}

/// Contents are read into memory: on no platform is one larger than that.
fn length(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

/// A new file with mode 0600 that gets its name when it is whole and on the disk.
#[derive(Debug)]
pub struct NewContainer {
    file: BufWriter<File>,
    temporary: PathBuf,
    written: u64,
}

impl NewContainer {
    /// Begins one at `temporary`, where nothing is.
    pub fn create(temporary: &Path) -> Result<Self> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        reach("create", temporary).named(Doing::Make, temporary)?;
        let fd = rustix::fs::open(temporary, flags, Mode::RUSR | Mode::WUSR).named(Doing::Make, temporary)?;
        Ok(Self { file: BufWriter::new(File::from(fd)), temporary: temporary.to_owned(), written: 0 })
    }

    /// Adds bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.written += bytes.len() as u64;
        self.file.write_all(bytes).named(Doing::Write, &self.temporary)
    }

    /// Adds zeros up to that place.
    pub fn pad_to(&mut self, place: u64) -> Result<()> {
        let missing = length(place.saturating_sub(self.written));
        self.write(&vec![0; missing])
    }

    /// Flushes it to the disk and puts it in the place of what may be at `path`.
    pub fn finish(mut self, path: &Path) -> Result<()> {
        reach("write", path).named(Doing::Write, path)?;
        self.file.flush().named(Doing::Write, &self.temporary)?;
        reach("sync", path).named(Doing::Flush, path)?;
        self.file.get_ref().sync_all().named(Doing::Flush, &self.temporary)?;
        reach("rename", path).named(Doing::Rename, path)?;
        rustix::fs::rename(&self.temporary, path).named(Doing::Rename, path).inspect_err(|_| {
            // The first error is the one that matters.
            let _ = remove_file(&self.temporary);
        })
    }
}
