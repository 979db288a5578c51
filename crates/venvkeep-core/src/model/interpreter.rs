//! What a base interpreter said of itself when it was asked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::python_version::PythonVersion;
use super::scheme::Scheme;

/// The C library an interpreter is linked to, which decides which wheels it can load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Libc {
    /// `glibc` or `musl`; on macOS there is none to tell.
    pub name: String,
    /// As the library says it: `2.36`.
    pub version: String,
}

/// A base interpreter: a Python that is not itself inside an environment, with its answer to the one question that
/// venvkeep asks it (`-I -S`, so that nothing but the standard library runs).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseInterpreter {
    /// The path that environments link to; absolute.
    pub executable: PathBuf,
    /// `cpython`, `pypy`: `sys.implementation.name`.
    pub implementation: String,
    /// Its version.
    pub version: PythonVersion,
    /// What bytecode files are tagged with: `cpython-312`; `None` where it writes none.
    pub cache_tag: Option<String>,
    /// `sys.base_prefix`.
    pub base_prefix: PathBuf,
    /// Its standard library.
    pub stdlib: PathBuf,
    /// Whether it runs without the global interpreter lock (`python3.13t`).
    pub free_threaded: bool,
    /// The ending of its extension modules: `.cpython-312-x86_64-linux-gnu.so`.
    pub extension_suffix: Option<String>,
    /// `sysconfig.get_platform()`: `linux-x86_64`.
    pub platform: String,
    /// The C library, where one can be told.
    pub libc: Option<Libc>,
    /// Where its environments keep what.
    pub scheme: Scheme,
    /// Where the system's packager keeps the wheels that `ensurepip` installs (Debian: `/usr/share/python-wheels`).
    pub wheel_dir: Option<PathBuf>,
    /// The values of the environment markers of the dependency specifiers specification (PEP 508), by name.
    pub markers: BTreeMap<String, String>,
}

impl BaseInterpreter {
    /// The implementation as people write it.
    pub fn implementation_name(&self) -> &str {
        match self.implementation.as_str() {
            "cpython" => "Python",
            "pypy" => "PyPy",
            other => other,
        }
    }
}
