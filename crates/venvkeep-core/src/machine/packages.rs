//! Packages that were installed for everybody: whether everybody can read them, and whether pip put them among the
//! distribution's own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use pep440_rs::Version;

use super::finding::{MachineCode, MachineFinding};
use super::sites::{self, Installed, SiteDirectory, Unreadable};
use crate::diagnose::finding::Severity;
use crate::host::credentials;
use crate::host::fs::{self, Directory};
use crate::interpreters::{EXTERNALLY_MANAGED, is_externally_managed};
use crate::model::caller::Caller;
use crate::model::dist_name::DistName;
use crate::model::interpreter::BaseInterpreter;
use crate::model::owner::Viewer;
use crate::model::printable::shell_word;

/// How many names a sentence lists before it only counts them.
const NAMED: usize = 5;

/// Packages that this user may not read, of one site directory each: pip and Python say nothing of why.
pub(super) fn unreadable(sites: &[SiteDirectory], viewer: &Viewer) -> Vec<MachineFinding> {
    let of_others = |one: &&Unreadable| one.first.uid != viewer.uid;
    let found = sites.iter().filter_map(|site| {
        let packages: Vec<&Unreadable> = site.unreadable.iter().filter(of_others).collect();
        let first = packages.first()?;
        let places: Vec<&PathBuf> = packages.iter().flat_map(|one| &one.places).collect();
        let repair = places.iter().map(|place| shell_word(place)).collect::<Vec<_>>().join(" ");
        let is_whole = packages.len() == 1 && first.places.first() == Some(&site.path);
        let message = if is_whole {
            format!(
                "you may not read {}, in which packages lie that are for everybody: importing them fails",
                site.path.display()
            )
        } else {
            format!(
            "you may not read {} in {}: importing it fails with \"Permission denied\", or brings an empty package whose \
             modules are missing",
            listed(packages.iter().map(|one| one.name.as_str())),
            site.path.display()
        )
        };
        let umask = if first.first.mode & 0o070 == 0 { "077" } else { "027" };
        let cause = format!(
            "it was installed for everybody under a strict umask ({umask} leaves modes such as {:04o}), usually by sudo \
             pip on a hardened machine, or by a package manager run from such a shell; pip did nothing wrong",
            first.first.mode & 0o777
        );
        let finding = MachineFinding::new(MachineCode::PackagesUnreadable, Severity::Broken, message)
            .because(cause)
            .at(places.iter().map(|place| (*place).clone()))
            .command(format!("sudo chmod -R a+rX -- {repair}"))
            .advice(format!(
                "or, file by file and written down so that it can be undone: sudo {} doctor --repair",
                credentials::own_program().map_or_else(|| "venvkeep".to_owned(), |program| shell_word(&program))
            ))
            .advice("or, without root: install what you need into an environment of your own: venvkeep new")
            .prevent("before installing for everybody, in that root shell: umask 022")
            .prevent("in /etc/sudoers (visudo): Defaults umask=0022, umask_override")
            .prevent("better: an environment for each project, which needs neither sudo nor a umask");
        Some(packages.iter().fold(finding, |finding, one| with_package(finding, one, &site.path)))
    });
    found.collect()
}

/// The distribution's own package, where the system is one that has them.
fn with_package(finding: MachineFinding, one: &Unreadable, site: &Path) -> MachineFinding {
    let name = one.name.to_lowercase().replace(['_', '.'], "-");
    let is_a_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !is_a_name || one.name.starts_with('/') || finding.remedies.len() > NAMED {
        return finding;
    }
    let text = site.to_string_lossy();
    if text.starts_with("/opt/local/") {
        let version: String = text
            .split("python")
            .filter_map(|rest| rest.split('/').next())
            .find(|version| version.starts_with(|c: char| c.is_ascii_digit()))
            .map(|version| version.replace('.', ""))
            .unwrap_or_default();
        return finding.advice(format!(
            "or MacPorts' own package, if it has one: sudo port install py{version}-{name}"
        ));
    }
    let is_debian = fs::stat(Path::new("/var/lib/dpkg/status")).is_ok();
    if is_debian && text.starts_with("/usr/") {
        return finding
            .advice(format!("or the system's own package, if it has one: sudo apt install python3-{name}"));
    }
    finding
}

