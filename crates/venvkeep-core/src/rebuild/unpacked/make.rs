//! Unpacking a wheel into the cache: installed in a private directory, compiled by the interpreter, then packed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::index::{Files, Index, PackedFile, Places, contents_at, head};
use super::{Cache, MAX_INDEX, Unpacked, is_record};
use crate::host::container::NewContainer;
use crate::host::fs::{self, Directory, IoError};
use crate::host::process::{Invocation, ProcessError, run};
use crate::host::programs::{Distrust, trust};
use crate::host::{remove, walk};
use crate::model::facts::{FileIdentity, Kind};
use crate::model::interrupt::Interrupt;
use crate::model::scheme::Scheme;
use crate::model::tree::Tree;
use crate::rebuild::wheel::{Destination, Wheel, WheelError};

const COMPILE: &str = include_str!("compile.py");

/// Compiling pip takes a second or two; on a slow machine under load some more.
const PATIENCE: Duration = Duration::from_secs(120);

/// The directories that a wheel is unpacked in begin like that. One that is older than this belongs to no run any more.
const ROOM: &str = ".making-";
const OLD: Duration = Duration::from_secs(3600);

const MAX_FILE: u64 = 1 << 28;

/// Why a wheel was not unpacked into the cache. It can still be installed from itself.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The wheel is of no use.
    #[error(transparent)]
    Wheel(#[from] WheelError),
    /// The interpreter may not be started.
    #[error(transparent)]
    Distrust(#[from] Distrust),
    /// The interpreter did not run to its end.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// It holds what the cache has no place for.
    #[error("{} is not kept unpacked: it installs more than modules and commands", .0.display())]
    Unfit(PathBuf),
}

impl Cache<'_> {
    /// Unpacks a wheel and keeps it.
    pub fn make(&self, wheel: Wheel, interrupt: &Interrupt) -> Result<Option<Unpacked>, MakeError> {
        let path = wheel.path().to_owned();
        let Some(key) = self.key(&path) else { return Ok(None) };
        fs::create_dirs(&self.place, 0o700)?;
        let place = Directory::open_own(&self.place, self.viewer)?;
        self.sweep(&place);
        let room = self.place.join(format!("{ROOM}{:016x}", fastrand::u64(..)));
        fs::create_dir(&room, 0o700)?;
        let made = Making { cache: self, room: &room, key }.make(wheel, interrupt);
        // What is left of it is swept by a later run.
        let _ = remove::tree(&room);
        made?;
        Ok(self.find(&path))
    }

    /// Removes what belongs to a wheel or interpreter that is gone or has changed, and what killed runs left.
    fn sweep(&self, place: &Directory) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        for name in place.names().unwrap_or_default() {
            let Ok(name) = String::from_utf8(name).map(OsString::from) else { continue };
            let path = self.place.join(&name);
            let is_room = name.to_string_lossy().starts_with(ROOM);
            if is_room {
                let modified = place.lstat(&name).map_or(0, |facts| facts.modified_ns);
                if i64::try_from(now.saturating_sub(OLD).as_nanos()).is_ok_and(|old| modified < old) {
                    let _ = remove::tree(&path);
                }
            } else if Unpacked::open(place, &name, self.viewer).is_none_or(|kept| kept.is_stale()) {
                let _ = fs::remove_file(&path);
            }
        }
    }
}

impl Unpacked {
    /// Whether the wheel or the interpreter that it was made for is not as it was.
    fn is_stale(&self) -> bool {
        type Key = (String, FileIdentity, FileIdentity, String);
        serde_json::from_str::<Key>(&self.key).ok().is_none_or(|(_, wheel, python, _)| {
            [wheel, python].iter().any(|was| fs::stat(was.path()).map_or(true, |is| !was.is_of(&is)))
        })
    }
}

struct Making<'a> {
    cache: &'a Cache<'a>,
    room: &'a Path,
    key: String,
}

