//! What root's `doctor --repair` does not believe: rows, records and places that somebody else could have made up.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};

use serde_json::Value;
use venvkeep_testkit::{Context, Invocation, Project, Who};

use super::{changed, modes, paths, repair, set_mode};
use crate::VENVKEEP;
use crate::doctor::{install_for_everybody, with_mounts};

const SITE: &str = "/usr/local/lib/python3.11/dist-packages";

/// A group that nobody knows to be without members.
const SOMEBODYS_GROUP: u32 = 4242;

/// `/usr/local`, with a package in it as root's pip leaves it under umask 027.
struct System<'c> {
    ctx: &'c Context,
    ground: Project<'c>,
}

impl<'c> System<'c> {
    fn new(ctx: &'c Context) -> Self {
        let system = Self { ctx, ground: ctx.project_at(ctx.area().join("system"), Who::Root) };
        fs::create_dir_all(system.site("")).expect("root may");
        install_for_everybody(ctx, &system.site(""), 0o027);
        system
    }

    fn local(&self, below: &str) -> PathBuf {
        self.ground.path().join("local").join(below)
    }

    fn site(&self, below: &str) -> PathBuf {
        self.local("lib/python3.11/dist-packages").join(below)
    }

    fn record(&self) -> PathBuf {
        self.site("pure_one-1.0.dist-info/RECORD")
    }

    /// A file that is closed, in a directory that is.
    fn closed(&self, below: &str, mode: u32) -> PathBuf {
        let path = self.ground.write(&format!("local/{below}"), format!("what {below} holds"));
        set_mode(path.parent().expect("it lies in one"), 0o700);
        set_mode(&path, mode);
        path
    }

    fn add_rows(&self, rows: &str) {
        let text = fs::read_to_string(self.record()).expect("it is there") + rows;
        fs::write(self.record(), text).expect("root may");
    }

    /// As RECORD has it.
    fn hash(&self, path: &Path) -> String {
        let code = "import base64, hashlib, sys; print('sha256=' + base64.urlsafe_b64encode(hashlib.sha256(\
                    open(sys.argv[1], 'rb').read()).digest()).rstrip(b'=').decode())";
        let python = self.ctx.program(Who::Root, "/usr/bin/python3").args(["-I", "-S", "-c", code]).arg(path);
        python.run().success().stdout.trim().to_owned()
    }

    fn run(&self, more: &[(&Path, &str)], program: &Invocation) -> Value {
        let local = self.local("");
        let mut mounts = vec![(local.as_path(), "/usr/local")];
        mounts.extend_from_slice(more);
        with_mounts(self.ctx, Who::Root, &mounts, program).stdout_json()
    }

    fn repair(&self) -> Value {
        self.run(&[], &repair(self.ctx, &[]))
    }
}

fn why(told: &Value, path: &str) -> String {
    let left = told["left"].as_array().expect("a list");
    let one = left.iter().find(|one| one["path"] == path);
    assert!(one.is_some(), "{path} is not named: {told:#}");
    one.map(|one| one["why"].to_string()).unwrap_or_default()
}

#[test]
fn programs_that_run_with_rights_of_their_own_stay() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let system = System::new(&ctx);
    let (hsu, by_group, plain) = (
        system.closed("bin/hsu", 0o4750),
        system.closed("bin/by-group", 0o2710),
        system.closed("bin/plain", 0o750),
    );
    for path in [&hsu, &by_group, &plain] {
        let name = path.file_name().expect("it has one").to_string_lossy();
        system.add_rows(&format!("../../../bin/{name},{},\n", system.hash(path)));
    }
    let told = system.repair();
    let after = modes(&system.local("bin"));
    assert_eq!((after[&hsu], after[&by_group], after[&plain]), (0o4750, 0o2710, 0o755), "{told:#}");
    assert!(why(&told, "/usr/local/bin/hsu").contains("rights of its owner"), "{told:#}");
}

