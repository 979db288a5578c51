//! Directories in the user's home that Python's tools keep things in: whether they are still the user's.

use std::path::{Path, PathBuf};

use super::finding::{MachineCode, MachineFinding};
use crate::diagnose::finding::Severity;
use crate::host::credentials;
use crate::host::fs::{self, Directory};
use crate::host::walk;
use crate::model::caller::Caller;
use crate::model::facts::{Facts, Kind};
use crate::model::owner::{ROOT, Viewer};
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

/// Looks at each of them.
pub(super) fn examine(caller: &Caller) -> Vec<MachineFinding> {
    let Some(home) = caller.home.as_deref() else { return Vec::new() };
    // Root with another user's HOME, as sudo may leave it, has nothing of its own there.
    if !fs::stat(home).is_ok_and(|facts| facts.uid == caller.viewer.uid) {
        return Vec::new();
    }
    let place = |variable: &str, below_home: &str| {
        let named = caller.variable(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        let name = below_home.rsplit('/').next().unwrap_or(below_home);
        named.map_or_else(|| home.join(below_home), |base| base.join(name))
    };
    let looked = PLACES
        .iter()
        .flat_map(|(variable, below_home, what)| look(&place(variable, below_home), *what, &caller.viewer));
    looked.collect()
}

fn look(place: &Path, what: What, viewer: &Viewer) -> Vec<MachineFinding> {
    let Ok(itself) = fs::lstat(place) else { return Vec::new() };
    if itself.kind != Kind::Directory {
        return Vec::new();
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
    let foreign = paths(&|facts| facts.uid != viewer.uid);
    if !foreign.is_empty() {
        return vec![foreign_finding((place, what), foreign, itself.uid, viewer)];
    }
    let closed = paths(&|facts| match facts.kind {
        Kind::Directory => !viewer.can_read(facts) || !viewer.can_write(facts),
        Kind::File => !viewer.can_read(facts),
        _ => false,
    });
    if closed.is_empty() {
        return Vec::new();
    }
    let message = format!(
        "you may not read or write {} of your own in {} ({}), so that installing fails or fetches everything again",
        count(closed.len()),
        place.display(),
        what.of()
    );
    let finding = MachineFinding::new(MachineCode::OwnClosed, Severity::Degraded, message)
        .because("the permission was taken away (chmod), or they were copied from a read-only place")
        .at(closed)
        .command(format!("chmod -R u+rwX -- {}", shell_word(place)));
    vec![finding]
}

fn foreign_finding(
    (place, what): (&Path, What),
    foreign: Vec<PathBuf>,
    owner: u32,
    viewer: &Viewer,
) -> MachineFinding {
    let whose = credentials::user_name(owner).unwrap_or_else(|| format!("user number {owner}"));
    let whose =
        if foreign.first().map(PathBuf::as_path) == Some(place) { whose } else { "somebody else".to_owned() };
    let follows = match what {
        What::Cache("pip") => "pip warns that its cache is not owned or not writable, and keeps nothing",
        What::Cache(_) => "it fails, or fetches everything again",
        What::Kept(_) => "you cannot install, upgrade or remove anything there",
    };
    let message = format!(
        "{} in {} ({}) belong to {whose}: {follows}",
        count(foreign.len()),
        place.display(),
        what.of()
    );
    // What lies in a directory of somebody else's cannot be renamed there, but that directory can.
    let is_foreign =
        |above: &&Path| fs::lstat(above).is_ok_and(|facts| facts.uid == owner && owner != viewer.uid);
    let place = place.ancestors().skip(1).take_while(is_foreign).last().unwrap_or(place);
    let word = shell_word(place);
    let aside = shell_word(&with_ending(place));
    let finding = MachineFinding::new(MachineCode::OwnForeign, Severity::Degraded, message)
        .because(if owner == ROOT || whose == "somebody else" {
            "sudo kept your HOME while root ran pip, uv or pipx (sudo -H would not have); they did nothing wrong"
        } else {
            "another user made it, or it was copied with its owners kept"
        })
        .at(foreign)
        .prevent("without sudo nothing of this happens; where it has to be: sudo -H");
    match what {
        // Its directory is the user's, so its name is theirs to change, whatever is in it.
        What::Cache(_) => finding.command(format!("mv -- {word} {aside} && mkdir -m 700 -- {word}")).advice(
            format!("nothing is lost: a cache fills again. To free the space: sudo rm -rf -- {aside}"),
        ),
        What::Kept(_) => finding
            .command(format!("cp -rp -- {word} {aside}.mine && mv -- {word} {aside} && mv -- {aside}.mine {word}"))
            .advice(format!(
                "that makes a copy of your own take its place; the old one stays at {aside} until: sudo rm -rf -- {aside}"
            )),
    }
}

fn with_ending(place: &Path) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push(".roots");
    PathBuf::from(name)
}

fn count(number: usize) -> String {
    if number == 1 { "1 entry".to_owned() } else { format!("{number} entries") }
}
