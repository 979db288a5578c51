//! WHEEL: a tag is written as it was read, and judging it ends.

#![no_main]

use libfuzzer_sys::fuzz_target;
use venvkeep_core::model::python_version::PythonVersion;
use venvkeep_core::model::tags::python_satisfies;
use venvkeep_core::model::wheel::{WheelInfo, WheelTag};

fuzz_target!(|bytes: &[u8]| {
    let Ok(wheel) = WheelInfo::parse(bytes, 4096) else { return };
    for tag in &wheel.tags {
        assert_eq!(WheelTag::parse(&tag.to_string()).as_ref(), Some(tag));
    }
    for text in wheel.build.iter().chain(&wheel.generator) {
        assert!(!text.contains('\n'));
        let _ = python_satisfies(text, &PythonVersion::new(3, 11));
    }
});
