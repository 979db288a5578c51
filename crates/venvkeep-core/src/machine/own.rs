//! Directories in the user's home that Python's tools keep things in: whether they are still the user's.

use std::path::{Path, PathBuf};

use super::finding::{MachineCode, MachineFinding};
use super::habits::is_umask_strict;
use crate::diagnose::finding::Severity;
use crate::host::credentials;
use crate::host::fs::{self, Directory};
use crate::host::walk;
use crate::model::caller::Caller;
use crate::model::facts::{Facts, Kind};
use crate::model::owner::Viewer;
use crate::model::printable::shell_word;
use crate::model::tree::{Tree, Unlisted};

/// Below the home; the variables that put them elsewhere are looked at first.
const PLACES: [(&str, &str, What); 12] = [
    ("XDG_CACHE_HOME", ".cache/pip", What::Cache("pip")),
    ("XDG_CACHE_HOME", ".cache/uv", What::Cache("uv")),
    ("XDG_CACHE_HOME", ".cache/virtualenv", What::Cache("virtualenv")),
    ("XDG_CACHE_HOME", ".cache/pipx", What::Cache("pipx")),
    ("XDG_CACHE_HOME", ".cache/venvkeep", What::Cache("venvkeep")),
    ("", ".local/lib", What::Kept("pip install --user")),
    ("", ".local/bin", What::Kept("programs of your own")),
    ("XDG_DATA_HOME", ".local/share/uv", What::Kept("uv")),
    ("XDG_DATA_HOME", ".local/share/pipx", What::Kept("pipx")),
    ("XDG_DATA_HOME", ".local/share/virtualenv", What::Kept("virtualenv")),
    ("XDG_DATA_HOME", ".local/share/venvkeep", What::Kept("venvkeep")),
    ("XDG_CONFIG_HOME", ".config/pip", What::Kept("pip's settings")),
];

/// What is lost when a directory is put aside.
#[derive(Debug, Clone, Copy)]
enum What {
    /// Nothing: it is filled again. Of this tool.
    Cache(&'static str),
    /// What lies in it. Of this tool, or whatever it is.
    Kept(&'static str),
}

impl What {
    fn of(self) -> &'static str {
        match self {
            Self::Cache(of) | Self::Kept(of) => of,
        }
    }
}

/// A directory that is not as its user needs it.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) place: PathBuf,
    what: What,
    /// Whose the directory itself is.
    owner: u32,
    pub(super) wrong: Wrong,
    /// Whether the directory above it is its owner's too, and so on: the topmost.
    topmost: PathBuf,
    /// Whether something in it is neither the user's nor root's.
    strangers: bool,
}

/// What is wrong with it.
#[derive(Debug)]
pub(super) enum Wrong {
    /// These are somebody else's.
    Foreign { entries: Vec<PathBuf> },
    /// These are the user's own, and closed to themselves.
    Closed(Vec<PathBuf>),
    /// These are files of uv's cache that only the user can read, though their umask is an open one.
    Narrow(Vec<PathBuf>),
}

impl Trouble {
    /// Whether nothing is lost when it is put aside.
    pub(super) fn is_cache(&self) -> bool {
        matches!(self.what, What::Cache(_))
    }

    /// What has to be renamed: what lies in a directory of somebody else's cannot be renamed there, but that directory can.
    pub(super) fn movable(&self) -> PathBuf {
        self.topmost.clone()
    }
}

/// Looks at each of them.
pub(super) fn examine(caller: &Caller) -> Vec<MachineFinding> {
    troubles(caller).iter().map(finding).collect()
}

