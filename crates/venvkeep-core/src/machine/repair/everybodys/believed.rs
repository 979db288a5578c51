//! Whose record is believed, where its rows may lead, and what has to speak for each.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::host::fs::{self, Directory};
use crate::machine::repair::around;
use crate::machine::sites::{RECORD_LIMITS, is_pythons_library, is_site};
use crate::model::facts::Facts;
use crate::model::owner::{ROOT, Viewer};
use crate::model::record::{RecordError, RecordHash, RecordPlace, RecordRow, RecordRows};

/// Where, below what a Python is installed under, a distribution's files may lie besides its site directory: the scheme's
/// other directories (sysconfig). A row that leads elsewhere is nothing to be opened.
const BESIDE: [&str; 3] = ["bin", "share", "include"];

/// No path is longer (`PATH_MAX`), and no package as deep: rows that are were made to cost something.
const LONGEST_PATH: usize = 4096;
const DEEPEST: usize = 128;

/// A site directory that nobody but root can have put anything into, and what belongs to it.
pub(super) struct Ground<'v> {
    viewer: &'v Viewer,
    /// What the Python is installed under: `/usr/local` for `/usr/local/lib/python3.11/dist-packages`.
    pub(super) prefix: PathBuf,
    /// The site directory and those beside it, which are opened once: what is mounted below them is not entered.
    pub(super) roots: Vec<(PathBuf, Directory)>,
    site_rel: PathBuf,
}

impl<'v> Ground<'v> {
    /// Looks at a site directory and everything above it; an error says in words why nothing in it is believed.
    pub(super) fn of(site: &Path, viewer: &'v Viewer) -> Result<Self, String> {
        let prefix = prefix_of(site).ok_or(
            "it does not lie in lib/pythonX.Y, so that what else belongs to it is not known: nothing of it is opened",
        )?;
        for above in site.ancestors() {
            let facts =
                fs::lstat(above).map_err(|error| format!("{} ({})", above.display(), error.reason()))?;
            let others =
                if above == site { viewer.others_can_add(&facts) } else { viewer.others_can_write(&facts) };
            if facts.uid != ROOT || others {
                return Err(format!(
                    "others than root can change what lies in {}, so that what is recorded here is not believed",
                    above.display()
                ));
            }
        }
        let places = BESIDE.iter().map(|name| prefix.join(name)).chain([site.to_owned()]);
        let roots =
            places.filter_map(|place| Some((place.clone(), around(&place.join("x")).ok()?))).collect();
        let site_rel = site.strip_prefix(prefix).unwrap_or(site).to_owned();
        Ok(Self { viewer, prefix: prefix.to_owned(), roots, site_rel })
    }

    /// The root that a path lies below, and the rest of the path.
    pub(super) fn root_of<'p>(&self, path: &'p Path) -> Option<(&Directory, &'p Path)> {
        self.roots.iter().find_map(|(root, open)| {
            let rest = path.strip_prefix(root).ok().filter(|rest| !rest.as_os_str().is_empty())?;
            Some((open, rest))
        })
    }

    /// Whether a path lies in the site directory.
    pub(super) fn is_in_site(&self, path: &Path) -> bool {
        path.strip_prefix(&self.prefix).is_ok_and(|rest| rest.starts_with(&self.site_rel))
    }

    fn is_roots_alone(&self, facts: &Facts) -> bool {
        facts.uid == ROOT && !self.viewer.others_can_add(facts)
    }
}

/// What a Python with this site directory is installed under. `None` where the names are not those that Pythons use, as
/// behind a link: what is opened on the way would be anything.
fn prefix_of(site: &Path) -> Option<&Path> {
    let python = site.parent()?;
    let library = python.parent()?;
    let is_library = library.file_name()?.to_str()?.starts_with("lib");
    (is_site(site.file_name()?) && is_pythons_library(python.file_name()?) && is_library)
        .then(|| library.parent())
        .flatten()
}

/// What has to be so for a row to open a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proof {
    /// The file is what the row says.
    Hash(RecordHash),
    /// It is the bytecode of this file, which is proved by its own row.
    Source(PathBuf),
    /// Where it lies is enough: the distribution's own metadata, or what setuptools wrote down, which knew no hashes.
    Place,
    /// Nothing could.
    None,
}

/// What one distribution records.
pub(super) struct Record {
    /// The metadata directory's name.
    pub(super) info: PathBuf,
    /// Absolute paths, all of them below one of the roots.
    pub(super) rows: BTreeMap<PathBuf, Proof>,
    /// What of it could not be read.
    pub(super) fault: Option<String>,
    /// Metadata directories of setuptools' kind that it names: what a wheel brought along is no record of setuptools'.
    pub(super) brings: BTreeSet<OsString>,
    /// Whether setuptools wrote it.
    pub(super) is_setuptools: bool,
}

