//! What happens to environments in the field, done on purpose. Root does it, whosever the tree is.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::tree::give;
use crate::{Environment, OrFail, Who};

impl Environment<'_> {
    /// The base interpreter went away, as after an upgrade: `bin/python` leads nowhere. Chained
    /// links (`python3 -> python`) keep leading to it.
    pub fn dangle_interpreter(&self) {
        let bin = self.path().join("bin");
        for entry in fs::read_dir(&bin).or_fail("list", &bin) {
            let link = entry.or_fail("list", &bin).path();
            if fs::read_link(&link).is_ok_and(|target| target.is_absolute()) {
                fs::remove_file(&link).or_fail("remove", &link);
                symlink("/nowhere/bin/python3", &link).or_fail("link", &link);
            }
        }
    }

    /// Sets the mode of one entry, named relative to the prefix or by an absolute path.
    pub fn chmod(&self, name: impl AsRef<Path>, mode: u32) {
        let path = self.path().join(name);
        fs::set_permissions(&path, Permissions::from_mode(mode)).or_fail("chmod", &path);
    }

    /// Gives one entry, and everything below it, to `owner`; links themselves, not what they name.
    pub fn chown(&self, name: impl AsRef<Path>, owner: Who) {
        give(&self.path().join(name), owner);
    }

    /// Overwrites one file with bytes that are neither UTF-8 nor any format.
    pub fn garble(&self, name: impl AsRef<Path>) {
        let path = self.path().join(name);
        fs::write(&path, b"\xff\xfe\x00\x1b[31m\n,,\"\n= \x80").or_fail("garble", &path);
    }

    /// What an interrupted upgrade by pip leaves: the metadata of `stem` (as in `pure_one`) a second
    /// time, with the first letter replaced by a tilde. Returns its path.
    pub fn leave_behind(&self, stem: &str) -> PathBuf {
        let original = self.dist_info(stem);
        let name = original.file_name().unwrap_or_default().to_string_lossy();
        let mut letters = name.chars();
        letters.next();
        let leftover = original.with_file_name(format!("~{}", letters.as_str()));
        fs::create_dir(&leftover).or_fail("create", &leftover);
        for entry in fs::read_dir(&original).or_fail("list", &original) {
            let file = entry.or_fail("list", &original).path();
            let copy = leftover.join(file.file_name().unwrap_or_default());
            if file.is_file() {
                fs::copy(&file, &copy).or_fail("copy", &file);
            }
        }
        leftover
    }

    /// Moves the whole environment; the paths baked into it stay as they were.
    #[must_use = "the environment is elsewhere now"]
    pub fn move_to(mut self, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        fs::rename(&self.path, &path).or_fail("move to", &path);
        self.path = path;
        self
    }
}
