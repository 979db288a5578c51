//! An environment's `pip.conf`: what is passed on are the eight settings, each of them one value and nothing behind it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use venvkeep_core::model::index_settings::{IndexSettings, KEYS};

fuzz_target!(|text: &str| {
    let settings = IndexSettings::parse(text);
    let variables = settings.to_pip_variables();
    assert!(variables.len() <= KEYS.len());
    for (name, value) in &variables {
        assert!(name.starts_with("PIP_"), "{name:?}");
        assert!(!value.is_empty() && !value.contains(char::is_control), "{value:?}");
    }
    for line in settings.to_requirement_options().lines() {
        assert!(line == "--no-index" || line.split_whitespace().count() == 2, "one option a line: {line:?}");
    }
    let mut again = IndexSettings::default();
    for (name, value) in &variables {
        again.set(name.trim_start_matches("PIP_"), value);
    }
    assert_eq!(again.to_pip_variables(), variables, "what was taken over is taken over again");
    let bare = settings.without_credentials();
    assert_eq!(bare.without_credentials(), bare);
});
