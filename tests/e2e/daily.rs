//! `run`, `remove`, `list`, `rename` and taking environments in.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;
use venvkeep_testkit::{Context, Maker, Need, Output, Who, fingerprint, require, tools};

use crate::VENVKEEP;
use crate::support::{kept_tree, names_in};

/// `name` and `path` of each listed environment.
fn listed(list: &Output) -> Vec<(String, String)> {
    let environments = list.stdout_json()["environments"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    environments.iter().map(|one| (text(&one["name"]), text(&one["path"]))).collect()
}

fn named(list: &Output, name: &str) -> Value {
    let environments = list.stdout_json()["environments"].as_array().cloned().unwrap_or_default();
    environments.into_iter().find(|one| one["name"] == name).unwrap_or_default()
}

#[test]
fn run_is_the_command_itself_in_the_environment() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    project.venvkeep(["new", "--seed", "none"]).run().success();
    let prefix = project.path().join(".venv");
    let run = |args: &[&str]| project.venvkeep([&["run", ".venv", "--"], args].concat());
    let seen =
        "import sys, os; print(sys.prefix, os.environ['VIRTUAL_ENV'], os.environ['VIRTUAL_ENV_PROMPT'],
        os.environ['PATH'].split(':')[0], 'PYTHONHOME' in os.environ, os.environ.get('KEPT'), sys.argv[1:])";
    let printed =
        run(&["python", "-c", seen, "--json", "-x"]).env("PYTHONHOME", "/nowhere").env("KEPT", "yes");
    let (path, bin) = (prefix.display(), prefix.join("bin"));
    let bin = bin.display();
    printed.run().success().stdout_is(&format!("{path} {path} proj {bin} False yes ['--json', '-x']\n"));
    run(&["python", "-c", "raise SystemExit(42)"]).run().code(42);
    // The signal is the command's own end.
    let killed = run(&["python", "-c", "import os; os.kill(os.getpid(), 15)"]).run();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&killed.status), Some(15), "{killed}");
    // It is the same process: nothing stands between.
    let direct = ctx.program(Who::User, "sh").args(["-c", "echo $$; exec \"$@\"", "sh"]);
    let direct =
        direct.arg(VENVKEEP).args(["run", prefix.to_str().expect("text"), "--", "sh", "-c", "echo $$"]);
    let pids: Vec<String> = direct.run().success().stdout.lines().map(str::to_owned).collect();
    assert_eq!(pids[0], pids[1]);
    // What the shims told the shell around is not true of this one.
    let words = run(&["sh", "-c", "echo ${VENVKEEP_SHELL-none} ${VENVKEEP_ACTIVE-none}"]);
    words.env("VENVKEEP_SHELL", "bash").env("VENVKEEP_ACTIVE", "x").run().success().stdout_is("none none\n");
    run(&["no-such-command"]).run().code(127).stderr_has("no-such-command");
    // One of the environment's own that cannot start is not another one of that name.
    project.write_program(".venv/bin/env", "#!/nowhere/bin/python\n");
    run(&["env"]).run().code(127);
    fs::remove_file(prefix.join("bin/env")).expect("root may");
    project.write("not-executable", "x");
    run(&["./not-executable"]).run().code(126);
    // Inside another environment, that one's programs are not found any more.
    let other = ctx.project("other");
    other.venvkeep(["new", "--seed", "none"]).run().success();
    let active = run(&["python", "-c", "import os; print(os.environ['PATH'].count('other'))"]);
    let active =
        active.env("VIRTUAL_ENV", other.path().join(".venv")).path_first(other.path().join(".venv/bin"));
    active.run().success().stdout_is("0\n");
    project
        .venvkeep(["run", "--", "python", "-c", "import sys; print(sys.prefix)"])
        .run()
        .success()
        .stdout_is(&format!("{path}\n"));
    assert!(named(&ctx.venvkeep(["list", "--json"]).run().success(), "proj")["last_used"].is_string());
}

