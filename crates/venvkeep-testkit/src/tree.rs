//! Whole directory trees: walked, and given to somebody.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// The permission bits of `root` and of everything below it; links have none of their own.
pub fn modes(root: &Path) -> BTreeMap<PathBuf, u32> {
    let entries = walk(root).into_iter().filter(|(_, metadata)| !metadata.is_symlink());
    entries.map(|(path, metadata)| (path, metadata.mode() & 0o7777)).collect()
}

/// Makes `owner` the owner of `root` and everything below it; links themselves, not what they name.
pub(crate) fn give(root: &Path, owner: Who) {
    for (entry, _) in walk(root) {
        lchown(&entry, Some(owner.uid()), Some(owner.gid())).or_fail("chown", &entry);
    }
}

/// The files below `root` whose bytes hold `text`, and the links whose own text does. By grep: an unoptimised search
/// through hundreds of megabytes takes minutes.
pub fn files_naming(root: impl AsRef<Path>, text: &str) -> Vec<PathBuf> {
    let root = root.as_ref();
    let grep =
        Command::new("grep").args(["-rlaZF", "-e", text, "--"]).arg(root).output().or_fail("search", root);
    assert!(grep.status.code().is_some_and(|code| code < 2), "{}", String::from_utf8_lossy(&grep.stderr));
    let files = grep.stdout.split(|byte| *byte == 0).filter(|path| !path.is_empty());
    let mut found: Vec<PathBuf> = files.map(|path| PathBuf::from(OsStr::from_bytes(path))).collect();
    let names_it =
        |path: &PathBuf| fs::read_link(path).or_fail("read", path).to_string_lossy().contains(text);
    let links = walk(root).into_iter().filter(|(_, metadata)| metadata.is_symlink()).map(|(path, _)| path);
    found.extend(links.filter(names_it));
    found.sort();
    found
}
