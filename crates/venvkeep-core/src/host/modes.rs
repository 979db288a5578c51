//! Changing the mode of something that is there already, and of exactly that: whatever its name has come to mean since it
//! was looked at, nothing else is touched, and no link is followed.

use std::ffi::OsStr;

use rustix::fs::{Mode, OFlags};

use super::checkpoint::reach;
use super::directory::Directory;
use super::fs::{Doing, Named, Result, facts_of};
use crate::model::facts::Facts;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It has the new mode.
    Done,
    /// Something else stands there, or somebody changed its mode meanwhile: nothing was done.
    NotTheSame,
}

impl Directory {
    /// Gives the entry of that name in this directory the permission bits `mode`, if it is still the one with `known`'s
    /// inode and mode.
    ///
    /// A descriptor that only names the entry needs no permission to read it (`O_PATH`, open(2)), and its name in
    /// `/proc` leads to that entry alone.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn change_mode(&self, name: &OsStr, known: &Facts, mode: u16) -> Result<Changed> {
        use std::io;
        use std::os::fd::AsRawFd;

        use rustix::io::Errno;

        use super::fs::IoError;

        let path = self.path().join(name);
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let entry = rustix::fs::openat(&self.fd, name, flags, Mode::empty()).named(Doing::Look, &path)?;
        let now = facts_of(&rustix::fs::fstat(&entry).named(Doing::Look, &path)?);
        if !is_known(&now, known) {
            return Ok(Changed::NotTheSame);
        }
        let itself = format!("/proc/self/fd/{}", entry.as_raw_fd());
        reach("chmod", &path).named(Doing::Write, &path)?;
        match rustix::fs::chmod(itself.as_str(), Mode::from_raw_mode(mode.into())) {
            Err(Errno::NOENT) => {
                let why = io::Error::other("/proc is not there, through which its mode is changed");
                Err(IoError::new(Doing::Write, &path, why))
            }
            answer => answer.named(Doing::Write, &path).map(|()| Changed::Done),
        }
    }

    /// The same by fchmodat(2), which macOS documents to change a link itself with `AT_SYMLINK_NOFOLLOW`; what stands
    /// there is looked at right before.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub fn change_mode(&self, name: &OsStr, known: &Facts, mode: u16) -> Result<Changed> {
        use rustix::fs::AtFlags;

        let path = self.path().join(name);
        if !is_known(&self.lstat(name)?, known) {
            return Ok(Changed::NotTheSame);
        }
        reach("chmod", &path).named(Doing::Write, &path)?;
        rustix::fs::chmodat(&self.fd, name, Mode::from_raw_mode(mode.into()), AtFlags::SYMLINK_NOFOLLOW)
            .named(Doing::Write, &path)?;
        Ok(Changed::Done)
    }
}

fn is_known(now: &Facts, known: &Facts) -> bool {
    now.same_entry(known) && now.kind == known.kind && now.mode == known.mode
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::{Changed, Directory};

    #[test]
    fn only_what_was_looked_at_changes() {
        let dir = tempfile::tempdir().unwrap();
        let mode = |name: &str| fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o7777;
        for (name, bits) in [("closed", 0o000), ("other", 0o600)] {
            fs::write(dir.path().join(name), "x").unwrap();
            fs::set_permissions(dir.path().join(name), fs::Permissions::from_mode(bits)).unwrap();
        }
        symlink("other", dir.path().join("link")).unwrap();
        let open = Directory::open(dir.path()).unwrap();
        let known = open.lstat("closed".as_ref()).unwrap();
        assert_eq!(open.change_mode("closed".as_ref(), &known, 0o644).unwrap(), Changed::Done);
        assert_eq!(mode("closed"), 0o644);
        assert_eq!(open.change_mode("closed".as_ref(), &known, 0o755).unwrap(), Changed::NotTheSame);
        assert_eq!(open.change_mode("link".as_ref(), &known, 0o644).unwrap(), Changed::NotTheSame);
        assert_eq!((mode("closed"), mode("other")), (0o644, 0o600));
    }
}
