//! Giving back the space of kept old trees: those that the user can remove go, the others are named.
//!
//! A tree that cannot be removed whole stays whole, so that `undo` never brings back a part of one.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::git_exclude;
use crate::host::fs::IoError;
use crate::host::remove::{self, Weighed};
use crate::inspect::beside;
use crate::model::caller::Caller;
use crate::model::interrupt::Interrupt;
use crate::model::prefix::Prefix;
use crate::swap::{self, Journal, SwapError};

/// What became of one environment's kept trees.
#[derive(Debug)]
pub struct Pruned {
    /// The environment.
    pub prefix: Prefix,
    /// Those that are gone.
    pub removed: Vec<Removed>,
    /// Those that are not old enough.
    pub spared: Vec<PathBuf>,
    /// Those that only root, or another user, can remove; they are as they were.
    pub remaining: Vec<Remaining>,
    /// Those that could not be removed though they should; those after them may not have had their turn.
    pub failed: Vec<Failed>,
    /// The user asked to stop; some trees may not have had their turn.
    pub interrupted: bool,
}

/// A tree that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Where it was.
    pub path: PathBuf,
    /// What its files took.
    pub bytes: u64,
}

/// A tree that stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remaining {
    /// Where it is.
    pub path: PathBuf,
    /// A directory in it that the user can neither empty nor remove.
    pub obstacle: PathBuf,
}

/// A tree whose removal failed.
#[derive(Debug)]
pub struct Failed {
    /// Where it was.
    pub path: PathBuf,
    /// Why, and what is left.
    pub why: SwapError,
}

/// What a pruning would do with an environment's kept trees that are at least `older_than` old. Nothing is changed.
#[derive(Debug)]
pub struct Plan {
    /// The environment.
    pub prefix: Prefix,
    /// Those that would go.
    pub doomed: Vec<Removed>,
    /// Those that are not old enough.
    pub spared: Vec<PathBuf>,
    /// Those that only root, or another user, can remove.
    pub remaining: Vec<Remaining>,
}

/// Looks at each of them.
pub fn plan(prefix: &Prefix, older_than: Duration, caller: &Caller) -> Result<Plan, SwapError> {
    let now = SystemTime::now();
    let (old, young): (Vec<_>, Vec<_>) =
        beside::kept(prefix).into_iter().partition(|kept| kept.age(now) >= older_than);
    let mut plan = Plan {
        prefix: prefix.clone(),
        doomed: Vec::new(),
        spared: young.into_iter().map(|kept| kept.path).collect(),
        remaining: Vec::new(),
    };
    for kept in old {
        match weigh(kept.path, prefix, caller)? {
            Ok(removable) => plan.doomed.push(removable),
            Err(remaining) => plan.remaining.push(remaining),
        }
    }
    Ok(plan)
}

/// Removes an environment's kept trees that are at least `older_than` old.
pub fn prune(
    prefix: &Prefix,
    older_than: Duration,
    caller: &Caller,
    interrupt: &Interrupt,
) -> Result<Pruned, SwapError> {
    if beside::has_journal(prefix) {
        // What an interrupted heal left is settled first: it may be what is kept.
        drop(Journal::open(prefix)?);
    }
    let Plan { prefix, doomed, spared, remaining } = plan(prefix, older_than, caller)?;
    let (removed, failed) = (Vec::new(), Vec::new());
    let mut pruned = Pruned { prefix, removed, spared, remaining, failed, interrupted: false };
    if !doomed.is_empty() {
        remove_each(doomed, &mut pruned, interrupt)?;
    }
    git_exclude::tidy(&pruned.prefix, &caller.viewer);
    Ok(pruned)
}

fn remove_each(doomed: Vec<Removed>, pruned: &mut Pruned, interrupt: &Interrupt) -> Result<(), SwapError> {
    let mut journal = Journal::open(&pruned.prefix)?;
    for one in doomed {
        if interrupt.requested() {
            pruned.interrupted = true;
            break;
        }
        match swap::remove_kept(&mut journal, &one.path) {
            Ok(()) => pruned.removed.push(one),
            // An attribute or a security module forbids what owner and mode allow.
            Err(SwapError::Io(error)) if error.is_denied() => {
                pruned.remaining.push(Remaining { path: one.path, obstacle: error.path });
            }
            Err(why) => {
                // What cannot be removed wholly is nobody's any more; after anything else the journal may not be.
                let goes_on = matches!(why, SwapError::HalfRemoved { .. });
                pruned.failed.push(Failed { path: one.path, why });
                if !goes_on {
                    break;
                }
            }
        }
    }
    Ok(())
}

/// Removes the one tree that a heal has just kept, or says what stands in the way.
pub fn discard(
    prefix: &Prefix,
    kept: &Path,
    caller: &Caller,
) -> Result<Result<Removed, Remaining>, SwapError> {
    match weigh(kept.to_owned(), prefix, caller)? {
        Ok(removed) => {
            swap::remove_kept(&mut Journal::open(prefix)?, kept)?;
            Ok(Ok(removed))
        }
        Err(remaining) => Ok(Err(remaining)),
    }
}

fn weigh(path: PathBuf, prefix: &Prefix, caller: &Caller) -> Result<Result<Removed, Remaining>, IoError> {
    if !crate::host::fs::may_write(prefix.parent()) {
        return Ok(Err(Remaining { path, obstacle: prefix.parent().to_owned() }));
    }
    Ok(match remove::weigh(&path, &caller.viewer)? {
        Weighed::Removable { bytes } => Ok(Removed { path, bytes }),
        Weighed::Obstructed(obstacle) => Err(Remaining { path, obstacle }),
    })
}
