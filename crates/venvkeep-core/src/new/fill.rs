//! Installing into the stage of a new environment what was asked for besides Python.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use pep440_rs::Version;

use super::adopt::{self, AdoptError, Adopted, AdoptedOne};
use super::{NewError, Seed, Wish};
use crate::host::programs::{staged, trust};
use crate::host::{fs, remove};
use crate::inspect::{self, Reading};
use crate::interpreters::is_externally_managed;
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
use crate::rebuild::wheel::{Destination, Wheel};

/// The stage, and who fills it.
pub(super) struct Filled<'a> {
    pub(super) stage: &'a Stage,
    pub(super) prefix: &'a Prefix,
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
        if upgrade {
            self.run(Errand::Upgrade(&names), progress)?;
        }
        let before = self.distributions()?.len();
        if let Some(list) = wish.list {
            self.run(Errand::List(list), progress)?;
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

    /// Takes over what was found elsewhere: first what an installer has to fetch, since it starts the stage's Python, then
    /// what was packed from the old place. What the environment was seeded with stays as it is.
    pub(super) fn adopt(
        &self,
        place: adopt::Place,
        seeded: Option<&Seeded>,
        progress: Progress<'_>,
    ) -> Result<Adopted, NewError> {
        let seeds: Vec<&String> =
            seeded.iter().flat_map(|it| &it.distributions).map(|(name, _)| name).collect();
        let mut wanted = place.found;
        wanted.retain(|one| !seeds.iter().any(|seed| *seed == one.name.normalized()));
        // Packed into the stage: together they can be larger than memory.
        let private = self.stage.join(".venvkeep-adopt");
        fs::create_dir(&private, 0o700)?;
        let (mut wheels, mut distributions, mut fetched) = (Vec::new(), Vec::new(), Vec::new());
        for one in wanted {
            if self.interrupt.requested() {
                return Err(NewError::Interrupted);
            }
            let why = match adopt::pack(&one, self.interpreter, &self.caller.viewer) {
                Ok(bytes) => {
                    let file = private.join(format!("{}.whl", one.name.normalized()));
                    fs::create_file(&file, 0o600, &bytes)?;
                    wheels.push(file);
                    None
                }
                Err(why) => {
                    fetched.push(one.requirement());
                    Some(why)
                }
            };
            distributions.push(AdoptedOne { name: one.name, version: one.version, fetched: why });
        }
        if !fetched.is_empty() {
            progress.tell(Event::Begin(Step::Install));
            self.run(Errand::Exactly(&fetched), progress)?;
            relocate(self.stage)?;
        }
        self.install(&wheels)?;
        remove::tree(&private)?;
        self.insist_on_all(&distributions)?;
        Ok(Adopted {
            from: place.sites,
            distributions,
            unclaimed: place.unclaimed,
            untrusted: place.untrusted,
            externally_managed: is_externally_managed(self.interpreter),
        })
    }

    /// Installs wheels that were packed from the old place.
    fn install(&self, wheels: &[PathBuf]) -> Result<(), NewError> {
        let starter = self.prefix.join(INTERPRETER);
        let destination = Destination {
            directory: self.stage.path(),
            scheme: &self.interpreter.scheme,
            interpreter: &starter,
            python: self.interpreter.version,
        };
        for file in wheels {
            Wheel::open(file)?.install(&destination)?;
        }
        Ok(())
    }

    /// Whether each of them is there in the end.
    fn insist_on_all(&self, distributions: &[AdoptedOne]) -> Result<(), NewError> {
        let now = inspect::installed(&Prefix::new(Path::to_owned(self.stage.path()))?, Reading::List)?;
        // The index may spell both otherwise.
        let is_version = |one: &AdoptedOne, version: &str| {
            let parsed = (Version::from_str(version), Version::from_str(&one.version));
            matches!(parsed, (Ok(is), Ok(was)) if is == was) || one.version == version
        };
        let is_there = |one: &AdoptedOne| {
            now.distributions.iter().any(|new| new.name == one.name && is_version(one, &new.version))
        };
        match distributions.iter().find(|one| !is_there(one)) {
            Some(one) => Err(AdoptError::Lost { one: one.clone() }.into()),
            None => Ok(()),
        }
    }

    /// Runs what installs, into the stage.
    fn run(&self, errand: Errand<'_>, progress: Progress<'_>) -> Result<(), NewError> {
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
        Ok(filling.run(errand, progress)?)
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
