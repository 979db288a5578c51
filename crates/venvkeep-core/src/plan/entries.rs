//! Whose each entry of an environment is: a distribution's, its creator's, a cache's, or the user's.
//!
//! Everything that is not surely another's is the user's. Creators are venv, virtualenv (before and since 20) and uv;
//! the names are those that their releases write.

use std::collections::BTreeSet;
use std::path::Path;

use crate::inspect::claims::Claims;
use crate::inspect::snapshot::{EnvironmentKind, Snapshot};
use crate::model::facts::Kind;
use crate::model::tree::{EntryId, Tree};

/// Whose an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A distribution answers for it.
    Distribution,
    /// What made the environment also made it: the interpreter's names, activation scripts, settings.
    Creator,
    /// Python's, and made again by it.
    Bytecode,
    /// A tool's cache, and made again by it.
    Cache,
    /// What an aborted uninstall left.
    Leftover,
    /// Metadata that names no distribution.
    Unidentified,
    /// venvkeep's own mark.
    Venvkeep,
    /// The user's.
    User,
}

/// Whether a class holds for an entry alone or for everything below it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Alone,
    Whole,
}

/// Directories that hold nothing but what their tool writes again.
const CACHES: [&str; 3] = [".mypy_cache", ".pytest_cache", ".ruff_cache"];

/// Beside the directories, what creators put into the prefix.
const IN_PREFIX: [&str; 7] =
    [".Python", ".gitignore", ".lock", "CACHEDIR.TAG", "lib64", "pip-selfcheck.json", "pyvenv.cfg"];

/// What creators put into `bin`, besides the interpreter's names.
const IN_BIN: [&str; 14] = [
    "Activate.ps1",
    "activate",
    "activate.bat",
    "activate.csh",
    "activate.fish",
    "activate.nu",
    "activate.ps1",
    "activate.xsh",
    "activate_this.py",
    "deactivate.bat",
    "deactivate.csh",
    "deactivate.nu",
    "pydoc.bat",
    "python-config",
];

/// What creators and setuptools put into site-packages without a RECORD.
const IN_SITE: [&str; 2] = ["_virtualenv.pth", "_virtualenv.py"];

/// What virtualenv before 20 put into the prefix as whole directories.
const LEGACY_DIRECTORIES: [&str; 3] = ["lib-python", "lib_pypy", "local"];

/// The class of every entry, by [`EntryId::index`]; the prefix's own is the creator's.
pub fn classify(snapshot: &Snapshot, claims: &Claims) -> Vec<Class> {
    let tree = &snapshot.tree;
    let judge = Judge {
        snapshot,
        claims,
        leftovers: snapshot.leftovers.iter().filter_map(|path| tree.find(path)).collect(),
        unidentified: snapshot.unidentified.iter().filter_map(|path| tree.find(path)).collect(),
        sites: snapshot.sites.iter().filter_map(|site| tree.find(&site.path)).collect(),
    };
    let mut classes: Vec<Option<Class>> = vec![None; tree.len() + 1];
    let mut whole = vec![false; tree.len() + 1];
    for id in tree.ids().skip(1) {
        let above = tree.parent(id).index();
        let found =
            if whole[above] { classes[above].map(|class| (class, Extent::Whole)) } else { judge.own(id) };
        if let Some((class, extent)) = found {
            classes[id.index()] = Some(class);
            whole[id.index()] = extent == Extent::Whole;
        } else if tree.facts(id).kind != Kind::Directory {
            classes[id.index()] = Some(Class::User);
        }
    }
    // Other directories are whose their content is. Backwards, each comes after what it holds.
    let ids: Vec<EntryId> = tree.ids().collect();
    for id in ids.into_iter().rev() {
        if classes[id.index()].is_none() {
            classes[id.index()] = Some(judge.by_content(id, &classes));
        }
    }
    classes.into_iter().map(|class| class.unwrap_or(Class::User)).collect()
}

struct Judge<'a> {
    snapshot: &'a Snapshot,
    claims: &'a Claims,
    leftovers: BTreeSet<EntryId>,
    unidentified: BTreeSet<EntryId>,
    sites: BTreeSet<EntryId>,
}

