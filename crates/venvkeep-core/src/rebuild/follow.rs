//! Making a copy name its own place: paths of the environment that it was made from become its own, in every text file
//! and link.
//!
//! Unlike a stage's name ([`relocate`](super::relocate)) the old place is an ordinary path: it is part of longer ones
//! (`/proj/.venv2`, `/mnt/proj/.venv`), so it counts only where it stands by itself. It can be a part of the new place
//! as well (`/proj/env` of `/proj/env copy`), so what this run wrote for that one is left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use memchr::memmem;
use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};

use super::records::MAX_CHANGED;
use super::relocate::{Relocated, contains, dist_infos, rehash};
use super::stage::Stage;
use crate::host::fs::{self, Directory, IoError};
use crate::host::walk;
use crate::model::facts::Kind;
use crate::model::file_url;
use crate::model::prefix::Prefix;
use crate::model::shebang::{self, Shebang, Target};
use crate::model::tree::{EntryId, Tree};

/// What follows what.
#[derive(Debug)]
pub struct Move<'a> {
    /// The place of the environment that the copy was made from.
    pub from: &'a Prefix,
    /// Other ways to that place that its scripts know: through links.
    pub aliases: Vec<PathBuf>,
    /// Files whose RECORD rows say something else than their content, and go on doing so; relative to the prefix.
    pub changed: &'a BTreeSet<PathBuf>,
    /// Files that this run made for the new place, and how long they were: what stands behind that came from the old
    /// environment. Relative to the prefix.
    pub made: &'a BTreeMap<PathBuf, u64>,
}

/// Rewrites the text files and links of the stage that name the old place.
pub fn follow(stage: &Stage, order: &Move<'_>) -> Result<Relocated, IoError> {
    let root = Directory::open(stage.path())?;
    let tree = walk::tree(&root)?;
    let places = Places::new(order, stage.final_prefix());
    let mut done = Relocated::default();
    for id in tree.ids().filter(|&id| tree.facts(id).kind == Kind::Link) {
        if places.follow_link(stage, &root, (&tree, id))? {
            done.rewritten.push(tree.path(id));
        }
    }
    let of_files: Vec<(PathBuf, Found)> = places.look_through(&tree, &root)?;
    let mut rewritten = BTreeSet::new();
    for (path, found) in of_files {
        match found {
            Found::InText(content) => {
                let mode = fs::lstat(&stage.join(&path))?.mode;
                fs::replace_file(&stage.join(&path), mode, &content)?;
                fs::set_mode(&stage.join(&path), mode)?;
                if !order.changed.contains(&path) {
                    rewritten.insert(path.clone());
                }
                done.rewritten.push(path);
            }
            Found::InBinary => done.baked_in.push(path),
        }
    }
    if !rewritten.is_empty() {
        for info in dist_infos(&tree) {
            rehash(stage, &root, &info, |file| rewritten.contains(file))?;
        }
    }
    Ok(done)
}

/// A file that names the old place.
enum Found {
    /// With what it says instead.
    InText(Vec<u8>),
    /// A build baked the path into a program, or a database holds it.
    InBinary,
}

/// What is replaced by what.
type Pair = (Vec<u8>, Vec<u8>);

/// The old place by every way to it, and the new one.
struct Places<'a> {
    from: &'a Prefix,
    old: Vec<&'a Path>,
    new: &'a Prefix,
    pairs: Vec<Pair>,
    made: &'a BTreeMap<PathBuf, u64>,
}

impl<'a> Places<'a> {
    fn new(order: &'a Move<'_>, new: &'a Prefix) -> Self {
        let old = std::iter::once(order.from.path()).chain(order.aliases.iter().map(PathBuf::as_path));
        let old: Vec<&Path> = old.collect();
        let bytes = |path: &Path| path.as_os_str().as_bytes().to_owned();
        let quoted = |path: &Path| file_url::to_url(path).into_bytes()[b"file://".len()..].to_owned();
        let mut pairs: Vec<Pair> = Vec::new();
        for old in &old {
            // In a URL the new place is quoted as well: `file:///a%20b`.
            if quoted(old) != bytes(old) || quoted(new.path()) != bytes(new.path()) {
                pairs.push((url_of(&quoted(old)), url_of(&quoted(new.path()))));
            }
            pairs.push((bytes(old), bytes(new.path())));
        }
        Self { from: order.from, old, new, pairs, made: order.made }
    }

