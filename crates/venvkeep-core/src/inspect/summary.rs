//! What a line about an environment says of it.

use std::time::SystemTime;

use super::beside::modified;
use super::snapshot::{EnvironmentKind, Snapshot};
use crate::model::facts::Kind;
use crate::model::python_version::PythonVersion;
use crate::model::tree::Tree;

/// The few facts of a [`Snapshot`] that fit on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// What made it.
    pub kind: EnvironmentKind,
    /// `cpython` or `pypy`, where it is known.
    pub implementation: Option<&'static str>,
    /// Its Python version, where it is known.
    pub python: Option<PythonVersion>,
    /// Whose it is.
    pub owner: u32,
    /// How many entries it has.
    pub entries: usize,
    /// The sizes of its files together; one with several names in it counts once.
    pub bytes: u64,
    /// When something in it was last changed.
    pub changed: SystemTime,
}

impl Summary {
    /// Of what was found.
    pub fn of(snapshot: &Snapshot) -> Self {
        let tree = &snapshot.tree;
        let mut linked = std::collections::HashSet::new();
        let files = tree.ids().map(|id| tree.facts(id)).filter(|facts| facts.kind == Kind::File);
        let counted = files.filter(|facts| facts.links == 1 || linked.insert((facts.device, facts.inode)));
        let changed = tree.ids().map(|id| tree.facts(id).modified_ns).max();
        Self {
            kind: snapshot.kind,
            implementation: snapshot.implementation(),
            python: snapshot.python,
            owner: tree.facts(Tree::ROOT).uid,
            entries: tree.len(),
            bytes: counted.map(|facts| facts.size).sum(),
            changed: modified(changed.unwrap_or_default()),
        }
    }
}
