//! Which commit this is, for `venvkeep --version`: from who packages it (`VENVKEEP_COMMIT`, `VENVKEEP_COMMIT_DATE`), from
//! git, or from what `cargo package` noted; where nobody knows, that is said.

#![expect(clippy::disallowed_methods, reason = "a build script reads its surroundings")]

use std::path::Path;
use std::process::Command;

fn main() {
    let here = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where the package is");
    let version = std::env::var("CARGO_PKG_VERSION").expect("cargo says which version it is");
    println!("cargo:rerun-if-env-changed=VENVKEEP_COMMIT");
    println!("cargo:rerun-if-env-changed=VENVKEEP_COMMIT_DATE");
    println!("cargo:rerun-if-changed=build.rs");
    let origin =
        from_packager().or_else(|| from_package(Path::new(&here))).or_else(|| from_git(Path::new(&here)));
    let origin = origin.unwrap_or_else(|| "commit unknown".to_owned());
    println!("cargo:rustc-env=VENVKEEP_LONG_VERSION={version} ({origin})");
}

fn from_packager() -> Option<String> {
    let commit = std::env::var("VENVKEEP_COMMIT").ok().filter(|text| !text.trim().is_empty())?;
    let date = std::env::var("VENVKEEP_COMMIT_DATE").unwrap_or_default();
    Some(described(commit.trim(), date.trim()))
}

/// `cargo package` puts the commit into the package, without its date.
fn from_package(here: &Path) -> Option<String> {
    let note = std::fs::read_to_string(here.join(".cargo_vcs_info.json")).ok()?;
    let commit = note.split("\"sha1\"").nth(1)?.split('"').nth(1)?.to_owned();
    let is_dirty = note.contains("\"dirty\": true");
    Some(described(&commit, if is_dirty { "with changes" } else { "" }))
}

/// Only where this package is the repository's own: an unpacked copy may lie in somebody else's repository.
fn from_git(here: &Path) -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(here).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    if git(&["rev-parse", "--show-prefix"])? != "crates/venvkeep/" {
        return None;
    }
    for name in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--path-format=absolute", "--git-path", name])?;
        if Path::new(&path).exists() {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    // Whatever has the program built anew has this asked anew.
    for part in ["src", "../venvkeep-core/src", "../../shims", "../../Cargo.lock"] {
        println!("cargo:rerun-if-changed={part}");
    }
    git(&["ls-files", "--error-unmatch", "build.rs"])?;
    let commit = git(&["rev-parse", "HEAD"])?;
    let date = git(&["log", "-1", "--format=%cs"])?;
    let is_as_committed =
        git(&["diff", "--quiet", "HEAD", "--", "..", "../../shims", "../../Cargo.lock"]).is_some();
    let changes = if is_as_committed { "" } else { ", with changes" };
    Some(described(&commit, &format!("{date}{changes}")))
}

fn described(commit: &str, more: &str) -> String {
    let short: String = commit.chars().take(12).collect();
    format!("{short} {more}").trim_end().to_owned()
}
