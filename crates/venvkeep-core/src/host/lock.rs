//! A file that is held by one process at a time, and that its holder removes when the work is done.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::checkpoint::reach;
use super::fs::{Doing, IoError, Named, Result, facts_of, lstat_if_any};
use crate::model::facts::Kind;

/// A locked file. The lock ends with the process, whatever ends it, and with every program that this one started
/// meanwhile: an installer that outlives a killed venvkeep still writes into the stage, so it has to hold the lock as
/// well. The file stays until [`LockedFile::remove`], so that whoever locks it next can read what the last holder wrote.
#[derive(Debug)]
pub struct LockedFile {
    file: File,
    path: PathBuf,
}

impl LockedFile {
    /// Opens or makes the file (mode 0600, no link followed) and locks it, waiting up to `patience` for another holder.
    /// `None`: it is still held.
    pub fn acquire(path: &Path, patience: Duration) -> Result<Option<Self>> {
        let until = Instant::now() + patience;
        loop {
            // Without CLOEXEC: inherited by what is started.
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK;
            reach("lock", path).named(Doing::Lock, path)?;
            let fd = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR).named(Doing::Lock, path)?;
            let file = File::from(fd);
            insist_on_own(&file, path)?;
            match file.try_lock() {
                Ok(()) if is_at(&file, path)? => return Ok(Some(Self { file, path: path.to_owned() })),
                // The holder before us removed the file while we waited for it: lock the one that is there now.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(IoError::new(Doing::Lock, path, error)),
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is still what stands at its path; not where the directory around it was moved away.
    pub fn is_in_place(&self) -> Result<bool> {
        is_at(&self.file, &self.path)
    }

    /// What its last holder left in it, at most `limit` bytes.
    pub fn content(&mut self, limit: u64) -> Result<Vec<u8>> {
        let mut content = Vec::new();
        self.file.rewind().named(Doing::Read, &self.path)?;
        Read::by_ref(&mut self.file).take(limit).read_to_end(&mut content).named(Doing::Read, &self.path)?;
        Ok(content)
    }

    /// Adds a line. A later reader counts only whole lines, so none is half lost to a crash in the middle.
    pub fn append_line(&mut self, line: &str) -> Result<()> {
        reach("append", &self.path).named(Doing::Write, &self.path)?;
        self.file.seek(io::SeekFrom::End(0)).named(Doing::Write, &self.path)?;
        self.file.write_all(format!("{line}\n").as_bytes()).named(Doing::Write, &self.path)
    }

    /// Flushes what was written to the disk.
    pub fn flush(&self) -> Result<()> {
        reach("sync", &self.path).named(Doing::Flush, &self.path)?;
        self.file.sync_data().named(Doing::Flush, &self.path)
    }

    /// Empties it.
    pub fn clear(&mut self) -> Result<()> {
        reach("clear", &self.path).named(Doing::Write, &self.path)?;
        self.file.set_len(0).named(Doing::Write, &self.path)
    }

    /// Removes the file while the lock is still held.
    pub fn remove(&self) -> Result<()> {
        super::fs::remove_file(&self.path)
    }
}

/// What stands in the file is acted on, so nobody else may have put it there: a file of another's, or a second name of
/// one of ours, is refused.
fn insist_on_own(file: &File, path: &Path) -> Result<()> {
    let facts = rustix::fs::fstat(file).map(|stat| facts_of(&stat)).named(Doing::Lock, path)?;
    let me = rustix::process::geteuid().as_raw();
    // Without any name left it was just removed by its holder; the loop looks again.
    if facts.kind == Kind::File && facts.uid == me && facts.links <= 1 {
        return Ok(());
    }
    Err(IoError::new(Doing::Lock, path, Errno::ACCESS))
}

fn is_at(file: &File, path: &Path) -> Result<bool> {
    let held = rustix::fs::fstat(file).map(|stat| facts_of(&stat)).named(Doing::Lock, path)?;
    Ok(lstat_if_any(path)?.is_some_and(|there| there.same_entry(&held)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "the tests look at the disk by themselves")]

    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::time::Duration;

    use super::LockedFile;

    #[test]
    fn it_is_private_and_held_once() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("lock");
        let lock = LockedFile::acquire(&path, Duration::ZERO).unwrap().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert!(LockedFile::acquire(&path, Duration::ZERO).unwrap().is_none());
        drop(lock);
        assert!(LockedFile::acquire(&path, Duration::ZERO).unwrap().is_some());
    }

    #[test]
    fn links_and_pipes_in_its_place_are_refused() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("lock");
        let precious = place.path().join("precious");
        fs::write(&precious, "").unwrap();
        fs::hard_link(&precious, &path).unwrap();
        assert!(LockedFile::acquire(&path, Duration::ZERO).is_err(), "a second name of another file");
        fs::remove_file(&path).unwrap();
        symlink(&precious, &path).unwrap();
        assert!(LockedFile::acquire(&path, Duration::ZERO).is_err());
        fs::remove_file(&path).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        assert!(LockedFile::acquire(&path, Duration::ZERO).is_err());
    }
}
