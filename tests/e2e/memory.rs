//! What `scan` holds in memory, whatever lies in the environments that it finds.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde_json::Value;
use venvkeep_testkit::{Context, Invocation, Maker, Need, Output, Project, Who, require, tools};

use crate::VENVKEEP;

/// The goal, in KiB, of a scan of whatever there is.
const MOST: u64 = 48 * 1024;
const MIB: u64 = 1024 * 1024;
/// The longest RECORD that is read.
const LONGEST: u64 = 12 * MIB;

/// Starts what its arguments say and prints, last on stderr, the peak of its memory in KiB (getrusage(2)). The floor is
/// Python's own, from which it is forked: some 10 MiB.
const WITH_PEAK: &str = "import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)";

fn with_peak(ctx: &Context, run: &Invocation) -> (Output, u64) {
    let measured = ctx.program(Who::User, tools::system_python()).args(["-I", "-S", "-c", WITH_PEAK]);
    let output = measured.args(run.words()).run().code(1);
    let peak = output.stderr.lines().last().and_then(|line| line.trim().parse().ok());
    let peak = peak.unwrap_or_else(|| unreachable!("no peak: {output}"));
    (output, peak)
}

fn info(project: &Project<'_>, name: &str) -> PathBuf {
    let env = project.venv_by(Who::User, Maker::Uv).at(name).packages(["pure-one"]).build();
    let lib = fs::read_dir(env.path().join("lib")).expect("it has one").next().expect("of one Python");
    lib.expect("root may").path().join("site-packages/pure_one-1.0.dist-info")
}

/// A hole of that size, which takes no room on the disk.
fn stretch(path: &Path, size: u64) {
    File::options().write(true).open(path).and_then(|file| file.set_len(size)).expect("root may");
}

/// Rows of files that are not there, up to that size.
fn rows(path: &Path, size: u64) {
    let row = format!("pure_one/{}.py,,10\n", "gone".repeat(50));
    let count = usize::try_from(size).expect("it is small") / row.len();
    fs::write(path, row.repeat(count)).expect("root may");
}

#[test]
fn scan_stays_small_beside_records_and_metadata_of_gigabytes() {
    if !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    // Several of each, so that they meet.
    for number in 0..2 {
        stretch(&info(&project, &format!("huge-{number}")).join("RECORD"), 4096 * MIB);
        stretch(&info(&project, &format!("described-{number}")).join("METADATA"), 4096 * MIB);
        // Just below the limit: one row, and as many as there can be.
        stretch(&info(&project, &format!("long-{number}")).join("RECORD"), LONGEST - 1);
        rows(&info(&project, &format!("many-{number}")).join("RECORD"), LONGEST - 1);
    }
    let (told, peak) = with_peak(&ctx, &project.venvkeep(["scan", "--json"]).arg(project.path()));
    let told = told.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let told: Vec<Value> = told.filter(|one| one.get("path").is_some()).collect();
    assert_eq!(told.len(), 8);
    for one in &told {
        let path = one["path"].as_str().expect("a path");
        let findings = one["findings"].to_string();
        if path.contains("/huge-") || path.contains("/described-") {
            assert!(findings.contains("metadata-broken") && findings.contains("larger than"), "{one:#}");
        } else if path.contains("/many-") {
            assert!(findings.contains("files-missing"), "it is read whole: {one:#}");
        } else {
            assert!(findings.contains("metadata-broken"), "one row of zeros is none: {one:#}");
        }
    }
    assert!(peak < MOST, "the peak was {peak} KiB");
}