#[test]
fn run_refuses_what_others_could_have_written() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    let traps = ctx.traps("run");
    traps.set_startup_files(&env);
    traps.set_programs(&env.path().join("bin"), &["python", "tool"]);
    let refused = |words: &str| {
        project.venvkeep(["run", ".venv", "--", "tool"]).run().code(4).stderr_has(words);
        traps.assert_untouched();
    };
    refused("venvkeep heal");
    env.chown("", Who::User);
    env.chown("bin", Who::Other);
    refused("12346");
    env.chown("bin", Who::User);
    let open = |mode| {
        fs::set_permissions(env.path().join("bin"), std::os::unix::fs::PermissionsExt::from_mode(mode))
    };
    open(0o777).expect("root may");
    refused("chmod go-w");
    open(0o755).expect("root may");
    // Where its Python is gone, the system's would take its place.
    let gone = ctx.project("gone");
    gone.venvkeep(["new", "--seed", "none"]).run().success();
    for name in ["python", "python3", "python3.11"] {
        let _ = fs::remove_file(gone.path().join(".venv/bin").join(name));
    }
    gone.venvkeep(["run", "--", "python3"]).run().code(3).stderr_has("its Python is gone");
    // Root does not run what is a user's.
    let by_root = ctx.venvkeep_by(Who::Root, ["run", env.str(), "--", "tool"]);
    by_root.run().code(4).stderr_has("12345");
    traps.assert_untouched();
    // What root offers to everybody is run.
    let shared = ctx.project_of(Who::Root, "shared");
    let env = shared.venv_by_root(Maker::VenvWithoutPip).build();
    let run = |env: &str| ctx.venvkeep(["run", env, "--", "python", "-c", "print(1)"]).run();
    run(env.str()).success().stdout_is("1\n");
    // In the user's own home, too, where root put it.
    let tools = ctx.project_at(ctx.home(Who::User).join("tools"), Who::Root);
    let env = tools.venv_by_root(Maker::VenvWithoutPip).build();
    run(env.str()).success().stdout_is("1\n");
}

#[test]
fn removed_is_set_aside_until_it_is_pruned() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    project.venvkeep(["new", "--seed", "none"]).run().success();
    let prefix = project.path().join(".venv");
    let before = fingerprint(&prefix);
    project.venvkeep(["remove"]).run().code(2);
    project.venvkeep(["remove", "proj"]).run().success().stdout_has("venvkeep undo");
    assert!(!prefix.exists());
    before.assert_same(&fingerprint(kept_tree(project.path())));
    ctx.venvkeep(["remove", "proj"]).run().code(2);
    assert_eq!(listed(&ctx.venvkeep(["list", "--json"]).run().success()), []);
    ctx.venvkeep(["undo", "proj"]).run().success();
    before.assert_same(&fingerprint(&prefix));
    project.venvkeep(["trust"]).run().success();

    // Below a project with an environment and a kept tree of its own, the nearest place is the one that is meant.
    project.venvkeep(["heal", "--force"]).run().success();
    let outer = fingerprint(&prefix);
    let inner = ctx.project_at(project.path().join("inner"), Who::User);
    inner.venvkeep(["new", "--seed", "none"]).run().success();
    inner.venvkeep(["remove", ".venv"]).run().success();
    inner.venvkeep(["undo"]).run().success();
    assert!(inner.path().join(".venv/pyvenv.cfg").is_file());
    inner.venvkeep(["remove", ".venv"]).run().success();
    inner.venvkeep(["prune"]).run().success();
    assert!(names_in(inner.path()).is_empty());
    outer.assert_same(&fingerprint(&prefix));
    kept_tree(project.path());

    // Root's, in a directory of the user's: only its name changes.
    let env = project.venv_by_root(Maker::VenvWithoutPip).at("roots").build();
    project.venvkeep(["remove", "./roots"]).run().success();
    assert!(!env.path().exists());
    project.venvkeep(["undo", "./roots"]).run().success();
    assert!(env.path().exists());
    ctx.venvkeep_by(Who::Root, ["remove", env.str()]).run().code(2).stderr_has("venvkeep remove");

    let closed = ctx.project_of(Who::Root, "closed");
    let env = closed.venv_by_root(Maker::VenvWithoutPip).build();
    ctx.venvkeep(["remove", env.str()]).run().code(3).stderr_has("may not write the directory");
    assert_eq!(names_in(closed.path()).len(), 1);
}

