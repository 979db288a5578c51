//! Environments damaged at random, and healed: `tests/run --soak ROUNDS [SEED]`.
//!
//! Each round has its own seed, which says what is done to which entry. The seed of a round that breaks a promise is
//! printed with what was done, and repeats it alone: `tests/run --soak 1 SEED`.

#![expect(
    clippy::disallowed_methods,
    reason = "the soak looks at the disk itself and is told by variables what to do"
)]

mod damage;

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use serde_json::Value;
use venvkeep_testkit::{
    Context, Environment, Maker, Need, Output, Project, Who, fingerprint, owners, require,
};

/// The program under test.
const VENVKEEP: &str = env!("CARGO_BIN_EXE_venvkeep");

const PACKAGES: [&str; 5] = ["with-deps[more]", "with-scripts", "Odd.Name_x", "ns-part", "ns-other"];

/// Made by whom with what under which umask.
const TEMPLATES: [(Maker, Who, u32); 5] = [
    (Maker::Venv, Who::Root, 0o022),
    (Maker::Venv, Who::Root, 0o077),
    (Maker::Venv, Who::User, 0o022),
    (Maker::Virtualenv, Who::Root, 0o022),
    (Maker::Uv, Who::Root, 0o022),
];

/// The end of a round that must not be.
const BROKEN: &str = "BROKEN";

/// How rounds ended, and how often.
type Tally = BTreeMap<&'static str, usize>;

#[test]
fn soak() {
    if !require(&[Need::Virtualenv, Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let rounds = number("VENVKEEP_SOAK_ROUNDS").unwrap_or(20);
    let first = number("VENVKEEP_SOAK_SEED").unwrap_or_else(|| fastrand::u64(..1 << 40));
    eprintln!("soak: {rounds} rounds from seed {first}");
    let project = ctx.project("proj");
    let (templates, env) = templates(&ctx, &project);
    let ground = Ground { ctx: &ctx, project: &project, env: &env };
    let mut tally = Tally::new();
    for seed in first..first + rounds {
        let mut random = fastrand::Rng::with_seed(seed);
        let template = &templates[random.usize(..templates.len())];
        ground.begin_with(template);
        let done = damage::inflict(env.path(), &mut random);
        let outcome = catch_unwind(AssertUnwindSafe(|| ground.heal()));
        if outcome.is_err() {
            eprintln!("soak: a promise is broken; again with: tests/run --soak 1 {seed}");
            eprintln!("soak: {} after {}", template.display(), done.join(", "));
        }
        *tally.entry(outcome.unwrap_or(BROKEN)).or_default() += 1;
        if (seed - first + 1) % 20 == 0 {
            eprintln!("soak: up to seed {seed}: {tally:?}");
        }
    }
    eprintln!("soak: {rounds} rounds from seed {first}: {tally:?}");
    assert!(!tally.contains_key(BROKEN), "see above");
}

/// Copies of an environment of each kind, all of which were made at the same place.
fn templates<'c>(ctx: &'c Context, project: &Project<'c>) -> (Vec<PathBuf>, Environment<'c>) {
    let mut copies = Vec::new();
    let mut last = None;
    for (maker, who, umask) in TEMPLATES {
        if last.is_some() {
            fs::remove_dir_all(project.path().join(".venv")).expect("root removes it");
        }
        let env = project.venv_by(who, maker).umask(umask).packages(PACKAGES).build();
        let copy = ctx.area().join(format!("{maker:?}-of-{who:?}-{umask:o}"));
        copy_tree(ctx, env.path(), &copy);
        copies.push(copy);
        last = Some(env);
    }
    (copies, last.expect("there are templates"))
}

fn copy_tree(ctx: &Context, from: &Path, to: &Path) {
    ctx.program(Who::Root, "cp").arg("-a").args([from, to]).run().success();
}

struct Ground<'a> {
    ctx: &'a Context,
    project: &'a Project<'a>,
    env: &'a Environment<'a>,
}

