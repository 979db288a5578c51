//! Arguments of `doctor`.

use clap::Args;

/// What `doctor` was asked for.
#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Put right what you may: your caches and ~/.local; as root, packages that others cannot read
    #[arg(long)]
    pub(crate) repair: bool,
    /// With --repair: take the last repair back
    #[arg(long, requires = "repair")]
    pub(crate) undo: bool,
    /// With --repair: print what would be done and change nothing
    #[arg(long, requires = "repair", conflicts_with = "undo")]
    pub(crate) dry_run: bool,
}