#[test]
fn the_known_are_listed_under_their_names_wherever_they_went() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (one, two) = (ctx.project("a/proj"), ctx.project("b/proj"));
    let list = || ctx.venvkeep(["list", "--json"]).run().success();
    one.venvkeep(["new", "--seed", "none"]).run().success();
    two.venvkeep(["new", "--seed", "none"]).run().success();
    let path = |place: &Path| place.join(".venv").to_str().expect("text").to_owned();
    let (first, second) = (path(one.path()), path(two.path()));
    let both = [("proj".to_owned(), first.clone()), ("proj".to_owned(), second.clone())];
    assert_eq!(listed(&list()), both);
    ctx.venvkeep(["list"]).run().success().stdout_has(&first).stderr_has("2 environments are called proj");
    ctx.venvkeep(["check", "proj"]).run().code(2).stderr_has(&second);
    let about = named(&list(), "proj");
    assert_eq!((about["status"].as_str(), about["trusted"].as_bool()), (Some("healthy"), Some(true)));
    assert!(about["bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{about}");

    two.venvkeep(["rename", ".venv", "hammer"]).run().success();
    assert_eq!(listed(&list())[0], ("hammer".to_owned(), second.clone()));
    ctx.venvkeep(["check", "hammer"]).run().success();
    // It is called so wherever it is shown.
    let checked = ctx.venvkeep(["check", "--json", "hammer"]).run().success().stdout_json();
    assert_eq!(checked["environments"][0]["name"], "hammer");
    let found = two.venvkeep(["scan", "--json", "."]).run().success().stdout_has("\"name\":\"hammer\"");
    found.stdout_lacks("\"name\":\"proj\"");
    for wrong in ["", "a/b", "--x", ".."] {
        two.venvkeep(["rename", "--", ".venv", wrong]).run().code(2);
    }
    let misspelt =
        ctx.venvkeep(["check", "hamemr"]).run().code(2).stderr_has("no environment is known by that name");
    misspelt.stderr_has("Did you mean:  hammer");
    ctx.venvkeep(["check", "nothing-like-it"]).run().code(2).stderr_has("venvkeep list");
    let done = ctx.venvkeep(["__complete", "bash", "2", "venvkeep", "run", "ham"]).run().success();
    assert!(done.stdout.contains("hammer"), "{done}");

    // A directory on the way is renamed by hand.
    fs::rename(two.path(), two.path().with_file_name("other")).expect("root may");
    let second = path(&two.path().with_file_name("other"));
    assert_eq!(listed(&list())[0], ("hammer".to_owned(), second.clone()));
    // And moved by venvkeep.
    let third = ctx.home(Who::User).join("third").join(".venv");
    ctx.venvkeep(["move", "hammer", third.to_str().expect("text")]).run().success();
    assert_eq!(listed(&list())[0], ("hammer".to_owned(), third.to_str().expect("text").to_owned()));
    fs::remove_dir_all(&third).expect("root may");
    assert_eq!(listed(&list()), [both[0].clone()]);
}

#[test]
fn what_was_only_trusted_is_known_too_where_it_was_moved_by_hand() {
    for by_list in [false, true] {
        moved_by_hand_once_trusted(by_list);
    }
}

fn moved_by_hand_once_trusted(by_list: bool) {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::VenvWithoutPip).build();
    project.venvkeep(["trust"]).run().success();
    if by_list {
        // It was trusted when nobody took note of it; the next look does.
        fs::remove_dir_all(ctx.home(Who::User).join(".local/share/venvkeep")).expect("root may");
        ctx.venvkeep(["list"]).run().success().stdout_has(env.str());
    }
    let other = project.path().with_file_name("other");
    fs::rename(project.path(), &other).expect("root may");
    let moved = other.join(".venv");
    let list = ctx.venvkeep(["list", "--json"]).run().success();
    let about = named(&list, "other");
    assert_eq!(about["path"], moved.to_str().expect("text"), "{list}");
    // Trust is for a place, and is not taken along; its name will do to give it again.
    assert_eq!(about["trusted"], false, "{list}");
    assert_eq!(list.stdout_json()["moved"][0]["from"], env.str(), "{list}");
    ctx.venvkeep(["trust", "other"]).run().success().stdout_has(moved.to_str().expect("text"));
    assert_eq!(named(&ctx.venvkeep(["list", "--json"]).run().success(), "other")["trusted"], true);
    ctx.venvkeep(["untrust", "other"]).run().success();
    assert_eq!(named(&ctx.venvkeep(["list", "--json"]).run().success(), "other")["trusted"], false);
}

