//! A verified stage into a place where nothing stands: one rename that never replaces anything.

use std::path::PathBuf;

use super::{Journal, SwapError};
use crate::error::LiveState;
use crate::host::{fs, remove, rename};
use crate::verify::VerifiedStage;

/// The new environment is in its place; it can still be taken back.
#[derive(Debug)]
#[must_use = "what is neither settled nor taken back is in place without anybody saying so"]
pub struct Placed {
    journal: Journal,
    side: PathBuf,
}

/// Puts the stage in its place, which must be free. On an error the journal's drop removes the stage; after a crash
/// the next run for that place does, unless the rename had happened.
pub fn place(verified: VerifiedStage, journal: Journal) -> Result<Placed, SwapError> {
    fs::flush(verified.path())?;
    rename::to_free_name(verified.path(), journal.prefix().path())?;
    Ok(Placed { journal, side: verified.into_stage().release().path })
}

impl Placed {
    /// It stays.
    pub fn settle(self) {
        drop(self.journal);
    }

    /// It goes again, under the stage's name first, so that no half of it is ever seen.
    pub fn take_back(self) -> Result<(), SwapError> {
        let prefix = self.journal.prefix().path();
        rename::to_free_name(prefix, &self.side).map_err(|why| {
            let (prefix, why) = (prefix.to_owned(), Box::new(why.into()));
            SwapError::Stuck { prefix, live: LiveState::New, why }
        })?;
        Ok(remove::tree(&self.side)?)
    }
}
