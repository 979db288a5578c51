//! From what the user typed (or did not type) to the environment that is meant.
//!
//! A path is resolved to its physical place, a final link included: a `.venv` that is a link means the environment it
//! leads to, because that is what would be rebuilt and whose neighbours matter. Whether a directory is an environment
//! is judged by looking, never by starting anything; one that may not be looked into is taken for one where it was
//! named outright or is called like one, so that `unreadable` can be reported instead of "no such environment".

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::host::credentials;
use crate::host::fs::{self, Directory, IoError};
use crate::model::caller::Caller;
use crate::model::facts::{Facts, Kind};
use crate::model::naming::{USUAL_NAMES, is_usual};
use crate::model::owner::Viewer;
use crate::model::prefix::{Prefix, PrefixError};
use crate::model::python_version::PythonLabel;
use crate::model::siblings::journal_name;

/// The name of a file that holds the path of a project's environment.
const REDIRECT: &str = ".venv";

/// As long as a path can be, and what editors put around it.
const LONGEST_REDIRECT: u64 = 8192;

/// Why no environment was found.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// Nothing stands at the path.
    #[error("there is nothing at {}", .path.display())]
    NoSuchPath {
        /// As it was asked for, made absolute.
        path: PathBuf,
    },
    /// Nothing stands at the path, and what was typed is no environment's name either.
    #[error("there is nothing at {}, and no environment is known by that name", .path.display())]
    NoSuchName {
        /// As it was asked for, made absolute.
        path: PathBuf,
        /// Names of known environments that look like it.
        similar: Vec<String>,
    },
    /// `VIRTUAL_ENV` names a place where nothing stands.
    #[error("the active environment, {}, does not exist any more", .path.display())]
    ActiveIsGone {
        /// The variable's value.
        path: PathBuf,
    },
    /// Something other than a directory.
    #[error("{} is {kind}, not an environment", .path.display())]
    NotADirectory {
        /// Where.
        path: PathBuf,
        /// What stands there.
        kind: Kind,
    },
    /// A link that somebody put there who is neither root nor the user.
    #[error("{} is a link of {}, who is neither root nor you", .path.display(), credentials::called(*.owner))]
    ForeignLink {
        /// Where.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
    },
    /// A `.venv` file (PEP 832) that somebody else could have written decides nothing.
    #[error("{} points to an environment, but others than root and you could have written it", .path.display())]
    ForeignRedirect {
        /// The file.
        path: PathBuf,
    },
    /// A `.venv` file that holds no path.
    #[error("{} is a file that does not hold the path of an environment", .path.display())]
    BadRedirect {
        /// The file.
        path: PathBuf,
    },
    /// A directory without anything that makes an environment.
    #[error("{} is a directory, but no Python environment", .path.display())]
    NotAnEnvironment {
        /// Where.
        path: PathBuf,
        /// An environment around it that may have been meant.
        meant: Option<PathBuf>,
    },
    /// None was asked for, none is active, and none is near.
    #[error("no environment is active, and there is no .venv, venv or env in {} or above it", .cwd.display())]
    NoneNear {
        /// Where the search began.
        cwd: PathBuf,
    },
    /// A name that several environments go by.
    #[error("{} environments are called {name}", .paths.len())]
    SeveralCalled {
        /// The name.
        name: String,
        /// Where they are.
        paths: Vec<PathBuf>,
    },
    /// The root directory.
    #[error(transparent)]
    NoPrefix(#[from] PrefixError),
    /// The path cannot be looked at.
    #[error(transparent)]
    Io(#[from] IoError),
}

/// Finds the environment: the one asked for, else the active one, else the nearest from the working directory upwards.
pub fn locate(asked: Option<&Path>, caller: &Caller) -> Result<Prefix, LocateError> {
    if let Some(typed) = asked {
        return at(&caller.absolute(typed), &caller.viewer);
    }
    if let Some(active) = caller.variable("VIRTUAL_ENV") {
        return at(&caller.absolute(Path::new(active)), &caller.viewer).map_err(|error| match error {
            LocateError::NoSuchPath { path } => LocateError::ActiveIsGone { path },
            other => other,
        });
    }
    nearest(&caller.cwd, &caller.viewer)?.ok_or_else(|| LocateError::NoneNear { cwd: caller.cwd.clone() })
}

/// The link or the `.venv` file that leads to the environment which [`locate`] finds, where there is one: it stays, and
/// what is done is done to the environment.
pub fn link_to_it(asked: Option<&Path>, caller: &Caller) -> Option<PathBuf> {
    let named = asked.or_else(|| caller.variable("VIRTUAL_ENV").map(Path::new));
    // Behind a slash at the end stands what the link leads to.
    let plain = |path: PathBuf| -> PathBuf { path.components().collect() };
    let leads = |path: &PathBuf| {
        let leads = |facts: &Facts| facts.kind == Kind::Link || is_redirect(path, facts);
        matches!(fs::lstat_if_any(path), Ok(Some(facts)) if leads(&facts))
    };
    let places = match named.map(|typed| caller.absolute(typed)) {
        Some(path) => {
            let within = in_project(&path).map(plain);
            let typed = plain(path);
            // A link to a project's directory is a way to the project; one in an environment's place stands for that.
            let is_place = typed.file_name().is_some_and(is_usual);
            [(within.is_none() || is_place).then_some(typed), within]
        }
        None => [caller.cwd.ancestors().find_map(inside).map(plain), None],
    };
    places.into_iter().flatten().find(leads)
}

/// The environment at this absolute path, or in the project at it.
pub fn at(path: &Path, viewer: &Viewer) -> Result<Prefix, LocateError> {
    if in_project(path).is_none() {
        return exactly_at(path, viewer);
    }
    // Whose link leads to a project decides as much as whose link leads to an environment.
    let place = resolved(path, viewer)?;
    // One step: what stands in a project under an environment's name is no project.
    in_project(&place).map_or_else(|| exactly_at(&place, viewer), |meant| exactly_at(&meant, viewer))
}

/// The place of the environment of the project at this path; `None` where that is an environment itself, or neither.
fn in_project(path: &Path) -> Option<PathBuf> {
    let is_directory = fs::stat(path).is_ok_and(|facts| facts.kind == Kind::Directory);
    if is_directory && looks_like_environment(path) == Likeness::None { inside(path) } else { None }
}

fn exactly_at(path: &Path, viewer: &Viewer) -> Result<Prefix, LocateError> {
    let facts = match fs::stat(path) {
        Err(error) if error.is_missing() => {
            return between_renames(path).ok_or_else(|| LocateError::NoSuchPath { path: path.to_owned() });
        }
        answer => answer?,
    };
    if is_redirect(path, &facts) {
        // One step, so that none leads in a circle.
        return directory_at(&redirected(path, viewer)?, viewer);
    }
    directory_at(path, viewer)
}

/// The environment in this directory.
fn directory_at(path: &Path, viewer: &Viewer) -> Result<Prefix, LocateError> {
    let facts = match fs::stat(path) {
        Err(error) if error.is_missing() => return Err(LocateError::NoSuchPath { path: path.to_owned() }),
        answer => answer?,
    };
    if facts.kind != Kind::Directory {
        return Err(LocateError::NotADirectory { path: path.to_owned(), kind: facts.kind });
    }
    let prefix = Prefix::new(resolved(path, viewer)?)?;
    if looks_like_environment(prefix.path()) == Likeness::None {
        return Err(LocateError::NotAnEnvironment {
            path: prefix.path().to_owned(),
            meant: around(prefix.path()),
        });
    }
    Ok(prefix)
}

/// The physical place of what a path names. Whoever put a link there decides where it leads, so that is root or the
/// user; one that somebody puts there afterwards is not followed.
fn resolved(path: &Path, viewer: &Viewer) -> Result<PathBuf, LocateError> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(fs::physical(path)?);
    };
    let parent = fs::physical(parent)?;
    let place = parent.join(name);
    let facts = fs::lstat(&place)?;
    if facts.kind != Kind::Link {
        return Ok(place);
    }
    if !viewer.trusts(facts.uid) {
        return Err(LocateError::ForeignLink { path: place, owner: facts.uid });
    }
    Ok(fs::physical(&parent.join(fs::read_link(&place)?))?)
}

