//! What is made anew around the copied files: entry-point scripts, first lines of other scripts, and RECORD.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::copy::Copied;
use super::jobs::{Claim, Taken};
use super::mapping::Mapping;
use super::{FILE_MODE, Order, PROGRAM_MODE, ReuseError};
use crate::host::fs::{Directory, IoError};
use crate::host::stream::Target;
use crate::inspect::listing::place;
use crate::model::distribution::Layout;
use crate::model::entry_points::EntryPoint;
use crate::model::parts::Part;
use crate::model::python_version::PythonLabel;
use crate::model::record::{self, HashAlgorithm, LineEnding, RecordHash, RecordRow, listed_as};
use crate::model::shebang::{Shebang, Target as Starts, UnwritablePath, first_lines};
use crate::rebuild::create::INTERPRETER;
use crate::rebuild::scripts::entry_point_script;

/// Which first lines name the old environment's interpreter, and what replaces them.
pub(super) struct Shebangs<'a> {
    /// The old place of the environment, and where it was before it was moved.
    prefixes: Vec<&'a Path>,
    interpreter: PathBuf,
}

impl<'a> Shebangs<'a> {
    pub(super) fn new(order: &Order<'a>) -> Self {
        let named = order.old.named_prefixes.iter().map(|named| named.path.as_path());
        let aliases = order.old.aliases.iter().map(PathBuf::as_path);
        let prefixes = named.chain(aliases).chain([order.old.prefix.path()]).collect();
        Self { prefixes, interpreter: order.plan.prefix.join(INTERPRETER) }
    }

    /// The new first lines of a script that begins like that, and how many bytes they replace; `None` where it starts
    /// something else, or finds its interpreter by itself.
    pub(super) fn replacement(&self, head: &[u8]) -> Result<Option<(Vec<u8>, usize)>, UnwritablePath> {
        let Some(found) = Shebang::parse_in(head, &self.prefixes) else { return Ok(None) };
        let (Starts::Plain(path) | Starts::ThroughShell(path)) = &found.target else { return Ok(None) };
        let is_own = |prefix: &&&Path| path.parent() == Some(prefix.join("bin").as_path());
        if !is_python(path) || self.prefixes.iter().find(is_own).is_none() {
            return Ok(None);
        }
        let lines = first_lines(&self.interpreter, found.argument.as_deref())?;
        Ok(Some((lines, found.length)))
    }
}

fn is_python(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    matches!(name, "python" | "python3" | "pypy" | "pypy3") || PythonLabel::parse(name).is_some()
}

/// Writes the scripts and RECORDs of all distributions that can be taken over.
pub(super) fn write(
    order: &Order<'_>,
    mapping: &Mapping,
    (taken, copied): (&[Taken<'_>], &Copied),
    (source, target): (&Directory, &Directory),
) -> Result<(), ReuseError> {
    let mut writer = Writer { order, mapping, copied, target, scripts: BTreeMap::new() };
    let usable = || taken.iter().enumerate().filter(|(_, one)| one.fault.is_none());
    for (_, one) in usable() {
        writer.make_scripts(one)?;
    }
    writer.write_scripts()?;
    for (index, one) in usable().filter(|(_, one)| one.distribution.layout == Layout::DistInfo) {
        let rows = writer.rows(index, one);
        writer.write_record(one, &rows, source)?;
    }
    Ok(())
}

struct Writer<'a> {
    order: &'a Order<'a>,
    mapping: &'a Mapping,
    copied: &'a Copied,
    target: &'a Directory,
    /// Entry-point scripts by name. Where two distributions want the same, the later one has it.
    scripts: BTreeMap<String, Vec<u8>>,
}

impl Writer<'_> {
    /// What a row means, and where its file was.
    fn part(&self, one: &Taken<'_>, row: &RecordRow) -> Option<(Part, PathBuf)> {
        let path = place(row, &self.order.old.prefix, &self.order.old.tree, one.distribution)?;
        Some((one.part(row, &path), path))
    }

    fn make_scripts(&mut self, one: &Taken<'_>) -> Result<(), ReuseError> {
        let interpreter = self.order.plan.prefix.join(INTERPRETER);
        for row in &one.listing.rows {
            if let Some((Part::Script(entry), _)) = self.part(one, row) {
                let script = entry_point_script(&entry, &interpreter)?;
                self.scripts.insert(self.name_of(one, &entry), script);
            }
        }
        Ok(())
    }

    fn name_of(&self, one: &Taken<'_>, entry: &EntryPoint) -> String {
        one.renamed(&entry.name, self.order.plan.base.version)
    }

    fn write_scripts(&self) -> Result<(), IoError> {
        let bin = self.target.child("bin".as_ref())?;
        for (name, content) in &self.scripts {
            Target::create(&bin, name.as_ref(), PROGRAM_MODE)?.write(content)?;
        }
        Ok(())
    }

    /// The rows of the new RECORD. Those of bytecode that stays behind are not among them.
    fn rows(&self, index: usize, one: &Taken<'_>) -> Vec<RecordRow> {
        let mut rows = Vec::with_capacity(one.listing.rows.len());
        for (at, row) in one.listing.rows.iter().enumerate() {
            let Some((part, path)) = self.part(one, row) else { continue };
            let mut new = one.new_place(self.mapping, &path);
            let mut row = row.clone();
            match part {
                Part::Bytecode if !self.copied.bytecode.contains(&new) => continue,
                Part::Bytecode | Part::OwnRecord => {}
                Part::Script(entry) => {
                    let name = self.name_of(one, &entry);
                    if let Some(content) = self.scripts.get(&name) {
                        (row.hash, row.size) = (Some(sha256(content)), Some(content.len() as u64));
                    }
                    new.set_file_name(name);
                }
                Part::File => {
                    if let Some((hash, size)) = self.copied.rewritten.get(&Claim { taken: index, row: at }) {
                        (row.hash, row.size) = (Some(hash.clone()), Some(*size));
                    }
                }
            }
            let same_name = new.file_name() == path.file_name();
            if (one.sites.0 != one.sites.1 || !same_name)
                && let Some(text) = listed_as(&new, &one.sites.1)
            {
                row.path = text;
            }
            rows.push(row);
        }
        rows
    }

    /// Writes RECORD; as it was, time included, where nothing in it changed.
    fn write_record(
        &self,
        one: &Taken<'_>,
        rows: &[RecordRow],
        source: &Directory,
    ) -> Result<(), ReuseError> {
        let info = one.new_place(self.mapping, &one.distribution.info);
        let directory = self.target.descend(&info)?;
        let mut record = Target::create(&directory, "RECORD".as_ref(), FILE_MODE)?;
        if rows == one.listing.rows {
            record.write(&one.listing.record)?;
            let original =
                source.descend(&one.distribution.info).and_then(|info| info.lstat("RECORD".as_ref()));
            // Its time says nothing that the next look at the files would not.
            return Ok(original.map_or(Ok(()), |facts| record.set_modified(facts.modified_ns))?);
        }
        Ok(record.write(&record::write(rows, LineEnding::of(&one.listing.record)))?)
    }
}

fn sha256(content: &[u8]) -> RecordHash {
    let digest = Sha256::digest(content).to_vec();
    RecordHash::Known { algorithm: HashAlgorithm::Sha256, digest }
}
