//! Every form in which a distribution may be installed, healed. What the other modules test is not repeated here:
//!
//! | form | where |
//! |---|---|
//! | wheels: scripts, data and header files; PEP 420 namespaces | `reuse` |
//! | editable (PEP 660); `.egg-link` with `easy-install.pth` | `reuse` |
//! | a checkout in `ENV/src` with uncommitted work | `carry`; editable from there, here |
//! | `.egg-info` files and directories; `.egg` files and directories | here |
//! | `-nspkg.pth`; a `.pth` of a distribution; a file of two distributions | here |

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use venvkeep_testkit::{
    Context, Environment, Maker, Need, Output, Project, Wheel, Who, fingerprint, require,
};

use crate::VENVKEEP;
use crate::support::{accounted, lines, paths, source_of};

fn python(ctx: &Context, env: &Environment<'_>, code: &str) -> Output {
    ctx.program(Who::User, env.bin("python")).args(["-c", code]).run().success()
}

/// Writes a file into site-packages, as root who installed.
fn install(env: &Environment<'_>, name: &str, content: impl AsRef<[u8]>) {
    let path = env.site_packages().join(name);
    fs::create_dir_all(path.parent().expect("it lies in a directory")).expect("root may");
    fs::write(path, content).expect("root may");
}

fn info(name: &str) -> String {
    format!("Metadata-Version: 1.1\nName: {name}\nVersion: 1.0\n")
}

/// Heals from the environment alone, also what has no hashes; the list stays what it was.
fn heal_from_env(project: &Project<'_>, env: &Environment<'_>) -> Output {
    let frozen = env.freeze();
    assert_eq!(lines(&project.venvkeep(["freeze"]).run().success()), frozen);
    let heal = project.venvkeep(["heal", "--from", "env", "--json"]).index_unreachable();
    let report = heal.run().success();
    let healed = accounted(&report);
    assert_eq!(paths(&healed, "dropped"), Vec::<String>::new(), "{report}");
    assert_eq!(env.freeze(), frozen);
    project.venvkeep(["check"]).run().success();
    report
}

#[test]
fn an_editable_checkout_in_src_is_reused_and_carried_together() {
    if !require(&[Need::Program("git")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).packages(["pure-one"]).build();
    let source = project.git_source("inner", "0.3");
    let inside = env.path().join("src/inner");
    fs::create_dir(env.path().join("src")).unwrap();
    fs::rename(&source, &inside).unwrap();
    env.install(["--no-build-isolation".as_ref(), "-e".as_ref(), inside.as_os_str()]);
    project.write(".venv/src/inner/src/inner.py", "WHERE = \"uncommitted\"\n");

    let frozen = env.freeze();
    let report = project.venvkeep(["heal", "--offline", "--json"]).index_unreachable().run().success();
    let healed = accounted(&report);
    assert_eq!(source_of(&report, "inner"), "env", "{report}");
    assert!(paths(&healed, "carried").contains(&"src/inner/src/inner.py".to_owned()), "{report}");
    assert_eq!(paths(&healed, "dropped"), Vec::<String>::new(), "{report}");
    assert_eq!(env.freeze(), frozen);
    python(&ctx, &env, "import inner; print(inner.WHERE, inner.__file__)")
        .stdout_is(&format!("uncommitted {}\n", inside.join("src/inner.py").display()));
    assert_eq!(fs::metadata(inside.join("src/inner.py")).unwrap().uid(), Who::User.uid());
}

#[test]
fn egg_infos_of_distutils_and_setuptools() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    // `setup.py install --record`, as pip called it: a directory with the list of files.
    install(&env, "listed-1.0-py3.11.egg-info/PKG-INFO", info("listed"));
    install(&env, "listed-1.0-py3.11.egg-info/top_level.txt", "listed\n");
    let files = "../listed/__init__.py\nPKG-INFO\ntop_level.txt\ninstalled-files.txt\n";
    install(&env, "listed-1.0-py3.11.egg-info/installed-files.txt", files);
    install(&env, "listed/__init__.py", "L = 2\n");
    let report = heal_from_env(&project, &env);
    assert_eq!(source_of(&report, "listed"), "env", "{report}");
    python(&ctx, &env, "import listed; print(listed.L)").stdout_is("2\n");

    // distutils: one file, and nothing that lists the modules. It can only come from the index.
    let project = ctx.project("distutils");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    install(&env, "alone-1.0.egg-info", info("alone"));
    install(&env, "alone.py", "A = 1\n");
    Wheel::new("alone", "1.0").file("alone.py", "A = 1\n").write(ctx.wheels());
    let before = fingerprint(env.path());
    let refused = project.venvkeep(["heal", "--offline"]).run().code(3);
    refused.stderr_has("alone==1.0: nothing lists its files").stderr_has("--skip alone");
    before.assert_unchanged();
    let frozen = env.freeze();
    let report = project.venvkeep(["heal", "--json"]).wheels_only(ctx.wheels()).run().success();
    accounted(&report);
    assert_eq!(source_of(&report, "alone"), "index", "{report}");
    assert_eq!(env.freeze(), frozen);
    python(&ctx, &env, "import alone; print(alone.A)").stdout_is("1\n");
}

