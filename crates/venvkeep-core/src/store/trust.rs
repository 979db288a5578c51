//! Which environments a shell may activate by itself.
//!
//! Being the owner of one is not enough: a cloned repository or an unpacked archive brings its files as the user's own,
//! and with its `bin` first in PATH the next prompt that calls `git` runs the stranger's. So trust is a pair: a random
//! token in the environment, which nobody else can read, and a record in the user's state directory, named by that
//! token, which holds the physical path. A copy of the environment has the token at another place, a stranger's has no
//! record. The shims compare the two at every change of directory; what only this program can look at (modes, and every
//! directory above) is looked at when trust is given. What is asked for by name needs no token
//! ([`objection_when_asked`]).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::used;
use crate::host::credentials;
use crate::host::fs::{self, Directory, IoError};
use crate::host::random;
use crate::inspect::beside;
use crate::model::caller::Caller;
use crate::model::facts::{Facts, Kind};
use crate::model::naming::{MARK, UnusablePath, name_of, prompt_name, usable};
use crate::model::owner::{ROOT, Viewer};
use crate::model::prefix::Prefix;
use crate::model::pyvenv_cfg::PyvenvCfg;
use crate::model::sharing::Sharing;

/// The directory of the records, in the state directory.
const RECORDS: &str = "trusted";

/// Tokens and records are a line or two; the longest path has 4096 bytes.
const MAX_RECORD: u64 = 16 * 1024;
const MAX_CONFIG: u64 = 1024 * 1024;

