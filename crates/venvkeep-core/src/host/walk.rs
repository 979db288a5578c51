//! The one walk: every entry below a prefix into a [`Tree`], by directory descriptor, following no link.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::fs::{Directory, IoError, Result};
use crate::model::facts::{Facts, Kind};
use crate::model::tree::{EntryId, Tree, Unlisted};

/// Lists everything below `prefix`. What cannot be listed is marked in the tree; only a prefix that cannot be looked
/// at is an error.
pub fn tree(prefix: &Directory) -> Result<Tree> {
    let root = prefix.facts()?;
    let mut tree = Tree::new(root);
    let mut open = Vec::new();
    match prefix.child(OsStr::new(".")) {
        Ok(directory) => open.push(Listing::of(&mut tree, Tree::ROOT, directory)),
        Err(error) => tree.mark_unlisted(Tree::ROOT, unlisted(&error)),
    }
    // Depth first with the open directories on a stack: as many descriptors as the tree is deep, and no path is ever
    // resolved a second time, so nobody can exchange a directory for a link under the walk.
    while let Some(top) = open.last_mut() {
        let Some(id) = top.directories.pop() else {
            open.pop();
            continue;
        };
        if tree.facts(id).device != root.device {
            tree.mark_unlisted(id, Unlisted::OtherFileSystem);
            continue;
        }
        match top.handle.child(tree.name(id)) {
            Err(error) => tree.mark_unlisted(id, unlisted(&error)),
            Ok(_) if open.len() >= Tree::MAX_DEPTH || tree.len() >= Tree::MAX_ENTRIES => {
                tree.mark_unlisted(id, Unlisted::BeyondBounds);
            }
            Ok(directory) => open.push(Listing::of(&mut tree, id, directory)),
        }
    }
    Ok(tree)
}

/// A directory whose entries are in the tree, and those of them that are directories and not yet walked.
struct Listing {
    handle: Directory,
    directories: Vec<EntryId>,
}

impl Listing {
    fn of(tree: &mut Tree, id: EntryId, handle: Directory) -> Self {
        let mut found = Vec::new();
        match handle.names() {
            Err(error) => tree.mark_unlisted(id, unlisted(&error)),
            Ok(names) => {
                for name in names {
                    match handle.lstat(OsStr::from_bytes(&name)) {
                        Ok(facts) => found.push((name, facts)),
                        // It vanished between the listing and the look: then it is not there.
                        Err(error) if error.is_missing() => {}
                        // Listing without entering (mode r--): the names are known, nothing else is.
                        Err(error) => {
                            tree.mark_unlisted(id, unlisted(&error));
                            break;
                        }
                    }
                }
            }
        }
        found.truncate(Tree::MAX_ENTRIES.saturating_sub(tree.len()));
        let ids: Vec<_> = tree.add_children(id, found).collect();
        let is_directory = |&id: &EntryId| -> bool {
            let facts: &Facts = tree.facts(id);
            facts.kind == Kind::Directory
        };
        Self { handle, directories: ids.into_iter().filter(is_directory).collect() }
    }
}

fn unlisted(error: &IoError) -> Unlisted {
    if error.is_denied() { Unlisted::Denied } else { Unlisted::Failed }
}
