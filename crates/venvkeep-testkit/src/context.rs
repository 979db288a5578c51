//! The ground of one test: three accounts with a home each, in a directory of its own.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::Mode;
use tempfile::TempDir;

use crate::tree::give;
use crate::wheelhouse::write_source;
use crate::{
    EnvironmentBuilder, Invocation, Maker, Need, OrFail, Output, SmallDisk, Traps, require, tools,
    write_wheelhouse,
};

/// As whom a program runs, and whose a file is. The two unprivileged users have no entry in the
/// account database, as in many containers: nothing may depend on a user's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The superuser.
    Root,
    /// The unprivileged user whose project it is.
    User,
    /// Another unprivileged user.
    Other,
}

impl Who {
    const ALL: [Self; 3] = [Self::Root, Self::User, Self::Other];

    /// The numeric user id.
    pub const fn uid(self) -> u32 {
        match self {
            Self::Root => 0,
            Self::User => 12345,
            Self::Other => 12346,
        }
    }

    /// The numeric id of the private group: the same number.
    pub const fn gid(self) -> u32 {
        self.uid()
    }

    fn home(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::User => "user",
            Self::Other => "other",
        }
    }
}

/// A directory of its own in which one test takes place; removed with everything in it at the end.
#[derive(Debug)]
pub struct Context {
    area: TempDir,
    program: PathBuf,
    wheels: OnceLock<PathBuf>,
}

impl Context {
    /// The ground for testing `program`, usually `env!("CARGO_BIN_EXE_venvkeep")`; `None`, counted
    /// as a skip, where the tests cannot run programs as other users.
    pub fn new(program: impl AsRef<Path>) -> Option<Self> {
        if !require(&[Need::Root]) {
            return None;
        }
        // One for the whole process, and always the same one: no test depends on who starts it.
        rustix::process::umask(Mode::WGRP | Mode::WOTH);
        let context = Self {
            area: tempfile::Builder::new()
                .prefix("venvkeep-test-")
                .permissions(Permissions::from_mode(0o755))
                .tempdir_in("/tmp")
                .or_fail("create a directory in", Path::new("/tmp")),
            program: tools::copy_for_everyone(program.as_ref()),
            wheels: OnceLock::new(),
        };
        for who in Who::ALL {
            make_dir(&context.home(who), who);
        }
        Some(context)
    }

    /// The directory of this test: root's, and everyone can enter it.
    pub fn area(&self) -> &Path {
        self.area.path()
    }

    /// The home directory of `who`.
    pub fn home(&self, who: Who) -> PathBuf {
        self.area().join(who.home())
    }

    /// The kit's wheels and its source distribution, and the wheels that virtualenv seeds with; readable by everyone,
    /// written at the first call.
    pub fn wheels(&self) -> &Path {
        self.wheels.get_or_init(|| {
            let directory = self.area().join("wheels");
            make_dir(&directory, Who::Root);
            write_wheelhouse(&directory);
            for wheel in tools::virtualenv_wheels() {
                let copy = directory.join(wheel.file_name().unwrap_or_default());
                fs::copy(&wheel, &copy).or_fail("copy to the wheels", &wheel);
            }
            directory
        })
    }

    /// A new, empty directory of the user's, in the user's home.
    pub fn project(&self, name: &str) -> Project<'_> {
        self.project_of(Who::User, name)
    }

    /// A new, empty directory of `owner`'s, in their home.
    pub fn project_of(&self, owner: Who, name: &str) -> Project<'_> {
        self.project_at(self.home(owner).join(name), owner)
    }

    /// A new, empty directory of `owner`'s at an absolute path.
    pub fn project_at(&self, path: impl Into<PathBuf>, owner: Who) -> Project<'_> {
        let path = path.into();
        make_dir(&path, owner);
        Project { context: self, path, owner }
    }

    /// A file system of its own, with room for `kibibytes`, in the user's home; `None`, counted as a
    /// skip, where it cannot be mounted.
    pub fn small_disk(&self, name: &str, kibibytes: u32) -> Option<SmallDisk<'_>> {
        let path = self.home(Who::User).join(name);
        make_dir(&path, Who::User);
        SmallDisk::mount(self, path, kibibytes)
    }

    /// A set of traps, none of them set yet. `name` tells several sets apart.
    pub fn traps(&self, name: &str) -> Traps {
        Traps::new(self.area().join(format!("traps-{name}")))
    }

    /// venvkeep with `args`, as the user.
    pub fn venvkeep<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Invocation {
        self.program(Who::User, &self.program).args(args)
    }

    /// venvkeep with `args`, as `who`.
    pub fn venvkeep_by<A: AsRef<OsStr>>(&self, who: Who, args: impl IntoIterator<Item = A>) -> Invocation {
        self.program(who, &self.program).args(args)
    }

    /// Runs venvkeep with `args` as the user: `ctx.venvkeep(args).run()`.
    #[must_use = "a run whose outcome nobody looks at tests nothing"]
    #[track_caller]
    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Output {
        self.venvkeep(args).run()
    }

    /// The directory of the program under test, for PATH.
    pub fn program_directory(&self) -> &Path {
        self.program.parent().unwrap_or(&self.program)
    }

    /// Any program, by its path or its name in PATH, as `who`.
    pub fn program(&self, who: Who, program: impl AsRef<Path>) -> Invocation {
        Invocation::new(program.as_ref(), who, &self.home(who))
    }
}