/// Why a shell must not activate an environment by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// It could not be put on PATH.
    #[error("{0}")]
    Path(#[from] UnusablePath),
    /// A part that every environment has is not there.
    #[error("there is no {}", .0.display())]
    Missing(PathBuf),
    /// A part is a link, or something else that it should not be.
    #[error("{} is {kind}", .path.display())]
    Kind {
        /// Which.
        path: PathBuf,
        /// What it is.
        kind: Kind,
    },
    /// A part, or a directory above, belongs to somebody else.
    #[error("{} belongs to {}", .path.display(), credentials::called(*.owner))]
    NotYours {
        /// Which.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// Others could replace it.
    #[error("other users can change {}", .0.display())]
    OthersCanWrite(PathBuf),
}

/// Why trust was not given.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The environment is not fit for it.
    #[error(transparent)]
    Objection(#[from] Objection),
    /// For root nothing is activated by itself.
    #[error("for root nothing is activated by itself")]
    ForRoot,
    /// There is nowhere to remember it.
    #[error("there is no state directory of yours to remember it in")]
    NoStateDirectory,
    /// A file could not be written.
    #[error(transparent)]
    Io(#[from] IoError),
}

/// One environment that is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its physical path.
    pub path: PathBuf,
    /// What the prompt shows.
    pub name: String,
}

/// What speaks against trusting an environment, as far as owners, modes and kinds of the environment, its main parts
/// and every directory above it say.
pub fn objection(prefix: &Prefix, viewer: &Viewer) -> Result<Option<Objection>, IoError> {
    objection_as(viewer, prefix, viewer)
}

/// The same, of an environment that is `owner`'s.
fn objection_as(owner: &Viewer, prefix: &Prefix, viewer: &Viewer) -> Result<Option<Objection>, IoError> {
    if let Err(why) = usable(prefix.path()) {
        return Ok(Some(why.into()));
    }
    let parts = [
        (prefix.parent().to_owned(), Kind::Directory),
        (prefix.path().to_owned(), Kind::Directory),
        (prefix.bin(), Kind::Directory),
        (prefix.join("pyvenv.cfg"), Kind::File),
    ];
    for (path, kind) in parts {
        let Some(facts) = fs::lstat_if_any(&path)? else { return Ok(Some(Objection::Missing(path))) };
        if facts.kind != kind {
            return Ok(Some(Objection::Kind { path, kind: facts.kind }));
        }
        if facts.uid != owner.uid {
            return Ok(Some(Objection::NotYours { path, owner: facts.uid }));
        }
        let is_above = path == prefix.parent();
        let others = if is_above { Viewer::others_can_write } else { Viewer::others_can_add };
        if others(viewer, &facts) {
            return Ok(Some(Objection::OthersCanWrite(path)));
        }
    }
    objection_above(prefix.parent(), viewer)
}

/// What speaks against activating an environment that the user asked for: whoever does so runs what is in it, so it has
/// to be the user's, or root's, and nobody else's to change.
pub fn objection_when_asked(prefix: &Prefix, viewer: &Viewer) -> Result<Option<Objection>, IoError> {
    if let Err(why) = usable(prefix.path()) {
        return Ok(Some(why.into()));
    }
    for path in [prefix.path().to_owned(), prefix.bin()] {
        let facts = fs::stat(&path)?;
        if !viewer.trusts(facts.uid) {
            return Ok(Some(Objection::NotYours { path, owner: facts.uid }));
        }
        if viewer.others_can_add(&facts) {
            return Ok(Some(Objection::OthersCanWrite(path)));
        }
    }
    objection_above(prefix.path(), viewer)
}

/// Who can rename a directory can put another in its place.
fn objection_above(place: &Path, viewer: &Viewer) -> Result<Option<Objection>, IoError> {
    for above in place.ancestors().skip(1) {
        let facts = fs::lstat(above)?;
        if !viewer.trusts(facts.uid) {
            return Ok(Some(Objection::NotYours { path: above.to_owned(), owner: facts.uid }));
        }
        if viewer.others_can_write(&facts) {
            return Ok(Some(Objection::OthersCanWrite(above.to_owned())));
        }
    }
    Ok(None)
}

/// Lets the caller's shells activate the environment by itself. One that they may already stays as it is.
pub fn trust(prefix: &Prefix, caller: &Caller) -> Result<Record, TrustError> {
    if caller.viewer.is_root() {
        return Err(TrustError::ForRoot);
    }
    if let Some(objection) = objection(prefix, &caller.viewer)? {
        return Err(objection.into());
    }
    let records = records(caller).ok_or(TrustError::NoStateDirectory)?;
    if let Some(record) = record_of(prefix, caller) {
        return Ok(record);
    }
    fs::create_dirs(&records, 0o700)?;
    // Without it an environment is trusted all the same, and `list` does not know when it was active.
    let _ = used::prepare(caller);
    let facts = fs::lstat(&records)?;
    if facts.uid != caller.viewer.uid || facts.kind != Kind::Directory {
        return Err(Objection::NotYours { path: records, owner: facts.uid }.into());
    }
    if beside::kept(prefix).is_empty() {
        // What stood here before is gone. A kept tree keeps its record: `undo` may bring it back.
        forget(prefix, caller)?;
    }
    let token = draw()?;
    let record = Record { path: prefix.path().to_owned(), name: shown_name(prefix) };
    let mut text = record.path.as_os_str().as_bytes().to_owned();
    text.extend_from_slice(format!("\n{}\n", record.name).as_bytes());
    // The mark comes last: before it the record means nothing.
    fs::replace_file(&records.join(&token), 0o600, &text)?;
    // Not by a temporary file beside it, which a kill would leave in the environment: half a token trusts nothing.
    let mark = prefix.join(MARK);
    if fs::lstat_if_any(&mark)?.is_some() {
        fs::remove_file(&mark)?;
    }
    fs::create_file(&mark, 0o600, format!("{token}\n").as_bytes())?;
    Ok(record)
}

/// Takes the trust back, also from the old trees that are kept beside; whether there was any.
pub fn untrust(prefix: &Prefix, caller: &Caller) -> Result<bool, IoError> {
    let mark = prefix.join(MARK);
    let marked = fs::lstat_if_any(&mark)?.is_some_and(|facts| is_own_file(&facts, &caller.viewer));
    if marked {
        fs::remove_file(&mark)?;
    }
    Ok(forget(prefix, caller)? > 0 || marked)
}

/// The record by which the environment is trusted, where it is.
pub fn record_of(prefix: &Prefix, caller: &Caller) -> Option<Record> {
    let token = token_of(prefix, caller)?;
    let record = parse(&read_own(&records(caller)?.join(token), caller)?)?;
    (record.path == prefix.path()).then_some(record)
}

/// The token in the environment, whether or not there is a record of it.
pub(super) fn token_of(prefix: &Prefix, caller: &Caller) -> Option<String> {
    let mark = read_own(&prefix.join(MARK), caller)?;
    let token = mark.strip_suffix(b"\n").filter(|token| is_token(token))?;
    String::from_utf8(token.to_owned()).ok()
}

fn read_own(path: &Path, caller: &Caller) -> Option<Vec<u8>> {
    fs::lstat(path).ok().filter(|facts| is_own_file(facts, &caller.viewer))?;
    fs::read_bounded(path, MAX_RECORD).ok()
}

/// What speaks against running something of an environment because the user asked for it: it has to be the user's own,
/// as for [`trust`], or root's in a directory of root's, where it is there for everybody.
pub fn objection_to_running(prefix: &Prefix, viewer: &Viewer) -> Result<Option<Objection>, IoError> {
    let is_roots = |path: &Path| fs::lstat(path).is_ok_and(|facts| facts.uid == ROOT);
    if is_roots(prefix.path()) && is_roots(prefix.parent()) {
        return objection_as(&Viewer { uid: ROOT, ..viewer.clone() }, prefix, viewer);
    }
    objection(prefix, viewer)
}

/// Whether the caller's shells may activate the environment by themselves.
pub fn is_trusted(prefix: &Prefix, caller: &Caller) -> bool {
    record_of(prefix, caller).is_some() && matches!(objection(prefix, &caller.viewer), Ok(None))
}

/// Every place that is trusted, in the order of the paths; what stands there now is not looked at.
pub fn trusted(caller: &Caller) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = all(caller).into_iter().map(|(_, record)| record.path).collect();
    paths.sort();
    paths.dedup();
    paths
}

