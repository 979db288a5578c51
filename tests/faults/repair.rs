//! What `doctor --repair` and its `--undo` write down, cut off at each step: every mode that was changed is in it, before it is
//! changed; nothing is lost, half of nothing is live, and the next one comes to the same end as one that nothing disturbed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use venvkeep_testkit::{Context, Fingerprint, Invocation, Output, Who, fingerprint, modes};

use crate::VENVKEEP;
use crate::ground::{Step, copy_tree};
use crate::matrix::{announce, faults};

/// Where everybody's packages are seen, in a mount namespace.
const SEEN: &str = "/usr/local/lib";

/// How often an undo may find one more repair to take back.
const REPAIRS: usize = 8;

/// What is repaired, with the directory that repairs are noted in; restored from a copy.
struct Ground<'c> {
    ctx: &'c Context,
    who: Who,
    top: PathBuf,
    copy: PathBuf,
}

impl<'c> Ground<'c> {
    fn new(ctx: &'c Context, who: Who, lay_out: fn(&Self)) -> Self {
        let top = ctx.area().join("repaired");
        let ground = Self { ctx, who, copy: ctx.area().join("copy"), top };
        for made in [ground.top.clone(), ground.content(), ground.state()] {
            ctx.project_at(made, who);
        }
        lay_out(&ground);
        copy_tree(&ground.top, &ground.copy);
        ground
    }

    fn restore(&self) {
        fs::remove_dir_all(&self.top).expect("root may");
        copy_tree(&self.copy, &self.top);
    }

    /// The home, or what is mounted at [`SEEN`].
    fn content(&self) -> PathBuf {
        self.top.join("content")
    }

    fn state(&self) -> PathBuf {
        self.top.join("state")
    }

    fn trace(&self) -> PathBuf {
        self.ctx.home(self.who).join("trace")
    }

    fn invocation(&self, args: &[&str]) -> Invocation {
        let run = self.ctx.venvkeep_by(self.who, ["doctor", "--repair", "--json"].iter().chain(args));
        let run = match self.who {
            Who::Root => {
                let script = format!("mount --bind \"$1\" {SEEN} && shift && exec \"$@\"");
                let inside =
                    self.ctx.program(Who::Root, "unshare").args(["--mount", "sh", "-c", &script, "sh"]);
                inside.arg(self.content()).args(run.words())
            }
            Who::User | Who::Other => run.env("HOME", self.content()),
        };
        run.env("XDG_STATE_HOME", self.state()).env("RAYON_NUM_THREADS", "1")
    }

    fn run(&self, args: &[&str], fault: &str) -> (Output, Vec<Step>) {
        let run = self.invocation(args).env("VENVKEEP_FAULT_TRACE", self.trace());
        let run = run.env("VENVKEEP_FAULT", fault).run();
        let text = fs::read_to_string(self.trace()).unwrap_or_default();
        fs::remove_file(self.trace()).ok();
        (run, text.lines().filter_map(Step::parse).collect())
    }

    /// Takes everything back, as often as there is something.
    #[track_caller]
    fn undo_all(&self, what: &str) {
        for _ in 0..REPAIRS {
            let (run, _) = self.run(&["--undo"], "");
            match run.status.code() {
                Some(0) => {}
                Some(2) => return,
                _ => unreachable!("{what}: {run}"),
            }
        }
        unreachable!("{what}: there is always one more repair");
    }

    fn modes(&self) -> BTreeMap<PathBuf, u32> {
        modes(&self.content())
    }

    /// The steps in every log that was not taken back.
    fn noted(&self) -> Vec<Value> {
        let logs = fs::read_dir(self.state().join("venvkeep/repairs")).into_iter().flatten();
        let logs = logs.map(|entry| entry.expect("root may").path());
        let logs = logs.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
        let steps = logs.flat_map(|log| {
            let text = fs::read(&log).expect("root may");
            serde_json::from_slice::<Vec<Value>>(&text)
                .unwrap_or_else(|why| unreachable!("{}: {why}", log.display()))
        });
        steps.collect()
    }

