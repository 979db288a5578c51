//! `clone` and `move`: a healthy environment at another place, every path in it following, nothing of it lost.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde_json::json;
use venvkeep_testkit::{
    Context, Environment, Maker, Need, Project, Wheel, Who, files_naming, fingerprint, owners, require,
};

use crate::VENVKEEP;
use crate::support::{accounted, assert_works, finding_codes, kept_tree, names_in, paths};

const PACKAGES: [&str; 6] = ["with-scripts", "with-deps", "pure-one", "extra-dep", "odd.name_x", "ns-part"];

/// An environment of the user's with what people have in theirs.
fn full<'c>(ctx: &'c Context, project: &Project<'c>, maker: Maker) -> Environment<'c> {
    let env = project.venv_by_owner(maker).packages(PACKAGES).build();
    let own = |inside: &str, text: &str| {
        let path = env.path().join(inside);
        fs::create_dir_all(path.parent().expect("it lies in the environment")).expect("root may");
        fs::write(&path, text).expect("root may");
    };
    let prefix = env.str();
    own("share/jupyter/kernels/k/kernel.json", &format!("{{\"argv\": [\"{prefix}/bin/python\"]}}\n"));
    own("etc/paths.txt", &format!("{prefix}/lib\n{prefix}2/lib\n/mnt{prefix}\nfile://{prefix}/x\n"));
    own("etc/plain.txt", "mine\n");
    own("bin/own-tool", &format!("#!{prefix}/bin/python\nprint('own works')\n"));
    fs::set_permissions(env.bin("own-tool"), Permissions::from_mode(0o755)).expect("root may");
    symlink(env.path().join("etc/plain.txt"), env.path().join("etc/link")).expect("root may");
    symlink("../../outside.txt", env.path().join("etc/out")).expect("root may");
    project.write("outside.txt", "outside\n");
    env.chown("", Who::User);
    // Bytecode that names the place.
    let all =
        format!("import compileall; compileall.compile_dir('{}', quiet=2)", env.site_packages().display());
    ctx.program(Who::User, env.bin("python")).args(["-c", &all]).run().success();
    env
}

/// The copy at `path` is the user's, works, and names nothing of the place that it was made from.
fn assert_is_copy(ctx: &Context, path: &Path, maker: Maker, (from, frozen): (&str, &[String])) {
    let copy = Environment::at(ctx, path.to_owned(), maker, Who::User);
    assert_eq!(owners(path).into_iter().collect::<Vec<_>>(), [Who::User.uid()]);
    // The one file speaks of other places as well, whose names go on with the environment's.
    let named = files_naming(path, from);
    assert_eq!(named, [path.join("etc/paths.txt")]);
    let text = fs::read_to_string(path.join("etc/paths.txt")).expect("root may");
    let (here, url) = (path.display(), path.display().to_string().replace(' ', "%20"));
    assert_eq!(text, format!("{here}/lib\n{from}2/lib\n/mnt{from}\nfile://{url}/x\n"));
    assert_eq!(fs::read_to_string(path.join("etc/link")).expect("it leads to the copy"), "mine\n");
    assert_eq!(fs::read_to_string(path.join("etc/out")).expect("it leads where it did"), "outside\n");
    assert_works(ctx, &copy);
    ctx.program(Who::User, copy.bin("own-tool")).run().success().stdout_is("own works\n");
    assert_eq!(copy.freeze_all(), frozen);
    let check = ctx.venvkeep(["check", "--deep", "--json", copy.str()]).run().success();
    assert!(finding_codes(&check).is_empty(), "{check}");
}

