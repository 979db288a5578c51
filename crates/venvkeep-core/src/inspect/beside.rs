//! What venvkeep itself left beside an environment.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::host::fs::{self, Directory};
use crate::model::facts::Kind;
use crate::model::prefix::Prefix;
use crate::model::siblings::{SiblingKind, classify, journal_name, kept_time};

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

/// Whether something lies beside an environment that a run which was cut off left, or one at work uses.
pub fn is_unsettled(prefix: &Prefix) -> bool {
    siblings(prefix).iter().any(|sibling| matches!(sibling, Sibling::Interrupted(_)))
}

/// Whether there is a journal, which a run that was cut off left or one at work uses: what can be settled. A stage alone
/// cannot, since nobody knows whose it is.
pub fn has_journal(prefix: &Prefix) -> bool {
    matches!(fs::lstat_if_any(&prefix.parent().join(journal_name(prefix))), Ok(Some(_)))
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

/// The time for the name of a tree that is kept from now on, so that it is newer than every other by name: `time` (as
/// [`stamp`] gives it), unless a tree of this second is kept already or the clock was set back.
pub fn time_after_all(prefix: &Prefix, time: &str) -> String {
    match (time_of(time), kept(prefix).first()) {
        (Some(now), Some(newest)) if newest.order >= now => {
            let (since, again) = newest.order;
            format!("{}-{}", stamp(since), again + 1)
        }
        _ => time.to_owned(),
    }
}

/// A time as it stands in the names of kept trees: `20261121-091500`, in UTC, so that trees that were kept in
/// different time zones (a container's and its host's) are in the order of time.
pub fn stamp(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).unwrap_or_default().strftime("%Y%m%d-%H%M%S").to_string()
}

/// A time for people: `2026-11-21 09:15:00Z`.
pub fn readable(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).unwrap_or_default().strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Reads `20261121-091500`, in UTC, and the number behind it where several trees are of one second.
fn time_of(name: &str) -> Option<(SystemTime, u32)> {
    const STAMP: usize = "20261121-091500".len();
    let (stamp, again) = name.split_at_checked(STAMP)?;
    let again = match again.strip_prefix('-') {
        Some(number) => number.parse().ok()?,
        None if again.is_empty() => 1,
        None => return None,
    };
    let civil = jiff::civil::DateTime::strptime("%Y%m%d-%H%M%S", stamp).ok()?;
    let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some((SystemTime::from(zoned.timestamp()), again))
}

/// A time as entries of a tree have it.
pub(crate) fn modified(nanoseconds: i64) -> SystemTime {
    let since = u64::try_from(nanoseconds).map(Duration::from_nanos).unwrap_or_default();
    SystemTime::UNIX_EPOCH + since
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Prefix, fs, kept, stamp, time_after_all, time_of};

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
    fn what_is_kept_next_is_always_the_newest() {
        let directory = tempfile::tempdir().unwrap();
        let prefix = Prefix::new(fs::physical(directory.path()).unwrap().join(".venv")).unwrap();
        let mut expected = Vec::new();
        // The second one is of the same second, for the last one the clock was set back.
        for time in ["20261121-091500", "20261121-091500", "20261121-081500"] {
            let time = time_after_all(&prefix, time);
            fs::create_dir(&prefix.parent().join(format!(".venv.venvkeep-old-{time}")), 0o755).unwrap();
            expected.insert(0, time);
            let newest = kept(&prefix).into_iter().map(|one| one.path.to_string_lossy().into_owned());
            assert!(newest.zip(&expected).all(|(path, time)| path.ends_with(time)), "{expected:?}");
        }
        assert_eq!(expected, ["20261121-091500-3", "20261121-091500-2", "20261121-091500"]);
        assert_eq!(stamp(time_of("20261121-091500").unwrap().0), "20261121-091500");
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