    /// Every mode that is another than before is written down with what it was.
    #[track_caller]
    fn assert_noted(&self, before: &BTreeMap<PathBuf, u32>, what: &str) {
        let seen = |path: &Path| match self.who {
            Who::Root => Path::new(SEEN).join(path.strip_prefix(self.content()).expect("it is inside")),
            _ => path.to_owned(),
        };
        let steps = self.noted();
        let now = self.modes();
        for (path, mode) in
            before.iter().filter(|(path, mode)| now.get(*path).is_some_and(|now| now != *mode))
        {
            let is_it = |step: &Value| {
                step["kind"] == "mode"
                    && step["path"].as_str().map(Path::new) == Some(&seen(path))
                    && step["before"] == *mode
            };
            assert!(steps.iter().any(is_it), "{what}: {} was {mode:o}: {steps:#?}", path.display());
        }
    }
}

/// Before the first change of what is repaired, the log is whole, on the disk, and under its name.
#[track_caller]
fn assert_written_first(ground: &Ground<'_>, steps: &[Step]) {
    let root = if ground.who == Who::Root { PathBuf::from(SEEN) } else { ground.content() };
    let place = |is_it: &dyn Fn(&Step) -> bool| steps.iter().position(is_it).expect("there is such a step");
    let first = place(&|step| step.path.starts_with(&root));
    let is_note = |step: &Step| step.path.starts_with(ground.state().join("venvkeep/repairs"));
    let named = place(&|step| step.what == "rename" && is_note(step));
    let syncs = |steps: &[Step]| steps.iter().any(|step| step.what == "sync" && is_note(step));
    assert!(named < first, "{steps:#?}");
    assert!(syncs(&steps[..named]) && syncs(&steps[named..first]), "{steps:#?}");
}

/// The exit code fits what was done, and who says that nothing was changed is right.
#[track_caller]
fn assert_ends_well(ground: &Ground<'_>, run: &Output, way: &str, (before, what): (&Fingerprint, &str)) {
    if way == "kill" || way == "abort" {
        assert!(run.status.signal().is_some(), "{what}: {run}");
        return;
    }
    assert!(matches!(run.status.code(), Some(0 | 3 | 4 | 130)), "{what}: {run}");
    if run.status.code() == Some(3) {
        assert!(run.stderr.starts_with("venvkeep: "), "{what}: {run}");
    }
    if run.stderr.contains("Nothing was changed") {
        let differences = before.differences(&fingerprint(ground.content()));
        assert!(differences.is_empty(), "{what}: {differences:#?} {run}");
    }
}

/// What the user does after a fault, before all is taken back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Repair,
    Nothing,
}

fn both_ways<F: Copy>(fault: F) -> [(F, Then); 2] {
    [(fault, Then::Repair), (fault, Then::Nothing)]
}

/// Everybody's packages, as `sudo pip` leaves them under umask 027.
fn everybodys(ground: &Ground<'_>) {
    let site = ground.content().join("python3.11/dist-packages");
    // A row opens only what is what it says.
    let (content, hash) = (
        "Metadata-Version: 2.1\nName: one\nVersion: 1.0\n",
        "sha256=fr7ysKaEzysBM2XdrqDrsM4IKrn5v6ux_YFGWWdb1K8",
    );
    let files = ["one/__init__.py", "one/deep/__init__.py", "one-1.0.dist-info/METADATA"];
    for file in files {
        let path = site.join(file);
        fs::create_dir_all(path.parent().expect("it is below")).expect("root may");
        fs::write(&path, content).expect("root may");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("root may");
    }
    let rows = files.map(|file| format!("{file},{hash},\n")).concat() + "one-1.0.dist-info/RECORD,,\n";
    fs::write(site.join("one-1.0.dist-info/RECORD"), rows).expect("root may");
    for directory in ["", "one", "one/deep", "one-1.0.dist-info"] {
        fs::set_permissions(site.join(directory), fs::Permissions::from_mode(0o750)).expect("root may");
    }
}