#[test]
fn a_clone_is_the_same_at_another_place_and_names_nothing_of_the_first() {
    if !require(&[Need::Uv, Need::Virtualenv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for (name, maker) in [("venv", Maker::Venv), ("virtualenv", Maker::Virtualenv), ("uv", Maker::Uv)] {
        let project = ctx.project(name);
        let env = full(&ctx, &project, maker);
        let frozen = env.freeze_all();
        let before = fingerprint(project.path());
        let target = ctx.home(Who::User).join("copies of").join(name).join(".venv");
        let to = target.to_str().expect("the kit's paths are text");
        let clone = ctx.venvkeep(["clone", env.str(), to, "--json"]).index_unreachable().run().success();
        before.assert_unchanged();
        let report = accounted(&clone);
        assert_eq!(report["outcome"], "cloned", "{clone}");
        assert_eq!(report["dropped"], json!([]), "{clone}");
        assert_is_copy(&ctx, &target, maker, (env.str(), &frozen));
        ctx.venvkeep(["clone", env.str(), to]).run().code(2).stderr_has("taken");
    }
}

#[test]
fn a_move_leaves_the_old_tree_and_undo_brings_it_back() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = full(&ctx, &project, Maker::Venv);
    let frozen = env.freeze_all();
    let before = fingerprint(env.path());
    let target = ctx.home(Who::User).join("moved/.venv");
    let to = target.to_str().expect("the kit's paths are text");
    project.venvkeep(["move", ".venv", to, "--json"]).index_unreachable().run().success();
    assert!(!env.path().exists());
    before.assert_same(&fingerprint(kept_tree(project.path())));
    assert_is_copy(&ctx, &target, Maker::Venv, (env.str(), &frozen));
    assert_eq!(names_in(target.parent().expect("it lies in a directory")).len(), 1);

    project.venvkeep(["undo", ".venv"]).run().success();
    before.assert_same(&fingerprint(env.path()));
    project.venvkeep(["remove", ".venv"]).run().success();
    project.venvkeep(["prune", ".venv"]).run().success();
    assert!(names_in(project.path()).iter().all(|name| !name.contains("venv")));
    // What is in the copy stands by itself.
    let copy = Environment::at(&ctx, target.clone(), Maker::Venv, Who::User);
    assert_works(&ctx, &copy);
}

#[test]
fn a_name_that_begins_like_the_old_one_is_a_name_of_its_own() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = full(&ctx, &project, Maker::Venv);
    let own = project.path().join("env");
    project.venvkeep(["move", ".venv", "./env"]).index_unreachable().run().success();
    let frozen = env_at(&ctx, &own).freeze_all();
    for (command, name) in
        [("clone", "env copy"), ("clone", "env,2"), ("clone", "env's (env)"), ("move", "env (old)")]
    {
        let to = project.path().join(name);
        project.venvkeep([command, "./env", &format!("./{name}")]).index_unreachable().run().success();
        let copy = env_at(&ctx, &to);
        assert_works(&ctx, &copy);
        ctx.program(Who::User, copy.bin("own-tool")).run().success().stdout_is("own works\n");
        let printed = format!("{}\n", to.display());
        let in_shell =
            ". ./activate; python -c 'import sys; print(sys.prefix)'; test \"$VIRTUAL_ENV\" = \"$1\"";
        let shell = ctx.program(Who::User, "sh").args(["-c", in_shell, "sh", copy.str()]);
        shell.current_dir(copy.path().join("bin")).run().success().stdout_is(&printed);
        let lib = fs::read_to_string(to.join("etc/paths.txt")).expect("root may");
        assert!(lib.starts_with(&format!("{}/lib\n{}2/lib\n", to.display(), env.str())), "{lib}");
        assert_eq!(copy.freeze_all(), frozen);
        let check = project.venvkeep(["check", "--deep", "--json", copy.str()]).run().success();
        assert!(finding_codes(&check).is_empty(), "{check}");
    }
}

fn env_at<'c>(ctx: &'c Context, path: &Path) -> Environment<'c> {
    Environment::at(ctx, path.to_owned(), Maker::Venv, Who::User)
}

