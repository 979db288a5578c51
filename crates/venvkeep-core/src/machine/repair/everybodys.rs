//! Root's part: what distributions among the system's packages record, and others cannot read.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Identity, Left, Plan, Step, around};
use crate::host::credentials;
use crate::host::fs::Directory;
use crate::machine::sites::{self, RECORD_LIMITS, SiteDirectory};
use crate::model::caller::Caller;
use crate::model::facts::{Facts, Kind};
use crate::model::owner::ROOT;
use crate::model::record::{RecordPlace, RecordRow, RecordRows};

/// Where, below what a Python is installed under, a distribution's files may lie besides its site directory: the scheme's
/// other directories (sysconfig). A row that leads elsewhere is nothing to be opened.
const BESIDE: [&str; 3] = ["bin", "share", "include"];

/// Every entry that is recorded, that is root's, and that others cannot read, and the directories on the way.
///
/// No Python is asked where its packages are: root starts nothing here.
pub(super) fn plan(caller: &Caller) -> Plan {
    let mut plan = Plan::default();
    for site in sites::all(&[], &caller.viewer) {
        let Some(prefix) = prefix_of(&site.path) else { continue };
        let (recorded, unread) = recorded(&site, prefix);
        plan.left.extend(unread);
        for path in recorded {
            match open_to_everybody(&path) {
                Some(Ok(step)) => plan.steps.push(step),
                Some(Err(left)) => plan.left.push(left),
                None => {}
            }
        }
    }
    plan
}

/// What a Python with this site directory is installed under: `/usr/local` for `/usr/local/lib/python3.11/dist-packages`.
fn prefix_of(site: &Path) -> Option<&Path> {
    site.parent()?.parent()?.parent()
}

/// The recorded places, with the directories above each up to the prefix; shorter ones first, so that a directory comes
/// before what is in it.
fn recorded(site: &SiteDirectory, prefix: &Path) -> (BTreeSet<PathBuf>, Vec<Left>) {
    let (mut places, mut left) = (BTreeSet::new(), Vec::new());
    let Ok(open) = around(&site.path.join("x")) else { return (places, left) };
    let Ok(site_rel) = site.path.strip_prefix(prefix) else { return (places, left) };
    let mut allowed: Vec<PathBuf> = BESIDE.iter().map(|name| prefix.join(name)).collect();
    allowed.push(site.path.clone());
    for one in &site.distributions {
        let info = site.path.join(&one.info);
        let rows = match rows(&open, &one.info) {
            Ok(rows) => rows,
            Err(why) => {
                left.push(Left::new(info, why));
                continue;
            }
        };
        for row in rows {
            let RecordPlace::Inside(relative) = row.resolve(prefix, site_rel) else { continue };
            let path = prefix.join(relative);
            if !allowed.iter().any(|root| path.starts_with(root) && path != *root) {
                continue;
            }
            let above =
                path.ancestors().skip(1).take_while(|above| *above != prefix && above.starts_with(prefix));
            places.extend(above.map(Path::to_owned));
            places.insert(path);
        }
    }
    (places, left)
}

/// The rows of its RECORD, or of what setuptools wrote before there were any. Only root's own is believed.
fn rows(site: &Directory, info: &Path) -> Result<Vec<RecordRow>, String> {
    for name in ["RECORD", "installed-files.txt"] {
        let file = info.join(name);
        let facts = site.descend(info).and_then(|inside| inside.lstat(OsStr::new(name)));
        let facts = match facts {
            Ok(facts) => facts,
            Err(error) if error.is_missing() => continue,
            Err(error) => return Err(format!("its {name} could not be read ({})", error.reason())),
        };
        if facts.uid != ROOT || facts.is_world_writable() {
            return Err(format!("its {name} is not root's alone, so that it is not believed"));
        }
        let content = site
            .read(&file, RECORD_LIMITS.bytes as u64)
            .map_err(|error| format!("its {name} could not be read ({})", error.reason()))?;
        if name == "RECORD" {
            let rows = RecordRows::parse(&content, RECORD_LIMITS)
                .map_err(|error| format!("its RECORD is garbled ({error})"))?;
            return Ok(rows.flatten().collect());
        }
        let text = String::from_utf8_lossy(&content).into_owned();
        let row =
            |line: &str| RecordRow { path: format!("{}/{line}", info.display()), hash: None, size: None };
        return Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(row).collect());
    }
    // The distribution's own packages have none, and are as their package made them.
    Ok(Vec::new())
}

/// The step that `chmod a+rX` of this one entry is; `None` where it is open, or not there.
fn open_to_everybody(path: &Path) -> Option<Result<Step, Left>> {
    let name = path.file_name()?;
    let facts = match around(path).and_then(|above| above.lstat(name)) {
        Ok(facts) => facts,
        Err(error) if error.is_missing() => return None,
        Err(error) => {
            return Some(Err(Left::new(path, format!("it could not be looked at ({})", error.reason()))));
        }
    };
    let after = opened(&facts)?;
    if facts.uid != ROOT {
        return Some(Err(Left::new(
            path,
            format!("it is not root's, but belongs to {}: theirs to open", credentials::called(facts.uid)),
        )));
    }
    if facts.kind == Kind::File && facts.links > 1 {
        return Some(Err(Left::new(path, "it has more names than this one, and all would be opened")));
    }
    Some(Ok(Step::Mode { path: path.to_owned(), entry: Identity::of(&facts), before: facts.mode, after }))
}

/// `a+rX`; `None` where others can read it, and for what is neither a file nor a directory.
fn opened(facts: &Facts) -> Option<u16> {
    let (needed, added) = match facts.kind {
        Kind::Directory => (0o005, 0o555),
        Kind::File if facts.mode & 0o111 != 0 => (0o005, 0o555),
        Kind::File => (0o004, 0o444),
        _ => return None,
    };
    (facts.mode & needed != needed).then_some(facts.mode | added)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{opened, prefix_of};
    use crate::model::facts::{Facts, Kind};

    #[test]
    fn only_reading_is_added() {
        let facts = |kind, mode| Facts {
            kind,
            mode,
            uid: 0,
            gid: 0,
            size: 0,
            modified_ns: 0,
            device: 1,
            inode: 1,
            links: 1,
        };
        for (kind, before, after) in [
            (Kind::File, 0o640, Some(0o644)),
            (Kind::File, 0o600, Some(0o644)),
            (Kind::File, 0o750, Some(0o755)),
            (Kind::File, 0o644, None),
            (Kind::Directory, 0o750, Some(0o755)),
            (Kind::Directory, 0o2700, Some(0o2755)),
            (Kind::Directory, 0o755, None),
            (Kind::Link, 0o777, None),
            (Kind::Fifo, 0o600, None),
        ] {
            assert_eq!(opened(&facts(kind, before)), after, "{kind:?} {before:o}");
        }
    }

    #[test]
    fn what_a_site_directory_belongs_to() {
        for (site, prefix) in [
            ("/usr/local/lib/python3.11/dist-packages", "/usr/local"),
            ("/usr/lib/python3/dist-packages", "/usr"),
        ] {
            assert_eq!(prefix_of(Path::new(site)), Some(Path::new(prefix)));
        }
    }
}