/// Whether this is a `.venv` file, which holds the path of a project's environment (PEP 832, a draft).
fn is_redirect(path: &Path, facts: &Facts) -> bool {
    facts.kind == Kind::File && path.file_name().is_some_and(|name| name == REDIRECT)
}

/// Where a `.venv` file points to. Whoever wrote it decides what is looked at and changed, as with a link.
fn redirected(path: &Path, viewer: &Viewer) -> Result<PathBuf, LocateError> {
    let place = resolved(path, viewer)?;
    let facts = fs::lstat(&place)?;
    if !viewer.trusts(facts.uid) || viewer.others_can_write(&facts) {
        return Err(LocateError::ForeignRedirect { path: place });
    }
    let content = fs::read_bounded(&place, LONGEST_REDIRECT)?;
    let text = content.trim_ascii();
    if text.is_empty() || text.iter().any(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
        return Err(LocateError::BadRedirect { path: place });
    }
    let around = place.parent().unwrap_or(Path::new("/"));
    Ok(around.join(OsStr::from_bytes(text)))
}

/// The nearest environment with a usual name, from a directory upwards. The nearest decides: where it is a file or a link
/// that cannot be followed, one further up is not meant.
fn nearest(start: &Path, viewer: &Viewer) -> Result<Option<Prefix>, LocateError> {
    let Some(found) = start.ancestors().find_map(inside) else { return Ok(None) };
    if let Some(prefix) = between_renames(&found) {
        return Ok(Some(prefix));
    }
    let is_file = fs::stat(&found).is_ok_and(|facts| is_redirect(&found, &facts));
    Ok(Some(if is_file { exactly_at(&found, viewer)? } else { Prefix::new(resolved(&found, viewer)?)? }))
}

