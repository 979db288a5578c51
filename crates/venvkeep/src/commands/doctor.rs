//! `venvkeep doctor`.

use venvkeep_core::diagnose::finding::Severity;
use venvkeep_core::interpreters::find::FindError;
use venvkeep_core::machine::examine;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::doctor as shown;
use crate::request::Session;

/// Runs the command. It only reads; what it finds is worth an exit code where it is more than a note.
pub(crate) fn run(session: &Session<'_>) -> Result<Exit, Failure> {
    session.stop_cleanly()?;
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