impl Record {
    /// Its RECORD, or what setuptools wrote before there were any. Only root's own is believed.
    pub(super) fn read(site: &Directory, info: &Path, ground: &Ground<'_>) -> Result<Self, String> {
        let mut record = Self {
            info: info.to_owned(),
            rows: BTreeMap::new(),
            fault: None,
            brings: BTreeSet::new(),
            is_setuptools: false,
        };
        let Ok(inside) = site.descend(info) else { return Ok(record) };
        let list = is_setuptools_kind(info).then_some("installed-files.txt");
        for name in ["RECORD"].into_iter().chain(list) {
            let facts = match inside.lstat(OsStr::new(name)) {
                Ok(facts) => facts,
                Err(error) if error.is_missing() => continue,
                Err(error) => return Err(format!("its {name} could not be read ({})", error.reason())),
            };
            let around = inside.facts().map_err(|error| error.reason())?;
            if !ground.is_roots_alone(&facts) || !ground.is_roots_alone(&around) {
                return Err(format!("its {name} is not root's alone, so that it is not believed"));
            }
            let content = inside
                .read(Path::new(name), RECORD_LIMITS.bytes as u64)
                .map_err(|error| format!("its {name} could not be read ({})", error.reason()))?;
            if name == "RECORD" {
                record.take_rows(&content, ground)?;
            } else {
                record.take_lines(&content, ground);
            }
            return Ok(record);
        }
        // The distribution's own packages have none, and are as their package made them.
        Ok(record)
    }

    fn take_rows(&mut self, content: &[u8], ground: &Ground<'_>) -> Result<(), String> {
        let rows = RecordRows::parse(content, RECORD_LIMITS)
            .map_err(|error| format!("its RECORD is garbled ({error})"))?;
        for row in rows {
            let row = match row {
                Ok(row) => row,
                Err(error) => {
                    let what = match error {
                        RecordError::TooManyRows { .. } => "what follows in its RECORD was not read",
                        _ => "its RECORD is garbled in part",
                    };
                    self.fault.get_or_insert_with(|| format!("{what} ({error})"));
                    continue;
                }
            };
            if let Some(other) = Path::new(&row.path).iter().next().filter(|first| *first != self.info)
                && is_setuptools_kind(Path::new(other))
            {
                self.brings.insert(other.to_owned());
            }
            let Some(path) = place(&row, ground) else { continue };
            let own = ground.prefix.join(&ground.site_rel).join(&self.info);
            let proof = match row.hash {
                Some(hash @ RecordHash::Known { .. }) => Proof::Hash(hash),
                _ if path.starts_with(&own) => Proof::Place,
                _ => source_of(&path).map_or(Proof::None, Proof::Source),
            };
            self.rows.insert(path, proof);
        }
        Ok(())
    }

    /// Paths relative to the metadata directory, one a line; only those in the site directory are taken, since nothing
    /// proves them.
    fn take_lines(&mut self, content: &[u8], ground: &Ground<'_>) {
        self.is_setuptools = true;
        let text = String::from_utf8_lossy(content);
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()).take(RECORD_LIMITS.rows) {
            let row = RecordRow { path: format!("{}/{line}", self.info.display()), hash: None, size: None };
            let Some(path) = place(&row, ground) else { continue };
            let proof = if ground.is_in_site(&path) { Proof::Place } else { Proof::None };
            self.rows.insert(path, proof);
        }
    }
}

/// Whether a metadata directory is called as setuptools called it.
pub(super) fn is_setuptools_kind(info: &Path) -> bool {
    info.extension().is_some_and(|ending| ending == "egg-info")
}

/// Where a row leads, if that is below one of the roots.
fn place(row: &RecordRow, ground: &Ground<'_>) -> Option<PathBuf> {
    if row.path.len() > LONGEST_PATH || row.path.split('/').count() > DEEPEST {
        return None;
    }
    let RecordPlace::Inside(relative) = row.resolve(&ground.prefix, &ground.site_rel) else { return None };
    let path = ground.prefix.join(relative);
    ground.root_of(&path).is_some().then_some(path)
}

/// `pkg/module.py` for `pkg/__pycache__/module.cpython-311.pyc`.
fn source_of(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?.strip_suffix(".pyc")?;
    let directory = path.parent().filter(|above| above.ends_with("__pycache__"))?.parent()?;
    Some(directory.join(format!("{}.py", name.split('.').next()?)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{prefix_of, source_of};

    #[test]
    fn what_a_site_directory_belongs_to() {
        for (site, prefix) in [
            ("/usr/local/lib/python3.11/dist-packages", Some("/usr/local")),
            ("/usr/lib/python3/dist-packages", Some("/usr")),
            ("/usr/lib64/python3.13t/site-packages", Some("/usr")),
            ("/mnt/x/dp", None),
            ("/mnt/lib/x/site-packages", None),
            ("/mnt/python3.11/site-packages", None),
        ] {
            assert_eq!(prefix_of(Path::new(site)), prefix.map(Path::new), "{site}");
        }
    }

    #[test]
    fn bytecode_and_its_source() {
        for (bytecode, source) in [
            ("/s/p/__pycache__/a.cpython-311.pyc", Some("/s/p/a.py")),
            ("/s/p/__pycache__/a.cpython-311.opt-1.pyc", Some("/s/p/a.py")),
            ("/s/p/a.pyc", None),
            ("/s/p/__pycache__/key.pem", None),
        ] {
            assert_eq!(source_of(Path::new(bytecode)).as_deref(), source.map(Path::new), "{bytecode}");
        }
    }
}
