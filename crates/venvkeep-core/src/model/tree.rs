//! Every entry below a prefix, as one walk saw them: owner, mode, kind and size, kept compactly.
//!
//! An environment has tens of thousands of entries and a report accounts for each of them, so an entry costs some 70
//! bytes and its name; the entries of one directory lie next to each other in order of name, which makes a look-up a
//! binary search and needs no index.

use std::ffi::OsStr;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::facts::{Facts, Kind};

/// Number of an entry in its [`Tree`]; the prefix itself is [`Tree::ROOT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(u32);

impl EntryId {
    /// Its position, for what is kept about every entry beside the tree: below [`Tree::len`] + 1, the prefix's is 0.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Why a directory's entries are not in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlisted {
    /// The viewer may not list or enter it.
    Denied,
    /// Another file system is mounted there.
    OtherFileSystem,
    /// Deeper than [`Tree::MAX_DEPTH`] directories, or more than [`Tree::MAX_ENTRIES`] entries: not an environment
    /// that any installer made.
    BeyondBounds,
    /// It vanished, or reading it failed half-way.
    Failed,
}

#[derive(Debug)]
struct Entry {
    parent: EntryId,
    name: Range<u32>,
    children: Range<u32>,
    facts: Facts,
}

/// The entries of one directory as they are found, to be handed to [`Tree::add_children`]. Filled again and again, it
/// needs no memory for each name.
#[derive(Debug, Default)]
pub struct Entries {
    names: Vec<u8>,
    entries: Vec<(Range<usize>, Facts)>,
}

impl Entries {
    /// Notes one more entry.
    pub fn push(&mut self, name: &[u8], facts: Facts) {
        let start = self.names.len();
        self.names.extend_from_slice(name);
        self.entries.push((start..self.names.len(), facts));
    }

    /// How many entries were noted.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Keeps that many, for the bound on all entries.
    pub fn truncate(&mut self, most: usize) {
        self.entries.truncate(most);
    }

    /// The entries in order of name; the listing is empty afterwards.
    fn drain_sorted(&mut self, mut take: impl FnMut(&[u8], Facts)) {
        let names = &self.names;
        self.entries.sort_unstable_by(|one, other| names[one.0.clone()].cmp(&names[other.0.clone()]));
        for (name, facts) in self.entries.drain(..) {
            take(&names[name], facts);
        }
        self.names.clear();
    }
}

/// The entries below a prefix. See the module's header.
#[derive(Debug)]
pub struct Tree {
    entries: Vec<Entry>,
    names: Vec<u8>,
    unlisted: Vec<(EntryId, Unlisted)>,
}

impl Tree {
    /// The prefix itself.
    pub const ROOT: EntryId = EntryId(0);
    /// How many directories deep the walk goes.
    pub const MAX_DEPTH: usize = 128;
    /// How many entries the walk takes in: some fifty times the largest environments seen.
    pub const MAX_ENTRIES: usize = 4_000_000;

    /// A tree that holds the prefix's own facts and nothing else yet.
    pub fn new(root: Facts) -> Self {
        let entry = Entry { parent: Self::ROOT, name: 0..0, children: 0..0, facts: root };
        Self { entries: vec![entry], names: Vec::new(), unlisted: Vec::new() }
    }

    /// Adds the entries of one directory, which the walk lists once, and empties the listing; gives their numbers.
    pub fn add_children(
        &mut self,
        directory: EntryId,
        listing: &mut Entries,
    ) -> impl Iterator<Item = EntryId> + use<> {
        let first = position(self.entries.len());
        listing.drain_sorted(|name, facts| {
            let start = position(self.names.len());
            self.names.extend_from_slice(name);
            let name = start..position(self.names.len());
            self.entries.push(Entry { parent: directory, name, children: 0..0, facts });
        });
        let children = first..position(self.entries.len());
        self.entries[directory.0 as usize].children = children.clone();
        children.map(EntryId)
    }

