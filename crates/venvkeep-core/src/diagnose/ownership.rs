//! Whose the entries are, and what their modes allow.

use std::collections::BTreeSet;

use super::finding::{Code, Finding, Remedy, Severity};
use super::{Evidence, Names, counted, found, owner_name};
use crate::inspect::snapshot::Snapshot;
use crate::model::facts::{Facts, Kind};
use crate::model::naming::MARK;
use crate::model::owner::ROOT;
use crate::model::printable::shell_word;
use crate::model::sharing::Sharing;
use crate::model::tree::{EntryId, Tree, Unlisted};

/// Whose the environment should be: the viewer's; for root, who may look at anybody's, that of whoever owns the
/// directory around it.
fn expected_owner(snapshot: &Snapshot) -> u32 {
    if snapshot.viewer.is_root() { snapshot.parent.facts.uid } else { snapshot.viewer.uid }
}

/// Entries of another user. An environment that is root's on purpose is only worth a note.
pub(super) fn foreign_owner(snapshot: &Snapshot, names: Names<'_>) -> Option<Finding> {
    let tree = &snapshot.tree;
    let expected = expected_owner(snapshot);
    let foreign = Evidence::entries(tree, |id| tree.facts(id).uid != expected);
    if foreign.is_empty() {
        return None;
    }
    let owners: BTreeSet<u32> =
        tree.ids().map(|id| tree.facts(id).uid).filter(|&uid| uid != expected).collect();
    let whose = owners.iter().map(|&uid| owner_name(uid, names)).collect::<Vec<_>>().join(" and ");
    if is_roots_on_purpose(snapshot) {
        let message =
            "it belongs to root, like the directory around it: everybody can use it, only root can change it";
        let finding = found(Code::ForeignOwner, message.to_owned(), foreign);
        return Some(Finding { severity: Severity::Note, remedy: Remedy::Nothing, ..finding });
    }
    if is_shared_on_purpose(snapshot) {
        let message = format!("it belongs to {whose}, who shares it: you can use it, and not change it");
        let finding = found(Code::ForeignOwner, message, foreign);
        return Some(Finding { severity: Severity::Note, remedy: Remedy::Nothing, ..finding });
    }
    if foreign_are_shared(snapshot, expected) {
        let message = format!(
            "{} to {whose}, but you may change all of it",
            counted(foreign.count, "entry of it belongs", "entries of it belong")
        );
        let finding = found(Code::ForeignOwner, message, foreign);
        return Some(Finding { severity: Severity::Note, remedy: Remedy::Nothing, ..finding });
    }
    let total = tree.len() + 1;
    let rightful = if snapshot.viewer.is_root() { owner_name(expected, names) } else { "you".to_owned() };
    let message = if foreign.count == total {
        format!(
            "the whole environment belongs to {whose}, so {rightful} cannot install, upgrade or remove anything in it"
        )
    } else {
        format!(
            "{} of its {total} entries {} to {whose}, so {rightful} cannot upgrade or remove what {} part of",
            foreign.count,
            if foreign.count == 1 { "belongs" } else { "belong" },
            if foreign.count == 1 { "it is" } else { "they are" }
        )
    };
    let cause = if owners.contains(&ROOT) {
        "it was made or changed with sudo (sudo python -m venv, sudo pip install), or by a container that ran as root \
         over this directory; pip and Python did nothing wrong"
    } else {
        "another user made it, or it was copied or restored from a backup with its owners kept; pip and Python did \
         nothing wrong"
    };
    Some(Finding { cause: Some(cause.to_owned()), ..found(Code::ForeignOwner, message, foreign) })
}

/// Root's directory around it, nothing inside that is anybody else's, and everything readable: an environment that
/// root provides for others.
fn is_roots_on_purpose(snapshot: &Snapshot) -> bool {
    let tree = &snapshot.tree;
    snapshot.parent.facts.uid == ROOT
        && tree.ids().all(|id| tree.facts(id).uid == ROOT && snapshot.viewer.can_read(tree.facts(id)))
        && tree.unlisted().all(|(_, why)| why != Unlisted::Denied)
}

/// One user's, who made it for everybody. That says nothing of whether to trust them, and what cannot be read of it is
/// another finding.
fn is_shared_on_purpose(snapshot: &Snapshot) -> bool {
    let tree = &snapshot.tree;
    let owner = tree.facts(Tree::ROOT).uid;
    !snapshot.viewer.is_root()
        && owner != snapshot.viewer.uid
        && snapshot.sharing() == Sharing::Everyone
        && tree.ids().all(|id| tree.facts(id).uid == owner)
}

/// What the owner of a shared environment keeps in it for themselves: no part of what Python reads.
fn is_owners_alone(snapshot: &Snapshot, id: EntryId) -> bool {
    let is_anothers = snapshot.tree.facts(id).uid != snapshot.viewer.uid;
    snapshot.sharing().is_shared() && is_anothers && !snapshot.is_for_others(id)
}

