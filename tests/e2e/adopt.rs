//! `new --adopt`: an environment with what `pip install --user`, `pip install --target` and root's pip installed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use venvkeep_testkit::{Context, Invocation, Project, Who, fingerprint};

use crate::VENVKEEP;
use crate::doctor::{doctor, install_for_everybody, with_code, with_mounts};

/// pip as the system's Python starts it, outside of environments.
fn pip(ctx: &Context, who: Who) -> Invocation {
    let wheels = fs::read_dir("/usr/share/python-wheels").expect("Debian's python3-venv is there");
    let mut wheels = wheels.map(|entry| entry.expect("its entries").path());
    let wheel = wheels.find(|path| path.to_string_lossy().contains("/pip-")).expect("pip's wheel");
    let pip = ctx.program(who, "/usr/bin/python3").arg(wheel.join("pip")).arg("install");
    pip.args(["--quiet", "--no-index", "--break-system-packages", "--no-warn-script-location"])
        .wheels_only(ctx.wheels())
}

fn adopt(project: &Project<'_>, from: &str) -> Invocation {
    project.venvkeep(["new", "-p", "/usr/bin/python3", "--adopt", from, "--json"])
}

/// Where each distribution came from, by name.
fn sources(told: &Value) -> Vec<(String, String)> {
    let all = told["adopted"]["distributions"].as_array().expect("a list");
    let text = |one: &Value, key: &str| one[key].as_str().expect("text").to_owned();
    let mut all: Vec<_> = all.iter().map(|one| (text(one, "name"), text(one, "source"))).collect();
    all.sort();
    all
}

fn pairs(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    wanted.iter().map(|(name, source)| ((*name).to_owned(), (*source).to_owned())).collect()
}

fn freeze(project: &Project<'_>) -> Vec<String> {
    project.venvkeep(["freeze"]).run().success().stdout.lines().map(str::to_owned).collect()
}

fn python() -> PathBuf {
    let library =
        fs::read_dir("/usr/lib").expect("it is there").map(|entry| entry.expect("its entries").path());
    let is_python = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("python3.") && path.join("os.py").exists()
    };
    PathBuf::from(library.filter(is_python).max().expect("a Python").file_name().expect("a name"))
}

#[test]
fn what_pip_installed_for_the_user() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    pip(&ctx, Who::User).args(["--user", "with-scripts", "with-deps", "Odd.Name_x"]).run().success();
    let site = ctx.home(Who::User).join(".local/lib").join(python()).join("site-packages");
    fs::write(site.join("mine.py"), "MINE = 1\n").expect("root may");
    let before = fingerprint(ctx.home(Who::User).join(".local/lib"));
    let told = doctor(&ctx).run().stdout_json();
    let noted = with_code(&told, "packages-for-user");
    assert!(noted[0]["remedies"].to_string().contains("--adopt user"), "{told:#}");
    let project = ctx.project("proj");
    // Nothing can be fetched: every byte is the old place's.
    let told = adopt(&project, "user").index_unreachable().run().success().stdout_json();
    let place = "place";
    assert_eq!(
        sources(&told),
        pairs(&[("Odd.Name_x", place), ("pure-one", place), ("with-deps", place), ("with-scripts", place)])
    );
    assert_eq!(told["adopted"]["unclaimed"].as_array().map(Vec::len), Some(1), "mine.py alone: {told:#}");
    assert_eq!(
        freeze(&project),
        ["odd-name-x==1.0", "pure-one==1.0", "with-deps==2.0", "with-scripts==1.2"]
            .map(|line| line.replace("odd-name-x", "Odd.Name_x"))
    );
    let bin = project.path().join(".venv/bin");
    ctx.program(Who::User, bin.join("with-scripts")).run().success().stdout_has("with-scripts works");
    ctx.program(Who::User, bin.join("raw-python")).run().success().stdout_has("with-scripts works");
    let shebang = fs::read_to_string(bin.join("raw-python")).expect("a script");
    assert!(shebang.starts_with(&format!("#!{}", bin.join("python").display())), "{shebang}");
    let import = ctx.program(Who::User, bin.join("python")).args([
        "-I",
        "-c",
        "import with_deps, pure_one; print(pure_one.__file__)",
    ]);
    import.run().success().stdout_has(project.str());
    assert!(project.path().join(".venv/share/with-scripts/readme.txt").exists());
    project.venvkeep(["check", "--deep"]).run().success();
    before.assert_unchanged();
    // The way out that is named takes the programs along.
    let another = ctx.project("another");
    let text = another.venvkeep(["new", "-p", "/usr/bin/python3", "--adopt", "user"]).index_unreachable();
    let text = text.run().success();
    let way = text.stdout.lines().find(|line| line.contains("pip uninstall")).expect("a way").trim();
    let program = ctx.home(Who::User).join(".local/bin/with-scripts");
    assert!(program.exists());
    ctx.program(Who::User, "sh").args(["-c", &format!("yes | {way}")]).run().success();
    assert!(!program.exists());
    assert_eq!(fs::read_to_string(site.join("mine.py")).expect("nobody's stays"), "MINE = 1\n");
}

