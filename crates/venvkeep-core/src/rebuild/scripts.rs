//! The scripts that entry points ask for (PyPA "Entry points specification").

use std::path::Path;

use crate::model::entry_points::EntryPoint;
use crate::model::python_version::PythonVersion;
use crate::model::shebang::{UnwritablePath, first_lines};

/// The text of an executable script that imports what the entry point names and calls it. `interpreter` is the
/// environment's own, under its final path.
pub fn entry_point_script(entry: &EntryPoint, interpreter: &Path) -> Result<Vec<u8>, UnwritablePath> {
    let EntryPoint { module, attribute, .. } = entry;
    // `attribute` may be `class.method`: what is imported is its first part.
    let imported = attribute.split('.').next().unwrap_or(attribute);
    let mut script = first_lines(interpreter, None)?;
    script.extend_from_slice(
        format!(
            "import sys\n\n\
             from {module} import {imported}\n\n\
             if __name__ == \"__main__\":\n    sys.exit({attribute}())\n"
        )
        .as_bytes(),
    );
    Ok(script)
}

/// The scripts of a distribution under the interpreter's version. pip's wheel names the Python that it was built
/// with, `pip3.11`; every installer replaces that by the environment's own.
pub fn named_for(entries: Vec<EntryPoint>, python: &PythonVersion) -> Vec<EntryPoint> {
    let Some(pip) = entries.iter().find(|entry| entry.name == "pip").cloned() else { return entries };
    let versioned = |entry: &EntryPoint| {
        let rest = entry.name.strip_prefix("pip");
        rest.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
    };
    let names = ["pip".to_owned(), "pip3".to_owned(), format!("pip{}.{}", python.major, python.minor)];
    let own = names.into_iter().map(|name| EntryPoint { name, ..pip.clone() });
    entries.iter().filter(|entry| !versioned(entry)).cloned().chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::{EntryPoint, Path, PythonVersion, entry_point_script, named_for};

    fn entry(line: &str) -> EntryPoint {
        EntryPoint::parse(line).unwrap()
    }

    #[test]
    fn a_script_imports_the_first_part_and_calls_the_whole() {
        let script = entry_point_script(&entry("x = a.b:Main.run"), Path::new("/env/bin/python")).unwrap();
        let text = String::from_utf8(script).unwrap();
        assert!(text.starts_with("#!/env/bin/python\nimport sys\n"));
        assert!(
            text.contains("from a.b import Main\n") && text.ends_with("sys.exit(Main.run())\n"),
            "{text}"
        );
    }

    #[test]
    fn pip_is_named_for_the_environment() {
        let entries = ["pip = p:main", "pip3 = p:main", "pip3.11 = p:main", "pip-other = q:main"].map(entry);
        let names: Vec<_> = named_for(entries.into(), &PythonVersion::new(3, 9))
            .into_iter()
            .map(|entry| entry.name)
            .collect();
        assert_eq!(names, ["pip-other", "pip", "pip3", "pip3.9"]);
        let other = vec![entry("black3.11 = b:main")];
        assert_eq!(named_for(other.clone(), &PythonVersion::new(3, 9)), other);
    }
}
