//! Files and directories, by descriptor and with the path in every error.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};

use super::checkpoint::reach;
use super::directory::{open_regular, read_to_limit};
use crate::model::facts::{Facts, Kind};

pub use super::directory::Directory;

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
        let source = source.into();
        if is_exhaustion(&source) {
            RAN_OUT.store(true, Ordering::Relaxed);
        }
        Self { doing, path: path.into(), source }
    }

    /// The system's answer alone: `permission denied`.
    pub fn reason(&self) -> String {
        plain_words(&self.source).to_lowercase()
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

/// Whether this process was ever refused a file for having too many open, or for want of memory.
static RAN_OUT: AtomicBool = AtomicBool::new(false);

fn is_exhaustion(error: &io::Error) -> bool {
    use rustix::io::Errno;

    let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOMEM].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| exhausted.contains(&code))
}

/// An error where this process was refused something for want of descriptors or memory: what it found out since says less
/// of the disk than of itself.
pub fn insist_on_resources(about: &Path) -> Result<()> {
    if !RAN_OUT.load(Ordering::Relaxed) {
        return Ok(());
    }
    let why = io::Error::from_raw_os_error(rustix::io::Errno::MFILE.raw_os_error());
    Err(IoError::new(Doing::Look, about, why))
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

impl From<FileType> for Kind {
    fn from(told: FileType) -> Self {
        match told {
            FileType::Directory => Self::Directory,
            FileType::RegularFile => Self::File,
            FileType::Symlink => Self::Link,
            FileType::Fifo => Self::Fifo,
            FileType::Socket => Self::Socket,
            _ => Self::Device,
        }
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
        kind: FileType::from_raw_mode(stat.st_mode).into(),
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

/// Puts new content in the place of a file, whole or not at all: a temporary sibling, then renamed over it.
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

/// Like [`replace_file`], and on the disk when it returns, the name too.
pub fn replace_flushed(path: &Path, mode: u16, content: &[u8]) -> Result<()> {
    let temporary = temporary_beside(path);
    let write = || -> Result<()> {
        create_file(&temporary, mode, content)?;
        sync(&temporary)?;
        reach("rename", path).named(Doing::Rename, path)?;
        rustix::fs::rename(&temporary, path).named(Doing::Rename, path)?;
        sync(path.parent().unwrap_or(path))
    };
    write().inspect_err(|_| {
        // As above: the first error is the one that matters.
        let _ = remove_file(&temporary);
    })
}

fn sync(path: &Path) -> Result<()> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    reach("sync", path).named(Doing::Flush, path)?;
    let fd = rustix::fs::open(path, flags, Mode::empty()).named(Doing::Flush, path)?;
    rustix::fs::fsync(&fd).named(Doing::Flush, path)
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

/// The outermost directory above a path that not everybody may pass.
pub fn shut_above(path: &Path) -> Option<PathBuf> {
    let is_shut = |directory: &&Path| stat(directory).is_ok_and(|facts| facts.mode & 0o001 == 0);
    path.ancestors().skip(1).filter(is_shut).last().map(Path::to_owned)
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
