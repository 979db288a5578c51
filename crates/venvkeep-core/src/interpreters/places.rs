//! Where base interpreters are looked for, in order: the directories of `PATH`, then pyenv's and uv's, then the usual
//! places of the system.
//!
//! Directories inside environments are left out. So are shims (small scripts that start some other interpreter):
//! the interpreters that they would start take their place.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::host::fs::{Directory, lstat, physical, read_bounded, stat};
use crate::host::programs::environment_around;
use crate::model::caller::Caller;
use crate::model::facts::Kind;

#[cfg(target_os = "macos")]
const USUAL: [&str; 4] = ["/opt/homebrew/bin", "/usr/local/bin", "/opt/local/bin", "/usr/bin"];
#[cfg(not(target_os = "macos"))]
const USUAL: [&str; 2] = ["/usr/local/bin", "/usr/bin"];

/// python.org's installer for macOS: one directory for each version, with a `bin` in each.
#[cfg(target_os = "macos")]
const FRAMEWORK: &str = "/Library/Frameworks/Python.framework/Versions";

/// Longest version file that is read.
const VERSION_FILE_LIMIT: u64 = 4096;

/// The directories that a user's command line would search.
pub fn on_path(caller: &Caller) -> Vec<PathBuf> {
    caller
        .search_path()
        .iter()
        .flat_map(|dir| without_shims(dir, caller))
        .filter(|dir| is_outside(dir))
        .collect()
}

/// All directories: those on the search path first, each once.
pub fn everywhere(caller: &Caller) -> Vec<PathBuf> {
    let home = |below: &str| caller.home.as_ref().map(|home| home.join(below));
    let variable = |name: &str| caller.variable(name).map(PathBuf::from);
    let pyenv = variable("PYENV_ROOT").or_else(|| home(".pyenv"));
    let uv = variable("UV_PYTHON_INSTALL_DIR").or_else(|| home(".local/share/uv/python"));

    let mut places = on_path(caller);
    places.extend(
        pyenv.iter().flat_map(|root| versions_in(&root.join("versions"))).filter(|dir| is_outside(dir)),
    );
    places.extend(uv.iter().flat_map(|root| versions_in(root)).filter(|dir| is_outside(dir)));
    #[cfg(target_os = "macos")]
    places.extend(versions_in(Path::new(FRAMEWORK)));
    places.extend(USUAL.map(PathBuf::from));

    let mut seen = std::collections::BTreeSet::new();
    places.retain(|place| place.is_absolute() && seen.insert(place.clone()));
    places
}

/// Names of interpreters in a directory: `python3` before `python` before `python3.12` before `python3.9`, and
/// CPython's before the others'. Nothing where the directory cannot be listed.
pub fn interpreters_in(directory: &Path) -> Vec<PathBuf> {
    use super::request::Release;

    let listed = physical(directory).and_then(|dir| Directory::open(&dir)?.names()).unwrap_or_default();
    let mut names: Vec<_> = listed
        .iter()
        .filter_map(|name| std::str::from_utf8(name).ok())
        .filter(|name| name.starts_with(|first: char| first.is_ascii_alphabetic()) && *name != "cpython")
        .filter_map(|name| Some((Release::parse(name)?, name)))
        .collect();
    names.sort_by_key(|(release, name)| {
        let other = release.implementation != "cpython";
        let newest_first: Vec<_> = release.version.iter().map(|&part| u32::MAX - part).collect();
        (other, *name != "python3", !release.version.is_empty(), newest_first, release.free_threaded)
    });
    names.into_iter().map(|(_, name)| directory.join(name)).collect()
}

fn is_outside(directory: &Path) -> bool {
    environment_around(&directory.join("python")).is_none()
}

/// The directory itself, or what stands behind it where it holds shims.
fn without_shims(directory: &Path, caller: &Caller) -> Vec<PathBuf> {
    let Some(root) = directory.parent().filter(|_| directory.ends_with("shims")) else {
        return vec![directory.to_owned()];
    };
    let pyenv = root.join("versions");
    if stat(&pyenv).is_ok() {
        return selected_by_pyenv(root, caller).iter().map(|name| pyenv.join(name).join("bin")).collect();
    }
    // asdf and mise.
    versions_in(&root.join("installs/python"))
}

