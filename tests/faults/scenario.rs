//! The commands that change the disk, what each may leave, and how it is settled.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use venvkeep_testkit::{Context, Fingerprint, Maker, Need, Output, Who, require, tools};

use crate::VENVKEEP;
use crate::ground::{Disk, Ground, Step};

/// Commands that settle what was left, with the exit codes that each may have.
type Settler = &'static [(&'static [&'static str], &'static [i32])];

const BY_HEAL: Settler = &[(&["heal", ".venv"], &[0])];
/// Removes nothing that young; but it takes the lock, which settles.
const BY_PRUNE: Settler = &[(&["prune", "--older-than", "9999d", ".venv"], &[0])];
const NEW: &[&str] = &["new", "--seed", "none", "-p", "/usr/bin/python3", ".venv"];
/// `new` finds its place taken where the environment had come to be; then its journal is settled by a heal.
const BY_NEW: Settler = &[(NEW, &[0, 2]), (&["heal", ".venv"], &[0])];

const SHARED: &[&str] = &["new", "--shared", "--seed", "none", "-p", "/usr/bin/python3", "./.venv"];
const ADOPTED: &[&str] =
    &["new", "--seed", "none", "-p", "/usr/bin/python3", "--adopt", "./libraries", ".venv"];

const CLONED: &[&str] = &["clone", "./source", ".venv"];
const MOVED: &[&str] = &["move", "./source", ".venv"];
/// A prune takes the lock of the place that is left, where the move itself finds nothing any more.
const PRUNE_SOURCE: &[&str] = &["prune", "--older-than", "9999d", "./source"];
const PRUNE_TARGET: &[&str] = &["prune", "--older-than", "9999d", ".venv"];

/// A command that is to fail, and what it starts from.
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    disk: Disk,
    lay_out: fn(&Ground<'_>),
    pub(crate) command: &'static [&'static str],
    /// What every run is told besides its fault: `plain-renames`, or nothing.
    always: &'static str,
    /// Each in its turn.
    settlers: &'static [Settler],
    trees: Trees,
}

pub(crate) const HEAL: Scene = Scene {
    name: "heal",
    disk: Disk::Usual,
    lay_out: |ground| environment(ground, ".venv", Who::Root),
    command: &["heal"],
    always: "",
    settlers: &[BY_HEAL, BY_PRUNE],
    trees: Trees::Stay,
};

pub(crate) const HEAL_WITH_TWO_RENAMES: Scene =
    Scene { name: "heal with two renames", always: "plain-renames", ..HEAL };

pub(crate) const HEAL_WITHOUT_EXCHANGE: Scene =
    Scene { name: "heal on a file system without exchange", disk: Disk::WithoutExchange, ..HEAL };

/// For everybody, and root's in part: either the old one or one that is for everybody again.
pub(crate) const HEAL_SHARED: Scene = Scene {
    name: "heal of a shared environment",
    lay_out: |ground| {
        // Under a umask that closes it, were it not shared.
        let made = ground.venvkeep(SHARED).umask(0o077).run();
        made.success();
        let site = ground.site();
        let install =
            ground.uv(&["pip", "install", "--quiet", "--python", ".venv", "pure-one", "with-scripts"]);
        install.umask(0o077).run().success();
        // As root leaves what it touches, and a file of the owner's that nobody else can read.
        fs::set_permissions(site.join("with_scripts.py"), fs::Permissions::from_mode(0o600))
            .expect("root may");
        for entry in ["pure_one", "pure_one/__init__.py", "pure_one/data.txt"] {
            std::os::unix::fs::chown(site.join(entry), Some(0), Some(0)).expect("root may");
        }
    },
    ..HEAL
};

pub(crate) const HEAL_RELOCATABLE: Scene = Scene {
    name: "heal of a relocatable environment",
    lay_out: |ground| with_setting(ground, "relocatable = true"),
    ..HEAL
};

/// What cannot be copied is fetched: the installer's private files are steps as well.
pub(crate) const HEAL_BY_FETCHING: Scene =
    Scene { name: "heal by fetching", command: &["heal", "--from", "index"], settlers: &[BY_PRUNE], ..HEAL };

pub(crate) const HEAL_DISCARDING: Scene = Scene {
    name: "heal --discard",
    lay_out: |ground| {
        environment(ground, ".venv", Who::User);
        // Broken, though it is the user's own.
        fs::remove_file(ground.prefix().join("bin/python")).expect("root may");
    },
    command: &["heal", "--discard"],
    trees: Trees::OneGoes,
    ..HEAL
};

const TO: &[&str] = &["heal", "--to", ".venv", "old/env"];

pub(crate) const HEAL_TO: Scene = Scene {
    name: "heal --to",
    lay_out: |ground| environment(ground, "old/env", Who::Root),
    command: TO,
    // As after `new`.
    settlers: &[&[(TO, &[0, 2]), (&["heal", ".venv"], &[0])]],
    ..HEAL
};

