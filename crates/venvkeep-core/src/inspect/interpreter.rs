//! Where `bin/python` leads, followed link by link without starting anything.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::host::fs::{self, Directory, IoError};
use crate::model::facts::{Facts, Kind};
use crate::model::owner::Viewer;
use crate::model::prefix::Prefix;
use crate::model::python_version::{PythonLabel, PythonVersion};
use crate::model::pyvenv_cfg::PyvenvCfg;

use super::distributions::LONGEST_SMALL_FILE;
use super::snapshot::Interpreter;

/// As many links as the kernel follows.
const MOST_LINKS: usize = 40;

/// The names that the interpreter goes by in `bin`, the usual first.
const NAMES: [&str; 3] = ["python", "python3", "pypy3"];

/// Looks at the environment's interpreter.
pub(super) fn inspect(prefix: &Prefix, config: Option<&PyvenvCfg>, viewer: &Viewer) -> Interpreter {
    for name in NAMES {
        match fs::lstat_if_any(&prefix.bin().join(name)) {
            Ok(Some(_)) => return follow(prefix, &prefix.bin().join(name), config, viewer),
            Ok(None) => {}
            Err(error) => return Interpreter::Unknown(error.to_string()),
        }
    }
    Interpreter::Absent
}

/// What the environment's interpreter is called, where the end of its links tells.
pub(super) fn label(prefix: &Prefix) -> Option<PythonLabel> {
    let ends = NAMES.iter().map(|name| fs::physical(&prefix.bin().join(name)));
    label_of(&ends.flatten().next()?)
}

fn follow(prefix: &Prefix, start: &Path, config: Option<&PyvenvCfg>, viewer: &Viewer) -> Interpreter {
    let mut at = start.to_owned();
    for _ in 0..MOST_LINKS {
        let facts = match look(&at) {
            Ok(Some(facts)) => facts,
            Ok(None) => return Interpreter::Dangling { target: at },
            Err(error) => return Interpreter::Unknown(error.to_string()),
        };
        if facts.kind != Kind::Link {
            return not_startable(&at, &facts, viewer).unwrap_or_else(|| judge(prefix, &at, config));
        }
        match fs::read_link(&at) {
            Ok(text) => at = at.parent().unwrap_or(Path::new("/")).join(text),
            Err(error) => return Interpreter::Unknown(error.to_string()),
        }
    }
    Interpreter::NotAProgram { target: start.to_owned(), why: "its links lead in a circle".to_owned() }
}

fn look(path: &Path) -> Result<Option<Facts>, IoError> {
    match fs::lstat_if_any(path) {
        // A circle among the directories on the way is as good as nothing there.
        Err(error) if error.is_circle() => Ok(None),
        answer => answer,
    }
}

/// Why the end of the links is nothing that the viewer can start.
fn not_startable(end: &Path, facts: &Facts, viewer: &Viewer) -> Option<Interpreter> {
    let why = match facts.kind {
        Kind::File if facts.mode & 0o111 == 0 => "it may not be executed".to_owned(),
        Kind::File if !viewer.can_execute(facts) => "you may not execute it".to_owned(),
        Kind::File if facts.size == 0 => "it is empty".to_owned(),
        Kind::File => return None,
        other => format!("it is {other}"),
    };
    Some(Interpreter::NotAProgram { target: end.to_owned(), why })
}

fn judge(prefix: &Prefix, end: &Path, config: Option<&PyvenvCfg>) -> Interpreter {
    let physical = match fs::physical(end) {
        Ok(physical) => physical,
        Err(error) => return Interpreter::Unknown(error.to_string()),
    };
    if physical.starts_with(prefix.path()) {
        return Interpreter::Copied { base: config.map_or_else(|| original_base(prefix), configured_base) };
    }
    Interpreter::Base { version: version_of(&physical), executable: physical }
}

/// The base interpreter that `pyvenv.cfg` names: its `executable`, else a program in its `home` (PEP 405).
fn configured_base(config: &PyvenvCfg) -> Option<PathBuf> {
    let named = config.executable().map(PathBuf::from);
    let home = config.home().map(PathBuf::from);
    let version = config.version().map(|version| format!("python{}.{}", version.major, version.minor));
    let in_home = home.into_iter().flat_map(|home| {
        let names = version.clone().into_iter().chain(NAMES.map(str::to_owned));
        names.map(|name| home.join(name)).collect::<Vec<_>>()
    });
    named.into_iter().chain(in_home).find(|path| is_program(path))
}

/// The base interpreter of a virtualenv from before `pyvenv.cfg`: it kept its prefix beside the library.
fn original_base(prefix: &Prefix) -> Option<PathBuf> {
    let lib = Directory::open(prefix.path()).and_then(|prefix| prefix.descend(Path::new("lib"))).ok()?;
    let libraries = lib.names().ok()?.into_iter().filter_map(|name| String::from_utf8(name).ok());
    let originals = libraries.filter(|name| PythonLabel::parse(name).is_some()).filter_map(|name| {
        let text = lib.read(&Path::new(&name).join("orig-prefix.txt"), LONGEST_SMALL_FILE).ok()?;
        Some(Path::new(OsStr::from_bytes(text.trim_ascii())).join("bin").join(name))
    });
    originals.into_iter().find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    path.is_absolute()
        && fs::stat(path).is_ok_and(|facts| facts.kind == Kind::File && facts.mode & 0o111 != 0)
}

fn version_of(executable: &Path) -> Option<PythonVersion> {
    label_of(executable).map(|label| label.version)
}

