//! A program in a terminal of its own, for what behaves differently when somebody types.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::lchown;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::{Invocation, OrFail, Output};

/// What a terminal keeps of lines that nobody has read yet.
const TYPED_AHEAD: usize = 4000;

/// The status of a program that `timeout` killed.
const KILLED: i32 = 137;

impl Invocation {
    /// Runs the program in a terminal in which these lines are typed; all that it shows is in
    /// [`Output::stdout`]. The last line should end it.
    ///
    /// # Panics
    /// When it does not start, or does not end within the time limit.
    #[must_use = "a run whose outcome nobody looks at tests nothing"]
    #[track_caller]
    pub fn run_typing(&self, lines: &[String]) -> Output {
        let typed = lines.join("\n") + "\n";
        assert!(typed.len() < TYPED_AHEAD, "{} bytes are too many to type ahead", typed.len());
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC);
        let mut master = File::from(master.or_fail("open a terminal", &self.program));
        grantpt(&master).or_fail("open a terminal for", &self.program);
        unlockpt(&master).or_fail("open a terminal for", &self.program);
        let name = ptsname(&master, Vec::new()).or_fail("name the terminal of", &self.program);
        let name = PathBuf::from(name.to_string_lossy().into_owned());
        lchown(&name, Some(self.who.uid()), Some(self.who.gid())).or_fail("chown", &name);
        let mut child = {
            let side = || Stdio::from(open(&name));
            let mut command = self.command_in_session();
            let command = command.stdin(side()).stdout(side()).stderr(side());
            command.spawn().or_fail("start", &self.program)
        };
        let mut reading = master.try_clone().or_fail("read from", &name);
        let reader = thread::spawn(move || {
            let mut shown = Vec::new();
            // The end of a terminal is an error: the last process that had it open is gone.
            reading.read_to_end(&mut shown).ok();
            shown
        });
        master.write_all(typed.as_bytes()).or_fail("type into", &name);
        let status = child.wait().or_fail("wait for", &self.program);
        let shown = reader.join().unwrap_or_default();
        let stdout = String::from_utf8_lossy(&shown).into_owned();
        let output = Output::new(self.to_string(), status, stdout, String::new());
        assert!(output.status.code() != Some(KILLED), "killed after {:?}: {output}", self.time_limit);
        output
    }

    /// In a session of its own, whose terminal it may use, and ended when its time is over.
    fn command_in_session(&self) -> Command {
        let limit = self.time_limit.as_secs().to_string();
        let through = ["--ctty", "--wait", "timeout", "--foreground", "--signal=KILL", limit.as_str()];
        let mut starter = self.clone();
        starter.program = "setsid".into();
        starter.args = through.iter().map(OsString::from).collect();
        starter.args.push(self.program.clone().into());
        starter.args.extend(self.args.iter().cloned());
        starter.command()
    }
}

fn open(name: &PathBuf) -> File {
    OpenOptions::new().read(true).write(true).open(name).or_fail("open", name)
}
