//! `direct_url.json`: what is frozen from it is one line, and taken back as a list it is that line or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use venvkeep_core::model::direct_url::DirectUrl;
use venvkeep_core::model::name::PackageName;
use venvkeep_core::model::requirements::{FrozenRequirements, Pin};
use venvkeep_core::model::requirements_file;

fuzz_target!(|bytes: &[u8]| {
    let Ok(origin) = DirectUrl::parse(bytes) else { return };
    let _ = origin.redacted_url();
    if let Some(path) = origin.local_path() {
        assert!(path.is_absolute(), "{path:?}");
    }
    let name = |text: &str| PackageName::parse(text).expect("a name");
    let line = origin.to_requirement(&name("a"));
    assert!(!line.contains(char::is_control) && line.lines().count() == 1, "{line:?}");
    assert_eq!(line.split_whitespace().count(), 3, "a blank would end the URL: {line:?}");

    // The line must not reach into the one below it.
    let next = Pin::exact(name("b"), "1.0").expect("a version");
    let list = FrozenRequirements::new(vec![Pin::direct(name("a"), &origin), next.clone()]);
    match requirements_file::parse(&list.to_text()) {
        Ok(again) => assert_eq!(again.lines(), list.lines()),
        Err(error) => {
            assert!(error.problems.iter().all(|problem| problem.line == 1), "{error}");
            let below = requirements_file::parse(&next.requirement()).expect("the other line is fine");
            assert_eq!(below.lines(), ["b==1.0"]);
        }
    }
});
