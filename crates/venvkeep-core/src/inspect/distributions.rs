//! The distributions in site-packages: what their metadata says, and what their names say where it cannot be read.
//!
//! METADATA's name and version win over the directory's (PyPA "Recording installed projects"); of several metadata
//! directories for one name the one whose RECORD matches the files is the installed one, and the others are leftovers.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::host::fs::{Directory, IoError};
use crate::model::direct_url::DirectUrl;
use crate::model::dist_name::{DistName, MetadataFormat, is_leftover};
use crate::model::distribution::{Distribution, Layout, NamedBy, RecordState};
use crate::model::entry_points::EntryPoints;
use crate::model::headers::Headers;
use crate::model::metadata::CoreMetadata;
use crate::model::name::PackageName;
use crate::model::prefix::Prefix;
use crate::model::requirements::PinnedVersion;

use super::snapshot::Site;
use super::{checkout, egg, records};

/// Longest METADATA that is read. Most are description, which is not looked at, but it stands in the same file: the
/// longest on the index are some 1 MiB. (Where the header ends early, as it does, the rest is not read, however long.)
const LONGEST_METADATA: u64 = 4 * 1024 * 1024;

/// How much of it may be header. Tens of KiB are the most that occurs; the rest of the bound is for authors and
/// licences pasted into it.
const LONGEST_HEADER: usize = 1024 * 1024;

/// Longest of the small files beside METADATA: `direct_url.json`, `entry_points.txt`.
pub(super) const LONGEST_SMALL_FILE: u64 = 1024 * 1024;

/// What was found in all site-packages directories together.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) distributions: Vec<Distribution>,
    pub(super) leftovers: Vec<PathBuf>,
    pub(super) unidentified: Vec<PathBuf>,
}

/// How much of each distribution's metadata is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Name, version and origin: what a frozen list consists of.
    List,
    /// All that is kept of a distribution: its commands and whether it was asked for, too.
    Whole,
}

/// Reads the metadata of every distribution in these directories.
pub(super) fn read(prefix: &Prefix, directory: &Directory, sites: &[Site], reading: Reading) -> Found {
    let mut found = Found::default();
    for site in sites.iter().filter(|site| site.is_listed()) {
        let opened = directory.descend(&site.path);
        if let Ok((names, open)) = opened.and_then(|open| Ok((open.names()?, open))) {
            found.take_site(&Place { open, path: &site.path, reading }, names);
        }
    }
    found.keep_one_of_each_name(prefix);
    found
}

/// An open site-packages directory.
pub(super) struct Place<'a> {
    pub(super) open: Directory,
    /// Relative to the prefix.
    pub(super) path: &'a Path,
    reading: Reading,
}

/// From so many entries on they are read on more than one core.
const MANY: usize = 24;

/// What one entry of site-packages turned out to be.
pub(super) enum Entry {
    Distribution(Box<Distribution>),
    /// It claims to be one, but says neither name nor version.
    Unidentified,
    /// What an aborted uninstall left.
    Leftover,
    Nothing,
}

impl Found {
    fn take_site(&mut self, place: &Place<'_>, mut names: Vec<Vec<u8>>) {
        names.sort_unstable();
        // Of a few, starting the other threads would take longer than reading them.
        let entries: Vec<Entry> = if names.len() < MANY {
            names.iter().map(|name| read_entry(place, name)).collect()
        } else {
            names.par_iter().map(|name| read_entry(place, name)).collect()
        };
        for (name, entry) in names.iter().zip(entries) {
            let path = place.path.join(OsStr::from_bytes(name));
            match entry {
                Entry::Distribution(distribution) => self.distributions.push(*distribution),
                Entry::Unidentified => self.unidentified.push(path),
                Entry::Leftover => self.leftovers.push(path),
                Entry::Nothing => {}
            }
        }
    }

    /// Drops all but one metadata directory of each name.
    fn keep_one_of_each_name(&mut self, prefix: &Prefix) {
        let mut places: BTreeMap<PackageName, Vec<usize>> = BTreeMap::new();
        for (at, distribution) in self.distributions.iter().enumerate() {
            places.entry(distribution.name.clone()).or_default().push(at);
        }
        let mut dropped = Vec::new();
        for candidates in places.into_values().filter(|places| places.len() > 1) {
            let faults = |&&at: &&usize| records::faults_on_disk(&self.distributions[at], prefix);
            let kept = candidates.iter().min_by_key(faults).copied();
            dropped.extend(candidates.into_iter().filter(|at| Some(*at) != kept));
        }
        dropped.sort_unstable();
        for at in dropped.into_iter().rev() {
            let distribution = self.distributions.remove(at);
            // An egg-link and the egg-info it leads to are one installation, no leftover.
            if distribution.layout == Layout::DistInfo {
                self.leftovers.push(distribution.info);
            }
        }
        self.leftovers.sort_unstable();
    }
}

fn read_entry(place: &Place<'_>, name: &[u8]) -> Entry {
    let text = String::from_utf8_lossy(name);
    let (_, ending) = text.rsplit_once('.').unwrap_or_default();
    match ending {
        _ if name.starts_with(b"~") => Entry::Leftover,
        "dist-info" | "egg-info" if !is_leftover(&text) => read_metadata_entry(place, &text),
        "egg-link" => egg::linked(place, &text),
        "egg" => egg::unpacked(place, &text),
        _ => Entry::Nothing,
    }
}

