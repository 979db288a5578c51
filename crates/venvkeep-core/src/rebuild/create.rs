//! The skeleton of an environment: directories, interpreter links, `pyvenv.cfg` (PEP 405), activation scripts.
//!
//! What `python -m venv` makes, without starting a Python. Where the files are written and where the environment will
//! live are two things: everything that names the environment's path names the final one from the start.

use std::path::{Path, PathBuf};

use crate::host::fs::{IoError, create_dir, create_dirs, create_file, lstat, physical, set_mode, symlink};
use crate::model::facts::Kind;
use crate::model::interpreter::BaseInterpreter;
use crate::model::prefix::Prefix;
use crate::model::pyvenv_cfg::{Naming, PyvenvCfg, UnwritableValue};
use crate::model::sharing::Sharing;
use crate::model::tree::Tree;
use crate::rebuild::activation::activation_scripts;

/// What to make.
#[derive(Debug, Clone)]
pub struct Skeleton<'a> {
    /// The interpreter that it borrows.
    pub interpreter: &'a BaseInterpreter,
    /// Where it will live.
    pub prefix: &'a Prefix,
    /// What the shell's prompt shows while it is active.
    pub prompt: &'a str,
    /// Whether the base's own packages are importable.
    pub system_site_packages: SystemSitePackages,
    /// Whether it names its place.
    pub naming: Naming,
    /// Whom it is for.
    pub sharing: &'a Sharing,
}

/// Whether an environment sees the packages installed for its base interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SystemSitePackages {
    /// Only its own.
    Hidden,
    /// Its own first, then the base's.
    Visible,
}

