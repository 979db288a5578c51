//! `venvkeep check`.

use venvkeep_core::diagnose::finding::{Finding, Status, status};
use venvkeep_core::inspect::snapshot::Snapshot;
use venvkeep_core::model::prefix::Prefix;
use venvkeep_core::scan::{self, Depth, Foreseen, Look};
use venvkeep_core::store::snapshots;

use super::environments;
use crate::args::CheckArguments;
use crate::elsewhere::HealCommand;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::check;
use crate::request::Session;
use venvkeep_core::model::printable::printable;

/// One environment, looked at.
#[derive(Debug)]
pub(crate) struct Checked {
    /// Which.
    pub(crate) prefix: Prefix,
    /// Its facts; `None` where an interrupted heal left nothing at its place.
    pub(crate) snapshot: Option<Snapshot>,
    /// What is wrong with it, the worst first.
    pub(crate) findings: Vec<Finding>,
    /// What heals it.
    pub(crate) heal: HealCommand,
}

impl Checked {
    /// The worst of the findings.
    pub(crate) fn status(&self) -> Status {
        status(&self.findings)
    }
}

/// Runs the command.
pub(crate) fn run(wish: &CheckArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    // All of them are found before the first is reported: a misspelt path is the user's to correct first.
    let prefixes = environments(&wish.environments, session)?;
    let checked = prefixes.iter().map(|prefix| look(prefix, wish, session)).collect::<Result<Vec<_>, _>>()?;
    if session.screen.json {
        session.screen.json("check", check::document(&checked, &session.caller))?;
    } else {
        session.screen.result(&check::report(&checked, session.screen))?;
    }
    let healthy = checked.iter().all(|one| one.status() == Status::Healthy);
    Ok(if healthy { Exit::Done } else { Exit::Findings })
}

/// Keeps a snapshot of what could be read, for the day when it cannot.
fn keep(snapshot: &Snapshot, session: &Session<'_>) {
    if let Some(remark) = snapshots::refresh_in_place(&session.caller, snapshot).remark() {
        session.screen.note(&printable(format!("note: {remark}")));
    }
}

fn look(prefix: &Prefix, wish: &CheckArguments, session: &Session<'_>) -> Result<Checked, Failure> {
    let depth = if wish.deep { Depth::EveryByte } else { Depth::Usual };
    let look = scan::look(prefix, &session.caller.viewer, depth);
    let mut look = look.map_err(|error| Failure::new(Exit::Failed, printable(error.to_string())))?;
    if wish.shared {
        scan::as_shared(&mut look);
    }
    let Look { snapshot, findings } = look;
    let mut foreseen = Foreseen::default();
    if let Some(snapshot) = &snapshot {
        keep(snapshot, session);
        foreseen = Foreseen::of(snapshot, &findings, &session.caller);
    }
    let heal = HealCommand::new((prefix, &findings), &foreseen, &session.caller);
    Ok(Checked { prefix: prefix.clone(), snapshot, findings, heal })
}
