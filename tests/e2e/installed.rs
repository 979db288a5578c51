//! What real shells make of what `shims install` has put into their profiles.

use std::fs;
use std::path::Path;
use std::time::Duration;

use venvkeep_testkit::{Context, Need, Who, require};

use crate::VENVKEEP;
use crate::profiles::{Home, SHELLS};

/// What a shell of the user's prints, that has read its profile and finds venvkeep on PATH.
fn printed(
    ctx: &Context,
    shell: &'static str,
    args: &[&str],
    command: &str,
) -> Option<venvkeep_testkit::Output> {
    if !require(&[Need::Program(shell)]) {
        return None;
    }
    let run = ctx.program(Who::User, shell).args(args).args(["-c", command]);
    Some(run.path_first(ctx.program_directory()).run().success())
}

#[test]
fn real_shells_read_what_was_installed_and_miss_nothing_that_is_gone() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = Home::of(&ctx);
    for (shell, command, expected) in [
        ("bash", "type -t activate; complete -p venvkeep", "function\ncomplete -F _venvkeep venvkeep"),
        ("zsh", "whence -w activate _venvkeep", "activate: function\n_venvkeep: function"),
        ("fish", "type -t activate; complete -C'venvkeep shi'", "function\nshims\t"),
    ] {
        home.shims(&["install", shell]).run().success();
        for args in [&["-i"][..], &["-i", "-l"]] {
            let Some(output) = printed(&ctx, shell, args, command) else { continue };
            output.stdout_has(expected);
        }
    }
    // The files go, as when somebody removes the data directory by hand: the blocks do nothing, silently.
    fs::remove_dir_all(home.path.join(".local/share/venvkeep")).unwrap();
    for shell in SHELLS {
        for args in [&["-i"][..], &["-i", "-l"]] {
            let Some(output) = printed(&ctx, shell, args, "echo here") else { continue };
            // Without a terminal, bash says that it has no job control.
            let said: Vec<_> = output.stderr.lines().filter(|line| !line.starts_with("bash: ")).collect();
            assert_eq!((output.stdout.as_str(), said), ("here\n", Vec::new()), "{shell}");
        }
    }
    // And what reads a .profile is not always bash.
    let dash = ctx.program(Who::User, "sh").args(["-c", ". ~/.profile && echo well"]).run();
    dash.success().stdout_is("well\n");
}

/// A call that another thread's interrupts is two lines, of which the second says so.
fn is_start(line: &str) -> bool {
    !line.contains("SIG") && !line.contains("resumed>")
}

#[test]
fn a_start_starts_no_program() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    if !require(&[Need::Program("strace"), Need::Program("zsh"), Need::Program("fish")]) {
        return;
    }
    let home = Home::of(&ctx);
    let starts = |shell: &str| {
        let log = home.path.join("strace");
        let calls = "trace=clone,clone3,fork,vfork,execve";
        let strace = ctx.program(Who::User, "strace").args(["-f", "-qq", "-e", calls, "-o"]).arg(&log);
        strace.args([shell, "-i", "-l", "-c", ":"]).path_first(ctx.program_directory()).run().success();
        let count = fs::read_to_string(&log).unwrap().lines().filter(|line| is_start(line)).count();
        fs::remove_file(log).unwrap();
        count
    };
    // Without one, zsh offers a new user its help.
    home.write(".zshrc", "alias a=b\n");
    for shell in SHELLS {
        // fish starts helpers of its own at its first start in a home.
        starts(shell);
        let without = starts(shell);
        home.shims(&["install", shell, "--sudo-guard", "--require-venv"]).run().success();
        assert_eq!(starts(shell), without, "{shell}");
    }
}

