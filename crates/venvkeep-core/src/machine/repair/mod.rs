//! `doctor --repair`: what the caller may put right of what `doctor` finds, in steps that are shown before they are taken,
//! written down, and taken back by `--undo`.
//!
//! As a user: directories of theirs that others took over are put aside, and their own stand in their place; their own
//! files are opened to themselves. As root: what distributions among the system's packages record is opened to everybody
//! for reading. Nothing is executed, no link followed, nothing deleted.

mod anew;
mod apply;
mod everybodys;
mod notes;
mod own;
mod take_back;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::host::fs::{self, Directory, IoError};
use crate::host::programs::Distrust;
use crate::model::caller::Caller;
use crate::model::facts::{Facts, Kind};

pub use apply::{Done, carry_out, settle};
pub use take_back::{Undone, take_back};

/// Which entry it was: what a step that was written down is held against before it is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    device: u64,
    inode: u64,
    /// Size in bytes and time of the last change in nanoseconds, of a file; a directory's change with what is put into it.
    content: Option<(u64, i64)>,
}

impl Identity {
    fn of(facts: &Facts) -> Self {
        let content = (facts.kind == Kind::File).then_some((facts.size, facts.modified_ns));
        Self { device: facts.device, inode: facts.inode, content }
    }
}

/// One thing that is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Step {
    /// An entry gets other permission bits.
    Mode {
        /// Absolute.
        path: PathBuf,
        /// Which entry it is.
        entry: Identity,
        /// Permission bits as they are.
        before: u16,
        /// And as they will be.
        after: u16,
    },
    /// A directory is put aside, and one of the caller's own takes its place.
    Anew {
        /// Absolute.
        path: PathBuf,
        /// Which directory it is.
        old: Identity,
        /// The name beside it under which the old one is kept.
        kept: PathBuf,
        /// What is in the new one.
        with: With,
    },
}

/// What is in a directory that takes another's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum With {
    /// Nothing: a cache fills again.
    Nothing,
    /// A copy of what was in the old one.
    Copies,
}

impl Step {
    /// What it is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::Mode { path, .. } | Self::Anew { path, .. } => path,
        }
    }

    /// Whether it does nothing but let everybody read (`a+rX`), which is all that root's repair does: taking such a step
    /// back gives nobody anything.
    fn only_opens(&self) -> bool {
        match self {
            Self::Mode { before, after, .. } => before & !after == 0 && after & !before & !0o555 == 0,
            Self::Anew { .. } => false,
        }
    }
}

/// What is left as it is, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// What it is about.
    pub path: PathBuf,
    /// Why, and whose business it is, in words.
    pub why: String,
}

impl Left {
    fn new(path: impl Into<PathBuf>, why: impl Into<String>) -> Self {
        Self { path: path.into(), why: why.into() }
    }
}

/// What a repair would do. Nothing is changed by making one.
#[derive(Debug, Default)]
pub struct Plan {
    /// In the order in which they are taken.
    pub steps: Vec<Step>,
    /// What it would not touch.
    pub left: Vec<Left>,
}

/// Why a repair, or its undoing, could not be done.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// There is no directory to write the steps down in; without that none is taken.
    #[error("there is no directory of yours to write down what is changed, without which nothing is")]
    NowhereToNote,
    /// Others could change what is written down, or put something else there.
    #[error("what is changed would be written down where others could change it: {0}")]
    Unsafe(Distrust),
    /// Another repair, or an undo, is under way.
    #[error("another repair of yours is under way")]
    Busy,
    /// More steps than a log may hold.
    #[error("{count} steps are more than can be written down for an undo")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// A directory cannot be put aside under its name.
    #[error("{} is there already; run it again for another name", .0.display())]
    NameTaken(PathBuf),
    /// A directory was put aside, and nothing came to its place.
    #[error("{} was put aside and is at {}; the new one could not take its place ({why})", .path.display(), .kept.display())]
    PutAside {
        /// Where it was.
        path: PathBuf,
        /// Where it is.
        kept: PathBuf,
        /// Why.
        why: IoError,
    },
    /// No repair is written down that was not taken back.
    #[error("no repair is there to be undone")]
    NothingToUndo,
    /// What was written down cannot be read.
    #[error("what the repair wrote down in {} is garbled: {why}", .path.display())]
    Garbled {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The system refused something.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The user asked to stop.
    #[error("stopped")]
    Interrupted,
}

/// What the caller may put right.
pub fn plan(caller: &Caller) -> Plan {
    let mut plan = if caller.viewer.is_root() { everybodys::plan(caller) } else { own::plan(caller) };
    // The steps are written down as text.
    let (told, left): (Vec<Step>, Vec<Step>) =
        plan.steps.into_iter().partition(|step| step.path().to_str().is_some());
    plan.steps = told;
    plan.left.extend(left.iter().map(|step| Left::new(step.path(), "its name is not text")));
    plan
}

/// Opens the directory around an absolute path, following no link on the way.
fn around(path: &Path) -> Result<Directory, IoError> {
    let root = Directory::open(Path::new("/"))?;
    match path.parent().and_then(|above| above.strip_prefix("/").ok()) {
        Some(above) if !above.as_os_str().is_empty() => root.descend(above),
        _ => Ok(root),
    }
}

/// What stands at an absolute path, no link followed on the way.
fn look(path: &Path) -> Result<Option<Facts>, IoError> {
    let Some(name) = path.file_name() else { return Ok(Some(fs::lstat(path)?)) };
    match around(path).and_then(|above| above.lstat(name)) {
        Ok(facts) => Ok(Some(facts)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}
