//! A lock file after PEP 751, as far as it is held against a frozen list.

use std::collections::BTreeMap;

use super::name::PackageName;
use super::requirements::{FrozenRequirements, PinKind, PinnedVersion};

/// Where a lock file and a list differ; `Ok` where every pin has its package and every package its pin.
pub fn check(text: &str, list: &FrozenRequirements) -> Result<(), String> {
    let table: toml::Table =
        toml::from_str(text).map_err(|error| format!("it is not TOML: {}", error.message()))?;
    let version = table.get("lock-version").and_then(toml::Value::as_str).unwrap_or_default();
    if version.split('.').next() != Some("1") {
        return Err(format!("its lock-version is \"{version}\", not 1.0"));
    }
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

/// Each package with its version.
fn packages(table: &toml::Table) -> Result<BTreeMap<PackageName, Option<&str>>, String> {
    let listed: &[toml::Value] = match table.get("packages") {
        None => &[],
        Some(value) => value.as_array().ok_or("its packages are no array")?,
    };
    let mut packages = BTreeMap::new();
    for package in listed {
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
    use super::check;
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
    fn what_is_no_lock_file_is_said() {
        for text in
            ["", "x", "lock-version = 1", "lock-version = \"2.0\"", "lock-version = \"1.0\"\npackages = 1"]
        {
            assert!(!fault(text, "six==1\n").is_empty(), "{text}");
        }
    }
}
