//! Environments that another tool made and keeps records about: that tool rebuilds them best.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::finding::{Code, Finding, Remedy};
use super::{Evidence, found};
use crate::inspect::snapshot::{EnvironmentKind, Snapshot};
use crate::model::printable::shell_word;
use crate::model::tree::Tree;

/// A tool that keeps environments, and what it is told to rebuild this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manager {
    /// What users call it.
    pub tool: &'static str,
    /// What to do with it.
    pub remedy: Remedy,
}

/// What has such a tool is that tool's to change.
#[derive(Debug, thiserror::Error)]
#[error("{} is kept by {}", .prefix.display(), .manager.tool)]
pub struct ManagedElsewhere {
    /// The environment.
    pub prefix: PathBuf,
    /// The tool.
    pub manager: Manager,
}

/// The tool that keeps this environment. Told by the files it leaves in its environments, or by the directories that
/// it makes them in; a `.venv` that such a tool made in a project is like any other.
pub fn manager(snapshot: &Snapshot) -> Option<Manager> {
    let prefix = snapshot.prefix.path();
    let has = |name: &str| snapshot.tree.child(Tree::ROOT, OsStr::new(name)).is_some();
    let lies_in = |above: &str| snapshot.prefix.parent().ends_with(above);
    let name = || shell_word(Path::new(snapshot.prefix.name()));
    let manager = |tool, remedy| Some(Manager { tool, remedy });
    if snapshot.kind == EnvironmentKind::Conda {
        let words = "rebuild it with conda: conda env export, then conda env create";
        manager("conda", Remedy::Advice(words.to_owned()))
    } else if has("pipx_metadata.json") || lies_in("pipx/venvs") {
        manager("pipx", Remedy::Command(format!("pipx reinstall {}", name())))
    } else if has("uv-receipt.toml") || lies_in("uv/tools") {
        manager("uv tool", Remedy::Command(format!("uv tool upgrade --reinstall {}", name())))
    } else if lies_in("pypoetry/virtualenvs") {
        manager("poetry", Remedy::Command(format!("poetry env remove {} && poetry install", name())))
    } else if is_hatchs(prefix) {
        let words = "in its project: hatch env remove, then hatch env create";
        manager("hatch", Remedy::Advice(words.to_owned()))
    } else {
        None
    }
}

/// `.../hatch/env/virtual/PROJECT/ID/NAME`.
fn is_hatchs(prefix: &Path) -> bool {
    prefix.ancestors().skip(1).take(4).any(|above| above.ends_with("hatch/env/virtual"))
}

/// Another tool made it and keeps it: that tool has to rebuild it.
pub(super) fn managed_elsewhere(snapshot: &Snapshot) -> Option<Finding> {
    let Manager { tool, remedy } = manager(snapshot)?;
    let message = format!("{tool} made this environment and keeps records about it: let {tool} rebuild it");
    let about = Evidence::one(Path::new("."));
    Some(Finding { remedy, ..found(Code::ManagedElsewhere, message, about) })
}