impl Making<'_> {
    fn site(&self) -> PathBuf {
        self.room.join("site")
    }

    fn make(&self, mut wheel: Wheel, interrupt: &Interrupt) -> Result<(), MakeError> {
        let path = wheel.path().to_owned();
        let scripts = wheel.scripts(&self.cache.interpreter.version)?;
        let (name, version) = (wheel.metadata.name.as_written().to_owned(), wheel.metadata.version.clone());
        self.install(wheel)?;
        let modified = self.compile(interrupt)?;
        let distribution = (name.as_str(), version.as_str());
        let root = Directory::open(&self.site())?;
        let contents = contents(&root)?.ok_or_else(|| MakeError::Unfit(path.clone()))?;
        let index = Index { key: &self.key, distribution, modified, scripts, directories: Vec::new() };
        self.pack(index, (&root, &contents), &path)
    }

    /// As into an environment, whose own parts are told from the rest afterwards.
    fn install(&self, wheel: Wheel) -> Result<(), MakeError> {
        let place = |name: &str| PathBuf::from(name);
        let scheme = Scheme {
            purelib: place("site"),
            platlib: place("site"),
            scripts: place("bin"),
            include: place("include"),
            data: place("data"),
        };
        let path = wheel.path().to_owned();
        let destination = Destination {
            directory: self.room,
            scheme: &scheme,
            interpreter: Path::new("/python"),
            python: self.cache.interpreter.version,
        };
        // What is in `.data` goes elsewhere in every environment, or is a script that names its interpreter.
        if wheel.has_data() {
            return Err(MakeError::Unfit(path));
        }
        Ok(wheel.install(&destination)?)
    }

    /// Gives the time that all modules have then.
    fn compile(&self, interrupt: &Interrupt) -> Result<i64, MakeError> {
        let interpreter = self.cache.interpreter;
        let python = trust(&interpreter.executable, self.cache.viewer)?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut arguments = ["-I", "-S", "-W", "ignore", "-c", COMPILE].map(OsString::from).to_vec();
        arguments.extend([self.site().into(), interpreter.scheme.purelib.clone().into()]);
        arguments.push(now.as_secs().to_string().into());
        let invocation = Invocation {
            program: &python,
            arguments,
            variables: vec![("LC_ALL".into(), "C.UTF-8".into())],
            directory: Path::new("/"),
            patience: Some(PATIENCE),
        };
        let finished = run(&invocation, interrupt, &mut |_| ())?;
        if !finished.status.success() {
            // Without bytecode the environment would not be what `python -m venv` makes of it, for as long as the
            // cache lives.
            return Err(MakeError::Unfit(self.site()));
        }
        Ok(i64::try_from(now.as_secs()).unwrap_or_default())
    }

    fn pack<'c>(
        &self,
        mut index: Index<'c>,
        (root, contents): (&Directory, &'c Contents),
        wheel: &Path,
    ) -> Result<(), MakeError> {
        // How long the index is does not depend on where the contents are.
        index.directories = directories(contents, 0);
        let text = index.to_text();
        let length = text.len() as u64;
        let start = contents_at(length);
        index.directories = directories(contents, start);
        if length > MAX_INDEX {
            return Err(MakeError::Unfit(wheel.to_owned()));
        }
        let mut file = NewContainer::create(&self.room.join("packed"))?;
        file.write(head(length, index.file_size(start)).as_bytes())?;
        file.write(text.as_bytes())?;
        file.pad_to(start)?;
        for (directory, packed) in index.directories.iter().zip(contents.values()) {
            for (place, content) in directory.files.iter().zip(packed) {
                file.pad_to(place.piece.at)?;
                match &content.changed {
                    Some(text) => file.write(text)?,
                    None => {
                        file.write(&root.read(&Path::new(directory.path).join(place.name), content.size)?)?;
                    }
                }
            }
        }
        Ok(file.finish(&self.cache.place.join(self.cache.file_name(wheel)))?)
    }
}

/// Every file by its directory, in an order in which each directory comes after the one around it. `None` where one
/// of them is no plain file with a name in UTF-8.
fn contents(root: &Directory) -> Result<Option<Contents>, IoError> {
    let tree = walk::tree(root)?;
    let mut found = Contents::from([(String::new(), Vec::new())]);
    let text = |path: &Path| path.to_str().filter(|text| !text.contains('\n')).map(str::to_owned);
    for id in tree.ids().filter(|&id| id != Tree::ROOT) {
        let path = tree.path(id);
        let (Some(path), facts) = (text(&path), tree.facts(id)) else { return Ok(None) };
        match facts.kind {
            Kind::Directory => {
                found.entry(path).or_default();
            }
            Kind::File => {
                let (directory, name) = path.rsplit_once('/').unwrap_or(("", &path));
                let content = Content {
                    name: name.to_owned(),
                    size: facts.size,
                    executable: facts.mode & 0o111 != 0,
                    changed: None,
                };
                found.entry(directory.to_owned()).or_default().push(content);
            }
            _ => return Ok(None),
        }
    }
    let record = record(root, &found)?;
    for (directory, files) in &mut found {
        for file in files.iter_mut().filter(|file| is_record(directory, &file.name)) {
            file.size = record.len() as u64;
            file.changed = Some(record.clone());
        }
    }
    Ok(Some(found))
}

type Contents = BTreeMap<String, Vec<Content>>;

/// One file of the unpacked wheel.
struct Content {
    name: String,
    size: u64,
    executable: bool,
    /// What is packed in the place of what lies there.
    changed: Option<Vec<u8>>,
}

fn directories(contents: &Contents, start: u64) -> Vec<Files<'_>> {
    let mut places = Places::from(start);
    let mut packed = |content: &'_ Content| places.place(content.size);
    contents
        .iter()
        .map(|(path, files)| Files {
            path,
            files: files
                .iter()
                .map(|content| PackedFile {
                    name: &content.name,
                    executable: content.executable,
                    piece: packed(content),
                })
                .collect(),
        })
        .collect()
}

/// RECORD without the rows of scripts, and with those of the bytecode, as pip writes them.
fn record(root: &Directory, found: &Contents) -> Result<Vec<u8>, IoError> {
    let Some((info, _)) =
        found.iter().find(|(path, files)| files.iter().any(|file| is_record(path, &file.name)))
    else {
        return Ok(Vec::new());
    };
    let content = root.read(&Path::new(info).join(super::RECORD), MAX_FILE)?;
    let lines = content.split_inclusive(|&byte| byte == b'\n');
    let mut text: Vec<u8> = lines.filter(|line| !line.starts_with(b"../")).flatten().copied().collect();
    for (directory, files) in found.iter().filter(|(path, _)| path.ends_with("__pycache__")) {
        for file in files {
            text.extend_from_slice(format!("{directory}/{},,\n", file.name).as_bytes());
        }
    }
    Ok(text)
}
