//! Proof that nothing of a broken or foreign environment was executed: files that leave a mark when
//! they are.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::{Environment, OrFail};

/// A set of traps, and the directory in which they leave their marks.
#[derive(Debug)]
pub struct Traps {
    marks: PathBuf,
}

impl Traps {
    pub(crate) fn new(marks: PathBuf) -> Self {
        fs::create_dir(&marks).or_fail("create", &marks);
        // Whoever springs a trap can leave the mark.
        fs::set_permissions(&marks, Permissions::from_mode(0o777)).or_fail("chmod", &marks);
        Self { marks }
    }

    /// Puts programs into `directory`, in the place of what has these names there. Each leaves its
    /// mark; one that is named like a Python then goes on as the system's, so that whoever runs it
    /// notices nothing.
    pub fn set_programs(&self, directory: &Path, names: &[&str]) {
        for name in names {
            let path = directory.join(name);
            let mark = self.marks.join(name);
            let then = if name.starts_with("py") { "exec /usr/bin/python3 \"$@\"" } else { "exit 9" };
            let script = format!("#!/bin/sh\n: >'{}'\n{then}\n", mark.display());
            if path.is_symlink() {
                // Writing would go through the link, to the base interpreter.
                fs::remove_file(&path).or_fail("remove", &path);
            }
            fs::write(&path, script).or_fail("write", &path);
            fs::set_permissions(&path, Permissions::from_mode(0o755)).or_fail("chmod", &path);
        }
    }

    /// Puts the files into `environment` that its Python runs when it starts: a `.pth` line,
    /// `sitecustomize.py` and `usercustomize.py`.
    pub fn set_startup_files(&self, environment: &Environment<'_>) {
        self.set_modules(&environment.site_packages(), &["trap.pth", "sitecustomize.py", "usercustomize.py"]);
    }

    /// Puts modules (and `.pth` lines) of these names into `directory`.
    pub fn set_modules(&self, directory: &Path, names: &[&str]) {
        for name in names {
            let path = directory.join(name);
            let mark = self.marks.join(name);
            let line = format!("import os; open({:?}, 'w').close()\n", mark.display().to_string());
            fs::write(&path, line).or_fail("write", &path);
        }
    }

    /// The names of what was executed.
    pub fn sprung(&self) -> Vec<String> {
        let marks = fs::read_dir(&self.marks).or_fail("list", &self.marks);
        let mut names: Vec<String> = marks
            .map(|mark| mark.or_fail("list", &self.marks).file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Asserts that nothing was executed.
    #[track_caller]
    pub fn assert_untouched(&self) {
        let sprung = self.sprung().into_iter().fold(String::new(), |mut list, name| {
            // Writing to a string cannot fail.
            write!(list, " {name}").ok();
            list
        });
        assert!(sprung.is_empty(), "executed from a place that must not be trusted:{sprung}");
    }
}