/// The group that may write it by its owner's wish: what its `pyvenv.cfg` says, where [`is_groups`] holds.
pub fn group_of(prefix: &Prefix, viewer: &Viewer) -> Option<String> {
    let config = fs::read_bounded(&prefix.join("pyvenv.cfg"), MAX_CONFIG).ok()?;
    let Sharing::Group(group) = PyvenvCfg::parse(&config).sharing() else { return None };
    is_groups(&group, &fs::lstat(prefix.path()).ok()?, viewer).then_some(group)
}

/// Whether an environment's directory was given to that group. Whoever may write `pyvenv.cfg` may claim it, each of the
/// group's members too; but the directory only its owner can give away, who has to be the viewer or root, and with a
/// directory that everybody may write nothing is known.
pub fn is_groups(group: &str, directory: &Facts, viewer: &Viewer) -> bool {
    let is_given = viewer.trusts(directory.uid) && !directory.is_world_writable();
    is_given && credentials::group_number(group) == Some(directory.gid)
}

/// What the prompt shows for an environment: the prompt it was made with, else the name of its project.
pub fn shown_name(prefix: &Prefix) -> String {
    let config = fs::read_bounded(&prefix.join("pyvenv.cfg"), MAX_CONFIG).ok();
    let prompt = config.and_then(|config| PyvenvCfg::parse(&config).prompt());
    prompt_name(&prompt.or_else(|| name_of(prefix.path())).unwrap_or_default())
}

fn records(caller: &Caller) -> Option<PathBuf> {
    caller.state_dir.as_ref().map(|state| state.join(RECORDS))
}

/// Removes the records of everything that was trusted at this place; says how many there were.
fn forget(prefix: &Prefix, caller: &Caller) -> Result<usize, IoError> {
    let here = all(caller).into_iter().filter(|(_, record)| record.path == prefix.path());
    let mut count = 0;
    for (file, _) in here {
        fs::remove_file(&file)?;
        count += 1;
    }
    Ok(count)
}

/// All records with their files.
fn all(caller: &Caller) -> Vec<(PathBuf, Record)> {
    let Some(records) = records(caller) else { return Vec::new() };
    let names = Directory::open(&records).and_then(|directory| directory.names()).unwrap_or_default();
    let files = names.iter().filter(|name| is_token(name)).map(|name| records.join(OsStr::from_bytes(name)));
    files
        .filter_map(|file| {
            let record = parse(&fs::read_bounded(&file, MAX_RECORD).ok()?)?;
            Some((file, record))
        })
        .collect()
}

fn parse(text: &[u8]) -> Option<Record> {
    let mut lines = text.split(|&byte| byte == b'\n');
    let path = PathBuf::from(OsStr::from_bytes(lines.next()?));
    let name = prompt_name(&String::from_utf8_lossy(lines.next().unwrap_or_default()));
    path.is_absolute().then_some(Record { path, name })
}

fn draw() -> Result<String, IoError> {
    let number = u128::from_ne_bytes(random::bytes::<16>()?);
    Ok(format!("{number:032x}"))
}

fn is_token(text: &[u8]) -> bool {
    text.len() == 32 && text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_own_file(facts: &Facts, viewer: &Viewer) -> bool {
    facts.kind == Kind::File && facts.uid == viewer.uid
}