#[test]
fn files_that_were_changed_by_hand_come_along_as_they_are_and_are_named() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::Venv).packages(["with-scripts", "pure-one"]).build();
    let module = env.site_packages().join("pure_one/__init__.py");
    let patched = fs::read_to_string(&module).expect("root may") + "\nPATCHED = True\n";
    fs::write(&module, &patched).expect("root may");
    let script = env.bin("with-scripts");
    let text =
        fs::read_to_string(&script).expect("root may").replacen("import sys\n", "import sys  # mine\n", 1);
    fs::write(&script, text).expect("root may");
    let clone = project.venvkeep(["clone", ".venv", "copy", "--json"]).index_unreachable().run();
    // The change is a finding in the copy as it was in the original.
    let report = accounted(&clone.code(1));
    let notes = paths(&report, "notes");
    assert!(notes.iter().any(|path| path.ends_with("pure_one/__init__.py")), "{notes:?}");
    assert!(notes.contains(&"bin/with-scripts".to_owned()), "{notes:?}");
    let copy = project.path().join("copy/.venv");
    let inside = module.strip_prefix(env.path()).expect("it lies in the environment");
    assert_eq!(fs::read_to_string(copy.join(inside)).expect("root may"), patched);
    let copied = fs::read_to_string(copy.join("bin/with-scripts")).expect("root may");
    assert!(
        copied.contains("import sys  # mine\n") && copied.starts_with(&format!("#!{}/bin/", copy.display()))
    );
    let check = project.venvkeep(["check", "copy/.venv", "--json"]).run().code(1);
    assert_eq!(finding_codes(&check).into_iter().collect::<Vec<_>>(), ["files-altered"]);
    assert!(files_naming(&copy, env.str()).is_empty());
}

#[test]
fn editable_projects_stay_or_come_along_by_where_they_are() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let outside = project.source("outside-edit", "1.0");
    let env = project.venv_by_owner(Maker::Venv).build();
    let inside = env.path().join("src");
    fs::create_dir(&inside).expect("root may");
    env.chown("src", Who::User);
    fs::rename(project.source("inside-edit", "1.0"), inside.join("inside-edit")).expect("root may");
    for source in [outside.clone(), inside.join("inside-edit")] {
        let source = source.to_str().expect("the kit's paths are text").to_owned();
        env.install(["--no-build-isolation", "-e", &source]);
    }
    project.venvkeep(["clone", ".venv", "copy"]).index_unreachable().run().success();
    let copy = project.path().join("copy/.venv");
    let print = "import inside_edit, outside_edit; print(inside_edit.__file__); print(outside_edit.__file__)";
    let printed = ctx.program(Who::User, copy.join("bin/python")).args(["-c", print]).run().success();
    let expected = format!(
        "{}\n{}\n",
        copy.join("src/inside-edit/src/inside_edit.py").display(),
        outside.join("src/outside_edit.py").display()
    );
    printed.stdout_is(&expected);
    assert!(files_naming(&copy, env.str()).is_empty());
}

#[test]
fn what_is_refused_is_refused_with_the_reason_and_changes_nothing() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::VenvWithoutPip).build();
    project.write("taken/file", "x");
    project.venv_by_owner(Maker::VenvWithoutPip).at("broken").build().dangle_interpreter();
    let roots = project.venv_by_root(Maker::VenvWithoutPip).at("roots").build();
    let open = project.venv_by_owner(Maker::VenvWithoutPip).at("open").build();
    fs::set_permissions(open.site_packages(), Permissions::from_mode(0o777)).expect("root may");
    let closed = ctx.project_of(Who::Root, "closed");
    let before = fingerprint(project.path());
    for command in ["clone", "move"] {
        let refused = |from: &str, to: &str, code: i32, words: &str| {
            project.venvkeep([command, from, to]).index_unreachable().run().code(code).stderr_has(words);
            before.assert_unchanged();
        };
        refused(".venv", "./taken", 2, "taken");
        refused(".venv", ".venv/inside", 2, "lies inside the environment itself");
        refused(".venv", ".venv", 2, "taken");
        refused(".venv", "./a:b", 2, "colon");
        refused(".venv", "/proc/nothing/here", 3, "");
        refused("./broken", "./elsewhere", 3, "venvkeep heal");
        refused("./roots", "./elsewhere", 3, "venvkeep heal");
        refused("./open", "./elsewhere", 4, "other users can change");
        refused("./nothing", "./elsewhere", 2, "nothing at");
        let unwritable = closed.path().join("x/.venv");
        refused(".venv", unwritable.to_str().expect("text"), 3, "");
        // As root over a user's directory, and under sudo.
        let by_root =
            ctx.venvkeep_by(Who::Root, [command, env.str(), "./elsewhere"]).current_dir(project.path());
        by_root.run().code(2).stderr_has("docker run --user");
        before.assert_unchanged();
    }
    assert_eq!(owners(roots.path()).into_iter().collect::<Vec<_>>(), [0]);

    // Its directory is root's: it can be cloned from there, and not be moved away.
    let shared = ctx.project_of(Who::Root, "shared");
    let there = shared.venv_by_root(Maker::VenvWithoutPip).build();
    there.chown("", Who::User);
    let before = fingerprint(shared.path());
    let target = ctx.home(Who::User).join("from-shared/.venv");
    let to = target.to_str().expect("the kit's paths are text");
    ctx.venvkeep(["move", there.str(), to]).run().code(3).stderr_has("may not write the directory");
    assert!(!target.exists());
    ctx.venvkeep(["clone", there.str(), to]).run().success();
    before.assert_unchanged();
}

