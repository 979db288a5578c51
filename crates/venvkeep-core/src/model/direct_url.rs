//! `direct_url.json`: the origin of a distribution that came from a URL, a checkout or a directory instead of
//! an index (PEP 610; PyPA "Direct URL data structure").
//!
//! The checks and the printed form are those of pip 26's `pip freeze`: a file that fails them is as good as
//! absent, and the distribution freezes to `name==version`. On top, whatever goes into the printed line must
//! be free of blanks, control characters and backslashes, since a blank or a line break would end the requirement
//! and a backslash take in the next one.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::file_url;
use super::name::PackageName;

/// Where a distribution came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectUrl {
    /// As recorded. Installers leave credentials out; show [`DirectUrl::redacted_url`] all the same.
    pub url: String,
    /// What the URL points at.
    pub origin: Origin,
    /// Where in the archive or checkout the project lies.
    pub subdirectory: Option<String>,
}

/// What a direct URL points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A commit of a repository.
    Vcs {
        /// `git`, `hg`, `bzr` or `svn`.
        vcs: String,
        /// The commit that was installed.
        commit_id: String,
        /// The branch, tag or commit that was asked for.
        requested_revision: Option<String>,
    },
    /// A wheel or source archive.
    Archive {
        /// Algorithm and hexadecimal digest, in the order of the file.
        hashes: Vec<(String, String)>,
    },
    /// A directory of this machine.
    Directory {
        /// Whether it is imported from where it lies.
        editable: bool,
    },
}

/// Why a `direct_url.json` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectUrlError {
    /// Not JSON, a required key missing, or a value of the wrong kind.
    #[error("it is not a direct URL record: {0}")]
    Json(#[from] serde_json::Error),
    /// None, or several, of `vcs_info`, `archive_info`, `dir_info`.
    #[error("it must hold exactly one of vcs_info, archive_info and dir_info")]
    Origin,
    /// `archive_info.hash` is not `algorithm=digest`, or disagrees with `archive_info.hashes`.
    #[error("the hash in archive_info is damaged")]
    Hash,
    /// A directory whose URL is not `file:///…`.
    #[error("the URL of a directory must begin with file:///")]
    NotLocal,
    /// Nothing to fetch it from: empty, or what an installer would take for an option.
    #[error("the URL has no scheme")]
    NoUrl,
    /// A blank, a control character or a backslash in what would be printed.
    #[error("{field} contains a blank, a control character or a backslash")]
    Unprintable {
        /// The key.
        field: &'static str,
    },
}

#[derive(Deserialize)]
struct Document {
    url: String,
    subdirectory: Option<String>,
    vcs_info: Option<VcsInfo>,
    archive_info: Option<ArchiveInfo>,
    dir_info: Option<DirInfo>,
}

#[derive(Deserialize)]
struct VcsInfo {
    vcs: String,
    commit_id: String,
    requested_revision: Option<String>,
}

#[derive(Deserialize)]
struct ArchiveInfo {
    hash: Option<String>,
    hashes: Option<Pairs>,
}

#[derive(Deserialize)]
struct DirInfo {
    editable: Option<bool>,
}