#[test]
fn eggs_as_directories_and_as_zip_files() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    install(&env, "wide-1.0-py3.11.egg/EGG-INFO/PKG-INFO", info("wide"));
    install(&env, "wide-1.0-py3.11.egg/wide.py", "W = 1\n");
    let make = "import sys, zipfile\n\
                with zipfile.ZipFile(sys.argv[1], 'w') as egg:\n    \
                    egg.writestr('EGG-INFO/PKG-INFO', sys.argv[2])\n    \
                    egg.writestr('zipped.py', 'Z = 2\\n')\n";
    let egg = env.site_packages().join("zipped-1.0-py3.11.egg");
    let root = ctx.program(Who::Root, env.bin("python")).args(["-I", "-c", make]);
    root.arg(&egg).arg(info("zipped")).run().success();
    install(&env, "easy-install.pth", "./wide-1.0-py3.11.egg\n./zipped-1.0-py3.11.egg\n");
    let report = heal_from_env(&project, &env);
    assert_eq!((source_of(&report, "wide"), source_of(&report, "zipped")), ("env".into(), "env".into()));
    python(&ctx, &env, "import wide, zipped; print(wide.W, zipped.Z)").stdout_is("1 2\n");
}

#[test]
fn startup_files_of_distributions_and_files_of_two() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let namespace = "import sys, types; sys.modules.setdefault('oldns', types.ModuleType('oldns')).__path__ = \
                     [__import__('os').path.join(sys._getframe(1).f_locals['sitedir'], 'oldns')]\n";
    for name in ["ns-a", "ns-b"] {
        let module = name.replace('-', "_");
        Wheel::new(name, "1.0")
            .file(&format!("{name}-1.0-py3.11-nspkg.pth"), namespace)
            .file(&format!("oldns/{module}.py"), "HERE = True\n")
            .write(ctx.wheels());
    }
    Wheel::new("with-pth", "1.0")
        .file("with_pth.pth", "behind_pth\n")
        .file("behind_pth/found.py", "FOUND = True\n")
        .write(ctx.wheels());
    for name in ["twin-a", "twin-b"] {
        let own = format!("{}.py", name.replace('-', "_"));
        let wheel = Wheel::new(name, "1.0").file("twins/shared.py", "SHARED = 1\n").file(&own, "OWN = 1\n");
        wheel.write(ctx.wheels());
    }
    let packages = ["ns-a", "ns-b", "with-pth", "twin-a", "twin-b"];
    let env = project.venv_by_root(Maker::VenvWithoutPip).packages(packages).build();
    let report = heal_from_env(&project, &env);
    for name in packages {
        assert_eq!(source_of(&report, name), "env", "{name}: {report}");
    }
    python(&ctx, &env, "import oldns.ns_a, oldns.ns_b, found, twins.shared, twin_a, twin_b");
    let remove = env.installer(Who::User).args(["uninstall", "-y", "twin-a", "with-pth"]);
    remove.run().success();
    let gone = |name: &str| !env.site_packages().join(Path::new(name)).exists();
    assert!(gone("with_pth.pth") && gone("twin_a.py"), "their RECORDs name what they are");
}
