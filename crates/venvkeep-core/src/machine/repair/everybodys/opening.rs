//! What stands where a record leads, and the steps that open it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::Entries;
use super::believed::{Ground, Proof, Record};
use crate::host::credentials;
use crate::host::fs::IoError;
use crate::host::walk;
use crate::inspect::deep;
use crate::machine::repair::{Identity, Left, Step, look};
use crate::model::facts::{Facts, Kind};
use crate::model::owner::ROOT;
use crate::model::record::{HashAlgorithm, RecordHash};

const MOUNTED: &str = "something else is mounted there, or on the way to it";

/// What is found while the records are gone through.
pub(super) struct Opening<'g> {
    ground: &'g Ground<'g>,
    entries: Entries,
    /// What a row names, that is closed, and that the row does not open.
    refused: BTreeMap<PathBuf, String>,
    /// Files behind something closed that are what their rows say.
    proved: BTreeSet<PathBuf>,
    /// Directories on the way that were looked at.
    above: BTreeMap<PathBuf, Option<Facts>>,
    /// A file that many rows name is read once.
    digests: BTreeMap<(PathBuf, HashAlgorithm), Option<Vec<u8>>>,
}

impl<'g> Opening<'g> {
    pub(super) fn new(ground: &'g Ground<'g>) -> Self {
        Self {
            ground,
            entries: BTreeMap::new(),
            refused: BTreeMap::new(),
            proved: BTreeSet::new(),
            above: BTreeMap::new(),
            digests: BTreeMap::new(),
        }
    }

    /// The entries, those of a directory behind it; and what stays closed although a row names it.
    pub(super) fn finish(mut self) -> (Entries, BTreeMap<PathBuf, String>) {
        let is_opened = |path: &&PathBuf| self.entries.get(*path).is_some_and(Result::is_ok);
        let directories: Vec<PathBuf> = self.above.keys().filter(is_opened).cloned().collect();
        for path in directories {
            if let Some(other) = self.bares(&path) {
                let why =
                    format!("with it, {} would be open to everybody, which no row proves", other.display());
                self.entries.insert(path.clone(), Err(Left::new(path, why)));
            }
        }
        let Self { entries, mut refused, .. } = self;
        refused.retain(|path, _| !entries.contains_key(path));
        (entries, refused)
    }

    /// What only a closed directory keeps from others, and nothing proves: a row about a file that is known to anybody, an
    /// empty one say, must not open the keys beside it. In the site directory all packages are for everybody.
    fn bares(&self, directory: &Path) -> Option<PathBuf> {
        let (root, rest) = self.ground.root_of(directory).filter(|_| !self.ground.is_in_site(directory))?;
        // What cannot be looked through may hold anything.
        let Ok(tree) = root.descend(rest).and_then(|open| walk::tree(&open)) else {
            return Some(directory.to_owned());
        };
        if let Some((id, _)) = tree.unlisted().next() {
            return Some(directory.join(tree.path(id)));
        }
        let open = tree.ids().filter(|id| {
            let facts = tree.facts(*id);
            facts.kind == Kind::File && facts.mode & 0o004 != 0
        });
        open.map(|id| directory.join(tree.path(id))).find(|path| !self.proved.contains(path))
    }

    /// Goes through the rows of a record.
    pub(super) fn consider(&mut self, record: &Record) {
        for path in record.rows.keys() {
            let facts = match self.facts(path) {
                Ok(Some(facts)) => facts,
                Ok(None) => {
                    self.refused.insert(path.clone(), MOUNTED.to_owned());
                    continue;
                }
                Err(error) if error.is_missing() => continue,
                Err(error) => {
                    self.refused
                        .insert(path.clone(), format!("it could not be looked at ({})", error.reason()));
                    continue;
                }
            };
            if facts.kind != Kind::File {
                continue;
            }
            let mut closed = self.closed_above(path);
            if let Some(after) = opened(&facts) {
                closed.push((path.clone(), facts, after));
            }
            if closed.is_empty() {
                continue;
            }
            match self.proved(path, &facts, record) {
                Ok(()) => {
                    self.proved.insert(path.clone());
                    for (path, facts, after) in closed {
                        self.entries.entry(path).or_insert_with_key(|path| step(path, &facts, after));
                    }
                }
                Err(why) => {
                    self.refused.insert(path.clone(), why);
                }
            }
        }
    }

    /// What stands there; `None` where something is mounted on the way below the root.
    fn facts(&self, path: &Path) -> Result<Option<Facts>, IoError> {
        match self.ground.root_of(path) {
            Some((root, rest)) => root.lstat_on_same_mount(rest),
            None => look(path),
        }
    }

