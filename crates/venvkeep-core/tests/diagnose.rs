//! Each damage to a small environment on the disk gives its finding and no other, seen by a user of one's choice.

#![expect(clippy::disallowed_methods, reason = "the tests build the environments that are looked at")]
#![expect(clippy::unwrap_used, reason = "a step of the preparation that fails is a failing test")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use venvkeep_core::diagnose::diagnose;
use venvkeep_core::diagnose::finding::{Code, Finding, Remedy, Severity, Status, status};
use venvkeep_core::inspect::inspect;
use venvkeep_core::inspect::snapshot::Snapshot;
use venvkeep_core::model::owner::{LoneGroups, Viewer};
use venvkeep_core::model::prefix::Prefix;

/// A user number that no test runs under.
const STRANGER: u32 = 54_321;

const SITE: &str = "lib/python3.11/site-packages";

struct Ground {
    _keep: tempfile::TempDir,
    prefix: Prefix,
    owner: u32,
}

impl Ground {
    /// A healthy environment with one distribution.
    fn new() -> Self {
        let keep = tempfile::tempdir().unwrap();
        let root = keep.path().canonicalize().unwrap();
        let ground = Self {
            prefix: Prefix::new(root.join(".venv")).unwrap(),
            owner: fs::metadata(&root).unwrap().uid(),
            _keep: keep,
        };
        let base = root.join("base/bin");
        fs::create_dir_all(&base).unwrap();
        fs::write(base.join("python3.11"), "#!\n").unwrap();
        fs::set_permissions(base.join("python3.11"), Permissions::from_mode(0o755)).unwrap();
        ground.write(
            "pyvenv.cfg",
            &format!("home = {}\ninclude-system-site-packages = false\nversion = 3.11.2\n", base.display()),
        );
        fs::create_dir_all(ground.path("bin")).unwrap();
        symlink(base.join("python3.11"), ground.path("bin/python")).unwrap();
        ground.install("six", "1.17.0", "");
        ground
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.prefix.join(inside)
    }

    fn write(&self, inside: &str, content: &str) {
        fs::create_dir_all(self.path(inside).parent().unwrap()).unwrap();
        fs::write(self.path(inside), content).unwrap();
        fs::set_permissions(self.path(inside), Permissions::from_mode(0o644)).unwrap();
    }

    fn install(&self, name: &str, version: &str, headers: &str) {
        let info = format!("{name}-{version}.dist-info");
        self.write(&format!("{SITE}/{name}.py"), "x = 1\n");
        let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{headers}\n");
        self.write(&format!("{SITE}/{info}/METADATA"), &metadata);
        self.write(
            &format!("{SITE}/{info}/RECORD"),
            &format!("{name}.py,,6\n{info}/METADATA,,\n{info}/RECORD,,\n"),
        );
    }

    fn chmod(&self, inside: &str, mode: u32) {
        fs::set_permissions(self.path(inside), Permissions::from_mode(mode)).unwrap();
    }

    fn snapshot(&self, uid: u32) -> Snapshot {
        let viewer = Viewer {
            uid,
            gid: STRANGER,
            groups: vec![STRANGER],
            lone_groups: LoneGroups::known(vec![STRANGER]),
            trusted_owners: vec![],
        };
        inspect(&self.prefix, &viewer).unwrap()
    }

    fn findings(&self, uid: u32) -> Vec<Finding> {
        diagnose(&self.snapshot(uid), &|uid| (uid == self.owner).then(|| "ana".to_owned()))
    }

    /// The codes that the owner is shown.
    fn codes(&self) -> Vec<Code> {
        self.findings(self.owner).iter().map(|finding| finding.code).collect()
    }
}

/// The codes after one damage to a healthy environment.
fn after(damage: impl FnOnce(&Ground)) -> Vec<Code> {
    let ground = Ground::new();
    damage(&ground);
    ground.codes()
}

fn remove(path: &Path) {
    fs::remove_file(path).unwrap();
}

fn remove_all(path: &Path) {
    fs::remove_dir_all(path).unwrap();
}

