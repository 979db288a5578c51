//! What a heal has done so far, on the disk beside the environment, so that whoever comes after a crash can settle it.
//!
//! The file is also the lock: one heal of an environment at a time. A line is written and flushed *before* the step
//! that it announces, so the disk is at most one step behind the journal; [`super::recover`] looks at the disk to see
//! whether the last step happened.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::SwapError;
use crate::host::fs::{self, Directory, Doing, IoError};
use crate::host::lock::LockedFile;
use crate::host::running;
use crate::inspect::beside;
use crate::model::facts::Facts;
use crate::model::prefix::Prefix;
use crate::model::siblings::{self, SiblingKind};

/// How long another heal may hold the lock before this one gives up: as long as settling takes, not as long as
/// installing does.
const PATIENCE: Duration = Duration::from_secs(2);

/// More than every state's line together.
const MAX_SIZE: u64 = 64 * 1024;

/// Which directory is meant, whatever its name is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    pub(super) fn of(facts: &Facts) -> Self {
        Self { device: facts.device, inode: facts.inode }
    }
}

/// Which directory is meant, for what is done only where that is certain: an inode number is given out again, to what
/// anybody makes after the directory is gone. Where the file system keeps no time of birth, nothing is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Certain {
    directory: Identity,
    born_ns: Option<i64>,
}

impl Certain {
    /// The directory with those facts, which stands at `path`.
    fn of(facts: &Facts, path: &Path) -> Self {
        Self { directory: Identity::of(facts), born_ns: fs::born_ns(path) }
    }

    /// Whether it stands there.
    pub(super) fn is_at(&self, path: &Path) -> Result<bool, IoError> {
        let Some(facts) = fs::lstat_if_any(path)? else { return Ok(false) };
        Ok(self.born_ns.is_some() && *self == Self::of(&facts, path))
    }
}

/// How the two trees change places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// One system call; there is no moment without an environment.
    Exchange,
    /// Two renames, where the file system has no exchange.
    TwoStep,
}

/// A line of the journal: what is about to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub(super) enum Step {
    /// The directory at `stage` is being filled.
    Building {
        /// The stage's path.
        stage: PathBuf,
        /// The directory itself: only this one may be removed.
        identity: Identity,
    },
    /// The trees change places; afterwards the old one gets the name `kept`.
    Swapping {
        /// The live environment before.
        old: Identity,
        /// Where it is kept.
        kept: PathBuf,
    },
    /// The trees change back.
    RollingBack,
    /// A kept tree comes back to the prefix; what is live there, if anything, gets the name `aside`.
    Returning {
        /// Where the tree is kept.
        kept: PathBuf,
        /// The tree itself.
        returning: Identity,
        /// The live environment before.
        live: Option<Identity>,
        /// Where that is kept afterwards.
        aside: PathBuf,
    },
    /// Another environment was made from the live one, which gets the name `kept` once the other is in its place.
    Leaving {
        /// The live environment.
        old: Certain,
        /// Where it is kept.
        kept: PathBuf,
        /// The other one.
        new: Certain,
        /// Its place.
        to: PathBuf,
    },
}

/// The journal of one environment, locked.
#[derive(Debug)]
pub struct Journal {
    file: LockedFile,
    prefix: Prefix,
    /// Where the environment stands now, when a move of it was found cut off and is at its end.
    moved_to: Option<PathBuf>,
}

impl Journal {
    /// Takes the lock on an environment, then settles what an interrupted heal left.
    pub fn open(prefix: &Prefix) -> Result<Self, SwapError> {
        let path = prefix.parent().join(siblings::journal_name(prefix));
        let held = LockedFile::acquire(&path, PATIENCE)?;
        let busy = || SwapError::Busy { prefix: prefix.path().to_owned(), holder: running::holding(&path) };
        let file = held.ok_or_else(busy)?;
        let mut journal = Self { file, prefix: prefix.clone(), moved_to: None };
        journal.settle()?;
        journal.remove_empty_stages();
        Ok(journal)
    }

    /// An environment stands there, after what was left is settled; or why none does.
    pub fn insist_on_environment(&self) -> Result<(), SwapError> {
        if fs::lstat_if_any(self.prefix.path())?.is_some() {
            return Ok(());
        }
        let prefix = self.prefix.path().to_owned();
        Err(match &self.moved_to {
            Some(to) => SwapError::MovedAway { prefix, to: to.clone() },
            None => SwapError::NeverMade { prefix, kept: !beside::kept(&self.prefix).is_empty() },
        })
    }

