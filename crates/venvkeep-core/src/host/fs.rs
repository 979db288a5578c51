//! Files and directories, by descriptor and with the path in every error.

use std::ffi::{CStr, OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};

use super::checkpoint::reach;
use crate::model::facts::{Facts, Kind};
use crate::model::owner::Viewer;

/// What was being done when it failed: the verb of an [`IoError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// Looking at owner, mode and kind.
    Look,
    /// Reading a file's content.
    Read,
    /// Listing a directory.
    List,
    /// Making a file, directory or link.
    Make,
    /// Writing content.
    Write,
    /// Renaming.
    Rename,
    /// Removing.
    Remove,
    /// Locking.
    Lock,
    /// Flushing to the disk.
    Flush,
}

impl fmt::Display for Doing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Look => "look at",
            Self::Read => "read",
            Self::List => "list",
            Self::Make => "make",
            Self::Write => "write",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::Lock => "lock",
            Self::Flush => "flush to the disk",
        })
    }
}

/// A failed call: what was being done, to what, and the system's answer.
#[derive(Debug, thiserror::Error)]
#[error("could not {doing} {}: {}", .path.display(), plain_words(.source))]
pub struct IoError {
    /// The verb.
    pub doing: Doing,
    /// The place.
    pub path: PathBuf,
    /// The system's answer.
    #[source]
    pub source: io::Error,
}

impl IoError {
    /// Binds a system error to its place.
    pub fn new(doing: Doing, path: impl Into<PathBuf>, source: impl Into<io::Error>) -> Self {
        Self { doing, path: path.into(), source: source.into() }
    }

    /// Whether there is nothing at that place.
    pub fn is_missing(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
    }

    /// Whether links on the way lead in a circle.
    pub fn is_circle(&self) -> bool {
        self.source.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
    }

    /// Whether the system refused for lack of permission.
    pub fn is_denied(&self) -> bool {
        self.source.kind() == io::ErrorKind::PermissionDenied
    }
}

/// The system's answer without "(os error 13)", which helps nobody.
fn plain_words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// Results of this module.
pub type Result<T> = std::result::Result<T, IoError>;

/// Attaches verb and path to a system call's result.
pub(crate) trait Named<T> {
    fn named(self, doing: Doing, path: &Path) -> Result<T>;
}

impl<T, E: Into<io::Error>> Named<T> for std::result::Result<T, E> {
    fn named(self, doing: Doing, path: &Path) -> Result<T> {
        self.map_err(|source| IoError::new(doing, path, source))
    }
}

pub(crate) fn facts_of(stat: &rustix::fs::Stat) -> Facts {
    // The widths of these fields differ from platform to platform; all of them fit.
    #![expect(
        clippy::unnecessary_cast,
        clippy::cast_sign_loss,
        clippy::cast_possible_wrap,
        reason = "see above"
    )]
    Facts {
        kind: match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => Kind::Directory,
            FileType::RegularFile => Kind::File,
            FileType::Symlink => Kind::Link,
            FileType::Fifo => Kind::Fifo,
            FileType::Socket => Kind::Socket,
            _ => Kind::Device,
        },
        mode: (stat.st_mode & 0o7777) as u16,
        uid: stat.st_uid,
        gid: stat.st_gid,
        size: stat.st_size as u64,
        modified_ns: (stat.st_mtime as i64)
            .saturating_mul(1_000_000_000)
            .saturating_add(stat.st_mtime_nsec as i64),
        device: stat.st_dev as u64,
        inode: stat.st_ino,
        links: u32::try_from(stat.st_nlink).unwrap_or(u32::MAX),
    }
}

/// What stands at a path, a link itself not followed.
pub fn lstat(path: &Path) -> Result<Facts> {
    rustix::fs::lstat(path).map(|stat| facts_of(&stat)).named(Doing::Look, path)
}

/// What stands at a path, links followed.
pub fn stat(path: &Path) -> Result<Facts> {
    rustix::fs::stat(path).map(|stat| facts_of(&stat)).named(Doing::Look, path)
}

