//! What others cannot have of an environment that is for them.

use std::path::{Path, PathBuf};

use super::finding::{Code, Finding, Remedy};
use super::{Evidence, Names, counted, found, owner_name};
use crate::inspect::snapshot::Snapshot;
use crate::model::printable::shell_word;
use crate::model::sharing::Sharing;
use crate::model::tree::{EntryId, Tree};

/// Entries that are closed to those that the environment is for, by what it says itself.
pub(super) fn closed_to_others(snapshot: &Snapshot, names: Names<'_>) -> Option<Finding> {
    let sharing = snapshot.sharing();
    sharing.is_shared().then(|| closed(snapshot, &sharing, names)).flatten()
}

/// The same, as if it were for everybody although it does not say so: what puts that right is to make it so.
pub fn closed_to_everyone(snapshot: &Snapshot, names: Names<'_>) -> Option<Finding> {
    let mut finding = closed(snapshot, &Sharing::Everyone, names)?;
    if finding.remedy == Remedy::Heal {
        let path = shell_word(snapshot.prefix.path());
        finding.remedy = Remedy::Command(format!("venvkeep heal --shared {path}"));
    }
    Some(finding)
}

/// A directory above it, which is closed to everybody but its owner.
pub fn closed_above(snapshot: &Snapshot, directory: &Path, owner: u32) -> Finding {
    let message = format!(
        "others cannot get to it: {} above it is closed to them",
        if directory == snapshot.prefix.parent() { "the directory" } else { "a directory" }
    );
    let command = format!("chmod o+x -- {}", shell_word(directory));
    let is_own = owner == snapshot.viewer.uid || snapshot.viewer.is_root();
    let remedy = if is_own {
        Remedy::Command(command)
    } else {
        Remedy::Advice(format!("its owner can open the way: {command}"))
    };
    let cause = Some("homes are often made so; it need not be a mistake".to_owned());
    Finding { cause, remedy, ..found(Code::ClosedToOthers, message, Evidence::one(directory)) }
}

fn closed(snapshot: &Snapshot, sharing: &Sharing, names: Names<'_>) -> Option<Finding> {
    let tree = &snapshot.tree;
    let root = tree.facts(Tree::ROOT);
    let path = |id: EntryId| if id == Tree::ROOT { PathBuf::new() } else { tree.path(id) };
    // Python does without bytecode that it cannot read.
    let is_bytecode = |id: EntryId| {
        let is_cache = |id: EntryId| tree.name(id) == "__pycache__";
        id != Tree::ROOT && (is_cache(id) || is_cache(tree.parent(id)))
    };
    let is_papers = |id: EntryId| {
        let path = path(id);
        let mut names = path.iter().filter_map(|name| name.to_str());
        names.any(|name| name.ends_with(".dist-info") || name.ends_with(".egg-info"))
    };
    let is_strange = |id: EntryId| matches!(sharing, Sharing::Group(_)) && is_directory_of_another(tree, id);
    let is_closed = |id: EntryId| {
        let is_kept = snapshot.keepsakes.contains(&id);
        !is_bytecode(id) && !is_kept && (sharing.is_kept_from(&path(id), tree.facts(id)) || is_strange(id))
    };
    let about = Evidence::entries(tree, is_closed);
    if about.is_empty() {
        return None;
    }
    let what = counted(about.count, "file or directory", "files and directories");
    let message = match sharing {
        Sharing::Group(group) => format!(
            "it is for the group {group}, whose members cannot read or change {what} of it: imports and installs fail"
        ),
        _ if tree.ids().filter(|&id| is_closed(id)).all(is_papers) => format!(
            "others cannot read {what} of it, which only say what is installed: imports work, pip cannot check them"
        ),
        _ => format!(
            "others cannot read {what} of it: Python fails to import them, or takes a package for an empty one"
        ),
    };
    let cause = "something was installed into it under a strict umask (such as 077), or copied into it; pip did nothing \
                 wrong, and (umask 022; pip install ...) keeps it from happening";
    let remedy = if root.uid == snapshot.viewer.uid || snapshot.viewer.is_root() {
        Remedy::Heal
    } else {
        let path = shell_word(snapshot.prefix.path());
        Remedy::Advice(format!("{} can put it right: venvkeep heal {path}", owner_name(root.uid, names)))
    };
    Some(Finding { cause: Some(cause.to_owned()), remedy, ..found(Code::ClosedToOthers, message, about) })
}

/// In a directory of another group, what is made is not the group's.
fn is_directory_of_another(tree: &Tree, id: EntryId) -> bool {
    let facts = tree.facts(id);
    let path = if id == Tree::ROOT { PathBuf::new() } else { tree.path(id) };
    let is_shared_directory =
        facts.kind == crate::model::facts::Kind::Directory && Sharing::Everyone.mode(&path, facts).is_some();
    is_shared_directory && facts.gid != tree.facts(Tree::ROOT).gid
}
