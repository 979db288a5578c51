//! Who looks, and what the owner and mode of an entry allow them to do.
//!
//! Access is computed from mode bits, so that one walk answers every question. Access control lists can widen or
//! narrow it; a remedy never rests on them alone.

use std::sync::OnceLock;

use super::facts::{Facts, Kind};

/// The superuser's number.
pub const ROOT: u32 = 0;

/// The user on whose behalf venvkeep looks.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// Effective user number.
    pub uid: u32,
    /// Effective (primary) group number.
    pub gid: u32,
    /// All group numbers, the primary one included.
    pub groups: Vec<u32>,
    /// Groups that nobody else is in.
    pub lone_groups: LoneGroups,
    /// Further accounts whose files are trusted like root's (Homebrew's, for one).
    pub trusted_owners: Vec<u32>,
}

/// Groups that nobody but the viewer and root is in: a primary group of their own, as Debian and others give each user
/// one (umask 002), and groups without any member (Debian's `staff`, which may write `/usr/local`).
///
/// To find them the accounts are searched, which costs more than reading a small environment, and most environments
/// have nothing that a group may write: so it happens when the first such entry is met.
#[derive(Debug, Clone)]
pub struct LoneGroups {
    find: fn() -> Vec<u32>,
    found: OnceLock<Vec<u32>>,
}

impl LoneGroups {
    /// These.
    pub fn known(groups: Vec<u32>) -> Self {
        Self { find: Vec::new, found: OnceLock::from(groups) }
    }

    /// What `find` gives, which is called once or never.
    pub fn found_by(find: fn() -> Vec<u32>) -> Self {
        Self { find, found: OnceLock::new() }
    }

    fn contains(&self, gid: u32) -> bool {
        self.found.get_or_init(self.find).contains(&gid)
    }
}

impl Viewer {
    /// Whether this is the superuser.
    pub fn is_root(&self) -> bool {
        self.uid == ROOT
    }

    /// Whether content of this owner may be acted on: the viewer's own, root's, or a trusted account's.
    pub fn trusts(&self, uid: u32) -> bool {
        uid == self.uid || uid == ROOT || self.trusted_owners.contains(&uid)
    }

    /// Whether the mode lets the viewer read: for a directory, list and enter it.
    pub fn can_read(&self, facts: &Facts) -> bool {
        match facts.kind {
            Kind::Directory => self.allowed(facts, 0o5),
            Kind::Link => true,
            _ => self.allowed(facts, 0o4),
        }
    }

    /// Whether the mode lets the viewer write; in a directory, create and remove names.
    pub fn can_write(&self, facts: &Facts) -> bool {
        match facts.kind {
            Kind::Directory => self.allowed(facts, 0o3),
            Kind::Link => true,
            _ => self.allowed(facts, 0o2),
        }
    }

    /// Whether the mode lets the viewer pass through a directory, or execute a file.
    pub fn can_execute(&self, facts: &Facts) -> bool {
        self.allowed(facts, 0o1) && (!self.is_root() || facts.mode & 0o111 != 0)
    }

    /// Whether someone other than the owner, root and the viewer can write this entry, or add names to this directory:
    /// writable by everybody, or by a group that others are in. Right for an environment and what is in it, where one
    /// more program or module is enough.
    pub fn others_can_add(&self, facts: &Facts) -> bool {
        let by_group = facts.mode & 0o020 != 0 && !self.is_lone_group(facts.gid);
        facts.is_world_writable() || (facts.kind != Kind::Link && by_group)
    }

    /// Whether they can change what is there. In a sticky directory they cannot: only owners rename and remove. Right
    /// for the directories above something, which are asked for one name that exists.
    pub fn others_can_write(&self, facts: &Facts) -> bool {
        let keeps_names = facts.kind == Kind::Directory && facts.is_sticky();
        !keeps_names && self.others_can_add(facts)
    }

    fn is_lone_group(&self, gid: u32) -> bool {
        gid == ROOT || self.lone_groups.contains(gid)
    }

    fn allowed(&self, facts: &Facts, wanted: u16) -> bool {
        if self.is_root() {
            return true;
        }
        let class = if facts.uid == self.uid {
            facts.mode >> 6
        } else if facts.gid == self.gid || self.groups.contains(&facts.gid) {
            facts.mode >> 3
        } else {
            facts.mode
        };
        class & wanted == wanted
    }
}

#[cfg(test)]
mod tests {
    use super::{Facts, Kind, LoneGroups, Viewer};

    fn viewer() -> Viewer {
        Viewer {
            uid: 1000,
            gid: 1000,
            groups: vec![1000, 27],
            lone_groups: LoneGroups::known(vec![1000]),
            trusted_owners: vec![],
        }
    }

    fn entry(kind: Kind, mode: u16, uid: u32, gid: u32) -> Facts {
        Facts { kind, mode, uid, gid, size: 0, modified_ns: 0, device: 1, inode: 1, links: 1 }
    }

    #[test]
    fn the_first_class_that_matches_decides() {
        let me = viewer();
        assert!(
            !me.can_read(&entry(Kind::File, 0o077, 1000, 1000)),
            "owner bits count, not the wider group's"
        );
        assert!(me.can_read(&entry(Kind::File, 0o640, 0, 27)), "a supplementary group reads");
        assert!(!me.can_read(&entry(Kind::File, 0o640, 0, 0)));
        assert!(
            !me.can_read(&entry(Kind::Directory, 0o754, 0, 0)),
            "listing without entering is not reading"
        );
    }

    #[test]
    fn lone_groups_and_sticky_directories_are_not_others() {
        let me = viewer();
        assert!(!me.others_can_write(&entry(Kind::Directory, 0o775, 1000, 1000)));
        assert!(me.others_can_write(&entry(Kind::Directory, 0o775, 1000, 27)));
        assert!(me.others_can_write(&entry(Kind::Directory, 0o777, 0, 0)));
        assert!(!me.others_can_write(&entry(Kind::Directory, 0o1777, 0, 0)));
        assert!(
            me.others_can_add(&entry(Kind::Directory, 0o1777, 0, 0)),
            "it keeps names, and takes new ones"
        );
        assert!(me.others_can_add(&entry(Kind::Directory, 0o3775, 1000, 27)));
        assert!(!me.others_can_add(&entry(Kind::Directory, 0o1775, 1000, 1000)));
        assert!(!me.others_can_add(&entry(Kind::Link, 0o777, 0, 0)));
        assert!(
            me.others_can_write(&entry(Kind::File, 0o1666, 0, 0)),
            "the sticky bit protects names, not content"
        );
    }
}