#[test]
fn roots_repair_and_undo() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let ground = Ground::new(&ctx, Who::Root, everybodys);
    let (before, modes) = (fingerprint(ground.content()), ground.modes());
    let (run, steps) = ground.run(&[], "");
    run.success();
    assert_written_first(&ground, &steps);
    ground.assert_noted(&modes, "undisturbed");
    let (repaired, opened) = (fingerprint(ground.content()), ground.modes());
    let (run, undo_steps) = ground.run(&["--undo"], "");
    run.success();
    before.assert_unchanged();
    let mut runs = 0;
    for (args, steps) in [(&[][..], &steps), (&["--undo"][..], &undo_steps)] {
        let all: Vec<&Step> = steps.iter().collect();
        for ((step, way), then) in faults(&all).into_iter().flat_map(both_ways) {
            let what = format!("{args:?}, {way} at {} {} {}", step.number, step.what, step.path.display());
            ground.restore();
            if !args.is_empty() {
                ground.run(&[], "").0.success();
            }
            let from = fingerprint(ground.content());
            let (run, passed) = ground.run(args, &format!("{way}@{}", step.number));
            assert!(passed.len() >= step.number, "{what}: it was not reached: {run}");
            assert_ends_well(&ground, &run, way, (&from, &what));
            let now = ground.modes();
            let is_either = |path: &PathBuf| now[path] == modes[path] || now[path] == opened[path];
            assert!(modes.keys().all(is_either), "{what}");
            ground.assert_noted(&modes, &what);
            if then == Then::Repair {
                ground.run(&[], "").0.success();
                let differences = repaired.differences(&fingerprint(ground.content()));
                assert!(differences.is_empty(), "{what}, and repaired: {differences:#?}");
            }
            ground.undo_all(&what);
            let differences = before.differences(&fingerprint(ground.content()));
            assert!(differences.is_empty(), "{what}, and undone: {differences:#?}");
            runs += 1;
        }
    }
    announce(&format!(
        "doctor --repair of root's: {} and {} steps, {runs} faults",
        steps.len(),
        undo_steps.len()
    ));
}

/// Below the home: what root took over, and files of the user's own that are closed to themselves.
const TAKEN_OVER: [&str; 2] = [".cache/pip", ".local/lib"];
const CLOSED: &str = ".cache/uv/closed";

fn users_home(ground: &Ground<'_>) {
    let home = ground.ctx.project_at(ground.content(), Who::User);
    home.write(".cache/pip/http/a", "x");
    let module = home.write(".local/lib/python3.11/site-packages/mine.py", "VALUE = 1\n");
    symlink("mine.py", module.with_file_name("link.py")).expect("root may");
    let closed = home.write(CLOSED, "x");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o200)).expect("root may");
    for below in TAKEN_OVER {
        let own = ground.ctx.program(Who::Root, "chown").args(["-R", "0:0"]);
        own.arg(home.path().join(below)).run().success();
    }
    chown(home.path().join(".local"), Some(Who::User.uid()), Some(Who::User.gid())).expect("root may");
}

/// What is to be seen of one directory: the one at its place, and those beside it that come from it.
struct Trees {
    live: Fingerprint,
    beside: Vec<(String, Fingerprint)>,
}

impl Trees {
    #[track_caller]
    fn of(place: &Path, what: &str) -> Self {
        assert!(place.is_dir(), "{what}: nothing is at {}", place.display());
        let name = place.file_name().expect("it has a name").to_string_lossy().into_owned();
        let names = fs::read_dir(place.parent().expect("it has one")).expect("root may");
        let names: BTreeSet<String> =
            names.map(|entry| entry.expect("root may").file_name().to_string_lossy().into_owned()).collect();
        let beside = names.into_iter().filter(|other| *other != name && other.contains(&name));
        let beside = beside.map(|other| (other.clone(), fingerprint(place.with_file_name(other)))).collect();
        Self { live: fingerprint(place), beside }
    }

    fn names(&self) -> Vec<&String> {
        self.beside.iter().map(|(name, _)| name).collect()
    }

    fn is_settled(&self) -> bool {
        !self.beside.iter().any(|(name, _)| name.contains(".venvkeep-"))
    }
}

#[test]
fn a_users_repair_and_undo() {
    repair_of_a_user("");
}

#[test]
fn a_users_repair_and_undo_by_plain_renames() {
    repair_of_a_user("plain-renames");
}