/// Why the skeleton could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// A file could not be written.
    #[error(transparent)]
    Io(#[from] IoError),
    /// A setting that `pyvenv.cfg` cannot hold.
    #[error(transparent)]
    Setting(#[from] UnwritableValue),
}

/// The link in `bin` that names the base interpreter; the other names are links to it. Scripts start it, because
/// every environment of every implementation has one of that name.
pub const INTERPRETER: &str = "bin/python";

/// Keeps the environment out of a surrounding git repository, as `venv` does since Python 3.13.
const GITIGNORE: &str =
    "# Made by venvkeep: an environment can be made again, it does not belong in the repository.\n*\n";

/// Fills `directory`, which is empty and this run's own.
pub fn create(directory: &Path, skeleton: &Skeleton<'_>) -> Result<(), CreateError> {
    let scheme = &skeleton.interpreter.scheme;
    create_dirs(&directory.join(&scheme.scripts), 0o777)?;
    create_dir(&directory.join("include"), 0o777)?;
    // Before anything goes below `lib64`: that is a link where the system is one that knows it.
    create_dir(&directory.join("lib"), 0o777)?;
    if has_lib64(&skeleton.interpreter.platform) {
        symlink(Path::new("lib"), &directory.join("lib64"))?;
    }
    for site in [&scheme.purelib, &scheme.platlib] {
        create_dirs(&directory.join(site), 0o777)?;
    }
    link_interpreter(directory, skeleton.interpreter)?;

    create_file(&directory.join("pyvenv.cfg"), 0o666, settings(skeleton)?.to_text().as_bytes())?;
    create_file(&directory.join(".gitignore"), 0o666, GITIGNORE.as_bytes())?;
    for script in activation_scripts(skeleton.prefix.path(), skeleton.naming, skeleton.prompt) {
        create_file(&directory.join(&scheme.scripts).join(script.name), 0o666, &script.content)?;
    }
    Ok(())
}

/// Gives a directory that was made private the mode that its own subdirectories have: what the umask, and a setgid
/// bit inherited from above, make of a new directory here. Only writing by everybody is taken from all that is in it:
/// an open umask (000, or that of an installer's cache) would have strangers write what the user runs. `tree` is what
/// is in it, and follows.
pub fn open_up(directory: &Path, tree: &mut Tree) -> Result<(), IoError> {
    for id in tree.ids().filter(|&id| id != Tree::ROOT) {
        let facts = tree.facts(id);
        if matches!(facts.kind, Kind::File | Kind::Directory) && facts.mode & 0o002 != 0 {
            let mode = facts.mode & !0o002;
            set_mode(&directory.join(tree.path(id)), mode)?;
            tree.set_mode(id, mode);
        }
    }
    let mode = open_up_itself(directory)?;
    tree.set_mode(Tree::ROOT, mode);
    Ok(())
}

/// The same for the directory alone: what is in it was made under a umask that lets not everybody write. Gives the
/// mode.
pub fn open_up_itself(directory: &Path) -> Result<u16, IoError> {
    let mode = lstat(&directory.join("lib"))?.mode;
    set_mode(directory, mode)?;
    Ok(mode)
}

/// Distributions for 64-bit Linux look into either; `venv` makes them one directory everywhere but on macOS.
fn has_lib64(platform: &str) -> bool {
    !platform.starts_with("macosx") && (platform.contains("64") || platform.ends_with("s390x"))
}

fn link_interpreter(directory: &Path, interpreter: &BaseInterpreter) -> Result<(), IoError> {
    symlink(&interpreter.executable, &directory.join(INTERPRETER))?;
    let minor = format!("python3.{}", interpreter.version.minor);
    let mut names = vec!["python3".to_owned(), minor];
    if interpreter.free_threaded {
        names.push(format!("python3.{}t", interpreter.version.minor));
    }
    if interpreter.implementation != "cpython" {
        names.extend([interpreter.implementation.clone(), format!("{}3", interpreter.implementation)]);
    }
    let target = Path::new(INTERPRETER).file_name().unwrap_or_default();
    for name in names {
        symlink(Path::new(target), &directory.join(INTERPRETER).with_file_name(name))?;
    }
    Ok(())
}

fn settings(skeleton: &Skeleton<'_>) -> Result<PyvenvCfg, CreateError> {
    let interpreter = skeleton.interpreter;
    let home = interpreter.executable.parent().unwrap_or(Path::new("/"));
    let visible = skeleton.system_site_packages == SystemSitePackages::Visible;
    let mut settings = PyvenvCfg::default();
    settings.set("home", text(home)?)?;
    settings.set("include-system-site-packages", if visible { "true" } else { "false" })?;
    settings.set("version", &interpreter.version.to_string())?;
    settings.set("executable", text(&physical(&interpreter.executable)?)?)?;
    settings.set_prompt(skeleton.prompt)?;
    settings.set_naming(skeleton.naming)?;
    settings.set_sharing(skeleton.sharing)?;
    settings.set("venvkeep", env!("CARGO_PKG_VERSION"))?;
    Ok(settings)
}

/// `pyvenv.cfg` is UTF-8.
fn text(path: &Path) -> Result<&str, UnwritableValue> {
    path.to_str().ok_or_else(|| UnwritableValue {
        key: "home".to_owned(),
        value: PathBuf::from(path).to_string_lossy().into_owned(),
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "the tests look at the disk by themselves")]

    use super::{
        BaseInterpreter, Naming, Path, PathBuf, Prefix, Skeleton, SystemSitePackages, create, has_lib64,
        open_up,
    };
    use serde_json::json;
    use std::collections::BTreeMap;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use crate::host::fs::Directory;
    use crate::host::walk;

    fn interpreter(implementation: &str, free_threaded: bool) -> BaseInterpreter {
        serde_json::from_value(json!({
            "executable": "/bin/sh", "implementation": implementation, "version": "3.13.1", "cache_tag": null,
            "base_prefix": "/usr", "stdlib": "/usr/lib", "free_threaded": free_threaded, "extension_suffix": null,
            "platform": "linux-x86_64", "libc": null, "wheel_dir": null, "markers": {},
            "scheme": {"purelib": "lib/python3.13/site-packages", "platlib": "lib64/python3.13/site-packages",
                "scripts": "bin", "include": "include/site/python3.13", "data": ""},
        }))
        .unwrap()
    }

    fn made(interpreter: &BaseInterpreter) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let skeleton = Skeleton {
            interpreter,
            prefix: &Prefix::new("/home/ana/proj/.venv".into()).unwrap(),
            prompt: "proj",
            system_site_packages: SystemSitePackages::Visible,
            naming: Naming::ItsPlace,
            sharing: &super::Sharing::AsUsual,
        };
        create(directory.path(), &skeleton).unwrap();
        directory
    }

    fn links(directory: &Path) -> BTreeMap<String, PathBuf> {
        let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
        entries
            .filter_map(|entry| {
                Some((entry.file_name().into_string().unwrap(), fs::read_link(entry.path()).ok()?))
            })
            .collect()
    }

    #[test]
    fn every_name_leads_to_the_base() {
        for (implementation, free_threaded, names) in [
            ("cpython", false, &["python3", "python3.13"][..]),
            ("cpython", true, &["python3", "python3.13", "python3.13t"]),
            ("pypy", false, &["pypy", "pypy3", "python3", "python3.13"]),
        ] {
            let directory = made(&interpreter(implementation, free_threaded));
            let mut links = links(&directory.path().join("bin"));
            assert_eq!(links.remove("python"), Some("/bin/sh".into()));
            assert!(links.values().all(|target| target == Path::new("python")), "{links:?}");
            assert_eq!(links.into_keys().collect::<Vec<_>>(), names);
        }
    }

    #[test]
    fn what_is_written_names_the_final_place_only() {
        let directory = made(&interpreter("cpython", false));
        let activate = fs::read_to_string(directory.path().join("bin/activate")).unwrap();
        assert!(activate.contains("\nVIRTUAL_ENV='/home/ana/proj/.venv'\n"));
        assert!(!activate.contains(directory.path().to_str().unwrap()));
        let settings = fs::read_to_string(directory.path().join("pyvenv.cfg")).unwrap();
        let shell = fs::canonicalize("/bin/sh").unwrap();
        let expected = format!(
            "home = /bin\ninclude-system-site-packages = true\nversion = 3.13.1\nexecutable = {}\n\
             prompt = 'proj'\nvenvkeep = {}\n",
            shell.display(),
            env!("CARGO_PKG_VERSION")
        );
        assert_eq!(settings, expected);
    }

    #[test]
    fn both_libraries_are_one_directory() {
        let directory = made(&interpreter("cpython", false));
        assert_eq!(links(directory.path()), [("lib64".to_owned(), PathBuf::from("lib"))].into());
        assert!(directory.path().join("lib/python3.13/site-packages").is_dir());
        for (platform, linked) in [
            ("linux-aarch64", true),
            ("linux-s390x", true),
            ("linux-i686", false),
            ("macosx-14-arm64", false),
        ] {
            assert_eq!(has_lib64(platform), linked, "{platform}");
        }
    }

    /// Opens it up; what is known of it is what is there then.
    fn opened_up(directory: &Path) {
        let tree = || walk::tree(&Directory::open(directory).unwrap()).unwrap();
        let mut known = tree();
        open_up(directory, &mut known).unwrap();
        let modes = |tree: &super::Tree| tree.ids().map(|id| tree.facts(id).mode).collect::<Vec<_>>();
        assert_eq!(modes(&known), modes(&tree()));
    }

    #[test]
    fn a_private_directory_opens_up_to_what_its_subdirectories_are() {
        let directory = made(&interpreter("cpython", false));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
        opened_up(directory.path());
        assert_eq!(mode(directory.path()), mode(&directory.path().join("lib")));
    }

    #[test]
    fn everybody_may_write_nothing_in_what_was_opened_up() {
        let directory = made(&interpreter("cpython", false));
        let places =
            ["lib", "lib/python3.13/site-packages", "pyvenv.cfg"].map(|name| directory.path().join(name));
        for place in &places {
            let mode = fs::metadata(place).unwrap().permissions().mode();
            fs::set_permissions(place, fs::Permissions::from_mode(mode | 0o022)).unwrap();
        }
        opened_up(directory.path());
        for place in &places {
            assert_eq!(
                fs::metadata(place).unwrap().permissions().mode() & 0o022,
                0o020,
                "{}",
                place.display()
            );
        }
        assert_eq!(fs::metadata(directory.path()).unwrap().permissions().mode() & 0o002, 0);
    }
}
