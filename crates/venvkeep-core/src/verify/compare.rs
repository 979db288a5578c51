//! Whether each distribution has the same bytes as before: its old RECORD against its new one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::host::fs::Directory;
use crate::inspect::snapshot::Snapshot;
use crate::model::distribution::{Distribution, RecordState};
use crate::model::record::{RecordHash, RecordLimits, RecordPlace, RecordRows};

/// As large as a RECORD gets in an environment of hundreds of distributions, many times over.
const LIMITS: RecordLimits = RecordLimits { bytes: 256 * 1024 * 1024, rows: 2_000_000 };

/// Files that installers write themselves, and that say nothing about the distribution.
const INSTALLERS_OWN: [&str; 4] = ["INSTALLER", "REQUESTED", "RECORD", "direct_url.json"];

/// What comparing one distribution told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// Every recorded file has the recorded bytes of before.
    SameBytes,
    /// It is not, or not known to be, the same; with the reason in words.
    Different(String),
}

/// Compares a distribution of the new environment with the old one's of the same name.
pub fn compare(new: (&Snapshot, &Distribution), old: &Snapshot) -> Compared {
    let was = old.distributions.iter().find(|distribution| distribution.name == new.1.name);
    let Some(was) = was else { return Compared::Different("it was not installed before".to_owned()) };
    let (before, now) = (record(old, was), record(new.0, new.1));
    // That it can be read was seen when it was compared with the files.
    let is_whole = matches!(new.1.record, RecordState::Read { .. });
    if before == now && before.is_some() && is_whole && was.info == new.1.info {
        return Compared::SameBytes;
    }
    let hashes =
        |(snapshot, distribution), content: Option<Vec<u8>>| hashes(snapshot, distribution, &content?);
    let (Some(before), Some(now)) = (hashes((old, was), before), hashes(new, now)) else {
        let why = match was.record {
            RecordState::Missing => "it has no list of its files to compare",
            _ => "its old list of files could not be read, so there is nothing to compare",
        };
        return Compared::Different(why.to_owned());
    };
    let differing: Vec<&PathBuf> =
        before.iter().filter(|(path, hash)| now.get(*path) != Some(*hash)).map(|(path, _)| path).collect();
    let added = now.keys().filter(|path| !before.contains_key(*path)).count();
    match (differing.first(), added) {
        (None, 0) => Compared::SameBytes,
        (Some(first), _) => Compared::Different(format!(
            "another build of this version: {} of {} files differ, such as {}",
            differing.len(),
            before.len(),
            first.display()
        )),
        (None, added) => Compared::Different(format!("another build of this version: {added} more files")),
    }
}

fn record(snapshot: &Snapshot, distribution: &Distribution) -> Option<Vec<u8>> {
    let root = Directory::open(snapshot.prefix.path()).ok()?;
    root.read(&distribution.info.join("RECORD"), LIMITS.bytes as u64).ok()
}

/// The recorded hash of every file in the site directory, by its path there. Scripts are left out: their first line
/// names the environment's place.
fn hashes(
    snapshot: &Snapshot,
    distribution: &Distribution,
    record: &[u8],
) -> Option<BTreeMap<PathBuf, RecordHash>> {
    let site = distribution.info.parent().unwrap_or(Path::new(""));
    let mut hashes = BTreeMap::new();
    for row in RecordRows::parse(record, LIMITS).ok()? {
        let row = row.ok()?;
        let RecordPlace::Inside(path) = row.resolve(snapshot.prefix.path(), site) else { continue };
        let Ok(in_site) = path.strip_prefix(site) else { continue };
        let installers_own = path.parent() == Some(&distribution.info)
            && path
                .file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| INSTALLERS_OWN.contains(&name));
        if let (Some(hash), false, false) = (&row.hash, installers_own, row.is_bytecode()) {
            hashes.insert(in_site.to_owned(), hash.clone());
        }
    }
    Some(hashes)
}