pub(crate) const UNDO: Scene = Scene {
    name: "undo",
    lay_out: |ground| {
        environment(ground, ".venv", Who::Root);
        let _ = ground.venvkeep(&["heal"]).run().success();
    },
    command: &["undo"],
    settlers: &[BY_PRUNE],
    ..HEAL
};

pub(crate) const UNDO_WITH_TWO_RENAMES: Scene =
    Scene { name: "undo with two renames", always: "plain-renames", ..UNDO };

pub(crate) const UNDO_WITHOUT_EXCHANGE: Scene =
    Scene { name: "undo on a file system without exchange", disk: Disk::WithoutExchange, ..UNDO };

pub(crate) const PRUNE: Scene = Scene {
    name: "prune",
    lay_out: |ground| {
        environment(ground, ".venv", Who::User);
        let _ = ground.venvkeep(&["heal", "--force"]).run().success();
    },
    command: &["prune"],
    settlers: &[BY_PRUNE, BY_HEAL],
    trees: Trees::OneGoes,
    ..HEAL
};

pub(crate) const MAKE: Scene =
    Scene { name: "new", lay_out: |_| {}, command: NEW, settlers: &[BY_NEW], ..HEAL };

/// With what was installed into a directory, which stays as it is.
pub(crate) const ADOPT: Scene = Scene {
    name: "new --adopt",
    lay_out: |ground| {
        let libraries = ground.project().path().join("libraries");
        let pip = ground.ctx.program(Who::User, tools::pip()).args([
            "install",
            "--quiet",
            "--no-index",
            "--target",
        ]);
        pip.arg(libraries)
            .wheels_only(ground.ctx.wheels())
            .args(["pure-one", "with-scripts"])
            .run()
            .success();
    },
    command: ADOPTED,
    settlers: &[&[(ADOPTED, &[0, 2]), (&["heal", ".venv"], &[0])]],
    ..MAKE
};

/// A healthy environment of the user's beside the place that it is copied to, with a file that names its own.
pub(crate) const CLONE: Scene = Scene {
    name: "clone",
    lay_out: |ground| {
        environment(ground, "source", Who::User);
        let source = ground.prefix().with_file_name("source");
        let named = source.join("notes/paths.txt");
        fs::write(&named, source.to_str().expect("the kit's paths are text")).expect("root may");
        std::os::unix::fs::chown(&named, Some(Who::User.uid()), Some(Who::User.gid())).expect("root may");
    },
    command: CLONED,
    // As after `new`.
    settlers: &[&[(CLONED, &[0, 2]), (&["heal", ".venv"], &[0])]],
    ..HEAL
};

pub(crate) const MOVE: Scene = Scene {
    name: "move",
    command: MOVED,
    settlers: &[
        &[(MOVED, &[0, 2]), (PRUNE_SOURCE, &[0]), (PRUNE_TARGET, &[0])],
        &[(PRUNE_SOURCE, &[0]), (MOVED, &[0, 2]), (PRUNE_TARGET, &[0])],
    ],
    ..CLONE
};

/// What ends without an environment has a matrix of its own.
pub(crate) fn removable(ground: &Ground<'_>) {
    environment(ground, ".venv", Who::User);
}

