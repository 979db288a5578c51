//! The directories in which packages lie that were installed for everybody, and what this user may not read in them.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::host::fs::{self, Directory};
use crate::host::walk;
use crate::model::dist_name::DistName;
use crate::model::facts::{Facts, Kind};
use crate::model::interpreter::BaseInterpreter;
use crate::model::name::PackageName;
use crate::model::owner::Viewer;
use crate::model::record::{RecordLimits, RecordRows};
use crate::model::tree::{EntryId, Tree, Unlisted};

/// Directories that hold one directory for each Python. Debian, Fedora, MacPorts and Homebrew among them; Python 2's are
/// looked at and never started.
const LIBRARIES: [&str; 6] =
    ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64", "/opt/homebrew/lib", "/opt/local/lib"];

/// MacPorts' and python.org's: a directory for each version, with `lib/pythonX.Y` in it.
const FRAMEWORKS: [&str; 2] = [
    "/opt/local/Library/Frameworks/Python.framework/Versions",
    "/Library/Frameworks/Python.framework/Versions",
];

/// What packages lie in, below a Python's library directory.
const NAMES: [&str; 2] = ["site-packages", "dist-packages"];

pub(super) const RECORD_LIMITS: RecordLimits = RecordLimits::OUTSIDE;

/// `INSTALLER` holds one word.
const LONGEST_INSTALLER: u64 = 256;

/// One such directory.
#[derive(Debug)]
pub(super) struct SiteDirectory {
    pub(super) path: PathBuf,
    /// What is installed in it, by the names of the metadata directories.
    pub(super) distributions: Vec<Installed>,
    /// What this user may not read in it, by distribution.
    pub(super) unreadable: Vec<Unreadable>,
}

/// A distribution in it.
#[derive(Debug)]
pub(super) struct Installed {
    pub(super) name: PackageName,
    pub(super) info: PathBuf,
    /// What `INSTALLER` says, where it can be read.
    pub(super) installer: Option<String>,
}

/// What cannot be read of one distribution, or of what belongs to none.
#[derive(Debug)]
pub(super) struct Unreadable {
    /// Its name, or that of the file or directory.
    pub(super) name: String,
    /// The topmost entries that cannot be read; what is below a directory is not known.
    pub(super) places: Vec<PathBuf>,
    /// The owner and mode of the first of them.
    pub(super) first: Facts,
}

/// All of them that are there, in order of path.
pub(super) fn all(bases: &[BaseInterpreter], viewer: &Viewer) -> Vec<SiteDirectory> {
    let mut places: Vec<PathBuf> =
        LIBRARIES.iter().flat_map(|library| in_library(Path::new(library))).collect();
    for framework in FRAMEWORKS {
        let versions = names(Path::new(framework)).into_iter().map(|name| Path::new(framework).join(name));
        places.extend(versions.flat_map(|version| in_library(&version.join("lib"))));
    }
    places.extend(bases.iter().flat_map(|base| NAMES.map(|name| base.stdlib.join(name))));
    // Where a directory on the way is closed, nobody can tell what is in it.
    let on_the_way = places.iter().map(PathBuf::as_path).chain(LIBRARIES.map(Path::new));
    let mut closed: Vec<PathBuf> = on_the_way.filter_map(|place| closed_on_the_way(place, viewer)).collect();
    closed.sort_unstable();
    closed.dedup();
    // Links make many names of one directory (`lib64`, MacPorts' `Current`).
    let mut places: Vec<PathBuf> = places
        .iter()
        .filter_map(|place| fs::physical(place).ok())
        .filter(|place| is_directory(place))
        .collect();
    places.sort_unstable();
    places.dedup();
    places.retain(|place| !closed.contains(place));
    closed.into_iter().map(shut).chain(places.into_iter().map(|path| look(path, viewer))).collect()
}

/// The first directory down to a place that this user may not list and enter.
fn closed_on_the_way(place: &Path, viewer: &Viewer) -> Option<PathBuf> {
    let mut above: Vec<&Path> = place.ancestors().collect();
    above.reverse();
    let is_closed = |path: &&Path| {
        fs::stat(path).is_ok_and(|facts| facts.kind == Kind::Directory && !viewer.can_read(&facts))
    };
    let first = above.into_iter().find(is_closed)?;
    fs::physical(first).ok()
}

/// A directory of which nothing is known but that it is closed.
fn shut(path: PathBuf) -> SiteDirectory {
    let whole = fs::lstat(&path).map(|first| Unreadable {
        name: path.to_string_lossy().into_owned(),
        places: vec![path.clone()],
        first,
    });
    SiteDirectory { distributions: Vec::new(), unreadable: whole.into_iter().collect(), path }
}

/// `python3.11/site-packages` and `python3/dist-packages` in a directory of libraries.
pub(super) fn in_library(library: &Path) -> Vec<PathBuf> {
    let pythons = names(library).into_iter().filter(|name| is_pythons_library(name));
    pythons.flat_map(|python| NAMES.map(|name| library.join(&python).join(name))).collect()
}

