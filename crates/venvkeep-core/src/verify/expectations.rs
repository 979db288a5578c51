//! What the new environment is held against: the frozen list, and what worked before.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::only_in;
use crate::diagnose::dependencies::{self, Need};
use crate::inspect::freeze;
use crate::inspect::snapshot::Snapshot;
use crate::model::distribution::Distribution;
use crate::model::name::PackageName;
use crate::model::prefix::Prefix;
use crate::model::requirements::{FrozenRequirements, Pin, PinKind};

/// What a stage has to meet.
#[derive(Debug)]
pub struct Expectations {
    requirements: FrozenRequirements,
    /// The dependencies of before; `None` where the list is the user's own and there is no before.
    needs_before: Option<Vec<Need>>,
    lost_before: BTreeSet<String>,
    /// Other environments that scripts named before; `None` where what is installed may bring scripts of its own.
    named_before: Option<BTreeSet<PathBuf>>,
}

impl Expectations {
    /// The environment's own list, and what worked in it without those distributions that are left out on purpose.
    pub fn of_environment(
        requirements: FrozenRequirements,
        old: &Snapshot,
        left_out: &[PackageName],
    ) -> Self {
        let needs_before = Some(dependencies::needs_without(old, left_out));
        let lost_before = scripts_without_module(old);
        Self { requirements, needs_before, lost_before, named_before: None }
    }

    /// Everything comes from the old environment as it is, so that no script starts what none has started before.
    #[must_use]
    pub fn as_it_is(self, old: &Snapshot) -> Self {
        Self { named_before: Some(named(old)), ..self }
    }

    /// A list of the user's own: it counts as written, and what it lacks is theirs to say.
    pub fn of_list(requirements: FrozenRequirements, old: &Snapshot) -> Self {
        let lost_before = scripts_without_module(old);
        Self { requirements, needs_before: None, lost_before, named_before: None }
    }

    /// In words, what a stage that is to stand at `place` does not meet.
    pub(super) fn unmet_by(&self, snapshot: &Snapshot, place: &Prefix) -> Vec<String> {
        let mut problems = Vec::new();
        let floating = floating(&self.requirements);
        let wanted = keys(&self.requirements, &floating);
        let got = keys(&freeze::freeze(&snapshot.distributions), &floating);
        let describe = |what: &str, names: Vec<String>| format!("{what} {}", names.join(", "));
        let (missing, unwanted) = (only_in(&wanted, &got), only_in(&got, &wanted));
        if !missing.is_empty() {
            problems.push(describe("not installed:", missing));
        }
        if !unwanted.is_empty() {
            problems.push(describe("installed although not on the list:", unwanted));
        }
        let worse = self.complaints(snapshot, |before| {
            !before.is_empty() && before.iter().all(|need| need.complaint.is_none())
        });
        if !worse.is_empty() {
            problems.push(describe("dependencies that were met before:", worse));
        }
        let lost = only_in(&scripts_without_module(snapshot), &self.lost_before);
        if !lost.is_empty() {
            problems.push(describe("scripts without their module:", lost));
        }
        if let Some(before) = &self.named_before {
            let is_strange = |path: &&PathBuf| *path != place.path() && !before.contains(*path);
            let strange = named(snapshot);
            let strange: Vec<String> =
                strange.iter().filter(is_strange).map(|path| path.display().to_string()).collect();
            if !strange.is_empty() {
                problems.push(describe("scripts that start the Python of", strange));
            }
        }
        problems
    }

    /// Unmet dependencies that were none before: another Python's, or of a distribution whose metadata did not tell.
    pub fn newly_unmet(&self, snapshot: &Snapshot) -> Vec<String> {
        self.complaints(snapshot, |before| before.is_empty())
    }

    /// The unmet dependencies of which that is so before: a distribution may need another one in several ways, of which
    /// some were met.
    fn complaints(&self, snapshot: &Snapshot, fits: impl Fn(&[&Need]) -> bool) -> Vec<String> {
        let Some(before) = &self.needs_before else { return Vec::new() };
        let unmet = dependencies::needs_without(snapshot, &[]);
        let is_same = |one: &Need, other: &Need| one.by == other.by && one.on == other.on;
        let fits = |need: &Need| {
            let same: Vec<&Need> = before.iter().filter(|one| is_same(one, need)).collect();
            fits(&same)
        };
        let unmet = unmet.into_iter().filter(|need| need.complaint.is_some() && fits(need));
        unmet.filter_map(|need| need.complaint).collect()
    }
}

/// Other environments that scripts name.
fn named(snapshot: &Snapshot) -> BTreeSet<PathBuf> {
    snapshot.named_prefixes.iter().map(|named| named.path.clone()).collect()
}

