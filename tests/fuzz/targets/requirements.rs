//! A requirements file: a list that was accepted says the same once it is written, and a refusal is safe to print.

#![no_main]

use libfuzzer_sys::fuzz_target;
use venvkeep_core::model::requirements_file;

fuzz_target!(|text: &str| {
    match requirements_file::parse(text) {
        Ok(list) => {
            let written = list.to_text();
            assert!(!written.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{written:?}");
            let again = requirements_file::parse(&written).expect("what is written is a list");
            assert_eq!(again.to_text(), written);
            assert_eq!(again.pins().len(), list.pins().len());
        }
        Err(error) => {
            assert!(!error.problems.is_empty() && error.problems.len() <= text.lines().count() + 1);
            for problem in &error.problems {
                assert!(!problem.shown.contains(char::is_control), "{:?}", problem.shown);
                assert!(problem.line >= 1 && problem.line <= text.lines().count());
            }
        }
    }
});
