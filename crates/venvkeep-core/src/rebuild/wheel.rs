//! Puts a wheel's files into an environment that is being built (PEP 427, PyPA "Binary distribution format").
//!
//! Every file must be listed in the wheel's RECORD with the hash it has, and no name may lead out of the place its
//! files belong to; a wheel that breaks a rule is refused as a whole, and the stage it was being written into with it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256, Sha384, Sha512};
use zip::ZipArchive;
use zip::read::ZipFile;

use crate::host::fs::{IoError, create_dirs, create_file, physical, read_bounded};
use crate::model::entry_points::{EntryPoint, EntryPoints, is_script_name};
use crate::model::headers::Headers;
use crate::model::metadata::CoreMetadata;
use crate::model::python_version::PythonVersion;
use crate::model::record::{
    self, HashAlgorithm, LineEnding, RecordHash, RecordLimits, RecordRow, RecordRows,
};
use crate::model::scheme::Scheme;
use crate::model::shebang::{UnwritablePath, first_lines};
use crate::model::wheel::WheelInfo;
use crate::rebuild::scripts::{entry_point_script, named_for};

/// Longest wheel, and most bytes that are unpacked from one. The wheels that come this way have a few megabytes.
const LIMIT: u64 = 1 << 28;

/// Longest header of METADATA and WHEEL.
const HEADER_LIMIT: usize = 1 << 20;

const RECORD_LIMITS: RecordLimits = RecordLimits { bytes: 1 << 26, rows: 1 << 20 };

type Archive = ZipArchive<Cursor<Vec<u8>>>;

/// Where the files go.
#[derive(Debug, Clone)]
pub struct Destination<'a> {
    /// The directory that the environment is written in.
    pub directory: &'a Path,
    /// Where in it what goes.
    pub scheme: &'a Scheme,
    /// What scripts start: the interpreter's path in the environment's final place.
    pub interpreter: &'a Path,
    /// Its version.
    pub python: PythonVersion,
}

/// Why a wheel was not installed.
#[derive(Debug, thiserror::Error)]
pub enum WheelError {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),
    /// It breaks a rule of the format.
    #[error("{} is not a usable wheel: {why}", .wheel.display())]
    Unusable {
        /// The file.
        wheel: PathBuf,
        /// Which rule; safe to print.
        why: String,
    },
    /// Scripts cannot name the environment's interpreter.
    #[error(transparent)]
    Path(#[from] UnwritablePath),
}

/// A wheel that was opened and whose own papers were read.
#[derive(Debug)]
pub struct Wheel {
    path: PathBuf,
    archive: Archive,
    /// `pip-23.0.1`: what `.dist-info` and `.data` are appended to.
    stem: String,
    /// Its core metadata.
    pub metadata: CoreMetadata,
}

impl Wheel {
    /// Opens a wheel; links on the way to it are followed.
    pub fn open(path: &Path) -> Result<Self, WheelError> {
        Self::read(path, read_bounded(&physical(path)?, LIMIT)?)
    }

