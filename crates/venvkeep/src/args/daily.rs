//! Arguments of the commands about environments as a whole: list, run, move, clone, rename, remove.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

/// What `list` was asked for.
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Take in the environments in each DIR, and those in the projects in it; without DIR those of
    /// virtualenvwrapper, pew and pyenv
    #[arg(long, value_name = "DIR", num_args = 0.., value_hint = clap::ValueHint::DirPath)]
    pub(crate) import: Option<Vec<PathBuf>>,
}

/// What `run` was asked for.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// The environment; by default the active one, else the nearest .venv, venv or env
    #[arg(value_name = "ENV")]
    pub(crate) environment: Option<PathBuf>,
    /// What to run, with its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// What `remove` was asked for.
#[derive(Debug, Args)]
pub(crate) struct RemoveArguments {
    /// The environments
    #[arg(value_name = "ENV", required = true)]
    pub(crate) environments: Vec<PathBuf>,
    /// As root: do it although the directory is somebody else's
    #[arg(long)]
    pub(crate) as_root: bool,
}

/// What `rename` was asked for.
#[derive(Debug, Args)]
pub(crate) struct RenameArguments {
    /// The environment
    #[arg(value_name = "ENV")]
    pub(crate) environment: PathBuf,
    /// What it is to be called
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// As root: call it so for root alone
    #[arg(long)]
    pub(crate) as_root: bool,
}

/// What `move` and `clone` were asked for.
#[derive(Debug, Args)]
pub(crate) struct CopyArguments {
    /// The environment
    #[arg(value_name = "ENV")]
    pub(crate) environment: PathBuf,
    /// Where it goes, as with new: a project's NAME (NAME/.venv), or the PATH of the environment itself
    #[arg(value_name = "NAME or PATH", value_hint = clap::ValueHint::DirPath)]
    pub(crate) to: PathBuf,
    /// As root: do it although somebody else will probably use it
    #[arg(long)]
    pub(crate) as_root: bool,
}
