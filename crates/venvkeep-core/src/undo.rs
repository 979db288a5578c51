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
use crate::model::naming::USUAL_NAMES;
use crate::model::prefix::Prefix;
use crate::store::{known, registry};
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
    /// The environment that a move had made of it, which stays where it is.
    pub moved_to: Option<Prefix>,
}

/// Why nothing came back. The live environment is untouched.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// There is no kept tree.
    #[error("no old tree of {} is kept, so there is nothing to go back to", .prefix.display())]
    NothingKept {
        /// The environment.
        prefix: PathBuf,
        /// Where an old tree of it is kept, if a move brought it here.
        moved_from: Option<Prefix>,
    },
    /// The trees could not change places.
    #[error(transparent)]
    Swap(#[from] SwapError),
}

/// Finds the environment as [`known::locate`] does; where nothing stands at the place that is meant, a tree that is kept
/// beside is enough. Without a name the nearest place decides, so that after a `remove` no environment further up is
/// meant.
pub fn locate_kept(asked: Option<&Path>, caller: &Caller) -> Result<Prefix, LocateError> {
    if asked.is_none()
        && let Some(prefix) = nearest_set_aside(&caller.cwd)
    {
        return Ok(prefix);
    }
    let error = match locate::locate(asked, caller) {
        Ok(prefix) => return Ok(prefix),
        Err(error) => error,
    };
    if let Some(prefix) = kept_instead(&error) {
        return Ok(prefix);
    }
    known::called(asked, error, caller).or_else(|error| known::set_aside(asked, error, caller))
}

/// The place that is meant where no environment was found and one that was removed or moved away is kept.
pub fn kept_instead(error: &LocateError) -> Option<Prefix> {
    match error {
        LocateError::NoSuchPath { path } | LocateError::NoSuchName { path, .. } => kept_at(path),
        LocateError::NotAnEnvironment { path, .. } => kept_in_project(path),
        LocateError::NoneNear { cwd } => nearest_set_aside(cwd),
        _ => None,
    }
}

/// The nearest place, from a directory upwards, where an environment usually stands and only a kept tree is left; `None`
/// where something stands in such a place before.
fn nearest_set_aside(start: &Path) -> Option<Prefix> {
    let usual = |directory: &Path| USUAL_NAMES.map(|name| directory.join(name));
    let stands = |path: &PathBuf| !matches!(fs::lstat_if_any(path), Ok(None));
    let nearest = start
        .ancestors()
        .find(|directory| usual(directory).iter().any(|place| stands(place) || kept_at(place).is_some()))?;
    if usual(nearest).iter().any(stands) { None } else { kept_in_project(nearest) }
}

/// The place in a project where an environment usually stands, and only a kept tree is left.
fn kept_in_project(directory: &Path) -> Option<Prefix> {
    USUAL_NAMES.iter().find_map(|name| kept_at(&directory.join(name)))
}

/// A place where nothing stands and a tree is kept beside.
fn kept_at(path: &Path) -> Option<Prefix> {
    let parent = fs::physical(path.parent()?).ok()?;
    let prefix = Prefix::new(parent.join(path.file_name()?)).ok()?;
    (!beside::kept(&prefix).is_empty()).then_some(prefix)
}

/// Brings the newest kept tree back. What a move made of it stays: there may be work in it.
pub fn undo(prefix: &Prefix, caller: &Caller) -> Result<Undone, UndoError> {
    let nothing = || {
        let moved_from = registry::moved_from(prefix, caller).filter(|old| !beside::kept(old).is_empty());
        UndoError::NothingKept { prefix: prefix.path().to_owned(), moved_from }
    };
    if beside::kept(prefix).is_empty() && !beside::has_journal(prefix) {
        return Err(nothing());
    }
    // What an interrupted heal left is settled first: it may be what is kept.
    let journal = Journal::open(prefix)?;
    let returned = beside::kept(prefix).into_iter().next().ok_or_else(nothing)?;
    let time = beside::stamp(SystemTime::now());
    let aside = swap::bring_back(journal, &returned.path, &time)?;
    git_exclude::tidy(prefix, &caller.viewer);
    // Where something stood at the place since then, what came back may be of a heal of that.
    let moved_to = if aside.is_none() { registry::moved_to(prefix, caller) } else { None };
    if let Some(moved) = &moved_to {
        // It is only for telling the two apart.
        let _ = registry::forget_move(moved, caller);
    }
    Ok(Undone { prefix: prefix.clone(), returned, aside, moved_to })
}
