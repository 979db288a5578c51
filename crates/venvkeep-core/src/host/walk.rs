//! The one walk: every entry below a prefix into a [`Tree`], by directory descriptor, following no link.
//!
//! The first levels are listed one directory after the other; when there are enough directories to share out, their
//! trees are walked side by side and put into their places. No path is ever resolved a second time, so nobody can
//! exchange a directory for a link under the walk.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::{IntoParallelIterator, ParallelIterator};

use super::fs::{Directory, IoError, Result};
use crate::model::facts::Kind;
use crate::model::tree::{Entries, EntryId, Tree, Unlisted};

/// So many directories are enough for every core to have its share, whatever the size of each.
const SHARES: usize = 64;

/// Lists everything below `prefix`. What cannot be listed is marked in the tree; only a prefix that cannot be looked
/// at is an error.
pub fn tree(prefix: &Directory) -> Result<Tree> {
    let root = prefix.facts()?;
    let walk = Walk { device: root.device, entries: AtomicUsize::new(0) };
    let mut tree = Tree::new(root);
    let (mut pending, mut found) = (VecDeque::new(), Entries::default());
    match prefix.child(OsStr::new(".")) {
        Ok(directory) => {
            pending.extend(walk.list((&mut tree, &mut found), Tree::ROOT, directory).into_pending(1));
        }
        Err(error) => tree.mark_unlisted(Tree::ROOT, unlisted(&error)),
    }
    while pending.len() < SHARES
        && let Some(next) = pending.pop_front()
    {
        match next.open(&walk, &tree) {
            Ok(directory) => {
                let listed = walk.list((&mut tree, &mut found), next.id, directory);
                pending.extend(listed.into_pending(next.depth + 1));
            }
            Err(why) => tree.mark_unlisted(next.id, why),
        }
    }
    if pending.is_empty() {
        // Starting threads would cost more than all of the walk.
        return Ok(tree);
    }
    let shares: Vec<(EntryId, Tree)> =
        Vec::from(pending).into_par_iter().map(|share| (share.id, walk.below(&share, &tree))).collect();
    tree.reserve(shares.iter().map(|(_, below)| below));
    for (id, below) in shares {
        tree.graft(id, below);
    }
    Ok(tree)
}

/// What one walk knows everywhere.
struct Walk {
    device: u64,
    /// How many entries were found so far, in all shares together.
    entries: AtomicUsize,
}

/// A directory that is in the tree and not yet listed.
struct Pending {
    above: Arc<Directory>,
    id: EntryId,
    depth: usize,
}

impl Pending {
    fn open(&self, walk: &Walk, tree: &Tree) -> std::result::Result<Directory, Unlisted> {
        walk.open(&self.above, (tree, self.id), self.depth)
    }
}

/// A directory whose entries are in the tree, and those of them that are directories.
struct Listed {
    handle: Directory,
    directories: Vec<EntryId>,
}

impl Listed {
    fn into_pending(self, depth: usize) -> impl Iterator<Item = Pending> {
        let above = Arc::new(self.handle);
        self.directories.into_iter().map(move |id| Pending { above: Arc::clone(&above), id, depth })
    }
}

impl Walk {
    /// Everything below one directory, as a tree of its own: depth first with the open directories on a stack, so as
    /// many descriptors as the tree is deep.
    fn below(&self, share: &Pending, around: &Tree) -> Tree {
        let (mut tree, mut found) = (Tree::new(*around.facts(share.id)), Entries::default());
        let mut open = match share.open(self, around) {
            Ok(directory) => vec![self.list((&mut tree, &mut found), Tree::ROOT, directory)],
            Err(why) => {
                tree.mark_unlisted(Tree::ROOT, why);
                Vec::new()
            }
        };
        while let Some(top) = open.last_mut() {
            let Some(id) = top.directories.pop() else {
                open.pop();
                continue;
            };
            let depth = share.depth + open.len();
            let above = &open[open.len() - 1].handle;
            match self.open(above, (&tree, id), depth) {
                Ok(directory) => open.push(self.list((&mut tree, &mut found), id, directory)),
                Err(why) => tree.mark_unlisted(id, why),
            }
        }
        tree
    }

    fn open(
        &self,
        above: &Directory,
        (tree, id): (&Tree, EntryId),
        depth: usize,
    ) -> std::result::Result<Directory, Unlisted> {
        if tree.facts(id).device != self.device {
            return Err(Unlisted::OtherFileSystem);
        }
        if depth >= Tree::MAX_DEPTH || self.entries.load(Ordering::Relaxed) >= Tree::MAX_ENTRIES {
            return Err(Unlisted::BeyondBounds);
        }
        above.child(tree.name(id)).map_err(|error| unlisted(&error))
    }

    fn list(&self, (tree, found): (&mut Tree, &mut Entries), id: EntryId, handle: Directory) -> Listed {
        let listed = handle.each_name(|name| {
            match handle.lstat(OsStr::from_bytes(name.to_bytes())) {
                Ok(facts) => found.push(name.to_bytes(), facts),
                // It vanished between the listing and the look: then it is not there.
                Err(error) if error.is_missing() => {}
                // Listing without entering (mode r--): the names are known, nothing else is.
                Err(error) => return Err(error),
            }
            Ok(())
        });
        if let Err(error) = listed {
            tree.mark_unlisted(id, unlisted(&error));
        }
        let before = self.entries.fetch_add(found.len(), Ordering::Relaxed);
        found.truncate(Tree::MAX_ENTRIES.saturating_sub(before));
        let directories =
            tree.add_children(id, found).filter(|&id| tree.facts(id).kind == Kind::Directory).collect();
        Listed { handle, directories }
    }
}

fn unlisted(error: &IoError) -> Unlisted {
    if error.is_denied() { Unlisted::Denied } else { Unlisted::Failed }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::{Directory, Tree, Unlisted, tree};

    #[test]
    fn sees_everything_and_follows_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut expected = 0;
        for package in 0..100 {
            let path = dir.path().join(format!("lib/p{package}/sub/deeper"));
            fs::create_dir_all(&path).unwrap();
            fs::write(path.join("file"), "x").unwrap();
            expected += 4;
        }
        symlink("/etc", dir.path().join("lib/p1/etc")).unwrap();
        symlink("..", dir.path().join("lib/p2/loop")).unwrap();
        let found = tree(&Directory::open(dir.path()).unwrap()).unwrap();
        assert_eq!(found.len(), 1 + expected + 2);
        for package in 0..100 {
            let path = format!("lib/p{package}/sub/deeper/file");
            assert!(found.find(Path::new(&path)).is_some(), "{path}");
        }
        assert!(found.find(Path::new("lib/p1/etc/passwd")).is_none());
    }

    #[test]
    fn depth_has_a_bound() {
        let dir = tempfile::tempdir().unwrap();
        let deep: std::path::PathBuf = std::iter::repeat_n("d", Tree::MAX_DEPTH + 20).collect();
        fs::create_dir_all(dir.path().join(deep)).unwrap();
        let found = tree(&Directory::open(dir.path()).unwrap()).unwrap();
        assert!(found.unlisted().any(|(_, why)| why == Unlisted::BeyondBounds));
    }
}
