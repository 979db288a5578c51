//! Bad input: each kind with its error and its exit code, and never a crash.

use std::fs;

use venvkeep_testkit::{Context, Environment, Maker, Who, fingerprint};

use crate::VENVKEEP;

type Damage = fn(&Environment<'_>);

const COMMANDS: [&str; 3] = ["check", "freeze", "heal"];

#[test]
fn what_is_no_environment_is_a_usage_error_that_names_it() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    project.write("a-file", "text");
    project.write("a-directory/file", "text");
    for command in COMMANDS {
        for place in ["not-there", "a-file", "a-directory"] {
            let output = project.venvkeep([command, place]).run().code(2);
            output.stderr_has(place).stdout_is("");
        }
        project.venvkeep([command]).run().code(2);
    }
}

#[test]
fn the_program_cannot_be_told_to_fail() {
    let program = fs::read(VENVKEEP).expect("the program under test is a file");
    let holds = |word: &str| program.windows(word.len()).any(|bytes| bytes == word.as_bytes());
    assert!(holds("VIRTUAL_ENV"), "the search finds what is there");
    assert!(!holds("VENVKEEP_FAULT"), "built with the feature fault-points, which is for tests/faults alone");
}

#[test]
fn an_environment_that_cannot_be_read_is_a_finding() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).umask(0o077).build();
    let before = fingerprint(env.path());
    project.venvkeep(["check", ".venv"]).run().code(1).stdout_has("venvkeep heal");
    project.venvkeep(["freeze", ".venv"]).run().code(3).stderr_has("-r");
    before.assert_unchanged();
}

#[test]
fn garbled_files_are_findings() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let damages: [(&str, Damage); 3] = [
        ("config", |env| env.garble("pyvenv.cfg")),
        ("record", |env| env.garble(env.dist_info("pure_one").join("RECORD"))),
        ("metadata", |env| env.garble(env.dist_info("pure_one").join("METADATA"))),
    ];
    for (name, damage) in damages {
        let project = ctx.project(name);
        let env = project.venv_by_owner(Maker::Venv).packages(["pure-one"]).build();
        damage(&env);
        project.venvkeep(["check"]).run().code(1).stdout_lacks("\x1b");
        project.venvkeep(["freeze"]).run().success().stdout_is("pure-one==1.0\n");
    }
}

#[test]
fn control_characters_in_names_do_not_reach_the_terminal() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    for name in ["evil\n\x1b[31mred-1.0.dist-info", "two\nlines.txt"] {
        let path = env.site_packages().join(name);
        fs::create_dir(&path).unwrap();
        fs::write(path.join("METADATA"), "Metadata-Version: 2.1\nName: e\x1b[2Jvil\nVersion: 1\n").unwrap();
    }
    for args in [&["check", "-v"][..], &["freeze"], &["heal"]] {
        let output = project.venvkeep(args).run();
        assert!(output.status.code().is_some(), "{output}");
        output.stdout_lacks("\x1b").stderr_lacks("\x1b");
    }
}

#[test]
fn a_requirements_file_must_pin_and_nothing_else() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    let before = fingerprint(env.path());
    for (name, line) in
        [("unpinned", "pure-one"), ("range", "pure-one>=1"), ("option", "--index-url http://x")]
    {
        let file = project.write(name, format!("ns-part==1.0\n{line}\n"));
        let heal = project.venvkeep(["heal", "-r", name]).run().code(2);
        heal.stderr_has(file.file_name().unwrap().to_str().unwrap()).stderr_has("2");
    }
    project.venvkeep(["heal", "-r", "not-there.txt"]).run().code(2).stderr_has("not-there.txt");
    before.assert_unchanged();
}

#[test]
fn a_python_that_is_not_there_is_named_with_what_there_is_and_the_next_command() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    for (python, parts) in [
        (
            "3.99",
            &["there is no Python 3.99", "Found: Python 3.", "uv python install 3.99", "venvkeep new -p 3."]
                [..],
        ),
        ("python2", &["there is no Python 2 ", "Python 3.8 and newer", "venvkeep new -p 3."]),
        ("3.7.1", &["there is no Python 3.7.1", "Python 3.8 and newer"]),
        ("3.99t", &["there is no Python 3.99 without the global lock", "uv python install 3.99t"]),
        (">=3.99", &["there is no Python >=3.99", "venvkeep new -p 3."]),
        ("no-such-python", &["no program called no-such-python", "-p takes a version"]),
        (">=x", &["-p takes a version"]),
        ("/nowhere/python3", &["there is no program at /nowhere/python3", "venvkeep pythons"]),
        ("/bin/true", &["/bin/true does not work as a Python", "venvkeep pythons"]),
    ] {
        let output = project.venvkeep(["new", "-p", python]).run().code(3);
        for part in parts {
            assert!(output.stderr.contains(part), "{python}: {part}\n{output}");
        }
    }
    assert!(!project.path().join(".venv").exists());
    let env = project.venv_by_owner(Maker::VenvWithoutPip).build();
    let heal = project.venvkeep(["heal", "--force", "-p", "3.99"]).run().code(3);
    heal.stderr_has("venvkeep heal -p 3.").stderr_has(env.str());
}

#[test]
fn a_mistake_in_the_arguments_is_a_document_too() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let before = fingerprint(project.path());
    let new = project.venvkeep(["new", "--json", "--without-pip"]).run().code(2);
    let new = new.stderr_has("new has no option --without-pip").stderr_has("--seed none");
    assert_eq!(new.stdout_json()["error"]["message"], "new has no option --without-pip", "{new}");
    project
        .venvkeep(["run", "proj", "python"])
        .run()
        .code(2)
        .stderr_has("venvkeep run proj -- python")
        .stdout_is("");
    project.venvkeep(["new", "--", "-x"]).run().code(2).stderr_has("a dash is taken for an option");
    project.venvkeep(["new", "--central", "--", "-x"]).run().code(2).stderr_has("--central takes a name");
    before.assert_unchanged();
    // By its path it is a directory like any other.
    let made = project.venvkeep(["new", "--seed", "none", "./-x"]).run().success();
    let line =
        made.stdout.lines().find_map(|line| line.strip_prefix("Activate it with: ")).unwrap_or_default();
    let typed = format!("{line} && python -c 'import sys; print(sys.prefix)'");
    let shell = ctx.program(Who::User, "bash").args(["-c", &typed]).current_dir(project.path());
    shell.run().success().stdout_is(&format!("{}\n", project.path().join("-x").display()));
}
