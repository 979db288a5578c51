//! What every error of a stage that could change something says besides its own words: the state of the environment.

use serde::Serialize;

/// What stands at the environment's path after a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LiveState {
    /// Exactly what stood there before; nothing was changed at any moment.
    Untouched,
    /// What stood there before, brought back after a swap that did not hold.
    Restored,
    /// The newly built environment.
    New,
    /// Nothing, or something else: what was begun could not be ended, and the next run has to settle it.
    Unsettled,
}