/// What stands at a path, or `None` where there is nothing. That a place cannot be looked at is still an error.
pub fn lstat_if_any(path: &Path) -> Result<Option<Facts>> {
    match lstat(path) {
        Ok(facts) => Ok(Some(facts)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

/// When a file or directory was made, in nanoseconds since 1970, where the file system tells.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn born_ns(path: &Path) -> Option<i64> {
    use rustix::fs::StatxFlags;

    let stat = rustix::fs::statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BTIME).ok()?;
    let told = stat.stx_mask & StatxFlags::BTIME.bits() != 0;
    let born = stat.stx_btime;
    told.then(|| born.tv_sec.checked_mul(1_000_000_000)?.checked_add(i64::from(born.tv_nsec))).flatten()
}

/// Not asked for on this system.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn born_ns(_path: &Path) -> Option<i64> {
    None
}

/// A link's text.
pub fn read_link(path: &Path) -> Result<PathBuf> {
    let text = rustix::fs::readlink(path, Vec::new()).named(Doing::Read, path)?;
    Ok(PathBuf::from(OsString::from_vec(text.into_bytes())))
}

/// The path with every link resolved.
pub fn physical(path: &Path) -> Result<PathBuf> {
    std::fs::canonicalize(path).named(Doing::Look, path)
}

/// Whether this process may make entries in a directory, as the kernel judges (access control lists included).
pub fn may_write(path: &Path) -> bool {
    access_to_write(path).is_ok()
}

/// Whether nothing at all may be written there, since the file system is mounted read-only.
pub fn is_read_only(path: &Path) -> bool {
    access_to_write(path) == Err(rustix::io::Errno::ROFS)
}

fn access_to_write(path: &Path) -> rustix::io::Result<()> {
    let wanted = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    rustix::fs::accessat(CWD, path, wanted, AtFlags::EACCESS)
}

/// Whether something is mounted at exactly this place, where the kernel tells (Linux 5.8). Unlike the device's number
/// this also tells of a directory that is mounted from elsewhere on the same file system, as containers do.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn is_mount_point(path: &Path) -> bool {
    use rustix::fs::{StatxAttributes, StatxFlags};

    let told = rustix::fs::statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty());
    told.is_ok_and(|told| told.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// macOS tells a mount by the device's number alone.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn is_mount_point(_path: &Path) -> bool {
    false
}

/// Reads a regular file of at most `limit` bytes; a final link is not followed.
pub fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let (file, size) = open_regular(CWD, path.as_os_str(), path)?;
    read_to_limit(file, size, path, limit)
}

/// Makes one directory with that mode, less the umask; an existing one is an error.
pub fn create_dir(path: &Path, mode: u16) -> Result<()> {
    reach("mkdir", path).named(Doing::Make, path)?;
    rustix::fs::mkdir(path, Mode::from_raw_mode(mode.into())).named(Doing::Make, path)
}

/// Makes a directory and those above it that are missing; gives the ones it made, outermost first.
pub fn create_dirs(path: &Path, mode: u16) -> Result<Vec<PathBuf>> {
    let missing: Vec<_> =
        path.ancestors().take_while(|dir| stat(dir).is_err_and(|e| e.is_missing())).collect();
    let mut made = Vec::new();
    for dir in missing.into_iter().rev() {
        match create_dir(dir, mode) {
            Ok(()) => made.push(dir.to_owned()),
            Err(error) if error.source.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(made)
}

/// Writes a new file; an existing one is an error, a link in its place is not followed.
pub fn create_file(path: &Path, mode: u16, content: &[u8]) -> Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    reach("create", path).named(Doing::Make, path)?;
    let fd = rustix::fs::open(path, flags, Mode::from_raw_mode(mode.into())).named(Doing::Make, path)?;
    reach("write", path).named(Doing::Write, path)?;
    File::from(fd).write_all(content).named(Doing::Write, path)
}

/// Puts new content in the place of a file, whole or not at all: a temporary sibling, flushed, then renamed over it.
pub fn replace_file(path: &Path, mode: u16, content: &[u8]) -> Result<()> {
    let temporary = temporary_beside(path);
    let written = create_file(&temporary, mode, content).and_then(|()| {
        reach("rename", path).named(Doing::Rename, path)?;
        rustix::fs::rename(&temporary, path).named(Doing::Rename, path)
    });
    if written.is_err() {
        // The error that matters is the first one; a leftover temporary file is not worth a second.
        let _ = remove_file(&temporary);
    }
    written
}

/// Like [`replace_file`], for a file that somebody keeps by hand: with exactly `like`'s mode, whatever the umask, and its
/// group where the user may give it, and flushed to the disk before it takes the old one's place.
pub fn replace_keeping(path: &Path, like: &Facts, content: &[u8]) -> Result<()> {
    let temporary = temporary_beside(path);
    let write = || -> Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        reach("create", &temporary).named(Doing::Make, &temporary)?;
        let fd =
            rustix::fs::open(&temporary, flags, Mode::RUSR | Mode::WUSR).named(Doing::Make, &temporary)?;
        let mut file = File::from(fd);
        reach("write", &temporary).named(Doing::Write, &temporary)?;
        file.write_all(content).named(Doing::Write, &temporary)?;
        let mut mode = like.mode & 0o777;
        if like.gid != rustix::fs::fstat(&file).named(Doing::Look, &temporary)?.st_gid
            && rustix::fs::fchown(&file, None, Some(rustix::fs::Gid::from_raw(like.gid))).is_err()
        {
            // Nobody gives a group that they are not in. What was meant for it is not meant for another.
            mode &= !0o070;
        }
        reach("chmod", &temporary).named(Doing::Write, &temporary)?;
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode.into())).named(Doing::Write, &temporary)?;
        reach("sync", &temporary).named(Doing::Flush, &temporary)?;
        rustix::fs::fsync(&file).named(Doing::Flush, &temporary)?;
        reach("rename", path).named(Doing::Rename, path)?;
        rustix::fs::rename(&temporary, path).named(Doing::Rename, path)
    };
    write().inspect_err(|_| {
        // As above: the first error is the one that matters.
        let _ = remove_file(&temporary);
    })
}