#[test]
fn a_visit_starts_no_program() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    if !require(&[Need::Program("strace"), Need::Program("zsh"), Need::Program("fish")]) {
        return;
    }
    let home = Home::of(&ctx);
    home.write(".zshrc", "alias a=b\n");
    for place in ["proj", "other", "tools"] {
        ctx.run(["new", "--seed", "none", place]).success();
    }
    home.write("led/.venv", "../proj/.venv\n");
    home.write("proj/a/b/c/file", "");
    let prompt = |shell: &str| match shell {
        "bash" => "for each in \"${PROMPT_COMMAND[@]}\"; do eval \"$each\"; done",
        "zsh" => "for each in $precmd_functions; do $each; done",
        _ => "emit fish_prompt",
    };
    let starts = |shell: &str| {
        let prompt = prompt(shell);
        let ways = ["~", "proj", "a/b/c", "~/other", "~/led", "/usr/lib", "~"];
        let ways = ways.map(|place| format!("cd {place}; {prompt}; {prompt}")).join("; ");
        let line = format!("{ways}; echo \"is=$VIRTUAL_ENV=\"");
        let log = home.path.join("strace");
        let calls = "trace=clone,clone3,fork,vfork,execve";
        let strace = ctx.program(Who::User, "strace").args(["-f", "-qq", "-e", calls, "-o"]).arg(&log);
        let output =
            strace.args([shell, "-i", "-c", &line]).path_first(ctx.program_directory()).run().success();
        let count = fs::read_to_string(&log).unwrap().lines().filter(|line| is_start(line)).count();
        fs::remove_file(log).unwrap();
        (count, output.stdout.contains("/tools/.venv="))
    };
    for shell in SHELLS {
        starts(shell);
        let without = starts(shell);
        home.shims(&["install", shell]).run().success();
        ctx.run(["default", "tools/.venv"]).success();
        assert_eq!(starts(shell), (without.0, true), "{shell}");
        ctx.run(["default", "--none"]).success();
    }
}

#[test]
fn places_with_other_names_are_quoted() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = Home::of(&ctx);
    let data = home.path.join("it's \"$x\" \\ é 🚒");
    for (shell, command) in [
        ("bash", "complete -p venvkeep"),
        ("zsh", "whence -v _venvkeep"),
        (
            "fish",
            "contains -- \"$XDG_DATA_HOME/venvkeep/completions\" $fish_complete_path; and echo venvkeep",
        ),
    ] {
        home.shims(&["install", shell, "--require-venv"]).env("XDG_DATA_HOME", &data).run().success();
        if !require(&[Need::Program(shell)]) {
            continue;
        }
        let command = format!("{command}; echo require=$PIP_REQUIRE_VIRTUALENV");
        let started = ctx.program(Who::User, shell).args(["-i", "-c", &command]).env("XDG_DATA_HOME", &data);
        started.run().success().stdout_has("venvkeep").stdout_has("require=1");
    }
    assert!(data.join("venvkeep/shims/venvkeep.fish").is_file());
    home.shims(&["uninstall"]).env("XDG_DATA_HOME", &data).run().success();
    assert!(!data.join("venvkeep").exists());
    let broken = home.path.join("a\nb");
    let refused = home.shims(&["install", "zsh"]).env("XDG_DATA_HOME", broken).run();
    refused.code(3).stderr_has("it has a line break or is no text");
}

/// Types into a shell on a terminal of its own, and ends when the shell has shown what it should. Where it never does,
/// the run is killed.
const TERMINAL: &str = "
import os, pty, sys
shell, typed, expected = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(shell, [shell, '-i'])
os.write(terminal, typed.encode())
seen = b''
while expected.encode() not in seen:
    seen += os.read(terminal, 4096)
";

fn typed_into(ctx: &Context, shell: &str, directory: &Path, typed: &str, expected: &str) {
    let terminal = ctx.program(Who::User, "python3").args(["-c", TERMINAL, shell, typed, expected]);
    let terminal = terminal.path_first(ctx.program_directory()).current_dir(directory);
    terminal.time_limit(Duration::from_secs(30)).run().success();
}

#[test]
fn once_installed_the_trusted_and_the_default_environment_are_active() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    if !require(&[Need::Program("zsh"), Need::Program("fish")]) {
        return;
    }
    let home = Home::of(&ctx);
    home.write(".zshrc", "alias a=b\n");
    ctx.run(["new", "--seed", "none", "proj"]).success();
    ctx.run(["new", "--seed", "none", "tools"]).success();
    for shell in SHELLS {
        home.shims(&["install", shell]).run().success();
        let (in_proj, in_tools) = ("proj/.venv", "tools/.venv");
        let shows = |directory: &str, env: &str| {
            let expected = match env {
                "" => "is==".to_owned(),
                env => format!("is={}=", home.path.join(env).display()),
            };
            typed_into(&ctx, shell, &home.path.join(directory), "echo \"is=$VIRTUAL_ENV=\"\n", &expected);
        };
        shows("proj", in_proj);
        shows("", "");
        ctx.run(["default", "tools/.venv"]).success();
        shows("", in_tools);
        shows("proj", in_proj);
        ctx.run(["default", "--none"]).success();
        shows("", "");
    }
}