/// What a base interpreter is called by its own name, else by the one library directory beside its `bin`.
fn label_of(executable: &Path) -> Option<PythonLabel> {
    if let Some(label) = executable.file_name().and_then(|name| PythonLabel::parse(name.to_str()?)) {
        return Some(label);
    }
    let lib = executable.parent()?.parent()?.join("lib");
    let names = Directory::open(&lib).ok()?.names().ok()?;
    let mut labels: Vec<_> =
        names.iter().filter_map(|name| PythonLabel::parse(std::str::from_utf8(name).ok()?)).collect();
    // A free-threaded build may have its library beside the usual one.
    labels.sort_unstable_by_key(|label| (label.version, label.free_threaded));
    labels.dedup_by_key(|label| label.version);
    match labels.as_slice() {
        [only] => Some(*only),
        _ => None,
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests build what is to be looked at")]
mod tests {
    use std::fs::{create_dir_all, set_permissions, write};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::path::{Path, PathBuf};

    use super::{Interpreter, PythonVersion, PyvenvCfg};
    use crate::model::owner::{LoneGroups, Viewer};
    use crate::model::prefix::Prefix;

    struct Ground {
        _keep: tempfile::TempDir,
        root: PathBuf,
        prefix: Prefix,
    }

    fn ground() -> Ground {
        let keep = tempfile::tempdir().unwrap();
        let root = keep.path().canonicalize().unwrap();
        let prefix = Prefix::new(root.join(".venv")).unwrap();
        create_dir_all(prefix.bin()).unwrap();
        Ground { _keep: keep, root, prefix }
    }

    /// A user number that no test runs under.
    const STRANGER: u32 = 54_321;

    fn viewer(uid: u32) -> Viewer {
        Viewer {
            uid,
            gid: uid,
            groups: vec![uid],
            lone_groups: LoneGroups::known(vec![uid]),
            trusted_owners: vec![],
        }
    }

    fn inspect(prefix: &Prefix, config: Option<&PyvenvCfg>) -> Interpreter {
        super::inspect(prefix, config, &viewer(STRANGER))
    }

    fn program(path: &Path) {
        create_dir_all(path.parent().unwrap()).unwrap();
        write(path, "#!\n").unwrap();
        set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_chain_of_links_to_a_base() {
        let ground = ground();
        program(&ground.root.join("base/bin/python3.9"));
        symlink("../base/bin/python3.9", ground.prefix.path().with_file_name("link")).unwrap();
        symlink(ground.root.join("base/bin/python3.9"), ground.prefix.bin().join("python3")).unwrap();
        symlink("python3", ground.prefix.bin().join("python")).unwrap();
        let expected = Interpreter::Base {
            executable: ground.root.join("base/bin/python3.9"),
            version: Some(PythonVersion::new(3, 9)),
        };
        assert_eq!(inspect(&ground.prefix, None), expected);
    }

    #[test]
    fn the_version_may_stand_beside() {
        let ground = ground();
        program(&ground.root.join("base/bin/python"));
        create_dir_all(ground.root.join("base/lib/python3.12")).unwrap();
        symlink(ground.root.join("base/bin/python"), ground.prefix.bin().join("python")).unwrap();
        let Interpreter::Base { version, .. } = inspect(&ground.prefix, None) else { panic!() };
        assert_eq!(version, Some(PythonVersion::new(3, 12)));
        create_dir_all(ground.root.join("base/lib/python3.13")).unwrap();
        let Interpreter::Base { version, .. } = inspect(&ground.prefix, None) else { panic!() };
        assert_eq!(version, None, "two libraries tell nothing");
    }

    #[test]
    fn ends_that_are_no_program() {
        let ground = ground();
        let python = ground.prefix.bin().join("python");
        assert_eq!(inspect(&ground.prefix, None), Interpreter::Absent);
        symlink("/nowhere/python3.7", &python).unwrap();
        let target = PathBuf::from("/nowhere/python3.7");
        assert_eq!(inspect(&ground.prefix, None), Interpreter::Dangling { target });
        for (text, word) in [("python", "circle"), ("..", "directory"), ("../x", "executed")] {
            std::fs::remove_file(&python).unwrap();
            symlink(text, &python).unwrap();
            write(ground.prefix.join("x"), "x").unwrap();
            let found = inspect(&ground.prefix, None);
            assert!(
                matches!(&found, Interpreter::NotAProgram { why, .. } if why.contains(word)),
                "{found:?}"
            );
        }
    }

    #[test]
    fn a_program_that_others_may_start_and_the_viewer_may_not() {
        let ground = ground();
        let base = ground.root.join("base/python3.11");
        program(&base);
        symlink(&base, ground.prefix.bin().join("python")).unwrap();
        set_permissions(&base, std::fs::Permissions::from_mode(0o750)).unwrap();
        let owner = std::fs::metadata(&base).unwrap().uid();
        let seen_by = |uid| super::inspect(&ground.prefix, None, &viewer(uid));
        assert!(matches!(seen_by(owner), Interpreter::Base { .. }));
        assert!(matches!(seen_by(STRANGER), Interpreter::NotAProgram { why, .. } if why.starts_with("you")));
    }

    #[test]
    fn a_copy_names_its_base_in_the_config() {
        let ground = ground();
        program(&ground.prefix.bin().join("python"));
        program(&ground.root.join("base/python3.10"));
        let home = |place: &str| PyvenvCfg::parse(format!("home = {place}\nversion = 3.10.1\n").as_bytes());
        let base = ground.root.join("base");
        assert_eq!(
            inspect(&ground.prefix, Some(&home(base.to_str().unwrap()))),
            Interpreter::Copied { base: Some(base.join("python3.10")) }
        );
        assert_eq!(inspect(&ground.prefix, Some(&home("/nowhere"))), Interpreter::Copied { base: None });
    }
}
