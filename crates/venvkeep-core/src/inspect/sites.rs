//! The directories that distributions are installed into.
//!
//! CPython: `lib/pythonX.Y/site-packages`, with a `t` behind the version for the free-threaded build; PyPy:
//! `lib/pypyX.Y/site-packages`, before 3.8 `site-packages`. `lib64` counts where it is a directory of its own; as a
//! link to `lib`, which venv makes on 64-bit Linux, it is the same one. Any other link in the place of one of these
//! directories hides what is installed: that is said, not taken for an empty environment. Neither is one without any
//! of them, since every tool makes one.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::host::fs::{self, Directory};
use crate::model::facts::Kind;
use crate::model::python_version::{PythonLabel, PythonVersion};

use super::snapshot::{Site, SiteState};

/// Finds the site-packages directories, in order of name. Where a directory above them cannot be listed, one stands
/// for all that may be in it, not listed; so does a link, which no walk follows.
pub(super) fn find(prefix: Option<&Directory>, configured: Option<PythonVersion>) -> Vec<Site> {
    let Some(prefix) = prefix else { return vec![unlisted("lib", configured, SiteState::Closed)] };
    let mut sites = Vec::new();
    for library in ["lib", "lib64"] {
        sites.extend(in_library(prefix, library, configured));
    }
    let top = OsStr::new("site-packages");
    let state = match Place::of(prefix, top) {
        // Hardly any Python has one there, so what is none does not stand for it.
        Place::Nothing | Place::Other => return sites,
        place => place.state(),
    };
    sites.push(Site { path: PathBuf::from(top), state, python: configured });
    sites
}

/// The site that an environment without any must have had: that of its Python, unless another one has come to be there
/// since `pyvenv.cfg` was written.
pub(super) fn gone(label: Option<PythonLabel>, configured: Option<PythonVersion>) -> Site {
    let is_it = |label: &PythonLabel| configured.is_none_or(|version| version.same_minor(&label.version));
    match label.filter(is_it) {
        Some(label) => {
            let path = Path::new("lib").join(label.to_string()).join("site-packages");
            Site { path, state: SiteState::Gone, python: Some(label.version) }
        }
        None => unlisted("lib", configured, SiteState::Gone),
    }
}

/// The sites that the environment's Python sees: `venv --upgrade` leaves those of the version before. `versions` are
/// what that Python may be, the best witness first; where none of them has a site, all sites are kept.
pub(super) fn seen_by(mut sites: Vec<Site>, versions: impl IntoIterator<Item = PythonVersion>) -> Vec<Site> {
    let is_of =
        |site: &Site, version: &PythonVersion| site.python.is_some_and(|python| python.same_minor(version));
    let seeing = versions.into_iter().find(|version| sites.iter().any(|site| is_of(site, version)));
    if let Some(version) = seeing {
        sites.retain(|site| site.python.is_none() || is_of(site, &version));
    }
    sites
}

fn in_library(prefix: &Directory, library: &str, configured: Option<PythonVersion>) -> Vec<Site> {
    let opened = match Place::of(prefix, OsStr::new(library)) {
        Place::Nothing => return Vec::new(),
        Place::Open(open) => open,
        _ if library == "lib64" && is_same_as_lib(prefix) => return Vec::new(),
        other => return vec![unlisted(library, configured, other.state())],
    };
    let Ok(mut names) = opened.names() else {
        return vec![unlisted(library, configured, SiteState::Closed)];
    };
    names.sort_unstable();
    let versioned = names.iter().filter_map(|name| {
        let label = PythonLabel::parse(std::str::from_utf8(name).ok()?)?;
        Some((OsStr::from_bytes(name), label))
    });
    versioned.filter_map(|(name, label)| in_version(&opened, Path::new(library), name, label)).collect()
}

fn in_version(library: &Directory, path: &Path, name: &OsStr, label: PythonLabel) -> Option<Site> {
    let state = match Place::of(library, name) {
        Place::Nothing => return None,
        Place::Open(version) => match Place::of(&version, OsStr::new("site-packages")) {
            Place::Nothing => return None,
            place => place.state(),
        },
        _ if is_other_name(library, name) => return None,
        other => other.state(),
    };
    Some(Site { path: path.join(name).join("site-packages"), state, python: Some(label.version) })
}

/// What stands where a directory is looked for.
enum Place {
    Nothing,
    Open(Directory),
    /// A directory that could not be opened.
    Closed,
    /// A link to a directory.
    Linked,
    /// Something that is no directory and leads to none.
    Other,
}

impl Place {
    fn of(parent: &Directory, name: &OsStr) -> Self {
        let facts = match (parent.lstat(name), parent.child(name)) {
            (Err(error), _) if error.is_missing() => return Self::Nothing,
            (_, Ok(open)) => return Self::Open(open),
            (Err(_), _) => return Self::Closed,
            (Ok(facts), _) => facts,
        };
        match facts.kind {
            Kind::Directory => Self::Closed,
            Kind::Link if leads_to_directory(&parent.path().join(name)) => Self::Linked,
            _ => Self::Other,
        }
    }

    fn state(&self) -> SiteState {
        match self {
            Self::Open(_) => SiteState::Listed,
            Self::Closed => SiteState::Closed,
            Self::Linked => SiteState::Linked,
            Self::Nothing | Self::Other => SiteState::Gone,
        }
    }
}

/// Whether a link leads to a directory, or to where the viewer may not look.
fn leads_to_directory(link: &Path) -> bool {
    match fs::stat(link) {
        Ok(facts) => facts.kind == Kind::Directory,
        Err(error) => error.is_denied(),
    }
}

