//! The commands of every day in environments made to hurt: `list`, `run`, `rename`, `clone`, `move`, `remove`. Some of these
//! environments are healthy, so that they are really copied; the others are refused and stay as they are.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::FileType;
use venvkeep_testkit::{
    Context, Environment, Fingerprint, Invocation, Maker, Output, Project, Traps, Who, fingerprint,
};

use super::{EVIL, MEMORY_KIB, SECRET, contains, deceives, distribution, ended, special};
use crate::VENVKEEP;
use crate::support::names_in;

/// Longer than anything that is read whole; `mod.rs` has what is larger than the memory.
const BEYOND: u64 = 24 * 1024 * 1024;

/// What is done to an environment; the project is what lies outside of it.
type Damage = fn(&Environment<'_>, &Project<'_>);

/// An environment of the user's, what it must not reach, and what tells that something of it was started.
struct Scene<'c> {
    ctx: &'c Context,
    project: Project<'c>,
    env: Environment<'c>,
    before: Fingerprint,
    traps: Traps,
}

impl<'c> Scene<'c> {
    fn new(ctx: &'c Context, name: &str, damage: Damage) -> Self {
        let outside = ctx.project(&format!("outside-{name}"));
        outside.write("secret.txt", format!("Name: {SECRET}\nVersion: 1\nhome = {SECRET}\n"));
        outside.write("secret.dist-info/METADATA", format!("Name: {SECRET}\nVersion: 1\n"));
        let project = ctx.project(name);
        let env = project.venv_by_owner(Maker::VenvWithoutPip).packages(["pure-one"]).build();
        let traps = ctx.traps(name);
        traps.set_startup_files(&env);
        traps.set_programs(&env.path().join("bin"), &["pip", "uv", "git", "activate"]);
        damage(&env, &outside);
        // Links keep their ends; `chown -R` does not follow them.
        env.chown("", Who::User);
        let before = fingerprint(outside.path());
        Self { ctx, project, env, before, traps }
    }

    /// One command, with the environment active and its programs first in PATH.
    fn run(&self, command: Invocation) -> Output {
        let command = command.env("VIRTUAL_ENV", self.env.path()).path_first(self.env.path().join("bin"));
        let output = ended(&command.memory(MEMORY_KIB)).stdout_lacks(SECRET).stderr_lacks(SECRET);
        for text in [&output.stdout, &output.stderr] {
            assert_eq!(text.chars().find(|&c| deceives(c)), None, "{text:?}");
        }
        self.traps.assert_untouched();
        self.before.assert_unchanged();
        output
    }

    fn venvkeep(&self, args: &[&str]) -> Output {
        self.run(self.project.venvkeep(args))
    }

    /// A tree that was made from it holds nothing from outside, runs as nobody else, and is the user's.
    fn assert_harmless(tree: &Path) {
        assert!(!contains(tree, SECRET), "{}", tree.display());
        let mut waiting = vec![tree.to_owned()];
        while let Some(path) = waiting.pop() {
            let facts = fs::symlink_metadata(&path).expect("root may");
            assert_eq!(facts.uid(), Who::User.uid(), "{}", path.display());
            if facts.is_file() {
                assert_eq!((facts.mode() & 0o6000, facts.nlink()), (0, 1), "{}", path.display());
            }
            if facts.is_dir() {
                waiting.extend(
                    fs::read_dir(&path).expect("root may").map(|entry| entry.expect("root may").path()),
                );
            }
        }
    }

