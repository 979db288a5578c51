//! Which directories are meant, and what is installed in them.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{AdoptError, AdoptFrom};
use crate::host::fs::{self, Directory};
use crate::host::programs;
use crate::model::caller::Caller;
use crate::model::direct_url::DirectUrl;
use crate::model::dist_name::{DistName, MetadataFormat};
use crate::model::facts::Facts;
use crate::model::interpreter::BaseInterpreter;
use crate::model::metadata::CoreMetadata;
use crate::model::name::PackageName;
use crate::model::owner::Viewer;
use crate::model::printable::printable;
use crate::model::record::{RecordLimits, RecordRows};
use crate::model::requirements::{Pin, PinnedVersion};

pub(super) const RECORD_LIMITS: RecordLimits = RecordLimits::OUTSIDE;

/// The longest header of METADATA, with a description behind it that may be longer.
const LONGEST_METADATA: u64 = 16 * 1024 * 1024;
const LONGEST_HEADER: usize = 1024 * 1024;

/// `INSTALLER`, `direct_url.json`.
const LONGEST_SMALL: u64 = 64 * 1024;

/// A directory with packages, and where those who installed into it put what does not go there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The packages: an absolute, physical path.
    pub(super) site: PathBuf,
    /// What RECORD's `../` lead to: the directory that holds `bin`, `share` and so on.
    pub(super) data: PathBuf,
    /// How rows lead out of the site directory.
    pub(super) rows: Rows,
}

/// How rows lead out of the site directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// As the directories lie.
    AsItLies,
    /// As they lay in the directory that `pip install --target` moved them from: `../../bin/x` is `bin/x`.
    Moved,
}

/// A distribution that was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(super) layout: Layout,
    /// Its metadata, relative to the site directory.
    pub(super) info: PathBuf,
    pub(crate) name: PackageName,
    pub(crate) version: String,
    pub(super) requires_python: Option<String>,
    /// Where it came from, if not from an index.
    origin: Option<DirectUrl>,
    /// Why neither its files nor where it came from are taken: that leads to a project that somebody else can change.
    pub(super) elsewhere: Option<String>,
    /// Whether there can be a RECORD.
    pub(super) format: MetadataFormat,
}

impl Found {
    /// The line of a requirements file that brings it.
    pub(crate) fn requirement(&self) -> String {
        match &self.origin {
            Some(origin) if origin.is_editable() => {
                origin.local_path().map_or_else(|| self.pinned(), |path| format!("-e {}", path.display()))
            }
            Some(origin) => Pin::direct(self.name.clone(), origin).requirement(),
            None => self.pinned(),
        }
    }

    fn pinned(&self) -> String {
        Pin::exact(self.name.clone(), &self.version).map_or_else(|_| String::new(), |pin| pin.requirement())
    }
}

/// What is there: the directories, the distributions, and what belongs to none.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) sites: Vec<PathBuf>,
    pub(crate) found: Vec<Found>,
    pub(crate) unclaimed: Vec<PathBuf>,
    pub(crate) untrusted: Vec<(PathBuf, &'static str)>,
}

/// Looks.
pub(crate) fn find(
    from: AdoptFrom<'_>,
    base: &BaseInterpreter,
    caller: &Caller,
) -> Result<Place, AdoptError> {
    let layouts = layouts(from, base, caller)?;
    let mut place =
        Place { sites: Vec::new(), found: Vec::new(), unclaimed: Vec::new(), untrusted: Vec::new() };
    let mut names = BTreeSet::new();
    for layout in layouts {
        let site = Directory::open(&layout.site)?;
        if let Some(why) = distrust(&site.facts()?, &caller.viewer) {
            return Err(AdoptError::Untrusted { path: layout.site, why });
        }
        let mut listed = site.names()?;
        listed.sort_unstable();
        let mut claimed: BTreeSet<OsString> = BTreeSet::new();
        for name in &listed {
            let name = OsStr::from_bytes(name);
            let Some(one) = read(&site, name, (&layout, &caller.viewer)) else { continue };
            claimed.extend(first_parts(&site, &one));
            if let Some(why) = papers_distrust(&site, &one.info, &caller.viewer) {
                place.untrusted.push((layout.site.join(&one.info), why));
                continue;
            }
            let by_installer =
                matches!(installer(&site, &one.info).as_deref(), Some("pip" | "uv" | "venvkeep"));
            if (from != AdoptFrom::System || by_installer) && names.insert(one.name.clone()) {
                place.found.push(one);
            }
        }
        if from != AdoptFrom::System {
            let names = listed.iter().map(|name| OsStr::from_bytes(name));
            let unclaimed = names.filter(|name| !claimed.contains(*name) && !is_nobodys(name, from));
            place.unclaimed.extend(unclaimed.map(|name| layout.site.join(name)));
        }
        place.sites.push(layout.site);
    }
    match place.sites.first() {
        Some(first) if place.found.is_empty() => Err(AdoptError::Empty { path: first.clone() }),
        _ => Ok(place),
    }
}

/// Bytecode, and beside packages that were installed into a directory, their scripts and data.
fn is_nobodys(name: &OsStr, from: AdoptFrom<'_>) -> bool {
    let beside = ["bin", "share", "include", "etc", "man"];
    name == "__pycache__" || matches!(from, AdoptFrom::Directory(_)) && beside.iter().any(|dir| name == *dir)
}