#[test]
fn environments_of_other_tools_are_taken_in() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = ctx.home(Who::User);
    let project = ctx.project_at(home.join(".virtualenvs"), Who::User);
    project.venv_by_owner(Maker::VenvWithoutPip).at("wrapped").build();
    let foreign = project.venv_by_owner(Maker::VenvWithoutPip).at("foreign").build();
    foreign.chown("", Who::Other);
    let pyenv = ctx.project_at(home.join(".pyenv/versions/3.11.2/envs"), Who::User);
    pyenv.venv_by_owner(Maker::VenvWithoutPip).at("of-pyenv").build();
    symlink(pyenv.path().join("of-pyenv"), home.join(".pyenv/versions/of-pyenv")).expect("root may");
    let plain = ctx.project_at(home.join("code/app"), Who::User);
    plain.venv_by_owner(Maker::VenvWithoutPip).at("venv").build();

    let import = ctx.venvkeep(["list", "--import"]).run().success();
    for said in ["Taken in as wrapped", "Taken in as of-pyenv", "Left out"] {
        assert!(import.stderr.contains(said), "{said}: {import}");
    }
    ctx.venvkeep(["list", "--import", home.join("code").to_str().expect("text")])
        .run()
        .success()
        .stderr_has("Taken in as app");
    let names: Vec<String> =
        listed(&ctx.venvkeep(["list", "--json"]).run().success()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["app", "of-pyenv", "wrapped"]);
    ctx.venvkeep(["run", "of-pyenv", "--", "python", "-c", "print(1)"]).run().success().stdout_is("1\n");
    ctx.venvkeep(["list", "--import"]).run().success().stderr_has("Known as wrapped already");
    // One place that cannot be read takes nothing from the others.
    plain.venv_by_owner(Maker::VenvWithoutPip).at("later").build();
    let places = ["list", "--import", "/nowhere", plain.path().to_str().expect("text")];
    ctx.venvkeep(places).run().code(2).stderr_has("/nowhere").stderr_has("Taken in as later");
    // What virtualenvwrapper's users type names an environment without any of that.
    let work = ctx.project_at(home.join("work"), Who::User);
    work.venv_by_owner(Maker::VenvWithoutPip).at("unseen").build();
    ctx.venvkeep(["check", "unseen"]).env("WORKON_HOME", work.path()).run().success();
}

#[test]
fn central_environments_go_where_virtualenvwrapper_has_its_own() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = ctx.home(Who::User);
    let new = |name: &str| ctx.venvkeep(["new", "--central", "--seed", "none", name]);
    let work = home.join("Envs");
    new("tool").env("WORKON_HOME", &work).run().success();
    assert!(work.join("tool/pyvenv.cfg").is_file());
    let prompt = fs::read_to_string(work.join("tool/pyvenv.cfg")).expect("root may");
    assert!(prompt.contains("prompt = 'tool'"), "{prompt}");
    new("own").run().success();
    assert!(home.join(".local/share/venvkeep/venvs/own/pyvenv.cfg").is_file());
    // Known by their names, wherever one is, with WORKON_HOME set or not.
    for name in ["tool", "own"] {
        ctx.venvkeep(["run", name, "--", "python", "-c", "print(1)"]).run().success().stdout_is("1\n");
    }
    new("tool").env("WORKON_HOME", &work).run().code(2).stderr_has("taken");
    for wrong in ["a/b", ".venv", "..", "/x"] {
        new(wrong).run().code(2).stderr_has("--central takes a name");
    }
    // The same name elsewhere is no error.
    let project = ctx.project("tool");
    project.venvkeep(["new", "--seed", "none"]).run().success().stderr_has("is called tool too");
}