    /// Makes room for trees that are to be grafted, all at once.
    pub fn reserve<'a>(&mut self, trees: impl Iterator<Item = &'a Self> + Clone) {
        self.entries.reserve(trees.clone().map(Self::len).sum());
        self.names.reserve(trees.map(|tree| tree.names.len()).sum());
    }

    /// Puts what was found below one directory, as a tree of its own, into its place in this one.
    pub fn graft(&mut self, directory: EntryId, below: Self) {
        let (entries, names) = (position(self.entries.len()) - 1, position(self.names.len()));
        let moved = |id: EntryId| if id == Self::ROOT { directory } else { EntryId(id.0 + entries) };
        let shifted = |range: &Range<u32>, by: u32| range.start + by..range.end + by;
        let mut grafted = below.entries.into_iter();
        if let Some(root) = grafted.next() {
            self.entries[directory.0 as usize].children = shifted(&root.children, entries);
        }
        self.entries.extend(grafted.map(|entry| Entry {
            parent: moved(entry.parent),
            name: shifted(&entry.name, names),
            children: shifted(&entry.children, entries),
            facts: entry.facts,
        }));
        self.names.extend_from_slice(&below.names);
        self.unlisted.extend(below.unlisted.into_iter().map(|(id, why)| (moved(id), why)));
    }

    /// Notes that a directory's entries are not here.
    pub fn mark_unlisted(&mut self, directory: EntryId, why: Unlisted) {
        self.unlisted.push((directory, why));
    }

    /// The directories whose entries are not here, with the reason.
    pub fn unlisted(&self) -> impl Iterator<Item = (EntryId, Unlisted)> + '_ {
        self.unlisted.iter().copied()
    }

    /// How many entries there are, the prefix itself not counted.
    pub fn len(&self) -> usize {
        self.entries.len() - 1
    }

    /// Whether the prefix holds nothing (or could not be listed).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every entry, the prefix first, each directory before what it holds.
    pub fn ids(&self) -> impl Iterator<Item = EntryId> + use<> {
        (0..position(self.entries.len())).map(EntryId)
    }

    /// What the file system says of an entry.
    pub fn facts(&self, id: EntryId) -> &Facts {
        &self.entries[id.0 as usize].facts
    }

    /// Notes that an entry was given another mode.
    pub fn set_mode(&mut self, id: EntryId, mode: u16) {
        self.entries[id.0 as usize].facts.mode = mode;
    }

    /// Notes that an entry was given to another group.
    pub fn set_group(&mut self, id: EntryId, gid: u32) {
        self.entries[id.0 as usize].facts.gid = gid;
    }

    /// An entry's own name.
    pub fn name(&self, id: EntryId) -> &OsStr {
        let name = &self.entries[id.0 as usize].name;
        OsStr::from_bytes(&self.names[name.start as usize..name.end as usize])
    }

    /// The directory that holds an entry; the prefix's is itself.
    pub fn parent(&self, id: EntryId) -> EntryId {
        self.entries[id.0 as usize].parent
    }

    /// An entry's path relative to the prefix.
    pub fn path(&self, id: EntryId) -> PathBuf {
        let mut parts = Vec::new();
        let mut at = id;
        while at != Self::ROOT {
            parts.push(self.name(at));
            at = self.parent(at);
        }
        parts.iter().rev().collect()
    }

    /// The entries of a directory, in order of name.
    pub fn children(&self, directory: EntryId) -> impl Iterator<Item = EntryId> + use<> {
        self.entries[directory.0 as usize].children.clone().map(EntryId)
    }

    /// The first entry that this tree and a later one do not both have, or that is another file now: with another
    /// kind, owner, mode or inode, or, but for directories, of another size or time. Names that do not matter are
    /// passed over, with what is below them.
    pub fn difference(&self, later: &Self, matters: impl Fn(&OsStr) -> bool) -> Option<PathBuf> {
        let mut pending = vec![(Self::ROOT, Self::ROOT)];
        while let Some((mine, theirs)) = pending.pop() {
            let mut mine = self.children(mine).filter(|&id| matters(self.name(id)));
            let mut theirs = later.children(theirs).filter(|&id| matters(later.name(id)));
            loop {
                match (mine.next(), theirs.next()) {
                    (None, None) => break,
                    (Some(one), Some(other)) if self.name(one) == later.name(other) => {
                        if !is_unchanged(self.facts(one), later.facts(other)) {
                            return Some(self.path(one));
                        }
                        pending.push((one, other));
                    }
                    // Both are in order of name, so the smaller name is the one that the other tree lacks.
                    (Some(one), Some(other)) if self.name(one) > later.name(other) => {
                        return Some(later.path(other));
                    }
                    (Some(one), _) => return Some(self.path(one)),
                    (None, Some(other)) => return Some(later.path(other)),
                }
            }
        }
        None
    }

    /// The entry of that name in a directory.
    pub fn child(&self, directory: EntryId, name: &OsStr) -> Option<EntryId> {
        let Range { start, end } = self.entries[directory.0 as usize].children;
        let within = &self.entries[start as usize..end as usize];
        let wanted = name.as_bytes();
        let found = within.binary_search_by(|entry| {
            self.names[entry.name.start as usize..entry.name.end as usize].cmp(wanted)
        });
        found.ok().map(|offset| EntryId(start + position(offset)))
    }

    /// The entry at a relative path. No link is followed, but a `lib64` that is a link is read as `lib`, as venv
    /// makes it on 64-bit Linux.
    pub fn find(&self, relative: &Path) -> Option<EntryId> {
        let mut at = Self::ROOT;
        for part in relative.components() {
            let Component::Normal(name) = part else { return None };
            let mut next = self.child(at, name)?;
            if at == Self::ROOT && name == "lib64" && self.facts(next).kind == Kind::Link {
                next = self.child(at, OsStr::new("lib"))?;
            }
            at = next;
        }
        Some(at)
    }
}