fn temporary_beside(path: &Path) -> PathBuf {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{:08x}.tmp", fastrand::u32(..)));
    PathBuf::from(temporary)
}

/// Makes a symbolic link with that text.
pub fn symlink(text: &Path, path: &Path) -> Result<()> {
    reach("symlink", path).named(Doing::Make, path)?;
    rustix::fs::symlink(text, path).named(Doing::Make, path)
}

/// Gives a file or directory that this process made its final mode.
pub fn set_mode(path: &Path, mode: u16) -> Result<()> {
    reach("chmod", path).named(Doing::Write, path)?;
    rustix::fs::chmod(path, Mode::from_raw_mode(mode.into())).named(Doing::Write, path)
}

/// Removes a file or a link.
pub fn remove_file(path: &Path) -> Result<()> {
    reach("unlink", path).named(Doing::Remove, path)?;
    rustix::fs::unlink(path).named(Doing::Remove, path)
}

/// Removes an empty directory.
pub fn remove_dir(path: &Path) -> Result<()> {
    reach("rmdir", path).named(Doing::Remove, path)?;
    rustix::fs::rmdir(path).named(Doing::Remove, path)
}

/// Flushes what was written to the file system that holds `path`, so that a power cut after a swap finds the new
/// environment's files whole.
pub fn flush(path: &Path) -> Result<()> {
    let directory = Directory::open(path)?;
    reach("sync", path).named(Doing::Flush, path)?;
    // macOS has no syncfs(2); fsync on the directory and F_FULLFSYNC on files is its documented way, and `sync(2)`
    // the call that covers a whole tree.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    rustix::fs::syncfs(&directory.fd).named(Doing::Flush, path)?;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    rustix::fs::fsync(&directory.fd).named(Doing::Flush, path)?;
    Ok(())
}

/// Bytes of a file that are looked at before more of it is read: the headers of most METADATA files.
const START: u64 = 8 * 1024;

/// Bytes of a directory's listing that one call brings.
#[cfg(any(target_os = "linux", target_os = "android"))]
const LISTING: usize = 16 * 1024;

/// An open directory. What is done through it is done in that directory, whatever happens to its path meanwhile.
#[derive(Debug)]
pub struct Directory {
    pub(crate) fd: OwnedFd,
    path: PathBuf,
    /// Listing moves the descriptor's place in the directory, so a second one begins by going back.
    listed: AtomicBool,
}

const OPEN_DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// For reading, without waiting for a pipe's other end.
const OPEN_FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

impl Directory {
    /// Opens a directory; a link in its place is refused.
    pub fn open(path: &Path) -> Result<Self> {
        let fd = rustix::fs::open(path, OPEN_DIRECTORY, Mode::empty()).named(Doing::List, path)?;
        Ok(Self::of(fd, path.to_owned()))
    }

    fn of(fd: OwnedFd, path: PathBuf) -> Self {
        Self { fd, path, listed: AtomicBool::new(false) }
    }