#[test]
fn a_file_that_holds_a_path_stands_for_the_environment_there() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let central = ctx.project("central");
    central.venvkeep(["new", "--seed", "none", "./proj"]).run().success();
    let env = central.path().join("proj");
    let project = ctx.project("proj");
    let file = project.write(".venv", "../central/proj\n");
    let check = project.venvkeep(["check"]).run().success();
    check.stdout_has(env.to_str().expect("text")).stderr_has("points to the environment");
    project
        .venvkeep(["run", "--", "python", "-c", "import sys; print(sys.prefix)"])
        .run()
        .success()
        .stdout_is(&format!("{}\n", env.display()));
    project.venvkeep(["heal", "--force"]).run().success();
    assert!(file.is_file(), "it stays");
    project.venvkeep(["new"]).run().code(2).stderr_has("a file stands there");
    // A stranger's decides nothing.
    std::os::unix::fs::chown(&file, Some(Who::Other.uid()), None).expect("root may");
    project.venvkeep(["check", ".venv"]).run().code(2).stderr_has("could have written it");
    project.venvkeep(["run", "--", "python"]).run().code(2);
    // The nearest decides, also when it leads nowhere: one further up is not meant.
    let inner = ctx.project_at(central.path().join("inner"), Who::User);
    central.venvkeep(["new", "--seed", "none", "./.venv"]).run().success();
    inner.write(".venv", "/nowhere\n");
    inner.venvkeep(["check"]).run().code(2).stderr_has("/nowhere");
    inner.venvkeep(["run", "--", "python"]).run().code(2);
}

#[test]
fn a_projects_directory_means_the_environment_in_it() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::VenvWithoutPip).at("venv").build();
    let place = project.path().to_str().expect("text");
    let path = project.path().join("venv");
    let path = path.to_str().expect("text");
    project.venvkeep(["check", "."]).run().success().stdout_has(path);
    ctx.venvkeep(["check", place]).run().success().stdout_has(path);
    ctx.venvkeep(["run", place, "--", "python", "-c", "import sys; print(sys.prefix)"])
        .run()
        .success()
        .stdout_is(&format!("{path}\n"));
    let before = fingerprint(env.path());
    let removed = project.venvkeep(["remove", place, "venv", "."]).run().success();
    assert_eq!(removed.stdout.matches("Removed").count(), 1, "three words for one: {removed}");
    assert!(!env.path().exists());
    for args in [&["check", "."][..], &["check", "venv"], &["run", "--", "python"], &["check", place]] {
        project.venvkeep(args).run().code(2).stderr_has(&format!("is kept there:  venvkeep undo {path}"));
    }
    project.venvkeep(["undo", "."]).run().success().stdout_has(path);
    before.assert_same(&fingerprint(env.path()));
    let empty = ctx.project("empty");
    empty
        .venvkeep(["check", "."])
        .run()
        .code(2)
        .stderr_has("no Python environment")
        .stderr_has("venvkeep new");
}

#[test]
fn what_leads_to_an_environment_is_not_taken_for_it_when_it_is_to_go() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let central = ctx.project("central");
    let env = central.venv_by_owner(Maker::VenvWithoutPip).at("proj").build();
    let project = ctx.project("proj");
    let link = project.path().join(".venv");
    for leads in ["is a link to", "points to"] {
        let _ = fs::remove_file(&link);
        if leads == "points to" {
            project.write(".venv", "../central/proj\n");
        } else {
            symlink("../central/proj", &link).expect("root may");
        }
        let before = fingerprint(ctx.area());
        for args in [&["remove", ".venv"][..], &["remove", "."], &["move", ".venv", "./other"]] {
            let refused = project.venvkeep(args).run().code(2).stderr_has(leads);
            let command = format!("venvkeep {} {}", args[0], central.path().join("proj").display());
            refused.stderr_has(&command).stderr_has(&format!("rm {}", link.display()));
        }
        before.assert_unchanged();
        // What only looks follows it.
        project.venvkeep(["check", ".venv"]).run().success().stderr_has(leads);
    }
    ctx.venvkeep(["remove", env.str()]).run().success();
    assert!(!env.path().exists() && link.exists());
}