#[test]
fn what_another_tool_keeps_is_that_tools() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("pipx/venvs");
    let env = project.venv_by_owner(Maker::VenvWithoutPip).at("tool").build();
    let before = fingerprint(project.path());
    for args in [&["clone", env.str(), "./x"][..], &["move", env.str(), "./x"], &["remove", env.str()]] {
        project.venvkeep(args).run().code(4).stderr_has("pipx");
        before.assert_unchanged();
    }
}

#[test]
fn links_by_another_way_follow_and_a_path_in_what_is_no_text_is_named() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::VenvWithoutPip).build();
    let way = ctx.home(Who::User).join("way");
    symlink(project.path(), &way).expect("root may");
    symlink(way.join(".venv/pyvenv.cfg"), env.path().join("link")).expect("root may");
    fs::write(env.path().join("data.bin"), [b"\0", env.str().as_bytes(), b"/lib\0"].concat())
        .expect("root may");
    env.chown("", Who::User);
    project.venvkeep(["clone", ".venv", "./copy"]).run().code(4).stdout_has("data.bin");
    let copy = project.path().join("copy");
    assert_eq!(fs::read_link(copy.join("link")).expect("it is a link"), copy.join("pyvenv.cfg"));
}

#[test]
fn trust_is_passed_on_and_never_made() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (trusted, unknown) = (ctx.project("trusted"), ctx.project("unknown"));
    trusted.venvkeep(["new", "--seed", "none"]).run().success();
    unknown.venv_by_owner(Maker::VenvWithoutPip).build();
    for (project, is_trusted) in [(&trusted, true), (&unknown, false)] {
        project.venvkeep(["clone", ".venv", "./copy"]).run().success();
        let moved = project.venvkeep(["move", "./copy", "./moved"]).run().success();
        assert_eq!(moved.stdout.contains("venvkeep trust"), !is_trusted, "{moved}");
        let list = ctx.venvkeep(["list", "--json"]).run().success();
        let environments = list.stdout_json()["environments"].as_array().cloned().unwrap_or_default();
        let path = json!(project.path().join("moved"));
        let about = environments.iter().find(|one| one["path"] == path).expect("it is known");
        assert_eq!(about["trusted"], is_trusted, "{about}");
    }
}

/// Leaves the journal of a move that was killed, which says that `old` is left for what stands at `to`; both were made
/// that many nanoseconds before what is there now.
fn cut_off(project: &Project<'_>, (old, to): (&Path, &Path), earlier: i64) {
    let certain = |path: &Path| {
        let facts = fs::metadata(path).expect("it is there");
        let born = facts.created().expect("the file system tells").duration_since(UNIX_EPOCH).expect("it is");
        let born = i64::try_from(born.as_nanos()).expect("it is no such long time") - earlier;
        json!({ "directory": { "device": facts.dev(), "inode": facts.ino() }, "born_ns": born })
    };
    let kept = project.path().join(KEPT);
    let step = json!({ "step": "leaving", "old": certain(old), "kept": kept, "new": certain(to), "to": to });
    let journal = project.write(".venv.venvkeep-journal", format!("{step}\n"));
    fs::set_permissions(journal, Permissions::from_mode(0o600)).expect("root may");
}

