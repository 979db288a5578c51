//! pip for a new environment, from the wheels that come with the base interpreter.
//!
//! What `python -m venv` installs: pip, and setuptools before Python 3.12. The wheels lie in `ensurepip/_bundled` in
//! the standard library, or where the system's packager keeps them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};

use super::create::INTERPRETER;
use super::wheel::{Destination, Wheel, WheelError};
use crate::host::fs::{Directory, physical, stat};
use crate::model::interpreter::BaseInterpreter;
use crate::model::owner::Viewer;
use crate::model::prefix::Prefix;

/// Where Debian and Fedora keep the wheels, also of interpreters that do not say so (Debian's `PyPy`).
const USUAL_PLACE: &str = "/usr/share/python-wheels";

/// What a new environment was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeded {
    /// Names and versions, pip first. Empty where there was no pip to be had.
    pub distributions: Vec<(String, String)>,
    /// Places that were looked into.
    pub looked_in: Vec<PathBuf>,
}

/// Installs pip and what belongs to it into `directory`, an environment that will live at `prefix`.
pub fn seed(
    directory: &Path,
    prefix: &Prefix,
    interpreter: &BaseInterpreter,
    viewer: &Viewer,
) -> Result<Seeded, WheelError> {
    let mut seeded = Seeded { distributions: Vec::new(), looked_in: places(interpreter) };
    let starter = prefix.join(INTERPRETER);
    let destination = Destination {
        directory,
        scheme: &interpreter.scheme,
        interpreter: &starter,
        python: interpreter.version,
    };
    for wheel in bundled(interpreter, viewer) {
        let metadata = &wheel.metadata;
        seeded.distributions.push((metadata.name.as_written().to_owned(), metadata.version.clone()));
        wheel.install(&destination)?;
    }
    Ok(seeded)
}

/// The wheels that `python -m venv` would seed an environment of this interpreter with: pip first, setuptools where it
/// belongs to it. Empty where there is no pip to be had.
pub fn bundled(interpreter: &BaseInterpreter, viewer: &Viewer) -> Vec<Wheel> {
    let places = places(interpreter);
    let found = places.iter().find_map(|place| Some((place, newest("pip", place, interpreter, viewer)?)));
    let Some((place, pip)) = found else { return Vec::new() };
    let wants_setuptools = interpreter.version.minor < 12;
    let setuptools = wants_setuptools.then(|| newest("setuptools", place, interpreter, viewer)).flatten();
    [Some(pip), setuptools].into_iter().flatten().collect()
}

fn places(interpreter: &BaseInterpreter) -> Vec<PathBuf> {
    let named = interpreter.wheel_dir.clone();
    let bundled = interpreter.stdlib.join("ensurepip/_bundled");
    let mut places: Vec<_> = named.into_iter().chain([bundled, USUAL_PLACE.into()]).collect();
    places.dedup_by(|later, earlier| later.components().eq(earlier.components()));
    places
}

/// The newest usable wheel of that name in a directory. One that cannot be read, that others can write, or that does
/// not suit the interpreter is as good as absent.
fn newest(name: &str, place: &Path, interpreter: &BaseInterpreter, viewer: &Viewer) -> Option<Wheel> {
    let place = physical(place).ok()?;
    let is_safe = |path: &Path| {
        stat(path).is_ok_and(|facts| viewer.trusts(facts.uid) && !viewer.others_can_write(&facts))
    };
    if !is_safe(&place) {
        return None;
    }
    let names = Directory::open(&place).and_then(|directory| directory.names()).ok()?;
    let mut candidates: Vec<(Version, PathBuf)> = names
        .iter()
        .filter_map(|file| Some((version_in(file, name)?, place.join(OsStr::from_bytes(file)))))
        .collect();
    candidates.sort();
    candidates
        .into_iter()
        .rev()
        .filter(|(_, path)| is_safe(path))
        .filter_map(|(_, path)| Wheel::open(&path).ok())
        .find(|wheel| suits(wheel, interpreter))
}

/// The version in `pip-23.0.1-py3-none-any.whl`.
fn version_in(file: &[u8], name: &str) -> Option<Version> {
    let rest = std::str::from_utf8(file).ok()?.strip_prefix(name)?.strip_prefix('-')?;
    Version::from_str(rest.strip_suffix("-py3-none-any.whl")?).ok()
}

fn suits(wheel: &Wheel, interpreter: &BaseInterpreter) -> bool {
    let Some(wanted) = &wheel.metadata.requires_python else { return true };
    let version = Version::from_str(&interpreter.version.to_string());
    matches!((VersionSpecifiers::from_str(wanted), version), (Ok(wanted), Ok(version)) if wanted.contains(&version))
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn only_wheels_of_that_name_count() {
        assert!(version_in(b"pip-23.0.1-py3-none-any.whl", "pip").is_some());
        for other in [
            &b"pip-23.0.1.tar.gz"[..],
            b"pip_tools-7.0-py3-none-any.whl",
            b"pip-tools-py3-none-any.whl",
            b"pip-23.0.1-py2-none-any.whl",
            b"\xff",
        ] {
            assert!(version_in(other, "pip").is_none(), "{}", String::from_utf8_lossy(other));
        }
    }
}