/// Look-ups of many paths, of which neighbours mostly lie in one directory, as in a RECORD: the last one is remembered.
#[derive(Debug)]
pub struct Finder<'a> {
    tree: &'a Tree,
    directory: Vec<u8>,
    at: Option<EntryId>,
}

impl<'a> Finder<'a> {
    /// Look-ups in that tree.
    pub fn new(tree: &'a Tree) -> Self {
        Self { tree, directory: Vec::new(), at: Some(Tree::ROOT) }
    }

    /// The tree.
    pub fn tree(&self) -> &'a Tree {
        self.tree
    }

    /// What [`Tree::find`] finds.
    pub fn find(&mut self, relative: &Path) -> Option<EntryId> {
        let bytes = relative.as_os_str().as_bytes();
        match memchr::memrchr(b'/', bytes).map(|cut| (&bytes[..cut], &bytes[cut + 1..])) {
            None | Some((b"", _) | (_, b"" | b"." | b"..")) => self.tree.find(relative),
            Some((directory, name)) => {
                if self.directory != directory {
                    self.at = self.tree.find(Path::new(OsStr::from_bytes(directory)));
                    self.directory.clear();
                    self.directory.extend_from_slice(directory);
                }
                self.tree.child(self.at?, OsStr::from_bytes(name))
            }
        }
    }
}

fn is_unchanged(before: &Facts, now: &Facts) -> bool {
    let content = |facts: &Facts| (facts.kind != Kind::Directory).then_some((facts.size, facts.modified_ns));
    let itself = |facts: &Facts| (facts.kind, facts.uid, facts.mode);
    before.same_entry(now) && itself(before) == itself(now) && content(before) == content(now)
}

