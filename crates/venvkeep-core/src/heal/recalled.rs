//! What an environment does not let its user read, from the snapshot that was kept of it.

use crate::inspect::snapshot::{Config, Site, SiteState, Snapshot};
use crate::model::kept_snapshot::KeptSnapshot;
use crate::model::prefix::Prefix;
use crate::model::python_version::PythonLabel;
use crate::plan::{ListOrigin, Subject};
use crate::store::snapshots;

/// Where a list that a snapshot brings comes from.
pub(super) fn origin(kept: &KeptSnapshot, prefix: &Prefix) -> ListOrigin {
    let is_this = snapshots::identity(prefix).is_ok_and(|now| now == kept.identity);
    let of = if is_this { Subject::ThisEnvironment } else { Subject::EarlierOne };
    ListOrigin::Snapshot { taken: kept.taken.clone(), of }
}

/// Fills in the facts that are not known: the configuration, the site-packages directories and the Python version.
pub(super) fn fill(snapshot: &mut Snapshot, kept: &KeptSnapshot) {
    if snapshot.configuration().is_none() {
        snapshot.config = Config::Read(kept.config.clone());
    }
    if let Some(state) = snapshot.unlisted().map(|site| site.state).filter(|_| tells_nothing(snapshot)) {
        let version = kept.config.version();
        let is_plain = |site: &&std::path::PathBuf| site.is_relative() && !site.as_os_str().is_empty();
        let hidden = kept.sites.iter().filter(is_plain).map(|path| {
            let label = path.iter().find_map(|name| PythonLabel::parse(name.to_str()?));
            let python = label.map(|label| label.version);
            // The configuration knows the micro release too.
            let python = match (python, version) {
                (Some(site), Some(configured)) if site.same_minor(&configured) => Some(configured),
                (site, configured) => site.or(configured),
            };
            Site { path: path.clone(), state, python }
        });
        let hidden: Vec<Site> = hidden.collect();
        if !hidden.is_empty() {
            snapshot.sites = hidden;
        }
    }
    if snapshot.python.is_none() {
        snapshot.python = snapshot.sites.iter().find_map(|site| site.python);
    }
}

/// Whether the directories that are there say nothing of the Python that the packages were for.
fn tells_nothing(snapshot: &Snapshot) -> bool {
    snapshot.sites.iter().all(|site| site.python.is_none() || site.state == SiteState::Gone)
}
