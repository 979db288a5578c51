//! From the facts about an environment to what is wrong with it, in words that a beginner understands.
//!
//! Pure: one function per finding code, each looking at the [`Snapshot`] alone. Accounts' names come in as a function,
//! so that nothing here asks the machine.

mod content;
pub mod dependencies;
pub mod finding;
mod interpreter;
mod layout;
pub mod managed;
mod ownership;
mod place;
pub mod sharing;

use std::path::{Path, PathBuf};

use crate::inspect::snapshot::{Sibling, Snapshot};
use crate::model::owner::ROOT;
use crate::model::siblings::is_journal;
use crate::model::tree::{EntryId, Tree, Unlisted};
use finding::{Code, Finding, Remedy, Severity};

/// What the account of a user number is called, where there is one.
pub type Names<'a> = &'a dyn Fn(u32) -> Option<String>;

/// All findings, the worst first.
pub fn diagnose(snapshot: &Snapshot, names: Names<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = [
        ownership::foreign_owner(snapshot, names),
        ownership::unreadable(snapshot),
        ownership::unwritable(snapshot),
        ownership::world_writable(snapshot),
        sharing::closed_to_others(snapshot, names),
        interpreter::missing(snapshot),
        interpreter::broken(snapshot),
        interpreter::mismatch(snapshot),
        layout::config_missing(snapshot),
        layout::site_unknown(snapshot),
        layout::moved(snapshot),
        layout::unsafe_path(snapshot),
        content::files_missing(snapshot),
        content::files_altered(snapshot),
        content::metadata_broken(snapshot),
        content::record_missing(snapshot),
        content::leftover_distribution(snapshot),
        dependencies::dependency_unmet(snapshot),
        place::parent_unwritable(snapshot, names),
        place::parent_sticky(snapshot, names),
        place::mount_point(snapshot),
        place::interrupted_heal(&snapshot.siblings),
        place::kept_environment(snapshot),
        managed::conda_records_broken(snapshot),
        managed::managed_elsewhere(snapshot),
    ]
    .into_iter()
    .flatten()
    .collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// What is wrong where nothing is at the environment's place: a heal was cut off between two renames, or what was to
/// come there never came. `None` where nothing beside it tells of either.
pub fn absent(siblings: &[Sibling]) -> Option<Finding> {
    let finding = place::interrupted_heal(siblings)?;
    let is_kept = siblings.iter().any(|beside| matches!(beside, Sibling::Kept(_)));
    let has_stage = siblings.iter().any(|one| matches!(one, Sibling::Interrupted(path) if !is_journal(path)));
    let message = if is_kept && !has_stage {
        "a move or an undo of it was cut off, and nothing is there; what there was is safe beside it, and the next heal \
         says where it has gone, or puts it back"
    } else if is_kept {
        "a heal of it was cut off just before the new environment came to its place, so that nothing is there; \
         both trees are safe beside it, and the next heal puts one of them back"
    } else {
        "what was to come to its place was cut off while it was made, so that nothing is there; the next heal removes \
         what was left"
    };
    Some(Finding { severity: Severity::Broken, message: message.to_owned(), ..finding })
}

/// A finding of its code's usual severity that a heal puts right.
fn found(code: Code, message: String, about: Evidence) -> Finding {
    Finding {
        code,
        severity: code.severity(),
        message,
        cause: None,
        count: about.count,
        evidence: about.shown,
        remedy: Remedy::Heal,
    }
}

/// What a finding is about: how many, and the first few.
#[derive(Debug, Default)]
struct Evidence {
    count: usize,
    shown: Vec<PathBuf>,
}

impl Evidence {
    fn one(path: impl Into<PathBuf>) -> Self {
        Self { count: 1, shown: vec![path.into()] }
    }

    fn of(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut evidence = Self::default();
        paths.into_iter().for_each(|path| evidence.add(1, Some(path)));
        evidence
    }

    /// The entries that fit; paths are made only for those that are shown.
    fn entries(tree: &Tree, fits: impl Fn(EntryId) -> bool) -> Self {
        let mut evidence = Self::default();
        for id in tree.ids().filter(|&id| fits(id)) {
            evidence.count += 1;
            if evidence.shown.len() < Finding::EVIDENCE {
                evidence.shown.push(shown_path(tree, id));
            }
        }
        evidence
    }

    fn add(&mut self, count: usize, paths: impl IntoIterator<Item = PathBuf>) {
        self.count += count;
        let room = Finding::EVIDENCE.saturating_sub(self.shown.len());
        self.shown.extend(paths.into_iter().take(room));
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// An entry's path for the report; the prefix itself, which has none, is `.`.
fn shown_path(tree: &Tree, id: EntryId) -> PathBuf {
    if id == Tree::ROOT { PathBuf::from(".") } else { tree.path(id) }
}

/// `1 file`, `20 files`.
fn counted(count: usize, one: &str, several: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {several}") }
}

/// An account as a sentence names it.
pub fn owner_name(uid: u32, names: Names<'_>) -> String {
    match names(uid) {
        Some(name) => name,
        None if uid == ROOT => "root".to_owned(),
        None => format!("user number {uid}"),
    }
}

/// Whether the viewer is refused at this place or above it, so that what is missing there is `unreadable`'s to say.
fn is_refused(snapshot: &Snapshot, path: &Path) -> bool {
    let tree = &snapshot.tree;
    let denied = |id: EntryId| {
        !snapshot.viewer.can_read(tree.facts(id))
            || tree.unlisted().any(|(unlisted, why)| unlisted == id && why == Unlisted::Denied)
    };
    path.ancestors().any(|place| tree.find(place).is_some_and(denied))
}
