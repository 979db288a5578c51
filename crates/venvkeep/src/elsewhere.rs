//! The command that heals an environment: in its place, or, where that cannot be, to another one.

use std::path::{Path, PathBuf};

use venvkeep_core::diagnose::finding::Finding;
use venvkeep_core::host::programs::Distrust;
use venvkeep_core::host::{fs, programs};
use venvkeep_core::inspect::snapshot::Snapshot;
use venvkeep_core::model::caller::Caller;
use venvkeep_core::model::naming::{USUAL_NAMES, name_of};
use venvkeep_core::model::prefix::Prefix;
use venvkeep_core::new::place::usable;
use venvkeep_core::plan::{Hostile, hostile};

use venvkeep_core::model::printable::shell_word;

/// The command that heals an environment, and what that will stop for.
#[derive(Debug)]
pub(crate) struct HealCommand {
    /// To be pasted into a shell. It heals, or stops and says what it wants.
    pub(crate) command: String,
    /// Where somebody else could have written what is installed: who, and the command of whoever has looked at it.
    pub(crate) if_trusted: Option<(Hostile, String)>,
    /// Where somebody else could exchange directories on the way.
    pub(crate) unsafe_way: Option<Distrust>,
}

impl HealCommand {
    /// `venvkeep heal` of an environment with these findings.
    pub(crate) fn new(prefix: &Prefix, findings: &[Finding], caller: &Caller) -> Self {
        let has_to_move = findings.iter().any(Finding::wants_another_place) || usable(prefix.path()).is_err();
        let command = if has_to_move {
            heal_to(prefix, caller)
        } else {
            format!("venvkeep heal {}", shell_word(prefix.path()))
        };
        Self { command, if_trusted: None, unsafe_way: None }
    }

    /// With what stands against it by what was found. Root looks on behalf of others, who are trusted by themselves.
    pub(crate) fn judged(self, snapshot: &Snapshot, caller: &Caller) -> Self {
        if caller.viewer.is_root() {
            return self;
        }
        // What goes elsewhere goes to a place that is safe.
        let goes_elsewhere = self.command.starts_with("venvkeep heal --to");
        let way = programs::trust_way(snapshot.prefix.path(), &caller.viewer);
        let unsafe_way = way.err().filter(|_| !goes_elsewhere);
        let command = match &unsafe_way {
            Some(Distrust::OthersCanWrite(open)) if is_own(open, caller) => self.command,
            Some(_) => heal_to(&snapshot.prefix, caller),
            None => self.command,
        };
        let trusting = command.replacen("venvkeep heal", "venvkeep heal --trust-owner", 1);
        let if_trusted = hostile(snapshot).map(|who| (who, trusting));
        Self { command, if_trusted, unsafe_way }
    }
}

fn is_own(directory: &Path, caller: &Caller) -> bool {
    fs::stat(directory).is_ok_and(|facts| facts.uid == caller.viewer.uid)
}

/// `venvkeep heal --to` a place where nothing stands yet.
pub(crate) fn heal_to(prefix: &Prefix, caller: &Caller) -> String {
    format!("venvkeep heal --to {} {}", shell_word(&place(prefix, caller)), shell_word(prefix.path()))
}

/// Beside the environment, where the user can make directories that stay theirs; else in a directory of the home that
/// is called like the project.
fn place(prefix: &Prefix, caller: &Caller) -> PathBuf {
    let around = prefix.parent();
    let is_own = fs::stat(around).is_ok_and(|facts| facts.uid == caller.viewer.uid && !facts.is_sticky());
    let is_safe = programs::trust_way(&around.join("x"), &caller.viewer).is_ok();
    if is_own && is_safe && fs::may_write(around) && usable(around).is_ok() {
        let beside = USUAL_NAMES.iter().map(|name| around.join(name)).find(|path| is_free(path));
        if let Some(beside) = beside {
            return beside;
        }
    }
    let home = caller.home.as_deref().unwrap_or(&caller.cwd);
    let name = project_name(prefix);
    let numbered = (2..100).map(|number| format!("{name}-{number}"));
    let places = std::iter::once(name.clone()).chain(numbered).map(|name| home.join(name).join(".venv"));
    places.into_iter().find(|path| is_free(path)).unwrap_or_else(|| home.join("NAME/.venv"))
}

fn is_free(path: &Path) -> bool {
    matches!(fs::lstat_if_any(path), Ok(None))
}

/// What the environment is for, in characters that every path may have.
fn project_name(prefix: &Prefix) -> String {
    let name = name_of(prefix.path()).unwrap_or_default();
    let harmless = |c: char| if c.is_alphanumeric() || "._+-".contains(c) { c } else { '-' };
    let name: String = name.trim_start_matches('.').chars().map(harmless).collect();
    if name.is_empty() { "env".to_owned() } else { name }
}
