//! A distribution's files as the wheel that they came from, when each of them is what RECORD says.

use std::ffi::OsStr;
use std::io::{Cursor, Read, Write};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256, Sha384, Sha512};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::find::{Found, Layout, RECORD_LIMITS, Rows};
use crate::host::fs::{Directory, IoError};
use crate::model::dist_name::MetadataFormat;
use crate::model::entry_points::EntryPoints;
use crate::model::interpreter::BaseInterpreter;
use crate::model::owner::Viewer;
use crate::model::record::{self, HashAlgorithm, LineEnding, RecordHash, RecordRow, RecordRows};
use crate::model::shebang::{Shebang, Target};
use crate::model::tags::{self, BuiltOn};
use crate::model::wheel::WheelInfo;

/// The most that is packed of one distribution; what is larger comes from the index.
const LIMIT: u64 = 200 * 1024 * 1024;

/// Papers that whoever installs writes anew.
const INSTALLERS: [&str; 5] = ["RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED"];

/// The wheel's bytes; an error says in words why its files are not taken.
pub(crate) fn pack(one: &Found, base: &BaseInterpreter, viewer: &Viewer) -> Result<Vec<u8>, String> {
    if let Some(why) = &one.elsewhere {
        return Err(why.clone());
    }
    if one.format == MetadataFormat::EggInfo {
        return Err("nothing records what its files were (egg-info)".to_owned());
    }
    let stem =
        one.info.to_str().and_then(|name| name.strip_suffix(".dist-info")).ok_or("its name is not text")?;
    let sources = Sources::open(&one.layout, viewer).map_err(|error| error.reason())?;
    let paper = |name: &str| sources.read(&Part::Site(one.info.join(name)));
    insist_on_suitability(one, &paper("WHEEL")?.0, base)?;
    let listing = paper("RECORD")?.0;
    let rows =
        RecordRows::parse(&listing, RECORD_LIMITS).map_err(|error| format!("of its RECORD, {error}"))?;
    let entries = paper("entry_points.txt").map(|(bytes, _)| EntryPoints::parse(&bytes)).unwrap_or_default();
    if let Some(line) = entries.rejected.first() {
        return Err(format!("its entry point \"{line}\" cannot become a script"));
    }
    let is_made_anew =
        |name: &OsStr| entries.console.iter().chain(&entries.gui).any(|entry| name == entry.name.as_str());
    let mut wheel = Packing::new(stem);
    for row in rows {
        let row = row.map_err(|fault| format!("of its RECORD, {fault}"))?;
        if row.is_bytecode() {
            continue;
        }
        let part = place(&one.layout, &row.path).ok_or_else(|| format!("{} leads elsewhere", row.path))?;
        match &part {
            Part::Site(path) if path.parent() == Some(&*one.info) && is_installers(path) => continue,
            Part::Script(name) if is_made_anew(name) => continue,
            _ => {}
        }
        let (content, mode) = sources.read(&part)?;
        insist_on_hash(&row, &content)?;
        wheel.add(&part, content, mode)?;
    }
    wheel.finish()
}

fn is_installers(path: &Path) -> bool {
    INSTALLERS.iter().any(|name| path.file_name().is_some_and(|file| file == *name))
}

fn insist_on_suitability(one: &Found, wheel: &[u8], base: &BaseInterpreter) -> Result<(), String> {
    let name = format!("{} {}", base.implementation_name(), base.version);
    if let Some(wanted) = &one.requires_python
        && !tags::python_satisfies(wanted, &base.version)
    {
        return Err(format!("it is for Python {wanted}, not for {name}"));
    }
    let info = WheelInfo::parse(wheel, 64 * 1024).map_err(|error| error.to_string())?;
    if info.tags.is_empty() || !tags::suit(&info.tags, base, BuiltOn::ThisMachine) {
        return Err(format!("its files are not for {name}"));
    }
    Ok(())
}