    /// Reads a wheel that is in memory; `path` is what it is called in errors.
    pub fn read(path: &Path, bytes: Vec<u8>) -> Result<Self, WheelError> {
        let file = Cursor::new(bytes);
        let unusable = |why: String| WheelError::Unusable { wheel: path.to_owned(), why };
        let mut archive = ZipArchive::new(file).map_err(|error| unusable(error.to_string()))?;

        let tops: BTreeSet<_> =
            archive.file_names().filter_map(|name| Some(name.split_once('/')?.0)).collect();
        let mut stems = tops.iter().filter_map(|top| top.strip_suffix(".dist-info"));
        let (Some(stem), None) = (stems.next(), stems.next()) else {
            return Err(unusable("it must hold one .dist-info directory".to_owned()));
        };
        let stem = stem.to_owned();
        let text = read_member(&mut archive, &format!("{stem}.dist-info/METADATA")).map_err(unusable)?;
        let metadata = CoreMetadata::parse(&text, HEADER_LIMIT)
            .map_err(|error| unusable(format!("of its METADATA, {error}")))?;
        Ok(Self { path: path.to_owned(), archive, stem, metadata })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes its files, its scripts and its new RECORD.
    pub fn install(mut self, to: &Destination<'_>) -> Result<(), WheelError> {
        let site = self.site(to.scheme)?;
        let mut listed = self.listed()?;
        let mut writer = Writer { to, site: site.clone(), rows: Vec::new(), made: BTreeSet::new() };
        let mut room = LIMIT;
        for index in 0..self.archive.len() {
            let wheel = self.path.clone();
            let unusable = |why: String| WheelError::Unusable { wheel: wheel.clone(), why };
            let mut member = self.archive.by_index(index).map_err(|error| unusable(error.to_string()))?;
            let Some(file) = MemberFile::of(&member).map_err(unusable)? else { continue };
            let content = read_to_limit(&mut member, room).map_err(unusable)?;
            room -= content.len() as u64;
            drop(member);
            if self.is_own_paper(&file.name) {
                continue;
            }
            let row = listed.remove(&file.name);
            check(row.as_ref(), &file.name, &content).map_err(unusable)?;
            let place = self.place(&file.name, &site, to.scheme).map_err(unusable)?;
            writer.write(&place, file.executable, content)?;
        }
        self.write_scripts(&mut writer)?;
        let papers = site.join(format!("{}.dist-info", self.stem));
        writer.write_plain(&papers.join("INSTALLER"), b"venvkeep\n".to_vec())?;
        writer.write_plain(&papers.join("REQUESTED"), Vec::new())?;
        writer.write_record(&papers.join("RECORD"))
    }

    fn unusable(&self, why: impl Into<String>) -> WheelError {
        WheelError::Unusable { wheel: self.path.clone(), why: why.into() }
    }

    fn member(&mut self, name: &str) -> Result<Vec<u8>, WheelError> {
        let name = format!("{}.dist-info/{name}", self.stem);
        read_member(&mut self.archive, &name).map_err(|why| self.unusable(why))
    }

    /// "Check that installer is compatible with Wheel-Version"; "If Root-Is-Purelib == 'true', unpack archive into
    /// purelib", else platlib.
    fn site(&mut self, scheme: &Scheme) -> Result<PathBuf, WheelError> {
        let text = self.member("WHEEL")?;
        let version = Headers::parse(&text, HEADER_LIMIT).ok();
        let version = version.as_ref().and_then(|headers| headers.get("Wheel-Version"));
        if !version.is_some_and(|version| version.starts_with("1.")) {
            return Err(self.unusable("its Wheel-Version is not 1"));
        }
        let info = WheelInfo::parse(&text, HEADER_LIMIT).map_err(|error| self.unusable(error.to_string()))?;
        Ok(if info.root_is_purelib { scheme.purelib.clone() } else { scheme.platlib.clone() })
    }

    /// The files that its RECORD lists.
    fn listed(&mut self) -> Result<BTreeMap<String, RecordRow>, WheelError> {
        let text = self.member("RECORD")?;
        let rows = RecordRows::parse(&text, RECORD_LIMITS)
            .and_then(|rows| rows.map(|row| row.map(|row| (row.path.clone(), row))).collect());
        rows.map_err(|error| self.unusable(format!("of its RECORD, {error}")))
    }

    /// RECORD and its signatures cannot list themselves; the environment gets a RECORD of its own.
    fn is_own_paper(&self, name: &str) -> bool {
        let own = name.strip_prefix(&self.stem).and_then(|rest| rest.strip_prefix(".dist-info/RECORD"));
        own.is_some_and(|rest| matches!(rest, "" | ".jws" | ".p7s"))
    }

    /// "Move each subtree of distribution-1.0.data/ onto its destination path."
    fn place(&self, name: &str, site: &Path, scheme: &Scheme) -> Result<Place, String> {
        let data = name.strip_prefix(&self.stem).and_then(|rest| rest.strip_prefix(".data/"));
        let Some(data) = data else {
            return Ok(Place { path: site.join(name), kind: FileKind::Other });
        };
        let (key, rest) = data.split_once('/').ok_or_else(|| format!("{name:?} has no place"))?;
        let headers = scheme.include.join(self.metadata.name.as_written());
        let root = match key {
            "purelib" => &scheme.purelib,
            "platlib" => &scheme.platlib,
            "headers" => &headers,
            "data" => &scheme.data,
            "scripts" if is_script_name(rest) => &scheme.scripts,
            _ => return Err(format!("{name:?} has no place")),
        };
        let kind = if key == "scripts" { FileKind::Script } else { FileKind::Other };
        Ok(Place { path: root.join(rest), kind })
    }

    /// Whether it has files that do not go into site-packages.
    pub(super) fn has_data(&self) -> bool {
        let data = format!("{}.data/", self.stem);
        self.archive.file_names().any(|name| name.starts_with(&data))
    }

    /// The commands that it wants, under an interpreter's version.
    pub(super) fn scripts(&mut self, python: &PythonVersion) -> Result<Vec<EntryPoint>, WheelError> {
        let name = format!("{}.dist-info/entry_points.txt", self.stem);
        if self.archive.index_for_name(&name).is_none() {
            return Ok(Vec::new());
        }
        let entries = EntryPoints::parse(&self.member("entry_points.txt")?);
        if let Some(line) = entries.rejected.first() {
            return Err(self.unusable(format!("its entry point \"{line}\" cannot become a script")));
        }
        Ok(named_for(entries.console.into_iter().chain(entries.gui).collect(), python))
    }

    fn write_scripts(&mut self, writer: &mut Writer<'_>) -> Result<(), WheelError> {
        for entry in self.scripts(&writer.to.python)? {
            let script = entry_point_script(&entry, writer.to.interpreter)?;
            let path = writer.to.scheme.scripts.join(&entry.name);
            writer.write(&Place { path, kind: FileKind::Other }, Executable::Yes, script)?;
        }
        Ok(())
    }
}

/// Where one file goes, relative to the environment.
struct Place {
    path: PathBuf,
    kind: FileKind,
}

#[derive(PartialEq, Eq)]
enum FileKind {
    /// "If script begins with '#!python', rewrite to point to the correct interpreter."
    Script,
    Other,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Executable {
    Yes,
    No,
}

/// A member of the archive that is a file under an acceptable name.
struct MemberFile {
    name: String,
    executable: Executable,
}

impl MemberFile {
    /// `None` for a directory: those are made as the files in them need them.
    fn of(member: &ZipFile<'_, Cursor<Vec<u8>>>) -> Result<Option<Self>, String> {
        let name = member.name();
        let path = Path::new(name.trim_end_matches('/'));
        let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        // `components` passes over `a//b` and `a/./b`, which RECORD could list under another name.
        let canonical = path.components().collect::<PathBuf>().as_os_str() == path.as_os_str();
        if !plain || !canonical || name.contains(char::is_control) || name.is_empty() {
            return Err(format!("the name {name:?} in it leads elsewhere"));
        }
        if member.is_symlink() {
            return Err(format!("{name:?} in it is a link"));
        }
        if member.is_dir() {
            return Ok(None);
        }
        let executable = member.unix_mode().is_some_and(|mode| mode & 0o111 != 0);
        let executable = if executable { Executable::Yes } else { Executable::No };
        Ok(Some(Self { name: name.to_owned(), executable }))
    }
}

fn read_member(archive: &mut Archive, name: &str) -> Result<Vec<u8>, String> {
    let mut member = archive.by_name(name).map_err(|_| format!("it has no {name}"))?;
    read_to_limit(&mut member, LIMIT)
}

fn read_to_limit(member: &mut ZipFile<'_, Cursor<Vec<u8>>>, limit: u64) -> Result<Vec<u8>, String> {
    let name = member.name().to_owned();
    let mut content = Vec::new();
    member
        .take(limit + 1)
        .read_to_end(&mut content)
        .map_err(|error| format!("{name:?} in it cannot be unpacked: {error}"))?;
    if content.len() as u64 > limit {
        return Err(format!("it unpacks to more than {LIMIT} bytes"));
    }
    Ok(content)
}

/// "Every file in the archive must be listed with its hash, except RECORD itself."
fn check(row: Option<&RecordRow>, name: &str, content: &[u8]) -> Result<(), String> {
    let Some(RecordHash::Known { algorithm, digest }) = row.and_then(|row| row.hash.as_ref()) else {
        return Err(format!("{name:?} in it is not listed with its hash in RECORD"));
    };
    let actual = match algorithm {
        HashAlgorithm::Sha256 => Sha256::digest(content).to_vec(),
        HashAlgorithm::Sha384 => Sha384::digest(content).to_vec(),
        HashAlgorithm::Sha512 => Sha512::digest(content).to_vec(),
    };
    if actual == *digest { Ok(()) } else { Err(format!("{name:?} in it is not what RECORD says")) }
}

/// Writes files below the destination and remembers them for RECORD.
struct Writer<'a> {
    to: &'a Destination<'a>,
    /// What RECORD's paths are relative to.
    site: PathBuf,
    rows: Vec<RecordRow>,
    made: BTreeSet<PathBuf>,
}

impl Writer<'_> {
    fn write(&mut self, place: &Place, executable: Executable, content: Vec<u8>) -> Result<(), WheelError> {
        let script = place.kind == FileKind::Script;
        let content = if script { for_interpreter(content, self.to.interpreter)? } else { content };
        let mode = if script || executable == Executable::Yes { 0o777 } else { 0o666 };
        let path = self.to.directory.join(&place.path);
        if let Some(parent) = path.parent()
            && self.made.insert(parent.to_owned())
        {
            create_dirs(parent, 0o777)?;
        }
        create_file(&path, mode, &content)?;
        let digest = Sha256::digest(&content).to_vec();
        self.rows.push(RecordRow {
            path: self.listed_as(&place.path),
            hash: Some(RecordHash::Known { algorithm: HashAlgorithm::Sha256, digest }),
            size: Some(content.len() as u64),
        });
        Ok(())
    }

    fn write_plain(&mut self, path: &Path, content: Vec<u8>) -> Result<(), WheelError> {
        self.write(&Place { path: path.to_owned(), kind: FileKind::Other }, Executable::No, content)
    }

    fn write_record(mut self, path: &Path) -> Result<(), WheelError> {
        self.rows.push(RecordRow { path: self.listed_as(path), hash: None, size: None });
        let text = record::write(&self.rows, LineEnding::Lf);
        Ok(create_file(&self.to.directory.join(path), 0o666, &text)?)
    }

    /// `../../../bin/pip` for a script, seen from site-packages.
    fn listed_as(&self, path: &Path) -> String {
        // Members have names in UTF-8.
        record::listed_as(path, &self.site).unwrap_or_default()
    }
}

fn for_interpreter(script: Vec<u8>, interpreter: &Path) -> Result<Vec<u8>, UnwritablePath> {
    if !script.starts_with(b"#!python") {
        return Ok(script);
    }
    let rest = memchr::memchr(b'\n', &script).map_or(&[][..], |end| &script[end + 1..]);
    let mut changed = first_lines(interpreter, None)?;
    changed.extend_from_slice(rest);
    Ok(changed)
}
