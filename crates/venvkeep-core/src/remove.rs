//! An environment is taken away without being lost: it gets a kept tree's name beside its place. `undo` brings it back,
//! `prune` gives back its space.

use std::path::PathBuf;
use std::time::SystemTime;

use crate::diagnose::managed::{self, ManagedElsewhere};
use crate::git_exclude;
use crate::host::fs::{self, IoError};
use crate::host::running::{self, Running};
use crate::inspect::beside;
use crate::inspect::inspect;
use crate::model::caller::Caller;
use crate::model::prefix::Prefix;
use crate::store::registry;
use crate::swap::{self, SwapError};

/// An environment that is set aside.
#[derive(Debug)]
pub struct Removed {
    /// Where it was.
    pub prefix: Prefix,
    /// Where it is kept.
    pub kept: PathBuf,
    /// The user's processes that use its files.
    pub running: Vec<Running>,
}

/// Why it was not. It is untouched.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// It could not be looked at.
    #[error(transparent)]
    Io(#[from] IoError),
    /// It could not be moved.
    #[error(transparent)]
    Swap(#[from] SwapError),
    /// Another tool keeps the environment.
    #[error(transparent)]
    ManagedElsewhere(#[from] ManagedElsewhere),
}

/// Sets an environment aside, in whatever state it is.
pub fn remove(prefix: &Prefix, caller: &Caller) -> Result<Removed, RemoveError> {
    let viewer = &caller.viewer;
    if !fs::may_write(prefix.parent()) {
        return Err(SwapError::parent_denied(prefix).into());
    }
    if fs::lstat_if_any(prefix.path())?.is_some()
        && let Some(manager) = managed::manager(&inspect(prefix, viewer)?)
    {
        return Err(ManagedElsewhere { prefix: prefix.path().to_owned(), manager }.into());
    }
    let mut journal = swap::lock(prefix)?;
    swap::insist_on_movable(&mut journal)?;
    let _ = git_exclude::keep_out(prefix, viewer);
    let running = running::using(prefix.path(), viewer);
    // So that it is found by its name where nothing stands any more; a convenience, and nothing to fail for.
    let _ = registry::register(prefix, None, caller);
    let kept = swap::set_aside(&journal, &beside::stamp(SystemTime::now())).map_err(SwapError::from);
    drop(journal);
    git_exclude::tidy(prefix, viewer);
    Ok(Removed { prefix: prefix.clone(), kept: kept?, running })
}
