//! Arguments as they are typed. What they mean is for [`crate::request`] and the commands to say.

#![expect(clippy::doc_markdown, reason = "these comments are the help texts, which are plain text")]
#![expect(
    clippy::struct_excessive_bools,
    reason = "a switch as typed is a bool; what it means is an enum elsewhere"
)]

mod daily;
mod doctor;
mod scan;
mod shims;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use venvkeep_core::model::name::PackageName;

pub(crate) use daily::{CopyArguments, ListArguments, RemoveArguments, RenameArguments, RunArguments};
pub(crate) use doctor::DoctorArguments;
pub(crate) use scan::{ScanArguments, ScanFormat};
pub(crate) use shims::{
    CompleteArguments, CompletionsArguments, DefaultArguments, InstallArguments, ShimsAction, ShimsArguments,
    UninstallArguments,
};

/// Creates Python virtual environments that stay yours, and heals the broken ones.
#[derive(Debug, Parser)]
#[command(name = "venvkeep", version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) output: OutputArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How results are shown.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct OutputArguments {
    /// Print results only: no progress, no notes
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more: with check, more evidence and why sudo chown is the worse way
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Print the result as one JSON document (scan: one a line)
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = ColorWhen::Auto, value_name = "WHEN")]
    pub(crate) color: ColorWhen,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create an environment that is yours, without sudo
    New(NewArguments),
    /// Say what is wrong with an environment, and what to do about it
    Check(CheckArguments),
    /// Print what is installed, as pip freeze would
    Freeze(FreezeArguments),
    /// Rebuild a broken environment as yours; nothing is lost
    Heal(HealArguments),
    /// Find every environment below some directories, and say how each is
    Scan(ScanArguments),
    /// Bring back what was there before the last heal, move or remove
    Undo(UndoArguments),
    /// Remove the old environments that heal, move and remove kept
    Prune(PruneArguments),
    /// The environments that venvkeep knows, and how they are
    List(ListArguments),
    /// Run a command in an environment, without activating it
    Run(RunArguments),
    /// Make a copy of an environment at another place
    Clone(CopyArguments),
    /// Move an environment to another place; every path in it follows
    Move(CopyArguments),
    /// Call an environment by another name
    Rename(RenameArguments),
    /// Set an environment aside; undo brings it back, prune deletes it
    Remove(RemoveArguments),
    /// Find what breaks environments from outside: caches, settings
    Doctor(DoctorArguments),
    /// The Pythons on this machine, and which one new would take
    Pythons,
    /// Let your shell activate environments and complete commands
    Shims(ShimsArguments),
    /// The environment that is active from login where nothing nearer is
    Default(DefaultArguments),
    /// Print what your shell needs to complete venvkeep's commands
    Completions(CompletionsArguments),
    /// What the completions ask
    #[command(name = "__complete", hide = true)]
    Complete(CompleteArguments),
    /// Let the shell activate an environment by itself
    Trust(TrustArguments),
    /// Take that back
    Untrust(TrustArguments),
    /// Activate an environment, in a shell with the shims
    Activate(ActivateArguments),
    /// Deactivate it, in a shell with the shims
    Deactivate,
    /// Write the man pages, for packages of venvkeep
    #[command(hide = true)]
    Man(ManArguments),
    /// What the shims say of an environment that is not the user's
    #[command(hide = true)]
    Notice(NoticeArguments),
}

impl Command {
    /// The command's name, as typed and in JSON.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::New(_) => "new",
            Self::Check(_) => "check",
            Self::Freeze(_) => "freeze",
            Self::Heal(_) => "heal",
            Self::Scan(_) => "scan",
            Self::Undo(_) => "undo",
            Self::Prune(_) => "prune",
            Self::List(_) => "list",
            Self::Run(_) => "run",
            Self::Clone(_) => "clone",
            Self::Move(_) => "move",
            Self::Rename(_) => "rename",
            Self::Remove(_) => "remove",
            Self::Doctor(_) => "doctor",
            Self::Pythons => "pythons",
            Self::Shims(_) => "shims",
            Self::Default(_) => "default",
            Self::Completions(_) => "completions",
            Self::Complete(_) => "__complete",
            Self::Trust(_) => "trust",
            Self::Untrust(_) => "untrust",
            Self::Activate(_) => "activate",
            Self::Deactivate => "deactivate",
            Self::Man(_) => "man",
            Self::Notice(_) => "notice",
        }
    }

    /// Whether it fails without settings that can be used, and says so itself; or speaks to a shell or a packager, who
    /// have no use for a note.
    pub(crate) fn has_own_word_on_settings(&self) -> bool {
        match self {
            Self::Scan(_) | Self::Complete(_) | Self::Notice(_) | Self::Man(_) => true,
            Self::Heal(wish) => wish.all,
            _ => false,
        }
    }
}

