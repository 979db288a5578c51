//! The commands that change the disk, what each may leave, and how it is settled.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use venvkeep_testkit::{Context, Fingerprint, Maker, Need, Output, Who, require};

use crate::VENVKEEP;
use crate::ground::{Ground, Step};

/// Commands that settle what was left, with the exit codes that each may have.
type Settler = &'static [(&'static [&'static str], &'static [i32])];

const BY_HEAL: Settler = &[(&["heal", ".venv"], &[0])];
/// Removes nothing that young; but it takes the lock, which settles.
const BY_PRUNE: Settler = &[(&["prune", "--older-than", "9999d", ".venv"], &[0])];
const NEW: &[&str] = &["new", "--seed", "none", "-p", "/usr/bin/python3", ".venv"];
/// `new` finds its place taken where the environment had come to be; then its journal is settled by a heal.
const BY_NEW: Settler = &[(NEW, &[0, 2]), (&["heal", ".venv"], &[0])];

/// One command, from one ground.
pub(crate) struct Scenario<'c> {
    pub(crate) name: &'static str,
    pub(crate) ground: Ground<'c>,
    plan: Plan,
    /// The trees that are there before, by their names.
    before: Vec<(String, Fingerprint)>,
    /// What is live before and after; the latter without times, since every run makes its own.
    old: Option<Fingerprint>,
    new: Option<Fingerprint>,
    /// All steps of a run that nothing disturbed.
    pub(crate) steps: Vec<Step>,
}

/// What is run.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// The command that is to fail.
    pub(crate) command: &'static [&'static str],
    /// What every run is told besides its fault: `plain-renames`, or nothing.
    pub(crate) always: &'static str,
    /// Each in its turn.
    settlers: &'static [Settler],
    trees: Trees,
}

/// What the command does to the trees that it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trees {
    /// They stay, under whatever name.
    Stay,
    /// It removes one; a tree that is partly removed is never live and bears no kept tree's name.
    OneGoes,
}

/// What stands at the environment's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Live {
    Old,
    New,
    /// Between two renames.
    Nothing,
}

impl<'c> Scenario<'c> {
    /// Records an undisturbed run.
    fn record(name: &'static str, ground: Ground<'c>, plan: Plan) -> Self {
        let (before, old) = (ground.trees(), ground.live());
        let (run, steps) = ground.faulty(plan.command, plan.always);
        run.success();
        let new = ground.live().map(|tree| tree.without_times());
        assert!(steps.len() > 5, "{name}: the program was built without fault points");
        assert!(!ground.is_unsettled(), "{name}: {:?}", ground.names());
        Self { name, ground, plan, before, old, new, steps }
    }

    /// From the beginning, with a fault at one step.
    pub(crate) fn run(&self, fault: &str) -> (Output, Vec<Step>) {
        self.ground.restore();
        self.ground.faulty(self.plan.command, &format!("{fault},{}", self.plan.always))
    }

    /// From the beginning, killed after a while.
    pub(crate) fn killed_after(&self, time: Duration) -> bool {
        self.ground.restore();
        self.ground.killed_after(self.plan.command, self.plan.always, time)
    }

    /// From the beginning; something else happens at a step of that kind.
    pub(crate) fn meanwhile(&self, kind: &str, something: impl FnOnce()) -> Output {
        let step = self.steps.iter().find(|step| step.kind() == kind);
        let step = step.unwrap_or_else(|| unreachable!("no step is called {kind}"));
        self.ground.restore();
        self.ground.meanwhile(self.plan.command, step.number, something)
    }

    /// From what the last run left, with a fault at one step.
    pub(crate) fn again(&self, fault: &str) -> (Output, Vec<Step>) {
        self.ground.faulty(self.plan.command, &format!("{fault},{}", self.plan.always))
    }

