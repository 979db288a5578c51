//! What becomes of every entry of the old tree: it is there again, it is carried over, or it stays behind, with the
//! reason. The three together are all of them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::Taking;
use super::entries::{Class, is_in_bin};
use crate::inspect::claims::{Change, Claims};
use crate::inspect::snapshot::Snapshot;
use crate::model::facts::{Facts, Kind};
use crate::model::scheme::Scheme;
use crate::model::tree::{EntryId, Finder, Tree, Unlisted};

/// What becomes of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The new environment has it by itself.
    Reproduced,
    /// It is copied.
    Carried,
    /// It is only in the old tree.
    Dropped(Why),
}

/// Why an entry is only in the old tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Python makes it again.
    Bytecode,
    /// Its tool makes it again.
    Cache,
    /// A creator's, and of no use in the new environment.
    Creator,
    /// A distribution's that the new environment does not have, or not with this file.
    Distribution,
    /// Left by an aborted uninstall.
    Leftover,
    /// Metadata that names no distribution.
    Unidentified,
    /// venvkeep's own mark.
    Venvkeep,
    /// A pipe, socket or device.
    Special,
    /// It cannot be read.
    Unreadable,
    /// Another file system, or a tree beyond all bounds: not looked into.
    NotEntered,
    /// It was changed, and the new environment has the unchanged one.
    Replaced,
    /// A link out of a tree that others could write.
    ForeignLink,
    /// Something that would run, out of a tree that others could write.
    ForeignCode,
}

impl Why {
    /// The stable name, in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bytecode => "bytecode",
            Self::Cache => "cache",
            Self::Creator => "creator",
            Self::Distribution => "distribution",
            Self::Leftover => "leftover",
            Self::Unidentified => "unidentified",
            Self::Venvkeep => "venvkeep",
            Self::Special => "special",
            Self::Unreadable => "unreadable",
            Self::NotEntered => "not-entered",
            Self::Replaced => "replaced",
            Self::ForeignLink => "foreign-link",
            Self::ForeignCode => "foreign-code",
        }
    }

    /// In words, for each entry by name.
    pub fn explain(self) -> &'static str {
        match self {
            Self::Bytecode => "Python makes it again",
            Self::Cache => "a cache, which its tool makes again",
            Self::Creator => "belonged to the old environment's interpreter or activation",
            Self::Distribution => "belongs to a distribution that no longer has it",
            Self::Leftover => "left by an uninstall that was cut off",
            Self::Unidentified => {
                "metadata that names no distribution: none was installed for it; install it by name if you need it"
            }
            Self::Venvkeep => "venvkeep's own mark",
            Self::Special => "not a file: pipes, sockets and devices are not copied",
            Self::Unreadable => "you may not read it",
            Self::NotEntered => "another file system, or nested too deeply: not looked into",
            Self::Replaced => "it was changed, and the new environment has its own",
            Self::ForeignLink => "a link that somebody else could have made",
            Self::ForeignCode => "it would run, and somebody else could have written it",
        }
    }

    /// Whether content that may be the user's could not be had: the user has to look.
    pub fn wants_attention(self) -> bool {
        matches!(self, Self::Unreadable | Self::NotEntered)
    }

    /// Whether it is named, not only counted.
    pub fn is_named(self) -> bool {
        !matches!(
            self,
            Self::Bytecode
                | Self::Cache
                | Self::Creator
                | Self::Distribution
                | Self::Leftover
                | Self::Venvkeep
        )
    }
}

/// Who could have written the old tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provenance {
    /// Root and the user.
    Trusted,
    /// Somebody else, and the user went on all the same: what runs by itself stays behind.
    Foreign,
}

/// Where the entries of an old site-packages directory lie when the Python is another.
#[derive(Debug)]
pub struct Moves {
    from_to: Vec<(PathBuf, PathBuf)>,
}

impl Moves {
    /// From the old environment's libraries to those of `scheme`.
    pub fn new(old: &Snapshot, scheme: &Scheme) -> Self {
        let mut from_to = Vec::new();
        let new = &scheme.purelib;
        for site in old.sites.iter().filter(|site| site.python.is_some()) {
            from_to.push((site.path.clone(), new.clone()));
            if let (Some(from), Some(to)) = (library(&site.path), library(new)) {
                from_to.push((from.to_owned(), to.to_owned()));
            }
        }
        // A directory of its own on some systems; in the new environment both are one.
        let lib64 = old.tree.find(Path::new("lib64"));
        if lib64.is_some_and(|id| old.tree.facts(id).kind == Kind::Directory && old.tree.name(id) == "lib64")
        {
            from_to.push(("lib64".into(), "lib".into()));
        }
        Self { from_to }
    }

    /// The place in the new environment of what was at `path`.
    pub fn place(&self, path: PathBuf) -> PathBuf {
        let moved = self.from_to.iter().find_map(|(from, to)| Some(to.join(path.strip_prefix(from).ok()?)));
        // Joining an empty rest leaves a trailing separator.
        moved.map_or(path, |moved| moved.components().collect())
    }
}

/// `lib/python3.12` of `lib/python3.12/site-packages`; `None` for `PyPy`'s old `site-packages`.
fn library(site: &Path) -> Option<&Path> {
    site.parent().filter(|library| !library.as_os_str().is_empty())
}