    /// Every command, in the order of a day; whether it was copied, and what was said of that.
    fn day(&self) -> (bool, Output) {
        let whole = fingerprint(self.env.path());
        self.venvkeep(&["list"]);
        self.venvkeep(&["list", "--json"]).stdout_json();
        self.venvkeep(&["rename", ".venv", "called"]);
        self.venvkeep(&["run", ".venv", "--", "/bin/echo", "ran"]);
        let cloned = self.venvkeep(&["clone", ".venv", "./copy"]);
        let copy = self.project.path().join("copy");
        let is_copied = copy.exists();
        whole.assert_unchanged();
        if is_copied {
            Self::assert_harmless(&copy);
        }
        let moved = self.venvkeep(&["move", ".venv", "./moved"]);
        let target = self.project.path().join("moved");
        assert_eq!(target.exists(), is_copied, "what can be copied can be moved: {cloned}\n{moved}");
        if target.exists() {
            assert!(!self.env.path().exists(), "{moved}");
            Self::assert_harmless(&target);
            self.run(self.ctx.venvkeep(["list", "--json"]));
            self.venvkeep(&["undo", ".venv"]).success();
        }
        whole.assert_unchanged();
        self.venvkeep(&["remove", ".venv"]).success();
        assert!(!self.env.path().exists());
        self.venvkeep(&["undo", ".venv"]).success();
        whole.assert_unchanged();
        for place in ["./copy", "./moved"].iter().filter(|place| self.project.path().join(place).exists()) {
            self.venvkeep(&["remove", place]).success();
            self.venvkeep(&["prune", place]);
        }
        let names = names_in(self.project.path());
        assert!(names.iter().all(|name| !name.contains("stage") && !name.contains("journal")), "{names:?}");
        (is_copied, cloned)
    }
}

fn nothing(_: &Environment<'_>, _: &Project<'_>) {}

fn rows_that_lead_outside(env: &Environment<'_>, outside: &Project<'_>) {
    let secret = outside.path().join("secret.txt");
    let rows = format!(
        "{},,\n/etc/shadow,,\n/dev/zero,,\n../../../../../outside/secret.txt,,\n..,,\n/,,\n",
        secret.display()
    );
    let info = distribution(env, "evil", &rows);
    let commands =
        "[console_scripts]\n../../../made = os:getcwd\n/tmp/made = os:getcwd\npython3 = os:getcwd\n";
    fs::write(info.join("entry_points.txt"), commands).expect("root may");
}

fn links_that_lead_outside(env: &Environment<'_>, outside: &Project<'_>) {
    let data = env.path().join("data");
    fs::create_dir(&data).expect("root may");
    let secret = outside.path().join("secret.txt");
    let targets = [
        ("secret", secret.as_path()),
        ("shadow", Path::new("/etc/shadow")),
        ("up", Path::new("../../..")),
        ("root", Path::new("/")),
        ("circle", Path::new("circle")),
        ("outside", outside.path()),
    ];
    for (name, target) in targets {
        symlink(target, data.join(name)).expect("root may");
    }
    symlink(&secret, env.path().join("pip.conf")).expect("root may");
    symlink(&secret, env.bin("tool")).expect("root may");
}

fn metadata_elsewhere(env: &Environment<'_>, outside: &Project<'_>) {
    let place = env.site_packages().join("x-1.0.dist-info");
    symlink(outside.path().join("secret.dist-info"), place).expect("root may");
}

fn what_is_no_file(env: &Environment<'_>, _: &Project<'_>) {
    for (name, kind) in
        [("fifo", FileType::Fifo), ("device", FileType::CharacterDevice), ("socket", FileType::Socket)]
    {
        special(&env.path().join(name), kind);
        special(&env.bin(&format!("{name}-tool")), kind);
        special(&env.site_packages().join(format!("{name}.py")), kind);
    }
    special(&env.path().join("pip.conf"), FileType::Fifo);
}

fn names_that_command(env: &Environment<'_>, _: &Project<'_>) {
    let line = EVIL.replace(['\n', '\r'], "");
    let info = distribution(env, "evil", "evil-1.0.dist-info/METADATA,,\n");
    fs::write(
        info.join("METADATA"),
        format!("Name: evil\nVersion: 1.0\nSummary: {line}\nRequires-Dist: gone{line}\n"),
    )
    .expect("root may");
    fs::write(info.join("INSTALLER"), EVIL).expect("root may");
    for place in [env.path().to_owned(), env.path().join("bin"), env.site_packages()] {
        fs::write(place.join(EVIL), format!("#!{}/bin/python\n{EVIL}\n", env.str())).expect("root may");
    }
    fs::set_permissions(env.bin(EVIL), fs::Permissions::from_mode(0o755)).expect("root may");
    symlink(format!("{}/{EVIL}", env.str()), env.path().join(format!("link{EVIL}"))).expect("root may");
    let config = fs::read_to_string(env.path().join("pyvenv.cfg")).expect("root may");
    fs::write(env.path().join("pyvenv.cfg"), format!("{config}prompt = {line}\nuv = {line}\n"))
        .expect("root may");
}