    /// Wholly old, wholly new, or, between two renames, nothing; everything else fails the test.
    #[track_caller]
    pub(crate) fn live(&self, what: &str) -> Live {
        let Some(found) = self.ground.live() else {
            assert!(
                self.old.is_none() || !self.plan.always.is_empty(),
                "{what}: nothing stands at the prefix"
            );
            return if self.old.is_none() { Live::Old } else { Live::Nothing };
        };
        if self.old.as_ref().is_some_and(|old| old.is_same(&found)) && !self.is_done() {
            return Live::Old;
        }
        let new = self.new.as_ref().expect("a scenario ends with an environment");
        // The mark of trust comes last and says something else each time; without it nothing is trusted.
        let is_mark = |line: &String| line.get(2..).is_some_and(|entry| entry.starts_with(".venvkeep:"));
        let mut differences = new.differences(&found.without_times());
        differences.retain(|line| !is_mark(line));
        assert!(differences.is_empty(), "{what}: neither old nor new: {differences:#?}");
        Live::New
    }

    /// A prune leaves the live environment as it is.
    fn is_done(&self) -> bool {
        self.plan.command == ["prune"] && self.ground.trees().len() == 1
    }

    /// Every tree from before is still there, under whatever name.
    #[track_caller]
    pub(crate) fn assert_nothing_lost(&self, what: &str) {
        let now = self.ground.trees();
        let is_there = |tree: &Fingerprint| now.iter().any(|(_, found)| found.is_same(tree));
        let lost: Vec<_> =
            self.before.iter().filter(|(_, tree)| !is_there(tree)).map(|(name, _)| name).collect();
        let spared = usize::from(self.plan.trees == Trees::OneGoes);
        assert!(lost.len() <= spared, "{what}: {lost:?} is lost: {:?}", self.ground.names());
        // Nobody can take a half of one for a whole.
        let is_whole = |tree: &Fingerprint| {
            self.before.iter().any(|(_, whole)| whole.is_same(tree))
                || self.new.as_ref().is_some_and(|new| new.is_same(&tree.without_times()))
        };
        let half = now.iter().find(|(name, tree)| name.contains("venvkeep-old") && !is_whole(tree));
        assert!(half.is_none(), "{what}: half a tree is kept as {:?}", half.map(|(name, _)| name));
    }

    /// `check` says that something was cut off exactly where that is so.
    #[track_caller]
    pub(crate) fn assert_check_names_it(&self, what: &str) {
        let report = self.ground.venvkeep(&["check", "--json", ".venv"]).run();
        let said = report.stdout.contains("\"interrupted-heal\"");
        // A `new` that was killed before the environment's place was filled leaves nothing to check.
        let nothing_to_check = self.old.is_none() && report.status.code() == Some(2);
        assert!(
            said == self.ground.is_unsettled() || nothing_to_check,
            "{what}: {:?}\n{report}",
            self.ground.names()
        );
    }

    /// What was left is settled, whoever comes next; settling twice changes nothing; and the work can be done.
    #[track_caller]
    pub(crate) fn assert_settles(&self, turn: usize, what: &str) {
        let settler = self.plan.settlers[turn % self.plan.settlers.len()];
        let settle = || {
            for (args, codes) in settler {
                let run = self.ground.venvkeep(args).run();
                assert!(run.status.code().is_some_and(|code| codes.contains(&code)), "{what}: {run}");
            }
            assert!(!self.ground.is_unsettled(), "{what}: {:?}", self.ground.names());
            assert_ne!(self.live(what), Live::Nothing, "{what}: {:?}", self.ground.names());
            self.assert_nothing_lost(what);
        };
        settle();
        let once = self.ground.trees();
        settle();
        let is_same = |(one, other): (&(String, Fingerprint), &(String, Fingerprint))| {
            one.0 == other.0 && one.1.is_same(&other.1)
        };
        let twice = self.ground.trees();
        assert!(once.len() == twice.len() && once.iter().zip(&twice).all(is_same), "{what}: settled twice");
        if self.live(what) == Live::Old {
            self.ground.faulty(self.plan.command, self.plan.always).0.success();
            assert_eq!(self.live(what), Live::New, "{what}");
        }
    }
}