/// What `new` was asked for.
#[derive(Debug, Args)]
pub(crate) struct NewArguments {
    /// A project's NAME (makes NAME/.venv), or the PATH of the environment itself; by default ./.venv
    #[arg(value_name = "NAME or PATH")]
    pub(crate) place: Option<PathBuf>,
    /// The Python to use: 3.12, ">=3.10", pypy3, 3.13t, a name or a path; by default what the project's .python-version
    /// or pyproject.toml says, else python3
    #[arg(short, long, value_name = "PYTHON")]
    pub(crate) python: Option<String>,
    /// Install what FILE lists: a requirements file, or a pylock.toml
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) requirements: Option<PathBuf>,
    /// Take over what is installed outside of environments: user (pip install --user), system (sudo pip install), or the
    /// DIR of pip install --target
    #[arg(long, value_name = "user, system or DIR", value_hint = clap::ValueHint::DirPath, conflicts_with = "requirements")]
    pub(crate) adopt: Option<PathBuf>,
    /// What to put in besides Python
    #[arg(long, value_enum, default_value_t = SeedChoice::Pip)]
    pub(crate) seed: SeedChoice,
    /// Bring that pip up to date from the package index
    #[arg(long)]
    pub(crate) upgrade_deps: bool,
    /// What the shell's prompt shows; by default the project's name
    #[arg(long)]
    pub(crate) prompt: Option<String>,
    /// Let the environment see the packages of the system's Python
    #[arg(long)]
    pub(crate) system_site_packages: bool,
    /// Make it in WORKON_HOME, else in venvkeep's own directory, under its NAME: for what belongs to no project
    #[arg(long, requires = "place")]
    pub(crate) central: bool,
    /// Let everyone on this machine read it, whatever the umask; with --shared=GROUP that group can write it, too
    #[arg(long, value_name = "GROUP", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(crate) shared: Option<String>,
    /// As root: make it root's, although somebody else will probably use it
    #[arg(long)]
    pub(crate) as_root: bool,
}

/// What a new environment is seeded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SeedChoice {
    /// pip, and setuptools where the Python's own venv adds it
    Pip,
    /// Nothing
    None,
}

/// What `check` was asked for.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The environments; by default the active one, else the nearest .venv, venv or env
    #[arg(value_name = "ENV")]
    pub(crate) environments: Vec<PathBuf>,
    /// Compare every file with the hash that was recorded when it was installed
    #[arg(long)]
    pub(crate) deep: bool,
    /// Say what others on this machine cannot read of it, also where it was not made for them
    #[arg(long)]
    pub(crate) shared: bool,
}

/// What `freeze` was asked for.
#[derive(Debug, Args)]
pub(crate) struct FreezeArguments {
    /// The environment; by default the active one, else the nearest .venv, venv or env
    #[arg(value_name = "ENV")]
    pub(crate) environment: Option<PathBuf>,
    /// List pip, setuptools and wheel too, as `pip freeze --all` does
    #[arg(long)]
    pub(crate) all: bool,
    /// Write the list to FILE
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// What to write
    #[arg(long, value_enum, default_value_t = ListFormat::Requirements)]
    pub(crate) format: ListFormat,
    /// Fetch nothing; a pylock needs the package index
    #[arg(long)]
    pub(crate) offline: bool,
}

/// How a frozen list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// The lines that `pip freeze` prints
    Requirements,
    /// A lock file (PEP 751), through uv
    Pylock,
}