#[test]
fn a_row_opens_only_what_is_what_it_says() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let system = System::new(&ctx);
    let key = system.closed("share/keys/k.pem", 0o600);
    let other = system.closed("share/keys/other.pem", 0o600);
    let inside = system.closed("lib/python3.11/dist-packages/private/token.py", 0o600);
    let bytecode =
        system.closed("lib/python3.11/dist-packages/private/__pycache__/token.cpython-311.pyc", 0o600);
    let brought = system.closed("lib/python3.11/dist-packages/private/brought.py", 0o600);
    let manual = system.closed("share/pure/manual.txt", 0o600);
    let list = system.closed("lib/python3.11/dist-packages/evil.egg-info/installed-files.txt", 0o600);
    fs::write(&list, "../private/brought.py\n../../../../share/keys/k.pem\n").expect("root may");
    system.add_rows(&format!(
        "../../../share/keys/k.pem,,\n../../../share/keys/other.pem,{0},\nprivate/token.py,,\n\
         private/__pycache__/token.cpython-311.pyc,,\nevil.egg-info/installed-files.txt,,\n\
         ../../../share/pure/manual.txt,{0},\n",
        system.hash(&manual)
    ));
    let before = modes(&system.local(""));
    let told = system.repair();
    let after = modes(&system.local(""));
    let opened = changed(&before, &after);
    for path in [&key, &other, &inside, &bytecode, &brought] {
        assert!(!opened.contains(path), "{}: {told:#}", path.display());
        assert!(!opened.contains(&path.parent().expect("one").to_owned()), "{}: {told:#}", path.display());
    }
    assert_eq!((after[&manual], after[manual.parent().expect("one")]), (0o644, 0o755), "{told:#}");
    assert!(opened.contains(&system.site("pure_one/__init__.py")), "{told:#}");
    assert!(opened.contains(&system.record()), "its own metadata has no hash: {told:#}");
    assert!(why(&told, "/usr/local/share/keys/k.pem").contains("no hash"), "{told:#}");
    assert!(why(&told, "/usr/local/share/keys/other.pem").contains("not what was installed"), "{told:#}");
    assert!(why(&told, &format!("{SITE}/private")).contains("chmod -R a+rX"), "{told:#}");
    // Bytecode of a file that is what was installed comes along.
    let own = system.site("pure_one/__pycache__");
    let bytecode: Vec<_> = after.iter().filter(|(path, _)| path.parent() == Some(own.as_path())).collect();
    assert!(!bytecode.is_empty() && bytecode.iter().all(|(_, mode)| **mode == 0o644), "{told:#}");
}

#[test]
fn a_row_about_what_everybody_knows_opens_no_directory_of_secrets() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let system = System::new(&ctx);
    let known = system.closed("share/keys/LICENSE", 0o644);
    let key = system.closed("share/keys/deep/k.pem", 0o644);
    set_mode(key.parent().expect("one"), 0o755);
    system.add_rows(&format!("../../../share/keys/LICENSE,{},\n", system.hash(&known)));
    let told = system.repair();
    assert_eq!(modes(&system.local("share"))[&system.local("share/keys")], 0o700, "{told:#}");
    assert!(why(&told, "/usr/local/share/keys").contains("deep/k.pem"), "{told:#}");
    // A row that proves that one too says that both are for everybody.
    system.add_rows(&format!("../../../share/keys/deep/k.pem,{},\n", system.hash(&key)));
    let told = system.repair();
    assert_eq!(modes(&system.local("share"))[&system.local("share/keys")], 0o755, "{told:#}");
}

#[test]
fn what_others_could_have_written_is_not_believed() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let system = System::new(&ctx);
    let info = system.site("pure_one-1.0.dist-info");
    let stranger = Who::Other.uid();
    let cases: [(&str, PathBuf, u32, u32, u32); 6] = [
        ("a RECORD of a group's", system.record(), 0, SOMEBODYS_GROUP, 0o664),
        ("a RECORD of a stranger's", system.record(), stranger, 0, 0o644),
        ("an open metadata directory", info.clone(), 0, 0, 0o777),
        ("a stranger's metadata directory", info, stranger, 0, 0o755),
        ("an open site directory", system.site(""), 0, 0, 0o1777),
        ("an open directory above", system.local("lib/python3.11"), 0, SOMEBODYS_GROUP, 0o775),
    ];
    for (what, path, uid, gid, mode) in cases {
        let old = fs::symlink_metadata(&path).map(|facts| facts.permissions()).expect("it is there");
        chown(&path, Some(uid), Some(gid)).expect("root may");
        set_mode(&path, mode);
        let before = modes(&system.local(""));
        let told = system.repair();
        assert!(changed(&before, &modes(&system.local(""))).is_empty(), "{what}: {told:#}");
        assert!(told["left"].to_string().contains("not believed"), "{what}: {told:#}");
        chown(&path, Some(0), Some(0)).expect("root may");
        fs::set_permissions(&path, old).expect("root may");
    }
    assert!(!paths(&system.repair(), "steps").is_empty(), "and then it is");
}

#[test]
fn debians_own_directories_are_root_s_as_long_as_nobody_is_staff() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let system = System::new(&ctx);
    for path in [system.local("lib/python3.11"), system.site("")] {
        chown(&path, Some(0), Some(50)).expect("root may");
        set_mode(&path, 0o2775);
    }
    let group = |members: &str| {
        let others: String = fs::read_to_string("/etc/group")
            .expect("it is there")
            .lines()
            .filter(|line| !line.starts_with("staff:"))
            .fold(String::new(), |text, line| text + line + "\n");
        system.ground.write("group", format!("{others}staff:x:50:{members}\n"))
    };
    let before = modes(&system.local(""));
    let told = system.run(&[(&group("somebody"), "/etc/group")], &repair(&ctx, &[]));
    assert!(changed(&before, &modes(&system.local(""))).is_empty(), "{told:#}");
    let told = system.run(&[(&group(""), "/etc/group")], &repair(&ctx, &[]));
    assert!(paths(&told, "left").is_empty(), "{told:#}");
    assert_eq!(modes(&system.site(""))[&system.site("pure_one/__init__.py")], 0o644, "{told:#}");
}

