//! Every kind of environment, made by its real tool, and healed. What the other modules test is not repeated here:
//!
//! | kind | where |
//! |---|---|
//! | `python -m venv`, virtualenv, uv | `reuse`, from their own bytes; `heal`, from an index |
//! | without pip | `carry` (`each_maker_...`), `heal` |
//! | virtualenv before 20; uv, relocatable; PyPy; `--system-site-packages` | here |
//! | linked to uv's cache | here |
//! | made in a container | here |
//! | mixed owners; a strict umask | here; single packages by both installers in `heal` |
//! | an aborted upgrade; files added, altered, deleted | `carry`, `reuse`, `freeze` |
//! | interpreter gone, the same minor elsewhere | `heal` |
//! | interpreter gone, another minor left | here; on request in `reuse` |
//! | forms of distributions | `formats` |
//! | where it stands: moved, linked, odd paths, others' directories, mounts | `places`; moved in `reuse` |

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use venvkeep_testkit::{
    Context, Environment, Maker, Need, Output, Project, Wheel, Who, files_naming, fingerprint, owners,
    require, tools,
};

use crate::VENVKEEP;
use crate::support::{
    Before, INSTALLERS, accounted, assert_healed, assert_works, finding_codes, first_environment, kept_tree,
    lines, names_in, paths, source_of, with_uv,
};

const PACKAGES: [&str; 4] = ["with-deps[more]", "with-scripts", "Odd.Name_x", "ns-part"];

fn heal_offline(project: &Project<'_>) -> Output {
    project.venvkeep(["heal", "--offline", "--json"]).index_unreachable().run().success()
}

fn python(ctx: &Context, env: &Environment<'_>, code: &str) -> Output {
    ctx.program(Who::User, env.bin("python")).args(["-c", code]).run().success()
}

fn configuration(env: &Environment<'_>) -> String {
    fs::read_to_string(env.path().join("pyvenv.cfg")).expect("root may")
}

/// Its pip, of 2021, writes names from the directories' names.
fn normalized(list: &[String]) -> Vec<String> {
    let normal = |line: &String| {
        let (name, version) = line.split_once("==").unwrap_or((line, ""));
        format!("{}=={version}", name.to_lowercase().replace(['.', '_'], "-"))
    };
    list.iter().map(normal).collect()
}

/// Says of an installed distribution that its wheel was another one.
fn retag(env: &Environment<'_>, stem: &str, from: &str, to: &str) {
    let info = env.dist_info(stem);
    let wheel = fs::read_to_string(info.join("WHEEL")).expect("root may");
    assert!(wheel.contains(from), "{wheel}");
    fs::write(info.join("WHEEL"), wheel.replace(from, to)).expect("root may");
    let record = fs::read_to_string(info.join("RECORD")).expect("root may");
    let rows = record.lines().map(|row| match row.split_once("/WHEEL,") {
        Some((before, _)) => format!("{before}/WHEEL,,\n"),
        None => format!("{row}\n"),
    });
    fs::write(info.join("RECORD"), rows.collect::<String>()).expect("root may");
}

/// Heals a virtualenv whose pip, of 2021, recorded wheels' scripts as they were before it gave them their first line:
/// what has such scripts is fetched, the rest is taken over.
fn heal_legacy(ctx: &Context, project: &Project<'_>) -> Output {
    let report = project.venvkeep(["heal", "--json"]).wheels_only(ctx.wheels()).run().success();
    for (name, source) in [("with-scripts", "index"), ("with-deps", "env"), ("pip", "env")] {
        assert_eq!(source_of(&report, name), source, "{name}: {report}");
    }
    report
}

