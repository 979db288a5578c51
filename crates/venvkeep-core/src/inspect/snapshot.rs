//! The facts about one environment, as one look found them; each fact is its own result, so that one that cannot be
//! had hides no other.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::conda::CondaMeta;
use crate::model::distribution::Distribution;
use crate::model::facts::{Facts, Kind};
use crate::model::owner::Viewer;
use crate::model::prefix::Prefix;
use crate::model::python_version::PythonVersion;
use crate::model::pyvenv_cfg::PyvenvCfg;
use crate::model::sharing::Sharing;
use crate::model::tree::{EntryId, Tree};

/// Everything `inspect` found out about an environment without executing anything of it.
#[derive(Debug)]
pub struct Snapshot {
    /// Where it is.
    pub prefix: Prefix,
    /// On whose behalf it was looked at.
    pub viewer: Viewer,
    /// The directory around it.
    pub parent: Surroundings,
    /// Every entry below the prefix.
    pub tree: Tree,
    /// Its `pyvenv.cfg`.
    pub config: Config,
    /// What made it.
    pub kind: EnvironmentKind,
    /// What conda's own records say; `None` where it has none.
    pub conda: Option<CondaMeta>,
    /// Its `bin/python` and where that leads.
    pub interpreter: Interpreter,
    /// The Python version its library directories are for, where they or `pyvenv.cfg` tell.
    pub python: Option<PythonVersion>,
    /// Its site-packages directories, relative to the prefix.
    pub sites: Vec<Site>,
    /// What is installed, in the order of the file names.
    pub distributions: Vec<Distribution>,
    /// What an aborted uninstall or upgrade left: `~ip-23.0.dist-info`, `~ip`, the metadata of a version whose files
    /// are gone; relative to the prefix.
    pub leftovers: Vec<PathBuf>,
    /// Metadata that names no distribution: neither the file nor its name holds a usable name and version; relative
    /// to the prefix.
    pub unidentified: Vec<PathBuf>,
    /// Prefixes, other than its own, that its scripts name as theirs: it was moved or copied from there.
    pub named_prefixes: Vec<NamedPrefix>,
    /// Other ways to its own place that its scripts name: through links.
    pub aliases: Vec<PathBuf>,
    /// What venvkeep itself left beside it: kept old trees, stages and journals.
    pub siblings: Vec<Sibling>,
    /// Of one that is shared, what its owner put into it where nothing of Python's lies.
    pub keepsakes: BTreeSet<EntryId>,
}

impl Snapshot {
    /// The first site whose content is not known: what is installed there is missing from `distributions`.
    pub fn unlisted(&self) -> Option<&Site> {
        self.sites.iter().find(|site| !site.is_listed())
    }

    /// Whether an entry is uv's lock: an empty file in the prefix that uv lets everybody write, and that nothing reads.
    pub fn is_lock(&self, id: EntryId) -> bool {
        let facts = self.tree.facts(id);
        let is_empty_file = facts.kind == Kind::File && facts.size == 0;
        is_empty_file && self.tree.parent(id) == Tree::ROOT && self.tree.name(id) == ".lock"
    }

    /// Whether somebody who is neither root nor the viewer could have written something of it.
    pub fn others_could_have_written(&self) -> bool {
        self.tree.ids().any(|id| {
            let facts = self.tree.facts(id);
            !self.viewer.trusts(facts.uid) || self.viewer.others_can_add(facts) && !self.is_lock(id)
        })
    }

    /// The configuration, where it could be read.
    pub fn configuration(&self) -> Option<&PyvenvCfg> {
        self.config.settings()
    }

    /// Whom it is for, by its own word.
    pub fn sharing(&self) -> Sharing {
        self.configuration().map(PyvenvCfg::sharing).unwrap_or_default()
    }

    /// Whether an entry is for those that it is shared with: what is installed, and what Python reads.
    pub fn is_for_others(&self, id: EntryId) -> bool {
        let path = if id == Tree::ROOT { PathBuf::new() } else { self.tree.path(id) };
        !self.keepsakes.contains(&id) && self.sharing().is_for_others(&path)
    }

