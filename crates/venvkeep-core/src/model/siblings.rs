//! What venvkeep puts beside an environment, and what it is called.
//!
//! A heal builds beside the environment and keeps the old tree there, because a rename of root's directory works only
//! within its parent (field notes). All names are hidden, and no two environments of one directory share one: what
//! belongs to a `venv` is told from what belongs to a `.venv`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::prefix::Prefix;

const COMMON: &str = ".venvkeep-";
/// Behind that, where the environment's own name has no dot before it.
const WITHOUT_DOT: &str = "nodot-";
const KEPT: &str = "old-";
const STAGE: &str = "stage-";
const JOURNAL: &str = "journal";

/// What a name beside an environment stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SiblingKind {
    /// The old tree of a heal.
    Kept,
    /// A new tree that is being built, or was when a heal was cut off.
    Stage,
    /// What a heal in progress has done so far; also its lock.
    Journal,
}

/// The name that the old tree is kept under; `time` as `20261121-091500`, which sorts as time goes.
pub fn kept_name(prefix: &Prefix, time: &str) -> OsString {
    hidden(prefix.name(), KEPT, time)
}

/// The time in a kept tree's name, with what makes it unique behind it: `20261121-091500-2`.
pub fn kept_time<'name>(prefix: &Prefix, name: &'name OsStr) -> Option<&'name str> {
    let start = hidden(prefix.name(), KEPT, "");
    std::str::from_utf8(name.as_bytes().strip_prefix(start.as_bytes())?).ok().filter(|time| !time.is_empty())
}

/// The name of a stage; `random` makes it one that no text has contained before.
pub fn stage_name(prefix: &Prefix, random: u64) -> OsString {
    hidden(prefix.name(), STAGE, &format!("{random:016x}"))
}

/// The name of the journal.
pub fn journal_name(prefix: &Prefix) -> OsString {
    hidden(prefix.name(), JOURNAL, "")
}

/// Whether a path beside an environment is its journal's.
pub fn is_journal(path: &Path) -> bool {
    let is = |name: &OsStr| {
        let after = memchr::memmem::rfind(name.as_bytes(), COMMON.as_bytes()).map(|at| at + COMMON.len());
        let what = &name.as_bytes()[after.unwrap_or(name.len())..];
        what.strip_prefix(WITHOUT_DOT.as_bytes()).unwrap_or(what) == JOURNAL.as_bytes()
    };
    path.file_name().is_some_and(is)
}

/// Whether a name is one that venvkeep gives beside some environment.
pub fn is_ours(name: &OsStr) -> bool {
    memchr::memmem::find(name.as_bytes(), COMMON.as_bytes()).is_some()
}

/// What all names beside the environment begin with.
pub fn common_start(prefix: &Prefix) -> OsString {
    hidden(prefix.name(), "", "")
}

/// What a file name beside the environment stands for, if it is one of ours.
pub fn classify(prefix: &Prefix, name: &OsStr) -> Option<SiblingKind> {
    let name = name.as_bytes();
    let is = |what: &str| {
        let start = hidden(prefix.name(), what, "");
        name.strip_prefix(start.as_bytes()).map(<[u8]>::len)
    };
    match (is(KEPT), is(STAGE), is(JOURNAL)) {
        (Some(1..), _, _) => Some(SiblingKind::Kept),
        (_, Some(1..), _) => Some(SiblingKind::Stage),
        (_, _, Some(0)) => Some(SiblingKind::Journal),
        _ => None,
    }
}

/// The environment in a directory that a file name there belongs to, and what it stands for, if it is one of ours.
pub fn live_of(directory: &Path, name: &OsStr) -> Option<(Prefix, SiblingKind)> {
    let at = memchr::memmem::rfind(name.as_bytes(), COMMON.as_bytes())?;
    let (dotted, what) = (&name.as_bytes()[..at], &name.as_bytes()[at + COMMON.len()..]);
    let live = if what.starts_with(WITHOUT_DOT.as_bytes()) { dotted.strip_prefix(b".")? } else { dotted };
    let prefix = Prefix::new(directory.join(OsStr::from_bytes(live))).ok()?;
    let kind = (!live.is_empty()).then(|| classify(&prefix, name))??;
    Some((prefix, kind))
}

fn hidden(name: &OsStr, what: &str, rest: &str) -> OsString {
    let is_hidden = name.as_bytes().starts_with(b".");
    let mut hidden = OsString::from(if is_hidden { "" } else { "." });
    hidden.push(name);
    hidden.push(COMMON);
    hidden.push(if is_hidden { "" } else { WITHOUT_DOT });
    hidden.push(what);
    hidden.push(rest);
    hidden
}

#[cfg(test)]
mod tests {
    use super::{
        OsStr, Path, Prefix, SiblingKind, classify, common_start, is_journal, journal_name, kept_name,
        kept_time, live_of, stage_name,
    };

    #[test]
    fn each_name_is_known_again_and_hidden() {
        for name in ["/p/.venv", "/p/env"] {
            let prefix = Prefix::new(name.into()).unwrap();
            let names = [
                (kept_name(&prefix, "20261121-091500"), SiblingKind::Kept),
                (stage_name(&prefix, 7), SiblingKind::Stage),
                (journal_name(&prefix), SiblingKind::Journal),
            ];
            for (sibling, kind) in names {
                assert!(sibling.to_str().unwrap().starts_with('.'));
                assert_eq!(classify(&prefix, &sibling), Some(kind), "{sibling:?}");
                assert_eq!(is_journal(sibling.as_ref()), kind == SiblingKind::Journal, "{sibling:?}");
                assert!(sibling.to_str().unwrap().starts_with(common_start(&prefix).to_str().unwrap()));
            }
            assert_eq!(classify(&prefix, prefix.name()), None);
        }
        for live in [".venv", "venv", ".x y", "env"] {
            let prefix = Prefix::new(Path::new("/p").join(live)).unwrap();
            let name = kept_name(&prefix, "20261121-091500");
            assert_eq!(live_of(Path::new("/p"), &name), Some((prefix, SiblingKind::Kept)), "{live}");
        }
        for name in [".venvkeep-journal", ".venv.venvkeep-else", "venv.venvkeep-journal-x", ".venv"] {
            assert_eq!(live_of(Path::new("/p"), OsStr::new(name)), None, "{name}");
        }
        let mine = Prefix::new("/p/.venv".into()).unwrap();
        for other in ["/p/.venv2", "/p/venv"].map(|other| Prefix::new(other.into()).unwrap()) {
            for name in [kept_name(&other, "x"), stage_name(&other, 7), journal_name(&other)] {
                assert_eq!(classify(&mine, &name), None, "a neighbour's is not ours: {name:?}");
                assert!(classify(&other, &name).is_some(), "{name:?}");
            }
            for name in [kept_name(&mine, "x"), stage_name(&mine, 7), journal_name(&mine)] {
                assert_eq!(classify(&other, &name), None, "nor ours a neighbour's: {name:?}");
            }
        }
        assert_eq!(kept_time(&mine, &kept_name(&mine, "20261121-091500-2")), Some("20261121-091500-2"));
        assert_eq!(kept_time(&mine, &stage_name(&mine, 7)), None);
    }
}