/// What a row names.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// In the site directory.
    Site(PathBuf),
    /// A program.
    Script(std::ffi::OsString),
    /// Elsewhere below what all is installed under.
    Data(PathBuf),
}

/// Where a row's file lies; `None` where it leads out of what was installed together.
fn place(layout: &Layout, row: &str) -> Option<Part> {
    let row = match (layout.rows, row.strip_prefix("../../")) {
        (Rows::Moved, Some(rest)) => return outside(Path::new(rest)),
        _ => Path::new(row),
    };
    let mut path = layout.site.clone();
    for component in row.components() {
        match component {
            Component::Normal(part) => path.push(part),
            Component::ParentDir if path.pop() => {}
            Component::CurDir => {}
            _ => return None,
        }
    }
    match path.strip_prefix(&layout.site) {
        Ok(inside) if !inside.as_os_str().is_empty() => Some(Part::Site(inside.to_owned())),
        _ => outside(path.strip_prefix(&layout.data).ok()?),
    }
}

fn outside(below: &Path) -> Option<Part> {
    let is_plain = below.components().all(|part| matches!(part, Component::Normal(_)));
    let mut parts = below.components();
    let (first, second, rest) = (parts.next()?, parts.next(), parts.next());
    match (first, second, rest) {
        _ if !is_plain => None,
        (Component::Normal(bin), Some(Component::Normal(name)), None) if bin == "bin" => {
            Some(Part::Script(name.to_owned()))
        }
        _ => Some(Part::Data(below.to_owned())),
    }
}

/// The directories that files are read from, by descriptor.
struct Sources<'a> {
    site: Directory,
    data: Directory,
    viewer: &'a Viewer,
}

impl<'a> Sources<'a> {
    fn open(layout: &Layout, viewer: &'a Viewer) -> Result<Self, IoError> {
        Ok(Self { site: Directory::open(&layout.site)?, data: Directory::open(&layout.data)?, viewer })
    }

    /// A file's content and mode, if nobody else can have written it.
    fn read(&self, part: &Part) -> Result<(Vec<u8>, u16), String> {
        let (directory, path) = match part {
            Part::Site(path) => (&self.site, path.clone()),
            Part::Script(name) => (&self.data, Path::new("bin").join(name)),
            Part::Data(path) => (&self.data, path.clone()),
        };
        let said = |error: IoError| {
            let what = if error.is_missing() {
                "is gone".to_owned()
            } else {
                format!("cannot be read ({})", error.reason())
            };
            format!("{} {what}", path.display())
        };
        let name = path.file_name().ok_or_else(|| format!("{} is no file", path.display()))?;
        let above = path.parent().filter(|above| !above.as_os_str().is_empty());
        let facts = match above {
            Some(above) => directory.descend(above).and_then(|above| above.lstat(name)),
            None => directory.lstat(name),
        };
        let facts = facts.map_err(said)?;
        if !self.viewer.trusts(facts.uid) || self.viewer.others_can_write(&facts) {
            return Err(format!("others can have written {}", path.display()));
        }
        let mut content = Vec::new();
        let file = directory.open_file(&path).map_err(said)?;
        file.take(LIMIT + 1)
            .read_to_end(&mut content)
            .map_err(|error| format!("{} cannot be read ({error})", path.display()))?;
        Ok((content, facts.mode))
    }
}

fn insist_on_hash(row: &RecordRow, content: &[u8]) -> Result<(), String> {
    let Some(RecordHash::Known { algorithm, digest }) = &row.hash else {
        return Err(format!("nothing records what {} was", row.path));
    };
    let actual = match algorithm {
        HashAlgorithm::Sha256 => Sha256::digest(content).to_vec(),
        HashAlgorithm::Sha384 => Sha384::digest(content).to_vec(),
        HashAlgorithm::Sha512 => Sha512::digest(content).to_vec(),
    };
    if actual == *digest { Ok(()) } else { Err(format!("{} was changed since it was installed", row.path)) }
}

