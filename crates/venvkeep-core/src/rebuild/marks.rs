//! Marks that an installer sets by what it was told, put back to what they were.
//!
//! Given a list of exact pins, an installer takes each for asked for (PEP 376's REQUESTED), and notes of a direct URL
//! what it sees (PEP 610), which may lack the hash that the frozen list shows. Both are facts about the old
//! environment that its rebuilding must not change.

use std::path::Path;

use super::records::StagedRecord;
use super::stage::Stage;
use crate::host::fs::{self, Directory, IoError};
use crate::inspect;
use crate::inspect::snapshot::Snapshot;
use crate::model::direct_url::DirectUrl;
use crate::model::distribution::{Distribution, Layout};
use crate::model::prefix::Prefix;

/// No `direct_url.json` is longer.
const MAX_DIRECT_URL: u64 = 1024 * 1024;

/// Gives every distribution in the stage the marks that it has in the old environment.
pub fn restore(stage: &Stage, old: &Snapshot) -> Result<(), IoError> {
    let Ok(prefix) = Prefix::new(stage.path().to_owned()) else { return Ok(()) };
    let root = Directory::open(stage.path())?;
    for new in inspect::installed(&prefix)?.distributions {
        let was = old.distributions.iter().find(|was| was.name == new.name);
        if let (Some(was), Layout::DistInfo) = (was, new.layout) {
            restore_one(stage, &root, &new, (old, was))?;
        }
    }
    Ok(())
}

fn restore_one(
    stage: &Stage,
    root: &Directory,
    new: &Distribution,
    (old, was): (&Snapshot, &Distribution),
) -> Result<(), IoError> {
    let drop_requested = new.requested && !was.requested;
    let origin = origin_of(old, was).filter(|content| {
        let before = DirectUrl::parse(content).ok();
        let now = new.direct_url.as_ref();
        matches!((before, now), (Some(before), Some(now)) if before.url == now.url && before != *now)
    });
    if !drop_requested && origin.is_none() {
        return Ok(());
    }
    let mut record = StagedRecord::read(stage, root, &new.info)?;
    if drop_requested {
        let mark = new.info.join("REQUESTED");
        fs::remove_file(&stage.join(&mark))?;
        record.forget(&mark);
    }
    if let Some(content) = origin {
        let file = new.info.join("direct_url.json");
        let mode = fs::lstat(&stage.join(&file))?.mode;
        fs::replace_file(&stage.join(&file), mode, &content)?;
        record.rehash(|changed| changed == file)?;
    }
    record.save()
}

/// The old `direct_url.json` as it is; `None` where there is none that can be read.
fn origin_of(old: &Snapshot, was: &Distribution) -> Option<Vec<u8>> {
    was.direct_url.as_ref()?;
    let root = Directory::open(old.prefix.path()).ok()?;
    root.read(&was.info.join(Path::new("direct_url.json")), MAX_DIRECT_URL).ok()
}