/// What is decided about: the old tree, and what is known of it.
#[derive(Debug)]
pub struct Ground<'a> {
    /// The old environment.
    pub old: &'a Snapshot,
    /// Who answers for what in it.
    pub claims: &'a Claims,
    /// Whose each entry is.
    pub classes: &'a [Class],
    /// Who could have written it.
    pub provenance: Provenance,
    /// Where its libraries lie in the new one.
    pub moves: &'a Moves,
    /// How its distributions were taken.
    pub taking: Taking,
}

/// Decides for every entry of the old tree, by [`EntryId::index`]; `new` is the new one before anything is carried.
pub fn decide(ground: &Ground<'_>, new: &Tree) -> Vec<Fate> {
    let tree = &ground.old.tree;
    let mut fates = vec![Fate::Reproduced; tree.len() + 1];
    let (mut taken, mut there) = (HashMap::new(), Finder::new(new));
    for id in tree.ids().skip(1) {
        let above = fates[tree.parent(id).index()];
        let place = ground.moves.place(tree.path(id));
        fates[id.index()] = match (ground.mine(id), above, there.find(&place)) {
            (Class::User, Fate::Dropped(why), _) => Fate::Dropped(why),
            (_, Fate::Dropped(_), None) => ground.dropped(id),
            (_, _, Some(there)) => ground.filled(id, new.facts(there)),
            (Class::User, _, None) => match ground.hindrance(id) {
                Some(why) => Fate::Dropped(why),
                None => match taken.insert(place, tree.facts(id).kind) {
                    None => Fate::Carried,
                    // Two old libraries become one.
                    Some(Kind::Directory) if tree.facts(id).kind == Kind::Directory => Fate::Reproduced,
                    Some(_) => Fate::Dropped(Why::Replaced),
                },
            },
            (_, _, None) => ground.dropped(id),
        };
    }
    fates
}

impl Ground<'_> {
    fn mine(&self, id: EntryId) -> Class {
        self.classes[id.index()]
    }

    /// What is nobody's but a tool's, and has no place in the new environment.
    fn dropped(&self, id: EntryId) -> Fate {
        Fate::Dropped(match self.mine(id) {
            Class::Bytecode => Why::Bytecode,
            Class::Cache => Why::Cache,
            Class::Creator => Why::Creator,
            Class::Distribution => Why::Distribution,
            Class::Leftover => Why::Leftover,
            Class::Unidentified => Why::Unidentified,
            Class::Venvkeep => Why::Venvkeep,
            Class::User => Why::Replaced,
        })
    }

    /// The new environment has something at the place.
    fn filled(&self, id: EntryId, there: &Facts) -> Fate {
        let facts = self.old.tree.facts(id);
        if facts.kind == Kind::Directory && there.kind != Kind::Directory {
            // What it holds has no place there.
            return self.dropped(id);
        }
        let differs = facts.kind != there.kind || (facts.kind == Kind::File && facts.size != there.size);
        let is_replaced = match (self.claims.change(id), self.mine(id)) {
            (Some(Change::ByHand), _) => true,
            (Some(Change::Altered), _) => differs && self.taking == Taking::Verified,
            // Scripts of a distribution whose RECORD cannot be read are made anew, and not of the same length.
            (None, Class::User) => differs && !is_in_bin(&self.old.tree, id) && !self.is_open_question(id),
            (None, _) => false,
        };
        let lines_stay = self.provenance == Provenance::Foreign && self.claims.added_lines(id).is_some();
        if is_replaced || lines_stay { Fate::Dropped(Why::Replaced) } else { Fate::Reproduced }
    }

    /// A file that cannot be read is as good as the one that is there now.
    fn is_open_question(&self, id: EntryId) -> bool {
        let facts = self.old.tree.facts(id);
        facts.kind == Kind::File && !self.old.viewer.can_read(facts)
    }

    /// Why something of the user's is not carried.
    fn hindrance(&self, id: EntryId) -> Option<Why> {
        let tree = &self.old.tree;
        match tree.facts(id).kind {
            Kind::Fifo | Kind::Socket | Kind::Device => return Some(Why::Special),
            Kind::Directory => {
                let unlisted = tree.unlisted().find(|&(unlisted, _)| unlisted == id);
                match unlisted {
                    Some((_, Unlisted::Denied | Unlisted::Failed)) => return Some(Why::Unreadable),
                    Some((_, Unlisted::OtherFileSystem | Unlisted::BeyondBounds)) => {
                        return Some(Why::NotEntered);
                    }
                    None => {}
                }
            }
            Kind::File | Kind::Link => {}
        }
        if self.provenance == Provenance::Trusted {
            return None;
        }
        if tree.facts(id).kind == Kind::Link {
            return Some(Why::ForeignLink);
        }
        // `pip.conf` tells pip where to get packages from, which is as good as a program.
        let steers_pip = tree.parent(id) == Tree::ROOT && tree.name(id) == "pip.conf";
        (steers_pip || runs_by_itself(self.old, id)).then_some(Why::ForeignCode)
    }
}

/// Whether an entry is directly in `bin` or in site-packages: found by name, imported, or run at the start.
pub fn runs_by_itself(old: &Snapshot, id: EntryId) -> bool {
    let parent = old.tree.path(old.tree.parent(id));
    is_in_bin(&old.tree, id) || old.sites.iter().any(|site| parent == site.path)
}