    /// The closed directories around a file, up to the prefix.
    fn closed_above(&mut self, path: &Path) -> Vec<(PathBuf, Facts, u16)> {
        let prefix = &self.ground.prefix;
        let around = path.ancestors().skip(1).take_while(|above| *above != prefix);
        let around: Vec<PathBuf> = around.map(Path::to_owned).collect();
        let mut closed = Vec::new();
        for one in around {
            let facts = if let Some(known) = self.above.get(&one) {
                *known
            } else {
                let facts = self.facts(&one).ok().flatten();
                self.above.insert(one.clone(), facts);
                facts
            };
            if let Some((facts, after)) = facts.and_then(|facts| Some((facts, opened(&facts)?))) {
                closed.push((one, facts, after));
            }
        }
        closed
    }

    /// Whether the row may open the file; else why not.
    fn proved(&mut self, path: &Path, facts: &Facts, record: &Record) -> Result<(), String> {
        match record.rows.get(path) {
            Some(Proof::Place) => Ok(()),
            Some(Proof::Hash(hash)) => self.hashed(path, facts, hash),
            Some(Proof::Source(source)) => {
                let nothing = || "it is recorded as bytecode of what is not recorded".to_owned();
                let Some(Proof::Hash(hash)) = record.rows.get(source) else { return Err(nothing()) };
                let facts = self.facts(source).ok().flatten().ok_or_else(nothing)?;
                self.hashed(source, &facts, hash)
            }
            Some(Proof::None) | None => {
                Err("its record has no hash for it, so that it could be anything".to_owned())
            }
        }
    }

    fn hashed(&mut self, path: &Path, facts: &Facts, hash: &RecordHash) -> Result<(), String> {
        let RecordHash::Known { algorithm, digest } = hash else {
            return Err("its record has a hash of an unknown kind".to_owned());
        };
        let key = (path.to_owned(), *algorithm);
        let found = if let Some(found) = self.digests.get(&key) {
            found.clone()
        } else {
            let found = self.digest(path, facts, *algorithm);
            self.digests.insert(key, found.clone());
            found
        };
        if found.as_ref() == Some(digest) {
            return Ok(());
        }
        Err("it is not what was installed: it was changed since, or is another's".to_owned())
    }

    fn digest(&self, path: &Path, facts: &Facts, algorithm: HashAlgorithm) -> Option<Vec<u8>> {
        let (root, rest) = self.ground.root_of(path)?;
        let file = root.open_the_same(rest, facts).ok().flatten()?;
        deep::digest(file, algorithm)
    }
}

/// The step that `chmod a+rX` of this one entry is, or why it is not taken.
fn step(path: &Path, facts: &Facts, after: u16) -> Result<Step, Left> {
    let why = if facts.uid != ROOT {
        format!("it is not root's, but belongs to {}: theirs to open", credentials::called(facts.uid))
    } else if facts.kind == Kind::File && facts.mode & 0o6000 != 0 {
        "it runs with the rights of its owner or group, and who may run it is root's to say".to_owned()
    } else if facts.kind == Kind::File && facts.links > 1 {
        "it has more names than this one, and all would be opened".to_owned()
    } else {
        let entry = Identity::of(facts);
        return Ok(Step::Mode { path: path.to_owned(), entry, before: facts.mode, after });
    };
    Err(Left::new(path, why))
}

/// `a+rX`; `None` where others can read it, and for what is neither a file nor a directory.
pub(super) fn opened(facts: &Facts) -> Option<u16> {
    let (needed, added) = match facts.kind {
        Kind::Directory => (0o005, 0o555),
        Kind::File if facts.mode & 0o111 != 0 => (0o005, 0o555),
        Kind::File => (0o004, 0o444),
        _ => return None,
    };
    (facts.mode & needed != needed).then_some(facts.mode | added)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{opened, step};
    use crate::model::facts::{Facts, Kind};

    fn facts(kind: Kind, mode: u16) -> Facts {
        Facts { kind, mode, uid: 0, gid: 0, size: 0, modified_ns: 0, device: 1, inode: 1, links: 1 }
    }

    #[test]
    fn only_reading_is_added() {
        for (kind, before, after) in [
            (Kind::File, 0o640, Some(0o644)),
            (Kind::File, 0o600, Some(0o644)),
            (Kind::File, 0o750, Some(0o755)),
            (Kind::File, 0o644, None),
            (Kind::Directory, 0o750, Some(0o755)),
            (Kind::Directory, 0o2700, Some(0o2755)),
            (Kind::Directory, 0o755, None),
            (Kind::Link, 0o777, None),
            (Kind::Fifo, 0o600, None),
        ] {
            assert_eq!(opened(&facts(kind, before)), after, "{kind:?} {before:o}");
        }
    }

    #[test]
    fn programs_with_rights_of_their_own_stay_as_they_are() {
        for (kind, mode, is_taken) in [
            (Kind::File, 0o4750, false),
            (Kind::File, 0o2710, false),
            (Kind::File, 0o750, true),
            (Kind::Directory, 0o2750, true),
        ] {
            let facts = facts(kind, mode);
            let after = opened(&facts).expect("it is closed");
            assert_eq!(step(Path::new("/x"), &facts, after).is_ok(), is_taken, "{kind:?} {mode:o}");
        }
    }
}