#[test]
fn no_site_packages_is_no_empty_environment() {
    for gone in [SITE, "lib/python3.11", "lib"] {
        assert_eq!(after(|ground| remove_all(&ground.path(gone))), [Code::FilesMissing], "{gone}");
    }
    let ground = Ground::new();
    remove_all(&ground.path("lib"));
    let findings = ground.findings(ground.owner);
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((finding.severity, &finding.remedy), (Severity::Broken, &Remedy::Heal));
    assert_eq!(finding.evidence, [Path::new("lib")]);
    fs::write(ground.path("lib"), "").unwrap();
    assert_eq!(ground.codes(), [Code::FilesMissing], "a file is none either");
    remove(&ground.path("lib"));
    symlink("nowhere", ground.path("lib")).unwrap();
    assert_eq!(ground.codes(), [Code::FilesMissing], "nor a link to nothing");
    // One that Python can follow is only said.
    remove(&ground.path("lib"));
    fs::create_dir_all(ground.prefix.parent().join("library/python3.11/site-packages")).unwrap();
    symlink("../library", ground.path("lib")).unwrap();
    let findings = ground.findings(ground.owner);
    assert_eq!(findings.iter().map(|one| one.code).collect::<Vec<_>>(), [Code::UnsafePath]);
    assert_eq!(status(&findings), Status::Healthy);
    // conda's need hold no Python.
    remove(&ground.path("lib"));
    fs::create_dir(ground.path("conda-meta")).unwrap();
    assert!(!ground.codes().contains(&Code::FilesMissing));
}

#[test]
fn a_healthy_environment_has_no_findings() {
    assert_eq!(after(|_| ()), []);
}

#[test]
fn what_belongs_to_another_names_the_owner() {
    let ground = Ground::new();
    if ground.owner == 0 {
        // In root's own directory it would be root's on purpose.
        std::os::unix::fs::chown(ground.prefix.parent(), Some(STRANGER), None).unwrap();
    }
    let findings = ground.findings(STRANGER);
    let foreign = findings.iter().find(|finding| finding.code == Code::ForeignOwner).unwrap();
    assert!(foreign.message.contains("ana"), "{}", foreign.message);
    assert_eq!(foreign.count, ground.snapshot(STRANGER).tree.len() + 1);
    assert_eq!(foreign.evidence.len(), Finding::EVIDENCE);
    assert_eq!((foreign.severity, &foreign.remedy), (Severity::Broken, &Remedy::Heal));
    assert_eq!(status(&findings), Status::Broken);
}

#[test]
fn roots_on_purpose_is_a_note_while_everything_can_be_read() {
    let ground = Ground::new();
    if ground.owner != 0 {
        return; // Only root can make what is root's; `tests/run` runs as root.
    }
    assert_eq!(status(&ground.findings(STRANGER)), Status::Healthy);
    ground.chmod(&format!("{SITE}/six.py"), 0o600);
    assert_eq!(status(&ground.findings(STRANGER)), Status::Broken);
}

#[test]
fn what_may_not_be_read_is_counted_by_mode() {
    let ground = Ground::new();
    ground.chmod(&format!("{SITE}/six.py"), 0o640);
    let findings = ground.findings(STRANGER);
    let unreadable = findings.iter().find(|finding| finding.code == Code::Unreadable).unwrap();
    assert_eq!((unreadable.count, &unreadable.evidence), (1, &vec![Path::new(SITE).join("six.py")]));
    assert!(unreadable.cause.as_ref().unwrap().contains("027"));
}

#[test]
fn modes_that_protect_too_much_or_too_little() {
    let ground = Ground::new();
    ground.chmod(SITE, 0o555);
    let expected: &[Code] = if ground.owner == 0 { &[] } else { &[Code::Unwritable] };
    assert_eq!(ground.codes(), expected, "root is never kept from writing");
    ground.chmod(SITE, 0o777);
    assert_eq!(ground.codes(), [Code::WorldWritable]);
    ground.chmod(SITE, 0o1777);
    assert_eq!(ground.codes(), [Code::WorldWritable], "a sticky directory takes new names");
}

#[test]
fn the_interpreter() {
    let relink = |ground: &Ground, target: &str| {
        remove(&ground.path("bin/python"));
        symlink(target, ground.path("bin/python")).unwrap();
    };
    assert_eq!(after(|ground| remove(&ground.path("bin/python"))), [Code::InterpreterMissing]);
    assert_eq!(after(|ground| relink(ground, "/nowhere/python3.11")), [Code::InterpreterMissing]);
    assert_eq!(after(|ground| relink(ground, "/")), [Code::InterpreterBroken]);
    let upgraded = after(|ground| {
        let base = ground.prefix.parent().join("base/bin");
        fs::rename(base.join("python3.11"), base.join("python3.12")).unwrap();
        relink(ground, base.join("python3.12").to_str().unwrap());
    });
    assert_eq!(upgraded, [Code::InterpreterMismatch]);
}

