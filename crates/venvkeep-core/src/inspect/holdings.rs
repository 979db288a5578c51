//! What of each installed distribution is there to be taken over: whether all its files read, as far as owner, mode,
//! kind and size tell, and for which interpreters they were built. Their content is looked at when they are copied.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::distributions::LONGEST_SMALL_FILE;
use super::listing::{Listing, place};
use super::snapshot::Snapshot;
use crate::host::fs::Directory;
use crate::model::distribution::{Distribution, Layout};
use crate::model::facts::Kind;
use crate::model::name::PackageName;
use crate::model::parts::{Part, Parts};
use crate::model::tree::Finder;
use crate::model::wheel::{WheelInfo, WheelTag};

/// How much of a WHEEL file is read.
const LONGEST_WHEEL: usize = 64 * 1024;

/// What there is of one distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The tags of its WHEEL; empty where nothing says for which interpreters it was built.
    pub tags: Vec<WheelTag>,
    /// Whether its wheel says that its files are the same on every platform.
    pub is_purelib: bool,
    /// Whether there is native code among its files.
    pub is_native: bool,
    /// The state of its files.
    pub files: Held,
}

/// The state of a distribution's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// All are there and can be read and verified.
    Whole,
    /// All are there and can be read, but for some there is no hash; with the reason in words.
    Unverifiable(String),
    /// All are there and can be read, and one has another size than was recorded; with the reason in words.
    Altered(String),
    /// Not all are; with the reason in words.
    Incomplete(String),
}

/// Looks at every distribution of an environment.
pub fn holdings(snapshot: &Snapshot) -> BTreeMap<PackageName, Holding> {
    let Ok(root) = Directory::open(snapshot.prefix.path()) else { return BTreeMap::new() };
    let looked: Vec<Looked<'_>> =
        snapshot.distributions.par_iter().map(|one| look(snapshot, &root, one)).collect();
    let shared = shared(snapshot, &root, &looked);
    looked.into_iter().map(|one| (one.distribution.name.clone(), one.settle(&shared))).collect()
}

/// One distribution, looked at by itself.
struct Looked<'a> {
    distribution: &'a Distribution,
    holding: Holding,
    /// Files that have another size than recorded: they may be another distribution's.
    resized: BTreeSet<PathBuf>,
}

impl Looked<'_> {
    fn settle(self, shared: &BTreeSet<PathBuf>) -> Holding {
        let Self { mut holding, resized, .. } = self;
        if let Some(altered) = resized.iter().find(|path| !shared.contains(*path))
            && !matches!(holding.files, Held::Incomplete(_))
        {
            holding.files = Held::Altered(format!("{} was altered", altered.display()));
        }
        holding
    }
}

fn look<'a>(snapshot: &Snapshot, root: &Directory, distribution: &'a Distribution) -> Looked<'a> {
    let wheel = root
        .read(&distribution.info.join("WHEEL"), LONGEST_SMALL_FILE)
        .ok()
        .and_then(|bytes| WheelInfo::parse(&bytes, LONGEST_WHEEL).ok())
        .unwrap_or_default();
    let mut looked = Looked {
        distribution,
        holding: Holding {
            tags: wheel.tags,
            is_purelib: wheel.root_is_purelib,
            is_native: false,
            files: Held::Whole,
        },
        resized: BTreeSet::new(),
    };
    match Listing::read(root, &snapshot.tree, distribution) {
        Ok(listing) => looked.judge(snapshot, &listing),
        Err(why) => looked.holding.files = Held::Incomplete(why),
    }
    looked
}

impl Looked<'_> {
    fn judge(&mut self, snapshot: &Snapshot, listing: &Listing) {
        if listing.rows.is_empty() {
            self.holding.files = Held::Incomplete("nothing lists its files".to_owned());
        }
        let (parts, mut finder) = (parts(self.distribution, snapshot), Finder::new(&snapshot.tree));
        // What does not list it would be copied without its name.
        let metadata = self.distribution.info.join("METADATA");
        let mut is_named = self.distribution.layout != Layout::DistInfo;
        for row in &listing.rows {
            let Some(path) = place(row, &snapshot.prefix, &snapshot.tree, self.distribution) else {
                let why = format!("it has a file outside of the environment: {}", row.path.escape_debug());
                self.holding.files = Held::Incomplete(why);
                return;
            };
            if parts.part(row, &path) != Part::File {
                continue;
            }
            is_named |= path == metadata;
            match standing(snapshot, &mut finder, &path) {
                Err(why) => {
                    self.holding.files = Held::Incomplete(why);
                    return;
                }
                Ok(size) if row.size.is_some_and(|recorded| recorded != size) => {
                    self.resized.insert(path.clone());
                }
                Ok(_) => {}
            }
            self.holding.is_native |= is_native(&path);
            // A development install is a line of text, and hashing it would prove nothing.
            let needs_proof = self.distribution.layout != Layout::EggLink;
            if needs_proof && self.holding.files == Held::Whole && !parts.is_verifiable(row, &path) {
                let why = format!("nothing tells whether {} was altered", path.display());
                self.holding.files = Held::Unverifiable(why);
            }
        }
        if !is_named {
            self.holding.files = Held::Incomplete("its RECORD does not list its METADATA".to_owned());
        }
    }
}

/// What tells the rows of a distribution apart.
pub fn parts<'a>(distribution: &'a Distribution, snapshot: &Snapshot) -> Parts<'a> {
    let site = distribution.info.parent();
    let site = snapshot.sites.iter().find(|one| Some(one.path.as_path()) == site);
    let python = site.and_then(|site| site.python).or(snapshot.python);
    Parts { info: &distribution.info, entries: &distribution.entry_points, python }
}

/// The size of a file that can be read; else why not, in words.
fn standing(snapshot: &Snapshot, finder: &mut Finder<'_>, path: &Path) -> Result<u64, String> {
    let Some(id) = finder.find(path) else {
        return Err(format!("{} is not there, or cannot be looked at", path.display()));
    };
    let facts = snapshot.tree.facts(id);
    if facts.kind != Kind::File {
        return Err(format!("{} is {}, not a file", path.display(), facts.kind));
    }
    if !snapshot.viewer.can_read(facts) {
        return Err(format!("{} cannot be read", path.display()));
    }
    Ok(facts.size)
}

fn is_native(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ending = |text: &str| path.extension().is_some_and(|ending| ending == text);
    ending("so") || ending("dylib") || ending("a") || name.contains(".so.")
}

/// Of the files that have another size than one distribution records, those that another one records with the size
/// that they have: it was installed later, over the same name.
fn shared(snapshot: &Snapshot, root: &Directory, looked: &[Looked<'_>]) -> BTreeSet<PathBuf> {
    let resized: BTreeSet<&PathBuf> = looked.iter().flat_map(|one| &one.resized).collect();
    if resized.is_empty() {
        return BTreeSet::new();
    }
    let claimed = |one: &Looked<'_>| -> Vec<PathBuf> {
        let Ok(listing) = Listing::read(root, &snapshot.tree, one.distribution) else { return Vec::new() };
        let mut finder = Finder::new(&snapshot.tree);
        let fitting = listing.rows.iter().filter_map(|row| {
            let path = place(row, &snapshot.prefix, &snapshot.tree, one.distribution)?;
            let fits = resized.contains(&path) && standing(snapshot, &mut finder, &path).ok() == row.size;
            fits.then_some(path)
        });
        fitting.collect()
    };
    looked.par_iter().flat_map_iter(claimed).collect()
}