#[test]
fn a_virtualenv_from_before_pyvenv_cfg_stays_on_its_python() {
    if !require(&[Need::LegacyVirtualenv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::LegacyVirtualenv).packages(PACKAGES).build();
    assert!(!env.path().join("pyvenv.cfg").exists());
    assert!(env.path().join("lib/python3.8/orig-prefix.txt").is_file());
    let before = Before::of(&env);
    let freeze = project.venvkeep(["freeze"]).run().success();
    assert_eq!(normalized(&lines(&freeze)), normalized(&env.freeze()));
    let report = project.venvkeep(["check", "--json"]).run().code(1);
    let codes = BTreeSet::from(["files-altered", "foreign-owner"].map(str::to_owned));
    assert_eq!(finding_codes(&report), codes, "{report}");

    let report = heal_legacy(&ctx, &project);
    let healed = first_environment(&report);
    assert_eq!(paths(&healed, "carried"), Vec::<String>::new(), "{healed}");
    assert_eq!(paths(&healed, "dropped"), Vec::<String>::new(), "{healed}");
    assert_healed(&ctx, &project, &env, &before, &report);
    python(&ctx, &env, "import sys; print(sys.version_info[:2])").stdout_is("(3, 8)\n");
    assert!(env.path().join("pyvenv.cfg").is_file());
    assert!(!env.path().join("lib/python3.8/site.py").exists());
}

#[test]
fn a_virtualenv_from_before_pyvenv_cfg_goes_to_a_newer_python() {
    if !require(&[Need::LegacyVirtualenv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::LegacyVirtualenv).packages(PACKAGES).build();
    let frozen = env.freeze();
    // Its Python was removed by an upgrade of the system.
    fs::write(env.path().join("lib/python3.8/orig-prefix.txt"), "/nowhere").unwrap();
    fs::remove_file(env.bin("python3.8")).unwrap();
    let freeze = project.venvkeep(["freeze"]).run().success();
    assert_eq!(normalized(&lines(&freeze)), normalized(&frozen));

    let healed = accounted(&heal_legacy(&ctx, &project));
    // The directory of headers has the version in its name.
    assert_eq!(paths(&healed, "dropped"), ["include/site/python3.8"], "{healed}");
    assert_eq!(env.freeze(), frozen);
    assert_works(&ctx, &env);
    assert!(names_in(&env.path().join("lib")).iter().all(|name| name != "python3.8"));
    project.venvkeep(["check"]).run().success();
}

/// Every script works, every shell that can tell activates it, and nothing but links to the base names a place.
fn assert_moves(ctx: &Context, project: &Project<'_>, env: &Environment<'_>) {
    let place = ctx.project("else where").path().join("moved");
    fs::rename(env.path(), &place).expect("root may");
    let mut naming = files_naming(&place, env.str());
    // What bytecode says of its source's place, Python does not ask.
    naming.retain(|path| path.extension().is_none_or(|end| end != "pyc"));
    assert_eq!(naming, [place.join("notes/which.txt")], "but for the user's own");
    assert_works(ctx, &Environment::at(ctx, place.clone(), Maker::Uv, Who::User));
    ctx.program(Who::User, place.join("bin/own-tool")).run().success().stdout_is("own works\n");
    // Through a link from elsewhere, too.
    let link = ctx.home(Who::User).join("linked");
    symlink(place.join("bin/with-scripts"), &link).expect("root may");
    ctx.program(Who::User, &link).run().success().stdout_is("with-scripts works\n");
    fs::remove_file(&link).expect("root may");
    let check =
        ctx.venvkeep(["check".as_ref(), "--deep".as_ref(), "--json".as_ref(), place.as_os_str()]).run();
    assert!(finding_codes(&check).is_empty(), "{check}");
    let prefix = format!("{}\n{0}\n", place.display());
    let show = "echo \"$VIRTUAL_ENV\"; python -c 'import sys; print(sys.prefix)'; deactivate";
    let activate = |shell: &str, script: &str, directory: &Path| {
        let what = format!(". {script} && {{ {show}; }}");
        ctx.program(Who::User, shell).args(["-c", &what]).current_dir(directory).run()
    };
    for shell in ["bash", "zsh", "ksh"] {
        activate(shell, "bin/activate", &place).success().stdout_is(&prefix);
        activate(shell, "./activate", &place.join("bin")).success().stdout_is(&prefix);
        activate(shell, &format!("'{}'", place.join("bin/activate").display()), Path::new("/"))
            .success()
            .stdout_is(&prefix);
    }
    activate("sh", "bin/activate", &place).code(1).stderr_has("does not tell a script where it lies");
    let fish = format!("source bin/activate.fish; {show}");
    ctx.program(Who::User, "fish").args(["-c", &fish]).current_dir(&place).run().success().stdout_is(&prefix);
    let csh = ctx
        .program(Who::User, "tcsh")
        .args(["-f", "-c", "source bin/activate.csh"])
        .current_dir(&place)
        .run();
    csh.stdout_has("does not tell a script where it lies");
    fs::rename(&place, env.path()).expect("root may");
    project.venvkeep(["check"]).run().success();
}

#[test]
fn uvs_relocatable_environment_can_be_moved_as_before() {
    let programs = ["zsh", "ksh", "fish", "tcsh"].map(Need::Program);
    if !require(&programs) || !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for (name, args, installer) in [
        ("own", &["--offline"][..], INSTALLERS[0].1),
        ("pip", &["--from", "index"], INSTALLERS[0].1),
        ("uv", &["--from", "index"], INSTALLERS[1].1),
    ] {
        let project = ctx.project(name);
        let env = project.venv_by_root(Maker::Uv).create_args(["--relocatable"]).packages(PACKAGES).build();
        project.write(".venv/notes/which.txt", env.str());
        project.write(".venv/bin/own-tool", format!("#!{}/bin/python\nprint('own works')\n", env.str()));
        fs::set_permissions(env.bin("own-tool"), fs::Permissions::from_mode(0o755)).expect("root may");
        let before = Before::of(&env);
        let heal = installer(project.venvkeep(["heal", "--json"])).args(args).wheels_only(ctx.wheels());
        let report = heal.run().success();
        assert_healed(&ctx, &project, &env, &before, &report);
        assert!(configuration(&env).contains("relocatable = true\n"), "{}", configuration(&env));
        assert_moves(&ctx, &project, &env);
        // A copy of it, and a second heal, are no less so.
        let clone = project.venvkeep(["clone", ".venv", "./copy"]).index_unreachable().run().success();
        let copy = Environment::at(&ctx, project.path().join("copy"), Maker::Uv, Who::User);
        assert!(configuration(&copy).contains("relocatable = true\n"), "{clone}");
        fs::write(copy.path().join("notes/which.txt"), copy.str()).expect("root may");
        project.venvkeep(["heal", "--force", "--offline", copy.str()]).run().success();
        assert_moves(&ctx, &project, &copy);
    }
}

#[test]
fn pypys() {
    if !require(&[Need::Python("pypy3")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let pypy = tools::python("pypy3").unwrap();
    let env = project.venv_by_root(Maker::Venv).python(pypy).packages(PACKAGES).build();
    let before = Before::of(&env);
    let report = heal_offline(&project);
    assert_healed(&ctx, &project, &env, &before, &report);
    python(&ctx, &env, "import sys; print(sys.implementation.name)").stdout_is("pypy\n");
    // What PyPy brings along lies outside of the environment: pip names it, and nothing could install it.
    let frozen = lines(&project.venvkeep(["freeze"]).run().success());
    let pip = ctx.program(Who::User, env.bin("python")).args(["-m", "pip", "freeze"]).run().success();
    let brought: Vec<String> = lines(&pip).into_iter().filter(|line| !frozen.contains(line)).collect();
    let inside =
        fs::read_dir(env.site_packages()).expect("root may").map(|entry| entry.expect("so").file_name());
    let inside: Vec<String> = inside.map(|name| name.to_string_lossy().to_lowercase()).collect();
    for line in &brought {
        let name = line.split("==").next().unwrap_or_default();
        assert!(!inside.iter().any(|entry| entry.starts_with(&format!("{name}-"))), "{line} is left out");
    }
    assert!(brought.iter().any(|line| line.starts_with("cffi==")), "{pip}");
    assert_eq!(frozen, env.freeze(), "as pip freeze --local");
}

#[test]
fn the_systems_distributions_stay_visible_and_out_of_the_list() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let visible = "import sys; print(any(path.endswith('dist-packages') for path in sys.path))";
    for maker in [Maker::Venv, Maker::Virtualenv] {
        if maker == Maker::Virtualenv && !require(&[Need::Virtualenv]) {
            return;
        }
        let project = ctx.project(&format!("{maker:?}"));
        let env = project.venv_by_root(maker).create_args(["--system-site-packages"]);
        let env = env.packages(PACKAGES).build();
        let before = Before::of(&env);
        python(&ctx, &env, visible).stdout_is("True\n");
        let report = heal_offline(&project);
        assert_healed(&ctx, &project, &env, &before, &report);
        assert!(configuration(&env).contains("include-system-site-packages = true"));
        python(&ctx, &env, visible).stdout_is("True\n");
        assert_eq!(lines(&project.venvkeep(["freeze"]).run().success()), env.freeze());
    }
}

#[test]
fn what_is_linked_to_uvs_cache_leaves_the_cache_alone() {
    if !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::Uv).build();
    let install = |env: &Environment<'_>| {
        let install = env.installer(Who::User).args(["install", "--link-mode=hardlink"]).args(PACKAGES);
        install.wheels_only(ctx.wheels()).run().success();
    };
    install(&env);
    let module = env.site_packages().join("pure_one/__init__.py");
    assert!(fs::metadata(&module).unwrap().nlink() > 1, "it shares its file with the cache");
    env.dangle_interpreter();
    // What root did to one name, it did to the cache's file too.
    env.chown("lib", Who::Root);
    let cache = fingerprint(ctx.home(Who::User).join(".cache/uv"));

    accounted(&with_uv(project.venvkeep(["heal", "--json"])).index_unreachable().run().success());
    cache.assert_unchanged();
    assert_works(&ctx, &env);
    assert_eq!(owners(env.path()), BTreeSet::from([Who::User.uid()]));
    assert_eq!(fs::metadata(&module).unwrap().nlink(), 1, "a file of its own");
}

#[test]
fn what_a_container_made_gets_a_python_and_wheels_of_this_machine() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let native = |platform: &str| {
        let tag = format!("cp311-cp311-{platform}_{}", std::env::consts::ARCH);
        Wheel::new("native-one", "1.0").tag(&tag).file("native_one.py", format!("FOR = '{platform}'\n"))
    };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).packages(PACKAGES).build();
    native("manylinux_2_17").write(ctx.wheels());
    env.install(["native-one"]);
    retag(&env, "native_one", "manylinux_2_17", "musllinux_1_2");
    let frozen = env.freeze_all();
    // As the image's Python leaves it: in /usr/local, where this machine has none.
    for name in ["python", "python3", "python3.11"] {
        fs::remove_file(env.bin(name)).unwrap();
    }
    symlink("/usr/local/bin/python3.11", env.bin("python3.11")).unwrap();
    for name in ["python", "python3"] {
        symlink("python3.11", env.bin(name)).unwrap();
    }
    let text = configuration(&env).replace("/usr/bin", "/usr/local/bin");
    fs::write(env.path().join("pyvenv.cfg"), text).unwrap();

    let report = project.venvkeep(["heal", "--json"]).wheels_only(ctx.wheels()).run().success();
    accounted(&report);
    assert_eq!(source_of(&report, "native-one"), "index", "{report}");
    assert_eq!(source_of(&report, "pure-one"), "env", "{report}");
    assert_eq!(env.freeze_all(), frozen);
    assert_works(&ctx, &env);
    assert!(configuration(&env).contains("home = /usr/bin\n"));
    project.venvkeep(["check"]).run().success();
}

