//! The frozen list: what an environment consists of, one pin for each distribution, printed line for line as
//! `pip freeze` prints it.

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use pep440_rs::Version;
use pep508_rs::{Pep508Url, Requirement};

use super::direct_url::DirectUrl;
use super::name::PackageName;
use super::python_version::PythonVersion;

/// One distribution, fixed to one version or origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The distribution.
    pub name: PackageName,
    /// To what it is fixed.
    pub kind: PinKind,
    /// What a requirements file said beyond that; empty for a pin that was read from an environment.
    pub conditions: PinConditions,
}

/// To what a distribution is fixed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinKind {
    /// A version that an index can be asked for.
    Exact(PinnedVersion),
    /// A URL: `name @ url`.
    Direct {
        /// With commit, hash and subdirectory where it has them.
        url: String,
    },
    /// A checkout or directory that is imported from where it lies: `-e target`.
    Editable(Editable),
}

/// A version as a pin holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinnedVersion {
    /// By PEP 440, printed normalised behind `==`.
    Standard(Version),
    /// Any other text, printed as it is behind `===`.
    Arbitrary(String),
}

/// An editable installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Editable {
    /// What stands behind `-e `: a directory, or `git+URL@COMMIT#egg=NAME`.
    pub target: String,
    /// Lines (with their `#`) that `pip freeze` prints above.
    pub comments: Vec<String>,
    /// The directory it is imported from, where known.
    pub location: Option<PathBuf>,
}

/// Parts of a requirement that only a file written by somebody has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PinConditions {
    /// `[socks,http2]`, without the brackets.
    pub extras: Vec<PackageName>,
    /// The environment marker behind the semicolon, as written and not evaluated.
    pub marker: Option<String>,
    /// `sha256:…` of each `--hash`.
    pub hashes: Vec<String>,
}

/// A version text that would break out of its line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{shown}\" is not a version")]
pub struct InvalidVersion {
    /// The beginning of the text with control characters escaped: safe to print.
    pub shown: String,
}

impl PinnedVersion {
    /// Takes a version as METADATA or a directory's name has it. What is not one by PEP 440 is kept if it is a
    /// single word that a requirements file can hold.
    pub fn parse(text: &str) -> Result<Self, InvalidVersion> {
        let text = text.trim();
        if let Ok(version) = Version::from_str(text) {
            return Ok(Self::Standard(version));
        }
        let breaks_out = |c: char| c.is_control() || c.is_whitespace() || matches!(c, ';' | ',' | '#' | '\\');
        if text.is_empty() || text.contains(breaks_out) {
            let shown = text.chars().take(80).flat_map(char::escape_debug).collect();
            return Err(InvalidVersion { shown });
        }
        Ok(Self::Arbitrary(text.to_owned()))
    }

    /// The version alone, as `pip list` prints it.
    pub fn to_text(&self) -> String {
        match self {
            Self::Standard(version) => version.to_string(),
            Self::Arbitrary(text) => text.clone(),
        }
    }
}

impl Pin {
    fn plain(name: PackageName, kind: PinKind) -> Self {
        Self { name, kind, conditions: PinConditions::default() }
    }

    /// `name==version`, or `name===version` where the version is not one by PEP 440.
    pub fn exact(name: PackageName, version: &str) -> Result<Self, InvalidVersion> {
        Ok(Self::plain(name, PinKind::Exact(PinnedVersion::parse(version)?)))
    }

    /// `name @ url`, for a distribution with a usable `direct_url.json`.
    pub fn direct(name: PackageName, origin: &DirectUrl) -> Self {
        Self::plain(name, PinKind::Direct { url: origin.to_reference() })
    }

    /// `-e target`.
    pub fn editable(name: PackageName, editable: Editable) -> Self {
        Self::plain(name, PinKind::Editable(editable))
    }

