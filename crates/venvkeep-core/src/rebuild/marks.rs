//! Marks that an installer sets by what it was told, put back to what they were.
//!
//! Given a list of exact pins, an installer takes each for asked for (PEP 376's REQUESTED), and notes of a direct URL
//! what it sees (PEP 610), which may lack the hash that the frozen list shows. Both are facts about the old
//! environment that its rebuilding must not change.

use std::collections::BTreeMap;
use std::path::Path;

use super::records::StagedRecord;
use super::stage::Stage;
use crate::host::fs::{self, Directory, IoError};
use crate::inspect::snapshot::Snapshot;
use crate::inspect::{self, Reading};
use crate::model::direct_url::DirectUrl;
use crate::model::distribution::{Distribution, Layout};
use crate::model::name::PackageName;
use crate::model::prefix::Prefix;

/// No `direct_url.json` is longer.
const MAX_DIRECT_URL: u64 = 1024 * 1024;

/// Gives every distribution in the stage the marks that it has in the old environment; `requested` says which of them
/// were asked for.
pub fn restore(
    stage: &Stage,
    old: &Snapshot,
    requested: &BTreeMap<PackageName, bool>,
) -> Result<(), IoError> {
    let Ok(prefix) = Prefix::new(stage.path().to_owned()) else { return Ok(()) };
    let root = Directory::open(stage.path())?;
    for new in inspect::installed(&prefix, Reading::Whole)?.distributions {
        if new.layout == Layout::DistInfo {
            let was_requested = requested.get(&new.name).copied().unwrap_or(new.requested);
            let was = old.distributions.iter().find(|was| was.name == new.name);
            let origin = was.and_then(|was| changed_origin(old, was, &new));
            restore_one(stage, &root, &new, (was_requested, origin))?;
        }
    }
    Ok(())
}

fn restore_one(
    stage: &Stage,
    root: &Directory,
    new: &Distribution,
    (was_requested, origin): (bool, Option<Vec<u8>>),
) -> Result<(), IoError> {
    if new.requested == was_requested && origin.is_none() {
        return Ok(());
    }
    let mut record = StagedRecord::read(stage, root, &new.info)?;
    let mark = new.info.join("REQUESTED");
    match (new.requested, was_requested) {
        (true, false) => {
            fs::remove_file(&stage.join(&mark))?;
            record.forget(&mark);
        }
        (false, true) => {
            fs::create_file(&stage.join(&mark), 0o666, b"")?;
            record.add(&mark)?;
        }
        _ => {}
    }
    if let Some(content) = origin {
        let file = new.info.join("direct_url.json");
        let mode = fs::lstat(&stage.join(&file))?.mode;
        fs::replace_file(&stage.join(&file), mode, &content)?;
        record.rehash(|changed| changed == file)?;
    }
    record.save()
}

/// The old `direct_url.json`, where it says more of the same address than the new one.
fn changed_origin(old: &Snapshot, was: &Distribution, new: &Distribution) -> Option<Vec<u8>> {
    origin_of(old, was).filter(|content| {
        let before = DirectUrl::parse(content).ok();
        let now = new.direct_url.as_ref();
        matches!((before, now), (Some(before), Some(now)) if before.url == now.url && before != *now)
    })
}

/// The old `direct_url.json` as it is; `None` where there is none that can be read.
fn origin_of(old: &Snapshot, was: &Distribution) -> Option<Vec<u8>> {
    was.direct_url.as_ref()?;
    let root = Directory::open(old.prefix.path()).ok()?;
    root.read(&was.info.join(Path::new("direct_url.json")), MAX_DIRECT_URL).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{PackageName, Prefix, Stage, fs, restore};
    use crate::inspect::inspect;
    use crate::model::owner::{LoneGroups, Viewer};

    const INFO: &str = "lib/python3.11/site-packages/x-1.0.dist-info";

    fn install(environment: &std::path::Path, record: &str) {
        for directory in ["lib", "lib/python3.11", "lib/python3.11/site-packages", INFO] {
            fs::create_dir(&environment.join(directory), 0o755).unwrap();
        }
        let metadata = b"Metadata-Version: 2.1\nName: x\nVersion: 1.0\n";
        fs::create_file(&environment.join("pyvenv.cfg"), 0o644, b"home = /usr/bin\nversion = 3.11.2\n")
            .unwrap();
        fs::create_file(&environment.join(INFO).join("METADATA"), 0o644, metadata).unwrap();
        fs::create_file(&environment.join(INFO).join("RECORD"), 0o644, record.as_bytes()).unwrap();
    }

    /// Some installers leave the mark out; a list kept elsewhere may know of it.
    #[test]
    fn a_mark_comes_and_goes_with_its_row() {
        let place = tempfile::tempdir().unwrap();
        let prefix = Prefix::new(fs::physical(place.path()).unwrap().join(".venv")).unwrap();
        fs::create_dir(prefix.path(), 0o755).unwrap();
        let bare = "x-1.0.dist-info/METADATA,,\nx-1.0.dist-info/RECORD,,\n";
        install(prefix.path(), bare);
        let me = Viewer {
            uid: 0,
            gid: 0,
            groups: vec![0],
            lone_groups: LoneGroups::known(vec![0]),
            trusted_owners: vec![],
        };
        let old = inspect(&prefix, &me).unwrap();
        let stage = Stage::create(&prefix).unwrap();
        install(stage.path(), bare);
        let record = || {
            String::from_utf8(fs::read_bounded(&stage.join(INFO).join("RECORD"), 1 << 16).unwrap()).unwrap()
        };
        for requested in [true, true, false, false] {
            let name = PackageName::parse("x").unwrap();
            restore(&stage, &old, &BTreeMap::from([(name, requested)])).unwrap();
            assert_eq!(fs::lstat(&stage.join(INFO).join("REQUESTED")).is_ok(), requested);
            assert_eq!(record().contains("x-1.0.dist-info/REQUESTED,"), requested, "{}", record());
            assert!(record().contains("x-1.0.dist-info/METADATA,"), "{}", record());
        }
    }
}
