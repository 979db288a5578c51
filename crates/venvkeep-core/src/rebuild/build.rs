//! Building the planned environment in a stage.

use std::path::Path;

use super::create::{CreateError, INTERPRETER, Skeleton, SystemSitePackages, create};
use super::install::{InstallError, Installer, Order, install};
use super::relocate::{Relocated, relocate};
use super::stage::Stage;
use super::wheel::{Destination, Wheel, WheelError};
use crate::host::fs::IoError;
use crate::host::programs::{self, Distrust, TrustedProgram};
use crate::model::caller::Caller;
use crate::model::index_settings::IndexSettings;
use crate::model::interrupt::Interrupt;
use crate::plan::{Plan, Source};
use crate::progress::{Event, Progress, Stage as Step};

/// What building needs besides the plan.
#[derive(Debug)]
pub struct Means<'a> {
    /// The base interpreter, as a program that may be started.
    pub base: &'a TrustedProgram,
    /// What installs; `None` where the plan needs none.
    pub installer: Option<&'a Installer>,
    /// The index settings of the old environment's own `pip.conf`.
    pub own_settings: IndexSettings,
    /// Who asks.
    pub caller: &'a Caller,
    /// Whether the user wants to stop.
    pub interrupt: &'a Interrupt,
}

/// Why the stage is not what was planned.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The skeleton could not be made.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// A bundled wheel could not be installed.
    #[error(transparent)]
    Wheel(#[from] WheelError),
    /// Something could not be fetched or installed.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// The stage's own Python is not the base interpreter.
    #[error("the new environment's Python could not be used: {0}")]
    Python(#[from] Distrust),
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// Makes the skeleton, then installs: first what an installer fetches, into a stage that holds nothing else, then the
/// wheels at hand.
pub fn build(
    plan: &Plan,
    stage: &Stage,
    means: &Means<'_>,
    progress: Progress<'_>,
) -> Result<Relocated, BuildError> {
    progress.tell(Event::Begin(Step::Rebuild));
    let default_prompt = plan.prefix.name().to_string_lossy();
    let skeleton = Skeleton {
        interpreter: &plan.base,
        prefix: &plan.prefix,
        prompt: plan.prompt.as_deref().unwrap_or(&default_prompt),
        system_site_packages: if plan.system_site_packages {
            SystemSitePackages::Visible
        } else {
            SystemSitePackages::Hidden
        },
    };
    create(stage.path(), &skeleton)?;
    let mut relocated = Relocated::default();
    let fetched: Vec<_> = plan
        .pins
        .iter()
        .filter(|one| !matches!(one.source, Source::Bundled(_)))
        .map(|one| &one.pin)
        .collect();
    if let (Some(installer), false) = (means.installer, fetched.is_empty()) {
        progress.tell(Event::Begin(Step::Install));
        let python = programs::staged(stage.join(INTERPRETER), means.base)?;
        let order = Order { pins: fetched, own_settings: means.own_settings.clone(), caller: means.caller };
        install(&order, installer, (stage, &python), means.interrupt, progress)?;
        relocated = relocate(stage)?;
    }
    for path in plan.pins.iter().filter_map(|one| bundled(&one.source)) {
        if means.interrupt.requested() {
            return Err(BuildError::Interrupted);
        }
        install_bundled(plan, stage, path)?;
    }
    Ok(relocated)
}

fn bundled(source: &Source) -> Option<&Path> {
    match source {
        Source::Bundled(path) => Some(path),
        Source::Index | Source::Url => None,
    }
}

fn install_bundled(plan: &Plan, stage: &Stage, wheel: &Path) -> Result<(), WheelError> {
    let destination = Destination {
        directory: stage.path(),
        scheme: &plan.base.scheme,
        interpreter: &plan.prefix.join(INTERPRETER),
        python: plan.base.version,
    };
    Wheel::open(wheel)?.install(&destination)
}