fn read_metadata_entry(place: &Place<'_>, file_name: &str) -> Entry {
    let name = DistName::parse(file_name);
    let is_dist_info = file_name.ends_with(".dist-info");
    let info = Info::open(&place.open, file_name);
    let metadata = info.metadata(if is_dist_info { "METADATA" } else { "PKG-INFO" });
    if is_dist_info && metadata.is_err() && info.is_emptied() {
        return Entry::Leftover;
    }
    let Some((package, version, named_by)) = identify(metadata.as_ref(), name.as_ref()) else {
        return Entry::Unidentified;
    };
    let layout = match name.map(|name| name.format) {
        Some(MetadataFormat::EggInfo) => Layout::EggInfo,
        _ => Layout::DistInfo,
    };
    let direct_url = info.small("direct_url.json").and_then(|bytes| DirectUrl::parse(&bytes).ok());
    let editable = direct_url.as_ref().filter(|origin| origin.is_editable()).and_then(|origin| {
        let owner = place.open.lstat(OsStr::new(file_name)).ok()?.uid;
        Some(checkout::editable(&origin.local_path()?, owner, &package, &version))
    });
    let mut distribution = Distribution {
        info: place.path.join(file_name),
        layout,
        editable,
        direct_url,
        ..bare(package, version, named_by)
    };
    if let Ok(metadata) = metadata {
        distribution.requires_dist = metadata.requires_dist;
        distribution.requires_python = metadata.requires_python;
    }
    if layout == Layout::EggInfo
        && let Some(bytes) = info.small("requires.txt")
    {
        distribution.requires_dist.extend(egg::requirements(&bytes));
    }
    if place.reading == Reading::Whole {
        info.describe(&mut distribution);
    }
    Entry::Distribution(Box::new(distribution))
}

/// A distribution of which only name and version are known.
pub(super) fn bare(name: PackageName, version: String, named_by: NamedBy) -> Distribution {
    Distribution {
        name,
        version,
        named_by,
        info: PathBuf::new(),
        layout: Layout::DistInfo,
        requested: false,
        direct_url: None,
        editable: None,
        requires_dist: Vec::new(),
        requires_python: None,
        entry_points: EntryPoints::default(),
        record: RecordState::NotCompared,
    }
}

/// Name and version: the metadata's where it has both, else those of the directory's name.
pub(super) fn identify(
    metadata: Result<&CoreMetadata, &String>,
    name: Option<&DistName>,
) -> Option<(PackageName, String, NamedBy)> {
    let usable = |version: &str| PinnedVersion::parse(version).is_ok();
    let reason = match metadata {
        Ok(metadata) if usable(&metadata.version) => {
            return Some((metadata.name.clone(), metadata.version.clone(), NamedBy::Metadata));
        }
        Ok(_) => "its Version line is not a version".to_owned(),
        Err(reason) => reason.clone(),
    };
    let name = name?;
    let version = name.version.as_deref().filter(|version| usable(version))?;
    // The directory's name has `_` for `-`: pip, too, prints the normalised form then.
    let package = PackageName::parse(name.package().ok()?.normalized()).ok()?;
    Some((package, version.to_owned(), NamedBy::DirectoryName(reason)))
}

/// A metadata directory that is open, a metadata file, or one that could not be opened.
///
/// A directory is not listed: its few files are asked for by name, and one that is not there costs less than a list.
pub(super) enum Info {
    Directory(Directory),
    File(Result<Vec<u8>, IoError>),
}

impl Info {
    pub(super) fn open(parent: &Directory, name: &str) -> Self {
        match parent.child(OsStr::new(name)) {
            Ok(open) => Self::Directory(open),
            // distutils of old wrote a single file. Where it is neither, that attempt names the reason.
            Err(error) if error.is_missing() => Self::File(parent.read(Path::new(name), LONGEST_METADATA)),
            Err(error) => Self::File(Err(error)),
        }
    }

    /// Whether neither what a distribution is nor what belongs to it is there: pip passes such a directory by. (One
    /// that may not be looked into is none such: then its name tells.)
    fn is_emptied(&self) -> bool {
        let lacks =
            |open: &Directory, name| open.lstat(OsStr::new(name)).is_err_and(|error| error.is_missing());
        matches!(self, Self::Directory(open) if lacks(open, "METADATA") && lacks(open, "RECORD"))
    }

    /// The headers of the metadata file, or why there are none, in words.
    pub(super) fn metadata(&self, name: &str) -> Result<CoreMetadata, String> {
        let bytes = match self {
            Self::Directory(open) => {
                let read = open.read_start(Path::new(name), LONGEST_METADATA, Headers::end_within);
                let missing = || format!("there is no {name} in {}", open.path().display());
                &read.map_err(|error| if error.is_missing() { missing() } else { error.to_string() })?
            }
            Self::File(content) => content.as_ref().map_err(ToString::to_string)?,
        };
        CoreMetadata::parse(bytes, LONGEST_HEADER).map_err(|error| error.to_string())
    }

    /// A small file of the directory, where it is there and can be read.
    fn small(&self, name: &str) -> Option<Vec<u8>> {
        match self {
            Self::Directory(open) => open.read(Path::new(name), LONGEST_SMALL_FILE).ok(),
            Self::File(_) => None,
        }
    }

    /// Adds what the small files say.
    fn describe(&self, distribution: &mut Distribution) {
        let Self::Directory(open) = self else { return };
        distribution.requested = open.lstat(OsStr::new("REQUESTED")).is_ok();
        if let Some(bytes) = self.small("entry_points.txt") {
            distribution.entry_points = EntryPoints::parse(&bytes);
        }
    }
}
