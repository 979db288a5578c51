//! What makes a directory an environment, where it thinks it is, and names that could deceive.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::finding::{Code, Finding, Remedy, Severity};
use super::{Evidence, counted, found, is_refused};
use crate::inspect::snapshot::{Config, EnvironmentKind, SiteState, Snapshot};
use crate::model::distribution::{Distribution, RecordState};
use crate::model::facts::Kind;
use crate::model::pyvenv_cfg::PyvenvCfg;

const CONFIG: &str = "pyvenv.cfg";

/// No usable `pyvenv.cfg`, in an environment whose kind has one.
pub(super) fn config_missing(snapshot: &Snapshot) -> Option<Finding> {
    if matches!(snapshot.kind, EnvironmentKind::Conda | EnvironmentKind::LegacyVirtualenv) {
        return None;
    }
    let (message, severity) = match &snapshot.config {
        Config::Missing => (
            "it has no pyvenv.cfg, so its Python does not know that it is an environment".to_owned(),
            Severity::Broken,
        ),
        Config::Unreadable(_) if is_refused(snapshot, Path::new(CONFIG)) => return None,
        Config::Unreadable(why) => (format!("its pyvenv.cfg cannot be used: {why}"), Severity::Broken),
        Config::Read(config) => garbled(config)?,
    };
    let finding = found(Code::ConfigMissing, message, Evidence::one(CONFIG));
    let cause = "the file was deleted or overwritten, or a copy was cut off";
    Some(Finding { severity, cause: Some(cause.to_owned()), ..finding })
}

fn garbled(config: &PyvenvCfg) -> Option<(String, Severity)> {
    if config.home().is_none() {
        let message =
            "its pyvenv.cfg is garbled: it does not say where its Python is (no line \"home = ...\")";
        return Some((message.to_owned(), Severity::Broken));
    }
    let lines = config.malformed_lines();
    let what = counted(lines, "line", "lines");
    (lines > 0).then(|| {
        (format!("{what} of its pyvenv.cfg make no sense; Python may refuse the file"), Severity::Degraded)
    })
}

/// A site-packages directory whose content is not known, for another reason than that the viewer may not read it.
pub(super) fn site_unknown(snapshot: &Snapshot) -> Option<Finding> {
    let tree = &snapshot.tree;
    let site = snapshot.unlisted().filter(|site| !is_refused(snapshot, &site.path))?;
    let is_directory =
        |path: &&Path| tree.find(path).is_some_and(|id| tree.facts(id).kind == Kind::Directory);
    let above: Vec<&Path> = site.path.ancestors().collect();
    let place = above.into_iter().rev().find(|path| !is_directory(path)).unwrap_or(&site.path);
    let (shown, about) = (place.display(), Evidence::one(place));
    let kind = tree.find(place).map(|id| tree.facts(id).kind);
    let (code, message, cause) = match (site.state, kind) {
        (SiteState::Listed, _) => return None,
        (SiteState::Closed, _) => (
            Code::Unreadable,
            format!("its {shown} could not be listed, so what is installed in it is not known"),
            "the disk is damaged, or too much is open at once",
        ),
        (SiteState::Linked, _) => {
            let message = format!(
                "its {shown} is a link to a directory elsewhere. Python follows it, venvkeep does not: what is installed \
                 there is neither checked nor healed"
            );
            let finding = found(Code::UnsafePath, message, about);
            return Some(Finding { severity: Severity::Note, remedy: Remedy::Nothing, ..finding });
        }
        (SiteState::Gone, Some(Kind::Link)) => (
            Code::FilesMissing,
            format!(
                "its {shown} is a link that leads to no directory: everything that was installed is out of reach"
            ),
            "what it leads to was removed, or lies on a disk that is not mounted; then mount that instead",
        ),
        (SiteState::Gone, Some(kind)) => (
            Code::FilesMissing,
            format!("its {shown} is {kind}, where the directory of everything that was installed should be"),
            "it was overwritten, or a copy was cut off",
        ),
        (SiteState::Gone, None) => (
            Code::FilesMissing,
            format!("its {shown} is gone, and with it everything that was installed"),
            "it was deleted by hand or by a cleaning program, or a copy or an upgrade was cut off",
        ),
    };
    Some(Finding { cause: Some(cause.to_owned()), ..found(code, message, about) })
}

/// Scripts that name another prefix as theirs.
pub(super) fn moved(snapshot: &Snapshot) -> Option<Finding> {
    let first = snapshot.named_prefixes.first()?;
    let mut about = Evidence::default();
    for named in &snapshot.named_prefixes {
        about.add(named.count, named.by.iter().cloned());
    }
    let message = format!(
        "{} in bin still start {}: they fail, or use the packages that are there",
        counted(about.count, "script", "scripts"),
        first.path.display()
    );
    let cause = "the environment (or a directory above it) was moved, renamed or copied from there; environments hold \
                 their own path in many places, so that none survives this whole";
    Some(Finding { cause: Some(cause.to_owned()), ..found(Code::Moved, message, about) })
}

/// Names with control characters, rows of a RECORD that lead out of the environment, entry points that would.
pub(super) fn unsafe_path(snapshot: &Snapshot) -> Option<Finding> {
    let tree = &snapshot.tree;
    let deceives = |bytes: &[u8]| bytes.iter().any(u8::is_ascii_control);
    let mut about = Evidence::entries(tree, |id| deceives(tree.name(id).as_bytes()));
    let names = about.count;
    for distribution in &snapshot.distributions {
        let rows = outside(distribution);
        let rejected = &distribution.entry_points.rejected;
        about.add(rows.len() + rejected.len(), rows.iter().chain(rejected).map(PathBuf::from));
    }
    if about.is_empty() {
        return None;
    }
    let message = format!(
        "{} of file names, recorded paths or script names that lead out of the environment or hide control characters",
        counted(about.count, "case", "cases")
    );
    let cause = "a damaged or malicious package; honest ones do not need such names";
    // A heal carries files over under the names that they have.
    let remedy = if about.count == names {
        Remedy::Advice("rename or remove what bears such a name".to_owned())
    } else {
        Remedy::Heal
    };
    Some(Finding { cause: Some(cause.to_owned()), remedy, ..found(Code::UnsafePath, message, about) })
}

fn outside(distribution: &Distribution) -> &[String] {
    match &distribution.record {
        RecordState::Read { unsafe_rows, .. } => unsafe_rows,
        _ => &[],
    }
}