const KEPT: &str = ".venv.venvkeep-old-20260101-000000";

#[test]
fn a_move_that_was_cut_off_is_finished_by_whoever_comes_next_who_says_so() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::VenvWithoutPip).build();
    project.venvkeep(["clone", ".venv", "./moved"]).index_unreachable().run().success();
    let (to, kept) = (project.path().join("moved"), project.path().join(KEPT));
    let before = fingerprint(env.path());

    // What stands there now only has the number of the one that was made.
    cut_off(&project, (env.path(), &to), 1);
    project.venvkeep(["heal", ".venv"]).run().success();
    before.assert_unchanged();

    cut_off(&project, (env.path(), &to), 0);
    let heal = project.venvkeep(["heal", ".venv"]).run().code(2).stderr_has(to.to_str().expect("text"));
    assert!(!heal.stderr.contains("untouched") && heal.stderr.contains("is finished now"), "{heal}");
    before.assert_same(&fingerprint(&kept));

    // Done, but for its journal.
    for args in [&["heal", ".venv"][..], &["remove", ".venv"], &["move", ".venv", "./other"]] {
        cut_off(&project, (&kept, &to), 0);
        let check = project.venvkeep(["check", ".venv"]).run().code(1);
        assert!(!check.stdout.contains("both trees"), "{check}");
        project.venvkeep(args).run().code(2).stderr_has(to.to_str().expect("text"));
    }
    cut_off(&project, (&kept, &to), 0);
    project
        .venvkeep(["move", ".venv", "./moved"])
        .run()
        .success()
        .stdout_has("Moved")
        .stderr_has("venvkeep trust");
    before.assert_same(&fingerprint(&kept));
    assert!(!env.path().exists());
}

#[test]
fn what_a_killed_new_left_is_no_move() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    project.write("other/file", "x");
    for args in [&["move", ".venv", "./other"][..], &["remove", ".venv"]] {
        // Killed while it wrote its first step.
        let journal = project.write(".venv.venvkeep-journal", "{");
        fs::set_permissions(journal, Permissions::from_mode(0o600)).expect("root may");
        let run = project.venvkeep(args).run().code(2).stderr_has("venvkeep new");
        assert!(!run.stderr.contains("a move"), "{run}");
        assert!(run.stdout.is_empty(), "{run}");
    }
    // What is copied is what stands there when that is settled.
    project.venv_by_owner(Maker::VenvWithoutPip).build();
    let journal = project.write(".venv.venvkeep-journal", "{");
    fs::set_permissions(&journal, Permissions::from_mode(0o600)).expect("root may");
    project.venvkeep(["clone", ".venv", "./copy"]).run().success();
    assert!(!journal.exists());
}

/// Distributions of the large environment.
const MANY: usize = 80;

