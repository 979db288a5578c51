//! `doctor --repair --undo`: the steps of the newest repair, taken back from the last to the first.

use std::path::PathBuf;

use super::anew::{Back, Exchange};
use super::apply::set;
use super::notes::Notes;
use super::{Identity, Left, RepairError, Step, look};
use crate::host::fs;
use crate::model::caller::Caller;

/// What was taken back.
#[derive(Debug)]
pub struct Undone {
    /// The steps that were taken back.
    pub back: Vec<Step>,
    /// Where what the repair had made stands now, unless it was empty.
    pub newer: Vec<PathBuf>,
    /// What is left as the repair made it, and why.
    pub left: Vec<Left>,
    /// Where the steps are written down.
    pub log: PathBuf,
}

/// Takes back the newest repair that was not. What changed since is left alone, for good; where the system refused
/// something, the repair can be taken back once more.
pub fn take_back(caller: &Caller) -> Result<Undone, RepairError> {
    let notes = Notes::find(caller)?.ok_or(RepairError::NothingToUndo)?;
    let log = notes.newest()?.ok_or(RepairError::NothingToUndo)?;
    let mut undone = Undone { back: Vec::new(), newer: Vec::new(), left: Vec::new(), log: log.path.clone() };
    let mut refused = false;
    for step in log.steps.iter().rev() {
        match one(step) {
            Ok(Back::Taken) => {
                if let Step::Anew { kept, .. } = step
                    && fs::lstat(kept).is_ok()
                {
                    undone.newer.push(kept.clone());
                }
                undone.back.push(step.clone());
            }
            Ok(Back::WasNot) => {}
            Ok(Back::Changed) => undone.left.push(Left::new(step.path(), "it changed since the repair")),
            Err(error) => {
                refused = true;
                undone.left.push(Left::new(step.path(), error.to_string()));
            }
        }
    }
    if !refused {
        match notes.close(&log) {
            Ok(closed) => undone.log = closed,
            // All is taken back; the next undo finds nothing left to do in it.
            Err(error) => undone.left.push(Left::new(&log.path, error.to_string())),
        }
    }
    Ok(undone)
}

fn one(step: &Step) -> Result<Back, RepairError> {
    match step {
        Step::Mode { path, entry, before, after } => {
            let now = look(path)?;
            let Some(now) = now.filter(|now| Identity::of(now) == *entry) else { return Ok(Back::Changed) };
            if now.mode == *before {
                return Ok(Back::WasNot);
            }
            Ok(if set(path, entry, *after, *before)? { Back::Taken } else { Back::Changed })
        }
        Step::Anew { .. } => match Exchange::of(step) {
            Some(exchange) => {
                exchange.settle()?;
                exchange.take_back()
            }
            None => Ok(Back::WasNot),
        },
    }
}
