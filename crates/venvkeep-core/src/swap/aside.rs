//! Setting an environment aside: it gets a kept tree's name and nothing takes its place, because the user removed it,
//! or because it stands elsewhere now. `undo` brings it back, `prune` removes it.

use std::path::PathBuf;

use super::{Journal, SwapError, free_kept_name, insist_on_same, probe};
use crate::host::fs::{self, Directory, IoError};
use crate::host::rename;
use crate::model::prefix::Prefix;
use crate::model::tree::Tree;
use crate::rebuild::stage::Stage;
use crate::verify::VerifiedStage;

/// The lock on an environment that is to be set aside; what an interrupted run had left of it is settled, and it is
/// still there.
pub fn lock(prefix: &Prefix) -> Result<Journal, SwapError> {
    if !fs::may_write(prefix.parent()) {
        return Err(SwapError::parent_denied(prefix));
    }
    let journal = Journal::open(prefix)?;
    journal.insist_on_environment()?;
    Ok(journal)
}

/// Finds out, without changing anything, whether the environment can be set aside.
pub fn insist_on_movable(journal: &mut Journal) -> Result<(), SwapError> {
    let prefix = journal.prefix().clone();
    let stage = Stage::create(&prefix)?;
    journal.building(stage.path(), &stage.place().identity)?;
    // Others may be able to put something else in the stage's place here: nothing is made where a link of theirs leads.
    let inside = Directory::open(stage.path())?;
    if !inside.facts()?.same_entry(&stage.place().identity) {
        return Err(SwapError::GroundChanged { what: stage.path().to_owned() });
    }
    // The probe needs a directory of ours that is not empty.
    inside.make_child("bin".as_ref())?;
    probe(&prefix, &stage)?;
    drop(stage);
    // The directory goes now, if it could not go by itself; what is written next is not about it.
    journal.settle()
}

/// Gives the environment a kept tree's name, made from `time` (as `20261121-091500`); gives its new place. One rename:
/// it happens, or it does not.
pub fn set_aside(journal: &Journal, time: &str) -> Result<PathBuf, IoError> {
    let prefix = journal.prefix();
    let kept = free_kept_name(prefix, time)?;
    rename::to_free_name(prefix.path(), &kept)?;
    Ok(kept)
}

/// An environment that is set aside as soon as the one that was made from it is in its place.
#[derive(Debug)]
#[must_use = "the environment is not left before `finish`"]
pub struct Leaving {
    journal: Journal,
    kept: PathBuf,
}

/// Announces that the environment, which was `old` when it was looked at, is left for `new`, which is about to take its
/// place at `to`. From here on a crash is brought to the end by whoever opens the journal next, where the new one had
/// come to be; where not, nothing has happened.
pub fn leave(
    mut journal: Journal,
    old: &Tree,
    (new, to): (&VerifiedStage, &Prefix),
    time: &str,
) -> Result<Leaving, SwapError> {
    let prefix = journal.prefix().clone();
    insist_on_same(&prefix, old)?;
    let kept = free_kept_name(&prefix, time)?;
    journal.leaving((old.facts(Tree::ROOT), &kept), (new.identity(), new.path()), to.path())?;
    Ok(Leaving { journal, kept })
}

impl Leaving {
    /// Sets the environment aside; gives where it is kept. On an error it has to be given up, or its
    /// journal tries again.
    pub fn finish(&self) -> Result<PathBuf, SwapError> {
        rename::to_free_name(self.journal.prefix().path(), &self.kept)?;
        Ok(self.kept.clone())
    }

    /// The environment stays, whatever becomes of the new one.
    pub fn give_up(mut self) {
        self.journal.abandon();
    }
}
