//! What a heal is going to do, decided from facts alone: which interpreter, and for each pin where it comes from.
//!
//! Pure: it can be tested, printed (`--dry-run`) and refused before anything is written.

mod conditions;
pub mod entries;
pub mod fates;
mod source;
mod trust;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::diagnose::finding::{Finding, Remedy, Severity};
use crate::inspect::holdings::Holding;
use crate::inspect::snapshot::{Config, Snapshot};
use crate::model::interpreter::BaseInterpreter;
use crate::model::name::PackageName;
use crate::model::prefix::Prefix;
use crate::model::python_version::PythonVersion;
use crate::model::pyvenv_cfg::{Naming, PyvenvCfg};
use crate::model::requirements::{FrozenRequirements, Pin, PinKind};
use crate::model::sharing::Sharing;

pub use source::{Network, SourceWish};
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
    /// What was kept of the environment when it could last be read.
    Snapshot {
        /// When: `2026-11-21 09:15:00Z`.
        taken: String,
        /// Of which environment.
        of: Subject,
    },
    /// A file that the user named.
    File(PathBuf),
}

/// Which environment a snapshot is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The one that stands at the path.
    ThisEnvironment,
    /// One that stood there before.
    EarlierOne,
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
    /// Where the distributions may come from.
    pub sources: SourceWish,
    /// Whether anything may be fetched.
    pub network: Network,
    /// Distributions to leave out.
    pub skip: Vec<PackageName>,
    /// Whom it is to be for; `None` where that stays as it is.
    pub sharing: Option<Sharing>,
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
    /// What there is of each distribution in the old environment.
    pub holdings: BTreeMap<PackageName, Holding>,
    /// What the old environment consists of, as far as anything tells.
    pub had: FrozenRequirements,
    /// Whom the old environment is for, as far as its word is believed.
    pub sharing: Sharing,
    /// What accounts are called.
    pub names: fn(u32) -> Option<String>,
}

/// Where the bytes of one distribution come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The old environment: its files are copied, and checked on the way.
    Env,
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
            Self::Env => "env",
            Self::Bundled(_) => "bundled",
            Self::Index => "index",
            Self::Url => "url",
        }
    }

    /// Whether an installer has to fetch it.
    pub fn is_fetched(&self) -> bool {
        matches!(self, Self::Index | Self::Url)
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
    /// Where it comes from when a file in the old environment turns out not to be what was recorded.
    pub otherwise: Option<Source>,
}

/// A distribution that can be had in no way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The distribution.
    pub name: PackageName,
    /// What was to be installed.
    pub requirement: String,
    /// Why that cannot be, in words.
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
    /// Where that comes from.
    pub list: ListOrigin,
    /// Each of them with its source, in the same order.
    pub pins: Vec<PlannedPin>,
    /// What is left out because the user said so.
    pub skipped: Vec<Pin>,
    /// What is on the list for other interpreters or systems, by its marker.
    pub not_meant: Vec<Pin>,
    /// What the old environment has and the user's list has not.
    pub not_listed: Vec<Pin>,
    /// Whether the environment sees the system's packages, as before.
    pub system_site_packages: bool,
    /// Whether it names its place, as before.
    pub naming: Naming,
    /// What the shell's prompt shows, as before.
    pub prompt: Option<String>,
    /// How what comes from the old environment is taken.
    pub taking: Taking,
    /// Whom it is for: as before, or as the user wishes now.
    pub sharing: Sharing,
}

/// How distributions are taken from the old environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taking {
    /// Verified against RECORD; what was changed is not taken, and what goes with the place is made anew.
    Verified,
    /// Every file as it is, with the old place's paths replaced by the new one's; without bytecode, which names the
    /// old one.
    AsItIs,
}

