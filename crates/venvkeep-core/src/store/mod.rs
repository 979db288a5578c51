//! What venvkeep keeps for the user outside of environments.

pub mod config;
pub mod default;
pub mod frozen;
pub mod intake;
pub mod known;
pub mod registry;
pub mod snapshots;
pub mod trust;
pub mod used;

use std::os::unix::ffi::OsStrExt;

use sha2::{Digest, Sha256};

use crate::model::prefix::Prefix;

/// What an environment's things are kept under: `proj-1f3a…`, readable, and different for every path.
fn name_of(prefix: &Prefix) -> String {
    let digest = Sha256::digest(prefix.path().as_os_str().as_bytes());
    let short = digest.iter().take(6).fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
    let project = prefix.parent().file_name().unwrap_or_default().to_string_lossy();
    let readable: String = project
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        .take(40)
        .collect();
    format!("{readable}-{short:012x}")
}
