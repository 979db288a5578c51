//! Back to what was there before: the newest kept tree takes the environment's place again.
//!
//! What is live takes its turn as the kept tree, so that a second undo takes back the first.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::git_exclude;
use crate::host::fs;
use crate::inspect::beside::{self, Kept};
use crate::locate::{self, LocateError};
use crate::model::caller::Caller;
use crate::model::owner::Viewer;
use crate::model::prefix::Prefix;
use crate::store::known;
use crate::swap::{self, Journal, SwapError};

/// An environment that is as it was.
#[derive(Debug)]
pub struct Undone {
    /// The environment.
    pub prefix: Prefix,
    /// Which tree came back.
    pub returned: Kept,
    /// Where the one that was live is kept; `None` where nothing stood at the environment's place.
    pub aside: Option<PathBuf>,
}

/// Why nothing came back. The live environment is untouched.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// There is no kept tree.
    #[error("no old tree of {} is kept, so there is nothing to go back to", .prefix.display())]
    NothingKept {
        /// The environment.
        prefix: PathBuf,
    },
    /// The trees could not change places.
    #[error(transparent)]
    Swap(#[from] SwapError),
}

/// Finds the environment as [`known::locate`] does; where it was asked for by its path and nothing stands there, a
/// tree that is kept beside is enough.
pub fn locate_kept(asked: Option<&Path>, caller: &Caller) -> Result<Prefix, LocateError> {
    let error = match locate::locate(asked, caller) {
        Err(error @ LocateError::NoSuchPath { .. }) => error,
        answer => return answer,
    };
    let LocateError::NoSuchPath { path } = &error else { return Err(error) };
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Err(error) };
    let Ok(parent) = fs::physical(parent) else { return Err(error) };
    match Prefix::new(parent.join(name)) {
        Ok(prefix) if !beside::kept(&prefix).is_empty() => Ok(prefix),
        _ => known::called(asked, error, caller),
    }
}

/// Brings the newest kept tree back.
pub fn undo(prefix: &Prefix, viewer: &Viewer) -> Result<Undone, UndoError> {
    let nothing = || UndoError::NothingKept { prefix: prefix.path().to_owned() };
    if beside::kept(prefix).is_empty() && !beside::has_journal(prefix) {
        return Err(nothing());
    }
    // What an interrupted heal left is settled first: it may be what is kept.
    let journal = Journal::open(prefix)?;
    let returned = beside::kept(prefix).into_iter().next().ok_or_else(nothing)?;
    let time = beside::stamp(SystemTime::now());
    let aside = swap::bring_back(journal, &returned.path, &time)?;
    git_exclude::tidy(prefix, viewer);
    Ok(Undone { prefix: prefix.clone(), returned, aside })
}