impl Judge<'_> {
    /// Whose an entry is by its own name and place; `None` where that does not tell.
    fn own(&self, id: EntryId) -> Option<(Class, Extent)> {
        let tree = &self.snapshot.tree;
        let name = tree.name(id).to_str().unwrap_or_default();
        let kind = tree.facts(id).kind;
        if kind == Kind::File && self.is_bytecode(id, name) {
            return Some((Class::Bytecode, Extent::Alone));
        }
        if self.leftovers.contains(&id) {
            return Some((Class::Leftover, Extent::Whole));
        }
        if self.unidentified.contains(&id) {
            return Some((Class::Unidentified, Extent::Whole));
        }
        if name != "__pycache__" && self.claims.is_distributions(id) {
            return Some((Class::Distribution, Extent::Alone));
        }
        if kind == Kind::Directory && CACHES.contains(&name) {
            return Some((Class::Cache, Extent::Whole));
        }
        if tree.parent(id) == Tree::ROOT && name == ".venvkeep" {
            return Some((Class::Venvkeep, Extent::Alone));
        }
        self.creators(id, name).map(|extent| (Class::Creator, extent))
    }

    /// In a `__pycache__`, or beside the source as Python 2 had it. Without a source it is the module itself.
    fn is_bytecode(&self, id: EntryId, name: &str) -> bool {
        let tree = &self.snapshot.tree;
        let parent = tree.parent(id);
        if tree.name(parent) == "__pycache__" {
            // Python writes `x.pyc.140234` first and then renames it.
            return [".pyc", ".pyo"].iter().any(|ending| name.ends_with(ending)) || name.contains(".pyc.");
        }
        let stem = name.strip_suffix(".pyc").or_else(|| name.strip_suffix(".pyo"));
        stem.is_some_and(|stem| tree.child(parent, format!("{stem}.py").as_ref()).is_some())
    }

    fn creators(&self, id: EntryId, name: &str) -> Option<Extent> {
        let tree = &self.snapshot.tree;
        let (parent, kind) = (tree.parent(id), tree.facts(id).kind);
        let is_directory = kind == Kind::Directory;
        let is_legacy = self.snapshot.kind == EnvironmentKind::LegacyVirtualenv;
        if parent == Tree::ROOT {
            if is_legacy && LEGACY_DIRECTORIES.contains(&name) {
                return Some(Extent::Whole);
            }
            return (!is_directory && IN_PREFIX.contains(&name)).then_some(Extent::Alone);
        }
        if self.sites.contains(&parent) {
            return IN_SITE.contains(&name).then_some(Extent::Alone);
        }
        // Its library directory holds links to the base's modules, or copies.
        if is_legacy && self.sites.iter().any(|&site| tree.parent(site) == parent && site != id) {
            return Some(Extent::Whole);
        }
        if tree.parent(parent) != Tree::ROOT {
            return None;
        }
        match tree.name(parent).to_str()? {
            "bin" => {
                (!is_directory && (IN_BIN.contains(&name) || is_interpreter(name))).then_some(Extent::Alone)
            }
            "include" => (kind == Kind::Link).then_some(Extent::Alone),
            // Debian's venv had the wheels of its pip there.
            "share" => (name == "python-wheels").then_some(Extent::Whole),
            _ => None,
        }
    }

    /// A directory that holds anything of the user's is the user's; an empty one too, unless creators leave it empty.
    fn by_content(&self, id: EntryId, classes: &[Option<Class>]) -> Class {
        let tree = &self.snapshot.tree;
        let mut held = tree.children(id).filter_map(|child| classes[child.index()]);
        match held.next() {
            None if tree.name(id) == "__pycache__" => Class::Bytecode,
            None if self.is_left_empty(id) => Class::Creator,
            Some(first) if held.all(|class| class != Class::User) => first,
            _ => Class::User,
        }
    }

    /// `bin`, `lib`, `include` and what creators make below them.
    fn is_left_empty(&self, id: EntryId) -> bool {
        if self.snapshot.tree.unlisted().any(|(unlisted, _)| unlisted == id) {
            return id == Tree::ROOT;
        }
        let path = self.snapshot.tree.path(id);
        let mut parts = path.iter().map(|part| part.to_str().unwrap_or_default());
        match (parts.next(), parts.next()) {
            (None, _) | (Some("bin" | "lib" | "lib64" | "include"), None) => true,
            (Some("include" | "lib" | "lib64"), Some(second)) => {
                (is_interpreter(second) || second == "site")
                    && parts.all(|part| part == "site-packages" || is_interpreter(part))
            }
            _ => false,
        }
    }
}

/// `python`, `python3.12`, `python3.13t`, `pypy3`, `libpypy3.9-c.so`, `python3-config`; 3.14's joke.
fn is_interpreter(name: &str) -> bool {
    let stems = ["python", "pypy", "libpypy"];
    let rest = stems.iter().find_map(|stem| name.strip_prefix(stem));
    let versioned = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit() || b".dmtw".contains(&byte));
    name == "\u{1d70b}thon"
        || rest.is_some_and(|rest| {
            versioned(rest)
                || ["-c.so", "-config"].iter().any(|end| rest.strip_suffix(end).is_some_and(versioned))
        })
}

