//! Whether anybody but root and the user could have written what an environment says of itself.
//!
//! Its list of names is as dangerous as its programs: installing `reqeusts` because a stranger's metadata says so runs
//! the stranger's code. The precedent is git's `safe.directory` (field notes, "Security precedents").

use std::fmt;
use std::path::PathBuf;

use crate::diagnose::{Names, owner_name};
use crate::inspect::snapshot::Snapshot;
use crate::model::tree::Tree;

/// What makes an environment one that somebody else could have written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hostile {
    /// Entries belong to a user who is neither root nor the viewer.
    ForeignOwner {
        /// The first such entry, relative to the prefix (empty for the prefix itself).
        path: PathBuf,
        /// Whose it is, as a sentence names them.
        owner: String,
        /// How many there are.
        count: usize,
    },
    /// Others may write entries.
    OthersCanWrite {
        /// The first such entry, relative to the prefix (empty for the prefix itself).
        path: PathBuf,
        /// How many there are.
        count: usize,
    },
}

impl fmt::Display for Hostile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignOwner { owner, count, .. } => {
                write!(formatter, "holds {count} entries of {owner}, who is neither root nor you")
            }
            Self::OthersCanWrite { count, .. } => {
                write!(formatter, "holds {count} entries that other users can change")
            }
        }
    }
}

/// What makes the environment hostile, if anything does; `names` tells what accounts are called.
pub fn hostile(snapshot: &Snapshot, names: Names<'_>) -> Option<Hostile> {
    let (tree, viewer) = (&snapshot.tree, &snapshot.viewer);
    let foreign = || tree.ids().filter(|&id| !viewer.trusts(tree.facts(id).uid));
    if let Some(first) = foreign().next() {
        let owner = owner_name(tree.facts(first).uid, names);
        return Some(Hostile::ForeignOwner { path: tree.path(first), owner, count: foreign().count() });
    }
    let open = || tree.ids().filter(|&id| viewer.others_can_add(tree.facts(id)) && !snapshot.is_lock(id));
    let first = open().next()?;
    // A file whose mode lets others write is out of their reach where the prefix itself keeps them out; but a mode
    // says nothing of who entered before it was set.
    let path = if first == Tree::ROOT { PathBuf::new() } else { tree.path(first) };
    Some(Hostile::OthersCanWrite { path, count: open().count() })
}
