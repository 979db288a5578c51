//! Declared dependencies that are not met: what `pip check` says, for the environment's own Python.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::str::FromStr;

use pep440_rs::Version;
use pep508_rs::{MarkerEnvironment, MarkerEnvironmentBuilder, Requirement, VersionOrUrl};

use super::finding::{Code, Finding, Remedy};
use super::{Evidence, counted, found};
use crate::inspect::snapshot::Snapshot;
use crate::model::distribution::Distribution;
use crate::model::name::PackageName;
use crate::model::printable::shell_word;
use crate::model::python_version::PythonVersion;
use crate::model::pyvenv_cfg::PyvenvCfg;
use crate::model::requirements::{SomeAddress, dependency};

/// Dependencies that are not installed, or in a version that does not fit.
pub(super) fn dependency_unmet(snapshot: &Snapshot) -> Option<Finding> {
    let needs = needs_without(snapshot, &[]);
    let unmet: Vec<(&str, &str)> =
        needs.iter().filter_map(|need| Some((need.complaint.as_deref()?, need.wanted.as_str()))).collect();
    let (first, _) = unmet.first()?;
    let more = match unmet.len() - 1 {
        0 => String::new(),
        several => format!(" (and {} more)", counted(several, "such case", "such cases")),
    };
    let message = format!("{first}{more}");
    let mut about = Evidence::default();
    about.add(unmet.len(), unmet.iter().map(|(complaint, _)| complaint.into()));
    let cause = "a package was removed, or installed in another version, without regard to those that need it; a heal keeps \
         the versions that are there";
    let wanted: BTreeSet<String> = unmet.iter().map(|(_, wanted)| shell_word(Path::new(wanted))).collect();
    // Whoever wrote the metadata chose the names: a stranger's are nothing to be copied into a shell.
    let remedy = if snapshot.others_could_have_written() {
        Remedy::Advice("install what is missing, if you know these packages".to_owned())
    } else {
        Remedy::Command(install(snapshot, &wanted.into_iter().collect::<Vec<_>>().join(" ")))
    };
    Some(Finding { cause: Some(cause.to_owned()), remedy, ..found(Code::DependencyUnmet, message, about) })
}

/// The command that installs requirements into it: by its own pip, or by uv where it has none.
fn install(snapshot: &Snapshot, requirements: &str) -> String {
    let environment = shell_word(snapshot.prefix.path());
    if snapshot.distributions.iter().any(|one| one.name.normalized() == "pip") {
        return format!("venvkeep run {environment} -- python -m pip install {requirements}");
    }
    format!("uv pip install --python {environment} {requirements}")
}

/// A declared dependency that applies to the environment's Python.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Who declares it.
    pub by: PackageName,
    /// What is needed.
    pub on: PackageName,
    /// The same, as an installer takes it.
    pub wanted: String,
    /// That it is not met, as a sentence.
    pub complaint: Option<String>,
}

/// Each unmet dependency as a sentence, in the order of the distributions.
pub fn unmet(snapshot: &Snapshot) -> Vec<String> {
    needs_without(snapshot, &[]).into_iter().filter_map(|need| need.complaint).collect()
}

/// The dependencies as if these distributions were not installed. None where what is installed, or for which Python,
/// is not known. Where the environment sees the system's packages, what is not installed in it may be there.
pub fn needs_without(snapshot: &Snapshot, left_out: &[PackageName]) -> Vec<Need> {
    if snapshot.unlisted().is_some() {
        return Vec::new();
    }
    let Some(environment) = snapshot.python.and_then(|python| markers(python, snapshot.implementation()))
    else {
        return Vec::new();
    };
    let stays = |one: &&Distribution| !left_out.contains(&one.name);
    let installed: BTreeMap<&PackageName, &str> =
        snapshot.distributions.iter().filter(stays).map(|one| (&one.name, one.version.as_str())).collect();
    let sees_system = snapshot.configuration().is_some_and(PyvenvCfg::include_system_site_packages);
    let needs = |one: &Distribution| -> Vec<Need> {
        let applying = one.requires_dist.iter().filter_map(|text| applies(text, &environment));
        let named =
            applying.filter_map(|wanted| Some((PackageName::parse(wanted.name.as_ref()).ok()?, wanted)));
        let to_be_judged = named.filter(|(on, _)| !sees_system || installed.contains_key(on));
        to_be_judged
            .map(|(on, wanted)| {
                let complaint = complaint(one, (&on, &wanted), &installed);
                let wanted = match &wanted.version_or_url {
                    Some(VersionOrUrl::VersionSpecifier(versions)) => {
                        format!("{on}{}", versions.to_string().replace(' ', ""))
                    }
                    _ => on.to_string(),
                };
                Need { by: one.name.clone(), on, wanted, complaint }
            })
            .collect()
    };
    snapshot.distributions.iter().filter(stays).flat_map(needs).collect()
}

/// The requirement, where it makes sense and its marker holds without extras.
fn applies(text: &str, environment: &MarkerEnvironment) -> Option<Requirement<SomeAddress>> {
    let requirement = dependency(text)?;
    requirement.evaluate_markers(environment, &[]).then_some(requirement)
}

fn complaint(
    one: &Distribution,
    (on, wanted): (&PackageName, &Requirement<SomeAddress>),
    installed: &BTreeMap<&PackageName, &str>,
) -> Option<String> {
    let who = format!("{} {}", one.name.as_written(), one.version);
    let Some(version) = installed.get(on) else {
        return Some(format!("{who} requires {on}, which is not installed"));
    };
    let Some(VersionOrUrl::VersionSpecifier(specifiers)) = &wanted.version_or_url else { return None };
    let fits = Version::from_str(version).is_ok_and(|version| specifiers.contains(&version));
    (!fits).then(|| format!("{who} requires {on}{specifiers}, but {version} is installed"))
}

/// The values of the markers (PEP 508) for a Python on this kind of machine. The kernel's release and version, which
/// no dependency should hang on, stay empty.
fn markers(python: PythonVersion, implementation: Option<&str>) -> Option<MarkerEnvironment> {
    let full = PythonVersion { micro: python.micro.or(Some(0)), ..python }.to_string();
    let short = format!("{}.{}", python.major, python.minor);
    let is_macos = std::env::consts::OS == "macos";
    let machine = match std::env::consts::ARCH {
        "aarch64" if is_macos => "arm64",
        other => other,
    };
    let is_pypy = implementation == Some("pypy");
    MarkerEnvironment::try_from(MarkerEnvironmentBuilder {
        implementation_name: if is_pypy { "pypy" } else { "cpython" },
        implementation_version: &full,
        os_name: "posix",
        platform_machine: machine,
        platform_python_implementation: if is_pypy { "PyPy" } else { "CPython" },
        platform_release: "",
        platform_system: if is_macos { "Darwin" } else { "Linux" },
        platform_version: "",
        python_full_version: &full,
        python_version: &short,
        sys_platform: if is_macos { "darwin" } else { "linux" },
    })
    .ok()
}
