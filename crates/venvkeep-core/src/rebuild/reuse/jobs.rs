//! What has to be copied: every file once, by directory, with the rows that speak of it.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::mapping::Mapping;
use super::{DIRECTORY_MODE, Order, ReuseError};
use crate::host::fs::{self, Directory, IoError};
use crate::host::walk;
use crate::inspect;
use crate::inspect::listing::{Listing, place};
use crate::model::distribution::Distribution;
use crate::model::facts::Kind;
use crate::model::parts::{Part, Parts};
use crate::model::python_version::PythonVersion;
use crate::model::record::{RecordHash, RecordRow};
use crate::model::tree::{EntryId, Finder, Tree};
use crate::plan::Taking;

/// How much one thread copies before it asks for more: enough to make opening the directory cheap.
const CHUNK_FILES: usize = 64;
const CHUNK_BYTES: u64 = 8 * 1024 * 1024;

/// One distribution that is taken over.
pub(super) struct Taken<'a> {
    pub(super) distribution: &'a Distribution,
    parts: Parts<'a>,
    taking: Taking,
    pub(super) listing: Listing,
    /// The directory of its `.dist-info`, before and after, relative to the prefix.
    pub(super) sites: (PathBuf, PathBuf),
    /// Why it cannot be taken over after all, in words.
    pub(super) fault: Option<String>,
}

impl<'a> Taken<'a> {
    pub(super) fn read_all(
        order: &Order<'a>,
        source: &Directory,
        mapping: &Mapping,
        wanted: Vec<&'a Distribution>,
    ) -> Vec<Self> {
        let (old, holdings) = (order.old, order.holdings);
        let read = |distribution: &'a Distribution| {
            let old_site = distribution.info.parent().unwrap_or(Path::new("")).to_owned();
            let holding = holdings.get(&distribution.name);
            let is_platform = holding.is_some_and(|holding| !holding.tags.is_empty() && !holding.is_purelib);
            let new_site = if is_platform { &mapping.platlib } else { &mapping.purelib };
            let (listing, fault) = match Listing::read(source, &old.tree, distribution) {
                Ok(listing) => (listing, None),
                Err(why) => (Listing::default(), Some(why)),
            };
            let sites = (old_site, new_site.clone());
            let (parts, taking) = (inspect::holdings::parts(distribution, old), order.plan.taking);
            Self { distribution, parts, taking, listing, sites, fault }
        };
        wanted.into_par_iter().map(read).collect()
    }

    /// Where a file of it belongs.
    pub(super) fn new_place(&self, mapping: &Mapping, path: &Path) -> PathBuf {
        mapping.new_place(path, (&self.sites.0, &self.sites.1))
    }

    /// What the row of this file is about. As they are, scripts are files like others.
    pub(super) fn part(&self, row: &RecordRow, path: &Path) -> Part {
        match (self.parts.part(row, path), self.taking) {
            (Part::Script(_), Taking::AsItIs) => Part::File,
            (part, _) => part,
        }
    }

    /// A script's name in an environment of another version of Python.
    pub(super) fn renamed(&self, name: &str, python: PythonVersion) -> String {
        self.parts.renamed(name, python)
    }

    /// The hash in one of its rows.
    pub(super) fn hash(&self, row: usize) -> Option<&RecordHash> {
        self.listing.rows[row].hash.as_ref()
    }

    /// Notes why it cannot be taken over; the first reason counts.
    pub(super) fn blame(&mut self, why: impl FnOnce() -> String) {
        if self.fault.is_none() {
            self.fault = Some(why());
        }
    }
}

/// All there is to copy.
pub(super) struct Jobs {
    pub(super) directories: Vec<DirectoryJob>,
    /// Every directory that something goes into, and those above it; as text, each behind what holds it.
    made: BTreeSet<OsString>,
}

