//! A script's first lines: they are a part of it, and what is written for a path names that path.

#![no_main]

use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use venvkeep_core::model::shebang::{Shebang, Target, first_lines};

fuzz_target!(|bytes: &[u8]| {
    let Some(shebang) = Shebang::parse(bytes) else { return };
    assert!(shebang.length > 2 && shebang.length <= bytes.len());
    assert_eq!(
        Shebang::parse(&bytes[..shebang.length]).as_ref(),
        Some(&shebang),
        "it needs no more of the script"
    );
    let (Target::Plain(path) | Target::ThroughShell(path)) = shebang.target else { return };
    if let Ok(lines) = first_lines(&path, None) {
        let text = std::str::from_utf8(&lines).expect("only text is written");
        assert!(text.starts_with("#!") && text.ends_with('\n'));
        assert!(matches!(text.lines().count(), 1 | 3), "{text:?}");
        let again = Shebang::parse(&lines).expect("it was just written");
        assert_eq!(again.length, lines.len());
        let read = match again.target {
            Target::Plain(read) | Target::ThroughShell(read) => read,
            Target::Beside(name) => PathBuf::from(name),
        };
        assert_eq!(read, path);
    }
});
