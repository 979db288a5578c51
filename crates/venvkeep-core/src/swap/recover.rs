//! Settling what an interrupted heal left, from the journal and from what is on the disk. What may be found and what is
//! then done is a table in `docs/safety.md`, "What is on the disk after a crash"; the fault matrix tests it row by row.
//!
//! Directories are told apart by device and inode, never by name: a sibling is removed only when it is the very
//! directory that the journal says the heal made. Anything else on the disk is left alone and said.

use std::path::{Path, PathBuf};

use super::SwapError;
use super::journal::{Certain, Identity, Step};
use crate::host::{fs, remove, rename};
use crate::model::prefix::Prefix;

/// What the journal says, as one value.
#[derive(Default)]
struct Told {
    stage: Option<(PathBuf, Identity)>,
    swap: Option<(Identity, PathBuf)>,
    rolling_back: bool,
    undo: Option<Undo>,
    leaving: Option<Leaving>,
}

/// An environment that is left for another place.
struct Leaving {
    old: Certain,
    kept: PathBuf,
    new: Certain,
    to: PathBuf,
}

/// A kept tree on its way back to the prefix.
struct Undo {
    kept: PathBuf,
    returning: Identity,
    live: Option<Identity>,
    aside: PathBuf,
}

/// Brings the disk to one of the two settled states: wholly the old environment, or wholly the new one. Gives
/// the place that the environment was moved to, where that is at its end.
pub(super) fn settle(prefix: &Prefix, steps: &[Step]) -> Result<Option<PathBuf>, SwapError> {
    let mut told = Told::default();
    // Of the paths only the names count: the directory may have been moved, with everything in it.
    let here = |path: &Path| prefix.parent().join(path.file_name().unwrap_or_default());
    for step in steps {
        match step {
            Step::Building { stage, identity } => told.stage = Some((here(stage), *identity)),
            Step::Swapping { old, kept } => told.swap = Some((*old, here(kept))),
            Step::RollingBack => told.rolling_back = true,
            Step::Returning { kept, returning, live, aside } => {
                told.undo =
                    Some(Undo { kept: here(kept), returning: *returning, live: *live, aside: here(aside) });
            }
            Step::Leaving { old, kept, new, to } => {
                told.leaving = Some(Leaving { old: *old, kept: here(kept), new: *new, to: to.clone() });
            }
        }
    }
    match &told {
        Told { undo: Some(undo), .. } => settle_undo(prefix, undo)?,
        Told { leaving: Some(leaving), .. } => return settle_move(prefix, leaving),
        _ => settle_swap(prefix, &told)?,
    }
    Ok(None)
}

/// Brings a heal to its end where its trees had changed places, or back.
fn settle_swap(prefix: &Prefix, told: &Told) -> Result<(), SwapError> {
    let Some((stage, new)) = &told.stage else { return Ok(()) };
    let new = *new;
    if !is_sibling(prefix, stage) || told.swap.as_ref().is_some_and(|(_, kept)| !is_sibling(prefix, kept)) {
        return Err(SwapError::Unsettled { prefix: prefix.path().to_owned() });
    }
    let Some((old, kept)) = &told.swap else { return discard(stage, new) };
    let old = *old;
    let (live, side) = (there(prefix.path())?, there(stage)?);
    match (live, side, told.rolling_back) {
        (Some(at), _, _) if at == old => discard(stage, new),
        (Some(at), Some(beside), false) if at == new && beside == old => {
            rename::to_free_name(stage, kept).map_err(SwapError::from)
        }
        (Some(at), Some(beside), true) if at == new && beside == old => {
            rename::exchange(prefix.path(), stage)?;
            discard(stage, new)
        }
        (Some(at), None, false) if at == new => Ok(()),
        (Some(at), None, true) if at == new && there(kept)? == Some(old) => {
            two_steps_back(prefix, stage, kept)
        }
        (None, Some(beside), false)
            if beside == new && rename::to_free_name(stage, prefix.path()).is_ok() =>
        {
            Ok(())
        }
        (None, _, _) if there(kept)? == Some(old) => {
            rename::to_free_name(kept, prefix.path())?;
            discard(stage, new)
        }
        _ => Err(SwapError::Unsettled { prefix: prefix.path().to_owned() }),
    }
}

/// Which directory stands at a path.
fn there(path: &Path) -> Result<Option<Identity>, SwapError> {
    Ok(fs::lstat_if_any(path)?.map(|facts| Identity::of(&facts)))
}

/// Brings an undo to its end where it had begun.
fn settle_undo(prefix: &Prefix, undo: &Undo) -> Result<(), SwapError> {
    let unsettled = || SwapError::Unsettled { prefix: prefix.path().to_owned() };
    if !is_sibling(prefix, &undo.kept) || !is_sibling(prefix, &undo.aside) {
        return Err(unsettled());
    }
    match (there(prefix.path())?, there(&undo.kept)?) {
        (at, _) if at.is_some() && at == undo.live => Ok(()),
        (Some(at), None) if at == undo.returning => Ok(()),
        (Some(at), beside) if at == undo.returning && beside == undo.live => {
            Ok(rename::to_free_name(&undo.kept, &undo.aside)?)
        }
        (None, Some(beside)) if beside == undo.returning => {
            Ok(rename::to_free_name(&undo.kept, prefix.path())?)
        }
        _ => Err(unsettled()),
    }
}

/// Sets the environment aside where the one that was made from it is in its place, which it gives then. Where either may
/// be another one, nothing is done: then both stay.
fn settle_move(prefix: &Prefix, leaving: &Leaving) -> Result<Option<PathBuf>, SwapError> {
    if !is_sibling(prefix, &leaving.kept) {
        return Err(SwapError::Unsettled { prefix: prefix.path().to_owned() });
    }
    if !leaving.new.is_at(&leaving.to)? {
        return Ok(None);
    }
    if leaving.old.is_at(prefix.path())? {
        rename::to_free_name(prefix.path(), &leaving.kept)?;
    } else if there(prefix.path())?.is_some() || !leaving.old.is_at(&leaving.kept)? {
        return Ok(None);
    }
    Ok(Some(leaving.to.clone()))
}

/// The new tree out of the way, then the old one back in its place.
fn two_steps_back(prefix: &Prefix, stage: &Path, kept: &Path) -> Result<(), SwapError> {
    let new = fs::lstat(prefix.path())?;
    rename::to_free_name(prefix.path(), stage)?;
    rename::to_free_name(kept, prefix.path())?;
    discard(stage, Identity::of(&new))
}

/// Removes the directory that the journal says the heal made, and nothing else.
fn discard(stage: &Path, identity: Identity) -> Result<(), SwapError> {
    match fs::lstat_if_any(stage)? {
        Some(facts) if Identity::of(&facts) == identity => Ok(remove::tree(stage)?),
        _ => Ok(()),
    }
}

/// A journal is a file that others could have written where they can write the directory: it may only name entries
/// beside the environment.
fn is_sibling(prefix: &Prefix, path: &Path) -> bool {
    path.parent() == Some(prefix.parent())
        && path.file_name().is_some_and(|name| crate::model::siblings::classify(prefix, name).is_some())
}
