//! Which files an installed distribution consists of, whatever its metadata's generation.
//!
//! A `.dist-info` has RECORD. Before that, pip kept `installed-files.txt` in the `.egg-info`, without hashes; an
//! `.egg` consists of what lies in it; a development install is one `.egg-link`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::distributions::LONGEST_SMALL_FILE;
use super::records::LIMITS;
use crate::host::fs::Directory;
use crate::model::distribution::{Distribution, Layout};
use crate::model::facts::Kind;
use crate::model::prefix::Prefix;
use crate::model::record::{RecordPlace, RecordRow, RecordRows};
use crate::model::tree::{EntryId, Tree};

/// The files of one distribution.
#[derive(Debug, Default)]
pub struct Listing {
    /// RECORD's bytes; empty for what has none.
    pub record: Vec<u8>,
    /// One row for each file, as RECORD has it or as it would.
    pub rows: Vec<RecordRow>,
}

impl Listing {
    /// Reads what lists a distribution's files; where nothing does, says so in words.
    pub fn read(root: &Directory, tree: &Tree, distribution: &Distribution) -> Result<Self, String> {
        match distribution.layout {
            Layout::DistInfo => Self::recorded(root, distribution),
            Layout::EggInfo => Self::legacy(root, tree, distribution),
            Layout::EggLink | Layout::Egg => Ok(Self::of(below(tree, distribution, &distribution.info))),
        }
    }

    fn recorded(root: &Directory, distribution: &Distribution) -> Result<Self, String> {
        let path = distribution.info.join("RECORD");
        let record = root.read(&path, LIMITS.bytes as u64).map_err(|error| error.to_string())?;
        let rows = RecordRows::parse(&record, LIMITS).and_then(Iterator::collect);
        let rows = rows.map_err(|error| format!("{} is damaged: {error}", path.display()))?;
        Ok(Self { record, rows })
    }

    fn legacy(root: &Directory, tree: &Tree, distribution: &Distribution) -> Result<Self, String> {
        let list = distribution.info.join("installed-files.txt");
        let text = root.read(&list, LONGEST_SMALL_FILE).map_err(|_| "nothing lists its files".to_owned())?;
        let info = distribution.info.file_name().unwrap_or_default().to_string_lossy();
        let text = String::from_utf8(text).map_err(|_| format!("{} is not text", list.display()))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut paths: Vec<String> = lines.map(|line| format!("{info}/{line}")).collect();
        paths.extend(below(tree, distribution, &distribution.info));
        Ok(Self::of(paths))
    }

    fn of(mut paths: Vec<String>) -> Self {
        paths.sort_unstable();
        paths.dedup();
        let rows = paths.into_iter().map(|path| RecordRow { path, hash: None, size: None }).collect();
        Self { record: Vec::new(), rows }
    }
}

/// Where a row's file lies, relative to the prefix and through no link: a `lib64` that is a link to `lib` is read as
/// that. `None` where it leaves the environment.
pub fn place(row: &RecordRow, prefix: &Prefix, tree: &Tree, distribution: &Distribution) -> Option<PathBuf> {
    let site = distribution.info.parent().unwrap_or(Path::new(""));
    match row.resolve(prefix.path(), site) {
        RecordPlace::Inside(path) => Some(through_lib64(path, tree)),
        RecordPlace::Outside(_) => None,
    }
}

fn through_lib64(path: PathBuf, tree: &Tree) -> PathBuf {
    let is_link = || {
        let twin = tree.child(Tree::ROOT, OsStr::new("lib64"));
        twin.is_some_and(|id| tree.facts(id).kind == Kind::Link)
    };
    match path.strip_prefix("lib64") {
        Ok(rest) if is_link() => Path::new("lib").join(rest),
        _ => path,
    }
}

/// Every file below an entry (or the entry itself), relative to the site directory. Names that are not text cannot
/// stand in a RECORD either.
fn below(tree: &Tree, distribution: &Distribution, top: &Path) -> Vec<String> {
    let site = distribution.info.parent().unwrap_or(Path::new(""));
    let mut found = Vec::new();
    let mut open: Vec<EntryId> = tree.find(top).into_iter().collect();
    while let Some(id) = open.pop() {
        if tree.facts(id).kind == Kind::Directory {
            open.extend(tree.children(id));
        } else if let Some(path) = tree.path(id).strip_prefix(site).ok().and_then(Path::to_str) {
            found.push(path.to_owned());
        }
    }
    found
}
