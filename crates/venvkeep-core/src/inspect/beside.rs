//! What venvkeep itself left beside an environment.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::host::fs::{self, Directory};
use crate::model::facts::Kind;
use crate::model::prefix::Prefix;
use crate::model::siblings::{SiblingKind, classify, kept_time};

use super::snapshot::Sibling;

/// Kept old trees, and what a heal that was cut off left; in order of name. Nothing where the directory cannot be
/// listed: nobody could have built there either.
pub fn siblings(prefix: &Prefix) -> Vec<Sibling> {
    let names = Directory::open(prefix.parent()).and_then(|parent| parent.names());
    let mut names = names.unwrap_or_default();
    names.sort_unstable();
    let ours = names.iter().map(|name| OsStr::from_bytes(name)).filter_map(|name| {
        let path = prefix.parent().join(name);
        match classify(prefix, name)? {
            SiblingKind::Kept => Some(Sibling::Kept(path)),
            SiblingKind::Stage | SiblingKind::Journal => Some(Sibling::Interrupted(path)),
        }
    });
    ours.collect()
}

/// An old tree that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Where.
    pub path: PathBuf,
    /// Since when.
    pub since: SystemTime,
    /// The time in its name, as a number, and what tells several of one second apart.
    order: (SystemTime, u32),
}

impl Kept {
    /// For how long, at `now`.
    pub fn age(&self, now: SystemTime) -> Duration {
        now.duration_since(self.since).unwrap_or_default()
    }
}

/// The kept old trees of an environment, the newest first.
pub fn kept(prefix: &Prefix) -> Vec<Kept> {
    let mut kept: Vec<_> = siblings(prefix)
        .into_iter()
        .filter_map(|sibling| match sibling {
            Sibling::Kept(path) => one(prefix, path),
            Sibling::Interrupted(_) => None,
        })
        .collect();
    kept.sort_by_key(|one| std::cmp::Reverse(one.order));
    kept
}

fn one(prefix: &Prefix, path: PathBuf) -> Option<Kept> {
    let facts = fs::lstat(&path).ok().filter(|facts| facts.kind == Kind::Directory)?;
    let (since, again) = path
        .file_name()
        .and_then(|name| time_of(kept_time(prefix, name)?))
        .unwrap_or_else(|| (modified(facts.modified_ns), 0));
    Some(Kept { path, since, order: (since, again) })
}

/// Reads `20261121-091500`, local time, and the number behind it where several trees are of one second.
fn time_of(name: &str) -> Option<(SystemTime, u32)> {
    const STAMP: usize = "20261121-091500".len();
    let (stamp, again) = name.split_at_checked(STAMP)?;
    let again = match again.strip_prefix('-') {
        Some(number) => number.parse().ok()?,
        None if again.is_empty() => 1,
        None => return None,
    };
    let civil = jiff::civil::DateTime::strptime("%Y%m%d-%H%M%S", stamp).ok()?;
    let zoned = civil.to_zoned(jiff::tz::TimeZone::system()).ok()?;
    Some((SystemTime::from(zoned.timestamp()), again))
}

fn modified(nanoseconds: i128) -> SystemTime {
    let since = u64::try_from(nanoseconds).map(Duration::from_nanos).unwrap_or_default();
    SystemTime::UNIX_EPOCH + since
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Prefix, fs, kept, time_of};

    #[test]
    fn the_newest_comes_first_by_its_name_and_not_by_the_trees_own_time() {
        let directory = tempfile::tempdir().unwrap();
        let prefix = Prefix::new(fs::physical(directory.path()).unwrap().join(".venv")).unwrap();
        for time in ["20250101-000000", "20261121-091500-10", "20261121-091500", "20261121-091500-2"] {
            fs::create_dir(&prefix.parent().join(format!(".venv.venvkeep-old-{time}")), 0o755).unwrap();
        }
        fs::create_file(&prefix.parent().join(".venv.venvkeep-old-20990101-000000"), 0o644, b"").unwrap();
        let names: Vec<_> = kept(&prefix).iter().map(|one| one.path.to_string_lossy().into_owned()).collect();
        let ends = ["091500-10", "091500-2", "091500", "000000"];
        assert_eq!(names.len(), ends.len(), "a file is no tree: {names:?}");
        assert!(names.iter().zip(ends).all(|(name, end)| name.ends_with(end)), "{names:?}");
    }

    #[test]
    fn ages_come_from_the_name() {
        let at = |name| time_of(name).unwrap().0;
        let day = at("20261121-091500").duration_since(at("20261120-091500")).unwrap();
        assert_eq!(day, Duration::from_secs(24 * 60 * 60));
        for name in ["", "t", "20261321-091500", "20261121-091500x", "20261121-091500-x", "2026112é-091500"]
        {
            assert_eq!(time_of(name), None, "{name}");
        }
    }
}
