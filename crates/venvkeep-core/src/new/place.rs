//! Where a new environment goes and what it is called: from what was typed, without looking at the disk.

use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::model::naming::{USUAL_NAMES, name_of};
pub use crate::model::naming::{UnusablePath, usable};

/// The place of a new environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The environment's own directory: absolute, and possibly still with `..` in it.
    pub environment: PathBuf,
    /// What it is known by and what its prompt shows: the project's name.
    pub name: String,
}

/// Reads what was typed: `myproj` is a project whose environment is `myproj/.venv`; nothing, `.` and `..` are
/// projects as well. A path with a slash, a customary name and a name with a leading dot are the environment itself.
pub fn place(typed: Option<&Path>, cwd: &Path) -> Result<Place, UnusablePath> {
    let typed = typed.unwrap_or(Path::new("."));
    if typed.as_os_str().is_empty() {
        return Err(UnusablePath::Empty);
    }
    if typed.as_os_str().as_bytes().starts_with(b"-") {
        return Err(UnusablePath::Dash);
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
    let customary = USUAL_NAMES.iter().any(|name| typed == Path::new(name));
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
            (Some("./-x"), "/home/ana/proj/-x", "-x"),
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
        assert_eq!(refused(b"-x"), UnusablePath::Dash);
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
