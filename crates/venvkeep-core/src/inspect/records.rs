//! RECORD compared with what is there: every file present, with the recorded size.
//!
//! Rows about bytecode are passed over, since it comes and goes without harm (virtualenv's seeded pip lists some 500
//! such files that were never written). Hashes are not looked at here.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};

use crate::host::fs::{self, Directory};
use crate::model::distribution::{Distribution, Layout, RecordState};
use crate::model::facts::Kind;
use crate::model::prefix::Prefix;
use crate::model::record::{LONGEST_ROW, RecordLimits, RecordPlace, RecordRow, RecordRows};
use crate::model::tree::{Finder, Tree, Unlisted};

/// Longest RECORD that is read, and most rows: some three times the longest that is known, of a distribution with
/// 40,000 files.
pub(super) const LIMITS: RecordLimits = RecordLimits { bytes: 12 * 1024 * 1024, rows: 1_500_000 };

/// One that is longer is read into [`LONG_ONE`].
const LONG: usize = 1024 * 1024;

/// Memory for one long RECORD at a time, however many cores look: so it does not grow with them, nor with what an
/// allocator keeps for each thread.
static LONG_ONE: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// The turn of a RECORD of that size, where it needs one. Whoever holds it waits for no other thread, so that every one
/// comes to its turn.
fn turn(size: u64) -> Option<MutexGuard<'static, Vec<u8>>> {
    (size > LONG as u64).then(|| {
        let mut memory = LONG_ONE.lock().unwrap_or_else(PoisonError::into_inner);
        memory.clear();
        memory.reserve_exact(LIMITS.bytes);
        memory
    })
}

/// How many paths of each kind are kept for the report.
pub(super) const SHOWN: usize = 10;

/// Reads each RECORD and compares it with the tree.
pub(super) fn compare_all(
    distributions: &mut [Distribution],
    prefix: &Prefix,
    directory: &Directory,
    tree: &Tree,
) {
    distributions.par_iter_mut().filter(|distribution| distribution.layout == Layout::DistInfo).for_each(
        |distribution| {
            let path = distribution.info.join("RECORD");
            let mut turn = turn(tree.find(&path).map_or(0, |id| tree.facts(id).size));
            let mut own = Vec::new();
            let bytes = turn.as_deref_mut().unwrap_or(&mut own);
            let read = directory.read_into(&path, LIMITS.bytes as u64, bytes);
            let site = distribution.info.parent().unwrap_or(Path::new(""));
            distribution.record = match read {
                Err(error) if error.is_missing() => RecordState::Missing,
                Err(error) => RecordState::Broken(error.to_string()),
                Ok(()) => {
                    let mut finder = Finder::new(tree);
                    compare(bytes, prefix, site, |path| in_tree(&mut finder, path))
                }
            };
        },
    );
}

/// How badly the files on the disk fit a distribution's RECORD: the share of files that are missing or altered, in
/// thousandths. For choosing among several that claim one name.
pub(super) fn faults_on_disk(distribution: &Distribution, prefix: &Prefix) -> usize {
    const WORST: usize = 1000;
    let site = distribution.info.parent().unwrap_or(Path::new(""));
    let path = distribution.info.join("RECORD");
    let mut turn = turn(fs::lstat(&prefix.join(&path)).map_or(0, |facts| facts.size));
    let mut own = Vec::new();
    let bytes = turn.as_deref_mut().unwrap_or(&mut own);
    let read = Directory::open(prefix.path())
        .and_then(|directory| directory.read_into(&path, LIMITS.bytes as u64, bytes));
    if read.is_err() {
        return WORST;
    }
    let mut rows = 0;
    let state = compare(bytes, prefix, site, |path| {
        rows += 1;
        on_disk(&prefix.join(path))
    });
    match state {
        RecordState::Read { missing_count, altered_count, .. } => {
            ((missing_count + altered_count) * WORST).checked_div(rows).unwrap_or(WORST)
        }
        _ => WORST,
    }
}

/// What stands at a recorded place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    File {
        size: u64,
    },
    /// Not a plain file, or in a place that could not be looked at: neither right nor wrong.
    Unjudged,
    Nothing,
}

fn in_tree(finder: &mut Finder<'_>, path: &Path) -> Standing {
    let tree = finder.tree();
    if let Some(id) = finder.find(path) {
        let facts = tree.facts(id);
        return if facts.kind == Kind::File {
            Standing::File { size: facts.size }
        } else {
            Standing::Unjudged
        };
    }
    let Some(above) = path.ancestors().skip(1).find_map(|above| tree.find(above)) else {
        return Standing::Nothing;
    };
    // Below a link, or in a directory whose entries the walk could not see.
    let hidden = tree.facts(above).kind == Kind::Link
        || tree.unlisted().any(|(id, why)| id == above && why != Unlisted::Failed);
    if hidden { Standing::Unjudged } else { Standing::Nothing }
}

