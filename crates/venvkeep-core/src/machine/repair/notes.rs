//! What a repair writes down before it takes a step, so that `--undo` can take it back: a file for each repair, in a
//! directory of the caller's in which one repair or undo works at a time.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{RepairError, Step};
use crate::host::fs::{self, Directory};
use crate::host::lock::LockedFile;
use crate::host::{programs, rename};
use crate::inspect::beside;
use crate::model::caller::Caller;
use crate::model::owner::Viewer;

/// A log of some 300,000 entries; a longer one is not begun, since it could not be read back.
const LONGEST: u64 = 64 * 1024 * 1024;

/// How long another repair is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The directory, and the sole right to work in it.
pub(super) struct Notes<'a> {
    directory: Directory,
    viewer: &'a Viewer,
    _lock: LockedFile,
}

/// What one repair wrote down.
pub(super) struct Log {
    /// Its file's name.
    name: String,
    /// Its file.
    pub(super) path: PathBuf,
    /// In the order in which they were taken.
    pub(super) steps: Vec<Step>,
}

impl<'a> Notes<'a> {
    /// Makes the directory if need be.
    pub(super) fn make(caller: &'a Caller) -> Result<Self, RepairError> {
        let path = place(caller)?;
        fs::create_dirs(&path, 0o700)?;
        Self::open(&path, &caller.viewer)
    }

    /// `None` where no repair was ever written down.
    pub(super) fn find(caller: &'a Caller) -> Result<Option<Self>, RepairError> {
        let path = place(caller)?;
        if fs::lstat_if_any(&path)?.is_none() {
            return Ok(None);
        }
        Self::open(&path, &caller.viewer).map(Some)
    }

    /// What stands there is acted on, as root too: nobody else may be able to write it, or to put another directory there.
    fn open(path: &Path, viewer: &'a Viewer) -> Result<Self, RepairError> {
        if viewer.is_root() {
            programs::trust_way(&path.join("x"), viewer).map_err(RepairError::Unsafe)?;
        }
        let directory = Directory::open_own(path, viewer)?;
        let lock = LockedFile::acquire(&path.join("lock"), PATIENCE)?.ok_or(RepairError::Busy)?;
        Ok(Self { directory, viewer, _lock: lock })
    }

    /// Writes the steps down, flushed to the disk, before the first of them is taken.
    pub(super) fn write(&self, steps: &[Step]) -> Result<PathBuf, RepairError> {
        let log = self.free_name()?;
        let text = serde_json::to_vec(steps)
            .map_err(|error| RepairError::Garbled { path: log.clone(), why: error.to_string() })?;
        if text.len() as u64 > LONGEST {
            return Err(RepairError::TooMany { count: steps.len() });
        }
        fs::replace_flushed(&log, 0o600, &text)?;
        Ok(log)
    }

    /// The newest that was not taken back: their names are their times.
    pub(super) fn newest(&self) -> Result<Option<Log>, RepairError> {
        let names = self.directory.names()?.into_iter().filter_map(|name| String::from_utf8(name).ok());
        let logs = names.filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "json"));
        let Some(name) = logs.max() else { return Ok(None) };
        let path = self.directory.path().join(&name);
        let garbled = |why: String| RepairError::Garbled { path: path.clone(), why };
        let facts = self.directory.lstat(name.as_ref())?;
        if facts.uid != self.viewer.uid || self.viewer.others_can_add(&facts) {
            return Err(garbled("other users could have written it".to_owned()));
        }
        let text = self.directory.read(Path::new(&name), LONGEST)?;
        let steps: Vec<Step> = serde_json::from_slice(&text).map_err(|error| garbled(error.to_string()))?;
        if self.viewer.is_root() && !steps.iter().all(Step::only_opens) {
            return Err(garbled("it holds what root's repair never does".to_owned()));
        }
        Ok(Some(Log { name, path, steps }))
    }

    /// Sets a log aside, which is then not the newest any more.
    pub(super) fn close(&self, log: &Log) -> Result<PathBuf, RepairError> {
        let closed = self.directory.path().join(format!("{}.undone", log.name));
        rename::over(&self.directory.path().join(&log.name), &closed)?;
        Ok(closed)
    }

    /// Two repairs in one second each have a log.
    fn free_name(&self) -> Result<PathBuf, RepairError> {
        let stamp = beside::stamp(SystemTime::now());
        let names = self.directory.names()?;
        let is_taken = |name: &str| names.iter().any(|taken| taken.starts_with(name.as_bytes()));
        let name = (1..1000).map(|number| format!("{stamp}-{number:03}.json")).find(|name| !is_taken(name));
        Ok(self.directory.path().join(name.unwrap_or(stamp)))
    }
}

fn place(caller: &Caller) -> Result<PathBuf, RepairError> {
    caller.state_dir.as_ref().map(|state| state.join("repairs")).ok_or(RepairError::NowhereToNote)
}
