//! Every recorded file against its recorded hash: what sizes alone do not show.
//!
//! Files are read in pieces and on all cores. Bytecode rows are passed over, as in `records`; a file that
//! cannot be read is `unreadable`'s to say.

use std::io::Read;
use std::path::{Path, PathBuf};

use rayon::iter::{ParallelBridge, ParallelIterator};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::records::{LIMITS, SHOWN};
use super::snapshot::Snapshot;
use crate::host::fs::Directory;
use crate::model::distribution::RecordState;
use crate::model::facts::Kind;
use crate::model::prefix::Prefix;
use crate::model::record::{HashAlgorithm, RecordHash, RecordPlace, RecordRow, RecordRows};
use crate::model::tree::Tree;

/// As much of a file as one thread holds at a time.
const PIECE: usize = 128 * 1024;

/// Adds to each distribution's altered files those of the recorded size whose content is another.
pub fn compare_content(snapshot: &mut Snapshot) {
    let Ok(directory) = Directory::open(snapshot.prefix.path()) else { return };
    let Snapshot { prefix, tree, distributions, .. } = snapshot;
    for distribution in distributions {
        let RecordState::Read { altered, altered_count, .. } = &mut distribution.record else { continue };
        let Ok(bytes) = directory.read(&distribution.info.join("RECORD"), LIMITS.bytes as u64) else {
            continue;
        };
        let Ok(rows) = RecordRows::parse(&bytes, LIMITS) else { continue };
        let site = distribution.info.parent().unwrap_or(Path::new(""));
        let ground = Ground { prefix, tree, directory: &directory, site };
        let rows = rows.filter_map(Result::ok).par_bridge();
        let mut changed: Vec<PathBuf> = rows.filter_map(|row| ground.changed(&row)).collect();
        changed.sort_unstable();
        *altered_count += changed.len();
        let room = SHOWN.saturating_sub(altered.len());
        altered.extend(changed.into_iter().take(room));
    }
}

struct Ground<'a> {
    prefix: &'a Prefix,
    tree: &'a Tree,
    directory: &'a Directory,
    site: &'a Path,
}

impl Ground<'_> {
    /// The row's file, where it has the recorded size (or none is recorded) and other content.
    fn changed(&self, row: &RecordRow) -> Option<PathBuf> {
        let Some(RecordHash::Known { algorithm, digest }) = &row.hash else { return None };
        let RecordPlace::Inside(path) = row.resolve(self.prefix.path(), self.site) else { return None };
        let facts = self.tree.facts(self.tree.find(&path)?);
        let same_size = row.size.is_none_or(|size| size == facts.size);
        if row.is_bytecode() || facts.kind != Kind::File || !same_size {
            return None;
        }
        let file = self.directory.open_file(&path).ok()?;
        let found = match algorithm {
            HashAlgorithm::Sha256 => hash::<Sha256>(file),
            HashAlgorithm::Sha384 => hash::<Sha384>(file),
            HashAlgorithm::Sha512 => hash::<Sha512>(file),
        };
        (found? != *digest).then_some(path)
    }
}

fn hash<D: Digest>(mut file: impl Read) -> Option<Vec<u8>> {
    let mut hasher = D::new();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece).ok()? {
            0 => return Some(hasher.finalize().to_vec()),
            read => hasher.update(&piece[..read]),
        }
    }
}
