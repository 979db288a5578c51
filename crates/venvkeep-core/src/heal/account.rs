//! Where every entry of the old tree is now.

use std::path::Path;

use crate::inspect::snapshot::Snapshot;
use crate::model::facts::Kind;
use crate::model::tree::{EntryId, Tree};
use crate::report::{Dropped, Entries, Report};

/// Files of no distribution that the report names one by one; beyond that it is a directory of data.
const NAMED: usize = 1000;

/// Accounts for the old tree: an entry whose place is filled in the new one is reproduced; bytecode and its
/// directories come back by themselves; everything else is only in the old tree, and named.
pub(super) fn fill(report: &mut Report, old: &Snapshot, new: &Snapshot) {
    let mut entries = Entries { old: old.tree.len(), ..Entries::default() };
    for id in old.tree.ids().filter(|&id| id != Tree::ROOT) {
        let path = old.tree.path(id);
        if new.tree.find(&path).is_some() {
            entries.reproduced += 1;
            continue;
        }
        entries.dropped += 1;
        if let Some(why) = reason(&old.tree, id, &path)
            && report.dropped.len() < NAMED
        {
            report.dropped.push(Dropped { path, why });
        }
    }
    report.entries = entries;
}

/// Activation scripts for other shells and what else venv, virtualenv and uv put into an environment: it can be made
/// again, and holds nothing of the user's.
const CREATORS_OWN: [&str; 10] = [
    ".lock",
    "CACHEDIR.TAG",
    "bin/Activate.ps1",
    "bin/activate.ps1",
    "bin/activate.bat",
    "bin/activate.nu",
    "bin/activate.xsh",
    "bin/activate_this.py",
    "bin/deactivate.bat",
    "bin/pydoc.bat",
];

/// Why an entry is only in the old tree, where that is worth naming.
fn reason(tree: &Tree, id: EntryId, path: &Path) -> Option<&'static str> {
    let is_bytecode = path.iter().any(|name| name == "__pycache__")
        || path.extension().is_some_and(|extension| extension == "pyc");
    let is_leftover = path.iter().any(|name| name.as_encoded_bytes().starts_with(b"~"));
    let is_creators = CREATORS_OWN.iter().any(|own| path == Path::new(own));
    if is_bytecode || is_leftover || is_creators || is_interpreter(tree, id, path) {
        return None;
    }
    match tree.facts(id).kind {
        Kind::Directory => None,
        Kind::File | Kind::Link => Some("belongs to no distribution; it is in the old tree"),
        Kind::Fifo | Kind::Socket | Kind::Device => {
            Some("not a file: pipes, sockets and devices are not copied")
        }
    }
}

/// A further name of the interpreter: `bin/python3.11` in an environment that gets another version.
fn is_interpreter(tree: &Tree, id: EntryId, path: &Path) -> bool {
    let name = tree.name(id).to_string_lossy();
    let by_name = name.starts_with("python") || name.starts_with("pypy");
    by_name && path.parent() == Some(Path::new("bin")) && tree.facts(id).kind != Kind::Directory
}
