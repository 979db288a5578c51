//! The place where the environment is: the directory around it, what lies beside it, and who manages it.

use std::path::PathBuf;

use super::finding::{Code, Finding, Remedy};
use super::{Evidence, Names, counted, found, owner_name, shown_path};
use crate::inspect::snapshot::{Sibling, Snapshot};
use crate::model::printable::shell_word;
use crate::model::siblings::is_journal;
use crate::model::tree::{Tree, Unlisted};

/// The directory around it may not be written, so that a heal could not build beside it.
pub(super) fn parent_unwritable(snapshot: &Snapshot, names: Names<'_>) -> Option<Finding> {
    if snapshot.parent.writable {
        return None;
    }
    let (around, directory) = (&snapshot.parent.facts, snapshot.prefix.parent());
    if around.uid == snapshot.viewer.uid && around.mode & 0o200 == 0 {
        let message =
            "you may not write in the directory around it, which is yours: a heal cannot build there";
        let remedy = Remedy::Command(format!("chmod u+w -- {}", shell_word(directory)));
        let finding = found(Code::ParentUnwritable, message.to_owned(), Evidence::one(directory));
        return Some(Finding { remedy, ..finding });
    }
    let message = format!(
        "you may not write in the directory around it, which belongs to {}: a heal has to build elsewhere (--to)",
        owner_name(snapshot.parent.facts.uid, names)
    );
    let about = Evidence::one(snapshot.prefix.parent());
    Some(Finding { remedy: Remedy::Nothing, ..found(Code::ParentUnwritable, message, about) })
}

/// The directory around it is sticky and neither it nor the environment is the viewer's: nothing can be renamed.
pub(super) fn parent_sticky(snapshot: &Snapshot, names: Names<'_>) -> Option<Finding> {
    let (parent, viewer) = (&snapshot.parent.facts, &snapshot.viewer);
    let environment = snapshot.tree.facts(Tree::ROOT);
    let may_rename = viewer.is_root() || parent.uid == viewer.uid || environment.uid == viewer.uid;
    if !parent.is_sticky() || may_rename {
        return None;
    }
    let message = format!(
        "the directory around it is shared (its sticky bit is set, as in /tmp): only {} can move it aside, anybody else's heal has to build \
         elsewhere (--to)",
        owner_name(environment.uid, names)
    );
    let about = Evidence::one(snapshot.prefix.parent());
    Some(Finding { remedy: Remedy::Nothing, ..found(Code::ParentSticky, message, about) })
}

/// Something is mounted at its place, or inside it.
pub(super) fn mount_point(snapshot: &Snapshot) -> Option<Finding> {
    let tree = &snapshot.tree;
    let itself = snapshot.parent.holds_mount.then(|| PathBuf::from("."));
    let inside = tree.unlisted().filter(|(_, why)| *why == Unlisted::OtherFileSystem);
    let message = if itself.is_some() {
        "it is a mount of its own, as containers have them for volumes, which cannot be moved aside: a heal has to \
         build elsewhere (--to)"
    } else {
        "another file system is mounted in it, which is not looked into"
    };
    let about = Evidence::of(itself.into_iter().chain(inside.map(|(id, _)| shown_path(tree, id))));
    if about.is_empty() {
        return None;
    }
    Some(Finding { remedy: Remedy::Nothing, ..found(Code::MountPoint, message.to_owned(), about) })
}

/// What a heal that was cut off left beside it.
pub(super) fn interrupted_heal(siblings: &[Sibling]) -> Option<Finding> {
    let left = siblings.iter().filter_map(|sibling| match sibling {
        Sibling::Interrupted(path) => Some(path),
        Sibling::Kept(_) => None,
    });
    let about = Evidence::of(left.clone().cloned());
    if about.is_empty() {
        return None;
    }
    if !left.clone().any(|path| is_journal(path)) {
        return Some(unrecorded(left, about));
    }
    let message =
        "a heal of it was cut off (or is at work right now); the next heal settles what it left".to_owned();
    let cause = "venvkeep was stopped: the machine lost power, or it was killed";
    Some(Finding { cause: Some(cause.to_owned()), ..found(Code::InterruptedHeal, message, about) })
}

/// Without its journal nobody can tell whose a stage is, so no heal removes it: it may even be the old environment,
/// cut off right before it got its kept name.
fn unrecorded<'a>(stages: impl Iterator<Item = &'a PathBuf>, about: Evidence) -> Finding {
    let words: Vec<_> = stages.map(|path| shell_word(path)).collect();
    let message =
        "a heal of it was cut off, and the record of what it had done is gone; look into what it left, \
                   and remove it when there is nothing of yours in it"
            .to_owned();
    let remedy = Remedy::Command(format!("rm -rf -- {}", words.join(" ")));
    Finding { remedy, ..found(Code::InterruptedHeal, message, about) }
}

/// Old trees that heals kept.
pub(super) fn kept_environment(snapshot: &Snapshot) -> Option<Finding> {
    let about = Evidence::of(snapshot.siblings.iter().filter_map(|sibling| match sibling {
        Sibling::Kept(path) => Some(path.clone()),
        Sibling::Interrupted(_) => None,
    }));
    if about.is_empty() {
        return None;
    }
    let what = counted(about.count, "old tree of it is", "old trees of it are");
    let message = format!("{what} kept beside it, from before a heal; remove what you no longer need");
    Some(Finding { remedy: Remedy::Nothing, ..found(Code::KeptEnvironment, message, about) })
}
