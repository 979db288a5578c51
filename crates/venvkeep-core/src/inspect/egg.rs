//! Distributions as setuptools installed them before wheels: `.egg-link` files of `setup.py develop`, `.egg`
//! directories and files.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::host::fs::{self, Directory};
use crate::model::dist_name::DistName;
use crate::model::distribution::{Distribution, Layout};

use super::checkout;
use super::distributions::{Entry, Info, LONGEST_SMALL_FILE, Place, bare, identify};

/// `NAME.egg-link`: the first line leads to the project, whose `.egg-info` says what it is.
pub(super) fn linked(place: &Place<'_>, file_name: &str) -> Entry {
    let Ok(owner) = place.open.lstat(OsStr::new(file_name)).map(|facts| facts.uid) else {
        return Entry::Unidentified;
    };
    if !checkout::may_lead_outside(owner) {
        return Entry::Unidentified;
    }
    let Some(project) = linked_project(place, file_name) else { return Entry::Unidentified };
    let Some(info_name) = egg_info_in(&project) else { return Entry::Unidentified };
    let metadata = Info::open(&project, &info_name).metadata("PKG-INFO");
    let named = identify(metadata.as_ref(), DistName::parse(&info_name).as_ref());
    let Some((name, version, named_by)) = named else { return Entry::Unidentified };
    Entry::Distribution(Box::new(Distribution {
        info: place.path.join(file_name),
        layout: Layout::EggLink,
        editable: Some(checkout::editable(project.path(), owner, &name, &version)),
        requires_dist: metadata.map(|metadata| metadata.requires_dist).unwrap_or_default(),
        ..bare(name, version, named_by)
    }))
}

fn linked_project(place: &Place<'_>, file_name: &str) -> Option<Directory> {
    let text = place.open.read(Path::new(file_name), LONGEST_SMALL_FILE).ok()?;
    let target = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).find(|line| !line.is_empty())?;
    let project = place.open.path().join(PathBuf::from(OsStr::from_bytes(target)));
    Directory::open(&fs::physical(&project).ok()?).ok()
}

/// The name of the project's `.egg-info`; the first by name, where an odd project has several.
fn egg_info_in(project: &Directory) -> Option<String> {
    let names = project.names().ok()?.into_iter().filter_map(|name| String::from_utf8(name).ok());
    names.filter(|name| name.ends_with(".egg-info")).min()
}

/// `NAME-VERSION-pyX.Y.egg`, where `easy-install.pth` makes it importable.
pub(super) fn unpacked(place: &Place<'_>, file_name: &str) -> Entry {
    if !is_importable(place, file_name) {
        return Entry::Nothing;
    }
    let metadata = match place.open.child(OsStr::new(file_name)) {
        Ok(egg) => Info::open(&egg, "EGG-INFO").metadata("PKG-INFO"),
        // A zip file: its name says what is needed.
        Err(error) => Err(error.to_string()),
    };
    // The same scheme as an `.egg-info`'s name.
    let name = file_name.strip_suffix(".egg").and_then(|stem| DistName::parse(&format!("{stem}.egg-info")));
    let named = identify(metadata.as_ref(), name.as_ref());
    let Some((name, version, named_by)) = named else { return Entry::Unidentified };
    Entry::Distribution(Box::new(Distribution {
        info: place.path.join(file_name),
        layout: Layout::Egg,
        requires_dist: metadata.map(|metadata| metadata.requires_dist).unwrap_or_default(),
        ..bare(name, version, named_by)
    }))
}

fn is_importable(place: &Place<'_>, file_name: &str) -> bool {
    let Ok(text) = place.open.read(Path::new("easy-install.pth"), LONGEST_SMALL_FILE) else { return false };
    let mut lines =
        text.split(|byte| *byte == b'\n').map(|line| Path::new(OsStr::from_bytes(line.trim_ascii())));
    lines.any(|line| line.file_name() == Some(OsStr::new(file_name)))
}

/// The requirements of `requires.txt` that always apply: those above the first section, which is an extra's or a
/// condition's.
pub(super) fn requirements(requires_txt: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(requires_txt);
    let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with('['));
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::requirements;

    #[test]
    fn only_what_always_applies() {
        let text = b"six>=1\n\n# note\nidna\n\n[tests]\npytest\n[:python_version < \"3\"]\nfutures\n";
        assert_eq!(requirements(text), ["six>=1", "idna"]);
        assert!(requirements(b"[x]\ny\n").is_empty());
    }
}