/// A wheel that is being written.
struct Packing {
    stem: String,
    archive: ZipWriter<Cursor<Vec<u8>>>,
    rows: Vec<RecordRow>,
    room: u64,
}

impl Packing {
    fn new(stem: &str) -> Self {
        let archive = ZipWriter::new(Cursor::new(Vec::new()));
        Self { stem: stem.to_owned(), archive, rows: Vec::new(), room: LIMIT }
    }

    fn add(&mut self, part: &Part, content: Vec<u8>, mode: u16) -> Result<(), String> {
        let text =
            |path: &Path| path.to_str().map(str::to_owned).ok_or("the name of a file in it is not text");
        let (name, content) = match part {
            Part::Site(path) => (text(path)?, content),
            Part::Script(name) => {
                (format!("{}.data/scripts/{}", self.stem, text(Path::new(name))?), for_any_python(content))
            }
            Part::Data(path) => (format!("{}.data/data/{}", self.stem, text(path)?), content),
        };
        self.room = self.room.checked_sub(content.len() as u64).ok_or("it is too large to be packed")?;
        let digest = Sha256::digest(&content).to_vec();
        self.rows.push(RecordRow {
            path: name.clone(),
            hash: Some(RecordHash::Known { algorithm: HashAlgorithm::Sha256, digest }),
            size: Some(content.len() as u64),
        });
        self.write(name, &content, mode)
    }

    fn write(&mut self, name: String, content: &[u8], mode: u16) -> Result<(), String> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .unix_permissions(u32::from(mode & 0o777));
        self.archive.start_file(name, options).map_err(|error| error.to_string())?;
        self.archive.write_all(content).map_err(|error| error.to_string())
    }

    fn finish(mut self) -> Result<Vec<u8>, String> {
        let name = format!("{}.dist-info/RECORD", self.stem);
        self.rows.push(RecordRow { path: name.clone(), hash: None, size: None });
        let text = record::write(&self.rows, LineEnding::Lf);
        self.write(name, &text, 0o644)?;
        Ok(self.archive.finish().map_err(|error| error.to_string())?.into_inner())
    }
}

/// A script whose first line names a Python is for the environment's.
fn for_any_python(script: Vec<u8>) -> Vec<u8> {
    let Some(Shebang { target: Target::Plain(path) | Target::ThroughShell(path), length, .. }) =
        Shebang::parse(&script)
    else {
        return script;
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !name.starts_with("python") && !name.starts_with("pypy") {
        return script;
    }
    [b"#!python\n", &script[length..]].concat()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Layout, Part, Rows, place};

    #[test]
    fn rows_lead_where_installers_put_things() {
        let user = Layout {
            site: PathBuf::from("/h/.local/lib/python3.11/site-packages"),
            data: PathBuf::from("/h/.local"),
            rows: Rows::AsItLies,
        };
        let target = Layout { site: PathBuf::from("/t"), data: PathBuf::from("/t"), rows: Rows::Moved };
        let site = |path: &str| Some(Part::Site(PathBuf::from(path)));
        let script = Some(Part::Script("x".into()));
        let data = Some(Part::Data(PathBuf::from("share/a/b")));
        assert_eq!(place(&user, "a/b.py"), site("a/b.py"));
        assert_eq!(place(&user, "../../../bin/x"), script);
        assert_eq!(place(&user, "../../../share/a/b"), data);
        assert_eq!(place(&user, "../../../../.ssh/id"), None);
        assert_eq!(place(&user, "/etc/shadow"), None);
        assert_eq!(place(&target, "a/b.py"), site("a/b.py"));
        assert_eq!(place(&target, "../../bin/x"), script);
        assert_eq!(place(&target, "../../share/a/b"), data);
        assert_eq!(place(&target, "../../../x"), None);
        assert_eq!(place(&target, "../x"), None);
    }
}