    /// The requirement on one line, without an editable's comments and without hashes: for messages, and for
    /// an installer's requirements file.
    pub fn requirement(&self) -> String {
        let name = self.name.as_written();
        let extras = match self.conditions.extras.as_slice() {
            [] => String::new(),
            extras => {
                format!("[{}]", extras.iter().map(PackageName::as_written).collect::<Vec<_>>().join(","))
            }
        };
        let (text, before_marker) = match &self.kind {
            PinKind::Exact(PinnedVersion::Standard(version)) => (format!("{name}{extras}=={version}"), ""),
            PinKind::Exact(PinnedVersion::Arbitrary(text)) => (format!("{name}{extras}==={text}"), " "),
            // Without the blank the semicolon would be a part of the URL.
            PinKind::Direct { url } => (format!("{name}{extras} @ {url}"), " "),
            PinKind::Editable(editable) => return format!("-e {}", editable.target),
        };
        match &self.conditions.marker {
            Some(marker) => format!("{text}{before_marker}; {marker}"),
            None => text,
        }
    }

    /// The lines that `pip freeze` prints, and with hashes those that `pip install -r` checks.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = match &self.kind {
            PinKind::Editable(editable) => editable.comments.clone(),
            _ => Vec::new(),
        };
        let hashes = self.conditions.hashes.iter().map(|hash| format!(" --hash={hash}"));
        lines.push(self.requirement() + &hashes.collect::<String>());
        lines
    }
}

/// The frozen list of one environment, in `pip freeze`'s order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrozenRequirements {
    pins: Vec<Pin>,
}

impl FrozenRequirements {
    /// Sorts as pip does: by the name as written, in lower case; equal names stay in the given order.
    pub fn new(mut pins: Vec<Pin>) -> Self {
        pins.sort_by_cached_key(|pin| pin.name.as_written().to_lowercase());
        Self { pins }
    }

    /// The pins in order.
    pub fn pins(&self) -> &[Pin] {
        &self.pins
    }

    /// The first pin of a distribution.
    pub fn get(&self, name: &PackageName) -> Option<&Pin> {
        self.pins.iter().find(|pin| pin.name == *name)
    }

    /// What `pip freeze` prints without `--all` under this Python.
    #[must_use]
    pub fn without_seeds(&self, python: &PythonVersion) -> Self {
        let visible = |pin: &&Pin| !hidden_without_all(&pin.name, python);
        Self { pins: self.pins.iter().filter(visible).cloned().collect() }
    }

    /// The lines of the list.
    pub fn lines(&self) -> Vec<String> {
        self.pins.iter().flat_map(Pin::lines).collect()
    }

    /// The list as a requirements file.
    pub fn to_text(&self) -> String {
        self.lines().iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }
}

/// The address in a dependency, of which it matters only that there is one. (The parser's own type would put the
/// process's variables into it.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SomeAddress;

impl fmt::Display for SomeAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an address")
    }
}

impl Pep508Url for SomeAddress {
    type Err = Infallible;

