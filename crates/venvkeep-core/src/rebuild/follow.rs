//! Making a copy name its own place: paths of the environment that it was made from become its own, in every text file
//! and link.
//!
//! Unlike a stage's name ([`relocate`](super::relocate)) the old place is an ordinary path: it is part of longer ones
//! (`/proj/.venv2`, `/mnt/proj/.venv`), so it counts only where it stands by itself.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use memchr::memmem;
use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};

use super::records::MAX_CHANGED;
use super::relocate::{Relocated, contains, dist_infos, rehash, with_own_interpreter};
use super::stage::Stage;
use crate::host::fs::{self, Directory, IoError};
use crate::host::walk;
use crate::model::facts::Kind;
use crate::model::file_url;
use crate::model::prefix::Prefix;
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
}

/// Rewrites the text files and links of the stage that name the old place.
pub fn follow(stage: &Stage, order: &Move<'_>) -> Result<Relocated, IoError> {
    let root = Directory::open(stage.path())?;
    let tree = walk::tree(&root)?;
    let places = Places::new(order, stage.final_prefix());
    let mut done = Relocated::default();
    for id in tree.ids().filter(|&id| tree.facts(id).kind == Kind::Link) {
        if follow_link(stage, order.from, &root, (&tree, id))? {
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
    old: Vec<&'a Path>,
    new: &'a Prefix,
    pairs: Vec<Pair>,
}

impl<'a> Places<'a> {
    fn new(order: &'a Move<'_>, new: &'a Prefix) -> Self {
        let old = std::iter::once(order.from.path()).chain(order.aliases.iter().map(PathBuf::as_path));
        let old: Vec<&Path> = old.collect();
        let bytes = |path: &Path| path.as_os_str().as_bytes().to_owned();
        let quoted = |path: &Path| file_url::to_url(path).into_bytes()[b"file://".len()..].to_owned();
        let mut pairs: Vec<Pair> = Vec::new();
        for old in &old {
            // Quoted, `file:///a%20b`, first: in a URL the new place is quoted as well.
            if quoted(old) != bytes(old) || quoted(new.path()) != bytes(new.path()) {
                pairs.push((url_of(&quoted(old)), url_of(&quoted(new.path()))));
            }
            pairs.push((bytes(old), bytes(new.path())));
        }
        Self { old, new, pairs }
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
            let new = self.rewritten(&content);
            let is_text = !content.contains(&0);
            Ok((new != content).then_some((path, if is_text { Found::InText(new) } else { Found::InBinary })))
        };
        let found: Result<Vec<_>, IoError> = files.par_iter().map(look).collect();
        Ok(found?.into_iter().flatten().collect())
    }

    /// The content with the new place where it names the old one.
    fn rewritten(&self, content: &[u8]) -> Vec<u8> {
        // Not every path can stand in a first line as it is.
        let own = |content, old: &&Path| with_own_interpreter(content, old, self.new);
        let content = self.old.iter().fold(content.to_owned(), own);
        self.pairs.iter().fold(content, |content, pair| replaced(&content, pair))
    }
}

fn url_of(path: &[u8]) -> Vec<u8> {
    [b"file://", path].concat()
}

fn replaced(content: &[u8], (old, new): &Pair) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(content.len());
    let mut rest = 0;
    for at in memmem::find_iter(content, old) {
        if stands_alone(&content[..at], &content[at + old.len()..]) {
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

/// A link to a place in the old environment leads to the same place in the new one; one that leads out of it by a
/// relative path goes on leading where it did.
fn follow_link(
    stage: &Stage,
    from: &Prefix,
    root: &Directory,
    (tree, id): (&Tree, EntryId),
) -> Result<bool, IoError> {
    let path = tree.path(id);
    let above = path.parent().unwrap_or(Path::new(""));
    let text = root.descend(above)?.read_link(tree.name(id))?;
    let Some(new) = followed(&text, (from, above), stage.final_prefix()) else { return Ok(false) };
    let place = stage.join(&path);
    fs::remove_file(&place)?;
    fs::symlink(&new, &place)?;
    Ok(true)
}

/// The new text of a link that stood in the directory `above` of the old environment; `None` where it stays.
fn followed(text: &Path, (from, above): (&Prefix, &Path), to: &Prefix) -> Option<PathBuf> {
    if text.is_absolute() {
        return text.strip_prefix(from.path()).ok().map(|inside| to.join(inside));
    }
    let mut leads_to = from.join(above);
    for part in text.components() {
        match part {
            Component::ParentDir => {
                leads_to.pop();
            }
            Component::CurDir => {}
            other => leads_to.push(other),
        }
    }
    (!leads_to.starts_with(from.path())).then_some(leads_to)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Prefix, followed, replaced};

    #[test]
    fn a_path_counts_where_it_stands_by_itself() {
        let pair = (b"/p/.venv".to_vec(), b"/q".to_vec());
        let new = |text: &str| String::from_utf8(replaced(text.as_bytes(), &pair)).unwrap();
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

    #[test]
    fn links_lead_where_they_did_or_into_the_copy() {
        let (from, to) = (Prefix::new("/p/.venv".into()).unwrap(), Prefix::new("/q/.venv".into()).unwrap());
        let new = |text: &str| followed(Path::new(text), (&from, Path::new("share/x")), &to);
        assert_eq!(new("/p/.venv/lib/a"), Some(PathBuf::from("/q/.venv/lib/a")));
        assert_eq!(new("../../../data"), Some(PathBuf::from("/p/data")));
        for stays in ["../y", "/usr/bin/python3", "a", "/p/.venv2/a"] {
            assert_eq!(new(stays), None, "{stays}");
        }
    }
}
