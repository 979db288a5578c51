//! What conda and its kin record of an environment: one file in `conda-meta` for each package, with the files that were
//! linked for it (conda's documentation, "conda-meta"; `PrefixRecord` of its kin).

use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use crate::host::fs::{self, Directory};
use crate::model::prefix::Prefix;
use crate::model::tree::{Finder, Tree, Unlisted};

/// A large package lists 30,000 files.
const LONGEST: u64 = 32 * 1024 * 1024;

/// How many missing files of one package are kept.
const SHOWN: usize = 10;

/// Where the records are.
const META: &str = "conda-meta";

/// What `conda-meta` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CondaMeta {
    /// Packages of which files are gone.
    pub incomplete: Vec<CondaPackage>,
    /// Records that make no sense, relative to the prefix, with the reason in words.
    pub broken: Vec<(PathBuf, String)>,
    /// Which tool is there to put it right.
    pub tool: CondaTool,
}

/// A package of which files are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CondaPackage {
    /// `numpy=1.26.4=py311h64a7726_0`: what the tools take.
    pub spec: String,
    /// Some of the files, relative to the prefix.
    pub missing: Vec<PathBuf>,
    /// How many there are.
    pub missing_count: usize,
}

/// The tool that an environment lies beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CondaTool {
    /// conda.
    Conda,
    /// mamba without conda.
    Mamba,
    /// Neither lies in the base of the environment: micromamba has no base.
    Micromamba,
    /// It lies where pixi keeps the environments of a project.
    Pixi,
    /// Nothing tells.
    Unknown,
}

#[derive(Deserialize)]
struct Record {
    name: String,
    version: String,
    #[serde(default)]
    build: String,
    #[serde(default)]
    files: Vec<String>,
}

/// Reads the records and looks for the files in the tree; `None` where there is no `conda-meta`.
pub(super) fn read(prefix: &Prefix, directory: &Directory, tree: &Tree) -> Option<CondaMeta> {
    tree.find(Path::new(META))?;
    let mut meta = CondaMeta { incomplete: Vec::new(), broken: Vec::new(), tool: tool(prefix) };
    // One that may not be listed is found unreadable by its mode.
    let Ok(records) = directory.child(META.as_ref()) else { return Some(meta) };
    let mut names = records.names().unwrap_or_default();
    names.sort_unstable();
    let closed: Vec<PathBuf> = tree.unlisted().map(|(id, _): (_, Unlisted)| tree.path(id)).collect();
    for name in names.into_iter().filter_map(|name| String::from_utf8(name).ok()) {
        if Path::new(&name).extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let content = match records.read(Path::new(&name), LONGEST) {
            Ok(content) => content,
            Err(error) if error.is_denied() || error.is_missing() => continue,
            Err(error) => {
                meta.broken.push((Path::new(META).join(name), error.reason()));
                continue;
            }
        };
        match serde_json::from_slice::<Record>(&content) {
            Ok(record) => match nonsense(&record) {
                Some(why) => meta.broken.push((Path::new(META).join(name), why)),
                None => meta.incomplete.extend(incomplete(&record, tree, &closed)),
            },
            Err(why) => meta.broken.push((Path::new(META).join(name), why.to_string())),
        }
    }
    Some(meta)
}

/// Why a record was not written by conda, or not left as it was: its words become a command's, and its files are looked
/// for in the environment.
fn nonsense(record: &Record) -> Option<String> {
    let is_word = |word: &str| {
        word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '+' | '!'))
    };
    let words = [record.name.as_str(), &record.version, &record.build];
    if record.name.is_empty() || record.name.starts_with('-') || !words.into_iter().all(is_word) {
        return Some("its name, version or build is none of a package".to_owned());
    }
    let leads_out = |path: &&String| {
        !Path::new(path.as_str()).components().all(|part| matches!(part, Component::Normal(_)))
    };
    record
        .files
        .iter()
        .find(leads_out)
        .map(|path| format!("it lists {path}, which is outside of the environment"))
}

fn incomplete(record: &Record, tree: &Tree, closed: &[PathBuf]) -> Option<CondaPackage> {
    let mut finder = Finder::new(tree);
    let files = record.files.iter().map(Path::new);
    let gone = files.filter(|path| {
        // Bytecode comes and goes; what lies in a directory that cannot be listed is not known.
        let is_bytecode = path.extension().is_some_and(|ending| ending == "pyc");
        !is_bytecode && finder.find(path).is_none() && !closed.iter().any(|above| path.starts_with(above))
    });
    let mut package = CondaPackage {
        spec: [record.name.as_str(), &record.version, &record.build]
            .join("=")
            .trim_end_matches('=')
            .to_owned(),
        missing: Vec::new(),
        missing_count: 0,
    };
    for path in gone {
        package.missing_count += 1;
        if package.missing.len() < SHOWN {
            package.missing.push(path.to_owned());
        }
    }
    (package.missing_count > 0).then_some(package)
}

/// `BASE/envs/NAME` lies beside its tool, and a base holds its own.
fn tool(prefix: &Prefix) -> CondaTool {
    let is_named_env = prefix.parent().ends_with("envs");
    if is_named_env && prefix.parent().parent().is_some_and(|above| above.ends_with(".pixi")) {
        return CondaTool::Pixi;
    }
    let base = if is_named_env { prefix.parent().parent() } else { Some(prefix.path()) };
    let Some(base) = base else { return CondaTool::Unknown };
    let has = |path: &str| fs::lstat(&base.join(path)).is_ok();
    if has("condabin/conda") || has("bin/conda") {
        CondaTool::Conda
    } else if has("condabin/mamba") || has("bin/mamba") {
        CondaTool::Mamba
    } else if is_named_env {
        CondaTool::Micromamba
    } else {
        CondaTool::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::{Record, nonsense};

    fn record(name: &str, version: &str, file: &str) -> Record {
        let files = vec!["bin/ok".to_owned(), file.to_owned()];
        Record {
            name: name.to_owned(),
            version: version.to_owned(),
            build: "py311h64a7726_0".to_owned(),
            files,
        }
    }

    #[test]
    fn records_that_conda_did_not_write() {
        for (name, version, file) in [
            ("-c", "1", "bin/x"),
            ("--file", "1", "bin/x"),
            ("", "1", "bin/x"),
            ("a b", "1", "bin/x"),
            ("a", "1;id", "bin/x"),
            ("a", "1", "../x"),
            ("a", "1", "lib/../../x"),
            ("a", "1", "/etc/passwd"),
        ] {
            assert!(nonsense(&record(name, version, file)).is_some(), "{name} {version} {file}");
        }
        for (name, version) in [("_libgcc_mutex", "0.1"), ("x264", "1!164.3095"), ("libcxx", "2.0+4")] {
            assert_eq!(nonsense(&record(name, version, "lib/x.so")), None, "{name} {version}");
        }
    }
}
