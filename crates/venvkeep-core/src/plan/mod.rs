//! What a heal is going to do, decided from facts alone: which interpreter, and for each pin where it comes from.
//!
//! Pure: it can be tested, printed (`--dry-run`) and refused before anything is written.

pub mod entries;
pub mod fates;
mod trust;

use std::path::PathBuf;

use crate::diagnose::finding::{Finding, Status, status};
use crate::inspect::snapshot::{Config, Snapshot};
use crate::model::interpreter::BaseInterpreter;
use crate::model::name::PackageName;
use crate::model::prefix::Prefix;
use crate::model::python_version::PythonVersion;
use crate::model::pyvenv_cfg::PyvenvCfg;
use crate::model::requirements::{FrozenRequirements, Pin, PinKind};

pub use trust::{Hostile, hostile};

/// What to do with an environment in which nothing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenHealthy {
    /// Leave it alone.
    LeaveAlone,
    /// Rebuild it, because the user said `--force`.
    Rebuild,
}

/// What to do with the list of names in an environment that somebody else could have written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerTrust {
    /// Stop and show it.
    Required,
    /// Go on, because the user said `--trust-owner`.
    GivenByUser,
}

/// Where the list of what to install comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListOrigin {
    /// The environment's own metadata.
    Environment,
    /// A file that the user named.
    File(PathBuf),
}

/// What the user wants of this heal.
#[derive(Debug, Clone)]
pub struct Wishes {
    /// Whether to rebuild a healthy environment.
    pub when_healthy: WhenHealthy,
    /// Whether to believe a list that somebody else could have written.
    pub owner_trust: OwnerTrust,
    /// Where the list comes from.
    pub list: ListOrigin,
}

/// How the base interpreter was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaseChoice {
    /// The user named it.
    Asked,
    /// The one the environment was made with.
    Same,
    /// Another one of the same version, because the environment's is gone or not to be trusted.
    SameVersion,
    /// One of another version, because there is none of the environment's.
    OtherVersion {
        /// The environment's, where it can be told.
        was: Option<PythonVersion>,
    },
}

/// A wheel that comes with the base interpreter or the system (`ensurepip`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundledWheel {
    /// The distribution.
    pub name: PackageName,
    /// Its version.
    pub version: String,
    /// The file.
    pub path: PathBuf,
}

/// What there is to work with.
#[derive(Debug, Clone)]
pub struct Means {
    /// The interpreter.
    pub base: BaseInterpreter,
    /// How it was chosen.
    pub choice: BaseChoice,
    /// The wheels that come with it.
    pub bundled: Vec<BundledWheel>,
    /// What users call the installer that would be used; `None` where there is none.
    pub installer: Option<&'static str>,
}

/// Where the bytes of one distribution come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The wheel that comes with the base interpreter.
    Bundled(PathBuf),
    /// A package index, through uv or pip.
    Index,
    /// The place it was installed from (PEP 610), through uv or pip.
    Url,
}

impl Source {
    /// The stable name, in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Bundled(_) => "bundled",
            Self::Index => "index",
            Self::Url => "url",
        }
    }
}

/// One distribution of the plan.
#[derive(Debug, Clone)]
pub struct PlannedPin {
    /// What.
    pub pin: Pin,
    /// From where.
    pub source: Source,
    /// Why from there, in words.
    pub why: String,
}

/// What a heal is going to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The environment.
    pub prefix: Prefix,
    /// The interpreter it will have.
    pub base: BaseInterpreter,
    /// How that was chosen.
    pub choice: BaseChoice,
    /// What will be installed: the contract.
    pub requirements: FrozenRequirements,
    /// Each of them with its source, in the same order.
    pub pins: Vec<PlannedPin>,
    /// Whether the environment sees the system's packages, as before.
    pub system_site_packages: bool,
    /// What the shell's prompt shows, as before.
    pub prompt: Option<String>,
}