/// A JSON object of strings in the order of the file: the first hash is the one that is printed.
struct Pairs(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

impl ArchiveInfo {
    /// The older `hash` key stands in for missing `hashes`, and must agree with them otherwise.
    fn into_hashes(self) -> Result<Vec<(String, String)>, DirectUrlError> {
        let Some(legacy) = self.hash else {
            return Ok(self.hashes.map(|pairs| pairs.0).unwrap_or_default());
        };
        let (algorithm, digest) = legacy.split_once('=').ok_or(DirectUrlError::Hash)?;
        let legacy = (algorithm.to_owned(), digest.to_owned());
        match self.hashes {
            None => Ok(vec![legacy]),
            Some(Pairs(hashes)) if hashes.contains(&legacy) => Ok(hashes),
            Some(_) => Err(DirectUrlError::Hash),
        }
    }
}

impl DirectUrl {
    /// Reads the file's bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, DirectUrlError> {
        let document: Document = serde_json::from_slice(bytes)?;
        let origin = match (document.vcs_info, document.archive_info, document.dir_info) {
            (Some(VcsInfo { vcs, commit_id, requested_revision }), None, None) => {
                Origin::Vcs { vcs, commit_id, requested_revision }
            }
            (None, Some(archive), None) => Origin::Archive { hashes: archive.into_hashes()? },
            (None, None, Some(directory)) => {
                Origin::Directory { editable: directory.editable.unwrap_or_default() }
            }
            _ => return Err(DirectUrlError::Origin),
        };
        let direct_url = Self { url: document.url, origin, subdirectory: document.subdirectory };
        direct_url.check()?;
        Ok(direct_url)
    }

    fn check(&self) -> Result<(), DirectUrlError> {
        if !self.url.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return Err(DirectUrlError::NoUrl);
        }
        if matches!(self.origin, Origin::Directory { .. }) && self.local_path().is_none() {
            return Err(DirectUrlError::NotLocal);
        }
        let mut printed = vec![("url", self.url.as_str())];
        printed.extend(self.subdirectory.as_deref().map(|text| ("subdirectory", text)));
        match &self.origin {
            Origin::Vcs { vcs, commit_id, .. } => {
                printed.extend([("vcs", vcs.as_str()), ("commit_id", commit_id)]);
            }
            Origin::Archive { hashes } => {
                printed.extend(
                    hashes.iter().flat_map(|(name, digest)| [("hashes", name.as_str()), ("hashes", digest)]),
                );
            }
            Origin::Directory { .. } => {}
        }
        // A backslash at its end would join a line with the next one; in no URL it stands for itself.
        let breaks_the_line = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
        match printed.into_iter().find(|(_, text)| text.contains(breaks_the_line)) {
            Some((field, _)) => Err(DirectUrlError::Unprintable { field }),
            None => Ok(()),
        }
    }

    /// The requirement as `pip freeze` prints it: `name @ url`, with the commit, the first hash and the
    /// subdirectory.
    pub fn to_requirement(&self, name: &PackageName) -> String {
        format!("{} @ {}", name.as_written(), self.to_reference())
    }

    /// What stands behind the `@`: a URL that an installer takes.
    pub fn to_reference(&self) -> String {
        let (mut text, hash) = match &self.origin {
            Origin::Vcs { vcs, commit_id, .. } => (format!("{vcs}+{}@{commit_id}", self.url), None),
            Origin::Archive { hashes } => (self.url.clone(), hashes.first()),
            Origin::Directory { .. } => (self.url.clone(), None),
        };
        let hash = hash.map(|(algorithm, digest)| format!("{algorithm}={digest}"));
        let subdirectory = self.subdirectory.as_deref().filter(|text| !text.is_empty());
        let subdirectory = subdirectory.map(|path| format!("subdirectory={path}"));
        let fragments: Vec<String> = hash.into_iter().chain(subdirectory).collect();
        if !fragments.is_empty() {
            text.push('#');
            text.push_str(&fragments.join("&"));
        }
        text
    }

    /// Whether the distribution is imported from a directory of this machine (`pip install -e DIR`).
    pub fn is_editable(&self) -> bool {
        self.origin == Origin::Directory { editable: true }
    }

    /// The path that a `file:///…` URL means, percent signs decoded; `None` for every other URL.
    pub fn local_path(&self) -> Option<PathBuf> {
        file_url::to_path(&self.url)
    }

    /// The URL without user and password, for showing. Kept as PEP 610 allows: `git@`, and what names
    /// environment variables (`${USER}:${TOKEN}@`).
    pub fn redacted_url(&self) -> String {
        let Some((scheme, rest)) = self.url.split_once("://") else {
            return self.url.clone();
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        match authority.rsplit_once('@') {
            Some((secret, host)) if secret != "git" && !names_variables(secret) => {
                format!("{scheme}://{host}{path}")
            }
            _ => self.url.clone(),
        }
    }
}

/// `${NAME}` or `${NAME}:${NAME}`.
fn names_variables(text: &str) -> bool {
    let allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    let is_variable = |part: &str| {
        let name = part.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        name.is_some_and(|name| !name.is_empty() && name.chars().all(allowed))
    };
    text.split(':').count() <= 2 && text.split(':').all(is_variable)
}

#[cfg(test)]
mod tests {
    use super::{DirectUrl, DirectUrlError, Origin};
    use crate::model::name::PackageName;
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use std::path::Path;

    fn frozen(json: &str) -> String {
        let direct_url = DirectUrl::parse(json.as_bytes()).unwrap();
        direct_url.to_requirement(&PackageName::parse("My_Pkg").unwrap())
    }

    fn error(json: &str) -> DirectUrlError {
        DirectUrl::parse(json.as_bytes()).unwrap_err()
    }

