//! What the owner of a shared environment keeps in it for themselves, below `lib`, `include` or `share`: files that no
//! distribution has and that lie where Python looks for nothing (a key, a server's secret). They have the mode that they
//! were given, and are none of the others' business.

use std::collections::BTreeSet;
use std::path::Path;

use super::claims;
use super::snapshot::Snapshot;
use crate::model::facts::Kind;
use crate::model::tree::{EntryId, Tree};

/// Where Python and shells look: whatever lies there is for everybody.
const LOOKED_INTO: &str = "bin";

/// Those files, and the directories that hold nothing else.
pub(super) fn of(snapshot: &Snapshot) -> BTreeSet<EntryId> {
    let tree = &snapshot.tree;
    let claims = claims::read(snapshot);
    let sites: BTreeSet<EntryId> = snapshot.sites.iter().filter_map(|site| tree.find(&site.path)).collect();
    let mut keepsakes = BTreeSet::new();
    // What has something in it that is for the others.
    let mut opened = BTreeSet::new();
    let ids: Vec<EntryId> = tree.ids().filter(|&id| id != Tree::ROOT).collect();
    // Backwards, each directory comes after what it holds.
    for id in ids.into_iter().rev() {
        let is_looked_into = || {
            let path = tree.path(id);
            path.parent() == Some(Path::new("")) || path.starts_with(LOOKED_INTO)
        };
        let is_in_site = || ancestors(tree, id).any(|above| sites.contains(&above));
        let is_open = match tree.facts(id).kind {
            // Empty ones hold nothing to be kept.
            Kind::Directory => opened.contains(&id) || tree.children(id).next().is_none() || is_looked_into(),
            _ => claims.is_distributions(id) || is_looked_into() || is_in_site(),
        };
        if is_open {
            opened.insert(tree.parent(id));
        } else {
            keepsakes.insert(id);
        }
    }
    keepsakes
}

fn ancestors(tree: &Tree, id: EntryId) -> impl Iterator<Item = EntryId> + '_ {
    let above = |id: &EntryId| (*id != Tree::ROOT).then(|| tree.parent(*id));
    std::iter::successors(Some(id), above)
}