/// A scene that was played once, undisturbed.
pub(crate) struct Scenario<'c> {
    scene: &'static Scene,
    pub(crate) ground: Ground<'c>,
    /// The trees that are there before, by their names.
    before: Vec<(String, Fingerprint)>,
    /// What is live before and after; the latter without times, since every run makes its own.
    old: Option<Fingerprint>,
    new: Option<Fingerprint>,
    /// All steps of a run that nothing disturbed.
    pub(crate) steps: Vec<Step>,
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
    fn record(scene: &'static Scene, ground: Ground<'c>) -> Self {
        let (before, old) = (ground.trees(), ground.live());
        let (run, steps) = ground.faulty(scene.command, scene.always);
        run.success();
        let new = ground.live().map(|tree| tree.without_times());
        assert!(steps.len() > 5, "{}: the program was built without fault points", scene.name);
        assert!(!ground.is_unsettled(), "{}: {:?}", scene.name, ground.names());
        Self { scene, ground, before, old, new, steps }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.scene.name
    }

    /// Whether there is a moment when nothing stands at the prefix.
    pub(crate) fn has_two_renames(&self) -> bool {
        !self.scene.always.is_empty() || self.scene.disk == Disk::WithoutExchange
    }

    /// From the beginning, with a fault at one step.
    pub(crate) fn run(&self, fault: &str) -> (Output, Vec<Step>) {
        self.ground.restore();
        self.ground.faulty(self.scene.command, &format!("{fault},{}", self.scene.always))
    }

    /// From the beginning, killed after a while.
    pub(crate) fn killed_after(&self, time: Duration) -> bool {
        self.ground.restore();
        self.ground.killed_after(self.scene.command, self.scene.always, time)
    }

    /// From the beginning; something else happens at a step of that kind.
    pub(crate) fn meanwhile(&self, kind: &str, something: impl FnOnce()) -> Output {
        let step = self.steps.iter().find(|step| step.kind() == kind);
        let step = step.unwrap_or_else(|| unreachable!("no step is called {kind}"));
        self.ground.restore();
        self.ground.meanwhile(self.scene.command, step.number, something)
    }

    /// From what the last run left, with a fault at one step.
    pub(crate) fn again(&self, fault: &str) -> (Output, Vec<Step>) {
        self.ground.faulty(self.scene.command, &format!("{fault},{}", self.scene.always))
    }

    /// Wholly old, wholly new, or, between two renames, nothing; everything else fails the test.
    #[track_caller]
    pub(crate) fn live(&self, what: &str) -> Live {
        let Some(found) = self.ground.live() else {
            assert!(self.old.is_none() || self.has_two_renames(), "{what}: nothing stands at the prefix");
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
        self.scene.command == ["prune"] && self.ground.trees().len() == 1
    }

    /// Every tree from before is still there, under whatever name.
    #[track_caller]
    pub(crate) fn assert_nothing_lost(&self, what: &str) {
        let now = self.ground.trees();
        let is_there = |tree: &Fingerprint| now.iter().any(|(_, found)| found.is_same(tree));
        let lost: Vec<_> =
            self.before.iter().filter(|(_, tree)| !is_there(tree)).map(|(name, _)| name).collect();
        let spared = usize::from(self.scene.trees == Trees::OneGoes);
        assert!(lost.len() <= spared, "{what}: {lost:?} is lost: {:?}", self.ground.names());
        // Nobody can take a half of one for a whole.
        let is_whole = |tree: &Fingerprint| {
            self.before.iter().any(|(_, whole)| whole.is_same(tree))
                || self.new.as_ref().is_some_and(|new| new.is_same(&tree.without_times()))
        };
        let half = now.iter().find(|(name, tree)| name.contains("-old-") && !is_whole(tree));
        assert!(half.is_none(), "{what}: half a tree is kept as {:?}", half.map(|(name, _)| name));
    }

    /// `check` says that something was cut off exactly where that is so.
    #[track_caller]
    pub(crate) fn assert_check_names_it(&self, what: &str) {
        let report = self.ground.venvkeep(&["check", "--json", ".venv"]).run();
        let of_source = self.ground.venvkeep(&["check", "--json", "./source"]).run();
        let says = |report: &Output| report.stdout.contains("\"interrupted-heal\"");
        let said = says(&report) || says(&of_source);
        // A `new` that was killed before the environment's place was filled leaves nothing to check.
        // Nor does a move that is done, but for its journal, at the place that it left.
        let is_gone = |report: &Output| report.status.code() == Some(2);
        let is_left = is_gone(&of_source) && !self.ground.is_unsettled_at(".venv");
        let nothing_to_check = self.old.is_none() && (is_gone(&report) || is_left);
        assert!(
            said == self.ground.is_unsettled() || nothing_to_check,
            "{what}: {:?}\n{report}",
            self.ground.names()
        );
    }

    /// What was left is settled, whoever comes next; settling twice changes nothing; and the work can be done.
    #[track_caller]
    pub(crate) fn assert_settles(&self, turn: usize, what: &str) {
        let settler = self.scene.settlers[turn % self.scene.settlers.len()];
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
            self.ground.faulty(self.scene.command, self.scene.always).0.success();
            assert_eq!(self.live(what), Live::New, "{what}");
        }
    }
}

/// An environment with a script, a data file, a link and notes of the user's; small, since it is healed hundreds of
/// times.
fn environment(ground: &Ground<'_>, name: &str, who: Who) {
    let project = ground.project();
    let env = project.venv_by(who, Maker::Uv).at(name).packages(["pure-one", "with-scripts"]).build();
    let notes = env.path().join("notes");
    fs::create_dir(&notes).expect("root may");
    fs::write(notes.join("todo.txt"), "keep me\n").expect("root may");
    symlink("todo.txt", notes.join("link")).expect("root may");
    env.chown("notes", who);
}

/// One of root's with a further line in its `pyvenv.cfg`.
fn with_setting(ground: &Ground<'_>, line: &str) {
    environment(ground, ".venv", Who::Root);
    let config = ground.prefix().join("pyvenv.cfg");
    let text = fs::read_to_string(&config).expect("it is there");
    fs::write(&config, format!("{text}{line}\n")).expect("root may");
}

/// Runs a test where the machine has what the scene needs.
pub(crate) fn with(scene: &'static Scene, test: impl FnOnce(&Scenario<'_>)) {
    if require(&[Need::Uv])
        && let Some(ctx) = Context::new(VENVKEEP)
        && let Some(ground) = Ground::new(&ctx, scene.disk, scene.lay_out)
    {
        test(&Scenario::record(scene, ground));
    }
}
