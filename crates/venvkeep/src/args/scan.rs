//! Arguments of `scan`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use venvkeep_core::diagnose::finding::Code;

/// What `scan` was asked for.
#[derive(Debug, Args)]
pub(crate) struct ScanArguments {
    /// Where to search; by default your home
    #[arg(value_name = "ROOT", value_hint = clap::ValueHint::DirPath)]
    pub(crate) roots: Vec<PathBuf>,
    /// As root: search every user's home, and say what each user should run
    #[arg(long, conflicts_with = "roots")]
    pub(crate) all_users: bool,
    /// Go on into other file systems that are mounted there
    #[arg(long)]
    pub(crate) cross_device: bool,
    /// Show only environments with one of these findings: foreign-owner,unreadable
    #[arg(long, value_name = "CODE", value_delimiter = ',', value_parser = code)]
    pub(crate) only: Vec<Code>,
    /// Show only what has been neither used nor changed for this long: 90d, 12h, 26w
    #[arg(long, value_name = "AGE", value_parser = super::age)]
    pub(crate) older_than: Option<Duration>,
    /// Show only environments of this Python: 3.8, "<3.10", pypy3
    #[arg(short, long, value_name = "PYTHON")]
    pub(crate) python: Option<String>,
    /// Show only environments that belong to this user: a name or a number
    #[arg(long, value_name = "USER")]
    pub(crate) owner: Option<String>,
    /// How to print it: a table for people, or metrics for Prometheus; for programs: --json, one document a line
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = ScanFormat::Table)]
    pub(crate) format: ScanFormat,
}

/// For whom `scan` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScanFormat {
    /// A line for each environment, the worst first
    Table,
    /// Numbers in the text format of Prometheus, for the node exporter's textfile collector
    Prometheus,
}

fn code(text: &str) -> Result<Code, String> {
    Code::ALL
        .into_iter()
        .find(|code| code.as_str() == text)
        .ok_or_else(|| format!("there is no finding \"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::{Code, code};

    #[test]
    fn findings_go_by_their_stable_names() {
        assert_eq!(code("foreign-owner"), Ok(Code::ForeignOwner));
        assert!(code("foreign").unwrap_err().contains("foreign"));
    }
}
