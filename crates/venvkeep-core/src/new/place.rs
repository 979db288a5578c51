//! Where a new environment goes and what it is called: from what was typed, without looking at the disk.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// The place of a new environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The environment's own directory: absolute, and possibly still with `..` in it.
    pub environment: PathBuf,
    /// What it is known by and what its prompt shows: the project's name.
    pub name: String,
}

/// Why a path cannot be an environment's, whatever stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnusablePath {
    /// Nothing was typed between the quotes.
    #[error("the name is empty")]
    Empty,
    /// The root directory, or only dots.
    #[error("the path names no directory of its own")]
    NoName,
    /// It could not be put on `PATH`.
    #[error("the path holds a colon, which separates directories in PATH: it could not be activated")]
    Colon,
    /// No script could name its interpreter.
    #[error("the path holds a line break or another control character: no script could name its Python")]
    Control,
    /// Neither could Python's own settings.
    #[error("the path is not valid UTF-8: no script could name its Python")]
    NotText,
}

/// The names that environments have by custom: typed alone they mean the environment, not a project.
const CUSTOMARY: [&str; 3] = [".venv", "venv", "env"];

/// Reads what was typed: `myproj` is a project whose environment is `myproj/.venv`; nothing, `.` and `..` are
/// projects as well. A path with a slash, a customary name and a name with a leading dot are the environment itself.
pub fn place(typed: Option<&Path>, cwd: &Path) -> Result<Place, UnusablePath> {
    let typed = typed.unwrap_or(Path::new("."));
    if typed.as_os_str().is_empty() {
        return Err(UnusablePath::Empty);
    }
    let absolute = without_dots(&cwd.join(typed));
    let environment = if is_project(typed) { absolute.join(".venv") } else { absolute };
    usable(&environment)?;
    let name = name_of(&environment).ok_or(UnusablePath::NoName)?;
    Ok(Place { environment, name })
}

/// Whether what was typed names a project rather than an environment.
fn is_project(typed: &Path) -> bool {
    let only_dots = typed.components().all(|part| matches!(part, Component::CurDir | Component::ParentDir));
    let text = typed.as_os_str().as_bytes();
    let customary = CUSTOMARY.iter().any(|name| typed == Path::new(name));
    only_dots || !(text.contains(&b'/') || text.starts_with(b".") || customary)
}

/// `.` dropped and `..` taken back by text. Good for names; the caller makes the parent physical by the disk.
pub fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

/// Whether an environment at this path could be activated and its scripts started.
pub fn usable(environment: &Path) -> Result<(), UnusablePath> {
    let text = environment.to_str().ok_or(UnusablePath::NotText)?;
    if text.contains(':') {
        return Err(UnusablePath::Colon);
    }
    if text.contains(char::is_control) {
        return Err(UnusablePath::Control);
    }
    Ok(())
}

/// The directory's name; for a customary one the name of the directory around it.
fn name_of(environment: &Path) -> Option<String> {
    let own = environment.file_name()?;
    let around = environment.parent().and_then(Path::file_name);
    let customary = CUSTOMARY.iter().any(|name| own == OsStr::new(name));
    let name = if customary { around.unwrap_or(own) } else { own };
    Some(name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::{UnusablePath, place};
    use proptest::proptest;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    #[test]
    fn what_was_typed_and_what_is_meant() {
        for (typed, environment, name) in [
            (None, "/home/ana/proj/.venv", "proj"),
            (Some("."), "/home/ana/proj/.venv", "proj"),
            (Some("./"), "/home/ana/proj/.venv", "proj"),
            (Some(".."), "/home/ana/.venv", "ana"),
            (Some("myproj"), "/home/ana/proj/myproj/.venv", "myproj"),
            (Some(".venv"), "/home/ana/proj/.venv", "proj"),
            (Some("venv"), "/home/ana/proj/venv", "proj"),
            (Some("env"), "/home/ana/proj/env", "proj"),
            (Some(".tools"), "/home/ana/proj/.tools", ".tools"),
            (Some("./tools"), "/home/ana/proj/tools", "tools"),
            (Some("../other/.venv"), "/home/ana/other/.venv", "other"),
            (Some("/opt/tools/"), "/opt/tools", "tools"),
            (Some("/env"), "/env", "env"),
        ] {
            let found = place(typed.map(Path::new), Path::new("/home/ana/proj")).unwrap();
            assert_eq!(
                (found.environment.to_str(), found.name.as_str()),
                (Some(environment), name),
                "{typed:?}"
            );
        }
    }

    #[test]
    fn paths_that_no_environment_can_have() {
        let refused =
            |typed: &[u8]| place(Some(Path::new(OsStr::from_bytes(typed))), Path::new("/home")).unwrap_err();
        assert_eq!(refused(b""), UnusablePath::Empty);
        assert_eq!(refused(b"/"), UnusablePath::NoName);
        assert_eq!(refused(b"a:b"), UnusablePath::Colon);
        assert_eq!(refused(b"a\nb"), UnusablePath::Control);
        assert_eq!(refused(b"a\xff"), UnusablePath::NotText);
        assert_eq!(place(None, Path::new("/srv/a:b")), Err(UnusablePath::Colon));
    }

    proptest! {
        #[test]
        fn any_text_is_read(typed in ".*") {
            if let Ok(found) = place(Some(Path::new(&typed)), Path::new("/home/ana")) {
                assert!(found.environment.is_absolute());
            }
        }
    }
}