/// A list as comparable texts. Editables count by their project: the commit that a line shows is the checkout's, which
/// is not what is being rebuilt. Hashes and markers of a user's list are the installer's to check; so is a branch or
/// tag of a repository, since what was installed names the commit: such `floating` ones count by their address.
fn keys(list: &FrozenRequirements, floating: &BTreeSet<&PackageName>) -> BTreeSet<String> {
    let key = |pin: &Pin| {
        let name = pin.name.normalized();
        match &pin.kind {
            PinKind::Exact(version) => format!("{name}=={}", version.to_text()),
            PinKind::Direct { url } => {
                let (address, revision) = origin(url);
                let revision = revision.filter(|_| !floating.contains(&pin.name));
                format!("{name} @ {address}{}", revision.map(|text| format!("@{text}")).unwrap_or_default())
            }
            PinKind::Editable(_) => format!("-e {name}"),
        }
    };
    list.pins().iter().map(key).collect()
}

/// Those that name a repository without the whole hash of a commit.
fn floating(list: &FrozenRequirements) -> BTreeSet<&PackageName> {
    let is_commit =
        |text: &str| matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let floats = |pin: &&Pin| match &pin.kind {
        PinKind::Direct { url } => is_repository(url) && !origin(url).1.is_some_and(is_commit),
        PinKind::Exact(_) | PinKind::Editable(_) => false,
    };
    list.pins().iter().filter(floats).map(|pin| &pin.name).collect()
}

/// `git+https`, `hg+ssh` and the like.
fn is_repository(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, _)| scheme.contains('+'))
}

/// A URL's address, without its fragment, and the revision behind a repository's path.
fn origin(url: &str) -> (&str, Option<&str>) {
    let address = url.split('#').next().unwrap_or_default();
    match address.rsplit_once('@') {
        // In front of the first slash behind the scheme it is the user's name.
        Some((before, revision)) if is_repository(address) && before.splitn(4, '/').nth(3).is_some() => {
            (before, Some(revision))
        }
        _ => (address, None),
    }
}

/// Scripts whose entry point's module is not in the environment: `name (module)`.
fn scripts_without_module(snapshot: &Snapshot) -> BTreeSet<String> {
    let mut lost = BTreeSet::new();
    for distribution in &snapshot.distributions {
        if distribution.editable.is_some() {
            // Its modules are in the project.
            continue;
        }
        let points = distribution.entry_points.console.iter().chain(&distribution.entry_points.gui);
        for point in points {
            if !has_module(snapshot, distribution, &point.module) {
                lost.insert(format!("{} ({})", point.name, point.module));
            }
        }
    }
    lost
}

fn has_module(snapshot: &Snapshot, distribution: &Distribution, module: &str) -> bool {
    let own_site = distribution.info.parent().unwrap_or(Path::new(""));
    let relative: PathBuf = module.split('.').collect();
    let sites = snapshot.sites.iter().map(|site| site.path.as_path()).chain([own_site]);
    sites.map(|site| site.join(&relative)).any(|place| {
        snapshot.tree.find(&place).is_some()
            || snapshot.tree.find(&place.with_extension("py")).is_some()
            || is_extension_module(snapshot, &place)
    })
}

/// `name.cpython-312-x86_64-linux-gnu.so`, `name.abi3.so`.
fn is_extension_module(snapshot: &Snapshot, place: &Path) -> bool {
    let (Some(directory), Some(name)) = (place.parent(), place.file_name().and_then(|name| name.to_str()))
    else {
        return false;
    };
    let Some(directory) = snapshot.tree.find(directory) else { return false };
    snapshot.tree.children(directory).any(|id| {
        let file = Path::new(snapshot.tree.name(id));
        let is_native = file.extension().is_some_and(|extension| extension == "so");
        is_native && file.to_string_lossy().strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::{floating, keys, origin};
    use crate::model::requirements_file;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn a_revision_stands_behind_the_path() {
        for (url, parts) in [
            ("git+https://x/e.git@v1#egg=e", ("git+https://x/e.git", Some("v1"))),
            ("git+ssh://git@x/e.git", ("git+ssh://git@x/e.git", None)),
            ("git+ssh://git@x/e.git@a/b", ("git+ssh://git@x/e.git", Some("a/b"))),
            ("git+file:///a/e@main", ("git+file:///a/e", Some("main"))),
            ("https://x/e@1.whl", ("https://x/e@1.whl", None)),
        ] {
            assert_eq!(origin(url), parts, "{url}");
        }
    }

    #[test]
    fn a_branch_is_met_by_a_commit_and_a_commit_by_itself_alone() {
        let list =
            |revision: &str| requirements_file::parse(&format!("e @ git+https://x/e.git{revision}")).unwrap();
        let meets = |wanted: &str, got: &str| {
            let (wanted, got) = (list(wanted), list(got));
            let floating = floating(&wanted);
            keys(&wanted, &floating) == keys(&got, &floating)
        };
        let installed = format!("@{COMMIT}");
        assert!(meets("@main", &installed) && meets("", &installed) && meets(&installed, &installed));
        assert!(!meets(&format!("@{}", COMMIT.replace('0', "f")), &installed));
    }
}
