//! The directories that distributions are installed into.
//!
//! CPython: `lib/pythonX.Y/site-packages`, with a `t` behind the version for the free-threaded build; PyPy:
//! `lib/pypyX.Y/site-packages`, before 3.8 `site-packages`. `lib64` counts where it is a directory of its own; as a
//! link to `lib`, which venv makes on 64-bit Linux, it is the same one.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::host::fs::Directory;
use crate::model::facts::Kind;
use crate::model::python_version::{PythonLabel, PythonVersion};

use super::snapshot::Site;

/// Finds the site-packages directories, in order of name. Where a directory above them cannot be listed, one stands
/// for all that may be in it, not listed.
pub(super) fn find(prefix: Option<&Directory>, configured: Option<PythonVersion>) -> Vec<Site> {
    let Some(prefix) = prefix else { return vec![hidden("lib", configured)] };
    let mut sites = Vec::new();
    for library in ["lib", "lib64"] {
        sites.extend(in_library(prefix, library, configured));
    }
    if prefix.child(OsStr::new("site-packages")).is_ok() {
        sites.push(Site { path: PathBuf::from("site-packages"), listed: true, python: configured });
    }
    sites
}

fn in_library(prefix: &Directory, library: &str, configured: Option<PythonVersion>) -> Vec<Site> {
    match prefix.lstat(OsStr::new(library)) {
        Err(error) if !error.is_missing() => return vec![hidden(library, configured)],
        Ok(facts) if facts.kind == Kind::Directory => {}
        _ => return Vec::new(),
    }
    let names = prefix.child(OsStr::new(library)).and_then(|open| Ok((open.names()?, open)));
    let Ok((mut names, open)) = names else { return vec![hidden(library, configured)] };
    names.sort_unstable();
    let versioned = names.iter().filter_map(|name| {
        let label = PythonLabel::parse(std::str::from_utf8(name).ok()?)?;
        Some((OsStr::from_bytes(name), label))
    });
    versioned.filter_map(|(name, label)| in_version(&open, Path::new(library), name, label)).collect()
}

fn in_version(library: &Directory, path: &Path, name: &OsStr, label: PythonLabel) -> Option<Site> {
    let site =
        |listed| Site { path: path.join(name).join("site-packages"), listed, python: Some(label.version) };
    let opened = library.child(name).and_then(|version| version.child(OsStr::new("site-packages")));
    match opened {
        Ok(_) => Some(site(true)),
        Err(error) if error.is_missing() => None,
        Err(_) => Some(site(false)),
    }
}

fn hidden(library: &str, python: Option<PythonVersion>) -> Site {
    let path = match python {
        Some(version) => {
            PathBuf::from(format!("{library}/python{}.{}/site-packages", version.major, version.minor))
        }
        None => PathBuf::from(library),
    };
    Site { path, listed: false, python }
}
