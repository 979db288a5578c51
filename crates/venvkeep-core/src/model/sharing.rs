//! Whom an environment is for besides its owner, and what that asks of the modes in it.
//!
//! It stands in `pyvenv.cfg`, which every tool leaves alone and which goes wherever the environment goes: whoever looks
//! at it later, and every rebuild, knows it from there.

use std::fmt;
use std::path::Path;

use super::facts::{Facts, Kind};

/// What stands for everybody.
const EVERYONE: &str = "everyone";

/// What stands before a group.
const GROUP: &str = "group ";

/// Where installers put things, and what Python reads at its start. What else its owner keeps in an environment (a
/// `.env`, a `pip.conf` with a password) may be as they like.
const FOR_ALL: [&str; 7] = ["bin", "include", "lib", "lib64", "share", "pyvenv.cfg", ".gitignore"];

/// Whom an environment is for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Sharing {
    /// Its owner, and whoever the umask lets read it.
    #[default]
    AsUsual,
    /// Everybody can read it, only its owner can write it.
    Everyone,
    /// Everybody can read it, and this group, by its name or number, can write it.
    Group(String),
}

impl Sharing {
    /// As it is typed, and as it stands in `pyvenv.cfg`; anything else means nothing.
    pub fn parse(text: &str) -> Self {
        match text.strip_prefix(GROUP).map(str::trim) {
            Some(group) if !group.is_empty() => Self::Group(group.to_owned()),
            _ if text == EVERYONE => Self::Everyone,
            _ => Self::AsUsual,
        }
    }

    /// With a group as somebody typed it; without one, for everybody.
    pub fn asked(group: &str) -> Self {
        if group.is_empty() { Self::Everyone } else { Self::Group(group.to_owned()) }
    }

    /// Whether it is for others at all.
    pub fn is_shared(&self) -> bool {
        *self != Self::AsUsual
    }

    /// Whether what lies at this place, relative to the prefix, is for the others; the rest is its owner's alone.
    pub fn is_for_others(&self, path: &Path) -> bool {
        let is_among = path.iter().next().is_none_or(|top| FOR_ALL.iter().any(|name| top == *name));
        self.is_shared() && is_among
    }

    /// The mode that an entry at this place, relative to the prefix (empty for the prefix itself), should have; `None`
    /// where it is none of the others' business.
    pub fn mode(&self, path: &Path, facts: &Facts) -> Option<u16> {
        if !self.is_for_others(path) {
            return None;
        }
        let runs = facts.mode & 0o100 != 0;
        match (self, facts.kind) {
            (Self::Everyone, Kind::Directory) => Some((facts.mode | 0o755) & !0o022),
            (Self::Everyone, Kind::File) => Some((facts.mode | if runs { 0o555 } else { 0o444 }) & !0o022),
            (Self::Group(_), Kind::Directory) => Some((facts.mode | 0o2775) & !0o002),
            (Self::Group(_), Kind::File) => Some((facts.mode | if runs { 0o575 } else { 0o464 }) & !0o002),
            _ => None,
        }
    }

    /// Whether others are kept from what is theirs by this. Files are replaced by installers and not written into, so
    /// to read them is enough.
    pub fn is_kept_from(&self, path: &Path, facts: &Facts) -> bool {
        let writing = if facts.kind == Kind::File { 0o222 } else { 0 };
        let lacks = |wanted: u16| wanted & !facts.mode & !writing & 0o2077 != 0;
        self.mode(path, facts).is_some_and(lacks)
    }
}

impl fmt::Display for Sharing {
    /// As it stands in `pyvenv.cfg`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AsUsual => Ok(()),
            Self::Everyone => formatter.write_str(EVERYONE),
            Self::Group(group) => write!(formatter, "{GROUP}{group}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Facts, Kind, Path, Sharing};

    fn entry(kind: Kind, mode: u16) -> Facts {
        Facts { kind, mode, uid: 1, gid: 1, size: 0, modified_ns: 0, device: 1, inode: 1, links: 1 }
    }

    #[test]
    fn what_was_written_reads_back() {
        for sharing in [Sharing::Everyone, Sharing::Group("devs".to_owned())] {
            assert_eq!(Sharing::parse(&sharing.to_string()), sharing);
        }
        for text in ["", "group ", "yes", "Everyone"] {
            assert_eq!(Sharing::parse(text), Sharing::AsUsual, "{text}");
        }
    }

    #[test]
    fn modes_open_what_is_for_all_and_nothing_else() {
        let (everyone, group) = (Sharing::Everyone, Sharing::Group("devs".to_owned()));
        let lib = Path::new("lib/x");
        assert_eq!(everyone.mode(lib, &entry(Kind::File, 0o600)), Some(0o644));
        assert_eq!(everyone.mode(lib, &entry(Kind::File, 0o770)), Some(0o755));
        assert_eq!(everyone.mode(Path::new(""), &entry(Kind::Directory, 0o700)), Some(0o755));
        assert_eq!(group.mode(lib, &entry(Kind::Directory, 0o700)), Some(0o2775));
        assert_eq!(group.mode(lib, &entry(Kind::File, 0o600)), Some(0o664));
        assert_eq!(group.mode(lib, &entry(Kind::Link, 0o777)), None);
        assert_eq!(everyone.mode(Path::new(".env"), &entry(Kind::File, 0o600)), None);
        assert_eq!(Sharing::AsUsual.mode(lib, &entry(Kind::File, 0o600)), None);
    }

    #[test]
    fn a_file_has_to_be_read_and_a_directory_of_a_group_written() {
        let (everyone, group) = (Sharing::Everyone, Sharing::Group("devs".to_owned()));
        let kept =
            |sharing: &Sharing, kind, mode| sharing.is_kept_from(Path::new("lib/x"), &entry(kind, mode));
        assert!(kept(&everyone, Kind::File, 0o640));
        assert!(kept(&everyone, Kind::File, 0o744), "a program that others cannot start");
        assert!(!kept(&everyone, Kind::File, 0o444));
        assert!(!kept(&everyone, Kind::Directory, 0o755));
        assert!(!kept(&group, Kind::File, 0o644));
        assert!(kept(&group, Kind::Directory, 0o2755));
        assert!(kept(&group, Kind::Directory, 0o775), "what is made in it would be another group's");
        assert!(!kept(&group, Kind::Directory, 0o2775));
    }
}
