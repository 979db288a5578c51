//! The lines of `easy-install.pth` that make development installs (`setup.py develop`) and eggs importable.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::jobs::Taken;
use super::mapping::Mapping;
use super::{FILE_MODE, Order, ReuseError};
use crate::host::fs::{self, Directory};
use crate::model::distribution::{Distribution, Layout};

const FILE: &str = "easy-install.pth";

/// No such file is longer.
const LONGEST: u64 = 1024 * 1024;

/// Writes the file with the lines of what is taken over, in the order in which they stood.
pub(super) fn write(
    order: &Order<'_>,
    mapping: &Mapping,
    taken: &[Taken<'_>],
    private: &Path,
) -> Result<(), ReuseError> {
    let mut by_site: BTreeMap<&Path, Vec<&Distribution>> = BTreeMap::new();
    let is_listed = |one: &&Taken<'_>| {
        one.fault.is_none() && matches!(one.distribution.layout, Layout::EggLink | Layout::Egg)
    };
    for one in taken.iter().filter(is_listed) {
        by_site.entry(&one.sites.0).or_default().push(one.distribution);
    }
    let Ok(root) = Directory::open(order.old.prefix.path()) else { return Ok(()) };
    for (site, distributions) in by_site {
        let Ok(text) = root.read(&site.join(FILE), LONGEST) else { continue };
        let names: Vec<PathBuf> = distributions.iter().filter_map(|one| named(&root, one)).collect();
        let kept = text.split_inclusive(|byte| *byte == b'\n').filter(|line| {
            let line = Path::new(OsStr::from_bytes(line.trim_ascii()));
            names.iter().any(|name| line == name || line.file_name() == Some(name.as_os_str()))
        });
        let new = mapping.new_place(&site.join(FILE), (site, &mapping.purelib));
        fs::create_file(&private.join(new), FILE_MODE, &kept.collect::<Vec<_>>().concat())?;
    }
    Ok(())
}

/// What the line of a distribution says: the project's directory, or the egg's own name.
fn named(root: &Directory, distribution: &Distribution) -> Option<PathBuf> {
    if distribution.layout == Layout::Egg {
        return distribution.info.file_name().map(PathBuf::from);
    }
    let text = root.read(&distribution.info, LONGEST).ok()?;
    let first = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).find(|line| !line.is_empty())?;
    Some(PathBuf::from(OsStr::from_bytes(first)))
}
