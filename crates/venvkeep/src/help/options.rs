//! Options in more words, for `--help` and the man pages; `-h` has the one line of [`crate::args`].

/// By the option's long name, for each command that has it; a command before it means that one's alone, and stands first.
const MORE: [(&str, &str); 35] = [
    ("quiet", "For scripts: the result is printed, and errors are; progress and remarks are not."),
    (
        "json",
        "For programs: one document with a \"schema\" number, the same from version to version. Errors go to stderr in JSON too.",
    ),
    (
        "color",
        "auto colours what goes to a terminal and nothing else, so pipes and files stay plain. NO_COLOR=1 turns it off for good.",
    ),
    (
        "heal python",
        "What is healthy is rebuilt with it, too. A version (3.12), a range (\">=3.10\", quoted), an implementation (pypy3), a free-threaded build (3.13t), a program's name or its path. `venvkeep pythons` shows what this machine has.",
    ),
    (
        "python",
        "A version (3.12), a range (\">=3.10\", quoted, since the shell reads > as an order), an implementation (pypy3), a free-threaded build (3.13t), a program's name or its path. `venvkeep pythons` shows what this machine has.",
    ),
    (
        "requirements",
        "A text file with one package a line, as pip uses. heal takes exact versions only (name==1.2), as `venvkeep freeze` writes them, because it promises the same versions as before.",
    ),
    (
        "seed",
        "pip is the program that installs packages. Without it the environment is smaller, and uv can still install into it.",
    ),
    (
        "upgrade-deps",
        "The pip that comes with Python may be old. This needs the network; without it nothing is fetched.",
    ),
    ("prompt", "The word in front of the shell's prompt while the environment is active."),
    (
        "system-site-packages",
        "Packages installed for the whole machine (python3-numpy of Debian, say) can then be imported here too. They stay out of `freeze`.",
    ),
    (
        "central",
        "All such environments lie in one directory and are known by their names: venvkeep run NAME -- CMD.",
    ),
    (
        "adopt",
        "Files that are what their RECORD says are taken from there, everything else from the index in the same version. The old place stays as it is, and the report says how to take it out of the way.",
    ),
    (
        "check shared",
        "What it finds has its command, `venvkeep heal --shared`; the check itself changes nothing. An environment that was made with --shared is looked at in this way without being told.",
    ),
    (
        "shared",
        "Others may then read and run it, and only you may change it. Without this the umask decides, the setting that says which rights new files get.",
    ),
    (
        "as-root",
        "Mostly root-owned environments are a mistake, so venvkeep as root refuses to make or change one where somebody else will use it. This says that it is meant.",
    ),
    (
        "deep",
        "Every file is read, which takes longer: it finds files that were edited or damaged although their size is right.",
    ),
    (
        "output",
        "Written by venvkeep itself, so a list that could not be made whole does not leave half a file. Under sudo it is refused: redirect with > instead, and the file is yours.",
    ),
    (
        "scan format",
        "prometheus is for the textfile collector of its node exporter: numbers without paths, for a machine that is watched.",
    ),
    (
        "format",
        "requirements is what `pip install -r` reads; pylock also holds the hashes and places of the files (PEP 751) and needs uv and the index.",
    ),
    (
        "offline",
        "Nothing is asked of the package index (PyPI). What is not on this machine then stops the command before any change.",
    ),
    (
        "cross-device",
        "Otherwise network drives, other disks and other mounts below the directory are left out.",
    ),
    ("dry-run", "The whole plan is printed as it would be carried out. Nothing is written."),
    (
        "from",
        "auto takes each package from the old environment where every file is as it was installed, and from the package index otherwise. env never goes to the index, index never takes bytes from the old environment.",
    ),
    ("skip", "For a package that cannot be had any more. The report names what was left out."),
    (
        "force",
        "It is made anew from its own files. With another Python -p alone is enough: venvkeep heal -p 3.13",
    ),
    (
        "to",
        "The way out where the old one cannot be moved aside: a directory of root's, a mount, a container's image. Directories on the way are made.",
    ),
    (
        "discard",
        "Otherwise the old environment is kept beside the new one, so that undo can bring it back. What only root can delete stays and is named.",
    ),
    (
        "trust-owner",
        "An environment that strangers could write may list a package you would not install. Look at the list that heal shows first. Nothing of theirs is run; links and unknown programs are left behind and named.",
    ),
    ("older-than", "A number and m (minutes), h (hours), d (days) or w (weeks): 7d."),
    ("import", "They stay where they are; venvkeep only remembers their names."),
    ("all-users", "Reads only, each home with its user's rights, and prints what each user should run."),
    ("only", "Several with commas between. What each means: docs/findings.md"),
    ("owner", "A name as in ls -l, or a number."),
    (
        "sudo-guard",
        "A line of warning before sudo pip install and its relatives, which are how most environments come to belong to root.",
    ),
    ("require-venv", "pip then refuses to install anywhere but in an environment."),
];

/// With what there is to say beyond its line.
pub(crate) fn explained(command: &str, argument: clap::Arg) -> clap::Arg {
    let long = argument.get_long().unwrap_or_default();
    let own = format!("{command} {long}");
    let Some((_, more)) = MORE.iter().find(|(name, _)| *name == long || *name == own) else {
        return argument;
    };
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    argument.long_help(format!("{help}\n\n{more}"))
}

#[cfg(test)]
mod tests {
    use super::MORE;
    use crate::help::definition;

    #[test]
    fn what_is_one_commands_alone_is_real_and_is_found_first() {
        let own: Vec<_> =
            MORE.iter().filter_map(|(name, text)| Some((name.split_once(' ')?, text))).collect();
        assert!(!own.is_empty());
        for ((command, option), text) in own {
            let mut definition = definition();
            let found = definition.find_subcommand_mut(command).expect("a command of ours");
            let help = found.render_long_help().to_string();
            let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(help.contains(text), "{command} --{option}: {help}");
        }
    }
}