#[test]
fn behind_a_link_nothing_above_is_opened() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let system = System::new(&ctx);
    let elsewhere = system.ground.path().join("mnt");
    fs::create_dir_all(elsewhere.join("x")).expect("root may");
    let site = system.local("lib/python3.11/dist-packages");
    fs::rename(&site, elsewhere.join("x/dp")).expect("root may");
    symlink("/mnt/x/dp", site).expect("root may");
    set_mode(&elsewhere, 0o700);
    let before = modes(&elsewhere);
    let told = system.run(&[(&elsewhere, "/mnt")], &repair(&ctx, &[]));
    assert!(changed(&before, &modes(&elsewhere)).is_empty(), "{told:#}");
    assert!(why(&told, "/mnt/x/dp").contains("pythonX.Y"), "{told:#}");
}

#[test]
fn what_is_mounted_inside_is_not_entered() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let system = System::new(&ctx);
    let elsewhere = system.closed("../elsewhere/k", 0o600);
    fs::create_dir(system.site("pure_one/m")).expect("root may");
    let file = system.closed("lib/python3.11/dist-packages/pure_one/file", 0o644);
    let hash = system.hash(&elsewhere);
    system.add_rows(&format!("pure_one/m/k,{hash},\npure_one/file,{hash},\n"));
    let around = elsewhere.parent().expect("one").to_owned();
    let (directory, single) = (format!("{SITE}/pure_one/m"), format!("{SITE}/pure_one/file"));
    let before = modes(&around);
    let mounts = [(around.as_path(), directory.as_str()), (elsewhere.as_path(), single.as_str())];
    let told = system.run(&mounts, &repair(&ctx, &[]));
    assert!(changed(&before, &modes(&around)).is_empty(), "{told:#}");
    for path in [directory, single] {
        assert!(why(&told, &path).contains("mounted"), "{told:#}");
    }
    assert!(file.is_file());
    assert!(!paths(&told, "steps").is_empty(), "the rest is repaired: {told:#}");
}

#[test]
fn a_record_that_was_made_to_cost_memory_does_not() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let system = System::new(&ctx);
    system.add_rows(&format!("{}x,,\n", "d/".repeat(100_000)));
    system.add_rows(&format!("{}pure_one/x,,\n", "pure_one/../".repeat(8_000)));
    let program = repair(&ctx, &[]);
    let limited = ctx.program(Who::Root, "prlimit").arg("--as=1073741824").args(program.words());
    let told = system.run(&[], &limited);
    assert!(paths(&told, "steps").contains(&format!("{SITE}/pure_one/__init__.py")), "{told:#}");
}

#[test]
fn what_is_not_repaired_is_named_with_its_command() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let system = System::new(&ctx);
    // Bytecode that no row names, a file of no distribution, metadata without a record.
    system.closed("lib/python3.11/dist-packages/pure_one/nobodys/a.cpython-311.pyc", 0o600);
    let nobodys = system.ground.write("local/lib/python3.11/dist-packages/nobodys.py", "x");
    let old = system.ground.write("local/lib/python3.11/dist-packages/old-1.0.egg-info", "Name: old\n");
    for path in [&nobodys, &old] {
        set_mode(path, 0o600);
    }
    system.add_rows("pure_one/a.py,sha256=damaged,3\n");
    let told = system.repair();
    for name in ["pure_one/nobodys", "nobodys.py", "old-1.0.egg-info"] {
        let path = format!("{SITE}/{name}");
        assert!(why(&told, &path).contains(&format!("chmod -R a+rX -- {path}")), "{told:#}");
    }
    assert!(why(&told, &format!("{SITE}/pure_one-1.0.dist-info")).contains("garbled in part"), "{told:#}");
    assert_eq!(paths(&told, "left").len(), 4, "{told:#}");
    fs::remove_file(system.record()).expect("root may");
    set_mode(&system.site("pure_one/__init__.py"), 0o600);
    let told = system.repair();
    assert!(paths(&told, "left").contains(&format!("{SITE}/pure_one/__init__.py")), "{told:#}");
    let text = ctx.venvkeep(["doctor", "--repair"]);
    let local = system.local("");
    let shown = with_mounts(&ctx, Who::Root, &[(&local, "/usr/local")], &text).code(4);
    shown.stdout_lacks("Nothing here").stdout_has("no distribution records it");
}