fn inside(directory: &Path) -> Option<PathBuf> {
    USUAL_NAMES.iter().map(|name| directory.join(name)).find(|path| match fs::stat(path) {
        Ok(facts) if facts.kind == Kind::Directory => looks_like_environment(path) != Likeness::None,
        Ok(facts) => is_redirect(path, &facts),
        Err(_) => between_renames(path).is_some(),
    })
}

/// The environment that belongs to a place where nothing is, since a heal was cut off between two renames: the journal
/// beside it says so, and the next heal settles it.
fn between_renames(path: &Path) -> Option<Prefix> {
    let parent = fs::physical(path.parent()?).ok()?;
    let prefix = Prefix::new(parent.join(path.file_name()?)).ok()?;
    let journal = fs::lstat(&prefix.parent().join(journal_name(&prefix))).ok()?;
    let is_empty = matches!(fs::lstat_if_any(prefix.path()), Ok(None));
    (is_empty && journal.kind == Kind::File && journal.size > 0).then_some(prefix)
}

fn around(path: &Path) -> Option<PathBuf> {
    let mut above = path.ancestors().skip(1);
    above
        .find(|directory| matches!(fs::lstat_if_any(&directory.join("pyvenv.cfg")), Ok(Some(_))))
        .map(Path::to_owned)
}

/// How much a directory looks like an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// Not at all, or nothing stands there.
    None,
    /// It cannot be looked into, so that it may be one.
    Hidden,
    /// It is one, whole or broken.
    Environment,
}