/// Those that are not as they should be.
pub(super) fn troubles(caller: &Caller) -> Vec<Trouble> {
    let Some(home) = caller.home.as_deref() else { return Vec::new() };
    // Root with another user's HOME, as sudo may leave it, has nothing of its own there.
    if !fs::stat(home).is_ok_and(|facts| facts.uid == caller.viewer.uid) {
        return Vec::new();
    }
    let looked = PLACES.iter().filter_map(|(variable, below_home, what)| {
        let named = caller.variable(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        let name = below_home.rsplit('/').next().unwrap_or(below_home);
        let (base, place) = match named {
            Some(base) => (base.clone(), base.join(name)),
            None => (home.to_owned(), home.join(below_home)),
        };
        // Links on the way are the user's own wish, and where they lead is what is looked at.
        let place = fs::physical(place.parent()?).ok()?.join(place.file_name()?);
        look(&place, &fs::physical(&base).ok()?, *what, &caller.viewer)
    });
    looked.collect()
}

/// `base` is the directory of the user's choice that it lies in: nothing above that is theirs to move.
fn look(place: &Path, base: &Path, what: What, viewer: &Viewer) -> Option<Trouble> {
    let itself = fs::lstat(place).ok()?;
    if itself.kind != Kind::Directory {
        return None;
    }
    let tree = Directory::open(place).and_then(|directory| walk::tree(&directory)).unwrap_or_else(|_| {
        let mut closed = Tree::new(itself);
        closed.mark_unlisted(Tree::ROOT, Unlisted::Denied);
        closed
    });
    let full = |relative: PathBuf| {
        if relative.as_os_str().is_empty() { place.to_owned() } else { place.join(relative) }
    };
    let paths = |fits: &dyn Fn(&Facts) -> bool| -> Vec<PathBuf> {
        tree.ids().filter(|&id| fits(tree.facts(id))).map(|id| full(tree.path(id))).collect()
    };
    let entries = paths(&|facts| facts.uid != viewer.uid);
    let wrong = if entries.is_empty() {
        Wrong::Closed(paths(&|facts| match facts.kind {
            Kind::Directory => !viewer.can_read(facts) || !viewer.can_write(facts),
            Kind::File => !viewer.can_read(facts),
            _ => false,
        }))
    } else {
        Wrong::Foreign { entries }
    };
    let wrong = match wrong {
        // What was unpacked there is linked into environments with its mode.
        Wrong::Closed(closed)
            if closed.is_empty() && matches!(what, What::Cache("uv")) && !is_umask_strict() =>
        {
            let unpacked = tree.child(Tree::ROOT, "archive-v0".as_ref())?;
            let is_below = |id| tree.path(id).starts_with(tree.path(unpacked));
            let is_narrow = |facts: &Facts| facts.kind == Kind::File && facts.mode & 0o044 != 0o044;
            let narrow = tree.ids().filter(|&id| is_narrow(tree.facts(id)) && is_below(id));
            Wrong::Narrow(narrow.map(|id| full(tree.path(id))).collect())
        }
        wrong => wrong,
    };
    if matches!(&wrong, Wrong::Closed(paths) | Wrong::Narrow(paths) if paths.is_empty()) {
        return None;
    }
    let owner = itself.uid;
    let is_foreign =
        |above: &&Path| fs::lstat(above).is_ok_and(|facts| facts.uid == owner && owner != viewer.uid);
    let within = place.ancestors().skip(1).take_while(|above| *above != base && above.starts_with(base));
    let topmost = within.take_while(is_foreign).last().unwrap_or(place).to_owned();
    let strangers = tree.ids().map(|id| tree.facts(id).uid).any(|uid| !viewer.trusts(uid));
    Some(Trouble { place: place.to_owned(), what, owner, wrong, topmost, strangers })
}

fn finding(trouble: &Trouble) -> MachineFinding {
    let closed = match &trouble.wrong {
        Wrong::Foreign { entries } => return foreign_finding(trouble, entries),
        Wrong::Narrow(files) => return narrow_finding(trouble, files),
        Wrong::Closed(closed) => closed,
    };
    let place = trouble.place.as_path();
    let message = format!(
        "you may not read or write {} of your own in {} ({}), so that installing fails or fetches everything again",
        count(closed.len()),
        place.display(),
        trouble.what.of()
    );
    MachineFinding::new(MachineCode::OwnClosed, Severity::Degraded, message)
        .because("the permission was taken away (chmod), or they were copied from a read-only place")
        .at(closed.iter().cloned())
        .command(REPAIR)
        .advice(format!(
            "that is chmod -R u+rwX -- {}, written down so that it can be undone",
            shell_word(place)
        ))
}

fn narrow_finding(trouble: &Trouble, files: &[PathBuf]) -> MachineFinding {
    let place = trouble.place.as_path();
    let message = format!(
        "{} in {} can be read by you alone: uv puts them so into every environment, shared ones included",
        if files.len() == 1 { "1 file".to_owned() } else { format!("{} files", files.len()) },
        place.display()
    );
    MachineFinding::new(MachineCode::UvCacheClosed, Severity::Note, message)
        .because("the cache was filled under a strict umask (027 or 077)")
        .at(files.iter().cloned())
        .command("uv cache clean")
        .advice("that fetches them again, under the umask that you have now; heal --shared ENV opens a shared environment")
}

/// What takes it back.
const REPAIR: &str = "venvkeep doctor --repair";

fn foreign_finding(trouble: &Trouble, foreign: &[PathBuf]) -> MachineFinding {
    let (place, owner) = (trouble.place.as_path(), trouble.owner);
    let whose = credentials::called(owner);
    let whose =
        if foreign.first().map(PathBuf::as_path) == Some(place) { whose } else { "somebody else".to_owned() };
    let follows = match trouble.what {
        What::Cache("pip") => "pip warns that its cache is not owned or not writable, and keeps nothing",
        What::Cache(_) => "it fails, or fetches everything again",
        What::Kept(_) => "you cannot install, upgrade or remove anything there",
    };
    let belong = if foreign.len() == 1 { "belongs" } else { "belong" };
    let message = format!(
        "{} in {} ({}) {belong} to {whose}: {follows}",
        count(foreign.len()),
        place.display(),
        trouble.what.of()
    );
    let finding = MachineFinding::new(MachineCode::OwnForeign, Severity::Degraded, message)
        .because(if trouble.strangers {
            "another user made it, or it was copied with its owners kept"
        } else {
            "sudo kept your HOME while root ran pip, uv or pipx (sudo -H would not have); they did nothing wrong"
        })
        .at(foreign.iter().cloned());
    if trouble.strangers && !trouble.is_cache() {
        let look = foreign.first().map_or_else(|| shell_word(place), |first| shell_word(first));
        return finding
            .advice(format!("look at it first, since it would run as you: ls -la -- {look}"))
            .advice("what is yours to have again, install again; the rest, its owner or root can take away");
    }
    let finding =
        finding.prevent("without sudo nothing of this happens; where it has to be: sudo -H").command(REPAIR);
    // Its directory is the user's, so its name is theirs to change, whatever is in it.
    let name = shell_word(&trouble.topmost);
    if trouble.is_cache() && trouble.topmost == trouble.place {
        let links = match trouble.what {
            What::Cache("uv") => {
                " (environments that uv linked to it, with UV_LINK_MODE=symlink, need to be synced again)"
            }
            _ => "",
        };
        finding.advice(format!(
            "that puts {name} aside and makes an empty one in its place; nothing is lost, a cache fills again{links}"
        ))
    } else {
        finding.advice(format!(
            "that puts {name} aside and a copy of your own in its place, where all of it can be read"
        ))
    }
}

fn count(number: usize) -> String {
    if number == 1 { "1 entry".to_owned() } else { format!("{number} entries") }
}
