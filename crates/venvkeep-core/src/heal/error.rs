//! Why an environment was not healed, and what stands at its path then.

use std::path::PathBuf;

use super::copy::CopyError;
use super::elsewhere::ElsewhereError;
use crate::diagnose::managed::ManagedElsewhere;
use crate::error::LiveState;
use crate::host::fs::IoError;
use crate::host::process::ProcessError;
use crate::host::programs::Distrust;
use crate::inspect::snapshot::Site;
use crate::interpreters::find::FindError;
use crate::model::prefix::Prefix;
use crate::new::place::UnusablePath;
use crate::plan::PlanError;
use crate::rebuild::build::BuildError;
use crate::rebuild::install::InstallError;
use crate::rebuild::reuse::ReuseError;
use crate::rebuild::share::NoGroup;
use crate::swap::SwapError;
use crate::verify::VerifyError;

/// Why an environment was not healed.
#[derive(Debug, thiserror::Error)]
pub enum HealError {
    /// It could not be looked at, or a file beside it could not be written.
    #[error(transparent)]
    Io(#[from] IoError),
    /// A run was cut off when nothing stood at its path, and only a plan was asked for.
    #[error("venvkeep was cut off at {}, and nothing stands there until that is settled", .prefix.display())]
    CutOff {
        /// The path.
        prefix: PathBuf,
    },
    /// No environment could work at its path.
    #[error("no environment can work at this path: {0}")]
    Path(#[from] UnusablePath),
    /// What is installed cannot be told: its site-packages is gone, or cannot be listed.
    #[error("what is installed in {} cannot be told: {} is not known", .prefix.path().display(), .site.path.display())]
    Unlisted {
        /// The environment.
        prefix: Prefix,
        /// The directory whose content is not known.
        site: Site,
        /// Why the snapshot that was kept of it does not help, where there is one.
        snapshot: Option<String>,
    },
    /// The group that it was to be for.
    #[error(transparent)]
    Group(#[from] NoGroup),
    /// There is no interpreter to rebuild it with.
    #[error(transparent)]
    Interpreter(#[from] FindError),
    /// The interpreter that was found may not be started after all.
    #[error(transparent)]
    Distrust(#[from] Distrust),
    /// Others could put something else in the new environment's place while it is built.
    #[error("{0}, and so can exchange directories while venvkeep works in them")]
    Surroundings(Distrust),
    /// There is no plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The new environment could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// It is not what it has to be.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// It could not be put in place.
    #[error(transparent)]
    Swap(#[from] SwapError),
    /// Another tool keeps the environment.
    #[error(transparent)]
    ManagedElsewhere(#[from] ManagedElsewhere),
    /// The other place that was asked for cannot be had.
    #[error(transparent)]
    Elsewhere(#[from] ElsewhereError),
    /// The environment is not fit for being copied or moved.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// It did not hold in its place, and the old one was brought back.
    #[error("the new environment did not work in its place: {0}")]
    DidNotHold(VerifyError),
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl HealError {
    /// What stands at the environment's path after this error.
    pub fn live(&self) -> LiveState {
        match self {
            Self::Swap(error) => error.live(),
            Self::DidNotHold(_) => LiveState::Restored,
            _ => LiveState::Untouched,
        }
    }

    /// Whether the user's wish to stop is the reason.
    pub fn is_interrupted(&self) -> bool {
        match self {
            Self::Interrupted | Self::Interpreter(FindError::Interrupted) => true,
            Self::Build(BuildError::Install(InstallError::Process(error))) => {
                matches!(error, ProcessError::Interrupted)
            }
            Self::Build(error) => {
                matches!(error, BuildError::Interrupted | BuildError::Reuse(ReuseError::Interrupted))
            }
            Self::Verify(error) | Self::DidNotHold(error) => matches!(error, VerifyError::Interrupted),
            _ => false,
        }
    }
}
