//! One page for each command: what it is for, and examples.

use super::Page;

/// The pages. A test holds them against the commands.
pub(super) const PAGES: [Page; 26] = [
    Page {
        name: "new",
        about: "An environment is a directory with a Python of its own, so that the packages of one project do not get in the way of another's. It needs no sudo: made with sudo it would belong to root, and you could not install anything in it.",
        examples: "  venvkeep new myproj               makes ./myproj/.venv, the directory too
  venvkeep new                      makes ./.venv for the project you are in
  venvkeep new -p 3.12 myproj       with Python 3.12
  venvkeep new -r requirements.txt  and installs what the file lists
  venvkeep new ./tools              the environment itself is ./tools",
    },
    Page {
        name: "check",
        about: "Says in one screen what is wrong, whose files are in the way, how that came about, and the one command that puts it right. It changes nothing and starts nothing of the environment. Exit code 1 means that something is wrong.",
        examples: "  venvkeep check                    the active environment, else the nearest
  venvkeep check ~/src/proj         that of a project
  venvkeep check --deep             compares every file with its recorded hash
  venvkeep check --json             for programs",
    },
    Page {
        name: "freeze",
        about: "The list of packages with their exact versions, to install the same again elsewhere. It is read from files, so it can be had even when the environment's Python is gone.",
        examples: "  venvkeep freeze                          prints the list
  venvkeep freeze -o requirements.txt      writes it to a file
  venvkeep freeze --format pylock          a lock file, through uv",
    },
    Page {
        name: "heal",
        about: "Reads what is installed, builds a new environment that is yours beside the old one, checks it, and lets the two change places in one step. The old one is kept until you prune it, and undo brings it back. If anything fails, the old one stays as it was. No sudo is needed.",
        examples: "  venvkeep heal                      the active environment, else the nearest
  venvkeep heal --dry-run            only shows what it would do
  venvkeep heal --force -p 3.13      the same packages with another Python
  venvkeep heal -r requirements.txt  from a list, when nothing can be read
  venvkeep heal --all                everything unwell below your home",
    },
    Page {
        name: "scan",
        about: "Goes through your home, or the directories you name, and says of every environment in them how it is, the worst first. It only reads. Exit code 1 means that one of them is unwell.",
        examples: "  venvkeep scan                         your home
  venvkeep scan ~/src /opt              these directories
  venvkeep scan --only foreign-owner    only those that are somebody else's
  venvkeep scan --older-than 90d        what has not been used for long",
    },
    Page {
        name: "undo",
        about: "heal, move and remove keep the tree that was there before. This lets it change places with what is there now, in one step. A second undo takes the first one back.",
        examples: "  venvkeep undo                     of the environment here
  venvkeep undo myproj              of the one with that name",
    },
    Page {
        name: "prune",
        about: "Frees the space of the kept old trees. After that, undo cannot bring them back. What only root can delete is named, with one command to copy.",
        examples: "  venvkeep prune --dry-run          shows what would be removed
  venvkeep prune                    of the environment here
  venvkeep prune --all --older-than 7d",
    },
    Page {
        name: "list",
        about: "The environments that new, heal and the shell have met, with the names by which every command takes them.",
        examples: "  venvkeep list
  venvkeep list --import            takes in virtualenvwrapper's, pew's, pyenv's
  venvkeep list --import ~/src      takes in those of the projects there",
    },
    Page {
        name: "run",
        about: "The command sees the environment's Python and packages, as if it had been activated. Its signals and its exit code are its own; 127 means that there is no such command, 126 that it could not be started.",
        examples: "  venvkeep run -- python app.py             in the environment here
  venvkeep run myproj -- pytest -x          in the one with that name
  venvkeep run -- python -m pip install six",
    },
    Page {
        name: "clone",
        about: "Copies every file as it is, without the network, and lets every path inside name the new place. The copy may be changed without touching the original.",
        examples: "  venvkeep clone myproj trial       makes ./trial/.venv
  venvkeep clone .venv ./copy       the copy itself is ./copy",
    },
    Page {
        name: "move",
        about: "A directory moved with mv leaves scripts behind that still name the old place. This moves it and corrects them. undo brings it back.",
        examples: "  venvkeep move .venv ~/tools/x     to that path
  venvkeep move myproj other        to ./other/.venv",
    },
    Page {
        name: "rename",
        about: "Only the name by which venvkeep knows it changes; the directory stays where it is.",
        examples: "  venvkeep rename myproj website",
    },
    Page {
        name: "remove",
        about: "It is gone from its place at once and kept beside it under a hidden name, until prune deletes it.",
        examples: "  venvkeep remove myproj
  venvkeep undo myproj              brings it back
  venvkeep prune myproj             deletes it for good",
    },
    Page {
        name: "doctor",
        about: "Looks at the machine instead of one environment: what was installed with sudo so that nobody else can read it, caches that root took over, and settings that lead astray. Each finding comes with its cause and its remedy. --repair does what you may do of it: your caches and ~/.local are yours again, and as root what sudo pip closed to everybody is opened. Each step is shown before it is taken, written down, and taken back by --undo.",
        examples: "  venvkeep doctor
  venvkeep doctor --repair --dry-run  what would be done
  venvkeep doctor --repair --undo     as it was before the last repair
  venvkeep doctor --json              for programs",
    },
    Page {
        name: "pythons",
        about: "Each with its version and owner, and why `new` would take this one here.",
        examples: "  venvkeep pythons
  venvkeep pythons --json           for programs",
    },
    Page {
        name: "shims",
        about: "The shims are a small file that your shell reads when it starts. With them a project's environment is active while you are in its directory, without starting any program at the prompt.",
        examples: "  venvkeep shims install            for the shell you log in with
  venvkeep shims status             what is there, and why nothing is active
  venvkeep shims uninstall          takes it out without a trace",
    },
    Page {
        name: "shims install",
        about: "Puts a few marked lines at the end of your profile. Only environments that you trust are activated.",
        examples: "  venvkeep shims install --dry-run      what would be written where
  venvkeep shims install                for the shell you log in with
  venvkeep shims install zsh            for another one
  venvkeep shims install --sudo-guard   warns before sudo pip install",
    },
    Page {
        name: "shims uninstall",
        about: "The marked lines and the files are removed; what you wrote yourself stays.",
        examples: "  venvkeep shims uninstall --dry-run
  venvkeep shims uninstall",
    },
    Page {
        name: "shims status",
        about: "The first place to look when an environment is not active where you expect it.",
        examples: "  venvkeep shims status",
    },
    Page {
        name: "shims init",
        about: "For those who would rather source it from a place of their own than have their profile changed.",
        examples: "  venvkeep shims init bash > ~/dotfiles/venvkeep.bash
  venvkeep shims init zsh > ~/dotfiles/venvkeep.zsh
  venvkeep shims init fish > ~/.config/fish/conf.d/venvkeep.fish",
    },
    Page {
        name: "default",
        about: "So that tools you use everywhere are at hand in every new shell. It needs the shims.",
        examples: "  venvkeep default ~/tools/.venv    active where no environment is nearer
  venvkeep default                  says which it is
  venvkeep default --none           none any more",
    },
    Page {
        name: "completions",
        about: "With it the Tab key finishes commands, options and names. `venvkeep shims install` sets it up already.",
        examples: "  venvkeep completions bash > ~/.venvkeep-completions
  venvkeep completions zsh > ~/.zfunc/_venvkeep
  venvkeep completions fish > ~/.config/fish/completions/venvkeep.fish",
    },
    Page {
        name: "trust",
        about: "A cloned repository may bring an environment with programs in it, so the shell activates only those that you trust. What `new` makes is trusted from the start.",
        examples: "  venvkeep trust                    the one here
  venvkeep trust ~/src/proj",
    },
    Page {
        name: "untrust",
        about: "The shell does not activate it by itself any more. The environment stays as it is.",
        examples: "  venvkeep untrust ~/src/proj",
    },
    Page {
        name: "activate",
        about: "For a shell with the shims; without them: source .venv/bin/activate",
        examples: "  venvkeep activate                 the one that belongs here
  venvkeep activate myproj          from anywhere",
    },
    Page {
        name: "deactivate",
        about: "The shell is then as it was before the environment was activated.",
        examples: "  venvkeep deactivate",
    },
];