    /// The files that name the old place.
    fn look_through(&self, tree: &Tree, root: &Directory) -> Result<Vec<(PathBuf, Found)>, IoError> {
        let finders: Vec<_> = self.pairs.iter().map(|(old, _)| memmem::Finder::new(old)).collect();
        let is_file = |id: &EntryId| tree.facts(*id).kind == Kind::File;
        let files: Vec<EntryId> = tree.ids().filter(is_file).collect();
        let look = |id: &EntryId| -> Result<Option<(PathBuf, Found)>, IoError> {
            let (path, size) = (tree.path(*id), tree.facts(*id).size);
            let mut named = false;
            for finder in finders.iter().filter(|finder| size >= finder.needle().len() as u64) {
                named = named || contains(root, &path, finder)?;
            }
            if !named {
                return Ok(None);
            }
            if size > MAX_CHANGED {
                return Ok(Some((path, Found::InBinary)));
            }
            let content = root.read(&path, MAX_CHANGED)?;
            let new = self.rewritten(&path, &content);
            let is_text = !content.contains(&0);
            Ok((new != content).then_some((path, if is_text { Found::InText(new) } else { Found::InBinary })))
        };
        let found: Result<Vec<_>, IoError> = files.par_iter().map(look).collect();
        Ok(found?.into_iter().flatten().collect())
    }

    /// The content with the new place where it names the old one.
    fn rewritten(&self, path: &Path, content: &[u8]) -> Vec<u8> {
        let made = self.made.get(path).and_then(|&made| usize::try_from(made).ok()).unwrap_or(0);
        let (made, rest) = content.split_at(made.min(content.len()));
        // Not every path can stand in a first line as it is.
        let (first, rest) = if made.is_empty() { self.first_lines(rest) } else { (made.to_owned(), rest) };
        [first, replaced(rest, &self.pairs)].concat()
    }

    /// A script's first lines for the new place, and the rest of it.
    fn first_lines<'c>(&self, content: &'c [u8]) -> (Vec<u8>, &'c [u8]) {
        let known: Vec<&Path> = std::iter::once(self.new.path()).chain(self.old.iter().copied()).collect();
        let Some(found) = Shebang::parse_in(content, &known) else { return (Vec::new(), content) };
        let (Target::Plain(interpreter) | Target::ThroughShell(interpreter)) = &found.target else {
            return (Vec::new(), content);
        };
        let (lines, rest) = content.split_at(found.length);
        if interpreter.starts_with(self.new.path()) {
            return (lines.to_owned(), rest);
        }
        let inside = self.old.iter().find_map(|old| interpreter.strip_prefix(old).ok());
        let new =
            inside.map(|inside| shebang::first_lines(&self.new.join(inside), found.argument.as_deref()));
        match new {
            Some(Ok(new)) => (new, rest),
            Some(Err(_)) | None => (Vec::new(), content),
        }
    }

    /// A link to a place in the old environment leads to the same place in the new one; one that leads out of it by a
    /// relative path goes on leading where it did.
    fn follow_link(
        &self,
        stage: &Stage,
        root: &Directory,
        (tree, id): (&Tree, EntryId),
    ) -> Result<bool, IoError> {
        let path = tree.path(id);
        let above = path.parent().unwrap_or(Path::new(""));
        let text = root.descend(above)?.read_link(tree.name(id))?;
        let Some(new) = self.followed(&text, above) else { return Ok(false) };
        let place = stage.join(&path);
        fs::remove_file(&place)?;
        fs::symlink(&new, &place)?;
        Ok(true)
    }

    /// The new text of a link that stood in the directory `above` of the old environment; `None` where it stays.
    fn followed(&self, text: &Path, above: &Path) -> Option<PathBuf> {
        let leads_to = without_dots(&self.from.join(above), text);
        if text.is_relative() && leads_to.starts_with(self.from.path()) {
            return None;
        }
        match self.inside(&leads_to) {
            Some(inside) => Some(self.new.join(inside)),
            None => text.is_relative().then_some(leads_to),
        }
    }

    /// What a path names in the old environment, by whatever way it goes there.
    fn inside(&self, path: &Path) -> Option<PathBuf> {
        let named = self.old.iter().find_map(|old| path.strip_prefix(old).ok().map(Path::to_owned));
        named.or_else(|| {
            // A way that nothing else has named: what stands above the entry itself leads there through links.
            let physical = fs::physical(path.parent()?).ok()?.join(path.file_name()?);
            physical.strip_prefix(self.from.path()).ok().map(Path::to_owned)
        })
    }
}

/// Where a link's text leads to from a directory.
fn without_dots(from: &Path, text: &Path) -> PathBuf {
    let mut leads_to = from.to_owned();
    for part in text.components() {
        match part {
            Component::ParentDir => {
                leads_to.pop();
            }
            Component::CurDir => {}
            other => leads_to.push(other),
        }
    }
    leads_to
}

fn url_of(path: &[u8]) -> Vec<u8> {
    [b"file://", path].concat()
}

/// Puts each pair's new text in the place of its old one where that stands alone, all in one go: a new one can hold an
/// old one.
fn replaced(content: &[u8], pairs: &[Pair]) -> Vec<u8> {
    let mut places: Vec<(usize, &Pair)> = Vec::new();
    for pair in pairs {
        let stands = |at: &usize| stands_alone(&content[..*at], &content[at + pair.0.len()..]);
        places.extend(memmem::find_iter(content, &pair.0).filter(stands).map(|at| (at, pair)));
    }
    // Of those that begin at one place, the longest counts.
    places.sort_by_key(|(at, pair)| (*at, std::cmp::Reverse(pair.0.len())));
    let mut replaced = Vec::with_capacity(content.len());
    let mut rest = 0;
    for (at, (old, new)) in places {
        if at >= rest {
            replaced.extend_from_slice(&content[rest..at]);
            replaced.extend_from_slice(new);
            rest = at + old.len();
        }
    }
    replaced.extend_from_slice(&content[rest..]);
    replaced
}