fn repair_of_a_user(always: &str) {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let ground = Ground::new(&ctx, Who::User, users_home);
    let places = TAKEN_OVER.map(|below| ground.content().join(below));
    let closed = ground.content().join(CLOSED);
    let mode = || fs::metadata(&closed).expect("it is there").mode() & 0o777;
    let look = |what: &str| places.each_ref().map(|place| Trees::of(place, what));
    let old = look("before").map(|trees| trees.live);
    let (run, steps) = ground.run(&[], always);
    run.success();
    assert_written_first(&ground, &steps);
    let new = look("repaired").map(|trees| trees.live.without_times());
    let (run, undo_steps) = ground.run(&["--undo"], always);
    run.success();
    let mut runs = 0;
    for (args, steps) in [(&[][..], &steps), (&["--undo"][..], &undo_steps)] {
        let all: Vec<&Step> = steps.iter().collect();
        for ((step, way), then) in faults(&all).into_iter().flat_map(both_ways) {
            let what = format!("{args:?}, {way} at {} {} {}", step.number, step.what, step.path.display());
            ground.restore();
            if !args.is_empty() {
                ground.run(&[], always).0.success();
            }
            let from = fingerprint(ground.content());
            let (run, passed) = ground.run(args, &format!("{way}@{},{always}", step.number));
            assert!(passed.len() >= step.number, "{what}: it was not reached: {run}");
            assert_ends_well(&ground, &run, way, (&from, &what));
            assert!(mode() == 0o200 || mode() == 0o600, "{what}");
            let between = !always.is_empty();
            for (number, place) in places.iter().enumerate() {
                // Between two renames nothing stands there.
                if between && !place.is_dir() {
                    continue;
                }
                let trees = Trees::of(place, &what);
                let mut all = std::iter::once(&trees.live).chain(trees.beside.iter().map(|(_, tree)| tree));
                assert!(all.any(|tree| tree.is_same(&old[number])), "{what}: lost: {:?}", trees.names());
                let is_new = trees.live.without_times().is_same(&new[number]);
                assert!(is_new || trees.live.is_same(&old[number]), "{what}: half of one is live");
            }
            if then == Then::Repair {
                ground.run(&[], always).0.success();
                for (number, trees) in look(&what).iter().enumerate() {
                    assert!(trees.live.without_times().is_same(&new[number]), "{what}, and repaired");
                    let olds = trees.beside.iter().filter(|(_, tree)| tree.is_same(&old[number]));
                    let olds: Vec<_> = olds.map(|(name, _)| name).collect();
                    assert!(olds.len() == 1 && olds[0].contains(".aside-"), "{what}: {:?}", trees.names());
                    assert!(trees.is_settled(), "{what}, and repaired: {:?}", trees.names());
                }
                assert_eq!(mode(), 0o600, "{what}, and repaired");
            }
            ground.undo_all(&what);
            for (number, trees) in look(&what).iter().enumerate() {
                assert!(trees.live.is_same(&old[number]), "{what}, and undone: {:?}", trees.names());
                assert!(trees.is_settled(), "{what}, and undone: {:?}", trees.names());
            }
            assert_eq!(mode(), 0o200, "{what}, and undone");
            runs += 1;
        }
    }
    announce(&format!(
        "doctor --repair of a user's {always}: {} and {} steps, {runs} faults",
        steps.len(),
        undo_steps.len()
    ));
}

#[test]
fn of_two_repairs_at_once_one_is_told_to_wait() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let ground = Ground::new(&ctx, Who::Root, everybodys);
    let before = fingerprint(ground.content());
    let (_, steps) = ground.run(&[], "");
    let repaired = fingerprint(ground.content());
    let first = steps.iter().find(|step| step.path.starts_with(SEEN)).expect("a mode is changed");
    ground.restore();
    let paused = ground.invocation(&[]).env("VENVKEEP_FAULT_TRACE", ground.trace());
    let paused = paused.env("VENVKEEP_FAULT", format!("pause@{}", first.number));
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| paused.run());
        let passed = || fs::read_to_string(ground.trace()).unwrap_or_default().lines().count();
        while passed() < first.number && !one.is_finished() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let others = [ground.invocation(&[]).run(), ground.invocation(&["--undo"]).run()];
        fs::remove_file(ground.trace()).expect("the step was reached");
        (one.join().expect("it is waited for"), others)
    });
    for other in other {
        other.code(3).stderr_has("Nothing was changed");
    }
    one.success();
    repaired.assert_same(&fingerprint(ground.content()));
    ground.undo_all("two at once");
    before.assert_same(&fingerprint(ground.content()));
}