/// Root's environment with a script, a data file, a link and notes of the user's; small, since it is healed hundreds
/// of times.
fn environment(ground: &Ground<'_>, who: Who) {
    let project = ground.project();
    let env = project.venv_by(who, Maker::Uv).packages(["pure-one", "with-scripts"]).build();
    let notes = env.path().join("notes");
    fs::create_dir(&notes).expect("root may");
    fs::write(notes.join("todo.txt"), "keep me\n").expect("root may");
    symlink("todo.txt", notes.join("link")).expect("root may");
    env.chown("notes", who);
}

/// Runs a test where the machine has what the scenarios need.
pub(crate) fn with(
    scenario: impl FnOnce(&Context) -> Option<Scenario<'_>>,
    test: impl FnOnce(&Scenario<'_>),
) {
    if require(&[Need::Uv])
        && let Some(ctx) = Context::new(VENVKEEP)
        && let Some(scenario) = scenario(&ctx)
    {
        test(&scenario);
    }
}

pub(crate) fn heal<'c>(ctx: &'c Context, always: &'static str) -> Option<Scenario<'c>> {
    let ground = Ground::new(ctx, |ground| environment(ground, Who::Root))?;
    let name = if always.is_empty() { "heal" } else { "heal with two renames" };
    let settlers: &[Settler] = &[BY_HEAL, BY_PRUNE];
    Some(Scenario::record(name, ground, Plan { command: &["heal"], always, settlers, trees: Trees::Stay }))
}

/// What cannot be copied is fetched: the installer's private files are steps as well.
pub(crate) fn heal_by_fetching(ctx: &Context) -> Option<Scenario<'_>> {
    let ground = Ground::new(ctx, |ground| environment(ground, Who::Root))?;
    let command = &["heal", "--from", "index"];
    let settlers: &[Settler] = &[BY_PRUNE];
    Some(Scenario::record(
        "heal by fetching",
        ground,
        Plan { command, always: "", settlers, trees: Trees::Stay },
    ))
}

pub(crate) fn heal_discarding(ctx: &Context) -> Option<Scenario<'_>> {
    let ground = Ground::new(ctx, |ground| {
        environment(ground, Who::User);
        // Broken, though it is the user's own.
        fs::remove_file(ground.prefix().join("bin/python")).expect("root may");
    })?;
    let command = &["heal", "--discard"];
    let settlers: &[Settler] = &[BY_HEAL, BY_PRUNE];
    Some(Scenario::record(
        "heal --discard",
        ground,
        Plan { command, always: "", settlers, trees: Trees::OneGoes },
    ))
}

pub(crate) fn undo<'c>(ctx: &'c Context, always: &'static str) -> Option<Scenario<'c>> {
    let ground = Ground::new(ctx, |ground| {
        environment(ground, Who::Root);
        let _ = ground.venvkeep(&["heal"]).run().success();
    })?;
    let name = if always.is_empty() { "undo" } else { "undo with two renames" };
    let settlers: &[Settler] = &[BY_PRUNE];
    Some(Scenario::record(name, ground, Plan { command: &["undo"], always, settlers, trees: Trees::Stay }))
}

pub(crate) fn prune(ctx: &Context) -> Option<Scenario<'_>> {
    let ground = Ground::new(ctx, |ground| {
        environment(ground, Who::User);
        let _ = ground.venvkeep(&["heal", "--force"]).run().success();
    })?;
    let settlers: &[Settler] = &[BY_PRUNE, BY_HEAL];
    let plan = Plan { command: &["prune"], always: "", settlers, trees: Trees::OneGoes };
    Some(Scenario::record("prune", ground, plan))
}

pub(crate) fn new(ctx: &Context) -> Option<Scenario<'_>> {
    let ground = Ground::new(ctx, |_| {})?;
    let plan = Plan { command: NEW, always: "", settlers: &[BY_NEW], trees: Trees::Stay };
    Some(Scenario::record("new", ground, plan))
}
