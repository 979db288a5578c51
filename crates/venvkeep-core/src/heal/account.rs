//! Where every entry of the old tree is now.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::inspect::snapshot::Snapshot;
use crate::model::facts::Kind;
use crate::model::scheme::Scheme;
use crate::model::tree::{EntryId, Tree};
use crate::plan::Taking;
use crate::plan::entries::is_in_bin;
use crate::plan::fates::{Fate, Moves, Why};
use crate::rebuild::build::Built;
use crate::rebuild::carry::{Carried, Note};
use crate::report::{Dropped, Entries, Outcome, Report};

/// Entries that the report names one by one as being only in the old tree; beyond that it is a directory of data.
const NAMED: usize = 1000;

/// Accounts for the old tree: each entry is in the new environment, was carried there, or is only in the old one.
pub(super) fn fill(report: &mut Report, old: &Snapshot, scheme: &Scheme, carried: Carried) {
    let tree = &old.tree;
    let moves = Moves::new(old, scheme);
    let mut entries = Entries { old: tree.len(), ..Entries::default() };
    for id in tree.ids().filter(|&id| id != Tree::ROOT) {
        match carried.fates[id.index()] {
            Fate::Reproduced => entries.reproduced += 1,
            Fate::Carried => {
                entries.carried += 1;
                if tree.facts(id).kind != Kind::Directory || tree.children(id).next().is_none() {
                    report.carried.push(moves.place(tree.path(id)));
                }
            }
            Fate::Dropped(why) => {
                entries.dropped += 1;
                *report.dropped_kinds.entry(why.as_str()).or_default() += 1;
                if why.wants_attention() {
                    report.outcome = Outcome::NeedsAttention;
                }
                let above = carried.fates[tree.parent(id).index()];
                if above != Fate::Dropped(why) && is_named(old, id, why) && report.dropped.len() < NAMED {
                    report.dropped.push(Dropped {
                        path: tree.path(id),
                        why: why.explain(),
                        wants_attention: why.wants_attention(),
                        owner: tree.facts(id).uid,
                    });
                }
            }
        }
    }
    debug_assert!(entries.is_complete(), "{entries:?}");
    report.entries = entries;
    report.notes = carried.notes;
}

/// Says which files of a copy are not what their distributions installed, and which of the user's own name another
/// place now.
pub(super) fn note_changes(report: &mut Report, taking: Taking, built: &Built) {
    if taking == Taking::Verified {
        return;
    }
    let changed = built.changed.iter().cloned();
    let what = "was changed since it was installed, and came along as it is";
    report.notes.extend(changed.map(|path| Note { path, what }));
    let carried: BTreeSet<&PathBuf> = report.carried.iter().collect();
    let own = built.relocated.rewritten.iter().filter(|path| carried.contains(path)).cloned();
    let what = "names the new place where it named the old one";
    let own: Vec<Note> = own.map(|path| Note { path, what }).collect();
    report.notes.extend(own);
    if !built.relocated.baked_in.is_empty() {
        report.outcome = Outcome::NeedsAttention;
    }
}

/// What is the user's or may be. Of distributions: files outside of the places where those have their own.
fn is_named(old: &Snapshot, id: EntryId, why: Why) -> bool {
    let path = old.tree.path(id);
    let has_its_place =
        || is_in_bin(&old.tree, id) || old.sites.iter().any(|site| path.starts_with(&site.path));
    why.is_named() || (why == Why::Distribution && !has_its_place())
}
