//! Taking the steps of a repair, after they were written down.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Identity, Left, Plan, RepairError, Step, With, around, look, notes};
use crate::host::fs::{self, Directory, IoError};
use crate::host::modes::Changed;
use crate::host::{remove, rename};
use crate::inspect::beside;
use crate::model::caller::Caller;
use crate::model::facts::Kind;
use crate::model::interrupt::Interrupt;

/// What a repair did.
#[derive(Debug)]
pub struct Done {
    /// The steps that were taken.
    pub taken: Vec<Step>,
    /// What was left as it was.
    pub left: Vec<Left>,
    /// Where the steps are written down; `None` where there were none.
    pub log: Option<PathBuf>,
    /// The user asked to stop before all were taken.
    pub interrupted: bool,
}

/// Takes the steps of a plan. They are written down before the first is taken: one that was never taken does no harm there,
/// since undoing compares.
pub fn carry_out(plan: Plan, caller: &Caller, interrupt: &Interrupt) -> Result<Done, RepairError> {
    let mut done = Done { taken: Vec::new(), left: plan.left, log: None, interrupted: false };
    if plan.steps.is_empty() {
        return Ok(done);
    }
    let directory = notes(caller)?;
    fs::create_dirs(&directory, 0o700)?;
    let log = free_name(&directory)?;
    let text = serde_json::to_vec_pretty(&plan.steps)
        .map_err(|error| RepairError::Garbled { path: log.clone(), why: error.to_string() })?;
    fs::replace_file(&log, 0o600, &text)?;
    done.log = Some(log);
    for step in plan.steps {
        if interrupt.requested() {
            done.interrupted = true;
            break;
        }
        match take(&step, interrupt) {
            Ok(true) => done.taken.push(step),
            Ok(false) => done.left.push(Left::new(step.path(), "it changed while it was being repaired")),
            Err(RepairError::Interrupted) => done.interrupted = true,
            Err(error) => done.left.push(Left::new(step.path(), error.to_string())),
        }
    }
    Ok(done)
}

/// A name for the log: two repairs in one second each keep theirs.
fn free_name(directory: &Path) -> Result<PathBuf, IoError> {
    let stamp = beside::stamp(SystemTime::now());
    let mut number = 1;
    loop {
        let log = directory.join(format!("{stamp}-{number:03}.json"));
        if fs::lstat_if_any(&log)?.is_none() {
            return Ok(log);
        }
        number += 1;
    }
}

/// Takes one step; `false` where what it is about is not what it was.
fn take(step: &Step, interrupt: &Interrupt) -> Result<bool, RepairError> {
    match step {
        Step::Mode { path, entry, before, after } => set(path, entry, *before, *after),
        Step::Anew { path, old, kept, with } => {
            let is_old = look(path)?.is_some_and(|facts| Identity::of(&facts) == *old);
            if !is_old || fs::lstat_if_any(kept)?.is_some() {
                return Ok(false);
            }
            make_anew(path, kept, *with, interrupt)?;
            Ok(true)
        }
    }
}

/// Gives an entry another mode, if it is the known one with the known mode.
pub(super) fn set(path: &Path, entry: &Identity, from: u16, to: u16) -> Result<bool, RepairError> {
    let Some(name) = path.file_name() else { return Ok(false) };
    let above = around(path)?;
    let facts = match above.lstat(name) {
        Ok(facts) => facts,
        Err(error) if error.is_missing() => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    if Identity::of(&facts) != *entry || facts.mode != from {
        return Ok(false);
    }
    Ok(above.change_mode(name, &facts, to)? == Changed::Done)
}

/// The new directory is made under the name at which the old one will be kept; then the two change places at once.
fn make_anew(path: &Path, kept: &Path, with: With, interrupt: &Interrupt) -> Result<(), RepairError> {
    fs::create_dir(kept, 0o700)?;
    let filled = match with {
        With::Nothing => Ok(()),
        With::Copies => Directory::open(path)
            .and_then(|from| Ok((from, Directory::open(kept)?)))
            .map_err(RepairError::from)
            .and_then(|(from, to)| copy(&from, &to, interrupt)),
    };
    let settled = filled.and_then(|()| change_places(path, kept).map_err(RepairError::from));
    if settled.is_err() {
        // The first error is the one that matters; what is left has a name that says what it is.
        let _ = remove::tree(kept);
    }
    settled
}

/// Two entries of one directory change places: at once where the file system can, else by three renames.
pub(super) fn change_places(path: &Path, kept: &Path) -> Result<(), IoError> {
    if rename::exchange(path, kept)? {
        return Ok(());
    }
    let mut between = kept.as_os_str().to_owned();
    between.push(".new");
    let between = PathBuf::from(between);
    rename::to_free_name(kept, &between)?;
    rename::to_free_name(path, kept)?;
    rename::to_free_name(&between, path)
}

/// Copies what is in one directory into another: files, links with their text, directories.
fn copy(from: &Directory, to: &Directory, interrupt: &Interrupt) -> Result<(), RepairError> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    for name in from.names()? {
        if interrupt.requested() {
            return Err(RepairError::Interrupted);
        }
        let name = OsStr::from_bytes(&name);
        let facts = from.lstat(name)?;
        match facts.kind {
            Kind::Directory => {
                to.make_child(name)?;
                copy(&from.child(name)?, &to.child(name)?, interrupt)?;
            }
            Kind::Link => to.make_link(name, &from.read_link(name)?, &facts)?,
            // What cannot be copied was found when the plan was made; a pipe that came since is never opened.
            _ => {
                to.receive(name, from.open_file(Path::new(name))?, interrupt)?;
            }
        }
    }
    Ok(to.finish(&from.facts()?)?)
}
