//! Taking the steps of a repair, after they were written down.

use std::path::{Path, PathBuf};

use super::anew::Exchange;
use super::notes::Notes;
use super::{Identity, Left, Plan, RepairError, Step, around};
use crate::host::modes::Changed;
use crate::model::caller::Caller;
use crate::model::interrupt::Interrupt;

/// What a repair did.
#[derive(Debug)]
pub struct Done {
    /// The steps that were taken.
    pub taken: Vec<Step>,
    /// What was left as it was.
    pub left: Vec<Left>,
    /// Where the steps are written down; `None` where there were none.
    pub log: Option<PathBuf>,
    /// The user asked to stop before all were taken.
    pub interrupted: bool,
}

impl Done {
    /// Whether a directory was opened that nobody could look into before: what is wrong in it is seen only now.
    pub fn reveals(&self) -> bool {
        self.taken.iter().any(|step| match step {
            Step::Mode { before, after, .. } => before & 0o500 != 0o500 && after & 0o700 == 0o700,
            Step::Anew { .. } => false,
        })
    }
}

/// Settles what a repair that was cut off left, so that a plan sees what is there.
pub fn settle(caller: &Caller) -> Result<(), RepairError> {
    if caller.state_dir.is_none() {
        return Ok(());
    }
    let Some(notes) = Notes::find(caller)? else { return Ok(()) };
    let last = notes.newest()?;
    let mut exchanges = last.iter().flat_map(|log| &log.steps).filter_map(Exchange::of);
    exchanges.try_for_each(Exchange::settle)
}

/// Takes the steps of a plan. They are written down before the first is taken: one that was never taken does no harm there,
/// since undoing compares.
pub fn carry_out(plan: Plan, caller: &Caller, interrupt: &Interrupt) -> Result<Done, RepairError> {
    let mut done = Done { taken: Vec::new(), left: plan.left, log: None, interrupted: false };
    if plan.steps.is_empty() {
        return Ok(done);
    }
    let notes = Notes::make(caller)?;
    done.log = Some(notes.write(&plan.steps)?);
    for step in plan.steps {
        if interrupt.requested() {
            done.interrupted = true;
            break;
        }
        match take(&step, interrupt) {
            Ok(true) => done.taken.push(step),
            Ok(false) => done.left.push(Left::new(step.path(), "it changed while it was being repaired")),
            Err(RepairError::Interrupted) => done.interrupted = true,
            Err(error) => done.left.push(Left::new(step.path(), error.to_string())),
        }
    }
    Ok(done)
}

/// Takes one step; `false` where what it is about is not what it was.
fn take(step: &Step, interrupt: &Interrupt) -> Result<bool, RepairError> {
    match step {
        Step::Mode { path, entry, before, after } => set(path, entry, *before, *after),
        Step::Anew { with, .. } => match Exchange::of(step) {
            Some(exchange) => exchange.carry_out(*with, interrupt),
            None => Ok(false),
        },
    }
}

/// Gives an entry another mode, if it is the known one with the known mode.
pub(super) fn set(path: &Path, entry: &Identity, from: u16, to: u16) -> Result<bool, RepairError> {
    let Some(name) = path.file_name() else { return Ok(false) };
    let above = around(path)?;
    let facts = match above.lstat(name) {
        Ok(facts) => facts,
        Err(error) if error.is_missing() => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    if Identity::of(&facts) != *entry || facts.mode != from {
        return Ok(false);
    }
    Ok(above.change_mode(name, &facts, to)? == Changed::Done)
}
