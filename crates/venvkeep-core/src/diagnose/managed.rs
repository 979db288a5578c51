//! Environments that another tool made and keeps records about: that tool rebuilds them best.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::finding::{Code, Finding, Remedy};
use super::{Evidence, counted, found};
use crate::inspect::conda::CondaTool;
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
        let (tool, remedy) = condas(snapshot);
        manager(tool, remedy)
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

/// What rebuilds an environment of conda's kind beside the old one, from conda's own list.
fn condas(snapshot: &Snapshot) -> (&'static str, Remedy) {
    let prefix = snapshot.prefix.path();
    let tool = snapshot.conda.as_ref().map_or(CondaTool::Unknown, |meta| meta.tool);
    let name = tool_name(tool);
    if tool == CondaTool::Pixi {
        let project = prefix.ancestors().nth(3).unwrap_or(prefix);
        return (name, Remedy::Command(format!("cd {} && pixi clean && pixi install", shell_word(project))));
    }
    let mut beside = prefix.as_os_str().to_owned();
    beside.push(".new");
    let command = format!(
        "{name} list --explicit -p {} >packages.txt && {name} create -p {} --file packages.txt",
        shell_word(prefix),
        shell_word(Path::new(&beside))
    );
    let remedy = match tool {
        CondaTool::Unknown => Remedy::Advice(format!("{command} (mamba and micromamba take the same words)")),
        _ => Remedy::Command(command),
    };
    (name, remedy)
}

fn tool_name(tool: CondaTool) -> &'static str {
    match tool {
        CondaTool::Conda | CondaTool::Unknown => "conda",
        CondaTool::Mamba => "mamba",
        CondaTool::Micromamba => "micromamba",
        CondaTool::Pixi => "pixi",
    }
}

/// Files that conda's own records list and that are gone.
pub(super) fn conda_files_missing(snapshot: &Snapshot) -> Option<Finding> {
    let meta = snapshot.conda.as_ref().filter(|meta| !meta.incomplete.is_empty())?;
    let mut about = Evidence::default();
    for package in &meta.incomplete {
        about.add(package.missing_count, package.missing.iter().cloned());
    }
    let specs: Vec<&str> = meta.incomplete.iter().map(|package| package.spec.as_str()).collect();
    let message = format!(
        "{} of {} gone",
        counted(about.count, "file", "files"),
        counted(specs.len(), "conda package is", "conda packages are")
    );
    let cause = "files were deleted by hand, by a cleaning program, or by an upgrade that was cut off";
    let remedy = match meta.tool {
        CondaTool::Pixi => condas(snapshot).1,
        tool => Remedy::Command(format!(
            "{} install -p {} --force-reinstall {}",
            tool_name(tool),
            shell_word(snapshot.prefix.path()),
            specs.iter().map(|spec| shell_word(Path::new(spec))).collect::<Vec<_>>().join(" ")
        )),
    };
    Some(Finding { cause: Some(cause.to_owned()), remedy, ..found(Code::FilesMissing, message, about) })
}

/// Records of conda's that make no sense.
pub(super) fn conda_records_broken(snapshot: &Snapshot) -> Option<Finding> {
    let meta = snapshot.conda.as_ref().filter(|meta| !meta.broken.is_empty())?;
    let about = Evidence::of(meta.broken.iter().map(|(path, _)| path.clone()));
    let why = meta.broken.first().map(|(_, why)| why.as_str()).unwrap_or_default();
    let message = format!(
        "{} of conda's own cannot be used, so that it cannot list, upgrade or remove those packages ({why})",
        counted(about.count, "record", "records")
    );
    let cause = "an installation or upgrade was cut off, or the files were overwritten";
    let remedy = condas(snapshot).1;
    Some(Finding { cause: Some(cause.to_owned()), remedy, ..found(Code::MetadataBroken, message, about) })
}

/// What a heal puts right elsewhere is conda's own to put right in what conda made: no heal rebuilds that.
pub fn leave_to_conda(findings: &mut [Finding], snapshot: &Snapshot) {
    if snapshot.kind != EnvironmentKind::Conda {
        return;
    }
    let (_, remedy) = condas(snapshot);
    for finding in findings.iter_mut().filter(|finding| finding.remedy == Remedy::Heal) {
        finding.remedy = remedy.clone();
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
