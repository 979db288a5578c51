//! Which settings an installer gets: the user's own, and the index settings of the environment's `pip.conf`.
//!
//! pip would read the user's own by itself, and with them everything else that stands there: `target`, `prefix` and
//! `root` send what it installs out of the stage. So it reads no file at all (`PIP_CONFIG_FILE=/dev/null`) and is told
//! in variables where packages are and how to get them. uv does not read pip's files. When the user has told only pip
//! where the packages are, letting uv ask PyPI instead could fetch a stranger's package of the same name, so uv is told
//! what pip would do, unless the user has told uv something itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Installer, Order};
use crate::host::fs::{self, Directory};
use crate::model::caller::Caller;
use crate::model::facts::Kind;
use crate::model::index_settings::{self, IndexSettings, KEYS, pip_variable};
use crate::model::owner::Viewer;

/// No `pip.conf` is larger.
const MAX_SIZE: u64 = 256 * 1024;

/// Keys of the user's own files for pip that say how packages are got, apart from where they are.
const MEANS: [&str; 6] =
    ["timeout", "default-timeout", "retries", "cache-dir", "no-cache-dir", "keyring-provider"];

/// What an installer is given.
#[derive(Debug)]
pub(super) struct Given {
    /// Option lines for the head of the requirements file.
    pub(super) requirement_options: String,
    /// What variables have to say.
    pub(super) settings: IndexSettings,
    /// What of [`MEANS`] the user's files for pip say, as variables for pip.
    pub(super) means: BTreeMap<String, String>,
}

/// Decides what the installer is given.
pub(super) fn for_installer(installer: &Installer, order: &Order<'_>) -> Given {
    let merged = || merged(order.own_settings.clone(), order.caller);
    match installer {
        Installer::Pip { .. } => {
            Given { requirement_options: String::new(), settings: merged(), means: users_means(order.caller) }
        }
        Installer::Uv(_) => {
            let settings = if uv_is_told(order.caller) { order.own_settings.clone() } else { merged() };
            let settings = anywhere(settings, order.caller);
            let requirement_options = readable(&settings).to_requirement_options();
            Given { requirement_options, settings, means: BTreeMap::new() }
        }
    }
}

/// pip's order: variables win over the file that a variable names, that over the environment's, that over the user's.
fn merged(own: IndexSettings, caller: &Caller) -> IndexSettings {
    let [files, named] = users_files(caller);
    let parsed = |texts: Vec<String>| {
        texts.iter().fold(IndexSettings::default(), |weaker, text| IndexSettings::parse(text).over(weaker))
    };
    from_variables(caller).over(parsed(named)).over(own).over(parsed(files))
}

/// The index settings in an environment's `pip.conf`: only when the file belongs to root or the user and nobody else
/// may write it; else none. `None` where the file, or whether there is one, is hidden from the user.
pub fn of_environment(prefix: &Path, viewer: &Viewer) -> Option<IndexSettings> {
    let name = Path::new("pip.conf");
    let read = || -> fs::Result<IndexSettings> {
        let directory = Directory::open(prefix)?;
        let facts = directory.lstat(name.as_os_str())?;
        if facts.kind != Kind::File || !viewer.trusts(facts.uid) || viewer.others_can_write(&facts) {
            return Ok(IndexSettings::default());
        }
        let content = directory.read(name, MAX_SIZE)?;
        Ok(IndexSettings::parse(&String::from_utf8_lossy(&content)))
    };
    match read() {
        Err(error) if error.is_denied() => None,
        settings => Some(settings.unwrap_or_default()),
    }
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

/// The texts of pip's configuration files outside of environments, the weakest first; behind them the one that
/// `PIP_CONFIG_FILE` names.
fn users_files(caller: &Caller) -> [Vec<String>; 2] {
    let named = caller.variable("PIP_CONFIG_FILE").map(PathBuf::from);
    if named.as_deref() == Some(Path::new("/dev/null")) {
        // pip's documented way to say: no files at all.
        return [Vec::new(), Vec::new()];
    }
    let home = caller.home.iter().map(|home| home.join(".pip/pip.conf"));
    let config = config_home(caller).map(|dir| dir.join("pip/pip.conf"));
    // macOS: the documented place is used where it exists.
    let mac = caller.home.iter().map(|home| home.join("Library/Application Support/pip/pip.conf"));
    let global = ["/etc/xdg/pip/pip.conf", "/etc/pip.conf"].map(PathBuf::from);
    let weakest_first = global.into_iter().chain(home).chain(config).chain(mac);
    // A relative name counts from the working directory.
    let named = named.map(|path| caller.absolute(&path));
    [
        weakest_first.filter_map(|path| read(&path)).collect(),
        named.and_then(|path| read(&path)).into_iter().collect(),
    ]
}

/// What the user's files say of [`MEANS`], the strongest; variables of the user's are passed on as they are.
fn users_means(caller: &Caller) -> BTreeMap<String, String> {
    let texts = users_files(caller).concat();
    let entries = texts.iter().flat_map(|text| index_settings::conf_entries(text));
    let wanted = entries.filter(|(key, value)| MEANS.contains(&key.as_str()) && !value.is_empty());
    wanted.map(|(key, value)| (pip_variable(&key), value)).collect()
}

/// What variables such as `PIP_INDEX_URL` say.
fn from_variables(caller: &Caller) -> IndexSettings {
    let mut settings = IndexSettings::default();
    for key in KEYS {
        if let Some(value) = caller.variable(&pip_variable(key)).and_then(|value| value.to_str()) {
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