fn other_names_of_files(env: &Environment<'_>, outside: &Project<'_>) {
    for (name, place) in [("notes", env.path().join("notes.txt")), ("tool", env.bin("tool"))] {
        let file = outside.write(name, format!("#!{}/bin/python\n", env.str()));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o4751)).expect("root may");
        fs::hard_link(&file, place).expect("root may");
    }
}

fn what_has_no_end(env: &Environment<'_>, _: &Project<'_>) {
    for name in ["pip.conf", "huge.bin"] {
        fs::File::create(env.path().join(name)).expect("root may").set_len(BEYOND).expect("root may");
    }
    let mut deep = env.path().join("deep");
    for _ in 0..200 {
        deep.push("d");
    }
    fs::create_dir_all(deep).expect("root may");
}

fn anothers_interpreter(env: &Environment<'_>, outside: &Project<'_>) {
    let program = outside.write("bin/python3", "#!/bin/sh\nexit 1\n");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o777)).expect("root may");
    let config = format!(
        "home = {0}\nexecutable = {0}/python3\nversion = 3.11.2\n",
        outside.path().join("bin").display()
    );
    fs::write(env.path().join("pyvenv.cfg"), config).expect("root may");
    for link in ["python", "python3"] {
        fs::remove_file(env.bin(link)).expect("root may");
        symlink(&program, env.bin(link)).expect("root may");
    }
}

fn metadata_without_end(env: &Environment<'_>, _: &Project<'_>) {
    let info = distribution(env, "huge", "");
    for name in ["METADATA", "direct_url.json", "entry_points.txt"] {
        fs::File::create(info.join(name)).expect("root may").set_len(BEYOND).expect("root may");
    }
    distribution(env, "many", &"package/module.py,,\n".repeat(100_000));
}

#[test]
fn what_can_be_copied_brings_nothing_along_from_outside() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let kinds: [(&str, Damage); 6] = [
        ("plain", nothing),
        ("links", links_that_lead_outside),
        ("no-files", what_is_no_file),
        ("names", names_that_command),
        ("hard-links", other_names_of_files),
        ("no-end", what_has_no_end),
    ];
    for (name, damage) in kinds {
        let scene = Scene::new(&ctx, name, damage);
        let (is_copied, said) = scene.day();
        assert!(is_copied, "{name}: {said}");
    }
}

#[test]
fn what_cannot_be_copied_stays_as_it_is() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let kinds: [(&str, Damage); 5] = [
        ("rows", rows_that_lead_outside),
        ("elsewhere", metadata_elsewhere),
        ("nameless", |env, _| drop(distribution(env, "evil", ""))),
        ("interpreter", anothers_interpreter),
        ("metadata", metadata_without_end),
    ];
    for (name, damage) in kinds {
        let scene = Scene::new(&ctx, name, damage);
        let (is_copied, said) = scene.day();
        assert!(!is_copied, "{name}: {said}");
        assert!(!Path::new("/tmp/made").exists() && !scene.project.path().join("made").exists(), "{name}");
    }
}

#[test]
fn nothing_of_a_strangers_environment_is_run_or_copied() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let scene = Scene::new(&ctx, "theirs", links_that_lead_outside);
    for (path, who) in [("bin", Who::Other), ("", Who::Other)] {
        scene.env.chown(path, who);
        let whole = fingerprint(scene.env.path());
        scene.venvkeep(&["run", ".venv", "--", "/bin/echo", "ran"]).code(4).stdout_lacks("ran");
        scene.venvkeep(&["clone", ".venv", "./copy"]);
        scene.venvkeep(&["move", ".venv", "./moved"]);
        assert!(!scene.project.path().join("copy").exists() && !scene.project.path().join("moved").exists());
        scene.venvkeep(&["list"]);
        scene.venvkeep(&["rename", ".venv", "theirs"]);
        whole.assert_unchanged();
    }
}