#[test]
fn what_was_altered_or_cannot_be_read_comes_from_the_index_or_nothing_is_made() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = ctx.home(Who::User);
    pip(&ctx, Who::User).args(["--user", "with-scripts", "pure-one", "extra-dep", "ns-part"]).run().success();
    let site = home.join(".local/lib").join(python()).join("site-packages");
    fs::write(site.join("extra_dep.py"), "EXTRA = 'changed'\n").expect("root may");
    fs::remove_file(site.join("ns_part-1.0.dist-info/RECORD")).expect("root may");
    let closed = site.join("pure_one/data.txt");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("root may");
    let project = ctx.project("proj");
    let refused = adopt(&project, "user").index_unreachable().run().code(3);
    refused.stderr_has("extra-dep==0.1").stderr_has("No environment was made");
    assert!(!project.path().join(".venv").exists());
    let told = adopt(&project, "user").wheels_only(ctx.wheels()).run().success().stdout_json();
    let index = "index";
    assert_eq!(
        sources(&told),
        pairs(&[("extra-dep", index), ("ns-part", index), ("pure-one", index), ("with-scripts", "place")])
    );
    let details = told["adopted"]["distributions"].to_string();
    for why in ["extra_dep.py was changed", "RECORD is gone", "data.txt cannot be read"] {
        assert!(details.contains(why), "{why}: {details}");
    }
    let taken = fs::read_to_string(
        project.path().join(".venv/lib").join(python()).join("site-packages/extra_dep.py"),
    );
    assert_eq!(taken.expect("it is there"), "EXTRA = True\n", "the released one");
    project.venvkeep(["check", "--deep"]).run().success();
}

#[test]
fn a_directory_on_pythonpath_is_found_explained_and_adopted() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = ctx.project_at(ctx.home(Who::User), Who::User);
    let target = home.path().join("pylibs");
    pip(&ctx, Who::User).args(["with-scripts", "pure-one", "--target"]).arg(&target).run().success();
    let etc = home.write("etc/pylibs.sh", format!("export PYTHONPATH={}\n", target.display()));
    let mounts = [(etc.parent().expect("it has one"), "/etc/profile.d")];
    let told = with_mounts(&ctx, Who::User, &mounts, &doctor(&ctx)).code(1).stdout_json();
    let lines = with_code(&told, "startup-line");
    assert!(lines[0]["remedies"].to_string().contains("--adopt"), "{told:#}");
    let project = ctx.project("proj");
    let before = fingerprint(&target);
    let told = adopt(&project, &target.to_string_lossy()).index_unreachable().run().success().stdout_json();
    assert_eq!(sources(&told), pairs(&[("pure-one", "place"), ("with-scripts", "place")]));
    assert_eq!(told["adopted"]["unclaimed"].as_array().map(Vec::len), Some(0), "{told:#}");
    before.assert_unchanged();
    let script = ctx.program(Who::User, project.path().join(".venv/bin/raw-python"));
    script.env_remove("PYTHONPATH").run().success().stdout_has("with-scripts works");
    assert_eq!(freeze(&project), ["pure-one==1.0", "with-scripts==1.2"]);
    // What is nobody's, a stranger's, or open to strangers.
    let elsewhere = ctx.project("other");
    adopt(&elsewhere, "nowhere").run().code(2).stderr_has("nothing is installed there");
    fs::create_dir(elsewhere.path().join("empty")).expect("root may");
    ctx.program(Who::Root, "chown").args(["12345:12345"]).arg(elsewhere.path().join("empty")).run().success();
    adopt(&elsewhere, "empty").run().code(2).stderr_has("nothing to adopt");
    fs::set_permissions(&target, fs::Permissions::from_mode(0o777)).expect("root may");
    let refused = adopt(&elsewhere, &target.to_string_lossy()).run().code(3);
    refused.stderr_has("other users can write there").stderr_has("new NAME -r FILE");
    assert!(!elsewhere.path().join(".venv").exists());
}

