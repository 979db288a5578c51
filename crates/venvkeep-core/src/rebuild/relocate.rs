//! Making what an installer wrote into the stage name the final path.
//!
//! pip and uv write the stage's path into the first line of every script and whatever a build bakes in. Everything
//! that names the stage is found by its unique name, text is rewritten, and RECORD follows, so that afterwards no text
//! file names the stage.

use std::collections::BTreeSet;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use memchr::memmem;
use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};

use super::records::{MAX_CHANGED, StagedRecord};
use super::reuse::is_waiting;
use super::stage::Stage;
use crate::host::fs::{self, Directory, Doing, IoError};
use crate::host::walk;
use crate::model::facts::Kind;
use crate::model::prefix::Prefix;
use crate::model::shebang::{self, Shebang, Target};
use crate::model::tree::Tree;

/// How much of a file is looked at in one go.
const CHUNK: usize = 256 * 1024;

/// What relocating did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Relocated {
    /// Text files that were rewritten, relative to the prefix.
    pub rewritten: Vec<PathBuf>,
    /// Files that are not text and name the stage: a build baked the path into a program. Relative to the prefix.
    pub baked_in: Vec<PathBuf>,
}

/// Rewrites every text file in the stage that names it.
pub fn relocate(stage: &Stage) -> Result<Relocated, IoError> {
    let root = Directory::open(stage.path())?;
    let tree = walk::tree(&root)?;
    let naming = files_that_name(stage, &root, &tree)?;
    let mut done = Relocated::default();
    for path in naming {
        if rewrite(stage, &root, &path)? { done.rewritten.push(path) } else { done.baked_in.push(path) }
    }
    let changed: BTreeSet<&Path> = done.rewritten.iter().map(PathBuf::as_path).collect();
    if !changed.is_empty() {
        for info in dist_infos(&tree) {
            rehash(stage, &root, &info, |file| changed.contains(file))?;
        }
    }
    Ok(done)
}

/// Has the RECORD in a dist-info directory say what the files are now.
pub(super) fn rehash(
    stage: &Stage,
    root: &Directory,
    info: &Path,
    changed: impl Fn(&Path) -> bool,
) -> Result<(), IoError> {
    let mut record = StagedRecord::read(stage, root, info)?;
    record.rehash(changed)?;
    record.save()
}

/// The files whose content contains the stage's name, which no file contains by chance.
fn files_that_name(stage: &Stage, root: &Directory, tree: &Tree) -> Result<Vec<PathBuf>, IoError> {
    let name = stage.path().file_name().unwrap_or_default().as_bytes();
    let finder = memmem::Finder::new(name);
    let files: Vec<PathBuf> = tree
        .ids()
        .filter(|&id| tree.facts(id).kind == Kind::File && tree.facts(id).size >= name.len() as u64)
        .map(|id| tree.path(id))
        .filter(|path| !is_waiting(path))
        .collect();
    let naming: Result<Vec<Option<PathBuf>>, IoError> =
        files.par_iter().map(|path| Ok(contains(root, path, &finder)?.then(|| path.clone()))).collect();
    Ok(naming?.into_iter().flatten().collect())
}

/// Reads in chunks that overlap by the length of what is searched, so that memory stays small for any file.
pub(super) fn contains(root: &Directory, path: &Path, finder: &memmem::Finder<'_>) -> Result<bool, IoError> {
    let mut file = root.open_file(path)?;
    let overlap = finder.needle().len() - 1;
    let mut buffer = vec![0; CHUNK];
    let mut held = 0;
    loop {
        let read = file
            .read(&mut buffer[held..])
            .map_err(|e| IoError::new(Doing::Read, root.path().join(path), e))?;
        if read == 0 {
            return Ok(false);
        }
        let filled = held + read;
        if finder.find(&buffer[..filled]).is_some() {
            return Ok(true);
        }
        held = overlap.min(filled);
        buffer.copy_within(filled - held..filled, 0);
    }
}

/// Puts the final path in the place of the stage's. `false`: it is not text, and stays as it is.
fn rewrite(stage: &Stage, root: &Directory, path: &Path) -> Result<bool, IoError> {
    let Some(name) = path.file_name() else { return Ok(false) };
    let directory = root.descend(path.parent().unwrap_or(Path::new("")))?;
    let facts = directory.lstat(name)?;
    if facts.size > MAX_CHANGED {
        return Ok(false);
    }
    let content = directory.read(Path::new(name), MAX_CHANGED)?;
    if content.contains(&0) {
        return Ok(false);
    }
    let content = with_own_interpreter(content, stage.path(), stage.final_prefix());
    let (from, to) =
        (stage.path().as_os_str().as_bytes(), stage.final_prefix().path().as_os_str().as_bytes());
    fs::replace_file(&stage.join(path), facts.mode, &replace_all(&content, from, to))?;
    fs::set_mode(&stage.join(path), facts.mode)?;
    Ok(true)
}

/// A script's first lines, made anew for the final path: what an installer wrote for the longer path of the stage may
/// take the form for long paths, and does not quote every path that a shell wants quoted.
fn with_own_interpreter(content: Vec<u8>, from: &Path, to: &Prefix) -> Vec<u8> {
    let Some(found) = Shebang::parse_in(&content, &[from]) else { return content };
    let interpreter = match &found.target {
        Target::Plain(path) | Target::ThroughShell(path) => path.strip_prefix(from).ok(),
        Target::Beside(_) => None,
    };
    let Some(interpreter) = interpreter.map(|inside| to.join(inside)) else {
        return content;
    };
    match shebang::first_lines(&interpreter, found.argument.as_deref()) {
        Ok(lines) => [lines.as_slice(), &content[found.length..]].concat(),
        Err(_) => content,
    }
}

fn replace_all(content: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(content.len());
    let mut rest = 0;
    for at in memmem::find_iter(content, from) {
        replaced.extend_from_slice(&content[rest..at]);
        replaced.extend_from_slice(to);
        rest = at + from.len();
    }
    replaced.extend_from_slice(&content[rest..]);
    replaced
}

/// Every dist-info directory that has a RECORD, relative to the prefix.
pub(super) fn dist_infos(tree: &Tree) -> Vec<PathBuf> {
    let records = tree.ids().filter(|&id| tree.facts(id).kind == Kind::File && tree.name(id) == "RECORD");
    let infos = records.map(|id| tree.path(tree.parent(id)));
    let is_info = |info: &PathBuf| info.extension().is_some_and(|extension| extension == "dist-info");
    infos.filter(|info| is_info(info) && !is_waiting(info)).collect()
}
