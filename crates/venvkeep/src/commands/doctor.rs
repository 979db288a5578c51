//! `venvkeep doctor`: a look at the machine, the repair of what the caller may repair, and the way back.

use venvkeep_core::diagnose::finding::Severity;
use venvkeep_core::interpreters::find::FindError;
use venvkeep_core::machine::examine;
use venvkeep_core::machine::repair::{self, RepairError};
use venvkeep_core::model::printable::{printable, shell_word};

use crate::args::DoctorArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::{doctor as shown, repaired};
use crate::request::Session;

/// Runs the command.
pub(crate) fn run(wish: &DoctorArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    session.stop_cleanly()?;
    if wish.undo {
        take_back(session)
    } else if wish.repair {
        repair(wish, session)
    } else {
        look(session)
    }
}

/// It only reads; what it finds is worth an exit code where it is more than a note.
fn look(session: &Session<'_>) -> Result<Exit, Failure> {
    let findings = examine(&session.caller, &session.interrupt)
        .map_err(|why: FindError| Failure::new(Exit::Interrupted, why.to_string()))?;
    if session.screen.json {
        session.screen.json("doctor", shown::document(&findings))?;
    } else {
        session.screen.result(&shown::report(&findings, session.screen))?;
    }
    let is_well = findings.iter().all(|finding| finding.severity == Severity::Note);
    Ok(if is_well { Exit::Done } else { Exit::Findings })
}

/// What will be done is shown before the first of it is.
fn repair(wish: &DoctorArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let screen = session.screen;
    if !wish.dry_run {
        repair::settle(&session.caller).map_err(|error| explained(&error))?;
    }
    let plan = repair::plan(&session.caller);
    if !screen.json {
        screen.result(&repaired::planned(&plan, screen))?;
    }
    if wish.dry_run {
        if screen.json {
            screen.json("doctor", repaired::planned_document(&plan))?;
        } else {
            screen.result(&repaired::left(&plan.left, screen))?;
        }
        return Ok(if plan.left.is_empty() { Exit::Done } else { Exit::Attention });
    }
    let done =
        repair::carry_out(plan, &session.caller, &session.interrupt).map_err(|error| explained(&error))?;
    if screen.json {
        screen.json("doctor", repaired::document(&done))?;
    } else {
        screen.result(&repaired::report(&done, screen))?;
    }
    Ok(match (done.interrupted, done.left.is_empty()) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::Done,
        (false, false) => Exit::Attention,
    })
}

fn take_back(session: &Session<'_>) -> Result<Exit, Failure> {
    let undone = repair::take_back(&session.caller).map_err(|error| explained(&error))?;
    if session.screen.json {
        session.screen.json("doctor", repaired::undone_document(&undone))?;
    } else {
        session.screen.result(&repaired::undone(&undone, session.screen))?;
    }
    Ok(if undone.left.is_empty() { Exit::Done } else { Exit::Attention })
}

fn explained(error: &RepairError) -> Failure {
    let failure = Failure::new(Exit::Failed, printable(error.to_string()));
    match error {
        RepairError::NowhereToNote => failure
            .hint("Nothing was changed. HOME has to name a directory of your own; with sudo: sudo -H venvkeep doctor --repair"),
        RepairError::NothingToUndo => {
            Failure { exit: Exit::Usage, ..failure }.hint("A repair that was undone is not undone again.")
        }
        RepairError::Garbled { path, .. } => failure
            .hint(format!("Nothing was changed. Look at it, or move it away:  {}", shell_word(path))),
        RepairError::Unsafe(_) => failure
            .hint("Nothing was changed. Without XDG_STATE_HOME it is root's own home: sudo -H env -u XDG_STATE_HOME venvkeep doctor --repair"),
        RepairError::Busy => failure.hint("Nothing was changed. Wait for it, and look again: venvkeep doctor"),
        RepairError::TooMany { .. } => failure.hint("Nothing was changed. venvkeep doctor shows the commands that do the same, without an undo."),
        RepairError::Io(_) | RepairError::NameTaken(_) => failure.hint("Nothing was changed."),
        RepairError::PutAside { .. } => failure,
        RepairError::Interrupted => Failure { exit: Exit::Interrupted, ..failure },
    }
}