/// Why there is no plan. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Somebody else could have written its list of names.
    #[error("{} {hostile}; {}", .prefix.display(), refused(.origin))]
    Hostile {
        /// The environment.
        prefix: PathBuf,
        /// What makes it so.
        hostile: Box<Hostile>,
        /// The list, to be looked at.
        list: FrozenRequirements,
        /// Where that comes from.
        origin: ListOrigin,
    },
    /// There is neither uv nor a pip.
    #[error("there is neither uv nor pip to install {} distributions with", .wanted.len())]
    NoInstaller {
        /// What would have to be installed.
        wanted: Vec<String>,
    },
    /// The sources that the user allows do not have everything.
    #[error("these cannot be had: {}", .missing.iter().map(|one| one.requirement.as_str()).collect::<Vec<_>>().join(", "))]
    Unobtainable {
        /// What, and why not.
        missing: Vec<Missing>,
    },
    /// The user wants to leave out what is not there.
    #[error("there is no {name} to leave out")]
    NotThere {
        /// As typed.
        name: PackageName,
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

/// Whether anything has to be done at all. What is wrong and has another remedy (a dependency that was never
/// installed) would be wrong again after every heal.
pub fn wants_work(findings: &[Finding], wishes: &Wishes) -> bool {
    let heals = |finding: &Finding| finding.severity > Severity::Note && finding.remedy == Remedy::Heal;
    wishes.when_healthy == WhenHealthy::Rebuild || findings.iter().any(heals)
}

/// Decides what a heal does; `requirements` is the list it has to reproduce.
pub fn plan(
    snapshot: &Snapshot,
    requirements: FrozenRequirements,
    wishes: &Wishes,
    means: Means,
) -> Result<Plan, PlanError> {
    let hostile = trust::hostile(snapshot, &means.names);
    let is_given = matches!(wishes.list, ListOrigin::File(_));
    if let (Some(hostile), OwnerTrust::Required, false) = (&hostile, wishes.owner_trust, is_given) {
        let (prefix, origin) = (snapshot.prefix.path().to_owned(), wishes.list.clone());
        return Err(PlanError::Hostile {
            prefix,
            hostile: Box::new(hostile.clone()),
            list: requirements,
            origin,
        });
    }
    let not_listed = if is_given { not_on(&requirements, &means.had) } else { Vec::new() };
    let (requirements, not_meant) = conditions::applying(&requirements, &means.base);
    let (requirements, skipped) = without_skipped(&requirements, &wishes.skip)?;
    let choice = source::Choice::new(snapshot, wishes, &means, hostile);
    let planned: Vec<_> = requirements.pins().iter().map(|pin| choice.plan(pin)).collect();
    let missing: Vec<Missing> = planned.iter().filter_map(|one| one.as_ref().err().cloned()).collect();
    if !missing.is_empty() {
        let may_fetch = wishes.network == Network::Allowed && wishes.sources != SourceWish::Env;
        return Err(if may_fetch {
            PlanError::NoInstaller { wanted: missing.into_iter().map(|one| one.requirement).collect() }
        } else {
            PlanError::Unobtainable { missing }
        });
    }
    let pins: Vec<PlannedPin> = planned.into_iter().flatten().collect();
    let inside = projects_inside(&pins, &snapshot.prefix);
    if !inside.is_empty() {
        return Err(PlanError::ProjectInside { names: inside });
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
        skipped,
        not_meant,
        not_listed,
        system_site_packages: config.is_some_and(|config| {
            // Python takes a missing key for true; every tool writes it, so a missing one means a damaged file.
            config.get("include-system-site-packages").is_some() && config.include_system_site_packages()
        }),
        naming: config.map_or(Naming::ItsPlace, PyvenvCfg::naming),
        prompt: config.and_then(PyvenvCfg::prompt),
        sharing: wishes.sharing.clone().unwrap_or(means.sharing),
        taking: if wishes.sources == SourceWish::AsItIs { Taking::AsItIs } else { Taking::Verified },
        requirements,
        list: wishes.list.clone(),
    })
}

/// Why nothing is built by itself from the list of a hostile environment.
fn refused(origin: &ListOrigin) -> &'static str {
    match origin {
        ListOrigin::Snapshot { .. } => {
            "venvkeep does not rebuild such an environment by itself, not even from the snapshot that it kept"
        }
        ListOrigin::Environment | ListOrigin::File(_) => {
            "venvkeep does not install from a list that somebody else may have written"
        }
    }
}

/// What of the old environment a list does not name at all.
fn not_on(list: &FrozenRequirements, had: &FrozenRequirements) -> Vec<Pin> {
    had.pins().iter().filter(|pin| list.get(&pin.name).is_none()).cloned().collect()
}

/// The list without what the user wants to leave out, and that.
fn without_skipped(
    list: &FrozenRequirements,
    skip: &[PackageName],
) -> Result<(FrozenRequirements, Vec<Pin>), PlanError> {
    if let Some(name) = skip.iter().find(|name| list.get(name).is_none()) {
        return Err(PlanError::NotThere { name: name.clone() });
    }
    let (skipped, kept): (Vec<Pin>, Vec<Pin>) =
        list.pins().iter().cloned().partition(|pin| skip.contains(&pin.name));
    Ok((FrozenRequirements::new(kept), skipped))
}

fn projects_inside(pins: &[PlannedPin], prefix: &Prefix) -> Vec<String> {
    let lies_inside = |one: &&PlannedPin| match &one.pin.kind {
        // What is taken over goes on meaning the project, which is carried over with its environment.
        PinKind::Editable(editable) if one.source != Source::Env => {
            editable.location.as_ref().is_some_and(|location| location.starts_with(prefix.path()))
        }
        _ => false,
    };
    pins.iter().filter(lies_inside).map(|one| one.pin.name.to_string()).collect()
}
