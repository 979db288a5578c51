//! Which entries of an environment something answers for: a distribution's RECORD, or a creator whose file was
//! changed since.
//!
//! What nobody claims is the user's, and a heal carries it over; so a claim is made only where a list names the file.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::records::LIMITS;
use super::snapshot::Snapshot;
use crate::host::fs::Directory;
use crate::model::activation_edits::{SCRIPTS, added_lines};
use crate::model::distribution::Layout;
use crate::model::facts::Kind;
use crate::model::record::{RecordPlace, RecordRow, RecordRows};
use crate::model::tree::{EntryId, Finder, Tree};

/// Longest of the small text files that are read here.
const LONGEST_TEXT: u64 = 1024 * 1024;

/// A creator writes its scripts within a moment; one that is this much younger than the others was changed by hand.
const MOMENT_NS: i64 = 10_000_000_000;

/// How a file differs from what was installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Its size is not the one that its distribution recorded.
    Altered,
    /// It is a creator's file with other content than creators write.
    ByHand,
}

/// Lines of the user's in an activation script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedLines {
    /// The script's name in `bin`.
    pub script: &'static str,
    /// The lines.
    pub lines: Vec<u8>,
}

/// What is claimed. See the module's header.
#[derive(Debug, Default)]
pub struct Claims {
    of_distribution: BTreeSet<EntryId>,
    changed: BTreeMap<EntryId, Change>,
    added: BTreeMap<EntryId, AddedLines>,
}

impl Claims {
    /// Whether a distribution answers for the entry.
    pub fn is_distributions(&self, id: EntryId) -> bool {
        self.of_distribution.contains(&id)
    }

    /// How the entry differs from what was installed, where it is known to.
    pub fn change(&self, id: EntryId) -> Option<Change> {
        self.changed.get(&id).copied()
    }

    /// What the user added to it, where it is an activation script.
    pub fn added_lines(&self, id: EntryId) -> Option<&AddedLines> {
        self.added.get(&id)
    }

    /// Takes the whole subtree at `path` for a distribution's.
    fn claim_tree(&mut self, tree: &Tree, path: &Path) {
        let mut waiting: Vec<EntryId> = tree.find(path).into_iter().collect();
        while let Some(id) = waiting.pop() {
            self.of_distribution.insert(id);
            waiting.extend(tree.children(id));
        }
    }
}

/// Reads every list of files in the environment. What cannot be read claims nothing.
pub fn read(snapshot: &Snapshot) -> Claims {
    let Ok(root) = Directory::open(snapshot.prefix.path()) else { return Claims::default() };
    let mut claims = Claims::default();
    let infos: Vec<&Path> = snapshot
        .distributions
        .iter()
        .map(|one| one.info.as_path())
        .chain(snapshot.leftovers.iter().map(PathBuf::as_path))
        .collect();
    let listed: Vec<Vec<(EntryId, Option<Change>)>> =
        infos.par_iter().map(|info| listed_by(snapshot, &root, info)).collect();
    for (id, change) in listed.into_iter().flatten() {
        claims.of_distribution.insert(id);
        if let Some(change) = change {
            claims.changed.insert(id, change);
        }
    }
    for distribution in &snapshot.distributions {
        claims.claim_tree(&snapshot.tree, &distribution.info);
        let site = distribution.info.parent().unwrap_or(Path::new(""));
        if matches!(distribution.layout, Layout::Egg | Layout::EggLink) {
            claims.claim_tree(&snapshot.tree, &site.join("easy-install.pth"));
        }
    }
    read_creators_files(&mut claims, snapshot, &root);
    claims
}

