//! `undo`: the environment from before the last heal, exactly; and back again.

use std::fs;

use venvkeep_testkit::{Context, Maker, Who, fingerprint, owners};

use crate::VENVKEEP;
use crate::support::{first_environment, kept_tree, names_in};

#[test]
fn what_root_made_comes_back_exactly_and_a_second_undo_returns_the_healed() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).packages(["pure-one"]).build();
    // Root's, and closed: nobody else may even look into it afterwards.
    let original = fingerprint(env.path());
    let heal = project.venvkeep(["heal"]).wheels_only(ctx.wheels()).run().success();
    heal.stdout_has("venvkeep undo ").stdout_has("venvkeep prune ");
    let healed = fingerprint(env.path());
    fs::set_permissions(kept_tree(project.path()), std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .expect("root may");

    let report = project.venvkeep(["undo", "--json"]).run().success();
    let aside = first_environment(&report)["old"].as_str().map(str::to_owned).unwrap_or_default();
    assert_eq!(kept_tree(project.path()).to_string_lossy(), aside, "{report}");
    env.chmod("", 0o755);
    original.assert_same(&fingerprint(env.path()));
    healed.assert_same(&fingerprint(kept_tree(project.path())));
    assert_eq!(owners(env.path()).into_iter().collect::<Vec<_>>(), [Who::Root.uid()]);

    project.venvkeep(["undo"]).run().success();
    healed.assert_unchanged();
    original.assert_same(&fingerprint(kept_tree(project.path())));
    assert_eq!(names_in(project.path()).len(), 2, "{:?}", names_in(project.path()));
}

#[test]
fn a_kept_tree_returns_to_a_place_that_was_emptied() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    let original = fingerprint(env.path());
    project.venvkeep(["heal"]).run().success();
    fs::remove_dir_all(env.path()).expect("root may");
    project.venvkeep(["undo", ".venv"]).run().success();
    original.assert_unchanged();
    assert_eq!(names_in(project.path()).len(), 1);
}

#[test]
fn environments_of_one_project_have_kept_trees_of_their_own() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let [dotted, plain] = [".venv", "venv"].map(|name| project.path().join(name));
    for name in [".venv", "venv"] {
        project.venvkeep(["new", "--seed", "none", name]).run().success();
    }
    let before = [fingerprint(&dotted), fingerprint(&plain)];
    project.venvkeep(["remove", "./venv"]).run().success();
    // Nothing of the other one is touched by what is said to this one.
    project.venvkeep(["undo", ".venv"]).run().code(2).stderr_has("nothing to go back to");
    let said = format!("Nothing to prune: no old environment is kept beside {}\n", dotted.display());
    project.venvkeep(["prune", ".venv"]).run().success().stdout_is(&said);
    project.venvkeep(["prune", "--dry-run"]).run().success().stdout_is(&said);
    project.venvkeep(["check", "--json", ".venv"]).run().success().stdout_lacks("kept-environment");
    project.venvkeep(["heal", "--force", ".venv"]).run().success();
    project.venvkeep(["undo", "venv"]).run().success();
    before[1].assert_same(&fingerprint(&plain));
    project.venvkeep(["undo", ".venv"]).run().success();
    before[0].assert_same(&fingerprint(&dotted));
    before[1].assert_same(&fingerprint(&plain));
}

#[test]
fn with_nothing_kept_it_says_so_and_changes_nothing() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::VenvWithoutPip).build();
    let before = fingerprint(project.path());
    project.venvkeep(["undo"]).run().code(2).stderr_has("nothing to go back to");
    before.assert_unchanged();
    project.venvkeep(["undo", "nowhere"]).run().code(2).stderr_has("nothing at");
    let root = ctx.venvkeep_by(Who::Root, ["undo", env.str()]).under_sudo_of(Who::User);
    root.run().code(2).stderr_has("sudo");
}