/// `python3.11`, `python3`, `python3.13t`, `pypy3.9`.
pub(super) fn is_pythons_library(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.strip_prefix("python").or_else(|| name.strip_prefix("pypy")).is_some_and(|version| {
        !version.is_empty() && version.chars().all(|c| c.is_ascii_digit() || c == '.' || c == 't')
    })
}

/// Whether packages lie in a directory of that name.
pub(super) fn is_site(name: &OsStr) -> bool {
    NAMES.iter().any(|known| name == *known)
}

fn names(directory: &Path) -> Vec<OsString> {
    let listed =
        fs::physical(directory).and_then(|place| Directory::open(&place)?.names()).unwrap_or_default();
    listed.iter().map(|name| OsStr::from_bytes(name).to_owned()).collect()
}

fn is_directory(path: &Path) -> bool {
    fs::lstat(path).is_ok_and(|facts| facts.kind == Kind::Directory)
}

fn look(path: PathBuf, viewer: &Viewer) -> SiteDirectory {
    let opened = Directory::open(&path).and_then(|site| Ok((walk::tree(&site)?, site)));
    let Ok((tree, site)) = opened else { return shut(path) };
    let distributions = installed(&site, &tree);
    let unreadable = unreadable(&site, &tree, &distributions, viewer);
    SiteDirectory { path, distributions, unreadable }
}

fn installed(site: &Directory, tree: &Tree) -> Vec<Installed> {
    let named = tree.children(Tree::ROOT).filter_map(|id| {
        let file_name = tree.name(id).to_str()?;
        let name = DistName::parse(file_name)?.package().ok()?;
        let info = PathBuf::from(file_name);
        let installer = site.read(&info.join("INSTALLER"), LONGEST_INSTALLER).ok();
        let installer = installer.map(|text| String::from_utf8_lossy(&text).trim().to_owned());
        Some(Installed { name, info, installer })
    });
    named.collect()
}

/// The topmost entries that may not be read, under the distribution that they belong to.
fn unreadable(
    site: &Directory,
    tree: &Tree,
    distributions: &[Installed],
    viewer: &Viewer,
) -> Vec<Unreadable> {
    let denied: Vec<EntryId> =
        tree.unlisted().filter(|(_, why)| *why == Unlisted::Denied).map(|(id, _)| id).collect();
    let is_closed = |id: EntryId| {
        let facts = tree.facts(id);
        matches!(facts.kind, Kind::Directory | Kind::File) && !viewer.can_read(facts) || denied.contains(&id)
    };
    let (mut topmost, mut pending) = (Vec::new(), vec![Tree::ROOT]);
    while let Some(id) = pending.pop() {
        if is_closed(id) {
            topmost.push(id);
        } else {
            pending.extend(tree.children(id));
        }
    }
    if topmost.is_empty() {
        return Vec::new();
    }
    topmost.sort_unstable();
    let owners = Owners::of(site, distributions);
    let mut by_name: BTreeMap<String, Unreadable> = BTreeMap::new();
    for id in topmost {
        let path = tree.path(id);
        let name = owners.name(&path).unwrap_or_else(|| first_part(&path).to_string_lossy().into_owned());
        let first = *tree.facts(id);
        let group = by_name.entry(name.clone()).or_insert(Unreadable { name, places: Vec::new(), first });
        group.places.push(site.path().join(path));
    }
    by_name.into_values().collect()
}

/// Which distribution a file or directory of the site belongs to.
struct Owners {
    by_first_part: BTreeMap<OsString, String>,
}

impl Owners {
    /// From each RECORD that can be read, and from the names of the metadata directories.
    fn of(site: &Directory, distributions: &[Installed]) -> Self {
        let mut by_first_part = BTreeMap::new();
        for one in distributions {
            let name = one.name.normalized().to_owned();
            by_first_part.insert(one.info.clone().into_os_string(), name.clone());
            // What cannot be read says nothing; then the module is most often called like the distribution.
            let module = one.name.normalized().replace('-', "_");
            for guess in [module.clone(), format!("{module}.py"), one.name.as_written().to_owned()] {
                by_first_part.entry(guess.into()).or_insert_with(|| name.clone());
            }
            let record = site.read(&one.info.join("RECORD"), RECORD_LIMITS.bytes as u64);
            let Ok(record) = record else { continue };
            let Ok(rows) = RecordRows::parse(&record, RECORD_LIMITS) else { continue };
            for row in rows.flatten() {
                let first = first_part(Path::new(&row.path)).to_owned();
                if first != ".." && first != "__pycache__" {
                    by_first_part.insert(first, name.clone());
                }
            }
        }
        Self { by_first_part }
    }

    fn name(&self, path: &Path) -> Option<String> {
        self.by_first_part.get(first_part(path)).cloned()
    }
}

fn first_part(path: &Path) -> &OsStr {
    path.iter().next().unwrap_or(OsStr::new("."))
}