/// The versions that pyenv's shims would start: `PYENV_VERSION`, else the nearest `.python-version` from the working
/// directory upwards, else pyenv's own `version` file.
fn selected_by_pyenv(root: &Path, caller: &Caller) -> Vec<String> {
    let split = |text: &str, by: fn(char) -> bool| -> Vec<String> {
        // A name with a slash would lead out of pyenv's directory.
        text.split(by).filter(|name| !name.is_empty() && !name.contains('/')).map(str::to_owned).collect()
    };
    if let Some(named) = caller.variable("PYENV_VERSION") {
        return split(&named.to_string_lossy(), |c| c == ':');
    }
    let local = caller.cwd.ancestors().map(|dir| dir.join(".python-version"));
    local
        .chain([root.join("version")])
        .find_map(|file| read_bounded(&file, VERSION_FILE_LIMIT).ok())
        .map(|content| split(&String::from_utf8_lossy(&content), char::is_whitespace))
        .unwrap_or_default()
}

/// The `bin` of each version kept below a directory, the newest first. Links (uv's `cpython-3.12` beside
/// `cpython-3.12.4`) lead to directories that are listed anyway.
fn versions_in(directory: &Path) -> Vec<PathBuf> {
    let names = Directory::open(directory).and_then(|dir| dir.names()).unwrap_or_default();
    let mut versions: Vec<_> = names
        .iter()
        .map(|name| directory.join(OsStr::from_bytes(name)))
        .filter(|path| lstat(path).is_ok_and(|facts| facts.kind == Kind::Directory))
        .collect();
    versions.sort_by_cached_key(|path| std::cmp::Reverse(numbers_in(path)));
    versions.into_iter().map(|path| path.join("bin")).collect()
}

/// `[3, 12, 4]` of `cpython-3.12.4-linux-x86_64-gnu`.
fn numbers_in(path: &Path) -> Vec<u32> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "the tests lay out their own directories")]

    use super::{Caller, interpreters_in, on_path};
    use crate::model::owner::{LoneGroups, Viewer};
    use std::collections::BTreeMap;
    use std::ffi::OsString;
    use std::fs;
    use std::path::{Path, PathBuf};

    fn caller(cwd: &Path, variables: &[(&str, &Path)]) -> Caller {
        let variables: BTreeMap<OsString, OsString> =
            variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let viewer = Viewer {
            uid: 1000,
            gid: 1000,
            groups: vec![],
            lone_groups: LoneGroups::known(vec![1000]),
            trusted_owners: vec![],
        };
        Caller::new(viewer, cwd.to_owned(), variables)
    }

    #[test]
    fn names_in_the_order_of_preference() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "pypy3",
            "python3.9",
            "python3.12",
            "python",
            "python3-config",
            "python3",
            "python3.12t",
            "3.12",
            "pip",
        ] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let names: Vec<_> = interpreters_in(dir.path())
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["python3", "python", "python3.12", "python3.12t", "python3.9", "pypy3"]);
    }

    #[test]
    fn environments_and_relative_directories_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let bin = dir.path().join("env/bin");
        fs::create_dir_all(&bin).unwrap();
        fs::write(dir.path().join("env/pyvenv.cfg"), "").unwrap();
        let path = format!("{}:relative::/usr/bin", bin.display());
        let caller = caller(dir.path(), &[("PATH", Path::new(&path))]);
        assert_eq!(on_path(&caller), [PathBuf::from("/usr/bin")]);
    }

    #[test]
    fn shims_stand_for_the_selected_version() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for made in ["shims", "versions/3.11.7/bin", "versions/3.12.1/bin", "project/below"] {
            fs::create_dir_all(root.join(made)).unwrap();
        }
        fs::write(root.join("version"), "3.12.1\n").unwrap();
        let search = root.join("shims");
        let variables = [("PATH", search.as_path())];
        let below = root.join("project/below");
        assert_eq!(on_path(&caller(&below, &variables)), [root.join("versions/3.12.1/bin")]);

        fs::write(root.join("project/.python-version"), "3.11.7\n../../evil\n").unwrap();
        assert_eq!(on_path(&caller(&below, &variables)), [root.join("versions/3.11.7/bin")]);

        let named = [variables[0], ("PYENV_VERSION", Path::new("3.12.1:3.11.7"))];
        let both = [root.join("versions/3.12.1/bin"), root.join("versions/3.11.7/bin")];
        assert_eq!(on_path(&caller(&below, &named)), both);
    }
}