/// The entries that the lists in one metadata directory name.
fn listed_by(snapshot: &Snapshot, root: &Directory, info: &Path) -> Vec<(EntryId, Option<Change>)> {
    let site = info.parent().unwrap_or(Path::new(""));
    let mut finder = Finder::new(&snapshot.tree);
    if let Ok(record) = root.read(&info.join("RECORD"), LIMITS.bytes as u64) {
        let Ok(rows) = RecordRows::parse(&record, LIMITS) else { return Vec::new() };
        return rows.filter_map(|row| listed(snapshot, &mut finder, site, &row.ok()?)).collect();
    }
    // setuptools of old: one path a line, relative to the metadata directory.
    let Ok(files) = root.read(&info.join("installed-files.txt"), LONGEST_TEXT) else { return Vec::new() };
    let files = String::from_utf8_lossy(&files).into_owned();
    let rows = files.lines().filter(|line| !line.is_empty());
    rows.filter_map(|line| {
        let row = RecordRow { path: line.to_owned(), hash: None, size: None };
        listed(snapshot, &mut finder, info, &row)
    })
    .collect()
}

/// The entry that a row names; where it lies in a directory that could not be listed, that directory.
fn listed(
    snapshot: &Snapshot,
    finder: &mut Finder<'_>,
    base: &Path,
    row: &RecordRow,
) -> Option<(EntryId, Option<Change>)> {
    let RecordPlace::Inside(path) = row.resolve(snapshot.prefix.path(), base) else { return None };
    let tree = &snapshot.tree;
    if let Some(id) = finder.find(&path) {
        let facts = tree.facts(id);
        let altered = facts.kind == Kind::File && row.size.is_some_and(|size| size != facts.size);
        return Some((id, altered.then_some(Change::Altered)));
    }
    let above = path.ancestors().skip(1).find_map(|above| tree.find(above))?;
    tree.unlisted().any(|(id, _)| id == above && id != Tree::ROOT).then_some((above, None))
}

/// The creators' text files that people change: `.gitignore` and the activation scripts.
fn read_creators_files(claims: &mut Claims, snapshot: &Snapshot, root: &Directory) {
    let tree = &snapshot.tree;
    let file = |path: &Path| {
        let id = tree.find(path).filter(|&id| tree.facts(id).kind == Kind::File)?;
        Some((id, root.read(path, LONGEST_TEXT).ok()?))
    };
    if let Some((id, text)) = file(Path::new(".gitignore"))
        && !ignores_everything(&text)
    {
        claims.changed.insert(id, Change::ByHand);
    }
    let bin = Path::new("bin");
    let scripts = || {
        let open = tree.find(bin).into_iter().flat_map(|bin| tree.children(bin));
        open.filter(|&id| is_activation_script(tree.name(id)))
    };
    let oldest = scripts().map(|id| tree.facts(id).modified_ns).min().unwrap_or(i64::MAX);
    for script in SCRIPTS {
        let Some((id, text)) = file(&bin.join(script)) else { continue };
        let lines = added_lines(script, &text);
        match lines.filter(|lines| !lines.is_empty()) {
            Some(lines) => {
                claims.added.insert(id, AddedLines { script, lines });
            }
            None if tree.facts(id).modified_ns > oldest.saturating_add(MOMENT_NS) => {
                claims.changed.insert(id, Change::ByHand);
            }
            None => {}
        }
    }
}

fn is_activation_script(name: &OsStr) -> bool {
    name.as_encoded_bytes().to_ascii_lowercase().starts_with(b"activate")
}

/// What venv, virtualenv, uv and venvkeep write: everything, and a comment.
fn ignores_everything(gitignore: &[u8]) -> bool {
    let text = String::from_utf8_lossy(gitignore);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.next() == Some("*") && lines.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::{OsStr, ignores_everything, is_activation_script};

    #[test]
    fn what_creators_write_is_known() {
        for theirs in ["*", "*\n", "# created by virtualenv automatically\n*\n", "# venv\n\n*"] {
            assert!(ignores_everything(theirs.as_bytes()), "{theirs}");
        }
        for other in ["", "*\n!keep\n", "*.pyc\n"] {
            assert!(!ignores_everything(other.as_bytes()), "{other}");
        }
        assert!(is_activation_script(OsStr::new("Activate.ps1")));
        assert!(!is_activation_script(OsStr::new("postactivate")));
    }
}
