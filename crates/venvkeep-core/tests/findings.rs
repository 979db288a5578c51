//! Every finding code is documented under its own heading, and no heading speaks of a code that does not exist.

#![expect(clippy::disallowed_methods, reason = "the test reads the book as it lies in the repository")]

use std::path::Path;

use venvkeep_core::diagnose::finding::{Code, Severity};
use venvkeep_core::machine::finding::MachineCode;

#[test]
fn each_code_has_its_heading_in_order_and_with_its_severity() {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/findings.md");
    let text = std::fs::read_to_string(book).unwrap();
    let sections: Vec<_> = text.split("\n## ").skip(1).collect();
    let headings: Vec<_> = sections.iter().filter_map(|section| section.lines().next()).collect();
    assert_eq!(headings, Code::ALL.map(Code::as_str));
    for (section, code) in sections.iter().zip(Code::ALL) {
        let severity = match code.severity() {
            Severity::Broken => "\n*Broken.*",
            Severity::Degraded => "\n*Degraded.*",
            Severity::Note => "\n*Note.*",
        };
        assert!(section.contains(severity), "{code} is {severity:?}");
    }
}

#[test]
fn each_finding_about_the_machine_has_its_heading_in_order() {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/machine.md");
    let text = std::fs::read_to_string(book).expect("the page is there");
    let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    assert_eq!(headings, MachineCode::ALL.map(MachineCode::as_str));
}
