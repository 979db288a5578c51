//! A new environment, from what was typed to the finished directory.
//!
//! It is built beside its place and renamed into it in one step that never replaces anything: at every instant there
//! is either nothing or a whole environment. What a killed run leaves beside it, the next run for that place removes.

pub mod adopt;
mod fill;
pub mod place;
pub mod python;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::host::credentials::{self, Readers};
use crate::host::fs::{self, Directory, IoError};
use crate::host::programs::Distrust;
use crate::host::{rename, walk};
use crate::interpreters::find::{FindError, find};
use crate::interpreters::request::Request;
use crate::model::caller::Caller;
use crate::model::facts::Kind;
use crate::model::interpreter::BaseInterpreter;
use crate::model::interrupt::Interrupt;
use crate::model::owner::Viewer;
use crate::model::prefix::{Prefix, PrefixError};
use crate::model::pyvenv_cfg::Naming;
use crate::model::sharing::Sharing;
use crate::progress::Progress;
use crate::rebuild::create::{CreateError, Skeleton, SystemSitePackages, create, open_up, open_up_itself};
use crate::rebuild::install::InstallError;
use crate::rebuild::seed::{Seeded, prepare};
use crate::rebuild::share::{Later, NoGroup, insist_on_group, share};
use crate::rebuild::stage::Stage;
use crate::rebuild::wheel::WheelError;
use crate::root::{AsRoot, WrongUser, insist_on_right_user};
use crate::store::registry;
use crate::store::snapshots::{self, Keeping};
use crate::store::trust::{self, TrustError};
use crate::swap::{Journal, SwapError};
use adopt::{AdoptError, AdoptFrom, Adopted};
use fill::Filled;
use place::{Place, UnusablePath};
use python::{Wanted, wanted};

/// A list that people write, or a lock file.
const MAX_LIST: u64 = 64 * 1024 * 1024;

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Wish<'a> {
    /// A project's name or the environment's path, as typed.
    pub typed: Option<&'a Path>,
    /// The interpreter; `None` where the project's files are to say.
    pub python: Option<Request>,
    /// What goes in besides.
    pub seed: Seed,
    /// The list of what is to be installed, as an absolute path.
    pub list: Option<&'a Path>,
    /// What is to be taken over that was installed outside of environments.
    pub adopt: Option<AdoptFrom<'a>>,
    /// What the prompt shows instead of the project's name.
    pub prompt: Option<&'a str>,
    /// Whether the base's packages are to be seen.
    pub system_site_packages: SystemSitePackages,
    /// Whom it is for.
    pub sharing: Sharing,
    /// Whether root may make it where it would lock somebody out.
    pub as_root: AsRoot,
}

/// What a new environment is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed {
    /// pip, and setuptools where the Python's own `venv` adds it.
    Pip,
    /// The same, brought up to date from the index.
    NewestPip,
    /// Nothing.
    Nothing,
}

/// A new environment.
#[derive(Debug)]
pub struct Made {
    /// Where it is.
    pub prefix: Prefix,
    /// What it is known by.
    pub name: String,
    /// What it borrows.
    pub interpreter: BaseInterpreter,
    /// Why this one.
    pub wanted: Wanted,
    /// What was put in; `None` when nothing was to be.
    pub seeded: Option<Seeded>,
    /// How many distributions the list brought, with what they depend on; `None` where there was no list.
    pub installed: Option<usize>,
    /// What was taken over; `None` where nothing was to be.
    pub adopted: Option<Adopted>,
    /// Whether a snapshot of it is kept outside of it.
    pub snapshot: Keeping,
    /// Whether the user's shells may activate it by themselves; what hinders them is no reason to have made nothing.
    pub trust: Result<(), TrustError>,
    /// A directory above it that not everybody may pass, where everybody was to be able to read it.
    pub shut: Option<PathBuf>,
    /// Whether what is installed later is for the others, too.
    pub later: Later,
}

