//! What comes from the old environment: its distributions' files, copied and hashed in one go.
//!
//! Whether the bytes are what RECORD says is known only when they were read, and what turns out altered has to be
//! fetched instead, into a stage that is still clean (installers start the stage's Python with `site`). So everything
//! is copied into a private directory of the stage first (`gather`), and moved into its place by renames after the
//! installer is done (`Gathered::settle`).

mod bytecode;
mod copy;
mod develop;
mod digest;
mod jobs;
mod mapping;
mod papers;
mod place;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::stage::Stage;
use crate::host::fs::{self, Directory, IoError};
use crate::host::remove;
use crate::inspect::holdings::Holding;
use crate::inspect::snapshot::Snapshot;
use crate::model::distribution::Distribution;
use crate::model::interrupt::Interrupt;
use crate::model::name::PackageName;
use crate::model::shebang::UnwritablePath;
use crate::plan::{Plan, Source};
use crate::progress::Progress;
use jobs::{Jobs, Taken};
use mapping::Mapping;

/// The private directory in the stage, with the layout of the environment that is being built.
pub(super) const DIRECTORY: &str = ".venvkeep-reuse";

/// No file gets more, whatever the umask is: what belongs to a distribution is never writable by others.
const FILE_MODE: u16 = 0o664;

/// Programs, and what was executable.
const PROGRAM_MODE: u16 = 0o775;

const DIRECTORY_MODE: u16 = 0o775;

/// Why copying was given up. What is wrong with a distribution's own files is no error: it is left out, and named.
#[derive(Debug, thiserror::Error)]
pub enum ReuseError {
    /// The stage could not be written.
    #[error(transparent)]
    Io(#[from] IoError),
    /// Scripts cannot name the environment's interpreter.
    #[error(transparent)]
    Path(#[from] UnwritablePath),
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// What is copied, and into what.
pub(super) struct Order<'a> {
    pub(super) plan: &'a Plan,
    pub(super) old: &'a Snapshot,
    pub(super) holdings: &'a BTreeMap<PackageName, Holding>,
    pub(super) stage: &'a Stage,
    pub(super) interrupt: &'a Interrupt,
    pub(super) progress: Progress<'a>,
}

/// Copies that wait for being moved into place.
#[derive(Debug)]
#[must_use = "nothing of it is in its place before `settle`"]
pub(super) struct Gathered {
    private: Option<PathBuf>,
    /// Distributions whose files are not what was recorded, with the reason in words.
    pub(super) unusable: BTreeMap<PackageName, String>,
    /// Files that were changed since they were installed and are among the copies, relative to the prefix.
    pub(super) changed: BTreeSet<PathBuf>,
}

/// Copies every distribution that the plan takes from the old environment, into a stage that holds nothing but the
/// skeleton.
pub(super) fn gather(order: &Order<'_>) -> Result<Gathered, ReuseError> {
    let is_taken = |one: &&Distribution| {
        let mut pins = order.plan.pins.iter();
        pins.any(|planned| planned.source == Source::Env && planned.pin.name == one.name)
    };
    let wanted: Vec<&Distribution> = order.old.distributions.iter().filter(is_taken).collect();
    if wanted.is_empty() {
        return Ok(Gathered { private: None, unusable: BTreeMap::new(), changed: BTreeSet::new() });
    }
    let private = order.stage.join(DIRECTORY);
    fs::create_dir(&private, 0o700)?;
    let target = Directory::open(&private)?;
    let source = Directory::open(order.old.prefix.path())?;

    let mapping = Mapping::new(order);
    let mut taken = Taken::read_all(order, &source, &mapping, wanted);
    let jobs = Jobs::new(order, &mapping, &mut taken)?;
    jobs.make_directories(&private)?;
    let mut copied = copy::all(order, &jobs, &taken, (&source, &target))?;
    copied.judge(&mut taken);
    papers::write(order, &mapping, (&taken, &copied), (&source, &target))?;
    develop::write(order, &mapping, &taken, &private)?;
    jobs.remove_unusable(&taken, &target)?;
    let unusable =
        taken.into_iter().filter_map(|one| Some((one.distribution.name.clone(), one.fault?))).collect();
    Ok(Gathered { private: Some(private), unusable, changed: copied.changed })
}

impl Gathered {
    /// Moves everything into its place.
    pub(super) fn settle(self, stage: &Stage) -> Result<(), IoError> {
        let Some(private) = self.private else { return Ok(()) };
        place::merge(&Directory::open(&private)?, &Directory::open(stage.path())?)?;
        remove::tree(&private)
    }
}

/// Whether a path is inside of the private directory.
pub(super) fn is_waiting(path: &Path) -> bool {
    path.starts_with(DIRECTORY)
}
