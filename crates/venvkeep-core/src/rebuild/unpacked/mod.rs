//! A wheel as it lies in an environment, bytecode included, kept in the user's cache: unpacking pip and compiling it
//! takes some hundred times as long as writing its files.
//!
//! One file for each wheel and interpreter holds all contents, so that making an environment opens one file where a
//! directory of them would be a thousand. It holds for exactly these two files (path, device, inode, size and time of
//! the last change); what cannot be read or does not fit is as good as absent, and the cache can be deleted at any time.
//! It is used only where nobody else can have written it: what comes out of it is run.

mod index;
mod make;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::scripts::entry_point_script;
use super::wheel::{Destination, WheelError};
use crate::host::container::{Container, Piece, Window};
use crate::host::fs::{Directory, IoError, create_file, stat};
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

/// From so many files on they are written on more than one core.
const MANY: usize = 200;
const MOST_THREADS: usize = 4;

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
        Unpacked::open(&directory, &self.file_name(wheel), self.viewer).filter(|found| {
            let key = self.key(wheel);
            found.index().is_some_and(|index| key.is_some_and(|key| index.key == key))
        })
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
        let unpacked = Self { container, text, contents: contents_at(index) };
        let fits = unpacked.index().is_some_and(|index| index.file_size(unpacked.contents) == file);
        fits.then_some(unpacked)
    }

    fn index(&self) -> Option<Index<'_>> {
        Index::parse(&self.text, self.contents)
    }

    /// Name and version.
    pub fn distribution(&self) -> (String, String) {
        let (name, version) = self.index().map(|index| index.distribution).unwrap_or_default();
        (name.to_owned(), version.to_owned())
    }

    /// Writes its files, its scripts and its RECORD.
    pub fn install(&self, to: &Destination<'_>) -> Result<(), WheelError> {
        // It was read when the file was opened.
        let Some(index) = self.index() else { return Ok(()) };
        let site = Directory::open(&to.directory.join(&to.scheme.purelib))?;
        for directory in index.directories.iter().filter(|directory| !directory.path.is_empty()) {
            site.make_below(Path::new(directory.path), 0o777)?;
        }
        self.write_files(&index, &site)?;
        self.write_papers(&index, to)
    }

    fn write_files(&self, index: &Index<'_>, site: &Directory) -> Result<(), IoError> {
        let shares = shares(&index.directories);
        let Some((first, others)) = shares.split_first() else { return Ok(()) };
        let write = |share: &[Files<'_>]| self.write_share(share, index.modified, site);
        std::thread::scope(|scope| {
            let others: Vec<_> = others.iter().map(|share| scope.spawn(move || write(share))).collect();
            let mut done = write(first);
            for other in others {
                // A thread that panicked is a bug of ours, and what it left undone must not pass for done.
                let joined = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                done = done.and(joined);
            }
            done
        })
    }

    fn write_share(&self, share: &[Files<'_>], modified: i64, site: &Directory) -> Result<(), IoError> {
        let mut window = Window::new(&self.container);
        for Files { path, files } in share {
            let below = if path.is_empty() { None } else { Some(site.descend(Path::new(path))?) };
            let directory = below.as_ref().unwrap_or(site);
            for file in files.iter().filter(|file| !is_record(path, file.name)) {
                let mode = if file.executable { 0o777 } else { 0o666 };
                let time = file.is_module().then_some(modified);
                directory.fill(OsStr::new(file.name), mode, time, (file.piece, &mut window))?;
            }
        }
        Ok(())
    }

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

/// Directories one after the other, as many files to each core.
fn shares<'i, 't>(directories: &'i [Files<'t>]) -> Vec<&'i [Files<'t>]> {
    let all: usize = directories.iter().map(|directory| directory.files.len()).sum();
    if all < MANY {
        return vec![directories];
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(MOST_THREADS);
    let (mut shares, mut begin, mut held) = (Vec::with_capacity(cores), 0, 0);
    for (at, directory) in directories.iter().enumerate() {
        held += directory.files.len();
        if held * cores >= all && shares.len() + 1 < cores {
            shares.push(&directories[begin..=at]);
            (begin, held) = (at + 1, 0);
        }
    }
    shares.push(&directories[begin..]);
    shares
}