    fn parse_url(_: &str, _: Option<&Path>) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

/// What a `Requires-Dist` says (PEP 508); `None` where it makes no sense.
pub fn dependency(text: &str) -> Option<Requirement<SomeAddress>> {
    // The grammar is ASCII but for URLs. The parser panics at some texts that are not, and at names that it takes and
    // that are none.
    let is_fit = text.is_ascii() && names_are_whole(text);
    is_fit.then(|| Requirement::from_str(text).ok()).flatten()
}

/// Whether the name that a dependency begins with, and those of the extras behind it, begin and end as names do.
fn names_are_whole(text: &str) -> bool {
    let in_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let goes_on = |c: char| in_name(c) || c.is_ascii_whitespace() || "[],".contains(c);
    let head = text.find(|c| !goes_on(c)).map_or(text, |end| &text[..end]);
    let is_whole = |name: &str| {
        let ends = [name.chars().next(), name.chars().next_back()];
        ends.into_iter().flatten().all(|c| c.is_ascii_alphanumeric())
    };
    head.split(|c| !in_name(c)).all(is_whole)
}

/// Whether `pip freeze` leaves a distribution out unless it is told `--all`: pip itself, and before Python 3.12
/// what every environment was seeded with.
pub fn hidden_without_all(name: &PackageName, python: &PythonVersion) -> bool {
    match name.normalized() {
        "pip" => true,
        "setuptools" | "wheel" | "distribute" => *python < PythonVersion::new(3, 12),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Editable, FrozenRequirements, InvalidVersion, Pin, PinnedVersion, dependency, hidden_without_all,
    };
    use crate::model::direct_url::DirectUrl;
    use crate::model::name::PackageName;
    use crate::model::python_version::PythonVersion;
    use proptest::prelude::{any, prop_assert, proptest};

    fn name(text: &str) -> PackageName {
        PackageName::parse(text).unwrap()
    }

    fn exact(package: &str, version: &str) -> Pin {
        Pin::exact(name(package), version).unwrap()
    }

    #[test]
    fn versions_are_printed_as_pip_prints_them() {
        let line = |version: &str| exact("a", version).requirement();
        assert_eq!(line("1.0"), "a==1.0");
        assert_eq!(line("v1.0-Alpha.1+Local_2"), "a==1.0a1+local.2");
        assert_eq!(line("2023c"), "a==2023rc0");
        assert_eq!(line("1!2.0.post3"), "a==1!2.0.post3");
        assert_eq!(line("0.1-unknown_build"), "a===0.1-unknown_build");
    }

    #[test]
    fn a_version_stays_on_its_line() {
        for text in ["", " ", "1\n-r x", "x; y", "x#y", "x\u{1b}", "x\\"] {
            assert!(matches!(PinnedVersion::parse(text), Err(InvalidVersion { .. })), "{text:?}");
        }
    }

    #[test]
    fn the_order_is_pips() {
        let list = FrozenRequirements::new(vec![
            exact("zope.event", "5"),
            exact("Flask", "3"),
            exact("a", "1"),
            exact("zope-a", "1"),
        ]);
        assert_eq!(list.lines(), ["a==1", "Flask==3", "zope-a==1", "zope.event==5"]);
        assert_eq!(list.get(&name("FLASK")).unwrap().name.as_written(), "Flask");
        assert_eq!(list.to_text(), "a==1\nFlask==3\nzope-a==1\nzope.event==5\n");
    }

    #[test]
    fn origins_and_editables() {
        let origin =
            DirectUrl::parse(br#"{"url":"https://x/a.whl","archive_info":{"hash":"sha256=1"}}"#).unwrap();
        let editable = Editable {
            target: "/home/u/b".to_owned(),
            comments: vec!["# Editable install with no version control (b==1)".to_owned()],
            location: None,
        };
        let list = FrozenRequirements::new(vec![
            Pin::editable(name("b"), editable),
            Pin::direct(name("a"), &origin),
        ]);
        assert_eq!(
            list.lines(),
            [
                "a @ https://x/a.whl#sha256=1",
                "# Editable install with no version control (b==1)",
                "-e /home/u/b"
            ]
        );
    }

    #[test]
    fn a_dependency_that_is_none_is_no_panic() {
        for text in ["Flas-> ki", "a-", "a-;", ".a", "a[b-]", "a[b, c-]>1", "a[-]", "-", "é-", "a- @ x"] {
            assert!(dependency(text).is_none(), "{text}");
        }
        for text in [
            "a",
            "A.b-c_d>=1.0-1",
            "a [b, c.d] (>1)",
            "a[] ; python_version > '3'",
            "a @ file:///x-y- ; extra == 'x-'",
        ] {
            assert!(dependency(text).is_some(), "{text}");
        }
    }

    #[test]
    fn seeds_are_hidden_as_pip_hides_them() {
        let list =
            FrozenRequirements::new(vec![exact("pip", "1"), exact("SetupTools", "2"), exact("six", "3")]);
        assert_eq!(list.without_seeds(&PythonVersion::parse("3.11.9").unwrap()).lines(), ["six==3"]);
        assert_eq!(
            list.without_seeds(&PythonVersion::parse("3.12.0").unwrap()).lines(),
            ["SetupTools==2", "six==3"]
        );
        assert!(!hidden_without_all(&name("uv"), &PythonVersion::new(3, 8)));
    }

    proptest! {
        #[test]
        fn any_dependency_is_read_or_not(text in "[-a-c_.\\[\\],; @<>=()' \t]{0,24}") {
            let _ = dependency(&text);
        }

        #[test]
        fn any_version_gives_one_word_or_an_error(text in any::<String>()) {
            if let Ok(pin) = Pin::exact(name("a"), &text) {
                prop_assert!(!pin.requirement().contains(|c: char| c.is_whitespace() || c.is_control()));
            }
        }
    }
}
