//! What a heal did, in one value: what the command shows, in words or as JSON.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::diagnose::finding::Finding;
use crate::error::LiveState;
use crate::model::interpreter::BaseInterpreter;
use crate::model::prefix::Prefix;
use crate::model::requirements::FrozenRequirements;
use crate::plan::{BaseChoice, ListOrigin};
use crate::prune::{Remaining, Removed};
use crate::rebuild::carry::Note;

/// How a heal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The new environment is in place.
    Healed,
    /// A copy of the environment stands at another place.
    Cloned,
    /// The environment stands at another place.
    Moved,
    /// Nothing was wrong that a heal puts right, and nothing was done; [`Report::before`] says what else is.
    Healthy,
    /// Only the plan was made.
    Planned,
    /// It failed; see the error.
    Failed,
    /// The report says what the user has to look at.
    NeedsAttention,
}

/// What became of one distribution.
#[derive(Debug, Clone, Serialize)]
pub struct DistributionReport {
    /// Its name.
    pub name: String,
    /// Its version; `None` for one that is installed from an address or a project.
    pub version: Option<String>,
    /// Where its bytes came from: `bundled`, `index`, `url`.
    pub source: &'static str,
    /// Whether its recorded bytes are those of before; `None` where nothing was built.
    pub same_bytes: Option<bool>,
    /// Why from there, or in what it differs.
    pub detail: String,
}

/// A file of the old environment that is not in the new one.
#[derive(Debug, Clone, Serialize)]
pub struct Dropped {
    /// Relative to the prefix.
    pub path: PathBuf,
    /// Why, in words.
    pub why: &'static str,
    /// Whether it may be the user's and could not be had: the user has to look.
    #[serde(skip)]
    pub wants_attention: bool,
    /// Whose it is.
    #[serde(skip)]
    pub owner: u32,
}

/// How the entries of the old tree are accounted for: `old` is the sum of the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Entries {
    /// All entries below the old prefix.
    pub old: usize,
    /// Those whose place in the new environment is filled.
    pub reproduced: usize,
    /// Those that were carried over.
    pub carried: usize,
    /// Those that are only in the old tree.
    pub dropped: usize,
}

impl Entries {
    /// Whether every entry is accounted for.
    pub fn is_complete(&self) -> bool {
        self.old == self.reproduced + self.carried + self.dropped
    }
}

/// Whether the user's shells may activate the new environment by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShellTrust {
    /// As they might the old one, or since that was root's.
    PassedOn,
    /// Nobody has said so: the old one was the user's, and may have come with a cloned repository or an archive.
    NotGiven,
    /// They might the old one, but not this one, for the reason given.
    Refused(String),
}

/// What a heal did to one environment.
#[derive(Debug)]
pub struct Report {
    /// The environment.
    pub prefix: Prefix,
    /// How it ended.
    pub outcome: Outcome,
    /// What stands at its path.
    pub live: LiveState,
    /// Where the old tree is kept.
    pub old: Option<PathBuf>,
    /// The environment that this one was built from, where that is another and was left alone.
    pub built_from: Option<PathBuf>,
    /// The old tree, where it was removed at once.
    pub discarded: Option<Removed>,
    /// The old tree, where it should have been removed at once and the user cannot.
    pub undiscarded: Option<Remaining>,
    /// Where the frozen list is kept.
    pub frozen_list: Option<PathBuf>,
    /// The interpreter of the new environment and how it was chosen.
    pub base: Option<(BaseInterpreter, BaseChoice)>,
    /// What was frozen, and installed again.
    pub requirements: FrozenRequirements,
    /// Where that list comes from.
    pub list: ListOrigin,
    /// What became of each distribution.
    pub distributions: Vec<DistributionReport>,
    /// Files that were carried over, relative to the prefix.
    pub carried: Vec<PathBuf>,
    /// What is to be said of files that were carried over.
    pub notes: Vec<Note>,
    /// What may be the user's and is only in the old tree; caches and the like are counted and not listed.
    pub dropped: Vec<Dropped>,
    /// How many entries are only in the old tree, by the reason.
    pub dropped_kinds: BTreeMap<&'static str, usize>,
    /// How the old tree's entries are accounted for.
    pub entries: Entries,
    /// Programs into which a build baked the stage's path, relative to the prefix.
    pub baked_in: Vec<PathBuf>,
    /// What else is worth knowing, a sentence each; paths in it are not escaped.
    pub remarks: Vec<String>,
    /// Whether the shell may activate it by itself; `None` where no new environment stands.
    pub shell_trust: Option<ShellTrust>,
    /// What was wrong.
    pub before: Vec<Finding>,
    /// What is still to be said of the new environment.
    pub after: Vec<Finding>,
}

impl Report {
    /// A report of which nothing but the findings is known yet.
    pub fn new(prefix: Prefix, outcome: Outcome, before: Vec<Finding>) -> Self {
        Self {
            prefix,
            outcome,
            live: LiveState::Untouched,
            old: None,
            built_from: None,
            discarded: None,
            undiscarded: None,
            frozen_list: None,
            base: None,
            requirements: FrozenRequirements::new(Vec::new()),
            list: ListOrigin::Environment,
            distributions: Vec::new(),
            carried: Vec::new(),
            notes: Vec::new(),
            dropped: Vec::new(),
            dropped_kinds: BTreeMap::new(),
            entries: Entries::default(),
            baked_in: Vec::new(),
            remarks: Vec::new(),
            shell_trust: None,
            before,
            after: Vec::new(),
        }
    }
}