#[test]
fn every_entry_point_of_a_large_clone_runs_and_so_it_does_after_a_move() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let wheels = ctx.project("wheels");
    let names: Vec<String> = (0..MANY).map(|number| format!("many-{number:02}")).collect();
    let files: Vec<String> = names.iter().map(|name| many(name).write(wheels.path())).map(text).collect();
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::Venv).packages(files).build();
    let run_all = |prefix: &Path| {
        for name in &names {
            let said = ctx.program(Who::User, prefix.join("bin").join(name)).run().success();
            said.stdout_is(&format!("{name} in {}\n", prefix.display()));
        }
    };
    run_all(env.path());
    let before = fingerprint(env.path());
    let (clone, moved) = (project.path().join("clone/.venv"), project.path().join("moved/.venv"));
    project.venvkeep(["clone", ".venv", "clone"]).index_unreachable().run().success();
    let inside = |prefix: &Path| files_naming(prefix, env.str());
    assert_eq!(inside(&clone), Vec::<PathBuf>::new());
    before.assert_unchanged();
    run_all(&clone);
    project.venvkeep(["check", "--deep", "clone/.venv"]).run().success();
    project.venvkeep(["move", "clone/.venv", "moved"]).index_unreachable().run().success();
    let clone = clone.to_str().expect("the kit's paths are text");
    assert_eq!(files_naming(&moved, clone), Vec::<PathBuf>::new());
    run_all(&moved);
    for name in ["many-00", "many-79"] {
        let ran = project.venvkeep(["run", "moved/.venv", "--", name]).run().success();
        ran.stdout_is(&format!("{name} in {}\n", moved.display()));
    }
}

/// A distribution with a command that says where it runs.
fn many(name: &str) -> Wheel {
    let module = name.replace('-', "_");
    let main = format!("import sys\n\ndef main():\n    print('{name} in', sys.prefix)\n");
    let wheel = Wheel::new(name, "1.0").file(&format!("{module}/__init__.py"), main);
    let data =
        (0..5).fold(wheel, |wheel, file| wheel.file(&format!("{module}/data{file}.txt"), "x".repeat(999)));
    data.entry_points(&format!("[console_scripts]\n{name} = {module}:main\n"))
}

fn text(path: PathBuf) -> String {
    path.into_os_string().into_string().expect("the kit's paths are text")
}

#[test]
fn the_default_environment_stays_it_at_its_new_place() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let _env = project.venv_by_owner(Maker::VenvWithoutPip).build();
    let default = || project.venvkeep(["default"]).run().success().stdout;
    let place = |name: &str| format!("{}\n", project.path().join(name).display());
    project.venvkeep(["default", ".venv"]).run().success();
    project.venvkeep(["clone", ".venv", "./copy"]).run().success().stdout_lacks("new shells");
    assert_eq!(default(), place(".venv"), "a clone takes nothing away");
    project.venvkeep(["move", ".venv", "./moved"]).run().success().stdout_has("new shells start with");
    assert_eq!(default(), place("moved"));
    project.venvkeep(["move", "./copy", "./other"]).run().success().stdout_lacks("new shells");
    assert_eq!(default(), place("moved"), "another one is nothing to it");
    let removed = project.venvkeep(["remove", "./moved"]).run().success();
    removed.stdout_has("new shells started with it").stdout_has("default --none");
    project.venvkeep(["remove", "./other"]).run().success().stdout_lacks("new shells");
}

#[test]
fn a_file_too_large_to_be_rewritten_is_copied_and_named() {
    const LARGE: usize = 17 * 1024 * 1024;
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::VenvWithoutPip).build();
    let write = |name: &str, lines: String| {
        project.write(&format!(".venv/{name}"), &lines);
        lines
    };
    let naming = format!("{}/data\n", env.str());
    let plain = write("plain.log", "x".repeat(79) + "\n").repeat(LARGE / 80);
    project.write(".venv/plain.log", &plain);
    let named = write("named.log", plain.clone() + &naming);
    let small = write("small.log", format!("first\n{naming}"));
    let clone = project.venvkeep(["clone", ".venv", "./copy", "--json"]).run().code(4);
    accounted(&clone);
    let told = project.venvkeep(["clone", ".venv", "./second"]).run().code(4);
    told.stdout_has("too large, so the old place stays in it: named.log\n").stdout_lacks("plain.log");
    let copy = project.path().join("copy");
    let read = |name: &str| fs::read_to_string(copy.join(name)).expect("root may");
    assert!(read("plain.log") == plain && read("named.log") == named, "copied as they are");
    assert_eq!(read("small.log"), small.replace(env.str(), copy.to_str().expect("the kit's paths are text")));
    let moved = project.venvkeep(["move", ".venv", "./moved"]).run().code(4);
    moved.stdout_has("named.log");
}