impl Ground<'_> {
    fn begin_with(&self, template: &Path) {
        for entry in fs::read_dir(self.project.path()).expect("the project is there") {
            let path = entry.expect("its entries too").path();
            self.ctx.program(Who::Root, "rm").arg("-rf").arg(path).run().success();
        }
        // What earlier rounds left there would take part in this one.
        let state = self.ctx.home(Who::User).join(".local/state");
        self.ctx.program(Who::Root, "rm").arg("-rf").arg(state).run().success();
        copy_tree(self.ctx, template, self.env.path());
    }

    fn run(&self, args: &[&str]) -> Output {
        let output = self.project.venvkeep(args).wheels_only(self.ctx.wheels()).run();
        assert!(output.status.code().is_some_and(|code| code <= 4), "{output}");
        output
    }

    /// Heals, and asserts the promises; how it ended, in words.
    fn heal(&self) -> &'static str {
        let before = fingerprint(self.env.path());
        let frozen = self.run(&["freeze", "--all", ".venv"]);
        let mut healed = self.run(&["heal", "--json", ".venv"]);
        let mut believed = false;
        if healed.status.code() == Some(4) && healed.stdout.contains("--trust-owner") {
            before.assert_unchanged();
            believed = true;
            healed = self.run(&["heal", "--json", "--trust-owner", ".venv"]);
        }
        if healed.status.code() == Some(2) {
            before.assert_unchanged();
            self.run(&["check", ".venv"]).code(2);
            return "no environment any more";
        }
        let report = healed.stdout_json()["environments"][0].clone();
        let Some(old) = report["old"].as_str() else {
            before.assert_unchanged();
            assert_eq!(self.names(), [".venv"], "nothing is left beside: {healed}");
            return self.not_healed(&healed, &report);
        };
        before.assert_same(&fingerprint(old));
        let entries = &report["entries"];
        let count = |key: &str| entries[key].as_u64().expect("a number");
        assert_eq!(count("old"), count("reproduced") + count("carried") + count("dropped"), "{healed}");
        assert_eq!(owners(self.env.path()).into_iter().collect::<Vec<_>>(), [Who::User.uid()]);
        assert_eq!(self.names().len(), 2, "{:?}", self.names());
        self.assert_content(&frozen, &healed, &report);
        self.run(&["undo", ".venv"]).success();
        before.assert_same(&fingerprint(self.env.path()));
        match (believed, healed.status.code()) {
            (true, _) => "healed once it was trusted",
            (false, Some(4)) => "healed, needs attention",
            (false, Some(1)) => "healed, findings remain",
            _ => "healed",
        }
    }

    /// The tree was left alone: because it is well, or for a reason that is said.
    fn not_healed(&self, healed: &Output, report: &Value) -> &'static str {
        match healed.status.code() {
            Some(0 | 1) => {
                assert_eq!(report["outcome"], "healthy", "{healed}");
                let expected = healed.status.code().expect("it has one");
                self.run(&["check", ".venv"]).code(expected);
                "nothing to heal"
            }
            _ => {
                let error = &report["error"];
                assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{healed}");
                assert!(
                    error["hints"].as_array().is_some_and(|hints| !hints.is_empty()),
                    "no way out: {healed}"
                );
                "refused"
            }
        }
    }

    /// The new environment is what the old one said of itself, `check` is content, and healing again does nothing.
    fn assert_content(&self, frozen: &Output, healed: &Output, report: &Value) {
        let now = self.run(&["freeze", "--all", ".venv"]).success();
        if frozen.status.success() {
            assert_eq!(normalized(&now), normalized(&frozen), "the frozen list is the contract: {healed}");
        }
        let check = self.run(&["check", "--json", ".venv"]);
        let codes = finding_codes(&check.stdout_json());
        // What a heal cannot put right: what was never installed, and how the user's own files are called.
        let left = codes.iter().all(|code| ["dependency-unmet", "unsafe-path"].contains(&code.as_str()));
        assert!(check.status.code() == Some(0) || left, "{check}\n{healed}");
        if healed.status.code() == Some(4) {
            let told = |key: &str| report[key].as_array().is_some_and(|said| !said.is_empty());
            let told = told("dropped") || told("remarks");
            assert!(told, "what needs attention is named: {healed}");
        }
        let again = self.run(&["heal", "--json", ".venv"]).stdout_json()["environments"][0].clone();
        assert_eq!(again["outcome"], "healthy", "{again}");
        if now.stdout.contains("pure-one==") {
            let import = ["-I", "-c", "import pure_one"];
            self.ctx.program(Who::User, self.env.bin("python")).args(import).run().success();
        }
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.project.path()).expect("the project is there");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("listed").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// The codes of what is broken or degraded.
fn finding_codes(document: &Value) -> Vec<String> {
    let findings = document["environments"][0]["findings"].as_array().cloned().unwrap_or_default();
    let unwell = findings.iter().filter(|finding| finding["severity"] != "note");
    unwell.filter_map(|finding| finding["code"].as_str().map(str::to_owned)).collect()
}

/// The lines of a list; where metadata could not be read, a name is spelt as the directory has it.
fn normalized(list: &Output) -> Vec<String> {
    let mut lines: Vec<String> =
        list.stdout.lines().map(|line| line.to_lowercase().replace(['_', '.'], "-")).collect();
    lines.sort();
    lines
}
