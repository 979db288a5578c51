//! A wheel as it lies in an environment, bytecode included, kept in the user's cache: unpacking pip and compiling it
//! takes some hundred times as long as writing its files.
//!
//! One file for each wheel and interpreter holds all contents, so that making an environment opens one file where a
//! directory of them would be a thousand. It holds for exactly these two files (path, device, inode, size and time of
//! the last change); what cannot be read or does not fit is as good as absent, and the cache can be deleted at any time.
//! It is used only where nobody else can have written it: what comes out of it is run.

mod index;
mod make;
mod write;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::scripts::entry_point_script;
use super::wheel::{Destination, WheelError};
use crate::host::container::{Container, Piece};
use crate::host::fs::{Directory, create_file, stat};
use crate::model::caller::Caller;
use crate::model::facts::FileIdentity;
use crate::model::interpreter::BaseInterpreter;
use crate::model::owner::Viewer;
use crate::model::record::{self, HashAlgorithm, LineEnding, RecordHash, RecordRow};
use index::{Files, HEAD, Index, contents_at, parse_head};

pub use make::MakeError;

/// No wheel that is kept has more files than this takes.
const MAX_INDEX: u64 = 16 * 1024 * 1024;

/// The name under which RECORD is packed, without the rows of the scripts, which differ from environment to
/// environment.
const RECORD: &str = "RECORD";

/// The unpacked wheels of one interpreter.
#[derive(Debug)]
pub struct Cache<'a> {
    place: PathBuf,
    viewer: &'a Viewer,
    interpreter: &'a BaseInterpreter,
}

/// An unpacked wheel.
#[derive(Debug)]
pub struct Unpacked {
    container: Container,
    text: String,
    contents: u64,
    key: String,
    distribution: (String, String),
}

/// Writes all of them into an environment: their files, their scripts and their RECORDs.
pub fn install(unpacked: &[Unpacked], to: &Destination<'_>) -> Result<(), WheelError> {
    if unpacked.is_empty() {
        return Ok(());
    }
    let indexed: Vec<_> = unpacked.iter().filter_map(|one| Some((one, one.index()?))).collect();
    let site = Directory::open(&to.directory.join(&to.scheme.purelib))?;
    write::files(&indexed, &site)?;
    indexed.iter().try_for_each(|(one, index)| one.write_papers(index, to))
}

impl<'a> Cache<'a> {
    /// `None` for somebody without a cache directory.
    pub fn of(caller: &'a Caller, interpreter: &'a BaseInterpreter) -> Option<Self> {
        let place = caller.cache_dir.as_ref()?.join("unpacked");
        Some(Self { place, viewer: &caller.viewer, interpreter })
    }

    /// The wheel at that path, where it is kept and has not changed.
    pub fn find(&self, wheel: &Path) -> Option<Unpacked> {
        let directory = Directory::open_own(&self.place, self.viewer).ok()?;
        let found = Unpacked::open(&directory, &self.file_name(wheel), self.viewer)?;
        (self.key(wheel)? == found.key).then_some(found)
    }

    /// What an unpacked wheel belongs to. Another version of venvkeep may unpack differently.
    fn key(&self, wheel: &Path) -> Option<String> {
        let identity = |path: &Path| Some(FileIdentity::of(path, &stat(path).ok()?));
        let (wheel, python) = (identity(wheel)?, identity(&self.interpreter.executable)?);
        let tag = self.interpreter.cache_tag.as_deref().unwrap_or_default();
        serde_json::to_string(&(env!("CARGO_PKG_VERSION"), wheel, python, tag)).ok()
    }

    fn file_name(&self, wheel: &Path) -> OsString {
        let mut digest = Sha256::new();
        for path in [wheel, &self.interpreter.executable] {
            digest.update(path.as_os_str().as_encoded_bytes());
            digest.update([0]);
        }
        format!("{}.unpacked", URL_SAFE_NO_PAD.encode(&digest.finalize()[..18])).into()
    }
}

impl Unpacked {
    fn open(directory: &Directory, name: &OsStr, viewer: &Viewer) -> Option<Self> {
        let container = Container::open(directory, name, viewer).ok()?;
        let (index, file) = parse_head(&container.read(Piece { at: 0, size: HEAD }).ok()?)?;
        if index > MAX_INDEX || file != container.size() {
            return None;
        }
        let text = String::from_utf8(container.read(Piece { at: HEAD, size: index }).ok()?).ok()?;
        let contents = contents_at(index);
        let read = Index::parse(&text, contents).filter(|index| index.file_size(contents) == file)?;
        let (key, (name, version)) = (read.key.to_owned(), read.distribution);
        let distribution = (name.to_owned(), version.to_owned());
        Some(Self { container, text, contents, key, distribution })
    }

    fn index(&self) -> Option<Index<'_>> {
        Index::parse(&self.text, self.contents)
    }

    /// Name and version.
    pub fn distribution(&self) -> (String, String) {
        self.distribution.clone()
    }

    /// Writes the scripts, and the RECORD that lists them.
    fn write_papers(&self, index: &Index<'_>, to: &Destination<'_>) -> Result<(), WheelError> {
        let mut rows = Vec::new();
        for entry in &index.scripts {
            let script = entry_point_script(entry, to.interpreter)?;
            let path = to.scheme.scripts.join(&entry.name);
            create_file(&to.directory.join(&path), 0o777, &script)?;
            let digest = Sha256::digest(&script).to_vec();
            rows.push(RecordRow {
                path: record::listed_as(&path, &to.scheme.purelib).unwrap_or_default(),
                hash: Some(RecordHash::Known { algorithm: HashAlgorithm::Sha256, digest }),
                size: Some(script.len() as u64),
            });
        }
        let packed = index.directories.iter().find_map(|Files { path, files }| {
            Some((path, files.iter().find(|file| is_record(path, file.name))?))
        });
        let Some((directory, file)) = packed else { return Ok(()) };
        let mut text = record::write(&rows, LineEnding::Lf);
        text.extend(self.container.read(file.piece)?);
        Ok(create_file(&to.directory.join(&to.scheme.purelib).join(directory).join(RECORD), 0o666, &text)?)
    }
}

fn is_record(directory: &str, name: &str) -> bool {
    name == RECORD && directory.ends_with(".dist-info") && !directory.contains('/')
}
