//! Moving what was copied into its place: whole directories where nothing is there yet, else entry by entry.
//!
//! What an installer put there meanwhile shares directories with it (namespace packages, `bin`), and files only where
//! two distributions have one of the same name; then the old environment's stays, as it stood there before.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::host::fs::{Directory, IoError};
use crate::model::facts::Kind;

/// Moves every entry of `from` into `to`.
pub(super) fn merge(from: &Directory, to: &Directory) -> Result<(), IoError> {
    for name in from.names()? {
        let name = OsStr::from_bytes(&name);
        let is_directory = |directory: &Directory| match directory.lstat(name) {
            Ok(facts) => Ok(facts.kind == Kind::Directory),
            Err(error) if error.is_missing() => Ok(false),
            Err(error) => Err(error),
        };
        if is_directory(from)? && is_directory(to)? {
            merge(&from.child(name)?, &to.child(name)?)?;
        } else {
            from.rename_into(name, to)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "the test looks at the disk by itself")]

    use std::fs;

    use super::{Directory, merge};

    #[test]
    fn directories_are_joined_and_files_replaced() {
        let place = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &str| {
            let path = place.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        for name in ["from/ns/a/x", "from/ns/shared", "from/new/deep/file"] {
            write(name, "from");
        }
        for name in ["to/ns/b/y", "to/ns/shared"] {
            write(name, "to");
        }
        let open = |name: &str| Directory::open(&place.path().join(name)).unwrap();
        merge(&open("from"), &open("to")).unwrap();
        let read = |name: &str| fs::read_to_string(place.path().join("to").join(name)).unwrap();
        assert_eq!(["ns/a/x", "ns/shared", "new/deep/file"].map(read), ["from"; 3].map(str::to_owned));
        assert_eq!(read("ns/b/y"), "to");
    }
}
