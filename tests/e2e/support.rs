//! What several modules ask of reports and directories.

use venvkeep_testkit::Output;

/// Standard output, line by line.
pub(crate) fn lines(output: &Output) -> Vec<String> {
    output.stdout.lines().map(str::to_owned).collect()
}
