//! What venvkeep puts beside an environment, and what it is called.
//!
//! A heal builds beside the environment and keeps the old tree there, because a rename of root's directory works only
//! within its parent (field notes). All names are hidden: an `env` gets `.env.venvkeep-...`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::prefix::Prefix;

const COMMON: &str = ".venvkeep-";
const KEPT: &str = ".venvkeep-old-";
const STAGE: &str = ".venvkeep-stage-";
const JOURNAL: &str = ".venvkeep-journal";

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
    path.file_name().is_some_and(|name| name.as_bytes().ends_with(JOURNAL.as_bytes()))
}

/// Whether a name is one that venvkeep gives beside some environment.
pub fn is_ours(name: &OsStr) -> bool {
    memchr::memmem::find(name.as_bytes(), COMMON.as_bytes()).is_some()
}

/// What all names beside the environment begin with.
pub fn common_start(prefix: &Prefix) -> OsString {
    hidden(prefix.name(), COMMON, "")
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

/// The environments in a directory that a file name there may belong to, the likelier first, and what it stands for, if
/// it is one of ours: the dot that it begins with is the environment's own, or was put before a name without one.
pub fn live_of(directory: &Path, name: &OsStr) -> Option<([Prefix; 2], SiblingKind)> {
    let at = memchr::memmem::rfind(name.as_bytes(), COMMON.as_bytes())?;
    let dotted = &name.as_bytes()[..at];
    let plain = dotted.strip_prefix(b".").filter(|plain| !plain.is_empty())?;
    let place = |name: &[u8]| Prefix::new(directory.join(OsStr::from_bytes(name))).ok();
    let (dotted_place, plain_place) = (place(dotted)?, place(plain)?);
    let kind = classify(&dotted_place, name)?;
    // `.env` is what settings are kept in.
    let both = if dotted == b".env" { [plain_place, dotted_place] } else { [dotted_place, plain_place] };
    Some((both, kind))
}

fn hidden(name: &OsStr, what: &str, rest: &str) -> OsString {
    let mut hidden = OsString::new();
    if !name.as_bytes().starts_with(b".") {
        hidden.push(".");
    }
    hidden.push(name);
    hidden.push(what);
    hidden.push(rest);
    hidden
}

#[cfg(test)]
mod tests {
    use super::{
        OsStr, Path, Prefix, SiblingKind, classify, journal_name, kept_name, kept_time, live_of, stage_name,
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
            }
            assert_eq!(classify(&prefix, prefix.name()), None);
        }
        for (name, first, second) in
            [(".venv", "/p/.venv", "/p/venv"), (".env", "/p/env", "/p/.env"), (".x", "/p/.x", "/p/x")]
        {
            let name = format!("{name}.venvkeep-old-20261121-091500");
            let (places, kind) = live_of(Path::new("/p"), OsStr::new(&name)).unwrap();
            assert_eq!(places.map(|place| place.path().to_owned()), [Path::new(first), Path::new(second)]);
            assert_eq!(kind, SiblingKind::Kept);
        }
        assert!(live_of(Path::new("/p"), OsStr::new(".venvkeep-journal")).is_none());
        let other = Prefix::new("/p/.venv2".into()).unwrap();
        let mine = Prefix::new("/p/.venv".into()).unwrap();
        assert_eq!(classify(&mine, &kept_name(&other, "x")), None, "a neighbour's is not ours");
        assert_eq!(kept_time(&mine, &kept_name(&mine, "20261121-091500-2")), Some("20261121-091500-2"));
        assert_eq!(kept_time(&mine, &stage_name(&mine, 7)), None);
    }
}