/// Whether `lib64` leads to `lib`, or to where nothing is: in a moved environment, to the `lib` of before.
fn is_same_as_lib(prefix: &Directory) -> bool {
    let (lib, lib64) = (prefix.path().join("lib"), prefix.path().join("lib64"));
    match (fs::stat(&lib), fs::stat(&lib64)) {
        (Ok(lib), Ok(lib64)) => lib.same_entry(&lib64),
        (_, Err(error)) => error.is_missing(),
        (Err(_), Ok(_)) => false,
    }
}

/// Whether a link is another name for a library beside it, which is looked at by its own: conda has
/// `python3.1 -> python3.11`.
fn is_other_name(library: &Directory, name: &OsStr) -> bool {
    let places = (fs::physical(library.path()), fs::physical(&library.path().join(name)));
    let (Ok(library), Ok(place)) = places else { return false };
    let place_name = place.file_name().and_then(OsStr::to_str);
    place.parent() == Some(&library) && place_name.is_some_and(|name| PythonLabel::parse(name).is_some())
}

fn unlisted(library: &str, python: Option<PythonVersion>, state: SiteState) -> Site {
    let path = match python {
        Some(version) => {
            PathBuf::from(format!("{library}/python{}.{}/site-packages", version.major, version.minor))
        }
        None => PathBuf::from(library),
    };
    Site { path, state, python }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests build what is to be found")]
mod tests {
    use std::fs::create_dir_all;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::{Directory, PythonLabel, PythonVersion, SiteState, find, gone, seen_by};

    /// The sites of a prefix made of directories and links, with what became of listing them.
    fn sites(directories: &[&str], links: &[(&str, &str)]) -> Vec<(String, SiteState)> {
        let keep = tempfile::tempdir().unwrap();
        let root = keep.path().canonicalize().unwrap();
        for directory in directories {
            create_dir_all(root.join("env").join(directory)).unwrap();
        }
        create_dir_all(root.join("elsewhere/python3.11/site-packages")).unwrap();
        for (target, link) in links {
            symlink(target, root.join("env").join(link)).unwrap();
        }
        let prefix = Directory::open(&root.join("env")).unwrap();
        let found = find(Some(&prefix), Some(PythonVersion::new(3, 11)));
        found.into_iter().map(|site| (site.path.to_str().unwrap().to_owned(), site.state)).collect()
    }

    const SITE: &str = "lib/python3.11/site-packages";

    #[test]
    fn a_link_in_the_place_of_a_directory_hides_what_is_installed() {
        let hidden = [(SITE.to_owned(), SiteState::Linked)];
        assert_eq!(sites(&["bin"], &[("../elsewhere", "lib")]), hidden);
        assert_eq!(sites(&["lib"], &[("../../elsewhere/python3.11", "lib/python3.11")]), hidden);
        let linked = ("../../../elsewhere/python3.11/site-packages", SITE);
        assert_eq!(sites(&["lib/python3.11"], &[linked]), hidden);
        let gone = [(SITE.to_owned(), SiteState::Gone)];
        assert_eq!(sites(&["bin"], &[("gone", "lib")]), gone, "it may be on a disk that is not mounted");
        assert_eq!(sites(&["lib/python3.11"], &[("gone", SITE)]), gone);
        for place in ["bin", "lib", "lib/python3.11"] {
            assert_eq!(sites(&[place], &[]), [], "{place}");
        }
    }

    #[test]
    fn what_must_have_been_there_is_named_by_the_python() {
        let path = |label: &str, configured| gone(PythonLabel::parse(label), configured).path;
        assert_eq!(path("pypy3.9", None), Path::new("lib/pypy3.9/site-packages"));
        assert_eq!(path("python3.13t", None), Path::new("lib/python3.13t/site-packages"));
        assert_eq!(path("", Some(PythonVersion::new(3, 11))), Path::new(SITE));
        assert_eq!(path("python3.12", Some(PythonVersion::new(3, 11))), Path::new(SITE));
        assert_eq!(path("", None), Path::new("lib"));
    }

    #[test]
    fn a_second_name_of_a_library_is_not_a_second_library() {
        let one = [(SITE.to_owned(), SiteState::Listed)];
        let places = std::slice::from_ref(&SITE);
        for target in ["lib", "./lib/", "../env/lib", "/nowhere/.venv/lib"] {
            assert_eq!(sites(places, &[(target, "lib64")]), one, "{target}");
        }
        assert_eq!(sites(places, &[("python3.11", "lib/python3.1")]), one, "conda");
        let other = sites(places, &[("../elsewhere", "lib64")]);
        assert_eq!(other, [one[0].clone(), ("lib64/python3.11/site-packages".to_owned(), SiteState::Linked)]);
    }

    #[test]
    fn only_the_sites_of_the_python_that_runs_are_kept() {
        let keep = tempfile::tempdir().unwrap();
        for version in ["3.9", "3.10", "3.11"] {
            create_dir_all(keep.path().join(format!("lib/python{version}/site-packages"))).unwrap();
        }
        let kept = |minors: &[u8]| {
            let prefix = Directory::open(keep.path()).unwrap();
            let versions = minors.iter().map(|&minor| PythonVersion::new(3, minor.into()));
            let kept = seen_by(find(Some(&prefix), None), versions);
            kept.into_iter().map(|site| site.path).collect::<Vec<_>>()
        };
        assert_eq!(kept(&[11, 10]), [Path::new(SITE)]);
        assert_eq!(kept(&[13, 9]), [Path::new("lib/python3.9/site-packages")]);
        assert_eq!(kept(&[13]).len(), 3);
        assert_eq!(kept(&[]).len(), 3);
    }
}