/// Whether the viewer may change whatever belongs to somebody else, as in an environment that a group shares. Root, who
/// may always, is asked on behalf of the rightful owner.
fn foreign_are_shared(snapshot: &Snapshot, expected: u32) -> bool {
    let (tree, viewer) = (&snapshot.tree, &snapshot.viewer);
    let is_groups = matches!(snapshot.sharing(), Sharing::Group(_));
    let may_change = |facts: &Facts| {
        let is_protected = facts.kind == Kind::Directory && facts.is_sticky();
        // Installers replace files: to write the directory is enough.
        let is_replaced = is_groups && facts.kind == Kind::File;
        (is_replaced || viewer.can_write(facts)) && !is_protected
    };
    let mut foreign = tree.ids().map(|id| tree.facts(id)).filter(|facts| facts.uid != expected);
    !viewer.is_root() && foreign.all(may_change)
}

/// Entries that the viewer may not read.
pub(super) fn unreadable(snapshot: &Snapshot) -> Option<Finding> {
    let (tree, viewer) = (&snapshot.tree, &snapshot.viewer);
    let denied: BTreeSet<EntryId> =
        tree.unlisted().filter(|(_, why)| *why == Unlisted::Denied).map(|(id, _)| id).collect();
    let is_unreadable = |id: EntryId| {
        let facts = tree.facts(id);
        let readable_kind = matches!(facts.kind, Kind::Directory | Kind::File);
        // The mark of trust is its owner's alone, and no part of what Python reads.
        let is_mark = tree.parent(id) == Tree::ROOT && tree.name(id) == MARK;
        let is_closed = denied.contains(&id) || (readable_kind && !is_mark && !viewer.can_read(facts));
        is_closed && !is_owners_alone(snapshot, id)
    };
    let about = Evidence::entries(tree, is_unreadable);
    if about.is_empty() {
        return None;
    }
    let message = if is_unreadable(Tree::ROOT) {
        "you may not look into it, so what is installed in it is not known".to_owned()
    } else {
        let what = counted(about.count, "file or directory", "files and directories");
        if tree.ids().any(|id| is_unreadable(id) && is_for_imports(snapshot, id)) {
            format!(
                "you may not read {what}: Python fails to import them, or takes a package for an empty one"
            )
        } else {
            format!("you may not read {what} of it")
        }
    };
    let is_own = |id: EntryId| tree.facts(id).uid == viewer.uid;
    let first = tree.ids().find(|&id| is_unreadable(id)).map(|id| tree.facts(id));
    let cause = match first {
        Some(_) if tree.ids().filter(|&id| is_unreadable(id)).all(is_own) => format!(
            "they are your own, but your permission to read them was taken away (chmod). To give it back is enough, \
             without a heal: chmod -R u+rX -- {}",
            shell_word(snapshot.prefix.path())
        ),
        Some(facts) if facts.uid == viewer.uid => {
            "some are your own, and your permission to read them was taken away (chmod)".to_owned()
        }
        Some(facts) => {
            let umask = if facts.mode & 0o070 == 0 { "077" } else { "027" };
            format!(
                "they were written under a strict umask (such as {umask}) by another user, usually by sudo pip on a \
                 hardened machine; pip did nothing wrong"
            )
        }
        None => return None,
    };
    Some(Finding { cause: Some(cause), ..found(Code::Unreadable, message, about) })
}

/// Whether it is in site-packages, or on the way there.
fn is_for_imports(snapshot: &Snapshot, id: EntryId) -> bool {
    let path = snapshot.tree.path(id);
    snapshot.sites.iter().any(|site| path.starts_with(&site.path) || site.path.starts_with(&path))
}

/// Where installers put things.
const INSTALLED_INTO: [&str; 5] = ["bin", "include", "lib", "lib64", "share"];

/// Directories of the viewer's own that they may not write in, of those that installers write to: what else the user
/// keeps in there may be as they like. Files are not counted: pip replaces them without writing into them, and
/// read-only ones are common (git's objects).
pub(super) fn unwritable(snapshot: &Snapshot) -> Option<Finding> {
    let (tree, viewer) = (&snapshot.tree, &snapshot.viewer);
    let about = Evidence::entries(tree, |id| {
        let facts = tree.facts(id);
        let is_closed = facts.kind == Kind::Directory && facts.uid == viewer.uid && !viewer.can_write(facts);
        is_closed
            && tree.path(id).iter().next().is_none_or(|top| INSTALLED_INTO.iter().any(|name| top == *name))
    });
    if about.is_empty() {
        return None;
    }
    let what = counted(about.count, "of your own directories is", "of your own directories are");
    let message = format!("{what} write-protected, so pip cannot install, upgrade or remove anything there");
    let cause = "the permission to write was taken away (chmod), or they were copied from a read-only place";
    Some(Finding { cause: Some(cause.to_owned()), ..found(Code::Unwritable, message, about) })
}

/// Entries that everybody may change. A sticky directory is one: whoever may add a program or a module needs no more.
pub(super) fn world_writable(snapshot: &Snapshot) -> Option<Finding> {
    let tree = &snapshot.tree;
    let about = Evidence::entries(tree, |id| tree.facts(id).is_world_writable() && !snapshot.is_lock(id));
    if about.is_empty() {
        return None;
    }
    let what = counted(about.count, "entry", "entries");
    let message =
        format!("everybody on this machine may change {what} of it, and so run what they like in your name");
    let cause = "chmod -R 777, or a umask of 000 when it was made";
    Some(Finding { cause: Some(cause.to_owned()), ..found(Code::WorldWritable, message, about) })
}
