//! `heal --to` and `heal --discard`: to another place, and without keeping the old tree.

use venvkeep_testkit::{Context, Maker, Who, fingerprint, owners};

use crate::VENVKEEP;
use crate::support::{first_environment, lines, names_in};

#[test]
fn what_lies_in_roots_directory_is_healed_to_a_place_of_the_users() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project_of(Who::Root, "app");
    let env = project.venv_by_root(Maker::Venv).packages(["with-scripts"]).build();
    let before = fingerprint(project.path());
    let heal = |args: &[&str]| ctx.venvkeep([&["heal", env.str()], args].concat()).wheels_only(ctx.wheels());
    heal(&["--force"]).run().code(3).stderr_has("--to");
    before.assert_unchanged();

    let target = ctx.home(Who::User).join("deep/er/.venv");
    let to = ["--to", target.to_str().expect("the kit's paths are text")];
    heal(&[&to[..], &["--json"]].concat()).run().success();
    before.assert_unchanged();
    assert_eq!(owners(&target).into_iter().collect::<Vec<_>>(), [Who::User.uid()]);
    let script = target.join("bin/with-scripts");
    ctx.program(Who::User, &script).run().success().stdout_is("with-scripts works\n");
    assert_eq!(names_in(target.parent().expect("it lies in a directory")).len(), 1);
    let freeze = ctx.venvkeep(["freeze".as_ref(), target.as_os_str()]).run().success();
    assert_eq!(lines(&freeze), env.freeze());

    let made = fingerprint(&target);
    heal(&to).run().code(2).stderr_has("taken");
    made.assert_unchanged();
}

#[test]
fn a_failed_heal_to_another_place_leaves_no_trace_of_it() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).build().umask(0o077);
    env.install(["pure-one"]);
    let before = fingerprint(project.path());
    project.venvkeep(["heal", "--to", "a/b/.venv"]).index_unreachable().run().code(3);
    before.differences(&fingerprint(project.path())).iter().for_each(|line| {
        // Making and removing `a` leaves only the directory's own time.
        assert!(line.contains(" : directory") || line.contains("changed"), "{line}");
    });
    assert_eq!(names_in(project.path()).len(), 1);
    project.venvkeep(["heal", "--to", ".venv/inside"]).run().code(2).stderr_has("inside");
}

#[test]
fn discarded_where_the_user_can_and_named_where_not() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let own = ctx.project("own");
    let _env = own.venv_by_owner(Maker::VenvWithoutPip).build();
    own.venvkeep(["heal", "--force", "--discard"]).run().success().stdout_has("removed, as you asked");
    assert_eq!(names_in(own.path()).len(), 1);

    let roots = ctx.project("roots");
    let env = roots.venv_by_root(Maker::VenvWithoutPip).build();
    let before = fingerprint(env.path());
    let heal = roots.venvkeep(["heal", "--discard"]).run().success();
    let kept = crate::support::kept_tree(roots.path());
    assert!(heal.stdout.contains(&format!("sudo rm -rf -- {}", kept.display())), "{heal}");
    before.assert_same(&fingerprint(kept));
}

#[test]
fn what_pipx_keeps_is_pipxs_unless_the_user_insists() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("pipx/venvs");
    let env = project.venv_by_root(Maker::VenvWithoutPip).at("tool").build();
    let before = fingerprint(env.path());
    let heal = ctx.venvkeep(["heal", env.str(), "--json"]).run().code(4);
    assert_eq!(first_environment(&heal)["outcome"], "needs-attention", "{heal}");
    assert!(heal.stderr.contains("pipx reinstall tool") && heal.stderr.contains("--force"), "{heal}");
    before.assert_unchanged();
    ctx.venvkeep(["heal", "--force", env.str()]).run().success();

    let conda = ctx.project("conda");
    let env = conda.venv_by_root(Maker::VenvWithoutPip).build();
    std::fs::create_dir(env.path().join("conda-meta")).expect("root may");
    std::fs::write(env.path().join("conda-meta/history"), "").expect("root may");
    let before = fingerprint(env.path());
    for args in [&["heal"][..], &["heal", "--force"]] {
        conda.venvkeep(args).run().code(4).stderr_has("conda create -p");
    }
    before.assert_unchanged();
}

#[test]
fn condas_own_records_tell_what_is_gone_and_who_puts_it_right() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let base = ctx.project("miniforge3");
    base.write("condabin/mamba", "");
    let env = base.path().join("envs/science");
    let record = |name: &str, files: &str| {
        let text = format!(r#"{{"name": "{name}", "version": "1.2", "build": "h0_1", "files": [{files}]}}"#);
        base.write(&format!("envs/science/conda-meta/{name}-1.2-h0_1.json"), text);
    };
    record("whole", r#""lib/whole.so""#);
    record("torn", r#""lib/torn.so", "share/torn/data", "lib/python3.11/__pycache__/torn.cpython-311.pyc""#);
    for file in ["lib/whole.so", "lib/torn.so", "bin/python", "conda-meta/history"] {
        base.write(&format!("envs/science/{file}"), "x");
    }
    let check = || ctx.venvkeep(["check", "--json"]).arg(&env).run();
    let finding = |told: &serde_json::Value, code: &str| -> serde_json::Value {
        let findings = told["findings"].as_array().expect("a list").clone();
        findings.into_iter().find(|one| one["code"] == code).unwrap_or_default()
    };
    let told = first_environment(&check());
    let missing = finding(&told, "files-missing");
    assert_eq!(
        (missing["count"].as_u64(), &missing["evidence"][0]),
        (Some(1), &"share/torn/data".into()),
        "{told:#}"
    );
    let command = format!("mamba install -p {} --force-reinstall 'torn=1.2=h0_1'", env.display());
    assert_eq!(missing["remedy"]["command"], command, "{told:#}");
    base.write("envs/science/conda-meta/garbled-1-0.json", "{");
    let told = first_environment(&check());
    assert_eq!(finding(&told, "metadata-broken")["evidence"][0], "conda-meta/garbled-1-0.json", "{told:#}");
    // root's: conda's own command, and no heal.
    ctx.program(Who::Root, "chown").args(["-R", "0:0"]).arg(&env).run().success();
    let told = first_environment(&check().code(1));
    let foreign = finding(&told, "foreign-owner");
    assert!(foreign["remedy"]["command"].to_string().contains("mamba create -p"), "{told:#}");
}