/// The files of one directory.
pub(super) struct DirectoryJob {
    /// Relative to the old prefix.
    pub(super) from: PathBuf,
    /// Relative to the new one.
    pub(super) to: PathBuf,
    /// Its `__pycache__` in the old tree.
    pub(super) cache: Option<EntryId>,
    pub(super) files: Vec<FileJob>,
}

/// One file.
pub(super) struct FileJob {
    pub(super) name: OsString,
    pub(super) size: u64,
    pub(super) claims: Vec<Claim>,
}

/// A row that speaks of a file: which of the distributions that are taken over, and which of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Claim {
    pub(super) taken: usize,
    pub(super) row: usize,
}

/// What one thread copies in one go.
pub(super) struct Chunk<'a> {
    pub(super) directory: &'a DirectoryJob,
    pub(super) files: &'a [FileJob],
}

impl Chunk<'_> {
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

impl Jobs {
    pub(super) fn new(
        order: &Order<'_>,
        mapping: &Mapping,
        taken: &mut [Taken<'_>],
    ) -> Result<Self, ReuseError> {
        let skeleton = walk::tree(&Directory::open(order.stage.path())?)?;
        let mut jobs = Self { directories: Vec::new(), made: BTreeSet::from(["bin".into()]) };
        let mut known: HashMap<(OsString, OsString), usize> = HashMap::new();
        let mut finder = Finder::new(&order.old.tree);
        // Neighbours in a RECORD mostly lie in one directory.
        let mut last = None;
        for (index, one) in taken.iter_mut().enumerate() {
            for (row_index, row) in one.listing.rows.iter().enumerate() {
                let Some(path) = place(row, &order.old.prefix, &order.old.tree, one.distribution) else {
                    one.fault = Some(format!("{} is outside of the environment", row.path.escape_debug()));
                    break;
                };
                if one.part(row, &path) != Part::File {
                    continue;
                }
                let new = mapping.new_place(&path, (&one.sites.0, &one.sites.1));
                if is_creators(&skeleton, &new) {
                    one.fault = Some(format!("it claims {}, which is the environment's own", new.display()));
                    break;
                }
                let (Some(from), Some(to), Some(name)) = (path.parent(), new.parent(), path.file_name())
                else {
                    continue;
                };
                let size = finder.find(&path).map_or(0, |id| order.old.tree.facts(id).size);
                let is_last = |at: &usize| jobs.directories[*at].is_between(from, to);
                let at = last.filter(is_last).unwrap_or_else(|| {
                    let key = (from.as_os_str().to_owned(), to.as_os_str().to_owned());
                    *known.entry(key).or_insert_with(|| jobs.add_directory(&order.old.tree, from, to))
                });
                last = Some(at);
                let claims = vec![Claim { taken: index, row: row_index }];
                jobs.directories[at].files.push(FileJob { name: name.to_owned(), size, claims });
            }
            let info = mapping.new_place(&one.distribution.info, (&one.sites.0, &one.sites.1));
            info.parent().into_iter().for_each(|site| jobs.will_make(site));
        }
        jobs.directories.iter_mut().for_each(DirectoryJob::join_claims);
        Ok(jobs)
    }

    fn add_directory(&mut self, tree: &Tree, from: &Path, to: &Path) -> usize {
        self.will_make(to);
        let (cache, from, to) = (cache_of(tree, from), from.to_owned(), to.to_owned());
        self.directories.push(DirectoryJob { from, to, cache, files: Vec::new() });
        self.directories.len() - 1
    }

    /// Notes a directory and those above it, up to the first that is noted already.
    fn will_make(&mut self, directory: &Path) {
        let below = directory.ancestors().map(Path::as_os_str).take_while(|path| !path.is_empty());
        for path in below {
            if !self.made.insert(path.to_owned()) {
                break;
            }
        }
    }

    /// Makes every directory that something goes into.
    pub(super) fn make_directories(&self, private: &Path) -> Result<(), IoError> {
        self.made.iter().try_for_each(|path| fs::create_dir(&private.join(path), DIRECTORY_MODE))
    }

    /// The work in pieces, the largest first.
    pub(super) fn chunks(&self) -> Vec<Chunk<'_>> {
        let mut chunks: Vec<Chunk<'_>> = Vec::new();
        for directory in &self.directories {
            let mut rest = directory.files.as_slice();
            while !rest.is_empty() {
                let mut bytes = 0;
                let fits = |file: &&FileJob| {
                    let is_first = bytes == 0;
                    bytes += file.size.max(1);
                    is_first || bytes <= CHUNK_BYTES
                };
                let count = rest.iter().take(CHUNK_FILES).take_while(fits).count();
                let (files, later) = rest.split_at(count);
                chunks.push(Chunk { directory, files });
                rest = later;
            }
        }
        chunks.sort_by_cached_key(|chunk| std::cmp::Reverse(chunk.bytes()));
        chunks
    }

