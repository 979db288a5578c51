//! Which interpreter is meant: what `-p` or a project's own file says, as a value.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use pep440_rs::VersionSpecifiers;

use crate::model::interpreter::BaseInterpreter;
use crate::model::python_version::PythonVersion;

/// What the user asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Nothing in particular.
    Any,
    /// `3.12`, `3.12.1`, `3.13t`, `python3.11`, `pypy3.9`.
    Release(Release),
    /// `>=3.10`, `>=3.9,<3.13`, `~=3.11`: what a project's `requires-python` says.
    Range(VersionSpecifiers),
    /// A program of another name, looked for in `PATH`.
    Name(OsString),
    /// The program itself, or the directory whose `bin` holds it.
    Path(PathBuf),
}

/// An implementation, and as much of a version as matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// `cpython`, `pypy`, `graalpy`.
    pub implementation: String,
    /// `[3, 12]` for 3.12 with whatever micro version; none for any.
    pub version: Vec<u32>,
    /// The build without the global interpreter lock; only ever chosen when asked for.
    pub free_threaded: bool,
}

const IMPLEMENTATIONS: [(&str, &str); 4] =
    [("cpython", "cpython"), ("python", "cpython"), ("pypy", "pypy"), ("graalpy", "graalpy")];

impl Request {
    /// Reads the text after `-p`. Every text has a meaning; whether there is such an interpreter shows later.
    pub fn parse(text: &OsStr) -> Self {
        if text.as_encoded_bytes().contains(&b'/') || text == "." || text == ".." {
            return Self::Path(text.into());
        }
        text.to_str().and_then(Self::version).unwrap_or_else(|| Self::Name(text.into()))
    }

    /// What says which version: a release or a range of them; no name and no path.
    pub fn version(text: &str) -> Option<Self> {
        if text.starts_with(['<', '>', '=', '!', '~']) {
            return VersionSpecifiers::from_str(text).ok().map(Self::Range);
        }
        Release::parse(text).map(Self::Release)
    }
}

impl Request {
    /// Whether an environment of this implementation and version is of what is asked for: the micro version counts where
    /// it is known. Programs and paths say nothing of that.
    pub fn names(&self, implementation: &str, version: &PythonVersion) -> bool {
        let numbers: Vec<u32> =
            [Some(version.major), Some(version.minor), version.micro].into_iter().flatten().collect();
        match self {
            Self::Any => true,
            Self::Release(release) => {
                let common = release.version.len().min(numbers.len());
                release.implementation == implementation && release.version[..common] == numbers[..common]
            }
            Self::Range(range) => version.satisfies(range),
            Self::Name(_) | Self::Path(_) => false,
        }
    }
}

impl Release {
    /// Reads `3.12`, `python3.12`, `pypy3`, `cpython-3.13t`; also the names of interpreters in a directory.
    pub fn parse(text: &str) -> Option<Self> {
        let (implementation, version) = IMPLEMENTATIONS
            .into_iter()
            .find_map(|(name, implementation)| Some((implementation, text.strip_prefix(name)?)))
            .map_or(("cpython", text), |(name, rest)| (name, rest.strip_prefix(['-', '@']).unwrap_or(rest)));
        if text.is_empty() {
            return None;
        }
        let numbers = version.strip_suffix('t');
        let free_threaded = numbers.is_some();
        let numbers = numbers.unwrap_or(version);
        let version = match numbers {
            "" if free_threaded => return None,
            "" => Vec::new(),
            numbers => numbers.split('.').map(number).collect::<Option<_>>()?,
        };
        let release = Self { implementation: implementation.to_owned(), version, free_threaded };
        (release.version.len() <= 3).then_some(release)
    }

    /// That of an interpreter, whatever its micro version.
    pub fn of(interpreter: &BaseInterpreter) -> Self {
        Self {
            implementation: interpreter.implementation.clone(),
            version: vec![interpreter.version.major, interpreter.version.minor],
            free_threaded: interpreter.free_threaded,
        }
    }

    /// As it is typed behind `-p`.
    pub fn typed(&self) -> String {
        let name = if self.implementation == "cpython" { "" } else { &self.implementation };
        let numbers: Vec<_> = self.version.iter().map(u32::to_string).collect();
        format!("{name}{}{}", numbers.join("."), if self.free_threaded { "t" } else { "" })
    }

    /// Whether it is older than any that venvkeep serves.
    pub fn is_too_old(&self) -> bool {
        const OLDEST: [u32; 2] = [3, 8];
        let known = self.version.len().min(OLDEST.len());
        self.version[..known] < OLDEST[..known]
    }