fn on_disk(path: &Path) -> Standing {
    match fs::lstat(path) {
        Ok(facts) if facts.kind == Kind::File => Standing::File { size: facts.size },
        Err(error) if error.is_missing() => Standing::Nothing,
        _ => Standing::Unjudged,
    }
}

fn compare(
    bytes: &[u8],
    prefix: &Prefix,
    site: &Path,
    mut look: impl FnMut(&Path) -> Standing,
) -> RecordState {
    // Such a row is refused by the reader as well, but only when it has it.
    if bytes.len() > LONG && bytes.split(|byte| *byte == b'\n').any(|row| row.len() > LONGEST_ROW) {
        return RecordState::Broken(format!("a row of it is longer than {LONGEST_ROW} bytes"));
    }
    let rows = match RecordRows::parse(bytes, LIMITS) {
        Ok(rows) => rows,
        Err(error) => return RecordState::Broken(error.to_string()),
    };
    let mut tally = Tally::default();
    for row in rows {
        let row = match row {
            Ok(row) => row,
            Err(error) => return RecordState::Broken(error.to_string()),
        };
        match row.resolve(prefix.path(), site) {
            RecordPlace::Outside(_) => tally.outside(row.path),
            RecordPlace::Inside(_) if row.is_bytecode() => {}
            RecordPlace::Inside(path) => tally.judge(look(&path), &row, path),
        }
    }
    tally.state()
}

#[derive(Default)]
struct Tally {
    missing: Vec<PathBuf>,
    missing_count: usize,
    altered: Vec<PathBuf>,
    altered_count: usize,
    unsafe_rows: Vec<String>,
}

impl Tally {
    fn outside(&mut self, row: String) {
        if self.unsafe_rows.len() < SHOWN {
            self.unsafe_rows.push(row);
        }
    }

    fn judge(&mut self, standing: Standing, row: &RecordRow, path: PathBuf) {
        let (shown, count) = match standing {
            Standing::Nothing => (&mut self.missing, &mut self.missing_count),
            Standing::File { size } if row.size.is_some_and(|recorded| recorded != size) => {
                (&mut self.altered, &mut self.altered_count)
            }
            _ => return,
        };
        *count += 1;
        if shown.len() < SHOWN {
            shown.push(path);
        }
    }

    fn state(self) -> RecordState {
        let Self { missing, missing_count, altered, altered_count, unsafe_rows } = self;
        RecordState::Read { missing, missing_count, altered, altered_count, unsafe_rows }
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{RecordState, Standing, compare};
    use crate::model::prefix::Prefix;

    fn state(record: &str, look: impl FnMut(&Path) -> Standing) -> RecordState {
        let prefix = Prefix::new("/home/ana/p/.venv".into()).unwrap();
        compare(record.as_bytes(), &prefix, Path::new("lib/python3.11/site-packages"), look)
    }

    #[test]
    fn present_missing_altered_and_outside() {
        let record = "a.py,,3\nb.py,,3\nc.py,,\nd.py,,3\n__pycache__/a.pyc,,\n../../../../../x,,\n";
        let found = state(record, |path| match path.file_name().and_then(|name| name.to_str()) {
            Some("a.py") => Standing::File { size: 3 },
            Some("b.py") => Standing::File { size: 4 },
            Some("d.py") => Standing::Unjudged,
            _ => Standing::Nothing,
        });
        let site = Path::new("lib/python3.11/site-packages");
        let expected = RecordState::Read {
            missing: vec![site.join("c.py")],
            missing_count: 1,
            altered: vec![site.join("b.py")],
            altered_count: 1,
            unsafe_rows: vec!["../../../../../x".to_owned()],
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_garbled_record_is_broken_and_a_long_list_is_bounded() {
        let there = |_: &Path| Standing::Nothing;
        assert!(matches!(state("a,sha256=!!,x\n", there), RecordState::Broken(_)));
        let many = (0..50).map(|number| format!("{number}.py,,")).collect::<Vec<_>>().join("\n");
        let RecordState::Read { missing, missing_count, .. } = state(&many, there) else { panic!() };
        assert_eq!((missing.len(), missing_count), (10, 50));
        assert_eq!(missing[0], PathBuf::from("lib/python3.11/site-packages/0.py"));
    }
}
