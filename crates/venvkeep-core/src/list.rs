//! The known environments, each with its state.

use std::path::PathBuf;
use std::time::SystemTime;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::diagnose::diagnose;
use crate::diagnose::finding::Finding;
use crate::host::credentials;
use crate::host::fs::{self, IoError};
use crate::inspect::inspect;
use crate::inspect::summary::Summary;
use crate::model::caller::Caller;
use crate::model::prefix::Prefix;
use crate::scan::Foreseen;
use crate::store::known::{self, Known};
use crate::store::registry::{self, Tidied};
use crate::store::{trust, used};

/// One of them.
#[derive(Debug)]
pub struct Listed {
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub prefix: Prefix,
    /// What was found in it, what is wrong with it, and what a heal would stop for; an error where it could not be looked at.
    pub look: Result<(Summary, Vec<Finding>, Foreseen), IoError>,
    /// When it was last activated or run, as far as that is known.
    pub last_used: Option<SystemTime>,
    /// Whether the shell may activate it by itself.
    pub trusted: bool,
}

/// Old trees that are kept beside an environment, or beside the place of one that was removed or moved.
#[derive(Debug)]
pub struct KeptBeside {
    /// The environment.
    pub prefix: Prefix,
    /// Whether one stands there now.
    pub is_live: bool,
    /// Where they are, the newest first.
    pub trees: Vec<PathBuf>,
}

/// All that are kept of the known ones.
pub fn kept(caller: &Caller) -> Vec<KeptBeside> {
    let beside = known::with_kept(caller).into_iter().map(|(prefix, kept)| KeptBeside {
        is_live: fs::lstat(prefix.path()).is_ok(),
        trees: kept.into_iter().map(|tree| tree.path).collect(),
        prefix,
    });
    beside.collect()
}

/// All of them, by name; brings the registry in line with the disk first.
pub fn list(caller: &Caller) -> (Vec<Listed>, Tidied) {
    known::register_trusted(caller);
    let tidied = registry::tidy(caller);
    let known = known::environments(caller);
    let listed = known.into_par_iter().filter_map(|one| look(one, caller)).collect();
    (listed, tidied)
}

fn look(known: Known, caller: &Caller) -> Option<Listed> {
    let prefix = Prefix::new(known.path).ok()?;
    let look = inspect(&prefix, &caller.viewer).map(|snapshot| {
        let findings = diagnose(&snapshot, &credentials::user_name);
        let foreseen = Foreseen::of(&snapshot, &findings, caller);
        (Summary::of(&snapshot), findings, foreseen)
    });
    let (last_used, trusted) = (used::last(&prefix, caller), trust::is_trusted(&prefix, caller));
    Some(Listed { name: known.name, prefix, look, last_used, trusted })
}