    /// Whether an interpreter is one of these.
    pub fn matches(&self, interpreter: &BaseInterpreter) -> bool {
        let version = &interpreter.version;
        let numbers = [version.major, version.minor, version.micro.unwrap_or_default()];
        self.implementation == interpreter.implementation
            && self.free_threaded == interpreter.free_threaded
            && numbers.starts_with(&self.version)
    }

    /// Whether a program of that name could be one of these, so that it is worth asking.
    pub fn may_be_called(&self, name: &str) -> bool {
        Self::parse(name).is_some_and(|named| {
            let common = named.version.len().min(self.version.len());
            named.implementation == self.implementation
                && named.version[..common] == self.version[..common]
                && (named.free_threaded == self.free_threaded || named.version.len() < 2)
        })
    }
}

/// Only digits: `u32::from_str` takes a plus sign as well.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

impl fmt::Display for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => formatter.write_str("Python 3.8 or newer"),
            Self::Release(release) => release.fmt(formatter),
            Self::Range(range) => write!(formatter, "Python {range}"),
            Self::Name(name) => write!(formatter, "program called {}", name.display()),
            Self::Path(path) => write!(formatter, "Python at {}", path.display()),
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<_> = self.version.iter().map(u32::to_string).collect();
        let name = match self.implementation.as_str() {
            "cpython" => "Python",
            "pypy" => "PyPy",
            other => other,
        };
        let free_threaded = if self.free_threaded { " without the global lock (t)" } else { "" };
        let space = if numbers.is_empty() { "" } else { " " };
        write!(formatter, "{name}{space}{}{free_threaded}", numbers.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::{Release, Request};
    use proptest::proptest;
    use std::ffi::OsStr;

    fn release(implementation: &str, version: &[u32], free_threaded: bool) -> Request {
        let version = version.to_vec();
        Request::Release(Release { implementation: implementation.into(), version, free_threaded })
    }

    #[test]
    fn every_way_to_name_an_interpreter() {
        let parsed = |text: &str| Request::parse(OsStr::new(text));
        assert_eq!(parsed("3"), release("cpython", &[3], false));
        assert_eq!(parsed("3.12"), release("cpython", &[3, 12], false));
        assert_eq!(parsed("3.12.1"), release("cpython", &[3, 12, 1], false));
        assert_eq!(parsed("3.13t"), release("cpython", &[3, 13], true));
        assert_eq!(parsed("python"), release("cpython", &[], false));
        assert_eq!(parsed("python3.11"), release("cpython", &[3, 11], false));
        assert_eq!(parsed("pypy3"), release("pypy", &[3], false));
        assert_eq!(parsed("pypy-3.9"), release("pypy", &[3, 9], false));
        assert_eq!(parsed("./python"), Request::Path("./python".into()));
        assert_eq!(parsed("my-python"), Request::Name("my-python".into()));
        assert_eq!(parsed("3.12.1.2"), Request::Name("3.12.1.2".into()));
        assert_eq!(parsed("python3-config"), Request::Name("python3-config".into()));
        assert_eq!(parsed(""), Request::Name("".into()));
        for range in [">=3.10", ">=3.9,<3.13", "~=3.11", "==3.12.*", "!=3.9.1"] {
            assert!(matches!(parsed(range), Request::Range(_)), "{range}");
        }
        assert_eq!(parsed(">=new"), Request::Name(">=new".into()));
    }

    #[test]
    fn what_is_typed_again_is_the_same_and_old_ones_are_known() {
        for (text, is_too_old) in [
            ("3", false),
            ("3.7", true),
            ("2", true),
            ("2.7.18", true),
            ("3.8.1", false),
            ("3.13t", false),
            ("pypy3.9", false),
        ] {
            let Request::Release(release) = Request::parse(OsStr::new(text)) else { panic!("{text}") };
            assert_eq!(release.typed(), text);
            assert_eq!(release.is_too_old(), is_too_old, "{text}");
        }
    }

    #[test]
    fn a_name_tells_what_need_not_be_asked() {
        let wanted =
            Release { implementation: "cpython".into(), version: vec![3, 12, 1], free_threaded: false };
        for worth_asking in ["python", "python3", "python3.12"] {
            assert!(wanted.may_be_called(worth_asking), "{worth_asking}");
        }
        for other in ["python3.11", "python3.12t", "pypy3", "python2", "perl"] {
            assert!(!wanted.may_be_called(other), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".*") {
            Request::parse(OsStr::new(&text));
        }
    }
}
