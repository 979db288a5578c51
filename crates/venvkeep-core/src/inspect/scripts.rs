//! Which prefix the scripts in `bin` take for theirs: an environment that was moved or copied still names its old
//! place in their first lines and in the activation script.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use memchr::memmem;

use crate::host::fs::{self, Directory};
use crate::model::prefix::Prefix;
use crate::model::python_version::PythonLabel;
use crate::model::pyvenv_cfg::PyvenvCfg;
use crate::model::shebang::{Shebang, Target};

use super::snapshot::NamedPrefix;

/// Longest activation script that is looked at. Of other scripts, the start is enough.
const HEAD: u64 = 1024 * 1024;

/// How many files are kept for the report.
const SHOWN: usize = 10;

/// What the scripts take for their prefix.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// Prefixes other than its own, in order of path.
    pub(super) others: Vec<NamedPrefix>,
    /// Its own, by another way: through links.
    pub(super) aliases: Vec<PathBuf>,
}

/// Finds the prefixes that scripts name.
pub(super) fn named(prefix: &Prefix, directory: Option<&Directory>, config: Option<&PyvenvCfg>) -> Named {
    let bin = directory.and_then(|directory| directory.child(OsStr::new("bin")).ok());
    let Some(bin) = bin else { return Named::default() };
    let Ok(mut names) = bin.names() else { return Named::default() };
    names.sort_unstable();
    let mut found: BTreeMap<PathBuf, NamedPrefix> = BTreeMap::new();
    for name in names.iter().map(|name| OsStr::from_bytes(name)) {
        let Some(path) = named_in(&bin, name) else { continue };
        let entry = found.entry(path.clone()).or_insert(NamedPrefix { path, by: Vec::new(), count: 0 });
        entry.count += 1;
        if entry.by.len() < SHOWN {
            entry.by.push(Path::new("bin").join(name));
        }
    }
    found.remove(prefix.path());
    let (own, others): (Vec<_>, Vec<_>) = found.into_values().partition(|one| is_same(prefix, &one.path));
    Named {
        others: others.into_iter().filter(|other| !is_installation(&other.path, config)).collect(),
        aliases: own.into_iter().map(|one| one.path).collect(),
    }
}

fn named_in(bin: &Directory, name: &OsStr) -> Option<PathBuf> {
    let is_enough = |start: &[u8]| name != "activate" || memmem::find(start, b"VIRTUAL_ENV=").is_some();
    let head = bin.read_start(Path::new(name), HEAD, is_enough).ok()?;
    if name == "activate" { activated(&head) } else { started(&head) }
}

/// `PREFIX` of a script that starts `PREFIX/bin/python...`.
fn started(head: &[u8]) -> Option<PathBuf> {
    let (Target::Plain(interpreter) | Target::ThroughShell(interpreter)) = Shebang::parse(head)?.target
    else {
        return None;
    };
    let name = interpreter.file_name()?.to_str()?;
    let is_python =
        matches!(name, "python" | "python3" | "pypy" | "pypy3") || PythonLabel::parse(name).is_some();
    let bin = interpreter.parent().filter(|bin| is_python && bin.is_absolute() && bin.ends_with("bin"))?;
    bin.parent().map(Path::to_owned)
}

/// The value of `VIRTUAL_ENV` in an activation script, where it is a plain absolute path.
fn activated(head: &[u8]) -> Option<PathBuf> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let line = line.trim_ascii();
        let value = line.strip_prefix(b"export ").unwrap_or(line).strip_prefix(b"VIRTUAL_ENV=")?;
        if value.contains(&b'$') {
            return None;
        }
        let word = shlex::bytes::Shlex::new(value).next()?;
        Some(PathBuf::from(OsStr::from_bytes(&word))).filter(|path| path.is_absolute())
    })
}

/// Whether a named prefix is this environment, by whatever way its path goes.
fn is_same(prefix: &Prefix, named: &Path) -> bool {
    match (fs::stat(named), fs::stat(prefix.path())) {
        (Ok(one), Ok(other)) => one.same_entry(&other),
        _ => false,
    }
}

/// Whether a named prefix is a Python installation, which scripts of the user's own may well start.
fn is_installation(named: &Path, config: Option<&PyvenvCfg>) -> bool {
    let is_base = config.and_then(PyvenvCfg::home).is_some_and(|home| Path::new(home) == named.join("bin"));
    let has = |inside: &str| matches!(fs::lstat_if_any(&named.join(inside)), Ok(Some(_)));
    is_base || (has("bin/python3") && !has("pyvenv.cfg"))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{activated, started};

    #[test]
    fn prefixes_that_scripts_start() {
        let prefix = |head: &str| started(head.as_bytes());
        assert_eq!(prefix("#!/a/.venv/bin/python3.11\n"), Some(PathBuf::from("/a/.venv")));
        assert_eq!(
            prefix("#!/bin/sh\n'''exec' \"/a b/.venv/bin/python\" \"$0\" \"$@\"\n' '''\n"),
            Some(PathBuf::from("/a b/.venv"))
        );
        assert_eq!(prefix("#!/usr/bin/env python\n"), None);
        assert_eq!(prefix("#!/a/bin/bash\n"), None);
        assert_eq!(prefix("#!python\n"), None);
    }

    #[test]
    fn prefixes_that_activation_scripts_set() {
        let prefix = |text: &str| activated(text.as_bytes());
        let expected = Some(PathBuf::from("/a b/.venv"));
        assert_eq!(prefix("unset x\nVIRTUAL_ENV=\"/a b/.venv\"\nexport VIRTUAL_ENV\n"), expected);
        assert_eq!(prefix("VIRTUAL_ENV='/a b/.venv'\n"), expected);
        assert_eq!(
            prefix("    export VIRTUAL_ENV=$(cygpath /c)\n    export VIRTUAL_ENV='/a b/.venv'\n"),
            expected
        );
        assert_eq!(prefix("VIRTUAL_ENV=\"$(dirname x)\"\n"), None);
    }
}
