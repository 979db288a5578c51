//! Putting a directory aside with one of the user's own in its place, and back.
//!
//! The new one is made under a name of its own beside the old one, and the two change places at once where the file system
//! can; elsewhere by two renames, of which the first is taken back when the second fails. What a crash leaves of that is
//! settled by the next repair or undo, from what was written down.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{Identity, RepairError, Step, With, look};
use crate::host::copy::Copied;
use crate::host::fs::{self, Directory, IoError};
use crate::host::{remove, rename, walk};
use crate::model::facts::Kind;
use crate::model::interrupt::Interrupt;

/// One such exchange.
#[derive(Clone, Copy)]
pub(super) struct Exchange<'a> {
    path: &'a Path,
    old: &'a Identity,
    kept: &'a Path,
}

/// What undoing one came to.
pub(super) enum Back {
    Taken,
    /// It was never done, or is taken back already.
    WasNot,
    Changed,
}

impl<'a> Exchange<'a> {
    /// That of a step; `None` for a step of another kind.
    pub(super) fn of(step: &'a Step) -> Option<Self> {
        match step {
            Step::Anew { path, old, kept, .. } => Some(Self { path, old, kept }),
            Step::Mode { .. } => None,
        }
    }

    /// Makes the new one and lets it take the place; `false` where what stands there is not what it was.
    pub(super) fn carry_out(self, with: With, interrupt: &Interrupt) -> Result<bool, RepairError> {
        if !self.is_old(self.path)? {
            return Ok(false);
        }
        if fs::lstat_if_any(self.kept)?.is_some() {
            return Err(RepairError::NameTaken(self.kept.to_owned()));
        }
        let making = self.beside("new");
        fs::create_dir(&making, 0o700)?;
        let made = self.fill(&making, with, interrupt).and_then(|()| {
            // To copy can take long: somebody may have put something else there meanwhile.
            Ok(self.is_old(self.path)? && self.swap_in(&making)?)
        });
        if !matches!(made, Ok(true)) && !self.is_old(&making).unwrap_or(true) {
            // Ours, and not in place. The first error is the one that matters.
            let _ = remove::tree(&making);
        }
        made
    }

    fn fill(self, making: &Path, with: With, interrupt: &Interrupt) -> Result<(), RepairError> {
        if with == With::Copies {
            let (from, to) = (Directory::open(self.path)?, Directory::open(making)?);
            let tree = walk::tree(&from)?;
            to.insist_on_room(tree.ids().map(|id| tree.facts(id)).map(|facts| facts.size).sum())?;
            copy(&from, &to, interrupt)?;
            fs::flush(making)?;
        }
        if interrupt.requested() { Err(RepairError::Interrupted) } else { Ok(()) }
    }

    fn swap_in(self, making: &Path) -> Result<bool, RepairError> {
        if rename::exchange(self.path, making)? {
            // Nobody else makes such a name; if it fails all the same, the next run does it.
            rename::to_free_name(making, self.kept)?;
            return Ok(true);
        }
        rename::to_free_name(self.path, self.kept)?;
        rename::to_free_name(making, self.path).map_err(|why| self.put_back(why))?;
        Ok(true)
    }

    /// Brings the old one back after the second of two renames failed.
    fn put_back(self, why: IoError) -> RepairError {
        match rename::to_free_name(self.kept, self.path) {
            Ok(()) => why.into(),
            Err(_) => RepairError::PutAside { path: self.path.to_owned(), kept: self.kept.to_owned(), why },
        }
    }

    /// Brings the old one back; what the repair had made is then where that was, unless it is empty.
    pub(super) fn take_back(self) -> Result<Back, RepairError> {
        if self.is_old(self.path)? {
            return Ok(Back::WasNot);
        }
        if !self.is_old(self.kept)? {
            return Ok(Back::Changed);
        }
        if look(self.path)?.is_none() {
            rename::to_free_name(self.kept, self.path)?;
            return Ok(Back::Taken);
        }
        if !rename::exchange(self.path, self.kept)? {
            let between = self.beside("undo");
            rename::to_free_name(self.path, &between)?;
            if let Err(why) = rename::to_free_name(self.kept, self.path) {
                rename::to_free_name(&between, self.path)?;
                return Err(why.into());
            }
            rename::to_free_name(&between, self.kept)?;
        }
        // One that nothing was put into is not worth keeping; any other stays, under the name of the old one.
        let _ = fs::remove_dir(self.kept);
        Ok(Back::Taken)
    }

    /// Settles what a run that was cut off left.
    pub(super) fn settle(self) -> Result<(), RepairError> {
        let (making, between) = (self.beside("new"), self.beside("undo"));
        let [is_making, is_between] =
            [fs::lstat_if_any(&making)?.is_some(), fs::lstat_if_any(&between)?.is_some()];
        if is_making && self.is_old(&making)? {
            // They had changed places, and the old one lacks its name.
            return Ok(rename::to_free_name(&making, self.kept)?);
        }
        if (is_making || is_between) && look(self.path)?.is_none() && self.is_old(self.kept)? {
            rename::to_free_name(self.kept, self.path)?;
        }
        if is_between {
            rename::to_free_name(&between, self.kept)?;
        }
        if is_making {
            // Half a copy, or a whole one that did not come to its place.
            remove::tree(&making)?;
        }
        Ok(())
    }

    fn is_old(self, place: &Path) -> Result<bool, RepairError> {
        Ok(look(place)?.is_some_and(|facts| Identity::of(&facts) == *self.old))
    }

    /// A name beside it that only venvkeep uses, one run at a time.
    fn beside(self, purpose: &str) -> PathBuf {
        let mut name = OsString::from(".");
        name.push(self.path.file_name().unwrap_or_default());
        name.push(format!(".venvkeep-{purpose}"));
        self.path.with_file_name(name)
    }
}

/// Copies what is in one directory into another: files, links with their text, directories.
fn copy(from: &Directory, to: &Directory, interrupt: &Interrupt) -> Result<(), RepairError> {
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
            _ => match to.receive(name, from.open_file(Path::new(name))?, interrupt)? {
                Copied::Whole { .. } => {}
                Copied::Interrupted => return Err(RepairError::Interrupted),
            },
        }
    }
    Ok(to.finish(&from.facts()?)?)
}