fn layouts(from: AdoptFrom<'_>, base: &BaseInterpreter, caller: &Caller) -> Result<Vec<Layout>, AdoptError> {
    // `python3.11`, `pypy3.9`, `python3.13t`: as this Python's own directory is called.
    let python = base.stdlib.file_name().unwrap_or(OsStr::new("python3")).to_owned();
    let below = |data: &Path, library: &str, site: &str| {
        let site = data.join(library).join(&python).join(site);
        Some(Layout { site: fs::physical(&site).ok()?, data: fs::physical(data).ok()?, rows: Rows::AsItLies })
    };
    let wanted: PathBuf;
    let found: Vec<Layout> = match from {
        AdoptFrom::Directory(path) => {
            wanted = path.to_owned();
            let site = fs::physical(path).ok();
            site.map(|site| Layout { data: site.clone(), site, rows: Rows::Moved }).into_iter().collect()
        }
        AdoptFrom::User => {
            let data = caller.user_base().ok_or(AdoptError::NoHome)?;
            wanted = data.join("lib").join(&python).join("site-packages");
            below(&data, "lib", "site-packages").into_iter().collect()
        }
        AdoptFrom::System => {
            let local = Path::new("/usr/local");
            wanted = local.join("lib").join(&python).join("dist-packages");
            let own = ["lib", "lib64"].into_iter().flat_map(|library| {
                ["dist-packages", "site-packages"].into_iter().flat_map(move |site| {
                    [(local.to_owned(), library, site), (base.base_prefix.clone(), library, site)]
                })
            });
            let mut all: Vec<Layout> =
                own.filter_map(|(data, library, site)| below(&data, library, site)).collect();
            let mut seen = BTreeSet::new();
            all.retain(|layout| seen.insert(layout.site.clone()));
            all
        }
    };
    if found.is_empty() { Err(AdoptError::Gone { path: wanted }) } else { Ok(found) }
}

/// Where others can put something, what is installed there is not the user's to trust.
fn distrust(facts: &Facts, viewer: &Viewer) -> Option<&'static str> {
    if !viewer.trusts(facts.uid) {
        Some("it belongs to neither you nor root")
    } else if viewer.others_can_add(facts) {
        Some("other users can write there")
    } else {
        None
    }
}

/// The same of what says which distribution it is and where that comes from.
fn papers_distrust(site: &Directory, info: &Path, viewer: &Viewer) -> Option<&'static str> {
    let itself = site.lstat(info.as_os_str()).ok()?;
    let inside = site.descend(info).ok();
    let papers = ["METADATA", "PKG-INFO", "direct_url.json", "INSTALLER"];
    let papers = papers.iter().filter_map(|name| inside.as_ref()?.lstat(OsStr::new(name)).ok());
    std::iter::once(itself).chain(papers).find_map(|facts| distrust(&facts, viewer))
}

/// Why a project on this machine is not installed from, which runs what it says: others could have written that.
fn elsewhere(origin: &DirectUrl, viewer: &Viewer) -> Option<String> {
    let project = origin.local_path()?;
    let why = programs::trust_way(&project.join("x"), viewer).err()?;
    Some(format!("it came from {}, which is not built from: {why}", printable(&project)))
}

fn read(site: &Directory, file_name: &OsStr, (layout, viewer): (&Layout, &Viewer)) -> Option<Found> {
    let parsed = DistName::parse(file_name.to_str()?)?;
    let info = PathBuf::from(file_name);
    let inside = |name: &str, limit: u64| site.read(&info.join(name), limit).ok();
    let metadata = match parsed.format {
        MetadataFormat::DistInfo => inside("METADATA", LONGEST_METADATA),
        MetadataFormat::EggInfo => {
            inside("PKG-INFO", LONGEST_METADATA).or_else(|| site.read(&info, LONGEST_METADATA).ok())
        }
    };
    let metadata = metadata.and_then(|bytes| CoreMetadata::parse(&bytes, LONGEST_HEADER).ok());
    let (name, version, requires_python) = match metadata {
        Some(metadata) => (metadata.name, metadata.version, metadata.requires_python),
        None => {
            (PackageName::parse(parsed.package().ok()?.normalized()).ok()?, parsed.version.clone()?, None)
        }
    };
    PinnedVersion::parse(&version).ok()?;
    let origin = inside("direct_url.json", LONGEST_SMALL).and_then(|bytes| DirectUrl::parse(&bytes).ok());
    let elsewhere = origin.as_ref().and_then(|origin| elsewhere(origin, viewer));
    Some(Found {
        layout: layout.clone(),
        info,
        name,
        version,
        requires_python,
        origin: origin.filter(|_| elsewhere.is_none()),
        elsewhere,
        format: parsed.format,
    })
}

fn installer(site: &Directory, info: &Path) -> Option<String> {
    let text = site.read(&info.join("INSTALLER"), LONGEST_SMALL).ok()?;
    Some(String::from_utf8_lossy(&text).trim().to_owned())
}

/// The topmost names that a distribution's RECORD claims.
fn first_parts(site: &Directory, one: &Found) -> Vec<OsString> {
    let mut parts = vec![one.info.clone().into_os_string()];
    let content = site.read(&one.info.join("RECORD"), RECORD_LIMITS.bytes as u64).unwrap_or_default();
    if let Ok(rows) = RecordRows::parse(&content, RECORD_LIMITS) {
        let first = rows.flatten().filter_map(|row| row.path.split('/').next().map(OsString::from));
        parts.extend(first);
        parts.dedup();
    }
    parts
}