    /// Opens a directory that nobody but the viewer can have written into.
    pub fn open_own(path: &Path, viewer: &Viewer) -> Result<Self> {
        let directory = Self::open(path)?;
        let facts = directory.facts()?;
        if facts.uid == viewer.uid && !viewer.others_can_add(&facts) {
            return Ok(directory);
        }
        let why = io::Error::new(io::ErrorKind::PermissionDenied, "other users could have written there");
        Err(IoError::new(Doing::Read, path, why))
    }

    /// Opens a directory inside this one, following no link on the way.
    pub fn descend(&self, relative: &Path) -> Result<Self> {
        match self.at_once(relative, OPEN_DIRECTORY) {
            Some(fd) => Ok(Self::of(fd, self.path.join(relative))),
            // Step by step the error names the directory that it is about.
            None => self.descend_by_steps(relative),
        }
    }

    /// Opens what lies inside this directory in one call, where the kernel has it (Linux 5.6) and the sandbox allows
    /// it, following no link on the way.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn at_once(&self, relative: &Path, flags: OFlags) -> Option<OwnedFd> {
        use rustix::fs::ResolveFlags;

        let plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
        if !plain || relative.as_os_str().is_empty() {
            return None;
        }
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        rustix::fs::openat2(&self.fd, relative, flags, Mode::empty(), resolve).ok()
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn at_once(&self, _relative: &Path, _flags: OFlags) -> Option<OwnedFd> {
        None
    }

    /// Component by component.
    fn descend_by_steps(&self, relative: &Path) -> Result<Self> {
        let mut at = self.child(OsStr::new("."))?;
        for part in relative.components() {
            let Component::Normal(name) = part else { return Err(outside(&self.path.join(relative))) };
            at = at.child(name)?;
        }
        at.path = self.path.join(relative);
        Ok(at)
    }

    /// Opens the directory of that name in this one.
    pub fn child(&self, name: &OsStr) -> Result<Self> {
        let path = self.path.join(name);
        let fd =
            rustix::fs::openat(&self.fd, name, OPEN_DIRECTORY, Mode::empty()).named(Doing::List, &path)?;
        Ok(Self::of(fd, path))
    }

    /// Where it was when it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file system says of the directory itself.
    pub fn facts(&self) -> Result<Facts> {
        rustix::fs::fstat(&self.fd).map(|stat| facts_of(&stat)).named(Doing::Look, &self.path)
    }

    /// What stands under a name in it.
    pub fn lstat(&self, name: &OsStr) -> Result<Facts> {
        rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)
            .map(|stat| facts_of(&stat))
            .map_err(|error| IoError::new(Doing::Look, self.path.join(name), error))
    }

    /// The names in it, in the order the file system gives them.
    pub fn names(&self) -> Result<Vec<Vec<u8>>> {
        let mut names = Vec::new();
        self.each_name(|name| {
            names.push(name.to_bytes().to_owned());
            Ok(())
        })?;
        Ok(names)
    }

    /// Shows each name in it to `visit`, in the order the file system gives them, until that fails.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn each_name(&self, mut visit: impl FnMut(&CStr) -> Result<()>) -> Result<()> {
        if self.listed.swap(true, Ordering::Relaxed) {
            rustix::fs::seek(&self.fd, rustix::fs::SeekFrom::Start(0)).named(Doing::List, &self.path)?;
        }
        let mut buffer = [std::mem::MaybeUninit::uninit(); LISTING];
        let mut entries = rustix::fs::RawDir::new(&self.fd, &mut buffer);
        while let Some(entry) = entries.next() {
            let entry = entry.named(Doing::List, &self.path)?;
            if !is_dots(entry.file_name()) {
                visit(entry.file_name())?;
            }
        }
        Ok(())
    }

    /// Shows each name in it to `visit`, in the order the file system gives them, until that fails; by `readdir(3)`,
    /// which macOS documents instead of a system call.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub fn each_name(&self, mut visit: impl FnMut(&CStr) -> Result<()>) -> Result<()> {
        for entry in rustix::fs::Dir::read_from(&self.fd).named(Doing::List, &self.path)? {
            let entry = entry.named(Doing::List, &self.path)?;
            if !is_dots(entry.file_name()) {
                visit(entry.file_name())?;
            }
        }
        Ok(())
    }

    /// The text of a link in it.
    pub fn read_link(&self, name: &OsStr) -> Result<PathBuf> {
        let text =
            rustix::fs::readlinkat(&self.fd, name, Vec::new()).named(Doing::Read, &self.path.join(name))?;
        Ok(PathBuf::from(OsString::from_vec(text.into_bytes())))
    }

    /// Reads a regular file at a relative path, of at most `limit` bytes, following no link on the way.
    pub fn read(&self, relative: &Path, limit: u64) -> Result<Vec<u8>> {
        let (file, size) = self.open_sized(relative)?;
        read_to_limit(file, size, &self.path.join(relative), limit)
    }

    /// Reads the start of such a file: at least as much as `is_enough` asks for, if there is so much, and of at most
    /// `limit` bytes.
    pub fn read_start(
        &self,
        relative: &Path,
        limit: u64,
        is_enough: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<u8>> {
        let (file, size) = self.open_sized(relative)?;
        let path = self.path.join(relative);
        let mut start = Vec::with_capacity(usize::try_from(size.min(START)).unwrap_or(0));
        (&file).take(size.min(START)).read_to_end(&mut start).named(Doing::Read, &path)?;
        if size > START && !is_enough(&start) {
            start.extend(read_to_limit(file, size - START, &path, limit.saturating_sub(START))?);
        }
        Ok(start)
    }

    /// Opens a regular file at a relative path for reading, following no link on the way.
    pub fn open_file(&self, relative: &Path) -> Result<File> {
        self.open_sized(relative).map(|(file, _)| file)
    }

    /// The same, for what a walk found to be a file: nothing is looked at before it is opened, without waiting.
    pub fn open_known_file(&self, relative: &Path) -> Result<File> {
        let Some(fd) = self.at_once(relative, OPEN_FILE) else { return self.open_file(relative) };
        let path = || self.path.join(relative);
        let stat = rustix::fs::fstat(&fd).map_err(|error| IoError::new(Doing::Look, path(), error))?;
        if facts_of(&stat).kind != Kind::File {
            insist_on_file(&stat, &path())?;
        }
        Ok(File::from(fd))
    }

    /// The same, with the file's size.
    fn open_sized(&self, relative: &Path) -> Result<(File, u64)> {
        let path = self.path.join(relative);
        let name = relative.file_name().ok_or_else(|| outside(&path))?;
        match relative.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => {
                let directory = self.descend(parent)?;
                open_regular(&directory.fd, name, &path)
            }
            _ => open_regular(&self.fd, name, &path),
        }
    }
}