#[test]
fn a_package_that_sudo_pip_installed_in_the_users_environment() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env =
        project.venv_by_owner(Maker::VenvWithoutPip).packages(["with-deps[more]", "Odd.Name_x"]).build();
    let sudo = env.installer(Who::Root).args(["install", "with-scripts", "ns-part"]);
    sudo.wheels_only(ctx.wheels()).run().success();
    assert_eq!(owners(env.path()), BTreeSet::from([0, Who::User.uid()]));
    let before = Before::of(&env);
    let report = project.venvkeep(["check", "--json"]).run().code(1);
    assert_eq!(finding_codes(&report), BTreeSet::from(["foreign-owner".to_owned()]), "{report}");
    let report = heal_offline(&project);
    assert_healed(&ctx, &project, &env, &before, &report);
    env.installer(Who::User).args(["uninstall", "-y", "with-scripts", "ns-part"]).run().success();
}

#[test]
fn packages_and_whole_trees_under_a_strict_umask() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for umask in [0o027, 0o077] {
        let project = ctx.project(&format!("package-{umask:o}"));
        let env =
            project.venv_by_root(Maker::VenvWithoutPip).packages(["with-deps[more]", "Odd.Name_x"]).build();
        let env = env.umask(umask);
        env.install(["with-scripts", "ns-part"]);
        let before = Before::of(&env);
        let report = project.venvkeep(["heal", "--json"]).wheels_only(ctx.wheels()).run().success();
        assert_eq!(source_of(&report, "with-scripts"), "index", "{report}");
        assert_eq!(source_of(&report, "with-deps"), "env", "{report}");
        assert_healed(&ctx, &project, &env, &before, &report);

        let project = ctx.project(&format!("tree-{umask:o}"));
        let env = project.venv_by_root(Maker::VenvWithoutPip).umask(umask).packages(PACKAGES).build();
        let (frozen, tree) = (env.freeze_all(), fingerprint(env.path()));
        let refused = project.venvkeep(["heal"]).wheels_only(ctx.wheels()).run().code(3);
        refused.stderr_has("freeze --all").stderr_has("venvkeep-frozen.txt");
        tree.assert_unchanged();
        // As the message says: root only reads.
        let list = ctx.venvkeep_by(Who::Root, ["freeze", "--all", env.str()]).under_sudo_of(Who::User).run();
        project.write("venvkeep-frozen.txt", &list.success().stdout);
        let heal = project.venvkeep(["heal", "--json", ".venv", "-r", "venvkeep-frozen.txt"]);
        let report = heal.wheels_only(ctx.wheels()).run().success();
        accounted(&report);
        report.stdout_has("what else lay in it could not be seen");
        tree.assert_same(&fingerprint(kept_tree(project.path())));
        assert_eq!(env.freeze_all(), frozen);
        assert_works(&ctx, &env);
        project.venvkeep(["check"]).run().success();
    }
}

