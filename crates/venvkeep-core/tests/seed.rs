//! Which wheels a new environment is seeded with, and which are passed over.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test lays out its own directory and looks at it by itself, and fails by panic"
)]

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest, Sha256};
use venvkeep_core::host::credentials::viewer;
use venvkeep_core::model::caller::Caller;
use venvkeep_core::model::interpreter::BaseInterpreter;
use venvkeep_core::model::interrupt::Interrupt;
use venvkeep_core::model::prefix::Prefix;
use venvkeep_core::rebuild::seed::{Seeded, prepare};
use zip::write::SimpleFileOptions;

fn interpreter(version: &str, wheels: &Path) -> BaseInterpreter {
    serde_json::from_value(json!({
        "executable": "/nowhere/bin/python", "implementation": "cpython", "version": version, "cache_tag": null,
        "base_prefix": "/nowhere", "stdlib": "/nowhere/lib", "free_threaded": false, "extension_suffix": null,
        "platform": "linux-x86_64", "libc": null, "wheel_dir": wheels, "markers": {},
        "scheme": {"purelib": "lib/site", "platlib": "lib/site", "scripts": "bin", "include": "include", "data": ""},
    }))
    .unwrap()
}

/// Writes a wheel that holds nothing but its papers.
fn wheel(directory: &Path, name: &str, version: &str, requires_python: &str) -> std::path::PathBuf {
    let path = directory.join(format!("{name}-{version}-py3-none-any.whl"));
    let info = format!("{name}-{version}.dist-info");
    let metadata = format!("Name: {name}\nVersion: {version}\nRequires-Python: {requires_python}\n");
    let papers = [
        (format!("{info}/METADATA"), metadata),
        (format!("{info}/WHEEL"), "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n".to_owned()),
        (format!("{info}/entry_points.txt"), format!("[console_scripts]\n{name} = {name}:main\n")),
    ];
    let rows = papers
        .iter()
        .map(|(name, text)| format!("{name},sha256={},\n", URL_SAFE_NO_PAD.encode(Sha256::digest(text))));
    let record = (format!("{info}/RECORD"), rows.collect::<Vec<_>>().concat());
    let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
    for (name, text) in papers.iter().chain([&record]) {
        zip.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    path
}

fn seeded(version: &str, wheels: &Path) -> Seeded {
    let stage = tempfile::tempdir().unwrap();
    let prefix = Prefix::new("/home/ana/.venv".into()).unwrap();
    let caller = Caller::new(viewer(Vec::new()), "/".into(), BTreeMap::default());
    let interpreter = interpreter(version, wheels);
    let seeds = prepare(&interpreter, &caller, &Interrupt::default());
    let outcome = seeds.install(stage.path(), &prefix, &interpreter).unwrap();
    if !outcome.distributions.is_empty() {
        let script = fs::read_to_string(stage.path().join("bin/pip")).unwrap();
        assert!(script.starts_with("#!/home/ana/.venv/bin/python\n"), "{script}");
    }
    outcome
}

fn names(seeded: &Seeded) -> Vec<String> {
    seeded.distributions.iter().map(|(name, version)| format!("{name} {version}")).collect()
}

#[test]
fn the_newest_that_suits_the_interpreter() {
    let wheels = tempfile::tempdir().unwrap();
    for (version, requires) in [("9.0", ">=3.8"), ("10.0", ">=3.8"), ("99.0", ">=3.12")] {
        wheel(wheels.path(), "pip", version, requires);
    }
    wheel(wheels.path(), "setuptools", "60.0", ">=3.7");
    assert_eq!(names(&seeded("3.11.2", wheels.path())), ["pip 10.0", "setuptools 60.0"]);
    assert_eq!(names(&seeded("3.12.1", wheels.path())), ["pip 99.0"], "venv gives setuptools up to 3.11");
}

#[test]
fn what_others_can_write_or_nobody_can_read_is_passed_over() {
    let wheels = tempfile::tempdir().unwrap();
    wheel(wheels.path(), "pip", "9.0", ">=3.8");
    let writable = wheel(wheels.path(), "pip", "10.0", ">=3.8");
    fs::set_permissions(writable, Permissions::from_mode(0o666)).unwrap();
    fs::write(wheels.path().join("pip-11.0-py3-none-any.whl"), "garbled").unwrap();
    fs::create_dir(wheels.path().join("pip-12.0-py3-none-any.whl")).unwrap();
    assert_eq!(names(&seeded("3.12.1", wheels.path())), ["pip 9.0"]);
}

#[test]
fn without_any_pip_it_says_where_it_looked() {
    let wheels = tempfile::tempdir().unwrap();
    // No pip that is still about suits such an old interpreter, so the system's own wheels do not count either.
    let outcome = seeded("3.2.0", wheels.path());
    assert_eq!(outcome.distributions, []);
    assert!(outcome.looked_in.iter().any(|place| place == wheels.path()), "{outcome:?}");
}
