//! Versions of Python as interpreters, `pyvenv.cfg` files and directory names spell them.
//!
//! The same release is `3.11.2` (venv), `3.11.2.final.0` (virtualenv), `3.13.0rc1` (`platform`) and
//! `python3.13t` (a directory of the free-threaded build). One value holds them all, ordered as releases are.

use std::fmt;
use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};
use serde::{Deserialize, Serialize};

/// How far a release of Python is along; earlier variants are older.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReleaseLevel {
    /// `a1`
    Alpha(u32),
    /// `b1`
    Beta(u32),
    /// `rc1`
    Candidate(u32),
    /// No suffix.
    Final,
}

/// A Python version. Two versions of which one names no micro release are not equal; use
/// [`PythonVersion::same_minor`] to ask whether they share a library directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PythonVersion {
    /// The 3 of 3.11.2.
    pub major: u32,
    /// The 11 of 3.11.2.
    pub minor: u32,
    /// The 2 of 3.11.2, where it is known.
    pub micro: Option<u32>,
    /// Pre-release or final.
    pub level: ReleaseLevel,
}

/// The text is not a Python version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{shown}\" is not a Python version (such as 3.12 or 3.12.1)")]
pub struct InvalidPythonVersion {
    /// The beginning of the text with control characters escaped: safe to print.
    pub shown: String,
}

impl PythonVersion {
    /// A final release without a micro number.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor, micro: None, level: ReleaseLevel::Final }
    }

    /// Reads `3.11`, `3.11.2`, `3.13.0rc1`, `3.14.0a2+` and the `sys.version_info` form `3.11.2.final.0`.
    pub fn parse(text: &str) -> Result<Self, InvalidPythonVersion> {
        Self::read(text.trim()).ok_or_else(|| InvalidPythonVersion {
            shown: text.chars().take(80).flat_map(char::escape_debug).collect(),
        })
    }

    fn read(text: &str) -> Option<Self> {
        // A trailing plus marks a build between two releases.
        let text = text.strip_suffix('+').unwrap_or(text);
        let mut parts = text.splitn(4, '.');
        let major = number(parts.next()?)?;
        let minor = number(parts.next()?)?;
        let Some(third) = parts.next() else {
            return Some(Self::new(major, minor));
        };
        let digits = third.find(|c: char| !c.is_ascii_digit()).unwrap_or(third.len());
        let (micro, suffix) = third.split_at(digits);
        let level = match (suffix, parts.next()) {
            ("", None) => ReleaseLevel::Final,
            ("", Some(named)) => level_from_version_info(named)?,
            (suffix, None) => level_from_suffix(suffix)?,
            _ => return None,
        };
        Some(Self { major, minor, micro: Some(number(micro)?), level })
    }

    /// Whether both are releases of one minor version: the same standard library directory and, mostly, the
    /// same binary interface.
    pub const fn same_minor(&self, other: &Self) -> bool {
        self.major == other.major && self.minor == other.minor
    }

    /// Whether a distribution or project whose `Requires-Python` says that works with it.
    pub fn satisfies(&self, wanted: &VersionSpecifiers) -> bool {
        Version::from_str(&self.to_string()).is_ok_and(|version| wanted.contains(&version))
    }
}

fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn level_from_suffix(suffix: &str) -> Option<ReleaseLevel> {
    if let Some(serial) = suffix.strip_prefix("rc") {
        return number(serial).map(ReleaseLevel::Candidate);
    }
    if let Some(serial) = suffix.strip_prefix('a') {
        return number(serial).map(ReleaseLevel::Alpha);
    }
    suffix.strip_prefix('b').and_then(number).map(ReleaseLevel::Beta)
}

/// `final.0`, `candidate.1`: the last two items of `sys.version_info`.
fn level_from_version_info(text: &str) -> Option<ReleaseLevel> {
    let (level, serial) = text.split_once('.')?;
    let serial = number(serial)?;
    match level {
        "alpha" => Some(ReleaseLevel::Alpha(serial)),
        "beta" => Some(ReleaseLevel::Beta(serial)),
        "candidate" => Some(ReleaseLevel::Candidate(serial)),
        "final" => Some(ReleaseLevel::Final),
        _ => None,
    }
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { major, minor, micro, level } = self;
        let micro = micro.map(|micro| format!(".{micro}")).unwrap_or_default();
        let suffix = match level {
            ReleaseLevel::Alpha(serial) => format!("a{serial}"),
            ReleaseLevel::Beta(serial) => format!("b{serial}"),
            ReleaseLevel::Candidate(serial) => format!("rc{serial}"),
            ReleaseLevel::Final => String::new(),
        };
        formatter.pad(&format!("{major}.{minor}{micro}{suffix}"))
    }
}

