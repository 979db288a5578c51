//! Every recorded file against its recorded hash: what sizes alone do not show.
//!
//! Files are read in pieces and on all cores, the largest first, so that no core waits for another's last one.
//! Bytecode rows are passed over, as in `records`; a file that cannot be read is `unreadable`'s to say.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::records::{LIMITS, SHOWN};
use super::snapshot::Snapshot;
use crate::host::fs::Directory;
use crate::model::distribution::{Distribution, RecordState};
use crate::model::facts::Kind;
use crate::model::record::{HashAlgorithm, RecordHash, RecordPlace, RecordRows};
use crate::model::tree::Finder;

/// As much of a file as one thread holds at a time.
const PIECE: usize = 256 * 1024;

thread_local! {
    /// Each thread's own, for all of its files.
    static BYTES: RefCell<Vec<u8>> = RefCell::new(vec![0; PIECE]);
}

/// A file of the recorded size (or without one), whose content is to be looked at.
struct Recorded {
    distribution: usize,
    path: PathBuf,
    size: u64,
    algorithm: HashAlgorithm,
    digest: Vec<u8>,
}

impl Recorded {
    /// The largest first, those that are read and hashed alike beside each other.
    fn order(&self) -> (Reverse<u64>, &Path, HashAlgorithm) {
        (Reverse(self.size), &self.path, self.algorithm)
    }
}

/// Adds to each distribution's altered files those of the recorded size whose content is another.
pub fn compare_content(snapshot: &mut Snapshot) {
    let Ok(directory) = Directory::open(snapshot.prefix.path()) else { return };
    let distributions: Vec<(usize, &Distribution)> = snapshot.distributions.iter().enumerate().collect();
    let all = distributions.par_iter().flat_map_iter(|one| recorded(snapshot, &directory, *one));
    let mut files: Vec<Recorded> = all.collect();
    files.par_sort_unstable_by(|one, other| one.order().cmp(&other.order()));
    // A file that several distributions record is read once, however many they are.
    let same: Vec<&[Recorded]> = files.chunk_by(|one, other| one.order() == other.order()).collect();
    let changed = same.par_iter().with_max_len(16).flat_map_iter(|records| changed(records, &directory));
    let mut changed: Vec<&Recorded> = changed.collect();
    changed.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    for file in changed {
        let record = &mut snapshot.distributions[file.distribution].record;
        let RecordState::Read { altered, altered_count, .. } = record else { continue };
        *altered_count += 1;
        if altered.len() < SHOWN {
            altered.push(file.path.clone());
        }
    }
}

/// The files of one distribution that there is a hash for.
fn recorded(
    snapshot: &Snapshot,
    directory: &Directory,
    (index, distribution): (usize, &Distribution),
) -> Vec<Recorded> {
    let RecordState::Read { .. } = distribution.record else { return Vec::new() };
    let Ok(bytes) = directory.read(&distribution.info.join("RECORD"), LIMITS.bytes as u64) else {
        return Vec::new();
    };
    let Ok(rows) = RecordRows::parse(&bytes, LIMITS) else { return Vec::new() };
    let site = distribution.info.parent().unwrap_or(Path::new(""));
    let mut finder = Finder::new(&snapshot.tree);
    // A record that names one large file a million times must not have it read as often.
    let mut seen = HashSet::new();
    let rows = rows.filter_map(Result::ok).filter(|row| !row.is_bytecode());
    let files = rows.filter_map(|row| {
        let RecordPlace::Inside(path) = row.resolve(snapshot.prefix.path(), site) else { return None };
        let Some(RecordHash::Known { algorithm, digest }) = row.hash else { return None };
        let id = finder.find(&path)?;
        if !seen.insert(id) {
            return None;
        }
        let facts = snapshot.tree.facts(id);
        let is_looked_at = facts.kind == Kind::File && row.size.is_none_or(|size| size == facts.size);
        is_looked_at.then_some(Recorded { distribution: index, path, size: facts.size, algorithm, digest })
    });
    files.collect()
}

/// Which records of one file are not met by its content.
fn changed<'r>(records: &'r [Recorded], directory: &Directory) -> impl Iterator<Item = &'r Recorded> {
    let found = records.first().and_then(|file| hash_of(file, directory));
    records.iter().filter(move |file| found.as_ref().is_some_and(|found| *found != file.digest))
}

fn hash_of(file: &Recorded, directory: &Directory) -> Option<Vec<u8>> {
    digest(directory.open_known_file(&file.path).ok()?, file.algorithm)
}

/// What a RECORD would have as the hash of this content; `None` where it cannot be read.
pub(crate) fn digest(content: impl Read, algorithm: HashAlgorithm) -> Option<Vec<u8>> {
    match algorithm {
        HashAlgorithm::Sha256 => hash::<Sha256>(content),
        HashAlgorithm::Sha384 => hash::<Sha384>(content),
        HashAlgorithm::Sha512 => hash::<Sha512>(content),
    }
}

fn hash<D: Digest>(mut file: impl Read) -> Option<Vec<u8>> {
    let mut hasher = D::new();
    BYTES.with_borrow_mut(|piece| {
        loop {
            match file.read(piece).ok()? {
                0 => return Some(hasher.finalize().to_vec()),
                read => hasher.update(&piece[..read]),
            }
        }
    })
}
