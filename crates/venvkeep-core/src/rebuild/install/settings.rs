//! Which index settings an installer gets: the user's own, and those of the environment's `pip.conf`.
//!
//! pip reads the user's own by itself; what the environment's file adds is given to it at the place where pip expects
//! that file, in the stage. uv does not read pip's files. When the user has told only pip where the packages are,
//! letting uv ask PyPI instead could fetch a stranger's package of the same name, so uv is told what pip would do,
//! unless the user has told uv something itself.

use std::path::{Path, PathBuf};

use super::{Installer, Order};
use crate::host::fs::{self, Directory};
use crate::model::caller::Caller;
use crate::model::facts::Kind;
use crate::model::index_settings::{IndexSettings, KEYS};
use crate::model::owner::Viewer;

/// No `pip.conf` is larger.
const MAX_SIZE: u64 = 256 * 1024;

/// What an installer is given.
#[derive(Debug)]
pub(super) struct Given {
    /// The content of the stage's `pip.conf` while pip runs; empty for none.
    pub(super) pip_conf: String,
    /// Option lines for the head of the requirements file.
    pub(super) requirement_options: String,
    /// The rest, which only variables can say.
    pub(super) settings: IndexSettings,
}

/// Decides what the installer is given.
pub(super) fn for_installer(installer: &Installer, order: &Order<'_>) -> Given {
    let own = order.own_settings.clone();
    match installer {
        Installer::Pip { .. } => Given {
            pip_conf: own.to_pip_conf(),
            requirement_options: String::new(),
            settings: IndexSettings::default(),
        },
        Installer::Uv(_) => {
            let mut settings = own;
            if !uv_is_told(order.caller) {
                // pip's order: variables win over the environment's file, which wins over the user's files.
                settings = from_variables(order.caller).over(settings).over(users_pip(order.caller));
            }
            let settings = anywhere(settings, order.caller);
            Given {
                pip_conf: String::new(),
                requirement_options: readable(&settings).to_requirement_options(),
                settings,
            }
        }
    }
}

/// The index settings in an environment's `pip.conf`: only when the file belongs to root or the user and nobody else
/// may write it. Anything else counts as none.
pub fn of_environment(prefix: &Path, viewer: &Viewer) -> IndexSettings {
    let name = Path::new("pip.conf");
    let read = || -> Option<IndexSettings> {
        let directory = Directory::open(prefix).ok()?;
        let facts = directory.lstat(name.as_os_str()).ok()?;
        let trusted =
            facts.kind == Kind::File && viewer.trusts(facts.uid) && !viewer.others_can_write(&facts);
        let content = trusted.then(|| directory.read(name, MAX_SIZE).ok()).flatten()?;
        Some(IndexSettings::parse(&String::from_utf8_lossy(&content)))
    };
    read().unwrap_or_default()
}

/// Whether the user has told uv itself where packages are.
fn uv_is_told(caller: &Caller) -> bool {
    let variables = [
        "UV_INDEX_URL",
        "UV_DEFAULT_INDEX",
        "UV_INDEX",
        "UV_EXTRA_INDEX_URL",
        "UV_FIND_LINKS",
        "UV_NO_INDEX",
        "UV_CONFIG_FILE",
    ];
    let config = config_home(caller).map(|dir| dir.join("uv/uv.toml"));
    let files = config.into_iter().chain([PathBuf::from("/etc/uv/uv.toml")]);
    let in_file = |path: PathBuf| {
        read(&path).is_some_and(|text| ["index", "find-links"].iter().any(|word| text.contains(word)))
    };
    variables.iter().any(|name| caller.variable(name).is_some()) || files.into_iter().any(in_file)
}

/// What pip's configuration files outside of environments say, the stronger ones over the weaker.
fn users_pip(caller: &Caller) -> IndexSettings {
    let named = caller.variable("PIP_CONFIG_FILE").map(PathBuf::from);
    if named.as_deref() == Some(Path::new("/dev/null")) {
        // pip's documented way to say: no files at all.
        return IndexSettings::default();
    }
    let home = caller.home.iter().map(|home| home.join(".pip/pip.conf"));
    let config = config_home(caller).map(|dir| dir.join("pip/pip.conf"));
    // macOS: the documented place is used where it exists.
    let mac = caller.home.iter().map(|home| home.join("Library/Application Support/pip/pip.conf"));
    let global = ["/etc/xdg/pip/pip.conf", "/etc/pip.conf"].map(PathBuf::from);
    let weakest_first = global.into_iter().chain(home).chain(config).chain(mac).chain(named);
    weakest_first
        .filter_map(|path| read(&path))
        .fold(IndexSettings::default(), |weaker, text| IndexSettings::parse(&text).over(weaker))
}

/// What variables such as `PIP_INDEX_URL` say.
fn from_variables(caller: &Caller) -> IndexSettings {
    let mut settings = IndexSettings::default();
    for key in KEYS {
        let name = format!("PIP_{}", key.to_ascii_uppercase().replace('-', "_"));
        if let Some(value) = caller.variable(&name).and_then(|value| value.to_str()) {
            settings.set(key, value);
        }
    }
    settings
}

/// uv starts elsewhere: what the user wrote relative to the working directory, or to `~`, is written out.
fn anywhere(mut settings: IndexSettings, caller: &Caller) -> IndexSettings {
    let absolute = |place: &mut String| {
        let path = match (place.strip_prefix("~/"), &caller.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => caller.absolute(Path::new(place.as_str())),
        };
        // Other texts cannot be told to uv, and stay as they are.
        if let (false, Some(path)) = (is_url(place), path.to_str()) {
            path.clone_into(place);
        }
    };
    settings.find_links.iter_mut().for_each(absolute);
    settings.cert.iter_mut().chain(&mut settings.client_cert).for_each(absolute);
    settings
}

fn is_url(place: &str) -> bool {
    place.contains("://") || place.starts_with("file:")
}

/// uv ends at a directory of links that is not there, where pip only says so.
fn readable(settings: &IndexSettings) -> IndexSettings {
    let mut settings = settings.clone();
    settings.find_links.retain(|place| is_url(place) || fs::stat(Path::new(place)).is_ok());
    settings
}

fn config_home(caller: &Caller) -> Option<PathBuf> {
    let named = caller.variable("XDG_CONFIG_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
    named.or_else(|| caller.home.as_ref().map(|home| home.join(".config")))
}

fn read(path: &Path) -> Option<String> {
    // The user's own files may be links into a repository of dotfiles.
    let content = fs::read_bounded(&fs::physical(path).ok()?, MAX_SIZE).ok()?;
    Some(String::from_utf8_lossy(&content).into_owned())
}