#[test]
fn another_minor_version_takes_over_what_suits_it_when_no_other_is_left() {
    if !require(&[Need::Python("3.12")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let platform = format!("manylinux_2_17_{}", std::env::consts::ARCH);
    let wheel = |name: &str, tag: &str| {
        let wheel = Wheel::new(name, "1.0").tag(&format!("{tag}-{platform}"));
        wheel.file(&format!("{name}.py"), format!("TAG = '{tag}'\n")).write(ctx.wheels());
    };
    wheel("abi", "cp38-abi3");
    wheel("exact", "cp312-cp312");
    wheel("exact", "cp311-cp311");
    let project = ctx.project("proj");
    let python312 = tools::python("3.12").unwrap();
    let env = project.venv_by_root(Maker::Venv).python(&python312).packages(PACKAGES).build();
    env.install(["abi", "exact"]);
    let frozen = env.freeze();
    env.dangle_interpreter();
    let home = python312.parent().and_then(Path::to_str).unwrap();
    fs::write(env.path().join("pyvenv.cfg"), configuration(&env).replace(home, "/nowhere/bin")).unwrap();

    let report = project.venvkeep(["heal", "--json"]).wheels_only(ctx.wheels()).run().success();
    accounted(&report);
    for (name, source) in [("abi", "env"), ("exact", "index"), ("pure-one", "env"), ("with-scripts", "env")] {
        assert_eq!(source_of(&report, name), source, "{name}: {report}");
    }
    python(&ctx, &env, "import sys, exact; print(sys.version_info[:2], exact.TAG)")
        .stdout_is("(3, 11) cp311-cp311\n");
    assert_eq!(env.freeze(), frozen);
    assert_works(&ctx, &env);
    project.venvkeep(["check"]).run().success();
}
