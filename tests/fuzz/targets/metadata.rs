//! METADATA: each value is one line, the name is one, and what follows the header changes nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use venvkeep_core::model::headers::Headers;
use venvkeep_core::model::metadata::CoreMetadata;
use venvkeep_core::model::requirements::{Pin, dependency};

const LIMIT: usize = 2048;

fuzz_target!(|bytes: &[u8]| {
    let Ok(metadata) = CoreMetadata::parse(bytes, LIMIT) else { return };
    let values =
        metadata.requires_dist.iter().chain(&metadata.provides_extra).chain(&metadata.requires_python);
    for value in values.chain([&metadata.version]) {
        assert!(!value.contains('\n'), "{value:?}");
        assert!(value.len() <= LIMIT * 3, "no longer than its bytes, each of which may be a replacement");
    }
    for text in &metadata.requires_dist {
        let _ = dependency(text);
    }
    if let Ok(pin) = Pin::exact(metadata.name.clone(), &metadata.version) {
        let line = pin.requirement();
        assert_eq!(line.lines().count(), 1);
        assert!(!line.contains(char::is_control), "{line:?}");
    }
    // Reading the headers is reading the lines up to an empty one.
    let headers = Headers::parse(bytes, LIMIT).expect("it was read before");
    assert_eq!(headers.get("name"), Some(metadata.name.as_written()));
    let rest = "\n\nName: other\nVersion: 9\n";
    let mut longer: Vec<u8> =
        format!("Name: {}\nVersion: {}\n", metadata.name.as_written(), metadata.version).into_bytes();
    longer.extend(rest.as_bytes());
    let again = CoreMetadata::parse(&longer, longer.len()).expect("it is complete");
    assert_eq!((again.name, again.version), (metadata.name, metadata.version));
});