/// Whether a path with that before and behind it is not a part of another one: `-I/proj/.venv/include` and
/// `file:///proj/.venv` are, `/mnt/proj/.venv`, `/proj/.venv2` and `/proj/.venv.bak` are not.
fn stands_alone(before: &[u8], behind: &[u8]) -> bool {
    let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-+%~@".contains(byte) || *byte >= 0x80;
    let goes_on = match behind {
        [b'.', next, ..] => in_name(next) || *next == b'.',
        [next, ..] => in_name(next),
        [] => false,
    };
    // What stands directly in front, back to where no path can go on, must hold no directory of its own.
    let start =
        before.iter().rposition(|byte| !in_name(byte) && !b"/.".contains(byte)).map_or(0, |at| at + 1);
    let front = &before[start..];
    let first = front.iter().position(|byte| *byte == b'/');
    let is_longer = first.is_some_and(|at| front[at..].iter().any(|byte| *byte != b'/'));
    let is_dotted = front.ends_with(b".");
    !goes_on && !is_longer && !is_dotted
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use std::collections::{BTreeMap, BTreeSet};

    use super::{Move, Places, Prefix, replaced};

    #[test]
    fn a_path_counts_where_it_stands_by_itself() {
        let pair = (b"/p/.venv".to_vec(), b"/q".to_vec());
        let new =
            |text: &str| String::from_utf8(replaced(text.as_bytes(), std::slice::from_ref(&pair))).unwrap();
        for (text, expected) in [
            ("/p/.venv", "/q"),
            ("a /p/.venv.\n", "a /q.\n"),
            ("/p/.venv/bin:/p/.venv/lib", "/q/bin:/q/lib"),
            ("-I/p/.venv/include", "-I/q/include"),
            ("file:///p/.venv/src", "file:///q/src"),
            ("'/p/.venv' \"/p/.venv\"", "'/q' \"/q\""),
            ("X=/p/.venv;", "X=/q;"),
        ] {
            assert_eq!(new(text), expected, "{text}");
        }
        for other in
            ["/mnt/p/.venv/x", "/p/.venv2", "/p/.venv.bak", "/p/.venv-old/x", "../p/.venv", "/p/.venvé"]
        {
            assert_eq!(new(other), other);
        }
    }

    fn with<T>((from, alias, to): (&str, &str, &str), test: impl FnOnce(&Places<'_>) -> T) -> T {
        let (from, to) = (Prefix::new(from.into()).unwrap(), Prefix::new(to.into()).unwrap());
        let made = BTreeMap::from([("made".into(), 4)]);
        let order =
            Move { from: &from, aliases: vec![PathBuf::from(alias)], changed: &BTreeSet::new(), made: &made };
        test(&Places::new(&order, &to))
    }

    #[test]
    fn links_lead_where_they_did_or_into_the_copy() {
        with(("/p/.venv", "/alias", "/q/.venv"), |places| {
            let new = |text: &str| places.followed(Path::new(text), Path::new("share/x"));
            assert_eq!(new("/p/.venv/lib/a"), Some(PathBuf::from("/q/.venv/lib/a")));
            assert_eq!(new("/alias/lib/a"), Some(PathBuf::from("/q/.venv/lib/a")));
            assert_eq!(new("../../../data"), Some(PathBuf::from("/p/data")));
            for stays in ["../y", "/usr/bin/python3", "a", "/p/.venv2/a", "/alias2/a"] {
                assert_eq!(new(stays), None, "{stays}");
            }
        });
    }

    #[test]
    fn nothing_is_replaced_twice() {
        for (from, alias, to) in
            [("/p/x", "/l/x", "/p/x copy"), ("/p/x", "/l/x", "/l/x (/p/x)"), ("/p/x", "/p", "/p/x,2")]
        {
            with((from, alias, to), |places| {
                let new = |path: &str, text: &str| {
                    String::from_utf8(places.rewritten(Path::new(path), text.as_bytes())).unwrap()
                };
                assert_eq!(new("a", &format!("{from}/a {alias}/b\n")), format!("{to}/a {to}/b\n"));
                // A line that this run has made, and one of the user's.
                let made = |python: &str| super::shebang::first_lines(Path::new(python), None).unwrap();
                let script = String::from_utf8(made(&format!("{to}/bin/python"))).unwrap();
                assert_eq!(new("bin/a", &format!("{script}{from}\n")), format!("{script}{to}\n"));
                assert_eq!(new("bin/a", &format!("#!{from}/bin/python\n")), script);
                assert_eq!(new("made", &format!("/p/x{from}")), format!("/p/x{to}"));
            });
        }
    }
}
