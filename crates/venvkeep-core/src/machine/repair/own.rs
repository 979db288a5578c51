//! The user's part: directories that others took over, and their own files that they cannot read.

use std::path::{Path, PathBuf};

use super::{Identity, Left, Plan, Step, With, look};
use crate::host::fs::{self, Directory};
use crate::host::walk;
use crate::inspect::beside;
use crate::machine::own::{Trouble, Wrong, troubles};
use crate::model::caller::Caller;
use crate::model::facts::Kind;
use crate::model::owner::Viewer;
use crate::model::tree::Tree;

/// What can be taken back of each directory that tools keep things in.
pub(super) fn plan(caller: &Caller) -> Plan {
    let mut plan = Plan::default();
    let time = beside::stamp(std::time::SystemTime::now());
    for trouble in troubles(caller) {
        match &trouble.wrong {
            Wrong::Foreign { .. } => match anew(&trouble, &caller.viewer, &time) {
                // Several of them may lie in one directory that is put aside whole.
                Ok(step) if plan.steps.contains(&step) => {}
                Ok(step) => plan.steps.push(step),
                Err(left) if plan.left.contains(&left) => {}
                Err(left) => plan.left.push(left),
            },
            // A cache that is narrow does no harm by itself.
            Wrong::Narrow(_) => {}
            Wrong::Closed(paths) => {
                for path in paths {
                    match reopened(path, &caller.viewer) {
                        Some(Ok(step)) => plan.steps.push(step),
                        Some(Err(left)) => plan.left.push(left),
                        None => {}
                    }
                }
            }
        }
    }
    plan
}

/// The directory is put aside, and one of the user's own takes its place.
fn anew(trouble: &Trouble, viewer: &Viewer, time: &str) -> Result<Step, Left> {
    let place = trouble.movable();
    let left = |why: &str| Err(Left::new(&place, why));
    let Ok(Some(old)) = look(&place) else { return left("it could not be looked at, or lies behind a link") };
    if place.parent().is_none_or(|above| !fs::may_write(above)) {
        return left("the directory that it lies in may not be written, so that it cannot be put aside");
    }
    let with = if place == trouble.place && trouble.is_cache() { With::Nothing } else { With::Copies };
    if with == With::Copies {
        if !viewer.trusts(old.uid) {
            return left("it is neither yours nor root's: what is in it would run as you; look at it first");
        }
        let tree = Directory::open(&place).and_then(|open| walk::tree(&open));
        let Ok(tree) = tree else {
            return left("it cannot be read, so that a copy would lose what is in it");
        };
        if let Some(why) = not_to_be_copied(&tree, viewer) {
            return left(&why);
        }
    }
    let kept = free_name(&place, time);
    Ok(Step::Anew { path: place, old: Identity::of(&old), kept, with })
}

/// What an undo left under the first of these names within this second keeps it.
fn free_name(place: &Path, time: &str) -> PathBuf {
    let named = |ending: String| {
        let mut name = place.as_os_str().to_owned();
        name.push(format!(".aside-{time}{ending}"));
        PathBuf::from(name)
    };
    let endings = std::iter::once(String::new()).chain((2..100).map(|number| format!("-{number}")));
    let mut names = endings.map(named);
    names.find(|name| matches!(fs::lstat_if_any(name), Ok(None))).unwrap_or_else(|| named(String::new()))
}

/// What keeps a copy from holding all of it.
fn not_to_be_copied(tree: &Tree, viewer: &Viewer) -> Option<String> {
    if let Some((id, _)) = tree.unlisted().next() {
        let path = tree.path(id);
        return Some(format!(
            "{} in it cannot be listed, so that a copy would lose what is there",
            path.display()
        ));
    }
    let fault = tree.ids().find(|&id| {
        let facts = tree.facts(id);
        !matches!(facts.kind, Kind::Directory | Kind::File | Kind::Link)
            || !viewer.can_read(facts)
            || !viewer.trusts(facts.uid)
    })?;
    let (path, facts) = (tree.path(fault), tree.facts(fault));
    Some(if !viewer.trusts(facts.uid) {
        format!("{} in it is neither yours nor root's: look at it first", path.display())
    } else if viewer.can_read(facts) {
        format!("{} in it is {}, which cannot be copied", path.display(), facts.kind)
    } else {
        format!("{} in it cannot be read, so that a copy would lose it", path.display())
    })
}

/// The step that `chmod u+rwX` of this one entry is.
fn reopened(path: &Path, viewer: &Viewer) -> Option<Result<Step, Left>> {
    let facts = look(path).ok().flatten()?;
    let mut after = match facts.kind {
        Kind::Directory => facts.mode | 0o700,
        Kind::File => facts.mode | 0o600,
        _ => return None,
    };
    if !viewer.groups.contains(&facts.gid) {
        // The kernel takes the bit away when somebody who is not in the group changes the mode (chmod(2)).
        after &= !0o2000;
    }
    if facts.uid != viewer.uid || after == facts.mode {
        return None;
    }
    if facts.kind == Kind::File && facts.links > 1 {
        return Some(Err(Left::new(
            path,
            "it has more names than this one (uv's cache shares files so), and all would change",
        )));
    }
    Some(Ok(Step::Mode { path: path.to_owned(), entry: Identity::of(&facts), before: facts.mode, after }))
}