    /// Removes what was copied for distributions that turned out to be unusable, unless another one has it too.
    pub(super) fn remove_unusable(&self, taken: &[Taken<'_>], target: &Directory) -> Result<(), IoError> {
        if taken.iter().all(|one| one.fault.is_none()) {
            return Ok(());
        }
        for directory in &self.directories {
            let unused = |file: &&FileJob| file.claims.iter().all(|claim| taken[claim.taken].fault.is_some());
            let mut unused = directory.files.iter().filter(unused).peekable();
            if unused.peek().is_none() {
                continue;
            }
            let open = target.descend(&directory.to)?;
            let present: BTreeSet<Vec<u8>> = open.names()?.into_iter().collect();
            for file in unused.filter(|file| present.contains(file.name.as_encoded_bytes())) {
                open.remove_file(&file.name)?;
            }
            remove_stale_bytecode(&open)?;
        }
        for path in self.made.iter().rev() {
            // What is not empty is in use.
            let _ = fs::remove_dir(&target.path().join(path));
        }
        Ok(())
    }
}

impl DirectoryJob {
    fn is_between(&self, from: &Path, to: &Path) -> bool {
        self.from.as_os_str() == from.as_os_str() && self.to.as_os_str() == to.as_os_str()
    }

    /// Makes one of the jobs about one and the same file.
    fn join_claims(&mut self) {
        self.files.sort_by(|one, other| one.name.cmp(&other.name));
        self.files.dedup_by(|later, earlier| {
            let same = later.name == earlier.name;
            if same {
                earlier.claims.append(&mut later.claims);
            }
            same
        });
    }
}

fn cache_of(tree: &Tree, directory: &Path) -> Option<EntryId> {
    let cache = tree.child(tree.find(directory)?, OsStr::new("__pycache__"))?;
    (tree.facts(cache).kind == Kind::Directory).then_some(cache)
}

/// Whether the skeleton has something at that place, or on the way to it, that is no directory.
fn is_creators(skeleton: &Tree, path: &Path) -> bool {
    let mut at = Tree::ROOT;
    for part in path.components() {
        let Component::Normal(name) = part else { return true };
        match skeleton.child(at, name) {
            None => return false,
            Some(id) if skeleton.facts(id).kind == Kind::Directory => at = id,
            Some(_) => return true,
        }
    }
    true
}

/// Removes bytecode whose source is not there any more.
fn remove_stale_bytecode(directory: &Directory) -> Result<(), IoError> {
    let Ok(cache) = directory.child(OsStr::new("__pycache__")) else { return Ok(()) };
    let sources: BTreeSet<Vec<u8>> = directory.names()?.into_iter().collect();
    for name in cache.names()? {
        let stem = name.split(|byte| *byte == b'.').next().unwrap_or_default();
        if !sources.contains([stem, b".py"].concat().as_slice()) {
            cache.remove_file(std::os::unix::ffi::OsStrExt::from_bytes(name.as_slice()))?;
        }
    }
    // What is not empty is in use.
    let _ = fs::remove_dir(cache.path());
    Ok(())
}