/// Judges a directory: `pyvenv.cfg` (PEP 405) or `conda-meta` make an environment; so do, without them, the scripts
/// and site-packages of one that lost its `pyvenv.cfg`, or of a virtualenv before 20. A Python installation, which
/// has site-packages and its own standard library beside them, is none.
pub fn looks_like_environment(directory: &Path) -> Likeness {
    let mut hidden = false;
    let mut has = |inside: &str| match fs::lstat_if_any(&directory.join(inside)) {
        Ok(found) => found.is_some(),
        Err(error) => {
            hidden |= error.is_denied();
            false
        }
    };
    if has("pyvenv.cfg") || has("conda-meta") {
        return Likeness::Environment;
    }
    let has_scripts = has("bin/activate") || has("bin/python");
    if hidden {
        return Likeness::Hidden;
    }
    if has_scripts && has_library(directory) { Likeness::Environment } else { Likeness::None }
}

/// Whether one of the directories in `lib` holds the site-packages of an environment.
pub fn has_library(directory: &Path) -> bool {
    let lib = directory.join("lib");
    let names = Directory::open(&lib).and_then(|lib| lib.names()).unwrap_or_default();
    names.iter().any(|name| {
        let versioned = std::str::from_utf8(name).is_ok_and(|name| PythonLabel::parse(name).is_some());
        let library = lib.join(OsStr::from_bytes(name));
        let has = |inside: &str| matches!(fs::lstat_if_any(&library.join(inside)), Ok(Some(_)));
        versioned && has("site-packages") && (has("orig-prefix.txt") || !has("os.py"))
    })
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests build what is to be found")]
mod tests {
    use std::collections::BTreeMap;
    use std::fs::{create_dir_all, write};
    use std::os::unix::fs::{MetadataExt, symlink};
    use std::path::{Path, PathBuf};

    use super::{LocateError, Viewer, link_to_it, locate};
    use crate::model::caller::Caller;
    use crate::model::owner::LoneGroups;

    fn caller(cwd: &Path, active: Option<&Path>) -> Caller {
        let viewer = Viewer {
            uid: rustix::process::geteuid().as_raw(),
            gid: 1000,
            groups: vec![1000],
            lone_groups: LoneGroups::known(vec![1000]),
            trusted_owners: vec![],
        };
        let active = active.map(|path| ("VIRTUAL_ENV".into(), path.into()));
        let variables: BTreeMap<_, _> = active.into_iter().collect();
        Caller::new(viewer, cwd.to_owned(), variables)
    }

    fn ground() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        (directory, root)
    }

    fn environment(path: &Path) {
        create_dir_all(path).unwrap();
        write(path.join("pyvenv.cfg"), "home = /usr/bin\n").unwrap();
    }

    fn found(asked: Option<&Path>, caller: &Caller) -> PathBuf {
        locate(asked, caller).unwrap().path().to_owned()
    }

    #[test]
    fn what_was_asked_for_then_the_active_then_the_nearest() {
        let (_keep, root) = ground();
        environment(&root.join("p/venv"));
        environment(&root.join("p/.venv"));
        environment(&root.join("active"));
        create_dir_all(root.join("p/src/env/deep")).unwrap();
        let inside = caller(&root.join("p/src/env/deep"), None);
        assert_eq!(found(None, &inside), root.join("p/.venv"), "a directory `env` that is none is passed by");
        assert_eq!(found(Some(Path::new("../../../venv")), &inside), root.join("p/venv"));
        let active = caller(&root.join("p"), Some(&root.join("active")));
        assert_eq!(found(None, &active), root.join("active"));
        let stale = caller(&root.join("p"), Some(&root.join("gone")));
        assert!(matches!(locate(None, &stale), Err(LocateError::ActiveIsGone { .. })));
    }

    #[test]
    fn a_project_means_the_environment_in_it() {
        let (_keep, root) = ground();
        environment(&root.join("p/venv"));
        environment(&root.join("central/q"));
        create_dir_all(root.join("q")).unwrap();
        write(root.join("q/.venv"), "../central/q\n").unwrap();
        create_dir_all(root.join("loop")).unwrap();
        write(root.join("loop/.venv"), ".\n").unwrap();
        symlink("p", root.join("link")).unwrap();
        let me = caller(&root, None);
        let link = |asked: &str| link_to_it(Some(Path::new(asked)), &me);
        for (asked, meant) in [
            ("p", "p/venv"),
            ("./p/", "p/venv"),
            ("link", "p/venv"),
            ("q", "central/q"),
            ("p/venv", "p/venv"),
        ] {
            assert_eq!(found(Some(Path::new(asked)), &me), root.join(meant), "{asked}");
        }
        assert_eq!(found(Some(Path::new(".")), &caller(&root.join("p"), None)), root.join("p/venv"));
        assert_eq!((link("q"), link("p"), link("link")), (Some(root.join("q/.venv")), None, None));
        create_dir_all(root.join("r")).unwrap();
        symlink("../p", root.join("r/.venv")).unwrap();
        assert_eq!(found(Some(Path::new("r/.venv")), &me), root.join("p/venv"));
        assert_eq!(link("r/.venv"), Some(root.join("r/.venv")));
        // One that leads back to its project leads to no environment.
        for asked in ["loop", "loop/.venv", "central"] {
            let refused = locate(Some(Path::new(asked)), &me);
            assert!(matches!(refused, Err(LocateError::NotAnEnvironment { meant: None, .. })), "{refused:?}");
        }
    }

    #[test]
    fn a_link_means_where_it_leads() {
        let (_keep, root) = ground();
        environment(&root.join("elsewhere/e"));
        create_dir_all(root.join("p")).unwrap();
        symlink("../elsewhere/e", root.join("p/.venv")).unwrap();
        assert_eq!(found(None, &caller(&root.join("p"), None)), root.join("elsewhere/e"));
        let from = |asked: &str| link_to_it(Some(Path::new(asked)), &caller(&root.join("p"), None));
        assert_eq!(link_to_it(None, &caller(&root.join("p"), None)), Some(root.join("p/.venv")));
        assert_eq!(from(".venv/"), Some(root.join("p/.venv")));
        assert_eq!(from("../elsewhere/e"), None);
        let own = std::fs::symlink_metadata(root.join("p/.venv")).unwrap().uid();
        let mut stranger = caller(&root.join("p"), None);
        stranger.viewer.uid = own + 1;
        let found = locate(Some(&root.join("p/.venv")), &stranger);
        assert_eq!(matches!(found, Err(LocateError::ForeignLink { .. })), own != 0, "{found:?}");
        symlink("loop", root.join("loop")).unwrap();
        assert!(matches!(locate(Some(&root.join("loop")), &caller(&root, None)), Err(LocateError::Io(_))));
    }

    #[test]
    fn a_file_that_holds_a_path_leads_there() {
        let (_keep, root) = ground();
        environment(&root.join("central/proj"));
        environment(&root.join("p/venv"));
        let (file, me) = (root.join("p/.venv"), caller(&root.join("p"), None));
        let error = |path: &Path| locate(Some(path), &me).unwrap_err();
        for text in
            ["../central/proj\n", "../central/proj", &format!("{}\n", root.join("central/proj").display())]
        {
            write(&file, text).unwrap();
            assert_eq!(found(None, &me), root.join("central/proj"), "{text}");
            assert_eq!(found(Some(&file), &me), root.join("central/proj"), "{text}");
        }
        assert_eq!(link_to_it(None, &me), Some(file.clone()));
        for text in ["", "\n", "a\nb", "a\0b"] {
            write(&file, text).unwrap();
            assert!(matches!(error(&file), LocateError::BadRedirect { .. }), "{text:?}");
        }
        write(&file, "nowhere").unwrap();
        assert!(matches!(error(&file), LocateError::NoSuchPath { .. }));
        // A file leads to no other file, and one of another name leads nowhere.
        write(root.join("p/other"), "../central/proj").unwrap();
        assert!(matches!(error(&root.join("p/other")), LocateError::NotADirectory { .. }));
        create_dir_all(root.join("q")).unwrap();
        write(root.join("q/.venv"), "../p/.venv").unwrap();
        write(&file, "../central/proj").unwrap();
        assert!(matches!(error(&root.join("q/.venv")), LocateError::NotADirectory { .. }));
        let own = std::fs::symlink_metadata(&file).unwrap().uid();
        let mut stranger = caller(&root.join("p"), None);
        stranger.viewer.uid = own + 1;
        let found = locate(Some(&file), &stranger);
        assert_eq!(matches!(found, Err(LocateError::ForeignRedirect { .. })), own != 0, "{found:?}");
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
        assert!(matches!(error(&file), LocateError::ForeignRedirect { .. }));
    }

    #[test]
    fn where_a_heal_was_cut_off_between_two_renames_the_journal_stands_for_the_environment() {
        let (_keep, root) = ground();
        environment(&root.join("p/venv"));
        let (place, journal) = (root.join("p/.venv"), root.join("p/.venv.venvkeep-journal"));
        let me = caller(&root.join("p"), None);
        write(&journal, "").unwrap();
        assert!(matches!(locate(Some(&place), &me), Err(LocateError::NoSuchPath { .. })), "it tells nothing");
        assert_eq!(found(None, &me), root.join("p/venv"));
        write(&journal, "{}\n").unwrap();
        assert_eq!(found(Some(Path::new("../p/.venv")), &me), place);
        assert_eq!(found(None, &me), place);
        symlink("gone", &place).unwrap();
        assert!(
            matches!(locate(Some(&place), &me), Err(LocateError::NoSuchPath { .. })),
            "a link is something"
        );
    }

    #[test]
    fn each_mistake_has_its_own_answer() {
        let (_keep, root) = ground();
        environment(&root.join("p/.venv"));
        create_dir_all(root.join("p/.venv/bin")).unwrap();
        create_dir_all(root.join("empty")).unwrap();
        write(root.join("file"), "").unwrap();
        let me = caller(&root.join("empty"), None);
        let error = |path: &str| locate(Some(&root.join(path)), &me).unwrap_err();
        assert!(matches!(error("nowhere"), LocateError::NoSuchPath { .. }));
        assert!(matches!(error("file/below"), LocateError::NoSuchPath { .. }));
        assert!(matches!(error("file"), LocateError::NotADirectory { .. }));
        assert!(matches!(error("empty"), LocateError::NotAnEnvironment { meant: None, .. }));
        let LocateError::NotAnEnvironment { meant, .. } = error("p/.venv/bin") else { panic!() };
        assert_eq!(meant, Some(root.join("p/.venv")));
        assert!(matches!(error("../../../../../../.."), LocateError::NoPrefix(_)));
    }

    #[test]
    fn an_environment_without_its_config_is_one_and_a_python_installation_is_none() {
        let (_keep, root) = ground();
        for place in ["lost", "installed", "legacy"] {
            create_dir_all(root.join(place).join("bin")).unwrap();
            create_dir_all(root.join(place).join("lib/python3.11/site-packages")).unwrap();
            write(root.join(place).join("bin/python"), "").unwrap();
        }
        write(root.join("installed/lib/python3.11/os.py"), "").unwrap();
        write(root.join("legacy/lib/python3.11/os.py"), "").unwrap();
        write(root.join("legacy/lib/python3.11/orig-prefix.txt"), "/usr").unwrap();
        let me = caller(&root, None);
        assert!(locate(Some(Path::new("lost")), &me).is_ok());
        assert!(locate(Some(Path::new("legacy")), &me).is_ok());
        assert!(locate(Some(Path::new("installed")), &me).is_err());
    }
}
