//! The directories that installing made on the way to its files, noted in the state directory so that uninstalling takes
//! them back. One that was there before is the user's, empty or not.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::host::fs;
use crate::model::caller::Caller;
use crate::model::facts::Kind;

/// The file's name, in the state directory: a path a line.
const NOTE: &str = "made-for-shims";

/// Nobody has so many.
const MAX_SIZE: u64 = 64 * 1024;

/// Notes these besides those that are noted. It is a convenience: where it cannot be noted, empty directories stay.
pub(super) fn note(made: &[PathBuf], caller: &Caller) {
    let Some(place) = place(caller) else { return };
    let mut all = noted(caller);
    // Those above the note itself are not empty.
    let fit = |path: &&PathBuf| !place.starts_with(path) && !path.as_os_str().as_bytes().contains(&b'\n');
    all.extend(made.iter().filter(fit).cloned());
    write(&all, caller);
}

/// Removes those that are empty by now; what cannot be removed stays noted.
pub(super) fn take_back(caller: &Caller) {
    let mut left = noted(caller);
    // The innermost first.
    left.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
    let is_own = |path: &Path| {
        let facts = fs::lstat(path);
        facts.is_ok_and(|facts| facts.kind == Kind::Directory && facts.uid == caller.viewer.uid)
    };
    left.retain(|path| is_own(path) && fs::remove_dir(path).is_err());
    write(&left, caller);
}

fn noted(caller: &Caller) -> Vec<PathBuf> {
    let content = place(caller).and_then(|place| fs::read_bounded(&place, MAX_SIZE).ok()).unwrap_or_default();
    let lines = content.split(|&byte| byte == b'\n').map(|line| Path::new(OsStr::from_bytes(line)));
    lines.filter(|path| path.is_absolute()).map(Path::to_owned).collect()
}

fn write(paths: &[PathBuf], caller: &Caller) {
    let Some(place) = place(caller) else { return };
    if paths.is_empty() {
        let _ = fs::remove_file(&place);
        return;
    }
    let mut paths: Vec<&PathBuf> = paths.iter().collect();
    paths.sort();
    paths.dedup();
    let content: Vec<u8> =
        paths.iter().flat_map(|path| [path.as_os_str().as_bytes(), b"\n"].concat()).collect();
    let directory = place.parent().unwrap_or(&place);
    let _ = fs::create_dirs(directory, 0o700).and_then(|_| fs::replace_file(&place, 0o600, &content));
}

fn place(caller: &Caller) -> Option<PathBuf> {
    caller.state_dir.as_ref().map(|state| state.join(NOTE))
}