/// What pip put among the system's packages, and what of it hides the distribution's own.
pub(super) fn by_pip(sites: &[SiteDirectory]) -> Vec<MachineFinding> {
    let by_pip = |one: &&Installed| one.installer.as_deref() == Some("pip");
    let is_systems = |site: &&SiteDirectory| site.path.starts_with("/usr");
    let system: Vec<&SiteDirectory> = sites.iter().filter(is_systems).collect();
    let theirs: BTreeSet<&str> = system
        .iter()
        .flat_map(|site| site.distributions.iter().filter(|one| !by_pip(one)))
        .map(|one| one.name.normalized())
        .collect();
    let (mut others, mut hiding): (Vec<PathBuf>, Vec<(PathBuf, &str)>) = (Vec::new(), Vec::new());
    let mut names = Vec::new();
    for site in &system {
        for one in site.distributions.iter().filter(by_pip) {
            let place = site.path.join(&one.info);
            if theirs.contains(one.name.normalized()) {
                hiding.push((place, one.name.as_written()));
            } else {
                names.push(one.name.as_written());
                others.push(place);
            }
        }
    }
    let mut findings = Vec::new();
    if !hiding.is_empty() {
        let message = format!(
            "{} among the system's packages came from pip and hides the system's own version, which programs of the \
             system were tested with",
            listed(hiding.iter().map(|(_, name)| *name))
        );
        let names: Vec<String> = hiding.iter().map(|(_, name)| (*name).to_owned()).collect();
        findings.push(
            MachineFinding::new(MachineCode::PackagesShadowed, Severity::Degraded, message)
                .because("somebody ran sudo pip install, perhaps because a page said so")
                .at(hiding.into_iter().map(|(place, _)| place))
                .command(format!("sudo pip uninstall --break-system-packages {}", names.join(" ")))
                .prevent(
                    "what a project needs goes into its environment: venvkeep new NAME -r requirements.txt",
                ),
        );
    }
    if !others.is_empty() {
        let message = format!(
            "{} came from pip and lies among the system's packages: it changes under every program of everybody, and \
             no environment needs it",
            listed(names.iter().copied())
        );
        findings.push(
            MachineFinding::new(MachineCode::PackagesByPip, Severity::Note, message)
                .because(
                    "somebody ran sudo pip install; that works, until an upgrade of the system or of pip",
                )
                .at(others)
                .command("venvkeep new NAME --adopt system")
                .prevent(
                    "what a project needs goes into its environment: venvkeep new NAME -r requirements.txt",
                ),
        );
    }
    findings
}

/// The first pip without holes that are known today: with a Python that does not filter archives itself, older ones
/// unpack links that lead out of a source distribution (CVE-2025-8869).
const SAFE_PIP: &str = "25.3";

/// pips outside of environments that lack security fixes. The distribution's own are the distribution's to mend, which it
/// does without a new version.
pub(super) fn old_pips(sites: &[SiteDirectory]) -> Vec<MachineFinding> {
    let safe = Version::from_str(SAFE_PIP).ok();
    let version = |one: &Installed| {
        let named = DistName::parse(one.info.to_str()?)?;
        Version::from_str(&named.version?).ok()
    };
    let of_pip = |one: &&Installed| one.name.normalized() == "pip" && one.installer.as_deref() == Some("pip");
    let found = sites.iter().flat_map(|site| {
        let old = site.distributions.iter().filter(of_pip).filter_map(|one| Some((one, version(one)?)));
        let old: Vec<_> = old.filter(|(_, version)| safe.as_ref().is_some_and(|safe| version < safe)).collect();
        old.into_iter().map(|(one, version)| {
            let message = format!(
                "pip {version} in {} lacks security fixes (up to {SAFE_PIP}): a package that it unpacks can write elsewhere",
                site.path.display()
            );
            MachineFinding::new(MachineCode::PipOld, Severity::Note, message)
                .because("somebody installed it there once, and nothing upgrades it")
                .at([site.path.join(&one.info)])
                .advice("new environments need none of it: venvkeep new --upgrade-deps brings the newest")
        })
    });
    found.collect()
}