/// What `heal` was asked for.
#[derive(Debug, Args)]
pub(crate) struct HealArguments {
    /// The environments; by default the active one, else the nearest .venv, venv or env. With --all directories to
    /// search; by default your home
    #[arg(value_name = "ENV")]
    pub(crate) environments: Vec<PathBuf>,
    /// Heal everything below these directories that is unwell and can be healed; the rest is named with the reason
    #[arg(long, conflicts_with_all = ["to", "requirements", "python", "skip", "force", "shared", "trust_owner", "discard"])]
    pub(crate) all: bool,
    /// With --all: go on into other file systems that are mounted there
    #[arg(long, requires = "all")]
    pub(crate) cross_device: bool,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Install what FILE pins instead of what the environment's metadata says
    #[arg(short, long, value_name = "FILE")]
    pub(crate) requirements: Option<PathBuf>,
    /// The Python to rebuild with: 3.12, ">=3.10", pypy3, 3.13t, a name or a path
    #[arg(short, long, value_name = "PYTHON")]
    pub(crate) python: Option<String>,
    /// Where distributions may come from
    #[arg(long, value_enum, default_value_t = FromChoice::Auto, value_name = "SOURCE")]
    pub(crate) from: FromChoice,
    /// Fetch nothing: use what is on this machine
    #[arg(long)]
    pub(crate) offline: bool,
    /// Leave this distribution out; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) skip: Vec<PackageName>,
    /// Rebuild although nothing is wrong
    #[arg(long)]
    pub(crate) force: bool,
    /// Build the new environment at PATH and leave the old one alone, also when nothing is wrong
    #[arg(long, value_name = "PATH", conflicts_with = "discard")]
    pub(crate) to: Option<PathBuf>,
    /// Rebuild it so that everyone on this machine can read it; with --shared=GROUP that group can write it, too. Also
    /// when nothing is wrong
    #[arg(long, value_name = "GROUP", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(crate) shared: Option<String>,
    /// Remove the old environment at once, where you can
    #[arg(long)]
    pub(crate) discard: bool,
    /// Heal although somebody other than you and root could have written the environment's list, or could exchange
    /// directories on the way to it
    #[arg(long)]
    pub(crate) trust_owner: bool,
    /// As root: rebuild it as root's
    #[arg(long)]
    pub(crate) as_root: bool,
}

/// What `undo` was asked for.
#[derive(Debug, Args)]
pub(crate) struct UndoArguments {
    /// The environment; by default the active one, else the nearest .venv, venv or env
    #[arg(value_name = "ENV")]
    pub(crate) environment: Option<PathBuf>,
    /// As root: do it although the directory is somebody else's
    #[arg(long)]
    pub(crate) as_root: bool,
}

/// What `prune` was asked for.
#[derive(Debug, Args)]
pub(crate) struct PruneArguments {
    /// The environments; by default the active one, else the nearest .venv, venv or env
    #[arg(value_name = "ENV")]
    pub(crate) environments: Vec<PathBuf>,
    /// Of every environment that venvkeep knows, the removed ones included
    #[arg(long, conflicts_with = "environments")]
    pub(crate) all: bool,
    /// Show what would be removed and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Only those that are at least this old: 7d, 12h, 30m, 2w
    #[arg(long, value_name = "AGE", value_parser = age, default_value = "0d", hide_default_value = true)]
    pub(crate) older_than: Duration,
}

/// What `trust` and `untrust` were asked for.
#[derive(Debug, Args)]
pub(crate) struct TrustArguments {
    /// The project or its environment, or the name of one that list shows; by default the nearest .venv, venv or env
    #[arg(value_name = "DIR")]
    pub(crate) place: Option<PathBuf>,
}

/// What `activate` was asked for.
#[derive(Debug, Args)]
pub(crate) struct ActivateArguments {
    /// A path, or the name of a trusted environment; by default the nearest .venv, venv or env
    #[arg(value_name = "ENV")]
    pub(crate) environment: Option<PathBuf>,
    /// Print what the shims need: the path, then the name for the prompt
    #[arg(long, hide = true)]
    pub(crate) for_shell: bool,
}

/// What `notice` was asked for.
#[derive(Debug, Args)]
pub(crate) struct NoticeArguments {
    /// The environment
    #[arg(value_name = "ENV")]
    pub(crate) environment: PathBuf,
}

/// What `man` was asked for.
#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// The directory that the pages are written to; it is made
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) out: PathBuf,
}

/// Reads `7d`.
pub(crate) fn age(text: &str) -> Result<Duration, String> {
    let mistake = || format!("\"{text}\" is no age; write a number and m, h, d or w: 7d");
    let unit = text.chars().next_back().ok_or_else(mistake)?;
    let minutes: u64 = match unit {
        'm' => 1,
        'h' => 60,
        'd' => 24 * 60,
        'w' => 7 * 24 * 60,
        _ => return Err(mistake()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| mistake())?;
    number.checked_mul(minutes * 60).map(Duration::from_secs).ok_or_else(mistake)
}

/// Where distributions may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FromChoice {
    /// From the old environment where its files can be read and verified, else from the package index
    Auto,
    /// From the old environment alone, also what has no hashes to verify
    Env,
    /// Nothing from the old environment
    Index,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::CommandFactory;

    use super::{Arguments, age};

    #[test]
    fn ages() {
        assert_eq!(age("30m"), Ok(Duration::from_secs(1800)));
        assert_eq!(age("2w"), Ok(Duration::from_secs(14 * 86400)));
        for mistake in ["", "7", "d", "-1d", "7 d", "7é", "99999999999999999999d", "9999999999999999999w"] {
            assert!(age(mistake).is_err(), "{mistake}");
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }
}
