//! `doctor --repair --undo`: the steps of the newest repair, taken back from the last to the first.

use std::path::{Path, PathBuf};

use super::apply::{change_places, set};
use super::{Identity, Left, RepairError, Step, look, notes};
use crate::host::fs::{self, Directory};
use crate::host::rename;
use crate::model::caller::Caller;

/// A log of 100,000 entries with long paths.
const LONGEST: u64 = 64 * 1024 * 1024;

/// What was taken back.
#[derive(Debug)]
pub struct Undone {
    /// The steps that were taken back.
    pub back: Vec<Step>,
    /// Where what the repair had made stands now, unless it was empty.
    pub newer: Vec<PathBuf>,
    /// What is left as the repair made it, and why.
    pub left: Vec<Left>,
    /// Where the steps are written down; it is still there where something is left.
    pub log: PathBuf,
}

/// Takes back the newest repair that was not. What changed since is left alone.
pub fn take_back(caller: &Caller) -> Result<Undone, RepairError> {
    let log = newest(&notes(caller)?)?;
    let text = fs::read_bounded(&log, LONGEST)?;
    let steps: Vec<Step> = serde_json::from_slice(&text)
        .map_err(|error| RepairError::Garbled { path: log.clone(), why: error.to_string() })?;
    let mut undone = Undone { back: Vec::new(), newer: Vec::new(), left: Vec::new(), log: log.clone() };
    for step in steps.into_iter().rev() {
        match one(&step) {
            Ok(Back::Taken) => {
                if let Step::Anew { kept, .. } = &step
                    && fs::lstat(kept).is_ok()
                {
                    undone.newer.push(kept.clone());
                }
                undone.back.push(step);
            }
            Ok(Back::WasNot) => {}
            Ok(Back::Changed) => undone.left.push(Left::new(step.path(), "it changed since the repair")),
            Err(error) => undone.left.push(Left::new(step.path(), error.to_string())),
        }
    }
    if undone.left.is_empty() {
        let mut name = log.as_os_str().to_owned();
        name.push(".undone");
        rename::over(&log, Path::new(&name))?;
        undone.log = name.into();
    }
    Ok(undone)
}

/// The newest log: their names are their times.
fn newest(directory: &Path) -> Result<PathBuf, RepairError> {
    let names = match Directory::open(directory).and_then(|open| open.names()) {
        Ok(names) => names,
        Err(error) if error.is_missing() => return Err(RepairError::NothingToUndo),
        Err(error) => return Err(error.into()),
    };
    let logs = names.into_iter().filter_map(|name| String::from_utf8(name).ok());
    let logs = logs.filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "json"));
    logs.max().map(|name| directory.join(name)).ok_or(RepairError::NothingToUndo)
}

enum Back {
    Taken,
    /// The step was never taken, or is taken back already.
    WasNot,
    Changed,
}

fn one(step: &Step) -> Result<Back, RepairError> {
    match step {
        Step::Mode { path, entry, before, after } => {
            let now = look(path)?;
            let Some(now) = now.filter(|now| Identity::of(now) == *entry) else { return Ok(Back::Changed) };
            if now.mode == *before {
                return Ok(Back::WasNot);
            }
            Ok(if set(path, entry, *after, *before)? { Back::Taken } else { Back::Changed })
        }
        Step::Anew { path, old, kept, .. } => {
            let is_old = |place: &Path| {
                Ok::<_, RepairError>(look(place)?.is_some_and(|facts| Identity::of(&facts) == *old))
            };
            if is_old(path)? {
                return Ok(Back::WasNot);
            }
            if !is_old(kept)? {
                return Ok(Back::Changed);
            }
            if look(path)?.is_none() {
                rename::to_free_name(kept, path)?;
            } else {
                change_places(path, kept)?;
                // One that nothing was put into is not worth keeping; any other stays, under the name of the old one.
                let _ = fs::remove_dir(kept);
            }
            Ok(Back::Taken)
        }
    }
}