/// What `pip install --user` put into the home: every Python of that version sees it, outside of environments.
pub(super) fn for_user(caller: &Caller) -> Vec<MachineFinding> {
    let Some(base) = caller.user_base() else {
        return Vec::new();
    };
    let found = sites::in_library(&base.join("lib")).into_iter().filter_map(|site| {
        let open = fs::physical(&site).and_then(|place| Directory::open(&place)).ok()?;
        let mut names = open.names().ok()?;
        names.sort_unstable();
        let names = names.into_iter().filter_map(|name| String::from_utf8(name).ok());
        let named: Vec<(String, String)> = names
            .filter_map(|file| Some((DistName::parse(&file)?.package().ok()?.as_written().to_owned(), file)))
            .collect();
        if named.is_empty() {
            return None;
        }
        let message = format!(
            "packages were installed for you outside of environments (pip install --user), in {}: every project sees \
             them, and an upgrade for one changes the others: {}",
            site.display(),
            listed(named.iter().map(|(name, _)| name.as_str()))
        );
        let finding = MachineFinding::new(MachineCode::PackagesForUser, Severity::Note, message)
            .at(named.iter().map(|(_, file)| site.join(file)))
            .command("venvkeep new NAME --adopt user")
            .advice("that makes an environment with them; its report says how to take these out of the way");
        Some(finding)
    });
    found.collect()
}

/// Where a system's Python lets pip write among its packages, although the distribution marks it (PEP 668).
pub(super) fn unmarked(bases: &[BaseInterpreter], sites: &[SiteDirectory]) -> Vec<MachineFinding> {
    let is_systems = |base: &&BaseInterpreter| base.base_prefix == Path::new("/usr");
    let has_mark = |base: &BaseInterpreter| is_externally_managed(base);
    let systems: Vec<&BaseInterpreter> = bases.iter().filter(is_systems).collect();
    let Some(marked) = systems.iter().find(|base| has_mark(base)) else { return Vec::new() };
    let bypassed = sites
        .iter()
        .filter(|site| site.path.starts_with("/usr"))
        .flat_map(|site| site.distributions.iter().map(move |one| (site, one)))
        .filter(|(_, one)| one.installer.as_deref() == Some("pip"));
    let bypassed: Vec<PathBuf> = bypassed.map(|(site, one)| site.path.join(&one.info)).collect();
    let unmarked =
        systems.iter().filter(|base| !has_mark(base) && base.implementation == marked.implementation);
    let mut findings: Vec<MachineFinding> = unmarked
        .map(|base| {
            let message = format!(
                "the system's Python {} is not marked as the system's own, though its others are: pip writes among its \
                 packages without a word",
                base.version
            );
            MachineFinding::new(MachineCode::Unmarked, Severity::Note, message)
                .because("the file was removed, or this Python is older than the rule (PEP 668)")
                .at([base.stdlib.join(EXTERNALLY_MANAGED)])
                .advice("reinstall the package that the Python came in")
        })
        .collect();
    if !bypassed.is_empty() {
        let message = "pip was made to write among the system's packages although these are marked as the system's own \
            (PEP 668): --break-system-packages";
        findings.push(
            MachineFinding::new(MachineCode::Unmarked, Severity::Note, message.to_owned()).at(bypassed),
        );
    }
    findings
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    match names.as_slice() {
        [all @ .., last] if names.len() <= NAMED && !all.is_empty() => {
            format!("{} and {last}", all.join(", "))
        }
        few if few.len() <= NAMED => few.join(", "),
        many => format!("{} and {} more packages", many[..NAMED].join(", "), many.len() - NAMED),
    }
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn names_in_a_sentence() {
        assert_eq!(listed(["a"].into_iter()), "a");
        assert_eq!(listed(["a", "b", "c"].into_iter()), "a, b and c");
        assert_eq!(listed(["a"; 7].into_iter()), "a, a, a, a, a and 2 more packages");
    }
}
