//! `entry_points.txt`: every command has a name that stays in `bin` and a target that is nothing but Python names.

#![no_main]

use libfuzzer_sys::fuzz_target;
use venvkeep_core::model::entry_points::{EntryPoint, EntryPoints};

fuzz_target!(|bytes: &[u8]| {
    let found = EntryPoints::parse(bytes);
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
    assert!(found.console.len() + found.gui.len() + found.rejected.len() <= lines);
    for entry in found.console.iter().chain(&found.gui) {
        let EntryPoint { name, module, attribute, .. } = entry;
        assert!(!name.contains(['/', '\\', '\0', '\n']) && name != ".." && name != ".", "{name:?}");
        assert!(!name.contains(char::is_control) && name.len() <= 255, "{name:?}");
        for dotted in [module, attribute] {
            let plain =
                |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
            assert!(dotted.split('.').all(plain), "{dotted:?}");
        }
        let again = EntryPoint::parse(&format!("{name} = {module}:{attribute}")).expect("it was one before");
        assert_eq!((&again.name, &again.module, &again.attribute), (name, module, attribute));
    }
    for line in &found.rejected {
        assert!(!line.contains(char::is_control), "safe to print: {line:?}");
        assert!(line.len() <= 200 * "\\u{10ffff}".len());
    }
});
