//! The frozen list of every heal, in the user's state directory: the way back when everything else is gone.

use std::path::PathBuf;

use crate::host::fs::{self, IoError};
use crate::model::caller::Caller;
use crate::plan::Plan;

/// Writes the list; gives its path, or `None` where the caller has no state directory of their own.
pub fn keep(caller: &Caller, plan: &Plan, time: &str) -> Result<Option<PathBuf>, IoError> {
    let Some(state) = &caller.state_dir else { return Ok(None) };
    // The lists can hold addresses with passwords: for the user's eyes only.
    let directory = state.join("frozen").join(super::name_of(&plan.prefix));
    fs::create_dirs(&directory, 0o700)?;
    let names = (1_u32..).map(|number| match number {
        1 => format!("{time}.txt"),
        // Two heals within one second.
        number => format!("{time}-{number}.txt"),
    });
    let text = plan.requirements.to_text();
    // The lock of the environment keeps everybody else from the same names.
    for file in names.map(|name| directory.join(name)) {
        if fs::lstat_if_any(&file)?.is_none() {
            fs::replace_file(&file, 0o600, text.as_bytes())?;
            return Ok(Some(file));
        }
    }
    Ok(None)
}
