//! Copying single entries from one open directory to another: content, mode and time, never through a link.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT};

use super::checkpoint::reach;
use super::fs::{Directory, Doing, IoError, Named, Result, facts_of};
use super::stream::timespec;
use crate::model::facts::Facts;
use crate::model::interrupt::Interrupt;

/// How much is copied between two looks at whether the user wants to stop.
const PIECE: u64 = 16 * 1024 * 1024;

/// How a copy ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// Whole.
    Whole {
        /// What the file system says of the file that was copied.
        facts: Facts,
        /// Whether it also had extended attributes (capabilities, access control lists), which are not copied.
        had_attributes: bool,
    },
    /// The user asked to stop.
    Interrupted,
}

impl Directory {
    /// Fails where the file system that holds this directory has no room for so many bytes more. One that does not
    /// tell is believed to have it.
    pub fn insist_on_room(&self, bytes: u64) -> Result<()> {
        let Ok(there) = rustix::fs::fstatvfs(&self.fd) else { return Ok(()) };
        let free = there.f_bavail.saturating_mul(there.f_frsize);
        if there.f_blocks == 0 || free >= bytes {
            return Ok(());
        }
        let (needed, free) = (bytes.div_ceil(1000), free / 1000);
        let why = format!("there is no room: {needed} kB are needed and {free} kB are free");
        Err(IoError::new(Doing::Write, self.path(), io::Error::new(io::ErrorKind::StorageFull, why)))
    }

    /// Copies an open file into this directory, under a name that is free: content, permission bits and time. Bits
    /// that make a program run as somebody else are left out: it has another owner now.
    pub fn receive(&self, name: &OsStr, mut from: File, interrupt: &Interrupt) -> Result<Copied> {
        let path = self.path().join(name);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        reach("create", &path).named(Doing::Make, &path)?;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR);
        let mut to = File::from(fd.named(Doing::Make, &path)?);
        let facts = facts_of(&rustix::fs::fstat(&from).named(Doing::Look, &path)?);
        loop {
            if interrupt.requested() {
                return Ok(Copied::Interrupted);
            }
            reach("write", &path).named(Doing::Write, &path)?;
            if io::copy(&mut from.by_ref().take(PIECE), &mut to).named(Doing::Write, &path)? == 0 {
                break;
            }
        }
        // Whoever could read it stays able to: the owner is another now.
        let mode = Mode::from_raw_mode((facts.mode & 0o777 | 0o400).into());
        reach("chmod", &path).named(Doing::Write, &path)?;
        rustix::fs::fchmod(&to, mode).named(Doing::Write, &path)?;
        reach("times", &path).named(Doing::Write, &path)?;
        rustix::fs::futimens(&to, &modified(&facts)).named(Doing::Write, &path)?;
        Ok(Copied::Whole { facts, had_attributes: has_attributes(&from) })
    }

    /// Makes a directory that only this user may enter until [`finish`](Self::finish) gives it its mode.
    pub fn make_child(&self, name: &OsStr) -> Result<()> {
        let path = self.path().join(name);
        reach("mkdir", &path).named(Doing::Make, &path)?;
        rustix::fs::mkdirat(&self.fd, name, Mode::RWXU).named(Doing::Make, &path)
    }

    /// Makes a link with that text and the time of `like`.
    pub fn make_link(&self, name: &OsStr, text: &Path, like: &Facts) -> Result<()> {
        let path = self.path().join(name);
        reach("symlink", &path).named(Doing::Make, &path)?;
        rustix::fs::symlinkat(text, &self.fd, name).named(Doing::Make, &path)?;
        reach("times", &path).named(Doing::Write, &path)?;
        rustix::fs::utimensat(&self.fd, name, &modified(like), AtFlags::SYMLINK_NOFOLLOW)
            .named(Doing::Write, &path)
    }

    /// Gives this directory the mode and time of `like`, once nothing more is put into it.
    pub fn finish(&self, like: &Facts) -> Result<()> {
        let mode = Mode::from_raw_mode((like.mode & 0o3777 | 0o500).into());
        reach("chmod", self.path()).named(Doing::Write, self.path())?;
        rustix::fs::fchmod(&self.fd, mode).named(Doing::Write, self.path())?;
        reach("times", self.path()).named(Doing::Write, self.path())?;
        rustix::fs::futimens(&self.fd, &modified(like)).named(Doing::Write, self.path())
    }
}

/// Whether a file has attributes that somebody set; the labels of a security module are not among them. A file system
/// that cannot tell has none.
fn has_attributes(file: &File) -> bool {
    let mut names = [0; 4096];
    match rustix::fs::flistxattr(file, &mut names) {
        Ok(length) => names[..length].split(|byte| *byte == 0).any(|name| {
            [&b"user."[..], b"system.posix_acl_", b"security.capability"]
                .iter()
                .any(|set| name.starts_with(set))
        }),
        // More of them than any label takes up.
        Err(error) => error == rustix::io::Errno::RANGE,
    }
}

fn modified(facts: &Facts) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: timespec(facts.modified_ns),
    }
}
