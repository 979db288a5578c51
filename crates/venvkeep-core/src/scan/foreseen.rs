//! What a heal of an environment would stop for, told from its facts, so that nobody is sent to find out.

use crate::diagnose::finding::{Finding, Remedy};
use crate::host::credentials;
use crate::inspect::snapshot::{Site, Snapshot};
use crate::model::caller::Caller;
use crate::model::owner::ROOT;
use crate::model::tree::Tree;
use crate::plan::{Hostile, hostile};
use crate::store::snapshots;

/// What stands against a heal that is asked for without anything more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Foreseen {
    /// Somebody else could have written the list of what is installed.
    pub hostile: Option<Hostile>,
    /// What is installed cannot be told, neither from the environment nor from what was kept of it: the directory whose
    /// content is not known. A heal needs a list then.
    pub unlisted: Option<Site>,
}

impl Foreseen {
    /// By what was found in an environment. Root looks on behalf of others: whom they trust, and what was kept for them,
    /// is theirs to know.
    pub fn of(snapshot: &Snapshot, findings: &[Finding], caller: &Caller) -> Self {
        let is_anothers = snapshot.tree.facts(Tree::ROOT).uid != ROOT;
        let heals = findings.iter().any(|finding| finding.remedy == Remedy::Heal);
        if !heals || (caller.viewer.is_root() && is_anothers) {
            return Self::default();
        }
        let unlisted = snapshot.unlisted();
        let is_kept = || matches!(snapshots::recall(caller, &snapshot.prefix), Ok(Some(_)));
        Self {
            hostile: if caller.viewer.is_root() { None } else { hostile(snapshot, &credentials::user_name) },
            unlisted: unlisted.filter(|_| !is_kept()).cloned(),
        }
    }
}