#[test]
fn a_zsh_that_completes_nothing_says_nothing_and_status_tells_what_it_lacks() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    if !require(&[Need::Program("zsh")]) {
        return;
    }
    let home = Home::of(&ctx);
    // Some distributions start it for everybody.
    home.write(".zshenv", "skip_global_compinit=1\n");
    let lacks = "if Tab completes nothing, .zshrc lacks:  autoload -Uz compinit && compinit\n";
    let without = "alias a=b\n";
    let (before, after) = ("autoload -Uz compinit && compinit -u -D\n", "");
    for (profile, added, completes) in [(without, "", false), (before, after, true), (without, before, true)]
    {
        home.write(".zshrc", profile);
        home.shims(&["install", "zsh"]).run().success();
        home.write(".zshrc", home.read(".zshrc") + added);
        let status = home.shims(&["status"]).run().success();
        if completes {
            status.stdout_lacks(lacks)
        } else {
            status.stdout_has(lacks)
        };
        let started =
            printed(&ctx, "zsh", &["-i"], "print -r -- ${_comps[venvkeep]-none}").expect("it is there");
        let expected = if completes { "_venvkeep\n" } else { "none\n" };
        assert_eq!((started.stdout.as_str(), started.stderr.as_str()), (expected, ""), "{profile} {added}");
        // As somebody types: nothing but what zsh completes by itself, and no error.
        let (typed, shown) = if completes { ("comp", "completions ") } else { ("REA", "README ") };
        home.write("README", "");
        typed_into(&ctx, "zsh", &home.path, &format!("venvkeep {typed}\t"), shown);
        home.shims(&["uninstall"]).run().success();
    }
}

#[test]
fn tab_completes_commands_names_and_paths() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    if !require(&[Need::Program("zsh"), Need::Program("fish")]) {
        return;
    }
    let home = Home::of(&ctx);
    home.write(".zshrc", "autoload -Uz compinit && compinit -u -D\n");
    for shell in SHELLS {
        home.shims(&["install", shell]).run().success();
    }
    let record = format!("{}/projects/named-only/.venv\nnamed-only\n", home.path.display());
    home.write(".local/state/venvkeep/trusted/0123456789abcdef0123456789abcdef", record);
    home.write("projects/named-only/.venv/pyvenv.cfg", "");
    home.write("here-a/.venv/pyvenv.cfg", "");
    home.write("notes.txt", "");
    home.write("it's $(touch pwned) b/x", "");
    for (typed, completed) in [
        ("venvkeep comp", "letions "),
        ("venvkeep shims unin", "stall "),
        ("venvkeep shims install --sudo", "-guard "),
        ("venvkeep heal --from=i", "ndex "),
        ("venvkeep check na", "med-only "),
        ("venvkeep check here", "-a/"),
        ("venvkeep check it", "\\'s\\ \\$\\(touch\\ pwned\\)\\ b/"),
        ("venvkeep freeze -o no", "tes.txt "),
    ] {
        for shell in ["bash", "zsh"] {
            typed_into(&ctx, shell, &home.path, &format!("{typed}\t"), completed);
        }
    }
    // bash 3.2 cannot be told at Tab that these are names of files.
    let profile = home.read(".bashrc");
    home.write(".bashrc", format!("enable -n compopt\n{profile}"));
    for (typed, completed) in [
        ("venvkeep check it", "\\'s\\ \\$\\(touch\\ pwned\\)\\ b/"),
        ("venvkeep freeze -o no", "tes.txt "),
        ("venvkeep shims unin", "stall "),
    ] {
        typed_into(&ctx, "bash", &home.path, &format!("{typed}\t"), completed);
    }
    let fish = |typed: &str| {
        let command = format!("complete -C'{typed}'");
        let output = printed(&ctx, "fish", &["-i"], &command);
        output.map(|output| output.stdout).unwrap_or_default()
    };
    assert!(fish("venvkeep shims unin").starts_with("uninstall\t"));
    assert!(fish("venvkeep check na").starts_with("named-only\t"));
    assert_eq!(fish("venvkeep check nothing-like-it"), "");
    assert!(fish("venvkeep check ./here").starts_with("./here-a/"));
    assert!(!home.path.join("pwned").exists());
}
