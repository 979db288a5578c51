//! A snapshot of each environment in the user's state directory: what it consisted of when it could last be read whole.
//!
//! One file for each environment's path, `0600` in a directory `0700`. It is the user's own word, so it is believed
//! where nobody else can have written it; what an environment says that others could have written never gets into it.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::host::credentials;
use crate::host::fs::{self, Directory, IoError};
use crate::inspect::beside;
use crate::inspect::freeze::freeze;
use crate::inspect::snapshot::{Config, EnvironmentKind, Site, Snapshot};
use crate::inspect::{self, Installed, Reading};
use crate::model::caller::Caller;
use crate::model::distribution::{Distribution, NamedBy};
use crate::model::index_settings::IndexSettings;
use crate::model::kept_snapshot::{Identity, KeptSnapshot, Source, StoredSnapshot};
use crate::model::owner::ROOT;
use crate::model::prefix::Prefix;
use crate::model::pyvenv_cfg::PyvenvCfg;
use crate::plan::hostile;
use crate::rebuild::install::settings;
use crate::root::{AsRoot, insist_on_right_user};

/// A snapshot of thousands of distributions is smaller.
const LIMIT: u64 = 8 * 1024 * 1024;

/// What came of keeping a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeping {
    /// It is kept now, or was already.
    Kept,
    /// The environment is none whose snapshot this user keeps: it could not be read whole, others can write it, or it
    /// is another user's.
    NotOurs,
    /// It could not be kept, with the reason in words.
    Failed(String),
}

impl Keeping {
    /// What the user is to be told, where there is something.
    pub fn remark(&self) -> Option<String> {
        match self {
            Self::Failed(why) => {
                Some(format!("no snapshot of it could be kept, should it become unreadable one day: {why}"))
            }
            Self::Kept | Self::NotOurs => None,
        }
    }
}

/// Keeps what an environment consists of, where that differs from what is kept already.
pub fn refresh(caller: &Caller, snapshot: &Snapshot, index: &IndexSettings) -> Keeping {
    match snapshot.configuration() {
        Some(config) if is_whole(snapshot) && hostile(snapshot, &credentials::user_name).is_none() => {
            let facts = Facts {
                prefix: &snapshot.prefix,
                config,
                sites: &snapshot.sites,
                distributions: &snapshot.distributions,
                index,
            };
            keep(caller, &facts)
        }
        _ => Keeping::NotOurs,
    }
}

/// The same, with the index settings that lie in the environment.
pub fn refresh_in_place(caller: &Caller, snapshot: &Snapshot) -> Keeping {
    let index = settings::of_environment(snapshot.prefix.path(), &caller.viewer).unwrap_or_default();
    refresh(caller, snapshot, &index)
}

/// Keeps what an environment consists of that the caller has just made.
pub fn keep_new(caller: &Caller, prefix: &Prefix) -> Keeping {
    match inspect::installed(prefix, Reading::Whole) {
        Ok(Installed { config: Config::Read(config), sites, distributions, .. }) => {
            let index = IndexSettings::default();
            let (config, sites, distributions) = (&config, &sites, &distributions);
            keep(caller, &Facts { prefix, config, sites, distributions, index: &index })
        }
        Ok(_) => Keeping::NotOurs,
        Err(error) => Keeping::Failed(error.to_string()),
    }
}

/// The snapshot that is kept of what stands or stood at a path; an error, in words, where it cannot be used.
pub fn recall(caller: &Caller, prefix: &Prefix) -> Result<Option<KeptSnapshot>, String> {
    let Some(place) = place(caller) else { return Ok(None) };
    match read(&place, prefix, caller) {
        Ok(None) => Ok(None),
        Ok(Some(stored)) => stored.read().map(Some).map_err(|why| unusable(&place, prefix, &why)),
        Err(why) => Err(unusable(&place, prefix, &why)),
    }
}

/// Which environment stands at a path.
pub fn identity(prefix: &Prefix) -> Result<Identity, IoError> {
    let inode = fs::lstat(prefix.path())?.inode;
    Ok(Identity { inode, born_ns: fs::born_ns(prefix.path()) })
}