#[test]
fn what_root_installed_for_everybody_and_not_the_distributions_own() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let ground = ctx.project_at(ctx.area().join("system"), Who::Root);
    let local = ground.path().join("local");
    let site = local.join("lib").join(python()).join("dist-packages");
    fs::create_dir_all(&site).expect("root may");
    install_for_everybody(&ctx, &site, 0o022);
    let theirs = site.join("theirs-1.0.dist-info");
    fs::create_dir(&theirs).expect("root may");
    fs::write(theirs.join("INSTALLER"), "debian\n").expect("root may");
    fs::write(theirs.join("METADATA"), "Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
        .expect("root may");
    let mounts = [(local.as_path(), "/usr/local")];
    let place = ctx.home(Who::User).join("proj/.venv");
    let new = ctx.venvkeep(["new", "-p", "/usr/bin/python3", "--adopt", "system", "--json"]).arg(&place);
    let told = with_mounts(&ctx, Who::User, &mounts, &new).success().stdout_json();
    assert_eq!(sources(&told), pairs(&[("pure-one", "place")]));
    let import = ["-I", "-c", "import pure_one; print(pure_one.__file__)"];
    ctx.program(Who::User, place.join("bin/python")).args(import).run().success().stdout_has("proj/.venv");
    let text =
        ctx.venvkeep(["new", "-p", "/usr/bin/python3", "--adopt", "system"]).arg(place.with_file_name("b"));
    let text = with_mounts(&ctx, Who::User, &mounts, &text).success();
    text.stdout_has("sudo /usr/bin/python3").stdout_has("pip uninstall --break-system-packages pure-one");
    assert!(Path::new(&place).exists());
}

#[test]
fn what_a_stranger_could_have_written_is_neither_believed_nor_built() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = ctx.project_at(ctx.home(Who::User), Who::User);
    let site = format!(".local/lib/{}/site-packages", python().display());
    let write = |name: &str, content: &str| home.write(&format!("{site}/{name}"), content);
    let install = |file_name: &str, metadata: &str| {
        let file = |name: &str, content: &str| write(&format!("{file_name}/{name}"), content);
        file("METADATA", &format!("Metadata-Version: 2.1\n{metadata}"));
        file("INSTALLER", "pip\n")
    };
    // Installed from a project of somebody else's, which says what is run to build it.
    let project = ctx.project_at(ctx.area().join("strangers"), Who::Other);
    project.write(
        "pyproject.toml",
        "[build-system]\nrequires = []\nbuild-backend = 'trap'\nbackend-path = ['.']\n",
    );
    let traps = ctx.traps("backend");
    traps.set_modules(project.path(), &["trap.py", "setup.py"]);
    install("pure_one-1.0.dist-info", "Name: Pure_One\nVersion: 1.0.0\n");
    let origin = format!("{{\"url\": \"file://{}\", \"dir_info\": {{\"editable\": true}}}}", project.str());
    write("pure_one-1.0.dist-info/direct_url.json", &origin);
    write("pure_one-1.0.dist-info/RECORD", "");
    // One that anybody can rename.
    let open = install("extra_dep-0.1.dist-info", "Name: extra-dep\nVersion: 0.1\n");
    let open = open.parent().expect("it has one");
    fs::set_permissions(open, fs::Permissions::from_mode(0o777)).expect("root may");
    ctx.program(Who::Root, "chown")
        .args(["-R", &Who::User.uid().to_string()])
        .arg(home.path().join(".local"))
        .run()
        .success();
    let own = ctx.project("proj");
    let told = adopt(&own, "user").wheels_only(ctx.wheels()).run().success().stdout_json();
    assert_eq!(sources(&told), pairs(&[("Pure_One", "index")]), "{told:#}");
    assert!(told["adopted"]["distributions"].to_string().contains("not built from"), "{told:#}");
    assert_eq!(told["adopted"]["untrusted"][0]["path"], open.display().to_string(), "{told:#}");
    traps.assert_untouched();
    // The index spells it otherwise, and its version too.
    assert_eq!(freeze(&own), ["pure-one==1.0"]);
}