fn is_dots(name: &CStr) -> bool {
    matches!(name.to_bytes(), b"." | b"..")
}

fn outside(path: &Path) -> IoError {
    IoError::new(
        Doing::Read,
        path,
        io::Error::new(io::ErrorKind::InvalidInput, "the path leaves the directory"),
    )
}

/// Opens a regular file without following a link. What it is, is looked at before (opening a device can do things, and
/// a pipe waits for its other end) and again on the open file (it may have been exchanged in between). Gives its size
/// as well.
fn open_regular(directory: impl std::os::fd::AsFd, name: &OsStr, path: &Path) -> Result<(File, u64)> {
    let before = rustix::fs::statat(&directory, name.as_bytes(), AtFlags::SYMLINK_NOFOLLOW);
    insist_on_file(&before.named(Doing::Read, path)?, path)?;
    let opened = rustix::fs::openat(directory, name.as_bytes(), OPEN_FILE, Mode::empty());
    let fd = opened.named(Doing::Read, path)?;
    let stat = rustix::fs::fstat(&fd).named(Doing::Look, path)?;
    insist_on_file(&stat, path)?;
    Ok((File::from(fd), facts_of(&stat).size))
}

pub(super) fn insist_on_file(stat: &rustix::fs::Stat, path: &Path) -> Result<()> {
    let kind = facts_of(stat).kind;
    if kind == Kind::File {
        return Ok(());
    }
    let what = io::Error::new(io::ErrorKind::InvalidInput, format!("it is {kind}, not a file"));
    Err(IoError::new(Doing::Read, path, what))
}

/// Reads the `size` bytes that a file says it holds, which saves looking for its end; those of `/proc` say 0, and are
/// read to theirs.
fn read_to_limit(file: File, size: u64, path: &Path, limit: u64) -> Result<Vec<u8>> {
    let most = if size == 0 { limit + 1 } else { size.min(limit + 1) };
    let mut content = Vec::with_capacity(usize::try_from(size.min(limit)).unwrap_or(0));
    file.take(most).read_to_end(&mut content).named(Doing::Read, path)?;
    if content.len() as u64 > limit {
        let why = io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {limit} bytes"));
        return Err(IoError::new(Doing::Read, path, why));
    }
    Ok(content)
}