#[test]
fn kept_trees_are_seen_wherever_they_are_and_given_back_at_once() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (one, two) = (ctx.project("one"), ctx.project("two"));
    let _unknown = two.venv_by_owner(Maker::VenvWithoutPip).at("venv").build();
    one.venvkeep(["new", "--seed", "none"]).run().success();
    ctx.venvkeep(["list"]).run().success().stderr_lacks("kept");
    one.venvkeep(["heal", "--force"]).run().success();
    two.venvkeep(["remove", "venv"]).run().success();
    let gone = two.path().join("venv");
    let old = [kept_tree(one.path()), two.path().join(names_in(two.path()).first().expect("it is kept"))];
    let list = ctx.venvkeep(["list"]).run().success().stderr_has("2 old environments are kept");
    list.stderr_has(&format!("venvkeep undo {}", gone.display()))
        .stderr_has("venvkeep prune --all --dry-run");
    let kept = ctx.venvkeep(["list", "--json"]).run().success().stdout_json()["kept"].clone();
    assert_eq!(kept[1]["path"], gone.to_str().expect("text"), "{kept}");
    assert_eq!((kept[0]["live"].as_bool(), kept[1]["live"].as_bool()), (Some(true), Some(false)), "{kept}");
    assert_eq!(kept[0]["old"][0], old[0].to_str().expect("text"), "{kept}");

    let before = fingerprint(ctx.area());
    let plan = ctx.venvkeep(["prune", "--all", "--dry-run"]).run().success().stdout_has("would be freed");
    for tree in &old {
        assert!(plan.stdout.contains(&format!("Would remove {}", tree.display())), "{plan}");
    }
    let plan = ctx.venvkeep(["prune", "--all", "--dry-run", "--json"]).run().success().stdout_json();
    assert!(
        plan["environments"][0]["removable"][0]["bytes"].as_u64().is_some_and(|bytes| bytes > 0),
        "{plan}"
    );
    one.venvkeep(["prune", "--dry-run", "--older-than", "1d"]).run().success().stdout_has("Still young");
    before.assert_unchanged();

    ctx.venvkeep(["prune", "--all"]).run().success().stdout_has("freed");
    assert!(old.iter().all(|tree| !tree.exists()));
    assert!(one.path().join(".venv/pyvenv.cfg").is_file());
    let all = ctx.venvkeep(["prune", "--all"]).run().success().stdout_has("Nothing to prune");
    all.stdout_has("of the environments that venvkeep knows");
    one.venvkeep(["prune", "--all", ".venv"]).run().code(2).stderr_has("cannot be used with");
}

#[test]
fn an_undo_of_a_move_says_what_becomes_of_both() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    project.venvkeep(["new", "--seed", "none"]).run().success();
    let (old, new) = (project.path().join(".venv"), ctx.home(Who::User).join("new/.venv"));
    let (before, to) = (fingerprint(&old), new.to_str().expect("text"));
    let undo_old = format!("venvkeep undo {}", old.display());
    project.venvkeep(["move", ".venv", to]).run().success().stdout_has(&undo_old);
    // Whoever asks at the new place is told where.
    ctx.venvkeep(["undo"]).current_dir(new.parent().expect("text")).run().code(2).stderr_has(&undo_old);
    let moved = fingerprint(&new);
    let undo = ctx.venvkeep(["undo", "proj"]).run().success();
    undo.stdout_has(&format!("stays at {to}")).stdout_has(&format!("venvkeep remove {to}"));
    before.assert_same(&fingerprint(&old));
    moved.assert_unchanged();
    // From now on they are two.
    ctx.venvkeep(["undo", to]).run().code(2).stderr_lacks("was moved here");
    project.venvkeep(["heal", "--force"]).run().success();
    project.venvkeep(["undo"]).run().success().stdout_lacks(to);
}

#[test]
fn the_file_that_virtualenv_writes_leads_to_its_environment() {
    if !require(&[Need::Virtualenv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.path().join("somewhere");
    let virtualenv =
        ctx.program(Who::User, tools::virtualenv()).args(["--no-seed", "--venv-redirect"]).arg(&env);
    virtualenv.run().success();
    assert!(project.path().join(".venv").is_file(), "this virtualenv writes PEP 832's files");
    let path = env.to_str().expect("text");
    project.venvkeep(["check"]).run().success().stdout_has(path);
    project.venvkeep(["check", ".venv"]).run().success().stdout_has(path);
    ctx.venvkeep(["check", project.path().to_str().expect("text")]).run().success().stdout_has(path);
    project
        .venvkeep(["run", "--", "python", "-c", "import sys; print(sys.prefix)"])
        .run()
        .success()
        .stdout_is(&format!("{path}\n"));
}
