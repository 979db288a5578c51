//! `new -r` and `new --upgrade-deps`: what an installer puts into a new environment, with uv and with pip.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;
use sha2::{Digest, Sha256};
use venvkeep_testkit::{Context, Need, Project, Who, require, tools};

use crate::VENVKEEP;
use crate::support::{INSTALLERS, names_in};

fn freeze(project: &Project<'_>) -> Vec<String> {
    let frozen = project.venvkeep(["freeze"]).run().success();
    frozen.stdout.lines().map(str::to_owned).collect()
}

fn assert_nothing_names_the_stage(project: &Project<'_>) {
    let grep =
        std::process::Command::new("grep").args(["-rl", "venvkeep-stage"]).arg(project.path()).output();
    let found = String::from_utf8_lossy(&grep.expect("grep starts").stdout).into_owned();
    assert_eq!(found, "");
}

#[test]
fn a_list_is_installed_with_what_it_depends_on() {
    if !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for (installer, with_installer) in INSTALLERS {
        let project = ctx.project(installer);
        project.write("requirements.txt", "with-deps[more]\n-r below/more.txt\n");
        project.write("below/more.txt", "with-scripts>=1  # ours\n");
        let new = project.venvkeep(["new", "-r", "requirements.txt", "--json"]).wheels_only(ctx.wheels());
        let report = with_installer(new).run().success().stdout_json();
        assert_eq!(report["installed"], json!(4), "{installer}");
        assert_eq!(
            freeze(&project),
            ["extra-dep==0.1", "pure-one==1.0", "with-deps==2.0", "with-scripts==1.2"]
        );
        for script in ["with-scripts", "raw-python", "pip"] {
            let script = project.path().join(".venv/bin").join(script);
            ctx.program(Who::User, script).arg("--version").run().success();
        }
        assert_nothing_names_the_stage(&project);
        project.venvkeep(["check", "--deep"]).run().success();
    }
}

#[test]
fn a_lock_file_is_installed_by_both() {
    if !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let wheel = ctx.wheels().join("pure_one-1.0-py3-none-any.whl");
    let digest = format!("{:x}", Sha256::digest(fs::read(&wheel).expect("the kit wrote it")));
    let lock = |digest: &str| {
        format!(
            "lock-version = \"1.0\"\ncreated-by = \"hand\"\n\n[[packages]]\nname = \"pure-one\"\nversion = \"1.0\"\n\
             wheels = [{{ name = \"pure_one-1.0-py3-none-any.whl\", path = \"{}\", hashes = {{ sha256 = \"{digest}\" }} }}]\n",
            wheel.display()
        )
    };
    for (installer, with_installer) in INSTALLERS {
        let project = ctx.project(installer);
        project.write("pylock.toml", lock(&digest));
        project.write("pylock.wrong.toml", lock(&"0".repeat(64)));
        let new = |file: &str| {
            with_installer(project.venvkeep(["new", "-r", file]).wheels_only(ctx.wheels())).run()
        };
        new("pylock.wrong.toml")
            .code(3)
            .stderr_has("could not install what")
            .stderr_has("nothing is left behind");
        assert!(!project.path().join(".venv").exists(), "{installer}");
        new("pylock.toml").success().stdout_has("1 distribution from the list");
        assert_eq!(freeze(&project), ["pure-one==1.0"], "{installer}");
    }
}

#[test]
fn what_cannot_be_installed_leaves_nothing() {
    if !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for (installer, with_installer) in INSTALLERS {
        let project = ctx.project(installer);
        project.write("requirements.txt", "no-such-thing\n");
        let before = names_in(project.path());
        let new = |args: &[&str]| {
            with_installer(project.venvkeep(["new"]).args(args)).wheels_only(ctx.wheels()).run()
        };
        let refused = new(&["-r", "requirements.txt", "deep/er/.venv"]).code(3);
        refused.stderr_has(installer).stderr_has("no-such-thing").stdout_is("");
        new(&["-r", "missing.txt"]).code(2).stderr_has("missing.txt");
        new(&["-r", "."]).code(2).stderr_has("not a file");
        new(&["--seed", "none", "--upgrade-deps"]).code(2).stderr_has("there is no pip");
        assert_eq!(names_in(project.path()), before);
    }
}

#[test]
fn pip_is_brought_up_to_date() {
    if !require(&[Need::Uv, Need::Virtualenv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let newest = |name: &str| {
        let wheels = tools::virtualenv_wheels();
        let names = wheels.iter().filter_map(|wheel| wheel.file_name()?.to_str());
        let versions = names.filter_map(|file| file.strip_prefix(name)?.strip_prefix('-')?.split('-').next());
        versions
            .max_by_key(|version| version.split('.').next().and_then(|major| major.parse::<u32>().ok()))
            .map(str::to_owned)
            .expect("virtualenv brings one")
    };
    for (installer, with_installer) in INSTALLERS {
        let project = ctx.project(installer);
        let new = with_installer(project.venvkeep(["new", "--upgrade-deps"])).wheels_only(ctx.wheels());
        let newest = newest("pip");
        new.run().success().stdout_has(&format!("pip {newest}"));
        let pip = ctx.program(Who::User, project.path().join(".venv/bin/pip")).arg("--version");
        pip.run().success().stdout_has(&format!("pip {newest} from"));
        let infos = names_in(&site(project.path()));
        assert_eq!(infos.iter().filter(|name| name.starts_with("pip-")).count(), 1, "{infos:?}");
        assert_nothing_names_the_stage(&project);
        project.venvkeep(["check", "--deep"]).run().success();
    }
}

fn site(project: &Path) -> std::path::PathBuf {
    let library = project.join(".venv/lib");
    let python = names_in(&library).pop_first().expect("one Python");
    library.join(python).join("site-packages")
}

#[test]
fn nothing_is_taken_from_a_directory_for_temporary_files_that_others_write() {
    if !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    // pip unpacks a script there to build what is no wheel, and Python takes modules from beside a script.
    let everybodys = ctx.project_at(ctx.area().join("tmp"), Who::Other);
    fs::set_permissions(everybodys.path(), fs::Permissions::from_mode(0o1777)).expect("root may");
    let traps = ctx.traps("modules");
    traps.set_modules(everybodys.path(), &["re.py", "json.py", "tempfile.py"]);
    for (installer, with_installer) in INSTALLERS {
        let project = ctx.project(installer);
        project.write("requirements.txt", "sdist-one\n");
        let fetching = |words: &[&str]| {
            let program = project.venvkeep(words).wheels_only(ctx.wheels());
            with_installer(program.env("TMPDIR", everybodys.path()))
        };
        fetching(&["new", "-r", "requirements.txt"]).run().success();
        assert_eq!(freeze(&project), ["sdist-one==1.0"], "{installer}");
        traps.assert_untouched();
        fetching(&["heal", "--force", "--from", "index"]).run().success();
        assert_eq!(freeze(&project), ["sdist-one==1.0"], "{installer}");
        traps.assert_untouched();
    }
}