#[test]
fn the_configuration() {
    assert_eq!(after(|ground| remove(&ground.path("pyvenv.cfg"))), [Code::ConfigMissing]);
    let garbled = after(|ground| fs::write(ground.path("pyvenv.cfg"), b"\xff\x00\n\xfe=").unwrap());
    assert_eq!(garbled, [Code::ConfigMissing]);
    let directory = after(|ground| {
        remove(&ground.path("pyvenv.cfg"));
        fs::create_dir(ground.path("pyvenv.cfg")).unwrap();
    });
    assert_eq!(directory, [Code::ConfigMissing]);
}

#[test]
fn scripts_of_another_place() {
    assert_eq!(after(|ground| ground.write("bin/pip", "#!/old/.venv/bin/python\n")), [Code::Moved]);
    assert_eq!(after(|ground| ground.write("bin/activate", "VIRTUAL_ENV='/old/.venv'\n")), [Code::Moved]);
    assert_eq!(after(|ground| ground.write("bin/tool", "#!/usr/bin/python3\n")), []);
    let own = |ground: &Ground| {
        ground.write("bin/pip", &format!("#!{}\n", ground.path("bin/python").display()));
    };
    assert_eq!(after(own), []);
}

#[test]
fn the_files_of_distributions() {
    let module = format!("{SITE}/six.py");
    let info = format!("{SITE}/six-1.17.0.dist-info");
    assert_eq!(after(|ground| remove(&ground.path(&module))), [Code::FilesMissing]);
    assert_eq!(after(|ground| ground.write(&module, "longer than recorded\n")), [Code::FilesAltered]);
    assert_eq!(after(|ground| remove(&ground.path(&format!("{info}/RECORD")))), [Code::RecordMissing]);
    let garbled = after(|ground| ground.write(&format!("{info}/RECORD"), "a,sha256=!!,x\n"));
    assert_eq!(garbled, [Code::MetadataBroken]);
    assert_eq!(after(|ground| ground.write(&format!("{info}/METADATA"), "?")), [Code::MetadataBroken]);
    let nameless = after(|ground| ground.write(&format!("{SITE}/-.dist-info/METADATA"), "?"));
    assert_eq!(nameless, [Code::MetadataBroken]);
}

#[test]
fn leftovers_are_what_does_not_fit_the_files() {
    let aborted = after(|ground| ground.write(&format!("{SITE}/~ix-1.0.dist-info/METADATA"), ""));
    assert_eq!(aborted, [Code::LeftoverDistribution]);
    let ground = Ground::new();
    ground.write(&format!("{SITE}/six-1.9.0.dist-info/METADATA"), "Name: six\nVersion: 1.9.0\n");
    ground.write(&format!("{SITE}/six-1.9.0.dist-info/RECORD"), "six.py,,999\ngone.py,,1\n");
    let snapshot = ground.snapshot(ground.owner);
    let versions: Vec<_> = snapshot.distributions.iter().map(|one| one.version.as_str()).collect();
    assert_eq!(versions, ["1.17.0"], "the one whose RECORD matches the files");
    assert_eq!(snapshot.leftovers, [Path::new(SITE).join("six-1.9.0.dist-info")]);
    assert_eq!(ground.codes(), [Code::LeftoverDistribution]);
}

#[test]
fn metadata_that_was_emptied_is_a_leftover() {
    let ground = Ground::new();
    ground.write(&format!("{SITE}/empty-1.0.dist-info/INSTALLER"), "pip\n");
    let snapshot = ground.snapshot(ground.owner);
    assert_eq!(snapshot.leftovers, [Path::new(SITE).join("empty-1.0.dist-info")]);
    assert_eq!(snapshot.distributions.len(), 1);
    ground.write(&format!("{SITE}/empty-1.0.dist-info/RECORD"), "");
    let snapshot = ground.snapshot(ground.owner);
    assert_eq!((snapshot.leftovers.len(), snapshot.distributions.len()), (0, 2), "its name tells");
}

