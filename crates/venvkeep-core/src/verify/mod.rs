//! Checks on a stage before it may take the live environment's place, and on the live prefix after it did.

use std::path::Path;

use crate::rebuild::stage::Stage;

/// A stage that passed every check: only [`verify`](self) makes one, and only such a one can be swapped in.
#[derive(Debug)]
pub struct VerifiedStage {
    stage: Stage,
}

impl VerifiedStage {
    #[cfg(test)]
    pub(crate) fn for_test(stage: Stage) -> Self {
        Self { stage }
    }

    /// Where it is now.
    pub fn path(&self) -> &Path {
        self.stage.path()
    }

    /// Hands the stage on.
    pub fn into_stage(self) -> Stage {
        self.stage
    }
}
