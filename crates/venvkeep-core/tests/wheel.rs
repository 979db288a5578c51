//! What a wheel may put where, and what is refused. The wheels are written here, byte by byte, because no honest tool
//! makes most of them.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test lays out its own directory and looks at it by itself, and fails by panic"
)]

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, proptest};
use proptest::sample::Index;
use sha2::{Digest, Sha256};
use venvkeep_core::model::python_version::PythonVersion;
use venvkeep_core::model::scheme::Scheme;
use venvkeep_core::rebuild::wheel::{Destination, Wheel, WheelError};
use zip::write::SimpleFileOptions;

/// A member: name, mode, content.
type Member<'a> = (&'a str, u32, &'a str);

const METADATA: Member<'_> = ("thing-1.0.dist-info/METADATA", 0o644, "Name: Thing\nVersion: 1.0\n");
const WHEEL: Member<'_> =
    ("thing-1.0.dist-info/WHEEL", 0o644, "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n");

/// Writes a wheel with these members and a RECORD that lists them.
fn wheel(directory: &Path, members: &[Member<'_>]) -> PathBuf {
    wheel_with_record(directory, members, &listing(members))
}

/// The rows that a truthful RECORD has for these members.
fn listing(members: &[Member<'_>]) -> String {
    let rows = members.iter().map(|(name, _, content)| {
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(content));
        format!("\"{name}\",sha256={digest},{}\n", content.len())
    });
    rows.collect::<Vec<_>>().concat()
}

fn wheel_with_record(directory: &Path, members: &[Member<'_>], record: &str) -> PathBuf {
    let path = directory.join("thing-1.0-py3-none-any.whl");
    let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
    let record = ("thing-1.0.dist-info/RECORD", 0o644, record);
    for (name, mode, content) in members.iter().chain([&record]) {
        let options = SimpleFileOptions::default().unix_permissions(*mode);
        if mode & 0o170_000 == 0o120_000 {
            zip.add_symlink(*name, *content, options).unwrap();
        } else {
            zip.start_file(*name, options).unwrap();
            zip.write_all(content.as_bytes()).unwrap();
        }
    }
    zip.finish().unwrap();
    path
}

/// Installs into `directory/stage`, for an environment that will live at `/final place`.
fn install(directory: &Path, wheel: &Path) -> Result<PathBuf, WheelError> {
    let stage = directory.join("stage");
    fs::create_dir_all(&stage).unwrap();
    let scheme = Scheme {
        purelib: "lib/python3.12/site-packages".into(),
        platlib: "lib64/python3.12/site-packages".into(),
        scripts: "bin".into(),
        include: "include/site/python3.12".into(),
        data: "".into(),
    };
    let destination = Destination {
        directory: &stage,
        scheme: &scheme,
        interpreter: Path::new("/final/bin/python"),
        python: PythonVersion::new(3, 12),
    };
    Wheel::open(wheel)?.install(&destination)?;
    Ok(stage)
}

#[test]
fn every_file_goes_to_its_place() {
    let ground = tempfile::tempdir().unwrap();
    let path = wheel(
        ground.path(),
        &[
            METADATA,
            WHEEL,
            ("thing/__init__.py", 0o644, "x = 1\n"),
            ("thing/tool.sh", 0o755, "#!/bin/sh\n"),
            ("thing-1.0.data/scripts/run-it", 0o644, "#!python -u\nprint(1)\n"),
            ("thing-1.0.data/scripts/other", 0o644, "#!/bin/sh\n"),
            ("thing-1.0.data/headers/thing.h", 0o644, ""),
            ("thing-1.0.data/data/share/thing.txt", 0o644, "text"),
            ("thing-1.0.data/platlib/thing_native.so", 0o644, "native"),
            ("thing-1.0.dist-info/entry_points.txt", 0o644, "[console_scripts]\nthing = thing:main\n"),
        ],
    );
    let stage = install(ground.path(), &path).unwrap();
    let read = |inside: &str| fs::read_to_string(stage.join(inside)).unwrap();
    let mode = |inside: &str| fs::metadata(stage.join(inside)).unwrap().permissions().mode() & 0o111;

    assert_eq!(read("bin/run-it"), "#!/final/bin/python\nprint(1)\n");
    assert_eq!(read("bin/other"), "#!/bin/sh\n");
    assert!(read("bin/thing").starts_with("#!/final/bin/python\n"));
    assert_eq!(read("lib64/python3.12/site-packages/thing_native.so"), "native");
    assert_eq!(read("include/site/python3.12/Thing/thing.h"), "");
    let site = "lib/python3.12/site-packages";
    for (executable, inside) in
        [(true, "bin/run-it"), (true, "bin/thing"), (true, &format!("{site}/thing/tool.sh"))]
            .into_iter()
            .chain([(false, "share/thing.txt"), (false, &*format!("{site}/thing/__init__.py"))])
    {
        assert_eq!(mode(inside) != 0, executable, "{inside}");
    }
    assert_eq!(read(&format!("{site}/thing-1.0.dist-info/INSTALLER")), "venvkeep\n");
    assert_eq!(read(&format!("{site}/thing-1.0.dist-info/REQUESTED")), "");
}

#[test]
fn the_new_record_lists_what_is_there_with_the_hash_it_has() {
    let ground = tempfile::tempdir().unwrap();
    let members = [
        METADATA,
        WHEEL,
        ("thing-1.0.data/scripts/run-it", 0o644, "#!python\n"),
        ("thing-1.0.data/data/share/a,b.txt", 0o644, "text"),
    ];
    let stage = install(ground.path(), &wheel(ground.path(), &members)).unwrap();
    let site = stage.join("lib/python3.12/site-packages");
    let record = fs::read_to_string(site.join("thing-1.0.dist-info/RECORD")).unwrap();
    let mut paths = Vec::new();
    for row in csv::ReaderBuilder::new().has_headers(false).from_reader(record.as_bytes()).records() {
        let row = row.unwrap();
        let content = fs::read(site.join(&row[0])).unwrap();
        if !row[1].is_empty() {
            assert_eq!(
                row[1],
                format!("sha256={}", URL_SAFE_NO_PAD.encode(Sha256::digest(&content))),
                "{row:?}"
            );
            assert_eq!(row[2], content.len().to_string(), "{row:?}");
        }
        paths.push(row[0].to_owned());
    }
    assert!(paths.contains(&"../../../bin/run-it".to_owned()), "{paths:?}");
    assert!(paths.contains(&"../../../share/a,b.txt".to_owned()), "{paths:?}");
    assert_eq!(paths.last().map(String::as_str), Some("thing-1.0.dist-info/RECORD"));
}

#[test]
fn a_wheel_that_breaks_a_rule_is_refused() {
    let file = |name: &'static str| vec![METADATA, WHEEL, (name, 0o644, "x")];
    let entry_points =
        |text: &'static str| vec![METADATA, WHEEL, ("thing-1.0.dist-info/entry_points.txt", 0o644, text)];
    for (members, expected) in [
        (file("../outside.py"), "leads elsewhere"),
        (file("thing/../../outside.py"), "leads elsewhere"),
        (file("/tmp/outside.py"), "leads elsewhere"),
        (file("thing//x.py"), "leads elsewhere"),
        (file("thing/./x.py"), "leads elsewhere"),
        (file("thing/\u{1b}[2J.py"), "leads elsewhere"),
        (vec![METADATA, WHEEL, ("thing/link", 0o120_777, "/etc/passwd")], "is a link"),
        (file("thing-1.0.data/scripts/python"), "has no place"),
        (file("thing-1.0.data/scripts/below/x"), "has no place"),
        (file("thing-1.0.data/elsewhere/x"), "has no place"),
        (file("thing-1.0.data/x"), "has no place"),
        (file("other-1.0.dist-info/METADATA"), "one .dist-info"),
        (vec![METADATA, ("thing-1.0.dist-info/WHEEL", 0o644, "Wheel-Version: 2.0\n")], "Wheel-Version"),
        (vec![METADATA], "has no thing-1.0.dist-info/WHEEL"),
        (vec![WHEEL], "has no thing-1.0.dist-info/METADATA"),
        (vec![WHEEL, ("thing-1.0.dist-info/METADATA", 0o644, "")], "METADATA, it has no Name"),
        (entry_points("[console_scripts]\n../x = a:b\n"), "cannot become a script"),
        (entry_points("[console_scripts]\npython3 = a:b\n"), "cannot become a script"),
    ] {
        let ground = tempfile::tempdir().unwrap();
        let error = install(ground.path(), &wheel(ground.path(), &members)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains('\u{1b}'), "{error}");
        let mut names: Vec<_> =
            fs::read_dir(ground.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["stage", "thing-1.0-py3-none-any.whl"], "nothing beside the stage");
    }
}

#[test]
fn what_record_does_not_vouch_for_is_refused() {
    let members = [METADATA, WHEEL, ("thing/x.py", 0o644, "x")];
    let papers = listing(&members[..2]);
    let other = URL_SAFE_NO_PAD.encode(Sha256::digest("y"));
    for (row, expected) in [
        (String::new(), "is not listed"),
        ("thing/x.py,,\n".to_owned(), "is not listed with its hash"),
        ("thing/x.py,md5=abc,\n".to_owned(), "is not listed with its hash"),
        (format!("thing/x.py,sha256={other},1\n"), "is not what RECORD says"),
        ("thing/x.py,sha256=garbled,1\n".to_owned(), "of its RECORD, line 3"),
    ] {
        let ground = tempfile::tempdir().unwrap();
        let path = wheel_with_record(ground.path(), &members, &(papers.clone() + &row));
        let error = install(ground.path(), &path).unwrap_err().to_string();
        assert!(error.contains(expected), "{row:?}: {error}");
    }
}

#[test]
fn two_files_for_one_place_are_refused() {
    let ground = tempfile::tempdir().unwrap();
    let twice = [METADATA, WHEEL, ("x.py", 0o644, "1"), ("thing-1.0.data/purelib/x.py", 0o644, "2")];
    let error = install(ground.path(), &wheel(ground.path(), &twice)).unwrap_err();
    assert!(matches!(error, WheelError::Io(_)), "{error}");
}

#[test]
fn a_cut_off_wheel_is_refused() {
    let ground = tempfile::tempdir().unwrap();
    let path = wheel(ground.path(), &[METADATA, WHEEL, ("thing/x.py", 0o644, "x")]);
    let whole = fs::read(&path).unwrap();
    for length in (0..whole.len()).step_by(7) {
        fs::write(&path, &whole[..length]).unwrap();
        let error = install(ground.path(), &path).unwrap_err();
        assert!(matches!(error, WheelError::Unusable { .. }), "{length}: {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_damaged_wheel_is_no_panic(place in any::<Index>(), bytes in vec(any::<u8>(), 1..8)) {
        let ground = tempfile::tempdir().unwrap();
        let path = wheel(ground.path(), &[METADATA, WHEEL, ("thing/x.py", 0o644, "x")]);
        let mut content = fs::read(&path).unwrap();
        let start = place.index(content.len());
        for (damaged, byte) in content[start..].iter_mut().zip(bytes) {
            *damaged = byte;
        }
        fs::write(&path, content).unwrap();
        // Whether it can still be installed depends on what was hit.
        let _ = install(ground.path(), &path);
    }
}