/// A directory of one of the users, as people keep their projects.
#[derive(Debug)]
pub struct Project<'c> {
    context: &'c Context,
    path: PathBuf,
    owner: Who,
}

impl<'c> Project<'c> {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it is, for lists of arguments.
    pub fn str(&self) -> &str {
        as_str(&self.path)
    }

    /// Writes a file and returns its path. The file, and the directories on the way, are the owner's
    /// where they were not there before.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path.join(name);
        let made = path.ancestors().take_while(|path| fs::symlink_metadata(path).is_err()).last();
        let parent = path.parent().unwrap_or(&self.path);
        fs::create_dir_all(parent).or_fail("create", parent);
        fs::write(&path, content).or_fail("write", &path);
        if let Some(made) = made {
            give(made, self.owner);
        }
        path
    }

    /// Writes a file that everyone can execute, and returns its path.
    pub fn write_program(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.write(name, content);
        fs::set_permissions(&path, Permissions::from_mode(0o755)).or_fail("chmod", &path);
        path
    }

    /// Writes the source tree of a distribution that can be installed with `-e` (PEP 660), and returns
    /// its path. Its module is `src/NAME.py`.
    pub fn source(&self, name: &str, version: &str) -> PathBuf {
        let path = self.path.join(name);
        write_source(&path, name, version);
        give(&path, self.owner);
        path
    }

    /// The same, committed to a git repository of its own. Needs [`Need::Program`]`("git")`.
    pub fn git_source(&self, name: &str, version: &str) -> PathBuf {
        let path = self.source(name, version);
        let git = self.context.program(self.owner, "git").current_dir(&path);
        git.clone().args(["init", "--quiet"]).run().success();
        git.clone().args(["add", "--all"]).run().success();
        let identity = ["-c", "user.name=kit", "-c", "user.email=kit@localhost"];
        git.args(identity).args(["commit", "--quiet", "--message=source"]).run().success();
        path
    }

    /// venvkeep with `args`, as the owner, in this directory.
    pub fn venvkeep<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Invocation {
        self.context.venvkeep_by(self.owner, args).current_dir(&self.path)
    }

    /// An environment that root is about to make here, by default `.venv`.
    pub fn venv_by_root(&self, maker: Maker) -> EnvironmentBuilder<'c> {
        self.venv_by(Who::Root, maker)
    }

    /// An environment that the owner is about to make here, by default `.venv`.
    pub fn venv_by_owner(&self, maker: Maker) -> EnvironmentBuilder<'c> {
        self.venv_by(self.owner, maker)
    }

    /// An environment that `who` is about to make here, by default `.venv`.
    pub fn venv_by(&self, who: Who, maker: Maker) -> EnvironmentBuilder<'c> {
        EnvironmentBuilder::new(self.context, &self.path, who, maker)
    }
}

fn make_dir(path: &Path, owner: Who) {
    fs::create_dir_all(path).or_fail("create", path);
    give(path, owner);
}

/// The kit names its own directories, so this fails only for a test that asks for worse.
pub(crate) fn as_str(path: &Path) -> &str {
    path.to_str().unwrap_or_else(|| panic!("{} is not UTF-8: use path()", path.display()))
}
