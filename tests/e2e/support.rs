//! What several modules ask of reports and directories.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use venvkeep_testkit::{
    Context, Environment, Fingerprint, Invocation, Output, Project, Who, fingerprint, owners, tools,
};

/// The codes of all findings in the JSON report of `check`.
pub(crate) fn finding_codes(report: &Output) -> BTreeSet<String> {
    let report = report.stdout_json();
    let environments = report["environments"].as_array().cloned().unwrap_or_default();
    let findings = environments.iter().filter_map(|environment| environment["findings"].as_array());
    findings.flatten().filter_map(|finding| finding["code"].as_str().map(str::to_owned)).collect()
}

/// The JSON report on the first environment.
pub(crate) fn first_environment(report: &Output) -> Value {
    report.stdout_json()["environments"][0].clone()
}

/// The report on a healed environment, after looking at its sums: every entry of the old tree is accounted for.
pub(crate) fn accounted(report: &Output) -> Value {
    let healed = first_environment(report);
    let number = |name: &str| healed["entries"][name].as_u64().expect("a number");
    // Of a tree that nothing can be seen of, the report says that.
    let is_unseen = healed["remarks"].to_string().contains("could not be seen");
    assert!(number("old") > 0 || is_unseen, "{report}");
    assert_eq!(number("old"), number("reproduced") + number("carried") + number("dropped"), "{report}");
    let kinds = healed["dropped_kinds"].as_object().expect("an object");
    let by_kind: u64 = kinds.values().filter_map(Value::as_u64).sum();
    assert_eq!(by_kind, number("dropped"), "{report}");
    healed
}

/// The paths in one of a report's lists.
pub(crate) fn paths(report: &Value, list: &str) -> Vec<String> {
    let entries = report[list].as_array().cloned().unwrap_or_default();
    let path = |entry: &Value| entry.as_str().or(entry["path"].as_str()).map(str::to_owned);
    entries.iter().filter_map(path).collect()
}

/// Every distribution of a report with its source.
pub(crate) fn sources(report: &Output) -> Vec<(String, String)> {
    let distributions = first_environment(report)["distributions"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    distributions.iter().map(|one| (text(&one["name"]), text(&one["source"]))).collect()
}

/// Where a distribution came from.
pub(crate) fn source_of(report: &Output, name: &str) -> String {
    let of_name = sources(report).into_iter().find(|(found, _)| found == name);
    of_name.map(|(_, source)| source).unwrap_or_default()
}

/// Standard output, line by line.
pub(crate) fn lines(output: &Output) -> Vec<String> {
    output.stdout.lines().map(str::to_owned).collect()
}

/// The names in a directory, hidden ones included.
pub(crate) fn names_in(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).expect("the directory can be listed");
    entries
        .map(|entry| entry.expect("the directory can be listed").file_name().to_string_lossy().into_owned())
        .collect()
}

/// The one old tree that `heal` left beside `.venv` in `project`.
pub(crate) fn kept_tree(project: &Path) -> PathBuf {
    let names = names_in(project);
    let kept: Vec<_> = names.iter().filter(|name| name.starts_with(".venv.venvkeep-old-")).collect();
    assert_eq!(kept.len(), 1, "exactly one old tree lies beside: {names:?}");
    project.join(kept[0])
}

/// With the uv of the test tools on PATH.
pub(crate) fn with_uv(invocation: Invocation) -> Invocation {
    let uv = tools::uv();
    invocation.path_first(uv.parent().expect("uv lies in a directory"))
}

/// How a heal is told to use one of the installers.
pub(crate) type WithInstaller = fn(Invocation) -> Invocation;

/// Both installers, for what has to be the same with each.
pub(crate) const INSTALLERS: [(&str, WithInstaller); 2] = [("pip", |heal| heal), ("uv", with_uv)];

/// The scripts of the kit's wheels run, from the environment's own path, and what was installed imports.
pub(crate) fn assert_works(ctx: &Context, env: &Environment<'_>) {
    for script in ["with-scripts", "raw-python", "with-scripts-gui"] {
        ctx.program(Who::User, env.bin(script)).run().success().stdout_is("with-scripts works\n");
    }
    ctx.program(Who::User, env.bin("raw-shell")).run().success().stdout_is("raw-shell works\n");
    let import = "import with_deps, pure_one, extra_dep, odd_name_x, kitns.part";
    ctx.program(Who::User, env.bin("python")).args(["-c", import]).run().success();
}

/// `heal --json` did its whole work: every entry is accounted for, everything is the user's, the old tree lies beside it as it was, the list is the same,
/// it works, `check` is content, and nothing else is left.
pub(crate) fn assert_healed(
    ctx: &Context,
    project: &Project<'_>,
    env: &Environment<'_>,
    before: &Before,
    report: &Output,
) {
    accounted(report);
    assert_eq!(owners(env.path()), BTreeSet::from([Who::User.uid()]));
    before.tree.assert_same(&fingerprint(kept_tree(project.path())));
    assert_eq!(env.freeze_all(), before.frozen);
    assert_works(ctx, env);
    project.venvkeep(["check"]).run().success();
    assert_eq!(names_in(project.path()).len(), 2, "no stage is left: {:?}", names_in(project.path()));
}

/// What an environment was before it was healed.
pub(crate) struct Before {
    tree: Fingerprint,
    frozen: Vec<String>,
}

impl Before {
    pub(crate) fn of(env: &Environment<'_>) -> Self {
        // Freezing first: it may write bytecode into the tree.
        let frozen = env.freeze_all();
        Self { tree: fingerprint(env.path()), frozen }
    }
}
