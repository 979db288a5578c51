//! "Byte for byte as it was", as something that a test can assert.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::OrFail;
use crate::tree::walk;

/// Enough to see what happened; a tree that was replaced differs everywhere.
const DIFFERENCES_SHOWN: usize = 20;

/// What stands before an entry's time.
const CHANGED: &str = ", changed ";

/// Every entry of a tree: kind, mode, owner, size, time of change, link text, content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    root: PathBuf,
    entries: BTreeMap<PathBuf, String>,
}

/// The fingerprint of `root` and everything below it. Links are not followed.
pub fn fingerprint(root: impl AsRef<Path>) -> Fingerprint {
    let root = root.as_ref();
    let entries = walk(root).into_iter().map(|(path, metadata)| {
        let name = path.strip_prefix(root).unwrap_or(&path).to_owned();
        (name, describe(&path, &metadata))
    });
    Fingerprint { root: root.to_owned(), entries: entries.collect() }
}

/// The users who own something in the tree at `root`, by uid.
pub fn owners(root: impl AsRef<Path>) -> BTreeSet<u32> {
    walk(root.as_ref()).iter().map(|(_, metadata)| metadata.uid()).collect()
}

impl Fingerprint {
    /// How many entries the tree has, itself included.
    pub fn entry_count(&self) -> usize {
        self.entries.len()
    }

    /// The same without the times: for trees that were made at different times.
    #[must_use = "the fingerprint itself keeps its times"]
    pub fn without_times(&self) -> Self {
        let entries = self.entries.iter();
        let entries = entries.map(|(name, entry)| (name.clone(), timeless(entry).to_owned())).collect();
        Self { root: self.root.clone(), entries }
    }

    /// Whether `later`, which may lie elsewhere, is the same tree.
    pub fn is_same(&self, later: &Self) -> bool {
        self.entries == later.entries
    }

    /// Asserts that the tree is still at its place, and still the same.
    #[track_caller]
    pub fn assert_unchanged(&self) {
        self.assert_same(&fingerprint(&self.root));
    }

    /// Asserts that `later`, which may lie elsewhere, is the same tree.
    #[track_caller]
    pub fn assert_same(&self, later: &Self) {
        let differences = self.differences(later);
        let count = differences.len();
        let shown = &differences[..count.min(DIFFERENCES_SHOWN)];
        assert!(
            count == 0,
            "{count} differences from {} to {}:\n{}",
            self.root.display(),
            later.root.display(),
            shown.join("\n")
        );
    }

    /// The same, except that directories may have another time: something was made in them and removed again.
    #[track_caller]
    pub fn assert_same_but_for_times(&self, later: &Self) {
        let without = |tree: &Self| {
            let entries = tree.entries.iter().map(|(name, entry)| {
                let what = if entry.starts_with("directory") { timeless(entry) } else { entry };
                (name.clone(), what.to_owned())
            });
            Self { root: tree.root.clone(), entries: entries.collect() }
        };
        without(self).assert_same(&without(later));
    }

    /// One line for each entry that `later` lacks (`-`), has in addition (`+`) or has changed (both).
    pub fn differences(&self, later: &Self) -> Vec<String> {
        let names: BTreeSet<&PathBuf> = self.entries.keys().chain(later.entries.keys()).collect();
        let mut lines = Vec::new();
        for name in names {
            let (before, after) = (self.entries.get(name), later.entries.get(name));
            if before != after {
                let line = |sign, entry| format!("{sign} {}: {entry}", name.display());
                lines.extend(before.map(|entry| line('-', entry)));
                lines.extend(after.map(|entry| line('+', entry)));
            }
        }
        lines
    }
}

/// The last time stands at the end; a link's text may say anything.
fn timeless(entry: &str) -> &str {
    entry.rsplit_once(CHANGED).map_or(entry, |(what, _)| what)
}

fn describe(path: &Path, metadata: &Metadata) -> String {
    let kind = metadata.file_type();
    let content = if kind.is_file() {
        let bytes = fs::read(path).or_fail("read", path);
        format!("file of {} bytes, sha256 {:x}", bytes.len(), Sha256::digest(&bytes))
    } else if kind.is_symlink() {
        format!("link to {}", fs::read_link(path).or_fail("read", path).display())
    } else if kind.is_dir() {
        "directory".to_owned()
    } else {
        "special file".to_owned()
    };
    format!(
        "{content}, mode {:o}, owner {}:{}{CHANGED}{}.{:09}",
        metadata.mode(),
        metadata.uid(),
        metadata.gid(),
        metadata.mtime(),
        metadata.mtime_nsec()
    )
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::time::SystemTime;

    use tempfile::tempdir;

    use super::fingerprint;

    #[test]
    fn sees_content_mode_time_links_and_names() {
        let tree = tempdir().unwrap();
        let file = tree.path().join("file");
        fs::write(&file, "a").unwrap();
        symlink("file", tree.path().join("link")).unwrap();
        let mut last = fingerprint(tree.path());
        last.assert_unchanged();

        let changes: [(&str, &dyn Fn()); 5] = [
            ("file: file of 1 bytes", &|| fs::write(&file, "b").unwrap()),
            ("mode 100600", &|| {
                fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
            }),
            ("changed 0.000000000", &|| {
                File::options()
                    .write(true)
                    .open(&file)
                    .unwrap()
                    .set_modified(SystemTime::UNIX_EPOCH)
                    .unwrap();
            }),
            ("link to elsewhere", &|| {
                fs::remove_file(tree.path().join("link")).unwrap();
                symlink("elsewhere", tree.path().join("link")).unwrap();
            }),
            ("+ more: directory", &|| {
                fs::create_dir(tree.path().join("more")).unwrap();
            }),
        ];
        for (expected, change) in changes {
            change();
            let now = fingerprint(tree.path());
            let lines = last.differences(&now);
            assert!(lines.iter().any(|line| line.contains(expected)), "{expected}: {lines:?}");
            last = now;
        }
        let before = last.without_times();
        File::options().write(true).open(&file).unwrap().set_modified(SystemTime::now()).unwrap();
        let now = fingerprint(tree.path());
        assert!(before.is_same(&now.without_times()) && !last.is_same(&now));
    }

    #[test]
    #[should_panic(expected = "differences from")]
    fn a_change_fails_the_assertion() {
        let tree = tempdir().unwrap();
        let before = fingerprint(tree.path());
        fs::write(tree.path().join("new"), "").unwrap();
        before.assert_unchanged();
    }
}
