//! The frozen list of every heal, in the user's state directory: the way back when everything else is gone.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::host::fs::{self, IoError};
use crate::model::caller::Caller;
use crate::plan::Plan;

/// Writes the list; gives its path, or `None` where the caller has no state directory of their own.
pub fn keep(caller: &Caller, plan: &Plan, time: &str) -> Result<Option<PathBuf>, IoError> {
    let Some(state) = &caller.state_dir else { return Ok(None) };
    // The lists can hold addresses with passwords: for the user's eyes only.
    let directory = state.join("frozen").join(directory_name(plan));
    fs::create_dirs(&directory, 0o700)?;
    let file = directory.join(format!("{time}.txt"));
    fs::replace_file(&file, 0o600, plan.requirements.to_text().as_bytes())?;
    Ok(Some(file))
}

/// `proj-.venv-1f3a…`: readable, and different for every path.
fn directory_name(plan: &Plan) -> String {
    let path = plan.prefix.path();
    let digest = Sha256::digest(path.as_os_str().as_bytes());
    let short = digest.iter().take(6).fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
    let project = plan.prefix.parent().file_name().unwrap_or_default().to_string_lossy();
    let readable: String = project
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        .take(40)
        .collect();
    format!("{readable}-{short:012x}")
}
