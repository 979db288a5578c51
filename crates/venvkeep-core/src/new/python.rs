//! Which Python a new environment gets where the user named none: what the project's own files say.
//!
//! A file can only choose among the interpreters that venvkeep would use anyway, so it does not matter whose it is.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use pep440_rs::VersionSpecifiers;

use crate::host::fs::{IoError, physical, read_bounded, stat};
use crate::interpreters::request::{Release, Request};
use crate::model::python_version::PythonVersion;

/// The file that pyenv and uv read: one version, or several of which the first is meant.
const VERSION_FILE: &str = ".python-version";
/// The project's metadata (PyPA "pyproject.toml specification").
const PROJECT_FILE: &str = "pyproject.toml";

const MAX_VERSION_FILE: u64 = 4096;
const MAX_PROJECT_FILE: u64 = 4 * 1024 * 1024;

/// What is wanted, and who says so.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The interpreter.
    pub request: Request,
    /// The file that decided; `None` where it was the user, or nobody.
    pub by: Option<PathBuf>,
    /// What the project requires besides, where another file decided.
    required: Option<(PathBuf, VersionSpecifiers)>,
    /// Files that say something which is of no use, with what is wrong.
    pub passed_over: Vec<(PathBuf, String)>,
}

impl Wanted {
    /// The project's file that an interpreter does not suit, and what it requires.
    pub fn unmet_by(&self, version: &PythonVersion) -> Option<(&Path, &VersionSpecifiers)> {
        let (file, range) = self.required.as_ref()?;
        (!version.satisfies(range)).then_some((file, range))
    }
}

/// What the user asked for; else what the nearest `.python-version` from `project` upwards says; else the nearest
/// `pyproject.toml`'s `requires-python`; else any.
pub fn wanted(asked: Option<&Request>, project: &Path) -> Wanted {
    let mut wanted = Wanted { request: Request::Any, by: None, required: None, passed_over: Vec::new() };
    if let Some(request) = asked {
        wanted.request = request.clone();
        return wanted;
    }
    let version_file = wanted.nearest(project, VERSION_FILE, MAX_VERSION_FILE, first_version);
    wanted.required = wanted.nearest(project, PROJECT_FILE, MAX_PROJECT_FILE, required).and_then(
        // Without the key, the nearest project says that any will do.
        |(file, range)| Some((file, range?)),
    );
    if let Some((file, request)) = version_file {
        (wanted.request, wanted.by) = (request, Some(file));
    } else if let Some((file, range)) = wanted.required.take() {
        (wanted.request, wanted.by) = (Request::Range(range), Some(file));
    }
    wanted
}

impl Wanted {
    /// The nearest file of that name, and what it says. One that says nothing of use is noted.
    fn nearest<T>(
        &mut self,
        project: &Path,
        name: &str,
        limit: u64,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<(PathBuf, T)> {
        let content = |path: &Path| -> Result<Vec<u8>, IoError> { read_bounded(&physical(path)?, limit) };
        let found = project.ancestors().find_map(|directory| {
            let path = directory.join(name);
            // In most directories there is none, and following every link on the way would only show that.
            match stat(&path).and_then(|_| content(&path)) {
                Err(error) if error.is_missing() => None,
                answer => Some((path, answer)),
            }
        });
        let (path, content) = found?;
        let said = content.map_err(|error| error.to_string());
        match said.and_then(|content| read(&String::from_utf8_lossy(&content))) {
            Ok(said) => Some((path, said)),
            Err(why) => {
                self.passed_over.push((path, why));
                None
            }
        }
    }
}

/// The first version in the file. pyenv's names go on after it (`pypy3.9-7.3.11`, `3.13-dev`), uv's as well
/// (`cpython-3.12.1-linux-x86_64-gnu`).
fn first_version(text: &str) -> Result<Request, String> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let word = lines.flat_map(str::split_whitespace).next().ok_or("it is empty")?;
    if word == "system" {
        return Ok(Request::Any);
    }
    if let Some(request) = Request::version(word) {
        return Ok(request);
    }
    let beginnings = word.rmatch_indices('-').map(|(end, _)| &word[..end]);
    let release = beginnings.filter_map(Release::parse).find(|release| !release.version.is_empty());
    release.map(Request::Release).ok_or_else(|| format!("\"{word}\" in it is no version of Python"))
}