/// Why there is no new environment. Nothing is left of the attempt.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// No environment could work at that path.
    #[error("cannot make an environment there: {0}")]
    Path(#[from] UnusablePath),
    /// Neither at this one, after links were followed.
    #[error(transparent)]
    Prefix(#[from] PrefixError),
    /// Root would lock somebody out.
    #[error(transparent)]
    WrongUser(#[from] WrongUser),
    /// Something stands there.
    #[error("{} is taken: {what} stands there", .path.display())]
    Taken {
        /// The place.
        path: PathBuf,
        /// What it is, in words.
        what: &'static str,
    },
    /// The directory around it is not the user's to write in.
    #[error("you may not write in {}, which belongs to {owner}", .directory.display())]
    ParentUnwritable {
        /// The directory.
        directory: PathBuf,
        /// Whose it is: a name, a number that has none, or "you".
        owner: String,
    },
    /// No interpreter.
    #[error("{why}")]
    Python {
        /// Why.
        why: FindError,
        /// The project's file that asks for it, where one does.
        by: Option<PathBuf>,
    },
    /// A file could not be written.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The skeleton could not be made.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// pip could not be put in.
    #[error("could not put pip in: {0}")]
    Seed(#[from] WheelError),
    /// The group that it was to be for.
    #[error(transparent)]
    Group(#[from] NoGroup),
    /// The list cannot be read.
    #[error("cannot read the list: {0}")]
    List(IoError),
    /// There is nothing that installs.
    #[error("there is no uv on your PATH that may be started, and {python} brings no pip that could install")]
    NoInstaller {
        /// The interpreter.
        python: String,
    },
    /// Something could not be installed.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// The new environment's own Python may not be started.
    #[error("the new environment's Python could not be used: {0}")]
    Stage(#[from] Distrust),
    /// Another run is at work there, or what it left cannot be settled.
    #[error("{why}")]
    Beside {
        /// The environment.
        prefix: Prefix,
        /// What is the matter beside it.
        why: SwapError,
    },
    /// Nothing could be taken over.
    #[error(transparent)]
    Adopt(#[from] AdoptError),
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// Makes the environment.
pub fn new(
    wish: &Wish<'_>,
    caller: &Caller,
    interrupt: &Interrupt,
    progress: Progress<'_>,
) -> Result<Made, NewError> {
    let Place { environment, name } = place::place(wish.typed, &caller.cwd)?;
    // Everything that can refuse comes before anything is written.
    insist_on_right_user(&environment, caller, wish.as_root)?;
    insist_on_free(&environment)?;
    insist_on_group(&wish.sharing, &caller.viewer)?;
    insist_on_writable(&environment, &caller.viewer)?;
    if let Some(list) = wish.list {
        fs::physical(list).and_then(|list| fs::read_bounded(&list, MAX_LIST)).map_err(NewError::List)?;
    }
    let wanted = wanted(wish.python.as_ref(), environment.parent().unwrap_or(Path::new("/")));
    let interpreter = find(&wanted.request, caller, interrupt)
        .map_err(|why| NewError::Python { why, by: wanted.by.clone() })?;

    let found = wish.adopt.map(|from| adopt::find(from, &interpreter, caller)).transpose()?;
    // The first time this takes a second or two: before anybody else is kept waiting.
    let seeds = (wish.seed != Seed::Nothing).then(|| prepare(&interpreter, caller, interrupt));
    if interrupt.requested() {
        return Err(NewError::Interrupted);
    }
    let readers = if wish.sharing.is_shared() { Readers::Everyone } else { Readers::AsUsual };
    credentials::tighten_umask(readers);
    let mut around = Around::make(&environment)?;
    let prefix = physical_prefix(&environment)?;
    place::usable(prefix.path())?;
    let mut journal =
        Journal::open(&prefix).map_err(|why| NewError::Beside { prefix: prefix.clone(), why })?;
    // While another run held the place, it may have filled it.
    insist_on_free(prefix.path())?;
    let stage = Stage::create(&prefix)?;
    journal.building(stage.path(), &stage.place().identity)?;
    let skeleton = Skeleton {
        interpreter: &interpreter,
        prefix: &prefix,
        prompt: wish.prompt.unwrap_or(&name),
        system_site_packages: wish.system_site_packages,
        naming: Naming::ItsPlace,
        sharing: &wish.sharing,
    };
    create(stage.path(), &skeleton)?;
    let seeded = seeds.map(|seeds| seeds.install(stage.path(), &prefix, &interpreter));
    let mut seeded = seeded.transpose()?;
    let filling = Filled { stage: &stage, prefix: &prefix, interpreter: &interpreter, caller, interrupt };
    let installed = filling.fill(wish, seeded.as_mut(), progress)?;
    let adopted = found.map(|found| filling.adopt(found, seeded.as_ref(), progress)).transpose()?;
    if interrupt.requested() {
        return Err(NewError::Interrupted);
    }
    let later = open(&stage, wish)?;
    rename::to_free_name(stage.path(), prefix.path())
        .map_err(|error| taken_meanwhile(error, prefix.path()))?;
    stage.release();
    around.keep();
    let snapshot = snapshots::keep_new(caller, &prefix);
    let trust = trust::trust(&prefix, caller).map(|_| ());
    // A name is a convenience, and nothing to fail for.
    let _ = registry::register_new(&prefix, caller);
    let shut = wish.sharing.is_shared().then(|| fs::shut_above(prefix.path())).flatten();
    Ok(Made { prefix, name, interpreter, wanted, seeded, installed, adopted, snapshot, trust, shut, later })
}

/// Opens the stage, which nobody else could enter, to those that it is for.
fn open(stage: &Stage, wish: &Wish<'_>) -> Result<Later, NewError> {
    let tree = || Directory::open(stage.path()).and_then(|directory| walk::tree(&directory));
    if wish.sharing.is_shared() {
        return Ok(share(stage.path(), &mut tree()?, &wish.sharing, &BTreeSet::new())?);
    }
    if wish.list.is_some() || wish.adopt.is_some() || wish.seed == Seed::NewestPip {
        // An installer may have set modes of its own.
        open_up(stage.path(), &mut tree()?)?;
    } else {
        open_up_itself(stage.path())?;
    }
    Ok(Later::Kept)
}

fn insist_on_free(environment: &Path) -> Result<(), NewError> {
    match fs::lstat_if_any(environment)? {
        None => Ok(()),
        Some(facts) => Err(taken(environment, facts.kind)),
    }
}

fn taken(path: &Path, kind: Kind) -> NewError {
    let is_environment = || fs::lstat(&path.join("pyvenv.cfg")).is_ok();
    let is_empty =
        || fs::Directory::open(path).and_then(|dir| dir.names()).is_ok_and(|names| names.is_empty());
    let what = match kind {
        Kind::Directory if is_environment() => "an environment",
        Kind::Directory if is_empty() => "an empty directory",
        Kind::Directory => "a directory that is no environment",
        Kind::File => "a file",
        Kind::Link => "a symbolic link",
        Kind::Fifo => "a named pipe",
        Kind::Socket => "a socket",
        Kind::Device => "a device",
    };
    NewError::Taken { path: path.to_owned(), what }
}

/// Somebody else may have been quicker: the rename then refuses, and their work stays.
fn taken_meanwhile(error: IoError, path: &Path) -> NewError {
    match fs::lstat(path) {
        Ok(facts) => taken(path, facts.kind),
        Err(_) => error.into(),
    }
}

/// The nearest directory that exists must let the user write.
fn insist_on_writable(environment: &Path, viewer: &Viewer) -> Result<(), NewError> {
    for directory in environment.ancestors().skip(1) {
        match fs::stat(directory) {
            Err(error) if error.is_missing() => {}
            Err(error) => return Err(error.into()),
            Ok(facts) if facts.kind != Kind::Directory => return Err(taken(directory, facts.kind)),
            Ok(_) if fs::may_write(directory) => return Ok(()),
            Ok(facts) => {
                let named = || credentials::called(facts.uid);
                let owner = if facts.uid == viewer.uid { "you".to_owned() } else { named() };
                return Err(NewError::ParentUnwritable { directory: directory.to_owned(), owner });
            }
        }
    }
    Ok(())
}

/// The environment's path with every link above it resolved.
fn physical_prefix(environment: &Path) -> Result<Prefix, NewError> {
    let parent = fs::physical(environment.parent().unwrap_or(Path::new("/")))?;
    Ok(Prefix::new(parent.join(environment.file_name().unwrap_or_default()))?)
}

/// The directories above the environment that this run had to make: gone again unless the environment came to be.
pub(crate) struct Around {
    made: Vec<PathBuf>,
}

impl Around {
    pub(crate) fn make(environment: &Path) -> Result<Self, IoError> {
        let made = match environment.parent() {
            Some(parent) => fs::create_dirs(parent, 0o777)?,
            None => Vec::new(),
        };
        Ok(Self { made })
    }

    /// They stay.
    pub(crate) fn keep(&mut self) {
        self.made.clear();
    }
}

impl Drop for Around {
    fn drop(&mut self) {
        for directory in self.made.iter().rev() {
            // Not empty: somebody else uses it by now, so it stays.
            let _ = fs::remove_dir(directory);
        }
    }
}
