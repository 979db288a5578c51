//! A lock file after PEP 751, as far as it is held against a frozen list or installed by a pip that reads none.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use super::file_url;
use super::name::PackageName;
use super::requirements::{FrozenRequirements, PinKind, PinnedVersion};

/// Where a lock file and a list differ; `Ok` where every pin has its package and every package its pin.
pub fn check(text: &str, list: &FrozenRequirements) -> Result<(), String> {
    let table = table(text)?;
    let mut packages = packages(&table)?;
    let mut problems = Vec::new();
    for pin in list.pins() {
        let fits = match (packages.remove(&pin.name), &pin.kind) {
            (None, _) => false,
            (Some(version), PinKind::Exact(wanted)) => {
                version.and_then(|text| PinnedVersion::parse(text).ok()).as_ref() == Some(wanted)
            }
            // Their place says which they are; a version may be missing.
            (Some(_), PinKind::Direct { .. } | PinKind::Editable(_)) => true,
        };
        if !fits {
            problems.push(format!("it lacks {}", pin.requirement()));
        }
    }
    problems.extend(packages.keys().map(|name| format!("it has {name}, which is not on the list")));
    if problems.is_empty() { Ok(()) } else { Err(problems.join(", ")) }
}

/// The lines of a requirements file that have the same packages installed, to be read without their dependencies.
/// Paths in the lock file are relative to its directory.
pub fn requirements(text: &str, directory: &Path) -> Result<String, String> {
    let table = table(text)?;
    let mut lines = String::new();
    for package in listed(&table)? {
        let text = |key: &str| package.get(key).and_then(toml::Value::as_str);
        let name = text("name").and_then(|name| PackageName::parse(name).ok());
        let name = name.ok_or("a package in it has no name")?;
        let line = line(package, &name, directory).ok_or_else(|| format!("{name} in it has no place"))?;
        if line.chars().any(char::is_control) {
            return Err(format!("{name} in it has a place that no line can hold"));
        }
        let marker = text("marker").filter(|marker| !marker.chars().any(char::is_control));
        let hashes = if text("version").is_some() { hashes(package) } else { Vec::new() };
        // Writing to a string cannot fail.
        let _ = write!(lines, "{line}");
        let _ = marker.map(|marker| write!(lines, " ; {marker}"));
        for hash in hashes {
            let _ = write!(lines, " --hash={hash}");
        }
        lines.push('\n');
    }
    Ok(lines)
}

/// Where one package comes from, as a requirement.
fn line(package: &toml::Value, name: &PackageName, directory: &Path) -> Option<String> {
    let text = |table: &str, key: &str| package.get(table)?.get(key)?.as_str();
    let place = |table: &str| match (text(table, "url"), text(table, "path")) {
        (Some(url), _) => Some(url.to_owned()),
        (None, Some(path)) => Some(file_url::to_url(&directory.join(path))),
        (None, None) => None,
    };
    let below = |table: &str| text(table, "subdirectory").map(|below| format!("#subdirectory={below}"));
    if let Some(commit) = text("vcs", "commit-id") {
        let below = below("vcs").unwrap_or_default();
        return Some(format!("{name} @ {}+{}@{commit}{below}", text("vcs", "type")?, place("vcs")?));
    }
    if package.get("archive").is_some() {
        let hash = hashes_of(package.get("archive")?).into_iter().find(|hash| hash.starts_with("sha256:"))?;
        return Some(format!("{name} @ {}#{}", place("archive")?, hash.replace(':', "=")));
    }
    if let Some(table) = package.get("directory") {
        let editable = table.get("editable").and_then(toml::Value::as_bool) == Some(true);
        let place = place("directory")?;
        return Some(if editable { format!("-e {place}") } else { format!("{name} @ {place}") });
    }
    Some(format!("{name}=={}", package.get("version")?.as_str()?))
}

/// The hashes of every file of a package.
fn hashes(package: &toml::Value) -> Vec<String> {
    let wheels = package.get("wheels").and_then(toml::Value::as_array).into_iter().flatten();
    wheels.chain(package.get("sdist")).flat_map(hashes_of).collect()
}

fn hashes_of(file: &toml::Value) -> Vec<String> {
    let table = file.get("hashes").and_then(toml::Value::as_table).into_iter().flatten();
    let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    table
        .filter_map(|(algorithm, value)| Some((algorithm, value.as_str()?)))
        .filter(|(algorithm, value)| is_plain(algorithm) && is_plain(value))
        .map(|(algorithm, value)| format!("{algorithm}:{value}"))
        .collect()
}

