//! Installing into the stage of a new environment what was asked for besides Python.

use std::path::Path;

use super::{NewError, Seed, Wish};
use crate::host::programs::{staged, trust};
use crate::inspect::{self, Reading};
use crate::model::caller::Caller;
use crate::model::interpreter::BaseInterpreter;
use crate::model::interrupt::Interrupt;
use crate::model::prefix::Prefix;
use crate::progress::{Event, Progress, Stage as Step};
use crate::rebuild::create::INTERPRETER;
use crate::rebuild::install::Installer;
use crate::rebuild::install::fill::{Errand, Filling};
use crate::rebuild::relocate::relocate;
use crate::rebuild::seed::{Seeded, bundled};
use crate::rebuild::stage::Stage;

/// The stage, and who fills it.
pub(super) struct Filled<'a> {
    pub(super) stage: &'a Stage,
    pub(super) interpreter: &'a BaseInterpreter,
    pub(super) caller: &'a Caller,
    pub(super) interrupt: &'a Interrupt,
}

impl Filled<'_> {
    /// Brings pip up to date, then installs the list. Gives how many distributions that brought.
    pub(super) fn fill(
        &self,
        wish: &Wish<'_>,
        seeded: Option<&mut Seeded>,
        progress: Progress<'_>,
    ) -> Result<Option<usize>, NewError> {
        let upgrade = wish.seed == Seed::NewestPip;
        let names: Vec<String> =
            seeded.iter().flat_map(|it| &it.distributions).map(|it| it.0.clone()).collect();
        if wish.list.is_none() && (!upgrade || names.is_empty()) {
            return Ok(None);
        }
        progress.tell(Event::Begin(Step::Install));
        let wheel =
            bundled(self.interpreter, &self.caller.viewer).first().map(|wheel| wheel.path().to_owned());
        let installer = Installer::choose(self.caller, wheel.as_deref());
        let installer = installer.ok_or_else(|| NewError::NoInstaller { python: self.title() })?;
        let base = trust(&self.interpreter.executable, &self.caller.viewer)?;
        let python = staged(self.stage.join(INTERPRETER), &base)?;
        let filling = Filling {
            installer: &installer,
            stage: self.stage,
            python: &python,
            caller: self.caller,
            interrupt: self.interrupt,
        };
        if upgrade {
            filling.run(Errand::Upgrade(&names), progress)?;
        }
        let before = self.distributions()?.len();
        if let Some(list) = wish.list {
            filling.run(Errand::List(list), progress)?;
        }
        relocate(self.stage)?;
        let now = self.distributions()?;
        for (name, version) in seeded.into_iter().flat_map(|it| &mut it.distributions) {
            if let Some((_, current)) = now.iter().find(|(found, _)| found == name) {
                version.clone_from(current);
            }
        }
        Ok(wish.list.is_some().then(|| now.len().saturating_sub(before)))
    }

    fn title(&self) -> String {
        format!("{} {}", self.interpreter.implementation_name(), self.interpreter.version)
    }

    /// Names and versions of what is in the stage.
    fn distributions(&self) -> Result<Vec<(String, String)>, NewError> {
        let prefix = Prefix::new(Path::to_owned(self.stage.path()))?;
        let installed = inspect::installed(&prefix, Reading::List)?.distributions;
        Ok(installed.iter().map(|one| (one.name.as_written().to_owned(), one.version.clone())).collect())
    }
}
