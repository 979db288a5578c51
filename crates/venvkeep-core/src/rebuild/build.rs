//! Building the planned environment in a stage.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::create::{CreateError, INTERPRETER, Skeleton, SystemSitePackages, create};
use super::install::{InstallError, Installer, Order, install};
use super::relocate::{Relocated, relocate};
use super::reuse::{self, Gathered, ReuseError};
use super::stage::Stage;
use super::unpacked::{self, Cache};
use super::wheel::{Destination, Wheel, WheelError};
use crate::host::fs::{Directory, IoError};
use crate::host::programs::{self, Distrust, TrustedProgram};
use crate::host::walk;
use crate::inspect::holdings::Holding;
use crate::inspect::snapshot::Snapshot;
use crate::model::caller::Caller;
use crate::model::facts::Kind;
use crate::model::index_settings::IndexSettings;
use crate::model::interrupt::Interrupt;
use crate::model::name::PackageName;
use crate::plan::{Missing, Plan, PlannedPin, Source};
use crate::progress::{Event, Progress, Stage as Step};

/// What building needs besides the plan.
#[derive(Debug)]
pub struct Means<'a> {
    /// The old environment.
    pub old: &'a Snapshot,
    /// What there is of its distributions.
    pub holdings: &'a BTreeMap<PackageName, Holding>,
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
    /// Nothing could be copied from the old environment.
    #[error(transparent)]
    Reuse(#[from] ReuseError),
    /// Files in the old environment are not what was recorded, and their distributions can be had in no other way.
    #[error("these cannot be had: {}", .missing.iter().map(|one| format!("{} ({})", one.requirement, one.why)).collect::<Vec<_>>().join(", "))]
    Altered {
        /// What, and which file was altered.
        missing: Vec<Missing>,
    },
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

/// What became of the plan.
#[derive(Debug)]
pub struct Built {
    /// What was done to what an installer wrote.
    pub relocated: Relocated,
    /// Where each distribution really came from: not from the old environment where a file in it was altered.
    pub pins: Vec<PlannedPin>,
    /// Files of distributions that were changed since they were installed and came along as they are, relative to the
    /// prefix.
    pub changed: BTreeSet<PathBuf>,
    /// Files that were made for the new place before anything came from the old one, and how long they were; relative
    /// to the prefix.
    pub made: BTreeMap<PathBuf, u64>,
}

/// Makes the skeleton, copies what comes from the old environment to a private place in it, then installs: first what
/// an installer fetches, while nothing else is in its place, then the wheels at hand. The copies go into their place
/// last.
pub fn build(
    plan: &Plan,
    stage: &Stage,
    means: &Means<'_>,
    progress: Progress<'_>,
) -> Result<Built, BuildError> {
    progress.tell(Event::Begin(Step::Rebuild));
    create(stage.path(), &skeleton(plan))?;
    let made = files(stage)?;
    let order = reuse::Order {
        plan,
        old: means.old,
        holdings: means.holdings,
        stage,
        interrupt: means.interrupt,
        progress,
    };
    let mut gathered = reuse::gather(&order)?;
    let changed = std::mem::take(&mut gathered.changed);
    let pins = settled_pins(plan, &gathered)?;
    let mut relocated = Relocated::default();
    let fetched: Vec<_> = pins.iter().filter(|one| one.source.is_fetched()).map(|one| &one.pin).collect();
    if let (Some(installer), false) = (means.installer, fetched.is_empty()) {
        progress.tell(Event::Begin(Step::Install));
        let python = programs::staged(stage.join(INTERPRETER), means.base)?;
        let order = Order { pins: fetched, own_settings: means.own_settings.clone(), caller: means.caller };
        install(&order, installer, (stage, &python), means.interrupt, progress)?;
        relocated = relocate(stage)?;
    }
    for path in pins.iter().filter_map(|one| bundled(&one.source)) {
        if means.interrupt.requested() {
            return Err(BuildError::Interrupted);
        }
        install_bundled(plan, stage, path, means.caller)?;
    }
    gathered.settle(stage)?;
    Ok(Built { relocated, pins, changed, made })
}

fn files(stage: &Stage) -> Result<BTreeMap<PathBuf, u64>, IoError> {
    let tree = walk::tree(&Directory::open(stage.path())?)?;
    let files = tree.ids().filter(|&id| tree.facts(id).kind == Kind::File);
    Ok(files.map(|id| (tree.path(id), tree.facts(id).size)).collect())
}

fn skeleton(plan: &Plan) -> Skeleton<'_> {
    Skeleton {
        interpreter: &plan.base,
        prefix: &plan.prefix,
        prompt: plan.prompt.as_deref().or_else(|| plan.prefix.name().to_str()).unwrap_or_default(),
        system_site_packages: if plan.system_site_packages {
            SystemSitePackages::Visible
        } else {
            SystemSitePackages::Hidden
        },
        naming: plan.naming,
        sharing: &plan.sharing,
    }
}

/// The plan after copying: what was found altered comes from elsewhere.
fn settled_pins(plan: &Plan, gathered: &Gathered) -> Result<Vec<PlannedPin>, BuildError> {
    let (mut pins, mut missing) = (Vec::new(), Vec::new());
    for planned in &plan.pins {
        let mut settled = planned.clone();
        if let (Source::Env, Some(why)) = (&planned.source, gathered.unusable.get(&planned.pin.name)) {
            settled.why.clone_from(why);
            if let Some(source) = settled.otherwise.take() {
                settled.source = source;
            } else {
                let (name, requirement) = (planned.pin.name.clone(), planned.pin.requirement());
                missing.push(Missing { name, requirement, why: why.clone() });
            }
        }
        pins.push(settled);
    }
    if missing.is_empty() { Ok(pins) } else { Err(BuildError::Altered { missing }) }
}

fn bundled(source: &Source) -> Option<&Path> {
    match source {
        Source::Bundled(path) => Some(path),
        Source::Env | Source::Index | Source::Url => None,
    }
}

fn install_bundled(plan: &Plan, stage: &Stage, wheel: &Path, caller: &Caller) -> Result<(), WheelError> {
    let destination = Destination {
        directory: stage.path(),
        scheme: &plan.base.scheme,
        interpreter: &plan.prefix.join(INTERPRETER),
        python: plan.base.version,
    };
    // Nothing is unpacked into the cache for it: that would take longer than this one time.
    match Cache::of(caller, &plan.base).and_then(|cache| cache.find(wheel)) {
        Some(kept) => unpacked::install(&[kept], &destination),
        None => Wheel::open(wheel)?.install(&destination),
    }
}
