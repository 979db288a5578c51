//! One installed distribution, as its metadata directory describes it.

use std::path::PathBuf;

use super::direct_url::DirectUrl;
use super::entry_points::EntryPoints;
use super::name::PackageName;
use super::requirements::Editable;

/// How a distribution's metadata is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `NAME-VERSION.dist-info/` (PEP 376).
    DistInfo,
    /// `NAME-VERSION.egg-info/` or a single file of that name: setuptools and distutils of old. No hashes.
    EggInfo,
    /// `NAME.egg-link`: `setup.py develop`.
    EggLink,
    /// `NAME-VERSION-pyX.Y.egg`, a directory or a zip file.
    Egg,
}

/// Where name and version were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedBy {
    /// `METADATA` or `PKG-INFO`.
    Metadata,
    /// The directory's name, because the metadata could not be used; with the reason in words.
    DirectoryName(String),
}

/// What became of reading a distribution's RECORD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordState {
    /// Only what is installed was asked for; it was not looked at.
    NotCompared,
    /// There is none: the distribution's files are not listed anywhere.
    Missing,
    /// It could not be read or makes no sense, with the reason in words.
    Broken(String),
    /// It was read.
    Read {
        /// Rows of files that are not there (bytecode aside), relative to the prefix, ten at the most.
        missing: Vec<PathBuf>,
        /// How many are not there.
        missing_count: usize,
        /// Files whose size differs from the recorded one, ten at the most.
        altered: Vec<PathBuf>,
        /// How many differ.
        altered_count: usize,
        /// Rows that lead out of the environment, as written, ten at the most.
        unsafe_rows: Vec<String>,
    },
}

/// An installed distribution.
#[derive(Debug, Clone)]
pub struct Distribution {
    /// Its name.
    pub name: PackageName,
    /// Its version as written; a single word that a pin can hold.
    pub version: String,
    /// Where the two were read.
    pub named_by: NamedBy,
    /// The metadata directory or file, relative to the prefix.
    pub info: PathBuf,
    /// How it is laid out.
    pub layout: Layout,
    /// Whether it was asked for, rather than pulled in by another (PEP 376's REQUESTED).
    pub requested: bool,
    /// Where it came from, when not from an index (PEP 610).
    pub direct_url: Option<DirectUrl>,
    /// How an editable install freezes: its project directory, and the checkout that lies in.
    pub editable: Option<Editable>,
    /// Its dependencies, as written.
    pub requires_dist: Vec<String>,
    /// The Pythons it is for, as written.
    pub requires_python: Option<String>,
    /// Its scripts and plugins.
    pub entry_points: EntryPoints,
    /// Its list of files.
    pub record: RecordState,
}
