//! One file into another, by descriptor: what is read from the one is handed to the caller, who sees every byte that
//! goes into the other. As few system calls as a copy needs, since an environment has tens of thousands of files.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{AtFlags, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;

use super::checkpoint::reach_in;
use super::directory::insist_on_file;
use super::fs::{Directory, Doing, IoError, Result, facts_of};
use crate::model::facts::{Facts, Kind};

/// A regular file that is open for reading.
#[derive(Debug)]
pub struct Source<'a> {
    file: File,
    facts: Facts,
    done: u64,
    directory: &'a Directory,
    name: &'a OsStr,
}

impl<'a> Source<'a> {
    /// Opens the file of that name; a link in its place is refused. For names that a walk found to be files: what is
    /// no file is noticed only after it was opened, without blocking.
    pub fn open(directory: &'a Directory, name: &'a OsStr) -> Result<Self> {
        let path = || directory.path().join(name);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&directory.fd, name.as_bytes(), flags, Mode::empty())
            .map_err(|error| IoError::new(Doing::Read, path(), error))?;
        let stat = rustix::fs::fstat(&fd).map_err(|error| IoError::new(Doing::Look, path(), error))?;
        let facts = facts_of(&stat);
        if facts.kind != Kind::File {
            insist_on_file(&stat, &path())?;
        }
        Ok(Self { file: File::from(fd), facts, done: 0, directory, name })
    }

    /// What the file system said when it was opened.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Fills the buffer as far as the file goes; nothing is read at its end. The file ends where it did when it was
    /// opened, which saves the call that would confirm it.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() && self.done < self.facts.size {
            match self.file.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => {
                    filled += read;
                    self.done += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(IoError::new(Doing::Read, self.directory.path().join(self.name), error));
                }
            }
        }
        Ok(filled)
    }
}

/// A new file that is open for writing.
#[derive(Debug)]
pub struct Target<'a> {
    file: File,
    directory: &'a Directory,
    name: &'a OsStr,
}

impl<'a> Target<'a> {
    /// Makes a file with that mode, less the umask; an existing one is an error.
    pub fn create(directory: &'a Directory, name: &'a OsStr, mode: u16) -> Result<Self> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(mode.into());
        let fd = reach_in("create", directory.path(), name)
            .and_then(|()| rustix::fs::openat(&directory.fd, name.as_bytes(), flags, mode))
            .map_err(|error| IoError::new(Doing::Make, directory.path().join(name), error))?;
        Ok(Self { file: File::from(fd), directory, name })
    }

    /// Appends.
    pub fn write(&mut self, content: &[u8]) -> Result<()> {
        let done = reach_in("write", self.directory.path(), self.name).map_err(io::Error::from);
        let done = done.and_then(|()| self.file.write_all(content));
        done.map_err(|error| IoError::new(Doing::Write, self.directory.path().join(self.name), error))
    }

    /// Gives it the time of its original, in nanoseconds since 1970.
    pub fn set_modified(&self, nanoseconds: i64) -> Result<()> {
        let time = timespec(nanoseconds);
        let times = Timestamps { last_access: time, last_modification: time };
        reach_in("times", self.directory.path(), self.name)
            .and_then(|()| rustix::fs::futimens(&self.file, &times))
            .map_err(|error| IoError::new(Doing::Write, self.directory.path().join(self.name), error))
    }
}

pub(super) fn timespec(nanoseconds: i64) -> Timespec {
    const SECOND: i64 = 1_000_000_000;
    Timespec { tv_sec: nanoseconds.div_euclid(SECOND), tv_nsec: nanoseconds.rem_euclid(SECOND) }
}

impl Directory {
    /// Makes a directory in this one with that mode, less the umask, unless there is one.
    pub fn ensure_child(&self, name: &OsStr, mode: u16) -> Result<Self> {
        let made = reach_in("mkdir", self.path(), name)
            .and_then(|()| rustix::fs::mkdirat(&self.fd, name.as_bytes(), Mode::from_raw_mode(mode.into())));
        match made {
            Ok(()) | Err(Errno::EXIST) => self.child(name),
            Err(error) => Err(IoError::new(Doing::Make, self.path().join(name), error)),
        }
    }

    /// Removes a file in this directory.
    pub fn remove_file(&self, name: &OsStr) -> Result<()> {
        reach_in("unlink", self.path(), name)
            .and_then(|()| rustix::fs::unlinkat(&self.fd, name.as_bytes(), AtFlags::empty()))
            .map_err(|error| IoError::new(Doing::Remove, self.path().join(name), error))
    }

    /// Renames an entry of this directory into another one, over a file that may be there.
    pub fn rename_into(&self, name: &OsStr, other: &Self) -> Result<()> {
        reach_in("rename", other.path(), name)
            .and_then(|()| rustix::fs::renameat(&self.fd, name.as_bytes(), &other.fd, name.as_bytes()))
            .map_err(|error| IoError::new(Doing::Rename, other.path().join(name), error))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "the tests look at the disk by themselves")]

    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::{Directory, OsStr, Source, Target, timespec};

    #[test]
    fn content_mode_and_time_are_copied() {
        let place = tempfile::tempdir().unwrap();
        let directory = Directory::open(place.path()).unwrap();
        let content: Vec<u8> = (0_u32..5000).flat_map(u32::to_le_bytes).collect();
        fs::write(place.path().join("from"), &content).unwrap();
        let mut source = Source::open(&directory, OsStr::new("from")).unwrap();
        let mut target = Target::create(&directory, OsStr::new("to"), 0o700).unwrap();
        let mut buffer = [0; 777];
        loop {
            let read = source.read(&mut buffer).unwrap();
            if read == 0 {
                break;
            }
            target.write(&buffer[..read]).unwrap();
        }
        target.set_modified(1_500_000_000_123_456_789).unwrap();
        let made = fs::metadata(place.path().join("to")).unwrap();
        assert_eq!(fs::read(place.path().join("to")).unwrap(), content);
        assert_eq!((made.mtime(), made.mtime_nsec()), (1_500_000_000, 123_456_789));
        assert_eq!(made.permissions().mode() & 0o777, 0o700);
        assert!(Target::create(&directory, OsStr::new("to"), 0o700).is_err(), "it is there");
    }

    #[test]
    fn links_and_directories_are_refused() {
        let place = tempfile::tempdir().unwrap();
        let directory = Directory::open(place.path()).unwrap();
        fs::write(place.path().join("file"), "x").unwrap();
        symlink("file", place.path().join("link")).unwrap();
        fs::create_dir(place.path().join("sub")).unwrap();
        for name in ["link", "sub", "missing"] {
            assert!(Source::open(&directory, OsStr::new(name)).is_err(), "{name}");
        }
    }

    #[test]
    fn times_before_1970_are_times() {
        let time = timespec(-1);
        assert_eq!((time.tv_sec, time.tv_nsec), (-1, 999_999_999));
    }
}
