//! The command that heals an environment: in its place, or, where that cannot be, to another one.

use std::path::{Path, PathBuf};

use venvkeep_core::diagnose::finding::Finding;
use venvkeep_core::host::programs::Distrust;
use venvkeep_core::host::{fs, programs};
use venvkeep_core::inspect::snapshot::Site;
use venvkeep_core::model::caller::Caller;
use venvkeep_core::model::naming::{USUAL_NAMES, name_of};
use venvkeep_core::model::prefix::Prefix;
use venvkeep_core::new::place::usable;
use venvkeep_core::plan::Hostile;
use venvkeep_core::scan::Foreseen;

use venvkeep_core::model::printable::shell_word;

/// The option for a list of the user's own, by the name that such files usually have.
const A_LIST: &str = "-r requirements.txt";

/// The command that heals an environment, and what that will stop for.
#[derive(Debug)]
pub(crate) struct HealCommand {
    /// To be pasted into a shell. It heals, or stops and says what it wants.
    pub(crate) command: String,
    /// Where somebody else could have written what is installed: who, and the command of whoever has looked at it.
    pub(crate) if_trusted: Option<(Hostile, String)>,
    /// Where somebody else could exchange directories on the way.
    pub(crate) unsafe_way: Option<Distrust>,
    /// Where what is installed cannot be told: the directory whose content is not known. The command takes a list then.
    pub(crate) unlisted: Option<Site>,
}

impl HealCommand {
    /// `venvkeep heal` of an environment with these findings, and what stands against it. Root looks on behalf of others:
    /// what it may do for itself says nothing of what they may.
    pub(crate) fn new(
        (prefix, findings): (&Prefix, &[Finding]),
        foreseen: &Foreseen,
        caller: &Caller,
    ) -> Self {
        let has_to_move = findings.iter().any(Finding::wants_another_place) || usable(prefix.path()).is_err();
        // What goes elsewhere goes to a place that is safe; what was cut off is settled where it is.
        let is_judged = !has_to_move && !caller.viewer.is_root() && !is_free(prefix.path());
        let way = if is_judged { programs::trust_way(prefix.path(), &caller.viewer) } else { Ok(()) };
        let goes_elsewhere = match &way {
            Err(Distrust::OthersCanWrite(open)) => !is_own(open, caller),
            Err(_) => true,
            Ok(()) => has_to_move,
        };
        let command = if goes_elsewhere {
            heal_to(prefix, caller)
        } else {
            format!("venvkeep heal {}", shell_word(prefix.path()))
        };
        let with = |option: &str| command.replacen("venvkeep heal", &format!("venvkeep heal {option}"), 1);
        let (command, if_trusted) = match (&foreseen.unlisted, &foreseen.hostile) {
            // The list is the user's own word then.
            (Some(_), _) => (with(A_LIST), None),
            (None, Some(who)) => (command.clone(), Some((who.clone(), with("--trust-owner")))),
            (None, None) => (command, None),
        };
        Self { command, if_trusted, unsafe_way: way.err(), unlisted: foreseen.unlisted.clone() }
    }

    /// `venvkeep heal` of an environment of which nothing more is known.
    pub(crate) fn plain(prefix: &Prefix) -> Self {
        let command = format!("venvkeep heal {}", shell_word(prefix.path()));
        Self { command, if_trusted: None, unsafe_way: None, unlisted: None }
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
