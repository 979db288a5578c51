//! Checks on a stage before it may take the live environment's place, and on the live prefix after it did.
//!
//! The measure is the old environment: what it froze to, which of its dependencies were met, which of its scripts had
//! their module. Nothing may be worse than before.

mod compare;
mod expectations;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

pub use compare::{Compared, compare};
pub use expectations::Expectations;

use crate::diagnose::finding::Code;
use crate::host::fs::IoError;
use crate::host::process::{self, Invocation, ProcessError};
use crate::host::programs::{self, TrustedProgram};
use crate::inspect;
use crate::inspect::snapshot::Snapshot;
use crate::model::facts::Facts;
use crate::model::interrupt::Interrupt;
use crate::model::owner::Viewer;
use crate::model::prefix::{Prefix, PrefixError};
use crate::model::tree::EntryId;
use crate::rebuild::stage::Stage;

/// How long an interpreter may take to start; a cold disk takes seconds.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// A stage that passed every check: only [`stage`] makes one, and only such a one can be swapped in.
#[derive(Debug)]
pub struct VerifiedStage {
    stage: Stage,
}

/// Why a stage, or the environment after the swap, is not as it has to be.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It differs from what was to be built.
    #[error("the new environment is not what it has to be: {}", .0.join("; "))]
    Differs(Vec<String>),
    /// Its interpreter did not start.
    #[error("the new environment's Python does not start: {0}")]
    NotStarting(String),
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// It could not be looked at.
    #[error(transparent)]
    Io(#[from] IoError),
    /// Its place is no place for an environment.
    #[error(transparent)]
    Place(#[from] PrefixError),
}

impl VerifiedStage {
    #[cfg(test)]
    pub(crate) fn for_test(stage: Stage) -> Self {
        Self { stage }
    }

    /// Where it is now.
    pub fn path(&self) -> &Path {
        self.stage.path()
    }

    /// Which directory it is, whatever its name will be.
    pub fn identity(&self) -> &Facts {
        &self.stage.place().identity
    }

    /// Hands the stage on.
    pub fn into_stage(self) -> Stage {
        self.stage
    }
}

/// Checks a stage: everything is the viewer's, the frozen list is the expected one, every recorded file is there with
/// its size, no dependency is missing and no script has lost its module that had it before, and Python starts. Gives
/// what was found in it as well.
pub fn stage(
    stage: Stage,
    expectations: &Expectations,
    base: &TrustedProgram,
    viewer: &Viewer,
    interrupt: &Interrupt,
) -> Result<(VerifiedStage, Snapshot), VerifyError> {
    let prefix = Prefix::new(stage.path().to_owned())?;
    let snapshot = inspect::inspect(&prefix, viewer)?;
    let mut problems = expectations.unmet_by(&snapshot, stage.final_prefix());
    problems.extend(own_faults(&snapshot));
    if !problems.is_empty() {
        return Err(VerifyError::Differs(problems));
    }
    start(&prefix, base, interrupt)?;
    Ok((VerifiedStage { stage }, snapshot))
}

/// What would make the new environment unwell by itself, whatever the old one was.
fn own_faults(snapshot: &Snapshot) -> Vec<String> {
    const FATAL: [Code; 6] = [
        Code::InterpreterMissing,
        Code::InterpreterBroken,
        Code::InterpreterMismatch,
        Code::ConfigMissing,
        Code::FilesMissing,
        Code::MetadataBroken,
    ];
    let findings = crate::diagnose::diagnose(snapshot, &|_| None);
    let fatal = findings.into_iter().filter(|finding| FATAL.contains(&finding.code));
    let mut faults: Vec<String> =
        fatal.map(|finding| format!("{}: {}", finding.code, finding.message)).collect();
    // Whoever builds owns: for root, `diagnose` would ask whether it is the owner of the directory around.
    let foreign = |id: &EntryId| snapshot.tree.facts(*id).uid != snapshot.viewer.uid;
    if let Some(id) = snapshot.tree.ids().find(foreign) {
        faults.push(format!("{} is not yours", snapshot.tree.path(id).display()));
    }
    faults
}

/// Starts an environment's Python, isolated and without `site`, so that nothing that was installed runs.
pub fn start(prefix: &Prefix, base: &TrustedProgram, interrupt: &Interrupt) -> Result<(), VerifyError> {
    let not_starting = |why: String| VerifyError::NotStarting(why);
    let python =
        programs::staged(prefix.bin().join("python"), base).map_err(|e| not_starting(e.to_string()))?;
    let invocation = Invocation {
        program: &python,
        // `-S` leaves `sys.prefix` alone in older Pythons, so the question is only whether it runs.
        arguments: ["-I", "-S", "-B", "-c", "import sys, os, encodings"].map(Into::into).to_vec(),
        variables: Vec::new(),
        directory: Path::new("/"),
        patience: Some(START_PATIENCE),
    };
    let finished = process::run(&invocation, interrupt, &mut |_| {}).map_err(|error| match error {
        ProcessError::Interrupted => VerifyError::Interrupted,
        other => not_starting(other.to_string()),
    })?;
    if finished.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&finished.stderr).trim().to_owned();
    Err(not_starting(if said.is_empty() { finished.status.to_string() } else { said }))
}

/// What one set has and the other has not, for messages.
fn only_in(one: &BTreeSet<String>, other: &BTreeSet<String>) -> Vec<String> {
    one.difference(other).cloned().collect()
}