    #[test]
    fn lines_as_pip_prints_them() {
        assert_eq!(
            frozen(
                r#"{"url":"https://x/r.git","vcs_info":{"vcs":"git","commit_id":"abc"},"subdirectory":"a/b"}"#
            ),
            "My_Pkg @ git+https://x/r.git@abc#subdirectory=a/b"
        );
        assert_eq!(
            frozen(
                r#"{"url":"https://x/a.whl","archive_info":{"hash":"sha256=1","hashes":{"sha512":"2","sha256":"1"}}}"#
            ),
            "My_Pkg @ https://x/a.whl#sha512=2"
        );
        assert_eq!(
            frozen(r#"{"url":"https://x/a.whl","archive_info":{"hash":"sha256=1"},"subdirectory":"s"}"#),
            "My_Pkg @ https://x/a.whl#sha256=1&subdirectory=s"
        );
        assert_eq!(frozen(r#"{"url":"file:///a","dir_info":{}}"#), "My_Pkg @ file:///a");
        assert_eq!(
            frozen(r#"{"url":"file:///a.whl","archive_info":{},"vcs_info":null}"#),
            "My_Pkg @ file:///a.whl"
        );
    }

    #[test]
    fn what_pip_ignores_is_an_error() {
        assert!(matches!(error("[]"), DirectUrlError::Json(_)));
        assert!(matches!(error(r#"{"url":1,"dir_info":{}}"#), DirectUrlError::Json(_)));
        assert!(matches!(error(r#"{"url":"x"}"#), DirectUrlError::Origin));
        assert!(matches!(
            error(r#"{"url":"file:///x","dir_info":{},"archive_info":{}}"#),
            DirectUrlError::Origin
        ));
        assert!(matches!(error(r#"{"url":"x","archive_info":{"hash":"y"}}"#), DirectUrlError::Hash));
        assert!(matches!(
            error(r#"{"url":"x","archive_info":{"hash":"a=1","hashes":{"a":"2"}}}"#),
            DirectUrlError::Hash
        ));
        assert!(matches!(error(r#"{"url":"https://x/a","dir_info":{}}"#), DirectUrlError::NotLocal));
        assert!(matches!(
            error("{\"url\":\"x\\n--index-url=y\",\"archive_info\":{}}"),
            DirectUrlError::Unprintable { field: "url" }
        ));
        assert!(matches!(
            error(r#"{"url":"https://x/a\\","archive_info":{}}"#),
            DirectUrlError::Unprintable { field: "url" }
        ));
        for url in ["", "--index-url=x"] {
            let record = format!(r#"{{"url":"{url}","archive_info":{{}}}}"#);
            assert!(matches!(error(&record), DirectUrlError::NoUrl));
        }
    }

    #[test]
    fn editables_and_their_place() {
        let json = br#"{"url":"file:///home/u/my%20pkg%","dir_info":{"editable":true}}"#;
        let direct_url = DirectUrl::parse(json).unwrap();
        assert!(direct_url.is_editable());
        assert_eq!(direct_url.local_path().as_deref(), Some(Path::new("/home/u/my pkg%")));
    }

    #[test]
    fn credentials_are_not_shown() {
        let shown = |url: &str| {
            let origin = Origin::Archive { hashes: Vec::new() };
            DirectUrl { url: url.to_owned(), origin, subdirectory: None }.redacted_url()
        };
        assert_eq!(shown("https://me:pa@ss@host/x@y"), "https://host/x@y");
        assert_eq!(shown("ssh://git@host/x"), "ssh://git@host/x");
        assert_eq!(shown("https://${A}:${B}@host/x"), "https://${A}:${B}@host/x");
        assert_eq!(shown("https://${A}:b@host?q"), "https://host?q");
        assert_eq!(shown("nonsense@x"), "nonsense@x");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..200)) {
            let _ = DirectUrl::parse(&bytes);
        }

        #[test]
        fn any_url_gives_one_line_or_an_error(url in any::<String>()) {
            let json = serde_json::json!({"url": url, "archive_info": {}}).to_string();
            if let Ok(direct_url) = DirectUrl::parse(json.as_bytes()) {
                let _ = (direct_url.redacted_url(), direct_url.local_path());
                let line = direct_url.to_requirement(&PackageName::parse("a").unwrap());
                prop_assert_eq!(line.lines().count(), 1);
                prop_assert!(!line.contains(char::is_control));
            }
        }
    }
}
