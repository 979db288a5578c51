//! The arguments of what concerns the shell.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use venvkeep_core::shims::Shell;

/// What `shims` was asked for.
#[derive(Debug, Args)]
pub(crate) struct ShimsArguments {
    #[command(subcommand)]
    pub(crate) action: ShimsAction,
}

/// What is to be done with the shell side.
#[derive(Debug, Subcommand)]
pub(crate) enum ShimsAction {
    /// Let your shell activate the environments that you trust when you enter their directories
    Install(InstallArguments),
    /// Take out what install put in; every other byte of your profiles stays
    Uninstall(UninstallArguments),
    /// Say what is installed, and why the environment here is or is not active
    Status,
    /// Print the shim itself, for people who keep their own dotfiles
    Init(InitArguments),
}

/// What `shims install` was asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
It writes two files into your data directory and puts a few marked lines at the
end of your profile, which stays yours: same mode, same link, and a copy of it
as it was. It needs no root. A second run changes nothing.")]
pub(crate) struct InstallArguments {
    /// bash, zsh or fish; by default the one you log in with
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Option<Shell>,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Warn before sudo pip install, sudo python -m venv and the like, then let them pass
    #[arg(long)]
    pub(crate) sudo_guard: bool,
    /// Let pip refuse to work outside of environments (PIP_REQUIRE_VIRTUALENV; stops pip freeze and download too)
    #[arg(long)]
    pub(crate) require_venv: bool,
}

/// What `shims uninstall` was asked for.
#[derive(Debug, Args)]
pub(crate) struct UninstallArguments {
    /// bash, zsh or fish; by default all of them
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Option<Shell>,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What `shims init` was asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
In .bashrc or .zshrc, as the last line:  . ~/dotfiles/venvkeep.bash (or .zsh)")]
pub(crate) struct InitArguments {
    /// bash, zsh or fish
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}

/// What `completions` was asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
bash: source the file in .bashrc. zsh: the file's directory (mkdir -p ~/.zfunc) goes into fpath, before compinit.
fish: finds the file by itself (mkdir -p ~/.config/fish/completions).")]
pub(crate) struct CompletionsArguments {
    /// bash, zsh or fish
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}

/// What a shell asks at Tab.
#[derive(Debug, Args)]
pub(crate) struct CompleteArguments {
    /// The shell that asks
    pub(crate) shell: Shell,
    /// Which word is being typed, the program's name counted as 0
    pub(crate) index: usize,
    /// The words so far
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) words: Vec<OsString>,
}

/// What `default` was asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
It takes effect in new shells, and needs the shims: venvkeep shims install")]
pub(crate) struct DefaultArguments {
    /// The environment; without one, say which it is
    #[arg(value_name = "ENV", conflicts_with = "none")]
    pub(crate) environment: Option<PathBuf>,
    /// No environment is to be the default
    #[arg(long)]
    pub(crate) none: bool,
}
