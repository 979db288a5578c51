//! Where an interpreter's environments keep what (PyPA: installation scheme; `sysconfig`'s `venv` scheme).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The directories of an environment, each relative to its prefix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheme {
    /// Pure-Python distributions: `lib/python3.12/site-packages`.
    pub purelib: PathBuf,
    /// Distributions with native code; the same directory, or its twin under `lib64`.
    pub platlib: PathBuf,
    /// Scripts: `bin`.
    pub scripts: PathBuf,
    /// Headers: `include/site/python3.12`, as pip has it; an installer adds the distribution's name.
    pub include: PathBuf,
    /// Data files: the prefix itself, so empty.
    pub data: PathBuf,
}

impl Scheme {
    /// Whether a relative path lies in one of the two directories that distributions are installed into.
    pub fn is_in_site(&self, relative: &Path) -> bool {
        relative.starts_with(&self.purelib) || relative.starts_with(&self.platlib)
    }
}
