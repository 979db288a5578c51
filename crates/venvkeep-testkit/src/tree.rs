//! Whole directory trees: walked, and given to somebody.

use std::fs::{self, Metadata};
use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};

use crate::{OrFail, Who};

/// `root` and everything below it, each directory before what it holds. Links are not followed.
pub(crate) fn walk(root: &Path) -> Vec<(PathBuf, Metadata)> {
    let mut found = Vec::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(path) = waiting.pop() {
        let metadata = fs::symlink_metadata(&path).or_fail("look at", &path);
        if metadata.is_dir() {
            let entries = fs::read_dir(&path).or_fail("list", &path);
            waiting.extend(entries.map(|entry| entry.or_fail("list", &path).path()));
        }
        found.push((path, metadata));
    }
    found
}

/// Makes `owner` the owner of `root` and everything below it; links themselves, not what they name.
pub(crate) fn give(root: &Path, owner: Who) {
    for (entry, _) in walk(root) {
        lchown(&entry, Some(owner.uid()), Some(owner.gid())).or_fail("chown", &entry);
    }
}

/// The files below `root` whose bytes hold `text`, and the links whose own text does.
pub fn files_naming(root: impl AsRef<Path>, text: &str) -> Vec<PathBuf> {
    let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    let names_it = |path: &Path, metadata: &Metadata| {
        if metadata.is_symlink() {
            holds(fs::read_link(path).or_fail("read", path).as_os_str().as_encoded_bytes())
        } else {
            metadata.is_file() && holds(&fs::read(path).or_fail("read", path))
        }
    };
    let found = walk(root.as_ref()).into_iter().filter(|(path, metadata)| names_it(path, metadata));
    let mut found: Vec<PathBuf> = found.map(|(path, _)| path).collect();
    found.sort();
    found
}
