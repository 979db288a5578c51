//! The directory a new environment is built in: beside its place, ours alone until it is swapped in.

use std::path::{Path, PathBuf};

use crate::host::fs::{self, IoError};
use crate::host::remove;
use crate::model::facts::Facts;
use crate::model::prefix::Prefix;
use crate::model::siblings;

/// A directory with mode 0700 beside the environment, on the same file system. Removed with everything in it when it
/// is dropped, unless it was [released](Stage::release) to the swap.
#[derive(Debug)]
pub struct Stage {
    place: StagePlace,
    final_prefix: Prefix,
    armed: bool,
}

/// Where a stage is and which directory it is.
#[derive(Debug, Clone)]
pub struct StagePlace {
    /// Its path.
    pub path: PathBuf,
    /// Which directory it is, whatever its name will be.
    pub identity: Facts,
}

impl Stage {
    /// Makes the directory, under a name that has been in use nowhere before.
    pub fn create(final_prefix: &Prefix) -> Result<Self, IoError> {
        let path = final_prefix.parent().join(siblings::stage_name(final_prefix, fastrand::u64(..)));
        fs::create_dir(&path, 0o700)?;
        let identity = fs::lstat(&path)?;
        let place = StagePlace { path, identity };
        Ok(Self { place, final_prefix: final_prefix.clone(), armed: true })
    }

    /// Where files are written now.
    pub fn path(&self) -> &Path {
        &self.place.path
    }

    /// A path in it.
    pub fn join(&self, inside: impl AsRef<Path>) -> PathBuf {
        self.place.path.join(inside)
    }

    /// Where it is and which directory it is.
    pub fn place(&self) -> &StagePlace {
        &self.place
    }

    /// Where the environment will live: what scripts and settings name.
    pub fn final_prefix(&self) -> &Prefix {
        &self.final_prefix
    }

    /// Hands the directory over; from now on the receiver answers for it.
    pub fn release(mut self) -> StagePlace {
        self.armed = false;
        self.place.clone()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let is_ours = fs::lstat(self.path()).is_ok_and(|there| there.same_entry(&self.place.identity));
        if self.armed && is_ours {
            // What cannot be removed now stays recorded in the journal, and the next run removes it.
            let _ = remove::tree(self.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Prefix, Stage};

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test looks at the disk by itself")]
    fn dropped_it_is_gone_and_released_it_stays() {
        let dir = tempfile::tempdir().unwrap();
        let prefix = Prefix::new(dir.path().canonicalize().unwrap().join(".venv")).unwrap();
        let stage = Stage::create(&prefix).unwrap();
        let path = stage.path().to_owned();
        fs::create_dir(path.join("sub")).unwrap();
        fs::write(path.join("sub/file"), "x").unwrap();
        drop(stage);
        assert!(fs::symlink_metadata(&path).is_err());
        let place = Stage::create(&prefix).unwrap().release();
        assert!(fs::symlink_metadata(place.path).is_ok());
    }
}
