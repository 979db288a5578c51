//! Changing a RECORD in the stage, when files that it lists were changed, removed or put back.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::stage::Stage;
use crate::host::fs::{self, Directory, Doing, IoError};
use crate::model::record::{
    self, HashAlgorithm, LineEnding, RecordHash, RecordLimits, RecordPlace, RecordRow, RecordRows,
};

/// A RECORD that an installer of this run wrote, with room to spare.
const LIMITS: RecordLimits = RecordLimits { bytes: 256 * 1024 * 1024, rows: 2_000_000 };

/// A file of the stage that a row speaks of is at most this long when it has to be hashed again.
pub(super) const MAX_CHANGED: u64 = 16 * 1024 * 1024;

/// The RECORD of one distribution in a stage, being changed.
#[derive(Debug)]
pub(super) struct StagedRecord<'a> {
    stage: &'a Stage,
    root: &'a Directory,
    path: PathBuf,
    rows: Vec<RecordRow>,
    ending: LineEnding,
    changed: bool,
}

impl<'a> StagedRecord<'a> {
    /// Reads the RECORD in a dist-info directory, given relative to the prefix.
    pub(super) fn read(stage: &'a Stage, root: &'a Directory, info: &Path) -> Result<Self, IoError> {
        let path = info.join("RECORD");
        let content = root.read(&path, LIMITS.bytes as u64)?;
        let bad = |error: record::RecordError| {
            IoError::new(Doing::Read, stage.join(&path), std::io::Error::other(error))
        };
        let rows = RecordRows::parse(&content, LIMITS).map_err(bad)?;
        let rows = rows.collect::<Result<Vec<_>, _>>().map_err(bad)?;
        Ok(Self { stage, root, path, rows, ending: LineEnding::of(&content), changed: false })
    }

    /// Gives the rows of those files (relative to the prefix) the hash and size that the files have now.
    pub(super) fn rehash(&mut self, changed: impl Fn(&Path) -> bool) -> Result<(), IoError> {
        for index in 0..self.rows.len() {
            let Some(file) = self.place(&self.rows[index]).filter(|file| changed(file)) else { continue };
            let content = self.root.read(&file, MAX_CHANGED)?;
            let digest = Sha256::digest(&content).to_vec();
            let row = &mut self.rows[index];
            row.hash = Some(RecordHash::Known { algorithm: HashAlgorithm::Sha256, digest });
            row.size = Some(content.len() as u64);
            self.changed = true;
        }
        Ok(())
    }

    /// Takes the row of a file (relative to the prefix) out.
    pub(super) fn forget(&mut self, file: &Path) {
        let before = self.rows.len();
        let kept = std::mem::take(&mut self.rows);
        self.rows = kept.into_iter().filter(|row| self.place(row).as_deref() != Some(file)).collect();
        self.changed |= self.rows.len() != before;
    }

    /// Adds the row of a file of the distribution's own metadata (relative to the prefix), which stands beside RECORD.
    pub(super) fn add(&mut self, file: &Path) -> Result<(), IoError> {
        let info = self.path.parent().and_then(Path::file_name).unwrap_or_default();
        let row = Path::new(info).join(file.file_name().unwrap_or_default());
        self.rows.push(RecordRow { path: row.to_string_lossy().into_owned(), hash: None, size: None });
        self.changed = true;
        self.rehash(|changed| changed == file)
    }

    /// Writes it, if anything was changed.
    pub(super) fn save(self) -> Result<(), IoError> {
        if !self.changed {
            return Ok(());
        }
        let info = self.path.parent().unwrap_or(Path::new(""));
        let mode = self.root.descend(info)?.lstat("RECORD".as_ref())?.mode;
        fs::replace_file(&self.stage.join(&self.path), mode, &record::write(&self.rows, self.ending))
    }

    fn place(&self, row: &RecordRow) -> Option<PathBuf> {
        let site = self.path.ancestors().nth(2).unwrap_or(Path::new(""));
        match row.resolve(self.stage.final_prefix().path(), site) {
            RecordPlace::Inside(path) => Some(path),
            RecordPlace::Outside(_) => None,
        }
    }
}
