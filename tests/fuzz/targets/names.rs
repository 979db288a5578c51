//! Names of distributions, versions, labels and URLs: judged without an end that is not a verdict, and normalised
//! names stay as they are.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use venvkeep_core::model::dist_name::DistName;
use venvkeep_core::model::name::PackageName;
use venvkeep_core::model::python_version::{PythonLabel, PythonVersion};
use venvkeep_core::model::requirements::{Pin, PinnedVersion};
use venvkeep_core::model::{file_url, git_config, requirements_file};

fuzz_target!(|text: &str| {
    match PackageName::parse(text) {
        Ok(name) => {
            let again = PackageName::parse(name.normalized()).expect("a normalised name is one");
            assert_eq!(again.normalized(), name.normalized());
            assert_eq!(again, name);
            assert!(!name.normalized().contains("--"));
        }
        Err(error) => assert!(!error.to_string().contains(char::is_control)),
    }
    if let Some(dist) = DistName::parse(text) {
        assert!(!dist.name.is_empty() && text.contains(&dist.name));
        if let (Ok(name), Some(version)) = (dist.package(), &dist.version)
            && let Ok(pin) = Pin::exact(name, version)
        {
            let line = pin.requirement();
            let list = requirements_file::parse(&line).expect("a frozen line is a list");
            assert_eq!(list.lines(), [line]);
        }
    }
    if let Ok(version) = PythonVersion::parse(text) {
        assert_eq!(PythonVersion::parse(&version.to_string()), Ok(version));
    }
    if let Ok(version) = PinnedVersion::parse(text) {
        assert_eq!(PinnedVersion::parse(&version.to_text()), Ok(version));
    }
    if let Some(label) = PythonLabel::parse(text) {
        assert_eq!(label.version.micro, None);
    }
    let path = Path::new("/").join(text.replace('\0', ""));
    assert_eq!(file_url::to_path(&file_url::to_url(&path)), Some(path));
    let _ = git_config::remote_url(text);
});