    /// The implementation that its library directories are for: `cpython` or `pypy`.
    pub fn implementation(&self) -> Option<&'static str> {
        let site = self.sites.iter().find(|site| site.python.is_some())?;
        let is_pypy = site.path.to_string_lossy().contains("pypy")
            || self
                .configuration()
                .and_then(|config| config.get("implementation"))
                .is_some_and(|name| name.eq_ignore_ascii_case("pypy"));
        Some(if is_pypy { "pypy" } else { "cpython" })
    }
}

/// The directory around an environment.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings {
    /// Its owner and mode.
    pub facts: Facts,
    /// Whether the viewer may create and rename names in it, as the kernel judges.
    pub writable: bool,
    /// Whether the environment is mounted in it.
    pub holds_mount: bool,
}

/// What became of reading `pyvenv.cfg`.
#[derive(Debug)]
pub enum Config {
    /// There is none.
    Missing,
    /// It is there and could not be read, with the reason in words.
    Unreadable(String),
    /// It was read; whether it makes sense is for `diagnose` to say.
    Read(PyvenvCfg),
}

impl Config {
    /// What it says, where it could be read.
    pub fn settings(&self) -> Option<&PyvenvCfg> {
        match self {
            Self::Read(config) => Some(config),
            Self::Missing | Self::Unreadable(_) => None,
        }
    }
}

/// What made an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvironmentKind {
    /// `python -m venv`.
    Venv,
    /// virtualenv 20 and newer.
    Virtualenv,
    /// `uv venv`.
    Uv,
    /// virtualenv before 20: no `pyvenv.cfg`.
    LegacyVirtualenv,
    /// conda and its kin (`conda-meta`).
    Conda,
    /// It looks like an environment, but nothing tells what made it.
    Unknown,
}

/// Where `bin/python` leads. It is never started; what it leads to may be, when it is a base interpreter that belongs
/// to root or the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interpreter {
    /// There is no `bin/python`.
    Absent,
    /// A link whose end is not there: the base interpreter was removed or upgraded.
    Dangling {
        /// The link's text at the last step that could be followed.
        target: PathBuf,
    },
    /// It leads to something that is no program: a loop, a directory, a file that is not executable.
    NotAProgram {
        /// Where it leads.
        target: PathBuf,
        /// In words.
        why: String,
    },
    /// It leads out of the environment, to a base interpreter.
    Base {
        /// The physical path of the base interpreter.
        executable: PathBuf,
        /// Its version, where its place or name tells it.
        version: Option<PythonVersion>,
    },
    /// A copy inside the environment (`python -m venv --copies`): never started.
    Copied {
        /// The base interpreter that `pyvenv.cfg` names, where it is still there.
        base: Option<PathBuf>,
    },
    /// It could not be looked at, with the reason in words.
    Unknown(String),
}

/// A directory that distributions are installed into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Relative to the prefix: `lib/python3.11/site-packages`.
    pub path: PathBuf,
    /// Whether its names could be listed; when not, what is installed is not known.
    pub state: SiteState,
    /// The version in its path.
    pub python: Option<PythonVersion>,
}

impl Site {
    /// Whether what is installed in it is known.
    pub fn is_listed(&self) -> bool {
        self.state == SiteState::Listed
    }
}

/// What became of listing a [`Site`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SiteState {
    /// Its names are known.
    Listed,
    /// It, or a directory above it, could not be listed.
    Closed,
    /// It, or a directory above it, is a link that leads to a directory: Python follows it, venvkeep does not.
    Linked,
    /// It is not there: nothing is, or something that is no directory and leads to none.
    Gone,
}

/// A place that scripts of the environment take for their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPrefix {
    /// The prefix that they name.
    pub path: PathBuf,
    /// Where it is named, relative to the prefix, ten of them at the most.
    pub by: Vec<PathBuf>,
    /// In how many files.
    pub count: usize,
}

/// Something that venvkeep put beside the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sibling {
    /// The old tree that a heal kept.
    Kept(PathBuf),
    /// What an interrupted heal left: a stage or a journal.
    Interrupted(PathBuf),
}
