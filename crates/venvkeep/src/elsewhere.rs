//! The command that heals an environment: in its place, or, where that cannot be, to another one.

use std::path::{Path, PathBuf};

use venvkeep_core::diagnose::finding::Finding;
use venvkeep_core::host::{fs, programs};
use venvkeep_core::model::caller::Caller;
use venvkeep_core::model::naming::{USUAL_NAMES, name_of};
use venvkeep_core::model::prefix::Prefix;
use venvkeep_core::new::place::usable;

use venvkeep_core::model::printable::shell_word;

/// `venvkeep heal` of an environment with these findings, to be pasted into a shell.
pub(crate) fn heal_command(prefix: &Prefix, findings: &[Finding], caller: &Caller) -> String {
    let has_to_move = findings.iter().any(Finding::wants_another_place) || usable(prefix.path()).is_err();
    if has_to_move {
        return heal_to(prefix, caller);
    }
    format!("venvkeep heal {}", shell_word(prefix.path()))
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
