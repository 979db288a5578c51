//! An open directory, and everything that is done by its descriptor.

use std::ffi::{CStr, OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};

use super::fs::{Doing, IoError, Named, Result, facts_of};
use crate::model::facts::{Facts, Kind};
use crate::model::owner::Viewer;

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
    pub fn each_name(&self, mut visit: impl FnMut(&CStr) -> Result<()>) -> Result<()> {
        self.each_entry(|name, _| visit(name))
    }

    /// The same with each entry's kind, where the listing tells it: not every file system does.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn each_entry(&self, mut visit: impl FnMut(&CStr, Option<Kind>) -> Result<()>) -> Result<()> {
        if self.listed.swap(true, Ordering::Relaxed) {
            rustix::fs::seek(&self.fd, rustix::fs::SeekFrom::Start(0)).named(Doing::List, &self.path)?;
        }
        let mut buffer = [std::mem::MaybeUninit::uninit(); LISTING];
        let mut entries = rustix::fs::RawDir::new(&self.fd, &mut buffer);
        while let Some(entry) = entries.next() {
            let entry = entry.named(Doing::List, &self.path)?;
            if !is_dots(entry.file_name()) {
                visit(entry.file_name(), kind_of(entry.file_type()))?;
            }
        }
        Ok(())
    }

    /// The same with each entry's kind, where the listing tells it; by `readdir(3)`, which macOS documents instead of a
    /// system call.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub fn each_entry(&self, mut visit: impl FnMut(&CStr, Option<Kind>) -> Result<()>) -> Result<()> {
        for entry in rustix::fs::Dir::read_from(&self.fd).named(Doing::List, &self.path)? {
            let entry = entry.named(Doing::List, &self.path)?;
            if !is_dots(entry.file_name()) {
                visit(entry.file_name(), kind_of(entry.file_type()))?;
            }
        }
        Ok(())
    }

    /// Opens the directory of that name in this one, unless something else is mounted there: then `None`. One call
    /// where the kernel has it (Linux 5.6); elsewhere the two devices are compared, which does not see a directory
    /// that is mounted from the same file system.
    pub fn child_on_same_mount(&self, name: &OsStr) -> Result<Option<Self>> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            use rustix::fs::ResolveFlags;
            use rustix::io::Errno;

            let resolve = ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS;
            match rustix::fs::openat2(&self.fd, name, OPEN_DIRECTORY, Mode::empty(), resolve) {
                Ok(fd) => return Ok(Some(Self::of(fd, self.path.join(name)))),
                Err(Errno::XDEV) => return Ok(None),
                // An older kernel, or a sandbox that does not know the call.
                Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN) => {}
                Err(error) => return Err(IoError::new(Doing::List, self.path.join(name), error)),
            }
        }
        let child = self.child(name)?;
        Ok((child.facts()?.device == self.facts()?.device).then_some(child))
    }

    /// What stands at a path below it, following no link; `None` where something else is mounted there or on the way.
    /// One call where the kernel has it (Linux 5.6); elsewhere devices are compared, as in
    /// [`child_on_same_mount`](Self::child_on_same_mount).
    pub fn lstat_on_same_mount(&self, relative: &Path) -> Result<Option<Facts>> {
        let path = || self.path.join(relative);
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            use rustix::fs::ResolveFlags;
            use rustix::io::Errno;

            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS;
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match rustix::fs::openat2(&self.fd, relative, flags, Mode::empty(), resolve) {
                Ok(fd) => {
                    let stat =
                        rustix::fs::fstat(&fd).map_err(|error| IoError::new(Doing::Look, path(), error))?;
                    return Ok(Some(facts_of(&stat)));
                }
                Err(Errno::XDEV) => return Ok(None),
                Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN) => {}
                Err(error) => return Err(IoError::new(Doing::Look, path(), error)),
            }
        }
        let mut parts: Vec<Component<'_>> = relative.components().collect();
        let Some(Component::Normal(last)) = parts.pop() else { return Err(outside(&path())) };
        let mut at = self.child(OsStr::new("."))?;
        for part in parts {
            let Component::Normal(name) = part else { return Err(outside(&path())) };
            let Some(child) = at.child_on_same_mount(name)? else { return Ok(None) };
            at = child;
        }
        let facts = at.lstat(last)?;
        Ok((facts.device == at.facts()?.device).then_some(facts))
    }

    /// Opens a file below it for reading, if it is still the one that was looked at.
    pub fn open_the_same(&self, relative: &Path, known: &Facts) -> Result<Option<File>> {
        let (file, _) = self.open_sized(relative)?;
        let now = rustix::fs::fstat(&file).named(Doing::Look, &self.path.join(relative))?;
        Ok((facts_of(&now) == *known).then_some(file))
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

    /// The same, into memory that is there already.
    pub fn read_into(&self, relative: &Path, limit: u64, content: &mut Vec<u8>) -> Result<()> {
        fill(self.open_sized(relative)?, &self.path.join(relative), limit, content)
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
            if size > limit {
                return Err(too_large(&path, limit));
            }
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

/// The kind that a listing tells. `Unknown` is how file systems say that they keep none there.
fn kind_of(told: FileType) -> Option<Kind> {
    match told {
        FileType::Unknown => None,
        known => Some(known.into()),
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
pub(super) fn open_regular(
    directory: impl std::os::fd::AsFd,
    name: &OsStr,
    path: &Path,
) -> Result<(File, u64)> {
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

fn too_large(path: &Path, limit: u64) -> IoError {
    let why = io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {limit} bytes"));
    IoError::new(Doing::Read, path, why)
}

/// Reads the `size` bytes that a file says it holds, which saves looking for its end; those of `/proc` say 0, and are
/// read to theirs. Of one that says it holds more than the limit nothing is read.
pub(super) fn read_to_limit(file: File, size: u64, path: &Path, limit: u64) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    fill((file, size), path, limit, &mut content)?;
    Ok(content)
}

fn fill((file, size): (File, u64), path: &Path, limit: u64, content: &mut Vec<u8>) -> Result<()> {
    content.clear();
    if size > limit {
        return Err(too_large(path, limit));
    }
    let most = if size == 0 { limit + 1 } else { size };
    content.reserve_exact(usize::try_from(size).unwrap_or(0));
    file.take(most).read_to_end(content).named(Doing::Read, path)?;
    if content.len() as u64 > limit { Err(too_large(path, limit)) } else { Ok(()) }
}
