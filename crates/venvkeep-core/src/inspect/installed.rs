//! What is installed, read from the metadata directories alone: no walk, no process.

use std::path::PathBuf;

use crate::host::fs::{Directory, IoError};
use crate::model::distribution::Distribution;
use crate::model::prefix::Prefix;
use crate::model::python_version::PythonVersion;
use crate::model::pyvenv_cfg::PyvenvCfg;

use super::distributions::Reading;
use super::snapshot::{Config, Site};
use super::{config, distributions, interpreter, sites};

/// What an environment's metadata says is installed.
#[derive(Debug)]
pub struct Installed {
    /// Its `pyvenv.cfg`.
    pub config: Config,
    /// The Python version its library directories are for, where they or `pyvenv.cfg` tell.
    pub python: Option<PythonVersion>,
    /// Its site-packages directories, relative to the prefix.
    pub sites: Vec<Site>,
    /// The distributions, each name once, in the order of the file names. Their RECORDs were not compared.
    pub distributions: Vec<Distribution>,
    /// What an aborted uninstall or upgrade left, relative to the prefix.
    pub leftovers: Vec<PathBuf>,
    /// Metadata that names no distribution, relative to the prefix.
    pub unidentified: Vec<PathBuf>,
}

impl Installed {
    /// The first site whose content is not known: what is installed there is missing from the list.
    pub fn unlisted(&self) -> Option<&Site> {
        self.sites.iter().find(|site| !site.is_listed())
    }
}

/// Reads what is installed. Only an environment that is not there at all is an error; see [`Installed::unlisted`].
pub fn installed(prefix: &Prefix, reading: Reading) -> Result<Installed, IoError> {
    let directory = super::open(prefix)?;
    Ok(read(prefix, directory.as_ref(), reading))
}

/// The same, of a prefix that is already open; `None` where it may not be listed.
pub(super) fn read(prefix: &Prefix, directory: Option<&Directory>, reading: Reading) -> Installed {
    let config = config::read(prefix);
    let configured = config.settings().and_then(PyvenvCfg::version);
    let label = interpreter::label(prefix);
    let mut sites = sites::find(directory, configured);
    if sites.is_empty() && !config::is_conda(prefix) {
        sites.push(sites::gone(label, configured));
    }
    let sites = sites::seen_by(sites, label.map(|label| label.version).into_iter().chain(configured));
    let python = version(&sites, configured);
    let found = match directory {
        Some(directory) => distributions::read(prefix, directory, &sites, reading),
        None => distributions::Found::default(),
    };
    Installed {
        config,
        python,
        sites,
        distributions: found.distributions,
        leftovers: found.leftovers,
        unidentified: found.unidentified,
    }
}

/// The libraries decide; `pyvenv.cfg` adds the micro release where it speaks of the same Python.
fn version(sites: &[Site], configured: Option<PythonVersion>) -> Option<PythonVersion> {
    let by_library = sites.iter().find_map(|site| site.python);
    match (by_library, configured) {
        (Some(library), Some(configured)) if library.same_minor(&configured) => Some(configured),
        (Some(library), _) => Some(library),
        (None, configured) => configured,
    }
}