/// Whether an entry is directly in `bin`.
pub fn is_in_bin(tree: &Tree, id: EntryId) -> bool {
    let parent = tree.parent(id);
    id != Tree::ROOT && tree.find(Path::new("bin")) == Some(parent)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Class, classify, is_interpreter};
    use crate::inspect;
    use crate::inspect::claims;
    use crate::model::owner::{LoneGroups, Viewer};
    use crate::model::prefix::Prefix;

    const SITE: &str = "lib/python3.11/site-packages";

    /// The classes of an environment that consists of these files (directories end in a slash).
    #[expect(clippy::disallowed_methods, reason = "the test prepares the disk by itself")]
    fn classes(files: &[&str]) -> Vec<(PathBuf, Class)> {
        let area = tempfile::tempdir().unwrap();
        let root = area.path().canonicalize().unwrap().join("env");
        for file in files {
            let path = root.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            if file.ends_with('/') {
                std::fs::create_dir_all(path).unwrap();
            } else {
                let is_record = file.ends_with("RECORD");
                std::fs::write(
                    path,
                    if is_record { "six.py,,\nsix/a.py,,\n../../../share/s,,\n" } else { "x" },
                )
                .unwrap();
            }
        }
        let viewer = Viewer {
            uid: 0,
            gid: 0,
            groups: vec![],
            lone_groups: LoneGroups::known(vec![0]),
            trusted_owners: vec![],
        };
        let snapshot = inspect::inspect(&Prefix::new(root).unwrap(), &viewer).unwrap();
        let classes = classify(&snapshot, &claims::read(&snapshot));
        snapshot.tree.ids().map(|id| (snapshot.tree.path(id), classes[id.index()])).collect()
    }

    #[test]
    fn each_class_and_what_only_looks_like_it() {
        let site = |name: &str| format!("{SITE}/{name}");
        let expected = [
            ("pyvenv.cfg".to_owned(), Class::Creator),
            ("bin/python3.11".to_owned(), Class::Creator),
            ("bin/activate.nu".to_owned(), Class::Creator),
            ("include/python3.11/".to_owned(), Class::Creator),
            ("bin/postactivate".to_owned(), Class::User),
            ("bin/python-lint".to_owned(), Class::User),
            ("work/pyvenv.cfg".to_owned(), Class::User),
            ("work/bin/activate".to_owned(), Class::User),
            ("work/.venvkeep".to_owned(), Class::User),
            (".venvkeep".to_owned(), Class::Venvkeep),
            ("empty/".to_owned(), Class::User),
            ("share/s".to_owned(), Class::Distribution),
            ("share/mine".to_owned(), Class::User),
            (site("six-1.0.dist-info/METADATA"), Class::Distribution),
            (site("six-1.0.dist-info/RECORD"), Class::Distribution),
            (site("six.py"), Class::Distribution),
            (site("six/a.py"), Class::Distribution),
            (site("six/__pycache__/a.cpython-311.pyc"), Class::Bytecode),
            (site("six/__pycache__/note.txt"), Class::User),
            (site("lone.pyc"), Class::User),
            (site("~ix/a.py"), Class::Leftover),
            (site("_virtualenv.pth"), Class::Creator),
            (site("mine.pth"), Class::User),
            ("work/.mypy_cache/3.11/x.json".to_owned(), Class::Cache),
            ("work/cache/x".to_owned(), Class::User),
        ];
        let files: Vec<&str> = expected.iter().map(|(file, _)| file.as_str()).collect();
        let found = classes(&files);
        let class = |path: &str| found.iter().find(|(there, _)| there == Path::new(path)).unwrap().1;
        for (file, expected) in &expected {
            assert_eq!(class(file.trim_end_matches('/')), *expected, "{file}");
        }
        assert_eq!(class("share"), Class::User, "it holds something of the user's");
        assert_eq!(class(&site("six/__pycache__")), Class::User);
        assert_eq!(class("work/.mypy_cache/3.11"), Class::Cache);
    }

    #[test]
    fn names_of_interpreters() {
        for name in
            ["python", "python3", "python3.13t", "pythonw", "pypy3.9", "libpypy3.9-c.so", "python3-config"]
        {
            assert!(is_interpreter(name), "{name}");
        }
        for name in ["python-lint", "pythonic", "pip", "python.sh", "pypy-notes.txt"] {
            assert!(!is_interpreter(name), "{name}");
        }
    }
}
