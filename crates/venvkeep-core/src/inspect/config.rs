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

/// What made the environment.
pub(super) fn kind(prefix: &Prefix, config: Option<&PyvenvCfg>) -> EnvironmentKind {
    let has = |path: &Path| matches!(fs::lstat_if_any(path), Ok(Some(_)));
    match config.map(PyvenvCfg::creator) {
        _ if has(&prefix.join("conda-meta")) => EnvironmentKind::Conda,
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
