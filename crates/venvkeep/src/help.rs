//! Help that teaches: the definition of the arguments ([`crate::args`]) with its commands in groups, a page for each
//! command that says what it is for, and examples. The man pages ([`crate::commands::man`]) are made from the same.

mod options;
mod pages;

use std::fmt::Write;

use clap::CommandFactory;

use crate::args::Arguments;

/// What `--help` says of one command beyond its line in the list.
pub(crate) struct Page {
    /// The command, `shims install` too.
    name: &'static str,
    /// What it is for, in words that need no knowledge of Python's tools.
    about: &'static str,
    /// Lines of what is typed, two spaces or more, and what that does.
    examples: &'static str,
}

/// The groups of the list, with the commands in the order in which one meets them.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Making environments", &["new", "clone", "move", "rename", "remove"]),
    ("Healing", &["check", "heal", "undo", "prune"]),
    ("Looking", &["list", "scan", "freeze"]),
    (
        "In the shell",
        &["run", "activate", "deactivate", "default", "trust", "untrust", "shims", "completions"],
    ),
    ("The machine", &["doctor", "pythons"]),
];

/// What a newcomer types.
const FIRST_STEPS: &str = "  venvkeep new myproj     make an environment for a project
  venvkeep check          is anything wrong with the one here?
  venvkeep heal           put it right, without sudo and without loss
  venvkeep undo           take that back";

/// The definition that is parsed by, with its help.
pub(crate) fn definition() -> clap::Command {
    let command = Arguments::command().long_version(env!("VENVKEEP_LONG_VERSION"));
    let template = template(&command);
    let command = command
        .help_template(template)
        .after_help(format!("First steps:\n{FIRST_STEPS}\n\nMore about a command:  venvkeep COMMAND --help"))
        .mut_args(|argument| options::explained("", argument));
    command.mut_subcommands(|inner| taught(inner, ""))
}

/// The examples of a command, by its words; the program's own for none.
pub(crate) fn examples(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some(FIRST_STEPS);
    }
    page(name).map(|page| page.examples)
}

fn page(name: &str) -> Option<&'static Page> {
    pages::PAGES.iter().find(|page| page.name == name)
}

fn taught(command: clap::Command, above: &str) -> clap::Command {
    let name = format!("{above}{}", command.get_name());
    let mut command = command.mut_args(|argument| options::explained(&name, argument));
    if let Some(page) = page(&name) {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        command = command.long_about(format!("{about}.\n\n{}", page.about));
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let after = if after.is_empty() { String::new() } else { format!("\n\n{after}") };
        command = command.after_help(format!("Examples:\n{}{after}", page.examples));
    }
    let above = format!("{name} ");
    command.mut_subcommands(|inner| taught(inner, &above))
}

/// clap knows no groups of commands: the list is made here.
fn template(command: &clap::Command) -> String {
    let mut list = String::new();
    for (title, names) in GROUPS {
        // Writing to a String cannot fail.
        let _ = writeln!(list, "\n{}:", heading(title));
        for name in names {
            let found = command.find_subcommand(name).and_then(clap::Command::get_about);
            let about = found.map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(list, "  \u{1b}[1m{name:<11}\u{1b}[0m {about}");
        }
    }
    format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n{list}\n{}:\n{{options}}{{after-help}}",
        heading("Options")
    )
}

/// As clap's own headings look; what is no terminal gets it without the escapes.
fn heading(text: &str) -> String {
    format!("\u{1b}[1m\u{1b}[4m{text}\u{1b}[0m")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{GROUPS, definition, examples, pages, template};

    fn words(command: &clap::Command, above: &str, into: &mut Vec<String>) {
        for inner in
            command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help")
        {
            let name = format!("{above}{}", inner.get_name());
            words(inner, &format!("{name} "), into);
            into.push(name);
        }
    }

    #[test]
    fn the_definition_with_its_help_is_sound() {
        definition().debug_assert();
    }

    #[test]
    fn every_command_is_in_one_group_and_has_a_page_with_examples() {
        let mut all = Vec::new();
        words(&definition(), "", &mut all);
        assert!(all.len() > 20, "the test must see the commands: {all:?}");
        let grouped: Vec<_> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let top: BTreeSet<_> = all.iter().map(String::as_str).filter(|name| !name.contains(' ')).collect();
        assert_eq!(grouped.iter().copied().collect::<BTreeSet<_>>(), top);
        assert_eq!(grouped.len(), top.len(), "none is there twice");
        for name in &all {
            let found = examples(name).unwrap_or_default();
            assert!(found.lines().all(|line| line.starts_with("  ")), "{name}: {found}");
            assert!(found.contains("venvkeep "), "{name} has no examples: give it a page in help/pages.rs");
        }
        let paged: BTreeSet<_> = pages::PAGES.iter().map(|page| page.name).collect();
        assert_eq!(paged, all.iter().map(String::as_str).collect(), "a page without its command");
    }

    #[test]
    fn the_list_of_commands_fits_a_terminal() {
        for line in template(&definition()).lines() {
            let visible = line.replace("\u{1b}[1m", "").replace("\u{1b}[0m", "");
            assert!(visible.chars().count() <= 80 || line.contains('{'), "{visible}");
        }
    }

    /// The options of an example are real ones, and what it names is a command.
    #[test]
    fn examples_are_understood() {
        for page in &pages::PAGES {
            for line in page.examples.lines().filter(|line| line.starts_with("  venvkeep ")) {
                let typed = line.trim().split("  ").next().unwrap_or_default();
                let typed = typed.split([';', '>', '|', '&']).next().unwrap_or_default();
                let words = shlex::split(typed).expect("it is quoted as in a shell");
                if let Err(error) = definition().try_get_matches_from(&words) {
                    assert!(!error.use_stderr(), "{typed}: {error}");
                }
            }
        }
    }
}