/// What a snapshot is made from.
struct Facts<'a> {
    prefix: &'a Prefix,
    config: &'a PyvenvCfg,
    sites: &'a [Site],
    distributions: &'a [Distribution],
    index: &'a IndexSettings,
}

/// Whether nothing of the environment was hidden from the viewer.
fn is_whole(snapshot: &Snapshot) -> bool {
    let (tree, viewer) = (&snapshot.tree, &snapshot.viewer);
    snapshot.kind != EnvironmentKind::Conda
        && snapshot.unlisted().is_none()
        && snapshot.unidentified.is_empty()
        && snapshot.distributions.iter().all(|one| one.named_by == NamedBy::Metadata)
        && tree.unlisted().next().is_none()
        && tree.ids().all(|id| viewer.can_read(tree.facts(id)))
}

fn keep(caller: &Caller, facts: &Facts<'_>) -> Keeping {
    if !is_for(caller, facts.prefix) {
        return Keeping::NotOurs;
    }
    let Some(place) = place(caller) else {
        return Keeping::Failed("you have no directory for such things (is HOME set, and yours?)".to_owned());
    };
    let written = snapshot_of(facts).and_then(|new| {
        let is_known = read(&place, facts.prefix, caller)
            .is_ok_and(|old| old.is_some_and(|old| new.says_the_same(&old)));
        if is_known { Ok(()) } else { write(&place, facts.prefix, &new) }
    });
    match written {
        Ok(()) => Keeping::Kept,
        Err(why) => Keeping::Failed(why),
    }
}

/// Root keeps snapshots of its own environments alone: for others they would be of no use, and in somebody's home in
/// the way.
fn is_for(caller: &Caller, prefix: &Prefix) -> bool {
    let is_roots = || fs::lstat(prefix.path()).is_ok_and(|facts| facts.uid == ROOT);
    insist_on_right_user(prefix.path(), caller, AsRoot::Refuse).is_ok()
        && (!caller.viewer.is_root() || is_roots())
}

fn snapshot_of(facts: &Facts<'_>) -> Result<StoredSnapshot, String> {
    let source = Source {
        path: &facts.prefix.path().to_string_lossy(),
        identity: identity(facts.prefix).map_err(|error| error.to_string())?,
        config: facts.config,
        distributions: facts.distributions,
        requirements: &freeze(facts.distributions),
        index: facts.index,
    };
    let sites = facts.sites.iter().map(|site| site.path.to_string_lossy().into_owned()).collect();
    Ok(StoredSnapshot::new(&source, sites, beside::readable(SystemTime::now())))
}

fn write(place: &Path, prefix: &Prefix, stored: &StoredSnapshot) -> Result<(), String> {
    let content = serde_json::to_vec_pretty(stored).map_err(|error| error.to_string())?;
    if content.len() as u64 > LIMIT {
        return Err(format!("it would be larger than {LIMIT} bytes"));
    }
    // The lists can hold addresses with passwords: for the user's eyes only.
    let kept = fs::create_dirs(place, 0o700)
        .and_then(|_| fs::replace_file(&place.join(file_name(prefix)), 0o600, &content));
    kept.map_err(|error| error.to_string())
}

fn read(place: &Path, prefix: &Prefix, caller: &Caller) -> Result<Option<StoredSnapshot>, String> {
    if fs::lstat_if_any(place).map_err(|error| error.to_string())?.is_none() {
        return Ok(None);
    }
    let directory = Directory::open_own(place, &caller.viewer).map_err(|error| error.to_string())?;
    let name = PathBuf::from(file_name(prefix));
    match directory.read(&name, LIMIT) {
        Ok(content) => StoredSnapshot::parse(&content).map(Some),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

fn place(caller: &Caller) -> Option<PathBuf> {
    Some(caller.state_dir.as_ref()?.join("snapshots"))
}

fn file_name(prefix: &Prefix) -> String {
    format!("{}.json", super::name_of(prefix))
}

fn unusable(place: &Path, prefix: &Prefix, why: &str) -> String {
    format!("the snapshot {} cannot be used: {why}", place.join(file_name(prefix)).display())
}
