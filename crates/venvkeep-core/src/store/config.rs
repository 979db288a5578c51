//! What the user has settled once and for all: `config.toml` in venvkeep's configuration directory.
//!
//! ```toml
//! trusted-owners = ["linuxbrew"]          # accounts whose Pythons and environments are as good as root's
//!
//! [scan]
//! ignore = ["~/datasets", "node_modules"] # a path, or the name of directories anywhere
//! ```

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use crate::host::credentials;
use crate::host::fs::{self, IoError};
use crate::model::owner::{ROOT, Viewer};

/// The file's name.
const FILE: &str = "config.toml";

/// People write it by hand.
const LONGEST: u64 = 1024 * 1024;

/// The user's settings.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Numbers of accounts whose files are trusted like root's.
    pub trusted_owners: Vec<u32>,
    /// Names in `trusted-owners` that no account here has.
    pub unknown_accounts: Vec<String>,
    /// What `scan` leaves out.
    pub ignored: Ignored,
}

/// Directories that `scan` never looks into.
#[derive(Debug, Clone, Default)]
pub struct Ignored {
    names: Vec<OsString>,
    paths: Vec<PathBuf>,
}

impl Ignored {
    /// Whether the directory `name` in `above` is one of them.
    pub fn holds(&self, above: &Path, name: &OsStr) -> bool {
        let is_path = |path: &PathBuf| path.file_name() == Some(name) && path.parent() == Some(above);
        self.names.iter().any(|one| one == name) || self.paths.iter().any(is_path)
    }

    /// Whether a path lies in one of them, or is one.
    pub fn holds_any(&self, path: &Path) -> bool {
        let is_held = |at: &Path| Some(self.holds(at.parent()?, at.file_name()?));
        path.ancestors().any(|at| is_held(at).unwrap_or(false))
    }

    fn add(&mut self, written: &str, home: Option<&Path>) -> Result<(), String> {
        let path = match (written.strip_prefix("~/"), home) {
            (Some(inside), Some(home)) => Some(home.join(inside)),
            _ => written.starts_with('/').then(|| PathBuf::from(written)),
        };
        let name = written.strip_suffix('/').unwrap_or(written);
        if let Some(path) = path {
            // Without `.` and a slash at the end; and where links lead, since that is how directories are gone through.
            let plain: PathBuf = path.components().collect();
            self.paths.push(fs::physical(&plain).unwrap_or(plain));
            return Ok(());
        }
        if name.is_empty() || name.contains(['/', '~']) {
            return Err(format!(
                "\"{written}\" in ignore is neither a name nor a path that begins with / or ~/"
            ));
        }
        if name.contains(['*', '?', '[']) {
            return Err(format!(
                "\"{written}\" in ignore is a pattern: only whole names and paths are understood"
            ));
        }
        self.names.push(name.into());
        Ok(())
    }
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] IoError),
    /// Others could have written it, and it says whom to trust.
    #[error("others than you can change {}: it may say whom to trust", .part.display())]
    Foreign {
        /// The file.
        file: PathBuf,
        /// What they can change: the file, or a directory that it lies in.
        part: PathBuf,
    },
    /// It is not what it should be, with the reason and the place in words.
    #[error("{} cannot be understood: {why}", .path.display())]
    Garbled {
        /// The file.
        path: PathBuf,
        /// In words.
        why: String,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Written {
    trusted_owners: Vec<Spanned<String>>,
    scan: WrittenScan,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenScan {
    ignore: Vec<Spanned<String>>,
}

/// Reads the settings in that directory; none where there is no such file.
pub fn read(directory: &Path, home: Option<&Path>, viewer: &Viewer) -> Result<Config, ConfigError> {
    let path = directory.join(FILE);
    if fs::lstat_if_any(&path)?.is_none() {
        return Ok(Config::default());
    }
    // Whoever keeps such files in a repository links them into place. Who can write a directory can put another file there.
    let file = fs::physical(&path)?;
    for part in [Some(directory), file.parent(), Some(&file)].into_iter().flatten() {
        let facts = fs::stat(part)?;
        if facts.uid != viewer.uid && facts.uid != ROOT || viewer.others_can_write(&facts) {
            return Err(ConfigError::Foreign { file: path, part: part.to_owned() });
        }
    }
    let path = file;
    let content = fs::read_bounded(&path, LONGEST)?;
    parse(&String::from_utf8_lossy(&content), (path, home), credentials::user_number)
}

fn parse(
    text: &str,
    (path, home): (PathBuf, Option<&Path>),
    number: impl Fn(&str) -> Option<u32>,
) -> Result<Config, ConfigError> {
    let line = |at: usize| text[..at].matches('\n').count() + 1;
    let written: Written = match toml::from_str(text) {
        Ok(written) => written,
        Err(error) => {
            let place = error
                .span()
                .map(|span| line(span.start))
                .map(|line| format!(" (line {line})"))
                .unwrap_or_default();
            return Err(ConfigError::Garbled { path, why: format!("{}{place}", error.message()) });
        }
    };
    let mut config = Config::default();
    for name in written.trusted_owners.into_iter().map(Spanned::into_inner) {
        match number(&name).or_else(|| name.parse().ok()) {
            Some(uid) => config.trusted_owners.push(uid),
            // Settings are shared between machines, and not every machine has every account.
            None => config.unknown_accounts.push(name),
        }
    }
    for one in written.scan.ignore {
        if let Err(why) = config.ignored.add(one.get_ref(), home) {
            return Err(ConfigError::Garbled {
                path,
                why: format!("{why} (line {})", line(one.span().start)),
            });
        }
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::path::Path;

    use super::{ConfigError, parse};

    fn read(text: &str) -> Result<super::Config, ConfigError> {
        let number = |name: &str| (name == "linuxbrew").then_some(990);
        parse(text, ("/c/config.toml".into(), Some(Path::new("/home/ana"))), number)
    }

    #[test]
    fn settings_are_understood() {
        let text = "trusted-owners = [\"linuxbrew\"]\n[scan]\nignore = [\"node_modules/\", \"~/data/\", \"/srv/x\"]\n";
        let config = read(text).unwrap();
        assert_eq!(config.trusted_owners, [990]);
        assert_eq!(read("trusted-owners = [\"1234\"]").unwrap().trusted_owners, [1234], "a number will do");
        let holds = |above: &str, name: &str| config.ignored.holds(Path::new(above), OsStr::new(name));
        assert!(holds("/anywhere", "node_modules"));
        assert!(holds("/home/ana", "data") && holds("/srv", "x"));
        assert!(
            config.ignored.holds_any(Path::new("/srv/x/y/z"))
                && !config.ignored.holds_any(Path::new("/srv/y"))
        );
        assert!(!holds("/home/bob", "data") && !holds("/srv/x", "y"));
        assert!(read("").unwrap().trusted_owners.is_empty());
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let why = |text: &str| read(text).unwrap_err().to_string();
        assert!(why("\n\ntrusted = 1\n").contains("line 3"), "{}", why("\n\ntrusted = 1\n"));
        assert!(why("trusted-owners = \"root\"").contains("cannot be understood"));
        assert!(why("[scan]\nignore = [\n\"x\",\n\"a/b\"]").contains("\"a/b\" in ignore is neither"));
        assert!(why("[scan]\nignore = [\n\"x\",\n\"a/b\"]").ends_with("(line 4)"));
        assert!(why("[scan]\nignore = [\"dat*\"]").contains("pattern"));
        assert_eq!(read("trusted-owners = [\"nobody-here\"]").unwrap().unknown_accounts, ["nobody-here"]);
    }
}