#[test]
fn of_two_libraries_the_one_of_the_python_counts() {
    let ground = Ground::new();
    let stale = "lib/python3.10/site-packages";
    ground.write(&format!("{stale}/six-0.9.dist-info/METADATA"), "Name: six\nVersion: 0.9\n");
    ground.write(&format!("{stale}/six-0.9.dist-info/RECORD"), "");
    ground.write(&format!("{stale}/gone-0.9.dist-info/METADATA"), "Name: gone\nVersion: 0.9\n");
    let installed = || -> Vec<String> {
        let found = ground.snapshot(ground.owner).distributions;
        found.iter().map(|one| format!("{} {}", one.name, one.version)).collect()
    };
    assert_eq!(installed(), ["six 1.17.0"], "bin/python is 3.11");
    remove(&ground.path("bin/python"));
    assert_eq!(installed(), ["six 1.17.0"], "pyvenv.cfg says 3.11");
    ground.write("pyvenv.cfg", "home = /usr/bin\nversion = 3.10.4\n");
    assert_eq!(installed(), ["gone 0.9", "six 0.9"]);
}

#[test]
fn what_the_system_may_have_is_not_missed() {
    let ground = Ground::new();
    ground.install("tool", "1.0", "Requires-Dist: gone\n");
    assert_eq!(ground.codes(), [Code::DependencyUnmet]);
    let config = fs::read_to_string(ground.path("pyvenv.cfg")).unwrap();
    ground.write("pyvenv.cfg", &config.replace("= false", "= true"));
    assert_eq!(ground.codes(), []);
    ground.install("tool2", "1.0", "Requires-Dist: six>=2\n");
    assert_eq!(ground.codes(), [Code::DependencyUnmet], "its own six comes before the system's");
}

#[test]
fn what_a_group_shares_is_a_note() {
    let ground = Ground::new();
    if ground.owner == 0 {
        std::os::unix::fs::chown(ground.prefix.parent(), Some(STRANGER), None).unwrap();
    }
    let group = fs::metadata(ground.prefix.path()).unwrap().gid();
    let share = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let tree = ground.snapshot(ground.owner).tree;
    for path in tree.ids().map(|id| ground.prefix.join(tree.path(id))) {
        if !path.is_symlink() {
            share(&path, if path.is_dir() { 0o775 } else { 0o664 });
        }
    }
    let severity = || {
        let viewer = Viewer { groups: vec![group], ..ground.snapshot(STRANGER).viewer };
        let findings = diagnose(&inspect(&ground.prefix, &viewer).unwrap(), &|_| None);
        findings.iter().find(|one| one.code == Code::ForeignOwner).unwrap().severity
    };
    assert_eq!(severity(), Severity::Note);
    share(&ground.path(SITE), 0o755);
    assert_eq!(severity(), Severity::Broken);
}

#[test]
fn dependencies_as_pip_check_judges_them() {
    let needs = |requirement: &str| {
        after(|ground| ground.install("tool", "1.0", &format!("Requires-Dist: {requirement}\n")))
    };
    for met in
        ["six", "SIX>=1.16", "six[x] (>1)", "gone; python_version < '3.11'", "gone; extra == 'x'", "?!"]
    {
        assert_eq!(needs(met), [], "{met}");
    }
    for unmet in ["gone", "six>=2", "gone; python_version >= '3.11'", "gone; sys_platform != 'win32'"] {
        assert_eq!(needs(unmet), [Code::DependencyUnmet], "{unmet}");
    }
}

#[test]
fn names_that_deceive_and_rows_that_lead_out() {
    let name = after(|ground| ground.write(&format!("{SITE}/a\n\u{1b}[31mb.py"), ""));
    assert_eq!(name, [Code::UnsafePath]);
    let row = format!("{SITE}/six-1.17.0.dist-info/RECORD");
    let out = after(|ground| ground.write(&row, "../../../../x,,\nsix.py,,6\n"));
    assert_eq!(out, [Code::UnsafePath]);
}

#[test]
fn what_lies_beside_and_who_manages_it() {
    let beside = |name: &str| after(|ground| fs::create_dir(ground.prefix.parent().join(name)).unwrap());
    assert_eq!(beside(".venv.venvkeep-old-20261121-091500"), [Code::KeptEnvironment]);
    assert_eq!(beside(".venv.venvkeep-stage-0011223344556677"), [Code::InterruptedHeal]);
    assert_eq!(beside("venv.venvkeep-old-20261121-091500"), [], "another environment's");
    assert_eq!(after(|ground| ground.write("pipx_metadata.json", "{}")), [Code::ManagedElsewhere]);
    assert_eq!(after(|ground| ground.write("uv-receipt.toml", "")), [Code::ManagedElsewhere]);
    assert_eq!(after(|ground| ground.write("conda-meta/history", "")), [Code::ManagedElsewhere]);
}
