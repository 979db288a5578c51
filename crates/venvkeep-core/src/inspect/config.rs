//! `pyvenv.cfg` and what else tells which tool made an environment.

use std::path::Path;

use crate::host::fs;
use crate::model::prefix::Prefix;
use crate::model::pyvenv_cfg::{Creator, PyvenvCfg};

use super::snapshot::{Config, EnvironmentKind};

/// Longest `pyvenv.cfg` that is read. Tools write some 300 bytes; a long one is no configuration.
const LONGEST: u64 = 64 * 1024;

/// Reads `pyvenv.cfg`.
pub(super) fn read(prefix: &Prefix) -> Config {
    match fs::read_bounded(&prefix.join("pyvenv.cfg"), LONGEST) {
        Ok(bytes) => Config::Read(PyvenvCfg::parse(&bytes)),
        Err(error) if error.is_missing() => Config::Missing,
        Err(error) => Config::Unreadable(error.to_string()),
    }
}

/// Whether it is conda's, which may hold no Python at all.
pub(super) fn is_conda(prefix: &Prefix) -> bool {
    has(&prefix.join("conda-meta"))
}

/// What made the environment.
pub(super) fn kind(prefix: &Prefix, config: Option<&PyvenvCfg>) -> EnvironmentKind {
    match config.map(PyvenvCfg::creator) {
        _ if is_conda(prefix) => EnvironmentKind::Conda,
        Some(Creator::Uv) => EnvironmentKind::Uv,
        Some(Creator::Virtualenv) => EnvironmentKind::Virtualenv,
        Some(Creator::Venv) => EnvironmentKind::Venv,
        // virtualenv before 20 leaves this one script that no other tool writes.
        None if has(&prefix.bin().join("activate_this.py")) && has(&prefix.bin().join("python-config")) => {
            EnvironmentKind::LegacyVirtualenv
        }
        None => EnvironmentKind::Unknown,
    }
}

fn has(path: &Path) -> bool {
    matches!(fs::lstat_if_any(path), Ok(Some(_)))
}
