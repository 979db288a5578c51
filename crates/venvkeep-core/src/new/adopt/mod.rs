//! `new --adopt`: an environment with what was installed outside of any: by `pip install --user`, by `sudo pip` among the
//! system's packages, or by `pip install --target DIR`.
//!
//! What was found is packed anew, as the wheel that it came from, when every file of it is what its RECORD says; that wheel
//! is then installed like any other, so that its scripts start the environment's Python. Everything else comes from the
//! index in the same version. Nothing of the old place is executed, and nothing there is changed.

mod find;
mod pack;

use std::path::{Path, PathBuf};

pub(super) use find::{Place, find};
pub(super) use pack::pack;

use crate::host::fs::IoError;
use crate::model::name::PackageName;
use crate::model::printable::printable;

/// Where from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdoptFrom<'a> {
    /// `pip install --user`.
    User,
    /// `sudo pip install`: what pip or uv put among the system's packages.
    System,
    /// `pip install --target`: an absolute path.
    Directory(&'a Path),
}

/// What was taken over.
#[derive(Debug, Clone)]
pub struct Adopted {
    /// The directories that it was found in.
    pub from: Vec<PathBuf>,
    /// Each distribution.
    pub distributions: Vec<AdoptedOne>,
    /// What lies there and belongs to no distribution: it was left.
    pub unclaimed: Vec<PathBuf>,
    /// Metadata that somebody else could have written, and why: what it names was left.
    pub untrusted: Vec<(PathBuf, &'static str)>,
    /// Whether pip has to be told to touch what lies there (PEP 668).
    pub externally_managed: bool,
}

/// One distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptedOne {
    /// As it spells itself.
    pub name: PackageName,
    /// As its metadata says it.
    pub version: String,
    /// Why its files were not taken and it came from the index; `None` where every byte is the old place's.
    pub fetched: Option<String>,
}

/// Why nothing can be taken over. Nothing was made.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// No such directory.
    #[error("nothing is installed there: {} is not there", printable(.path))]
    Gone {
        /// The first that was looked for.
        path: PathBuf,
    },
    /// No distribution in it.
    #[error("nothing to adopt: no package is installed in {}", printable(.path))]
    Empty {
        /// The first that was looked at.
        path: PathBuf,
    },
    /// It belongs to somebody else, or others can write there.
    #[error("{} is not adopted: {why}", printable(.path))]
    Untrusted {
        /// The directory.
        path: PathBuf,
        /// Why, in words.
        why: &'static str,
    },
    /// There is no home.
    #[error("there is no home directory to look in")]
    NoHome,
    /// What was adopted is not all there in the end.
    #[error("{} {} is missing from what was made, although nothing failed", .one.name.as_written(), .one.version)]
    Lost {
        /// Which.
        one: AdoptedOne,
    },
    /// It could not be read.
    #[error(transparent)]
    Io(#[from] IoError),
}