fn table(text: &str) -> Result<toml::Table, String> {
    let table: toml::Table =
        toml::from_str(text).map_err(|error| format!("it is not TOML: {}", error.message()))?;
    let version = table.get("lock-version").and_then(toml::Value::as_str).unwrap_or_default();
    if version.split('.').next() != Some("1") {
        return Err(format!("its lock-version is \"{version}\", not 1.0"));
    }
    Ok(table)
}

fn listed(table: &toml::Table) -> Result<&[toml::Value], String> {
    match table.get("packages") {
        None => Ok(&[]),
        Some(value) => Ok(value.as_array().ok_or("its packages are no array")?),
    }
}

/// Each package with its version.
fn packages(table: &toml::Table) -> Result<BTreeMap<PackageName, Option<&str>>, String> {
    let mut packages = BTreeMap::new();
    for package in listed(table)? {
        let text = |key: &str| package.get(key).and_then(toml::Value::as_str);
        let name = text("name").and_then(|name| PackageName::parse(name).ok());
        let name = name.ok_or("a package in it has no name")?;
        if let Some((name, _)) = packages.remove_entry(&name) {
            return Err(format!("it has {name} twice"));
        }
        packages.insert(name, text("version"));
    }
    Ok(packages)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{check, requirements};
    use crate::model::requirements_file;

    const LOCK: &str = "lock-version = \"1.0\"\ncreated-by = \"uv\"\n\n[[packages]]\nname = \"odd-name\"\n\
                        version = \"1.0.0\"\nsdist = { url = \"https://x\", hashes = { sha256 = \"00\" } }\n\n\
                        [[packages]]\nname = \"e\"\ndirectory = { path = \"/e\", editable = true }\n";

    fn fault(text: &str, list: &str) -> String {
        check(text, &requirements_file::parse(list).unwrap()).err().unwrap_or_default()
    }

    #[test]
    fn every_pin_has_its_package_and_the_other_way_round() {
        let list = "Odd.Name==1.0\n-e /e#egg=e\n";
        assert_eq!(fault(LOCK, list), "");
        assert!(fault(LOCK, "Odd.Name==1.0\n").contains("it has e, which"));
        assert!(fault(LOCK, &format!("{list}six==1\n")).contains("it lacks six==1"));
        assert!(fault(LOCK, "Odd.Name==1.1\n-e /e#egg=e\n").contains("it lacks Odd.Name==1.1"));
        assert!(fault(&format!("{LOCK}\n[[packages]]\nname = \"E\"\n"), list).contains("twice"));
    }

    #[test]
    fn a_pip_that_reads_no_lock_files_gets_lines() {
        let lines = |packages: &str| {
            let text = format!("lock-version = '1.0'\n{packages}");
            requirements(&text, Path::new("/here")).map_err(|error| assert!(!error.is_empty())).ok()
        };
        for (package, line) in [
            (
                "version = '1.0'\nmarker = \"os_name == 'posix'\"\nsdist = { hashes = { sha256 = 'aa' } }\n\
                 wheels = [{ hashes = { sha256 = 'bb', md5 = '../x' } }]",
                "x==1.0 ; os_name == 'posix' --hash=sha256:bb --hash=sha256:aa\n",
            ),
            ("directory = { path = 'a b', editable = true }", "-e file:///here/a%20b\n"),
            ("vcs = { type = 'git', url = 'https://x/y', commit-id = 'cc' }", "x @ git+https://x/y@cc\n"),
            (
                "archive = { url = 'https://x/x.whl', hashes = { sha256 = 'dd' } }",
                "x @ https://x/x.whl#sha256=dd\n",
            ),
        ] {
            let found = lines(&format!("[[packages]]\nname = 'x'\n{package}\n"));
            assert_eq!(found.as_deref(), Some(line), "{package}");
        }
        for bad in ["[[packages]]\n", "[[packages]]\nname = 'x'\n", "packages = 1\n"] {
            assert_eq!(lines(bad), None, "{bad}");
        }
        assert_eq!(lines("[[packages]]\nname = 'x'\nversion = \"1\\n--index-url http://evil\"\n"), None);
    }

    #[test]
    fn what_is_no_lock_file_is_said() {
        for text in
            ["", "x", "lock-version = 1", "lock-version = \"2.0\"", "lock-version = \"1.0\"\npackages = 1"]
        {
            assert!(!fault(text, "six==1\n").is_empty(), "{text}");
        }
    }
}
