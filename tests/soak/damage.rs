//! What happens to environments, at random.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use fastrand::Rng;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use venvkeep_testkit::Who;

type Deed = fn(&Path, &Path, &mut Rng) -> std::io::Result<()>;

/// What is done to an entry, by name.
const DEEDS: [(&str, Deed); 15] = [
    (
        "delete",
        |path, _, _| if is_directory(path) { fs::remove_dir_all(path) } else { fs::remove_file(path) },
    ),
    ("alter", |path, _, random| {
        alter(path, |bytes| {
            let at = random.usize(..=bytes.len());
            bytes.insert(at, random.u8(..));
        })
    }),
    ("flip", |path, _, random| {
        alter(path, |bytes| {
            if !bytes.is_empty() {
                let at = random.usize(..bytes.len());
                bytes[at] ^= 1;
            }
        })
    }),
    ("truncate", |path, _, random| alter(path, |bytes| bytes.truncate(random.usize(..=bytes.len())))),
    ("garble", |path, _, random| alter(path, |bytes| *bytes = (0..200).map(|_| random.u8(..)).collect())),
    ("empty", |path, _, _| alter(path, Vec::clear)),
    ("chmod", |path, _, random| chmod(path, random)),
    ("chmod", |path, _, random| chmod(path, random)),
    ("chown", |path, _, random| {
        let owner = [Who::Root, Who::Root, Who::User, Who::User, Who::Other][random.usize(..5)];
        lchown(path, Some(owner.uid()), Some(owner.gid()))
    }),
    ("rename", |path, _, random| {
        fs::rename(path, path.with_file_name(format!("renamed-{}", random.u16(..))))
    }),
    ("make a link of", |path, _, random| {
        let targets = ["/etc/shadow", "/nowhere/at/all", "..", "/", "loop-of-links", "/dev/zero"];
        fs::rename(path, path.with_extension("was"))?;
        symlink(targets[random.usize(..targets.len())], path)
    }),
    ("make a pipe of", |path, _, _| {
        fs::rename(path, path.with_extension("was"))?;
        Ok(mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o644), 0)?)
    }),
    ("add a file beside", |path, _, random| {
        let names =
            ["notes.txt", ".env", "stray.pth", "stray.py", "~ure_one", "pip.conf", "a\nb", "\u{1b}[2J"];
        fs::write(path.with_file_name(names[random.usize(..names.len())]), "# stray\n")
    }),
    ("leave behind", |path, _, _| {
        let leftover = path.with_file_name("~ip-1.0.dist-info");
        fs::create_dir(&leftover)?;
        fs::write(leftover.join("METADATA"), "Name: pip\nVersion: 1.0\n")
    }),
    ("exchange with another", |path, other, _| {
        let aside = path.with_extension("aside");
        fs::rename(path, &aside)?;
        fs::rename(other, path).and_then(|()| fs::rename(aside, other))
    }),
];

/// Damages the tree; what was done, in order. What cannot be done to an entry is left out.
pub(crate) fn inflict(prefix: &Path, random: &mut Rng) -> Vec<String> {
    let mut done = Vec::new();
    for _ in 0..random.usize(1..=6) {
        let entries = entries(prefix);
        if entries.is_empty() {
            break;
        }
        let (path, other) = (choose(&entries, random), choose(&entries, random));
        let (name, deed) = DEEDS[random.usize(..DEEDS.len())];
        // Inside of each other they cannot change places.
        let nested = path.starts_with(other) || other.starts_with(path);
        if !(nested && name.starts_with("exchange")) && deed(path, other, random).is_ok() {
            let shown = path.strip_prefix(prefix).unwrap_or(path);
            done.push(format!("{name} {shown:?}"));
        }
    }
    done
}

/// Half of the time one of the files that say what the environment is.
fn choose<'e>(entries: &'e [PathBuf], random: &mut Rng) -> &'e Path {
    let says_something = |path: &&PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        [
            "RECORD",
            "METADATA",
            "pyvenv.cfg",
            "WHEEL",
            "python",
            "python3",
            "entry_points.txt",
            "site-packages",
            "bin",
        ]
        .contains(&name.as_ref())
            || name.ends_with(".dist-info")
    };
    let telling: Vec<&PathBuf> = entries.iter().filter(says_something).collect();
    if random.bool() && !telling.is_empty() {
        telling[random.usize(..telling.len())]
    } else {
        &entries[random.usize(..entries.len())]
    }
}

/// Everything below, in an order that depends on nothing but the names.
fn entries(prefix: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![prefix.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            if is_directory(&entry.path()) {
                waiting.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

fn is_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|facts| facts.is_dir())
}

fn alter(path: &Path, change: impl FnOnce(&mut Vec<u8>)) -> std::io::Result<()> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    let mut bytes = fs::read(path)?;
    change(&mut bytes);
    fs::write(path, bytes)
}

fn chmod(path: &Path, random: &mut Rng) -> std::io::Result<()> {
    if fs::symlink_metadata(path)?.is_symlink() {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    let modes = [0o000, 0o400, 0o444, 0o600, 0o640, 0o700, 0o755, 0o4755, 0o111, 0o666, 0o777];
    fs::set_permissions(path, Permissions::from_mode(modes[random.usize(..modes.len())]))
}
