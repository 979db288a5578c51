//! Package names: as somebody wrote them, compared as the index compares them.
//!
//! PEP 503 makes `Markdown_It.py` and `markdown-it-py` one project; PEP 508 says which texts are names at
//! all. Names reach us from directories and files that may be hostile, and leave us on command lines and
//! terminals: [`PackageName`] is the proof that a text is a name, so that no option (`--index-url=…`), path,
//! control character or line break travels further under that title.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest name accepted, in bytes: what a directory entry can hold.
const MAX_LENGTH: usize = 255;

/// A project's name. Displays as written; equality, order and hash use the PEP 503 form.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PackageName {
    written: String,
    normalized: String,
}

/// The text is not a name by PEP 508's grammar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{shown}\" is not a package name (letters, digits, \".\", \"_\" and \"-\", with a letter or digit first and last)"
)]
pub struct InvalidName {
    /// The beginning of the text with control characters escaped: safe to print.
    pub shown: String,
}

impl PackageName {
    /// Accepts exactly the names of PEP 508: ASCII letters, digits, `.`, `_`, `-`, with a letter or digit at
    /// both ends, at most 255 bytes.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let bytes = text.as_bytes();
        let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
        let valid =
            bytes.len() <= MAX_LENGTH && edge(bytes.first()) && edge(bytes.last()) && bytes.iter().all(inner);
        if !valid {
            return Err(InvalidName { shown: text.chars().take(80).flat_map(char::escape_debug).collect() });
        }
        Ok(Self { written: text.to_owned(), normalized: normalize(text) })
    }

    /// The name as it was written, as `pip freeze` prints it.
    pub fn as_written(&self) -> &str {
        &self.written
    }

    /// The PEP 503 form: lower case, runs of `.`, `_` and `-` as one `-`.
    pub fn normalized(&self) -> &str {
        &self.normalized
    }
}

/// PEP 503: `[-_.]+` becomes `-`, letters lower case.
fn normalize(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if !matches!(character, '-' | '_' | '.') {
            out.push(character.to_ascii_lowercase());
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    out
}

impl PartialEq for PackageName {
    fn eq(&self, other: &Self) -> bool {
        self.normalized == other.normalized
    }
}

impl Eq for PackageName {}

impl PartialOrd for PackageName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PackageName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.normalized.cmp(&other.normalized)
    }
}

impl Hash for PackageName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.normalized.hash(state);
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.written)
    }
}

impl FromStr for PackageName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::parse(text)
    }
}

impl TryFrom<String> for PackageName {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        Self::parse(&text)
    }
}

impl From<PackageName> for String {
    fn from(name: PackageName) -> Self {
        name.written
    }
}

#[cfg(test)]
mod tests {
    use super::PackageName;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    #[test]
    fn spelling_does_not_make_another_name() {
        let one = PackageName::parse("Markdown_It..py").unwrap();
        let other = PackageName::parse("markdown-it-py").unwrap();
        assert_eq!(one, other);
        assert_eq!(one.normalized(), "markdown-it-py");
        assert_eq!(one.to_string(), "Markdown_It..py");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", "-r", "--index-url=x", "a b", "a\n", "../a", "_a", "a-", "é", "a;b"] {
            assert!(PackageName::parse(text).is_err(), "{text:?}");
        }
        assert!(PackageName::parse(&"a".repeat(256)).is_err());
    }

    #[test]
    fn a_refusal_is_safe_to_print() {
        let refusal = PackageName::parse("x\u{1b}[2J\ny").unwrap_err();
        assert!(!refusal.to_string().chars().any(char::is_control));
    }

    #[test]
    fn json_is_the_written_form_and_is_checked() {
        let name: PackageName = serde_json::from_str("\"Flask\"").unwrap();
        assert_eq!(serde_json::to_string(&name).unwrap(), "\"Flask\"");
        assert!(serde_json::from_str::<PackageName>("\"-e\"").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_judged_without_panic(text in any::<String>()) {
            if let Ok(name) = PackageName::parse(&text) {
                prop_assert_eq!(name.as_written(), &text);
            }
        }

        #[test]
        fn normalising_twice_changes_nothing(text in "[A-Za-z0-9][A-Za-z0-9._-]{0,20}[A-Za-z0-9]") {
            let name = PackageName::parse(&text).unwrap();
            let again = PackageName::parse(name.normalized()).unwrap();
            prop_assert_eq!(&again, &name);
            prop_assert_eq!(again.normalized(), name.normalized());
            prop_assert!(!name.normalized().contains("--"));
        }
    }
}