fn required(text: &str) -> Result<Option<VersionSpecifiers>, String> {
    let table: toml::Table =
        toml::from_str(text).map_err(|error| format!("it is not TOML: {}", error.message()))?;
    let range = table.get("project").and_then(|project| project.get("requires-python"));
    let Some(range) = range.and_then(toml::Value::as_str) else { return Ok(None) };
    let parsed = VersionSpecifiers::from_str(range);
    parsed.map(Some).map_err(|_| format!("its requires-python \"{range}\" is no range of versions"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "the tests lay out their own directories")]

    use std::fs;

    use super::{Request, first_version, required, wanted};

    #[test]
    fn what_version_files_say() {
        for (text, meant) in [
            ("3.12\n", "Python 3.12"),
            ("# ours\n\n  3.12.1 # comment\n3.11\n", "Python 3.12.1"),
            ("3.13t", "Python 3.13 without the global lock (t)"),
            ("pypy3.9-7.3.11", "PyPy 3.9"),
            ("3.13-dev", "Python 3.13"),
            ("cpython-3.12.1-linux-x86_64-gnu", "Python 3.12.1"),
            (">=3.10", "Python >=3.10"),
            ("system", "Python 3.8 or newer"),
        ] {
            assert_eq!(first_version(text).unwrap().to_string(), meant, "{text}");
        }
        for text in ["", "# nothing\n", "my-env", "miniconda3-4.7.12", "../../evil", "/bin/sh", "anaconda"] {
            assert!(first_version(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_projects_require() {
        let range = |text: &str| required(text).map(|range| range.map(|range| range.to_string()));
        assert_eq!(range("[project]\nrequires-python = '>=3.10'\n"), Ok(Some(">=3.10".to_owned())));
        assert_eq!(range("[tool.x]\ny = 1\n"), Ok(None));
        assert!(range("[project]\nrequires-python = 'new'\n").is_err() && range("[").is_err());
    }

    #[test]
    fn the_user_wins_then_the_version_file_then_the_project() {
        let above = tempfile::tempdir().unwrap();
        let project = above.path().join("project/deep");
        fs::create_dir_all(&project).unwrap();
        let said = |asked| {
            let wanted = wanted(asked, &project);
            (wanted.request.to_string(), wanted.by.map(|by| by.file_name().unwrap().to_owned()))
        };
        fs::write(above.path().join("pyproject.toml"), "[project]\nrequires-python = '<4'\n").unwrap();
        assert_eq!(said(None), ("Python <4".to_owned(), Some("pyproject.toml".into())));
        // The nearest one decides, also by saying nothing.
        fs::write(project.join("pyproject.toml"), "").unwrap();
        assert_eq!(said(None), ("Python 3.8 or newer".to_owned(), None));
        fs::write(above.path().join("project/.python-version"), "3.9").unwrap();
        assert_eq!(said(None), ("Python 3.9".to_owned(), Some(".python-version".into())));
        let asked = Request::parse("3.12".as_ref());
        assert_eq!(said(Some(&asked)), ("Python 3.12".to_owned(), None));

        fs::write(project.join(".python-version"), "my-env").unwrap();
        let wanted = wanted(None, &project);
        assert_eq!((wanted.by, wanted.passed_over.len()), (None, 1));
    }

    #[test]
    fn a_version_that_the_project_does_not_take_is_noticed() {
        let project = tempfile::tempdir().unwrap();
        fs::write(project.path().join("pyproject.toml"), "[project]\nrequires-python = '>=3.10'\n").unwrap();
        fs::write(project.path().join(".python-version"), "3.9").unwrap();
        let wanted = wanted(None, project.path());
        assert!(wanted.unmet_by(&"3.9.1".parse().unwrap()).is_some());
        assert!(wanted.unmet_by(&"3.10.0".parse().unwrap()).is_none());
    }
}
