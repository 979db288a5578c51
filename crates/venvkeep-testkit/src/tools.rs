//! The programs that the tests need and that `tests/run` prepares once per machine.
//!
//! They lie in one directory that every user can enter, since a checkout or root's home usually is
//! not: `VENVKEEP_TEST_TOOLS`, by default `/var/tmp/venvkeep-test-tools-UID`:
//!
//! ```text
//! venv/                a virtual environment with pip and PyPI's virtualenv
//! virtualenv16/        virtualenv before version 20: a module `virtualenv.py` and its wheels
//! uv/uv                alone in its directory, so that it can be put on PATH without anything else
//! python/3.12/         a copy of a Python 3.12, started by its bin/python3.12
//! program/HASH/        a copy of the program under test, one for each place it was built in
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::OrFail;

/// The directory of the test tools; it need not exist.
pub fn directory() -> &'static Path {
    static DIRECTORY: LazyLock<PathBuf> = LazyLock::new(|| {
        std::env::var_os("VENVKEEP_TEST_TOOLS").map_or_else(
            || {
                let uid = rustix::process::geteuid().as_raw();
                PathBuf::from(format!("/var/tmp/venvkeep-test-tools-{uid}"))
            },
            PathBuf::from,
        )
    });
    &DIRECTORY
}

/// The `uv` program. Its parent directory holds nothing else.
pub fn uv() -> PathBuf {
    directory().join("uv/uv")
}

/// The program that checks metrics for Prometheus.
pub fn promtool() -> PathBuf {
    directory().join("promtool")
}

/// The `virtualenv` program.
pub fn virtualenv() -> PathBuf {
    directory().join("venv/bin/virtualenv")
}

/// The last `virtualenv` before version 20, a module to be run by [`LEGACY_PYTHON`].
pub fn legacy_virtualenv() -> PathBuf {
    directory().join("virtualenv16/virtualenv.py")
}

/// The newest of the prepared Pythons that it knows.
pub const LEGACY_PYTHON: &str = "3.8";

/// A current `pip`, for environments that have none.
pub fn pip() -> PathBuf {
    directory().join("venv/bin/pip")
}

/// A program of the system, by its name.
pub fn system_program(name: &str) -> Option<PathBuf> {
    ["/usr/bin", "/bin"].iter().map(|dir| Path::new(dir).join(name)).find(|path| path.is_file())
}

/// The Python that the system brings, `/usr/bin/python3`.
pub fn system_python() -> PathBuf {
    PathBuf::from("/usr/bin/python3")
}

/// A Python that every user can start: `"3.8"` to `"3.13"` for the prepared copies, `"pypy3"` and
/// `"system"` for the system's own.
pub fn python(key: &str) -> Option<PathBuf> {
    match key {
        "system" => Some(system_python()).filter(|path| path.is_file()),
        "pypy3" => system_program("pypy3"),
        version => {
            let path = directory().join(format!("python/{version}/bin/python{version}"));
            path.is_file().then_some(path)
        }
    }
}

/// Every Python that [`python`] has here, with its key.
pub fn pythons() -> Vec<(&'static str, PathBuf)> {
    ["system", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "pypy3"]
        .into_iter()
        .filter_map(|key| Some((key, python(key)?)))
        .collect()
}

/// The package `test` of the standard library that one of the prepared Pythons was copied from: pyenv's, which is
/// usually where only root can read. `None` where there is none.
pub fn standard_tests(key: &str) -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let roots = [
        variable("PYENV_ROOT"),
        variable("HOME").map(|home| home.join(".pyenv")),
        Some("/root/.pyenv".into()),
    ];
    let versions = roots.into_iter().flatten().find_map(|root| fs::read_dir(root.join("versions")).ok())?;
    let mut found: Vec<PathBuf> = versions
        .flatten()
        .filter(|version| version.file_name().to_string_lossy().starts_with(&format!("{key}.")))
        .map(|version| version.path().join(format!("lib/python{key}/test")))
        .filter(|package| package.join("test_venv.py").is_file())
        .collect();
    found.sort();
    found.pop()
}

/// A copy of `program` that every user can start, refreshed when `program` was built anew.
pub(crate) fn copy_for_everyone(program: &Path) -> PathBuf {
    static COPIES: Mutex<BTreeMap<PathBuf, PathBuf>> = Mutex::new(BTreeMap::new());
    // A poisoned map is whole: a panic below happens before anything is inserted.
    let mut copies = COPIES.lock().unwrap_or_else(PoisonError::into_inner);
    copies.entry(program.to_owned()).or_insert_with(|| refresh_copy(program)).clone()
}

fn refresh_copy(program: &Path) -> PathBuf {
    make_own_directory(directory());
    let place = format!("{:x}", Sha256::digest(program.as_os_str().as_encoded_bytes()));
    let place = directory().join("program").join(&place[..16]);
    fs::create_dir_all(&place).or_fail("create", &place);
    let copy = place.join(program.file_name().unwrap_or(program.as_os_str()));
    let wanted = fs::metadata(program).or_fail("look at", program);
    let is_current = |found: fs::Metadata| {
        (found.len(), found.mtime(), found.mtime_nsec())
            == (wanted.len(), wanted.mtime(), wanted.mtime_nsec())
    };
    if !fs::metadata(&copy).is_ok_and(is_current) {
        let fresh = place.join(format!("fresh-{}", std::process::id()));
        // A child copies: were the file open for writing here, a fork in another test's thread would
        // inherit the descriptor and make starting the copy fail with "text file busy".
        let status = Command::new("install")
            .args(["-p", "-m", "755"])
            .args([program, &fresh])
            .status()
            .or_fail("start install for", program);
        assert!(status.success(), "cannot copy {} to {}", program.display(), fresh.display());
        fs::rename(&fresh, &copy).or_fail("replace", &copy);
    }
    copy
}

/// The default place is in a directory that everyone can write: use only what is our own there.
fn make_own_directory(path: &Path) {
    let made = fs::DirBuilder::new().mode(0o755).create(path);
    let found = fs::symlink_metadata(path).or_fail("look at", path);
    assert!(
        made.is_ok() || (found.is_dir() && found.uid() == rustix::process::geteuid().as_raw()),
        "{} is not a directory of ours",
        path.display()
    );
}

/// The wheels that virtualenv brings along: the pip and setuptools of the environments that it makes. Empty where
/// there is no virtualenv.
pub fn virtualenv_wheels() -> Vec<PathBuf> {
    let library = directory().join("venv/lib");
    let pythons = fs::read_dir(&library).into_iter().flatten().flatten();
    let embedded = pythons.map(|python| python.path().join("site-packages/virtualenv/seed/wheels/embed"));
    let files = embedded.filter_map(|place| fs::read_dir(place).ok()).flatten().flatten();
    files.map(|file| file.path()).filter(|file| file.extension().is_some_and(|it| it == "whl")).collect()
}