/// Entries and names are bounded by [`Tree::MAX_ENTRIES`], so that their positions fit into 32 bits.
fn position(at: usize) -> u32 {
    u32::try_from(at).expect("the walk stops at MAX_ENTRIES, and their names stay below 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::{Entries, Facts, Finder, Kind, Path, Tree, Unlisted};

    fn listing(entries: &[(&str, Kind)]) -> Entries {
        let mut listing = Entries::default();
        for (name, kind) in entries {
            listing.push(name.as_bytes(), facts(*kind));
        }
        listing
    }

    fn facts(kind: Kind) -> Facts {
        Facts { kind, mode: 0o755, uid: 0, gid: 0, size: 0, modified_ns: 0, device: 1, inode: 1, links: 1 }
    }

    #[test]
    fn finds_what_was_added_through_lib64_too() {
        let mut tree = Tree::new(facts(Kind::Directory));
        let mut top = listing(&[("lib64", Kind::Link), ("bin", Kind::Directory), ("lib", Kind::Directory)]);
        let ids: Vec<_> = tree.add_children(Tree::ROOT, &mut top).collect();
        let names: Vec<_> = ids.iter().map(|&id| tree.name(id).to_owned()).collect();
        assert_eq!(names, ["bin", "lib", "lib64"]);
        assert!(top.is_empty());
        top.push(b"x.py", facts(Kind::File));
        let inside: Vec<_> = tree.add_children(ids[1], &mut top).collect();
        assert_eq!(tree.find(Path::new("lib/x.py")), Some(inside[0]));
        assert_eq!(tree.find(Path::new("lib64/x.py")), Some(inside[0]));
        assert_eq!(tree.find(Path::new("lib/../bin")), None);
        let mut finder = Finder::new(&tree);
        for path in
            ["lib/x.py", "lib64/x.py", "lib/", "lib", "lib64", "/lib", "lib/..", "lib/no", "no/x.py", ""]
        {
            assert_eq!(finder.find(Path::new(path)), tree.find(Path::new(path)), "{path}");
        }
        assert_eq!(tree.path(inside[0]), Path::new("lib/x.py"));
        assert_eq!(tree.len(), 4);
    }

    #[test]
    fn what_differs_between_two_walks_is_named() {
        let tree = |files: &[(&str, u64)]| {
            let mut tree = Tree::new(facts(Kind::Directory));
            let mut found = listing(&[]);
            for (name, size) in files {
                found.push(name.as_bytes(), Facts { size: *size, ..facts(Kind::File) });
            }
            assert_eq!(tree.add_children(Tree::ROOT, &mut found).count(), files.len());
            tree
        };
        let before = tree(&[("a", 1), ("c", 1)]);
        for (later, differs) in [
            (&[("a", 1), ("c", 1)][..], None),
            (&[("a", 1), ("c", 1), ("x.pyc", 1)], None),
            (&[("a", 1), ("b", 1), ("c", 1)], Some("b")),
            (&[("a", 2), ("c", 1)], Some("a")),
            (&[("a", 1)], Some("c")),
            (&[("c", 1)], Some("a")),
        ] {
            let found = before.difference(&tree(later), |name| name != "x.pyc");
            assert_eq!(found.as_deref(), differs.map(Path::new), "{later:?}");
        }
    }

    #[test]
    fn a_grafted_tree_is_as_if_it_had_been_listed_in_place() {
        let (file, directory) = (Kind::File, Kind::Directory);
        let mut tree = Tree::new(facts(Kind::Directory));
        let mut two = listing(&[("a", directory), ("b", directory)]);
        let top: Vec<_> = tree.add_children(Tree::ROOT, &mut two).collect();
        let mut below = Tree::new(facts(Kind::Directory));
        let mut two = listing(&[("x", file), ("sub", directory)]);
        let inner: Vec<_> = below.add_children(Tree::ROOT, &mut two).collect();
        assert_eq!(below.add_children(inner[0], &mut listing(&[("deep", file)])).count(), 1);
        below.mark_unlisted(inner[0], Unlisted::Denied);
        tree.graft(top[1], below);
        tree.graft(top[0], Tree::new(facts(Kind::Directory)));
        for path in ["a", "b", "b/x", "b/sub", "b/sub/deep"] {
            assert_eq!(tree.path(tree.find(Path::new(path)).unwrap()), Path::new(path));
        }
        assert_eq!(tree.find(Path::new("a/x")), None);
        let unlisted: Vec<_> = tree.unlisted().map(|(id, _)| tree.path(id)).collect();
        assert_eq!(unlisted, [Path::new("b/sub")]);
    }
}
