//! What each row of a RECORD means for taking an installed distribution over into another environment: what is copied
//! as it is, what is made anew, and what comes along by itself.

use std::path::Path;

use memchr::memmem;

use super::entry_points::{EntryPoint, EntryPoints};
use super::python_version::PythonVersion;
use super::record::{RecordHash, RecordRow};

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// RECORD itself, written anew.
    OwnRecord,
    /// Bytecode, or the directory it lies in: goes with its source.
    Bytecode,
    /// A script that an entry point asks for, under this name: generated anew.
    Script(EntryPoint),
    /// Anything else: copied.
    File,
}

/// Small files that installers write about their own work; virtualenv lists them without a hash.
const INSTALLERS_OWN: [&str; 5] = ["INSTALLER", "REQUESTED", "direct_url.json", "RECORD.jws", "RECORD.p7s"];

/// What is needed to tell the parts of one distribution apart.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// Its `.dist-info`, relative to the prefix.
    pub info: &'a Path,
    /// Its commands.
    pub entries: &'a EntryPoints,
    /// The version of Python it was installed for, as its directory says it.
    pub python: Option<PythonVersion>,
}

impl Parts<'_> {
    /// What the row of this file (relative to the prefix) is about.
    pub fn part(&self, row: &RecordRow, path: &Path) -> Part {
        let named = memmem::find(path.as_os_str().as_encoded_bytes(), b"__pycache__").is_some();
        let in_cache = named && path.iter().any(|name| name == "__pycache__");
        if in_cache || (row.is_bytecode() && row.hash.is_none()) {
            return Part::Bytecode;
        }
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match path.parent() {
            Some(parent) if parent == self.info && name == "RECORD" => Part::OwnRecord,
            Some(parent) if parent == Path::new("bin") => self.entry(name).map_or(Part::File, Part::Script),
            _ => Part::File,
        }
    }

    /// Whether a file can be told from an altered one, or is one of those that nothing depends on.
    pub fn is_verifiable(&self, row: &RecordRow, path: &Path) -> bool {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let installers_own = INSTALLERS_OWN.contains(&name) && path.parent() == Some(self.info);
        // An empty file beside the `.dist-info`: `pip-23.0.1.virtualenv`.
        let seeders_own = name.ends_with(".virtualenv") && path.parent() == self.info.parent();
        matches!(row.hash, Some(RecordHash::Known { .. })) || installers_own || seeders_own
    }

    /// The command behind a script's name; `pip3.11` and virtualenv's `pip-3.11` are further names of `pip`.
    fn entry(&self, name: &str) -> Option<EntryPoint> {
        let all = || self.entries.console.iter().chain(&self.entries.gui);
        let named = |wanted: &str| all().find(|entry| entry.name == wanted);
        let entry = named(name).or_else(|| named(stem(name)))?;
        Some(EntryPoint { name: name.to_owned(), ..entry.clone() })
    }

    /// A script's name in an environment of another version of Python: `pip3.11` becomes `pip3.12`.
    pub fn renamed(&self, name: &str, python: PythonVersion) -> String {
        let is_alias = stem(name) != name && self.entry(stem(name)).is_some();
        let old = self.python.map(|old| format!("{}.{}", old.major, old.minor)).filter(|_| is_alias);
        match old.and_then(|old| name.strip_suffix(&old).map(str::to_owned)) {
            Some(start) => format!("{start}{}.{}", python.major, python.minor),
            None => name.to_owned(),
        }
    }
}

/// A name without the version behind it.
fn stem(name: &str) -> &str {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let stem = if stem.len() < name.len() { stem.strip_suffix('-').unwrap_or(stem) } else { stem };
    if stem.is_empty() { name } else { stem }
}

#[cfg(test)]
mod tests {
    use super::{EntryPoints, Part, Parts, Path, PythonVersion, RecordHash, RecordRow};

    const ENTRIES: &[u8] =
        b"[console_scripts]\npip = pip:main\nblack3.11 = b:main\n[gui_scripts]\nshow = s:main\n";

    fn row(path: &str, hash: Option<&str>) -> RecordRow {
        RecordRow { path: path.to_owned(), hash: hash.and_then(RecordHash::parse), size: None }
    }

    fn with_parts<T>(look: impl Fn(&Parts<'_>) -> T) -> T {
        let entries = EntryPoints::parse(ENTRIES);
        let python = Some(PythonVersion::new(3, 11));
        look(&Parts { info: Path::new("lib/s/pip-1.dist-info"), entries: &entries, python })
    }

    #[test]
    fn rows_are_told_apart() {
        let hash = "sha256=NE3CDTMpSvCvwwesSgySL9R0kBb75wDzWeFlB4piYeU";
        with_parts(|parts| {
            let part = |path: &str, hash| parts.part(&row(path, hash), Path::new(path));
            assert_eq!(part("lib/s/pip-1.dist-info/RECORD", None), Part::OwnRecord);
            assert_eq!(part("lib/s/other-1.dist-info/RECORD", Some(hash)), Part::File);
            assert_eq!(part("lib/s/__pycache__/a.cpython-311.pyc", Some(hash)), Part::Bytecode);
            assert_eq!(part("lib/s/a.pyc", None), Part::Bytecode);
            assert_eq!(part("lib/s/only_bytecode.pyc", Some(hash)), Part::File);
            for script in ["pip", "pip3", "pip3.11", "pip-3.11", "show"] {
                let found = part(&format!("bin/{script}"), None);
                assert!(matches!(&found, Part::Script(entry) if entry.name == script), "{found:?}");
            }
            assert_eq!(part("bin/pipx", Some(hash)), Part::File);
            assert_eq!(part("lib/s/pip", Some(hash)), Part::File);
        });
    }

    #[test]
    fn versioned_names_follow_the_version() {
        with_parts(|parts| {
            let renamed = |name: &str| parts.renamed(name, PythonVersion::new(3, 12));
            assert_eq!(renamed("pip3.11"), "pip3.12");
            assert_eq!(renamed("pip-3.11"), "pip-3.12");
            assert_eq!(renamed("pip3"), "pip3");
            assert_eq!(renamed("pip3.9"), "pip3.9", "not the version of the environment");
            assert_eq!(renamed("black3.11"), "black3.11", "the command's own name");
        });
    }

    #[test]
    fn what_has_no_hash_cannot_be_verified() {
        let hash = "sha256=NE3CDTMpSvCvwwesSgySL9R0kBb75wDzWeFlB4piYeU";
        with_parts(|parts| {
            let verifiable = |path: &str, hash| parts.is_verifiable(&row(path, hash), Path::new(path));
            assert!(verifiable("lib/s/a.py", Some(hash)));
            assert!(verifiable("lib/s/pip-1.dist-info/INSTALLER", None));
            assert!(verifiable("lib/s/pip-1.virtualenv", None));
            assert!(!verifiable("lib/s/a.py", None));
            assert!(!verifiable("lib/s/a.py", Some("md5=abc")));
            assert!(!verifiable("lib/s/INSTALLER", None));
        });
    }
}
