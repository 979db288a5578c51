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
use super::unpacked::{self, Cache, Unpacked};
use super::wheel::{Destination, Wheel, WheelError};
use crate::host::fs::{Directory, physical, stat};
use crate::model::caller::Caller;
use crate::model::interpreter::BaseInterpreter;
use crate::model::interrupt::Interrupt;
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

/// What a new environment is to be given, ready to be written.
pub struct Seeds {
    sources: Vec<SeedSource>,
    looked_in: Vec<PathBuf>,
}

/// Finds pip and what belongs to it, and unpacks into the cache what is not there yet.
pub fn prepare(interpreter: &BaseInterpreter, caller: &Caller, interrupt: &Interrupt) -> Seeds {
    let cache = Cache::of(caller, interpreter);
    let sources = sources(interpreter, &caller.viewer, cache.as_ref());
    Seeds { sources: kept(sources, cache.as_ref(), interrupt), looked_in: places(interpreter) }
}

impl Seeds {
    /// Installs them into `directory`, an environment that will live at `prefix`.
    pub fn install(
        self,
        directory: &Path,
        prefix: &Prefix,
        interpreter: &BaseInterpreter,
    ) -> Result<Seeded, WheelError> {
        let starter = prefix.join(INTERPRETER);
        let destination = Destination {
            directory,
            scheme: &interpreter.scheme,
            interpreter: &starter,
            python: interpreter.version,
        };
        let distributions = self.sources.iter().map(SeedSource::distribution).collect();
        let mut kept = Vec::new();
        for source in self.sources {
            match source {
                SeedSource::Kept(unpacked) => kept.push(unpacked),
                SeedSource::Wheel(wheel) => wheel.install(&destination)?,
            }
        }
        unpacked::install(&kept, &destination)?;
        Ok(Seeded { distributions, looked_in: self.looked_in })
    }
}

/// What one distribution is installed from.
enum SeedSource {
    Kept(Unpacked),
    Wheel(Wheel),
}

impl SeedSource {
    fn distribution(&self) -> (String, String) {
        match self {
            Self::Kept(unpacked) => unpacked.distribution(),
            Self::Wheel(Wheel { metadata, .. }) => {
                (metadata.name.as_written().to_owned(), metadata.version.clone())
            }
        }
    }
}

/// Unpacks into the cache what is not there yet, side by side. What cannot be kept is installed from its wheel.
fn kept(sources: Vec<SeedSource>, cache: Option<&Cache<'_>>, interrupt: &Interrupt) -> Vec<SeedSource> {
    let Some(cache) = cache else { return sources };
    let keep = |wheel: Wheel| {
        let path = wheel.path().to_owned();
        match cache.make(wheel, interrupt) {
            Ok(Some(unpacked)) => Some(SeedSource::Kept(unpacked)),
            // A cache that cannot be written only costs time. The wheel was read before.
            _ => Wheel::open(&path).ok().map(SeedSource::Wheel),
        }
    };
    std::thread::scope(|scope| {
        let started: Vec<_> = sources
            .into_iter()
            .map(|source| match source {
                SeedSource::Wheel(wheel) => Err(scope.spawn(move || keep(wheel))),
                kept @ SeedSource::Kept(_) => Ok(kept),
            })
            .collect();
        let finished = started.into_iter().map(|source| match source {
            Ok(kept) => Some(kept),
            Err(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        });
        finished.flatten().collect()
    })
}

/// The wheels that `python -m venv` would seed an environment of this interpreter with: pip first, setuptools where it
/// belongs to it. Empty where there is no pip to be had.
pub fn bundled(interpreter: &BaseInterpreter, viewer: &Viewer) -> Vec<Wheel> {
    let wheels = sources(interpreter, viewer, None).into_iter().filter_map(|source| match source {
        SeedSource::Wheel(wheel) => Some(wheel),
        SeedSource::Kept(_) => None,
    });
    wheels.collect()
}

fn sources(interpreter: &BaseInterpreter, viewer: &Viewer, cache: Option<&Cache<'_>>) -> Vec<SeedSource> {
    let places = places(interpreter);
    let newest = |name: &str, place: &Path| newest(name, place, (interpreter, viewer, cache));
    let found = places.iter().find_map(|place| Some((place, newest("pip", place)?)));
    let Some((place, pip)) = found else { return Vec::new() };
    let wants_setuptools = interpreter.version.minor < 12;
    let setuptools = wants_setuptools.then(|| newest("setuptools", place)).flatten();
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
fn newest(
    name: &str,
    place: &Path,
    (interpreter, viewer, cache): (&BaseInterpreter, &Viewer, Option<&Cache<'_>>),
) -> Option<SeedSource> {
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
    let usable = |path: PathBuf| {
        // What is kept was found to suit this interpreter when it was unpacked.
        if let Some(unpacked) = cache.and_then(|cache| cache.find(&path)) {
            return Some(SeedSource::Kept(unpacked));
        }
        let wheel = Wheel::open(&path).ok().filter(|wheel| suits(wheel, interpreter))?;
        Some(SeedSource::Wheel(wheel))
    };
    let newest_first = candidates.into_iter().rev().map(|(_, path)| path);
    newest_first.filter(|path| is_safe(path)).find_map(usable)
}

/// The version in `pip-23.0.1-py3-none-any.whl`.
fn version_in(file: &[u8], name: &str) -> Option<Version> {
    let rest = std::str::from_utf8(file).ok()?.strip_prefix(name)?.strip_prefix('-')?;
    Version::from_str(rest.strip_suffix("-py3-none-any.whl")?).ok()
}

fn suits(wheel: &Wheel, interpreter: &BaseInterpreter) -> bool {
    let Some(wanted) = &wheel.metadata.requires_python else { return true };
    VersionSpecifiers::from_str(wanted).is_ok_and(|wanted| interpreter.version.satisfies(&wanted))
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
