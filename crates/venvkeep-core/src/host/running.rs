//! Which of the user's own processes use an environment.

#[cfg(any(target_os = "linux", target_os = "android"))]
use std::ffi::OsStr;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::os::unix::ffi::OsStrExt;
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

impl Running {
    /// Whether it is a venvkeep, by its name.
    pub fn is_venvkeep(&self) -> bool {
        Path::new(&self.program).file_name().is_some_and(|name| name == "venvkeep")
    }
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

/// The process that has the file at a path open, among those that the viewer may look into; this one does not count.
/// What a venvkeep started has its lock open as well: of several the venvkeep is named.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn holding(path: &Path) -> Option<Running> {
    let wanted = super::fs::lstat(path).ok()?;
    let names = Directory::open(Path::new("/proc")).and_then(|proc| proc.names()).unwrap_or_default();
    let numbers = names.iter().filter_map(|name| std::str::from_utf8(name).ok()?.parse().ok());
    let holders = numbers.filter(|&pid: &u32| pid != std::process::id()).filter_map(|pid| {
        let open = Path::new("/proc").join(pid.to_string()).join("fd");
        let names = Directory::open(&open).and_then(|open| open.names()).ok()?;
        let is_it = |name: &Vec<u8>| {
            let file = super::fs::stat(&open.join(OsStr::from_bytes(name)));
            file.is_ok_and(|file| file.same_entry(&wanted))
        };
        names.iter().any(is_it).then(|| Running { pid, program: program(pid).unwrap_or_default() })
    });
    foremost(holders)
}

/// A venvkeep before others, then the one that was started first, as numbers go.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn foremost(holders: impl Iterator<Item = Running>) -> Option<Running> {
    holders.min_by_key(|one| (!one.is_venvkeep(), one.pid))
}

/// See [`using`].
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn holding(_path: &Path) -> Option<Running> {
    None
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn program(pid: u32) -> Option<String> {
    let process = Directory::open(&Path::new("/proc").join(pid.to_string())).ok()?;
    let line = process.read(Path::new("cmdline"), MAX_SIZE).ok()?;
    Some(String::from_utf8_lossy(line.split(|&byte| byte == 0).next()?).into_owned())
}

/// macOS shows the files of a process only through calls that need unsafe code.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn using(_prefix: &Path, _viewer: &Viewer) -> Vec<Running> {
    Vec::new()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn uses(pid: u32, prefix: &Path, viewer: &Viewer) -> Option<Running> {
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

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use super::{Running, foremost};

    #[test]
    fn of_several_that_hold_a_lock_the_venvkeep_is_named() {
        let named = |holders: &[(u32, &str)]| {
            let holders = holders.iter().map(|&(pid, program)| Running { pid, program: program.to_owned() });
            foremost(holders).map(|one| one.pid)
        };
        assert_eq!(named(&[]), None);
        // Numbers begin anew where they are used up.
        assert_eq!(named(&[(7, "/x/.venvkeep-stage-1/bin/python"), (90, "/opt/venvkeep")]), Some(90));
        assert_eq!(named(&[(90, "git"), (8, "/opt/not-venvkeep"), (9, "uv")]), Some(8));
    }
}