/// Why there is no plan. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Somebody else could have written its list of names.
    #[error("{} {hostile}; venvkeep does not install from a list that somebody else may have written", .prefix.display())]
    Hostile {
        /// The environment.
        prefix: PathBuf,
        /// What makes it so.
        hostile: Hostile,
        /// The list, to be looked at.
        list: FrozenRequirements,
    },
    /// There is neither uv nor a pip.
    #[error("there is neither uv nor pip to install {} distributions with", .wanted.len())]
    NoInstaller {
        /// What would have to be installed.
        wanted: Vec<String>,
    },
    /// Editable projects that lie inside the environment that is being replaced.
    #[error("these are installed from a project inside the environment itself: {}", .names.join(", "))]
    ProjectInside {
        /// Their names.
        names: Vec<String>,
    },
}

/// What is to be done about an environment.
#[derive(Debug)]
pub enum Decision {
    /// Nothing is wrong with it.
    LeaveAlone,
    /// It is rebuilt.
    Rebuild(Box<Plan>),
}

/// Whether anything has to be done at all.
pub fn wants_work(findings: &[Finding], wishes: &Wishes) -> bool {
    status(findings) != Status::Healthy || wishes.when_healthy == WhenHealthy::Rebuild
}

/// Decides what a heal does; `requirements` is the list it has to reproduce.
pub fn plan(
    snapshot: &Snapshot,
    requirements: FrozenRequirements,
    wishes: &Wishes,
    means: Means,
) -> Result<Plan, PlanError> {
    if let (Some(hostile), OwnerTrust::Required, ListOrigin::Environment) =
        (trust::hostile(snapshot), wishes.owner_trust, &wishes.list)
    {
        let prefix = snapshot.prefix.path().to_owned();
        return Err(PlanError::Hostile { prefix, hostile, list: requirements });
    }
    let pins: Vec<PlannedPin> =
        requirements.pins().iter().map(|pin| planned(pin, &means.bundled, means.installer)).collect();
    let inside = projects_inside(&pins, &snapshot.prefix);
    if !inside.is_empty() {
        return Err(PlanError::ProjectInside { names: inside });
    }
    let fetched = pins.iter().filter(|one| !matches!(one.source, Source::Bundled(_)));
    let wanted: Vec<String> = fetched.map(|one| one.pin.requirement()).collect();
    if means.installer.is_none() && !wanted.is_empty() {
        return Err(PlanError::NoInstaller { wanted });
    }
    let config = match &snapshot.config {
        Config::Read(config) => Some(config),
        _ => None,
    };
    Ok(Plan {
        prefix: snapshot.prefix.clone(),
        base: means.base,
        choice: means.choice,
        pins,
        system_site_packages: config.is_some_and(|config| {
            // Python takes a missing key for true; every tool writes it, so a missing one means a damaged file.
            config.get("include-system-site-packages").is_some() && config.include_system_site_packages()
        }),
        prompt: config.and_then(PyvenvCfg::prompt),
        requirements,
    })
}

fn planned(pin: &Pin, bundled: &[BundledWheel], installer: Option<&str>) -> PlannedPin {
    let installer = installer.unwrap_or("an installer");
    let (source, why) = match &pin.kind {
        PinKind::Exact(version) => {
            let wheel =
                bundled.iter().find(|wheel| wheel.name == pin.name && wheel.version == version.to_text());
            match wheel {
                Some(wheel) => (
                    Source::Bundled(wheel.path.clone()),
                    "this version comes with the interpreter".to_owned(),
                ),
                None => (Source::Index, format!("fetched by {installer}")),
            }
        }
        PinKind::Direct { .. } => {
            (Source::Url, format!("fetched by {installer} from where it was installed from"))
        }
        PinKind::Editable(_) => {
            (Source::Url, format!("installed by {installer} from its project, editable as before"))
        }
    };
    PlannedPin { pin: pin.clone(), source, why }
}

fn projects_inside(pins: &[PlannedPin], prefix: &Prefix) -> Vec<String> {
    let lies_inside = |one: &&PlannedPin| match &one.pin.kind {
        PinKind::Editable(editable) => {
            editable.location.as_ref().is_some_and(|location| location.starts_with(prefix.path()))
        }
        _ => false,
    };
    pins.iter().filter(lies_inside).map(|one| one.pin.name.to_string()).collect()
}