    /// A run that was killed between making its stage and recording it left an empty directory. Nobody else can be
    /// about to fill it while the lock is held, and one that is not empty is not removed by this.
    fn remove_empty_stages(&self) {
        let parent = Directory::open(self.prefix.parent());
        for name in parent.and_then(|parent| parent.names()).unwrap_or_default() {
            let name = OsStr::from_bytes(&name);
            if siblings::classify(&self.prefix, name) == Some(SiblingKind::Stage) {
                // What is not empty, or not ours, stays.
                let _ = fs::remove_dir(&self.prefix.parent().join(name));
            }
        }
    }

    /// Brings the disk to the settled state that the steps so far lead to, and forgets them.
    pub(super) fn settle(&mut self) -> Result<(), SwapError> {
        if !self.file.is_in_place()? {
            // The directory was moved away with all that is in it: whoever comes next finds the journal there.
            return Err(SwapError::GroundChanged { what: self.prefix.parent().to_owned() });
        }
        let steps = self.steps()?;
        let moved_to = super::recover::settle(&self.prefix, &steps)?;
        self.moved_to = moved_to.or(self.moved_to.take());
        Ok(self.file.clear()?)
    }

    /// Forgets the steps so far: what they left is no longer settled by anybody.
    pub(super) fn forget(&mut self) -> Result<(), IoError> {
        self.file.clear()
    }

    /// The same for good, as far as the disk lets it: of a journal that cannot be emptied the name goes.
    pub(super) fn abandon(&mut self) {
        if self.file.clear().is_err() {
            // Neither can be had on a disk that takes nothing any more.
            let _ = self.file.remove();
        }
    }

    /// Says which directory the stage is, before anything is put into it.
    ///
    /// Not flushed to the disk: the kernel keeps the line through any kill, and a power cut before the trees change
    /// places loses no more than a stage that nobody recorded.
    pub fn building(&mut self, stage: &Path, identity: &Facts) -> Result<(), IoError> {
        let step = Step::Building { stage: stage.to_owned(), identity: Identity::of(identity) };
        self.append(&step)
    }

    pub(super) fn swapping(&mut self, old: &Facts, kept: &Path) -> Result<(), IoError> {
        self.write(&Step::Swapping { old: Identity::of(old), kept: kept.to_owned() })
    }

    pub(super) fn rolling_back(&mut self) -> Result<(), IoError> {
        self.write(&Step::RollingBack)
    }

    pub(super) fn returning(
        &mut self,
        (kept, returning): (&Path, &Facts),
        live: Option<&Facts>,
        aside: &Path,
    ) -> Result<(), IoError> {
        self.write(&Step::Returning {
            kept: kept.to_owned(),
            returning: Identity::of(returning),
            live: live.map(Identity::of),
            aside: aside.to_owned(),
        })
    }

    pub(super) fn leaving(
        &mut self,
        (old, kept): (&Facts, &Path),
        (new, stage): (&Facts, &Path),
        to: &Path,
    ) -> Result<(), IoError> {
        self.write(&Step::Leaving {
            old: Certain::of(old, self.prefix.path()),
            kept: kept.to_owned(),
            new: Certain::of(new, stage),
            to: to.to_owned(),
        })
    }

    /// The environment it is about.
    pub fn prefix(&self) -> &Prefix {
        &self.prefix
    }

    #[cfg(test)]
    pub(super) fn file_path(&self) -> &Path {
        self.file.path()
    }

    /// Adds a step and flushes it to the disk before it is taken.
    fn write(&mut self, step: &Step) -> Result<(), IoError> {
        self.append(step)?;
        self.file.flush()
    }

    fn append(&mut self, step: &Step) -> Result<(), IoError> {
        let line = serde_json::to_string(step).map_err(std::io::Error::other);
        let line = line.map_err(|error| IoError::new(Doing::Write, self.file.path(), error))?;
        self.file.append_line(&line)
    }

    fn steps(&mut self) -> Result<Vec<Step>, SwapError> {
        let content = self.file.content(MAX_SIZE)?;
        // A line without its end was cut off by the crash: the step it announces was not taken.
        let whole = content.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let lines = content[..whole].split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        let steps: Result<_, _> = lines.map(serde_json::from_slice).collect();
        steps.map_err(|_| SwapError::GarbledJournal { journal: self.file.path().to_owned() })
    }
}

/// The end of the work, however it ends: what is not settled is settled, and then the journal goes, and the lock with
/// it. When settling fails the file stays, for `check` to name and the next run to settle.
impl Drop for Journal {
    fn drop(&mut self) {
        if self.settle().is_ok() {
            // A journal without steps that stays behind does no harm.
            let _ = self.file.remove();
        }
    }
}
