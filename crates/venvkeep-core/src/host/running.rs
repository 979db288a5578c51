//! Which of the user's own processes use an environment.

use std::path::Path;

use super::fs::Directory;
use crate::model::owner::Viewer;

/// A command line or a list of mapped files is never longer.
#[cfg(any(target_os = "linux", target_os = "android"))]
const MAX_SIZE: u64 = 8 * 1024 * 1024;

/// A running process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Its number.
    pub pid: u32,
    /// The program as it was started; as written, so not safe to print.
    pub program: String,
}

/// The viewer's processes whose program or first argument lies in the environment, or that have a file of it mapped.
/// Other users' processes are not looked at; where there is no `/proc`, the answer is empty.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn using(prefix: &Path, viewer: &Viewer) -> Vec<Running> {
    let names = Directory::open(Path::new("/proc")).and_then(|proc| proc.names()).unwrap_or_default();
    let numbers = names.iter().filter_map(|name| std::str::from_utf8(name).ok()?.parse().ok());
    let mut found: Vec<_> = numbers
        .filter(|&pid| pid != std::process::id())
        .filter_map(|pid| uses(pid, prefix, viewer))
        .collect();
    found.sort_unstable_by_key(|one| one.pid);
    found
}

/// macOS shows the files of a process only through calls that need unsafe code.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn using(_prefix: &Path, _viewer: &Viewer) -> Vec<Running> {
    Vec::new()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn uses(pid: u32, prefix: &Path, viewer: &Viewer) -> Option<Running> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let process = Directory::open(Path::new(&format!("/proc/{pid}"))).ok()?;
    if process.facts().ok()?.uid != viewer.uid {
        return None;
    }
    let inside = |path: &[u8]| Path::new(OsStr::from_bytes(path)).starts_with(prefix);
    let line = process.read(Path::new("cmdline"), MAX_SIZE).ok()?;
    let mut words = line.split(|&byte| byte == 0);
    let program = words.next()?;
    let maps = || process.read(Path::new("maps"), MAX_SIZE).unwrap_or_default();
    let is_mapped = |maps: &[u8]| {
        // The path is what follows the first slash; the columns before it hold none.
        let paths = maps
            .split(|&byte| byte == b'\n')
            .filter_map(|line| line.iter().position(|&byte| byte == b'/').map(|start| &line[start..]));
        paths.into_iter().any(inside)
    };
    let uses = inside(program) || words.next().is_some_and(inside) || is_mapped(&maps());
    uses.then(|| Running { pid, program: String::from_utf8_lossy(program).into_owned() })
}