impl FromStr for PythonVersion {
    type Err = InvalidPythonVersion;

    fn from_str(text: &str) -> Result<Self, InvalidPythonVersion> {
        Self::parse(text)
    }
}

impl TryFrom<String> for PythonVersion {
    type Error = InvalidPythonVersion;

    fn try_from(text: String) -> Result<Self, InvalidPythonVersion> {
        Self::parse(&text)
    }
}

impl From<PythonVersion> for String {
    fn from(version: PythonVersion) -> Self {
        version.to_string()
    }
}

/// What the name of an executable or of a library directory says about its Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PythonLabel {
    /// `pypy3.9` rather than `python3.9`.
    pub pypy: bool,
    /// Major and minor; names carry no micro release.
    pub version: PythonVersion,
    /// The `t` of `python3.13t`: built without the global interpreter lock.
    pub free_threaded: bool,
}

impl PythonLabel {
    /// Reads `python3.11`, `python3.13t`, `pypy3.9` and the older `python3.7m`; anything else, `python3` and
    /// `python3.11-config` included, is `None`.
    pub fn parse(name: &str) -> Option<Self> {
        let (pypy, rest) = match name.strip_prefix("pypy") {
            Some(rest) => (true, rest),
            None => (false, name.strip_prefix("python")?),
        };
        let digits = rest.trim_end_matches(['t', 'd', 'm']);
        let (major, minor) = digits.split_once('.')?;
        Some(Self {
            pypy,
            version: PythonVersion::new(number(major)?, number(minor)?),
            free_threaded: rest[digits.len()..].contains('t'),
        })
    }
}

impl fmt::Display for PythonLabel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.pypy { "pypy" } else { "python" };
        let PythonVersion { major, minor, .. } = self.version;
        write!(formatter, "{name}{major}.{minor}{}", if self.free_threaded { "t" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::{PythonLabel, PythonVersion, ReleaseLevel};
    use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};

    fn version(text: &str) -> PythonVersion {
        PythonVersion::parse(text).unwrap()
    }

    #[test]
    fn every_spelling_of_one_release_is_equal() {
        assert_eq!(version("3.11.2"), version("3.11.2.final.0"));
        assert_eq!(version("3.13.0rc1"), version("3.13.0.candidate.1"));
        assert_eq!(version(" 3.14.0a2+ ").level, ReleaseLevel::Alpha(2));
        assert_eq!(version("3.9").micro, None);
    }

    #[test]
    fn releases_are_ordered() {
        let ordered = ["3.8", "3.9.18", "3.13.0a9", "3.13.0b1", "3.13.0rc2", "3.13.0", "3.13.1"];
        assert!(ordered.windows(2).all(|pair| version(pair[0]) < version(pair[1])));
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["", "3", "3.", "3.x", "3.11.", "3.11.2.final", "3.11.2rc", "3.-1", "99999999999.1"] {
            assert!(PythonVersion::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn names_of_executables_and_directories() {
        let free = PythonLabel::parse("python3.13t").unwrap();
        assert!(free.free_threaded && !free.pypy);
        assert_eq!(free.version, PythonVersion::new(3, 13));
        assert!(PythonLabel::parse("pypy3.9").unwrap().pypy);
        for name in ["python3.11", "python3.13t", "pypy3.9"] {
            assert_eq!(PythonLabel::parse(name).unwrap().to_string(), name);
        }
        assert!(!PythonLabel::parse("python3.7m").unwrap().free_threaded);
        for name in ["python", "python3", "python3.11-config", "python3.11.exe", "perl5.36", "python.3"] {
            assert_eq!(PythonLabel::parse(name), None, "{name}");
        }
    }

    #[test]
    fn ranges_hold_releases() {
        let satisfies = |release: &str, range: &str| version(release).satisfies(&range.parse().unwrap());
        assert!(satisfies("3.12.1", ">=3.10") && satisfies("3.12.1", "==3.12.*"));
        assert!(!satisfies("3.9.18", ">=3.10") && !satisfies("3.13.0", ">=3.9,<3.13"));
    }

    proptest! {
        #[test]
        fn any_text_is_judged_without_panic(text in any::<String>()) {
            let _ = PythonVersion::parse(&text);
            let _ = PythonLabel::parse(&text);
        }

        #[test]
        fn shown_and_read_again(
            major in 0..10_u32,
            minor in 0..50_u32,
            micro in 0..50_u32,
            level in prop_oneof![
                Just(ReleaseLevel::Final),
                (0..20_u32).prop_map(ReleaseLevel::Alpha),
                (0..20_u32).prop_map(ReleaseLevel::Candidate),
            ],
        ) {
            let before = PythonVersion { major, minor, micro: Some(micro), level };
            prop_assert_eq!(version(&before.to_string()), before);
        }
    }
}
