//! Scripts that find their interpreter beside them, as uv writes them into an environment that may be moved
//! (`uv venv --relocatable`).
//!
//! Everything else in a stage is made for its final place; this comes last and turns that place, in the first lines of
//! what is in `bin`, into "where this script lies".

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::records::MAX_CHANGED;
use super::relocate::{dist_infos, rehash};
use super::stage::Stage;
use crate::host::fs::{self, Directory, IoError};
use crate::host::walk;
use crate::model::facts::Kind;
use crate::model::shebang::{self, Shebang, Target};

/// A script's first lines are shorter.
const HEAD: u64 = 16 * 1024;

/// Has every script in `bin` that names the interpreter of its final place look beside itself. RECORD follows, but for
/// files whose rows say something else on purpose (`changed`, relative to the prefix).
pub fn detach(stage: &Stage, changed: &BTreeSet<PathBuf>) -> Result<(), IoError> {
    let root = Directory::open(stage.path())?;
    let bin = root.child(OsStr::new("bin"))?;
    let mut rewritten = BTreeSet::new();
    for name in bin.names()? {
        let name = OsStr::from_bytes(&name);
        let facts = bin.lstat(name)?;
        if facts.kind != Kind::File || facts.size > MAX_CHANGED {
            continue;
        }
        let head = bin.read_start(Path::new(name), HEAD, |_| true)?;
        let Some((lines, length)) = detached(stage.final_prefix().path(), &head) else { continue };
        let path = Path::new("bin").join(name);
        let content = bin.read(Path::new(name), MAX_CHANGED)?;
        fs::replace_file(&stage.join(&path), facts.mode, &[lines.as_slice(), &content[length..]].concat())?;
        fs::set_mode(&stage.join(&path), facts.mode)?;
        if !changed.contains(&path) {
            rewritten.insert(path);
        }
    }
    if !rewritten.is_empty() {
        for info in dist_infos(&walk::tree(&root)?) {
            rehash(stage, &root, &info, |file| rewritten.contains(file))?;
        }
    }
    Ok(())
}

/// The new first lines of a script that starts an interpreter in `bin` of this environment, and how many bytes they
/// replace.
fn detached(prefix: &Path, head: &[u8]) -> Option<(Vec<u8>, usize)> {
    let found = Shebang::parse_in(head, &[prefix])?;
    let (Target::Plain(interpreter) | Target::ThroughShell(interpreter)) = &found.target else { return None };
    let is_own = interpreter.parent() == Some(prefix.join("bin").as_path());
    let name = interpreter.file_name().filter(|_| is_own)?;
    let argument = found.argument.as_deref().map_or(Some(""), OsStr::to_str)?;
    Some((shebang::first_lines_beside(name.to_str()?, argument), found.length))
}
