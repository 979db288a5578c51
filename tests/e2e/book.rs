//! The README and the book: every example is run and its output compared, every relative link leads somewhere, every
//! command and every finding has its place.
//!
//! A `console` block holds a session. `<!-- scene: NAME -->` on a line of its own before it says in what home it takes place:
//! the blocks up to the next such line go on where the last one ended (`book/scenes.bash` holds the scenes). A block
//! after `<!-- not run: WHY -->` is not run, and counted. A line `...` in an output stands for any lines. Of numbers only
//! those of one digit are compared: the others, and units, differ from machine to machine. The words are those of Debian 12, where
//! an environment has setuptools beside its pip.
//!
//! `VENVKEEP_RENEW=1 cargo test -p venvkeep --test e2e book::` writes what is printed now into the pages; `git diff` shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use venvkeep_core::diagnose::finding::Code;
use venvkeep_testkit::{Context, Need, Wheel, Who, require};

use crate::VENVKEEP;

/// Blocks that cannot be run, and that say why.
const NOT_RUN: usize = 0;

/// A `console` block: its lines, numbered from 0, without the fences.
#[derive(Debug)]
struct Block {
    first: usize,
    lines: Vec<String>,
    scene: Option<Scene>,
}

#[derive(Debug, Clone)]
enum Scene {
    /// The number of the scene on its page, and its name.
    Named(usize, String),
    NotRun,
}

/// A command, and what it printed.
#[derive(Debug)]
struct Step {
    command: String,
    printed: Vec<String>,
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the checkout is there")
}

/// The README, and every page below `docs`.
fn pages() -> Vec<PathBuf> {
    let root = repository();
    let mut found = vec![root.join("README.md")];
    let mut pending = vec![root.join("docs")];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(&directory).expect("a directory of the book") {
            let path = entry.expect("its entries").path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(page: &Path) -> String {
    fs::read_to_string(page).expect("a page can be read")
}

fn blocks(text: &str) -> Vec<Block> {
    let (mut found, mut open, mut scene, mut scenes) = (Vec::new(), None::<Block>, None, 0);
    let mut not_run = false;
    for (number, line) in text.lines().enumerate() {
        if let Some(block) = &mut open {
            if line == "```" {
                found.extend(open.take());
            } else {
                block.lines.push(line.to_owned());
            }
        } else if line == "```console" {
            let here = if not_run { Some(Scene::NotRun) } else { scene.clone() };
            not_run = false;
            open = Some(Block { first: number + 1, lines: Vec::new(), scene: here });
        } else if let Some(name) = between(line, "<!-- scene: ", " -->") {
            scenes += 1;
            scene = Some(Scene::Named(scenes, name.to_owned()));
        } else if between(line, "<!-- not run: ", " -->").is_some() {
            not_run = true;
        }
    }
    assert!(open.is_none(), "a block has an end");
    found
}

fn between<'a>(line: &'a str, start: &str, end: &str) -> Option<&'a str> {
    line.strip_prefix(start)?.strip_suffix(end)
}

fn steps(block: &Block) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in &block.lines {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: command.to_owned(), printed: Vec::new() });
        } else if let Some(step) = steps.last_mut() {
            step.printed.push(line.clone());
        }
    }
    steps
}

/// Without what differs from machine to machine and from day to day.
fn normal(line: &str) -> String {
    let mut text = String::new();
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        if character.is_ascii_digit() {
            let mut number = String::from(character);
            while let Some(next) =
                characters.next_if(|next| next.is_ascii_digit() || matches!(next, '.' | ',' | '-'))
            {
                number.push(next);
            }
            // An end of a sentence or a list is no part of the number.
            let bare = number.trim_end_matches(['.', ',', '-']);
            text.push_str(if bare.len() == 1 { bare } else { "N" });
        } else {
            text.push(character);
        }
    }
    // The tail of the name of a frozen list is a hash of the place's inode.
    let words = text.split_whitespace().map(|word| match word.split_once("/frozen/") {
        Some((before, _)) => format!("{before}/frozen/"),
        None => match word {
            "B" | "kB" | "MB" | "GB" => "B".to_owned(),
            other => other.to_owned(),
        },
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether the lines are those, where `...` stands for any.
fn fits(wanted: &[String], printed: &[String]) -> bool {
    match wanted.split_first() {
        None => printed.is_empty(),
        Some((line, rest)) if line.trim() == "..." => {
            (0..=printed.len()).any(|at| fits(rest, &printed[at..]))
        }
        Some((line, rest)) => match printed.split_first() {
            Some((first, others)) => normal(line) == normal(first) && fits(rest, others),
            None => false,
        },
    }
}

/// What each command prints in the scene.
fn play(ctx: &Context, scene: &str, commands: &[String]) -> Vec<Vec<String>> {
    let ground = ctx.area().join("stage");
    fs::create_dir_all(ground.join("system")).expect("root may");
    let run = ctx
        .program(Who::Root, "unshare")
        .args(["--mount", "bash"])
        .arg(repository().join("tests/e2e/book/stage.bash"))
        .arg(ctx.venvkeep([""; 0]).program())
        .arg(&ground)
        .arg(scene)
        .stdin(commands.join("\n") + "\n")
        .run();
    // What the commands say on stderr stands in stdout.
    assert!(run.stderr.is_empty(), "the stage itself complains: {run}");
    let parts: Vec<&str> = run.stdout.split("\n\u{1} ").skip(1).collect();
    assert_eq!(parts.len(), commands.len(), "{scene}: {run}");
    let lines = |part: &&str| {
        let printed = part.split_once('\n').map_or("", |(_, printed)| printed);
        let lines: Vec<String> = printed.lines().map(|line| line.trim_end().to_owned()).collect();
        trimmed(&lines).to_vec()
    };
    parts.iter().map(lines).collect()
}

/// Small wheels with the names of what people install; the examples show no more of them than that.
fn write_wheels(ctx: &Context) {
    let wheels = ctx.area().join("stage/wheels");
    fs::create_dir_all(&wheels).expect("root may");
    let module = |name: &str, version: &str| {
        Wheel::new(name, version)
            .file(&format!("{name}/__init__.py"), format!("__version__ = \"{version}\"\n"))
    };
    for (name, version) in
        [("idna", "3.10"), ("urllib3", "2.2.3"), ("certifi", "2024.8.30"), ("pygments", "2.18.0")]
    {
        module(name, version).write(&wheels);
    }
    let needs = |wheel: Wheel, names: &[&str]| {
        names.iter().fold(wheel, |wheel, name| wheel.header("Requires-Dist", name))
    };
    needs(module("requests", "2.32.3"), &["idna<4", "urllib3<3", "certifi"]).write(&wheels);
    needs(module("rich", "13.9.4"), &["pygments<3"]).write(&wheels);
}

#[test]
fn every_example_prints_what_the_page_shows() {
    if !require(&[Need::Mount, Need::Program("setpriv")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    write_wheels(&ctx);
    play(&ctx, "base", &[]);
    let renew = std::env::var_os("VENVKEEP_RENEW").is_some();
    let (mut wrong, mut not_run) = (Vec::new(), 0);
    for page in pages() {
        let text = read(&page);
        let blocks = blocks(&text);
        not_run += blocks.iter().filter(|block| matches!(block.scene, Some(Scene::NotRun))).count();
        let renewed: Vec<Renewed> = scenes(&page, &blocks)
            .iter()
            .flat_map(|(name, blocks)| act(&ctx, (&page, name), blocks, &mut wrong))
            .collect();
        if renew && !renewed.is_empty() {
            write_renewed(&page, &text, renewed);
        }
    }
    assert!(renew || wrong.is_empty(), "{} examples are not right:\n\n{}", wrong.len(), wrong.join("\n\n"));
    assert_eq!(not_run, NOT_RUN, "blocks that are not run");
}

/// The blocks of each scene of a page.
fn scenes<'b>(page: &Path, blocks: &'b [Block]) -> Vec<(String, Vec<&'b Block>)> {
    let mut scenes: BTreeMap<usize, (String, Vec<&Block>)> = BTreeMap::new();
    for block in blocks {
        assert!(block.scene.is_some(), "{}:{}: a block without a scene", page.display(), block.first);
        if let Some(Scene::Named(number, name)) = &block.scene {
            scenes.entry(*number).or_insert_with(|| (name.clone(), Vec::new())).1.push(block);
        }
    }
    scenes.into_values().collect()
}

/// A block as it would have to be: the number of its first line, how many it has, and the new ones.
type Renewed = (usize, usize, Vec<String>);

/// Runs a scene. What is not as the page shows it goes to `wrong`, and the blocks that it is in come back as they should be.
fn act(
    ctx: &Context,
    (page, scene): (&Path, &str),
    blocks: &[&Block],
    wrong: &mut Vec<String>,
) -> Vec<Renewed> {
    let shown: Vec<Vec<Step>> = blocks.iter().map(|block| steps(block)).collect();
    let commands: Vec<String> = shown.iter().flatten().map(|step| step.command.clone()).collect();
    let mut outputs = play(ctx, scene, &commands).into_iter();
    let mut renewed = Vec::new();
    for (block, steps) in blocks.iter().zip(&shown) {
        let (mut lines, before) = (Vec::new(), wrong.len());
        for (step, printed) in steps.iter().zip(&mut outputs) {
            let wanted = trimmed(&step.printed);
            lines.push(format!("$ {}", step.command));
            if fits(wanted, &printed) {
                lines.extend_from_slice(&step.printed);
                continue;
            }
            let place = format!("{}:{}: $ {}", page.display(), block.first, step.command);
            wrong.push(format!("{place}\n{}", printed.join("\n")));
            lines.extend(printed);
            lines.extend_from_slice(&step.printed[wanted.len()..]);
        }
        if wrong.len() > before {
            renewed.push((block.first, block.lines.len(), lines));
        }
    }
    renewed
}

fn trimmed(lines: &[String]) -> &[String] {
    let end = lines.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |at| at + 1);
    &lines[..end]
}

fn write_renewed(page: &Path, text: &str, mut renewed: Vec<Renewed>) {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    renewed.sort_by_key(|(first, _, _)| std::cmp::Reverse(*first));
    for (first, length, new) in renewed {
        lines.splice(first..first + length, new);
    }
    fs::write(page, lines.join("\n") + "\n").expect("the page can be written");
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut wrong = Vec::new();
    for page in pages() {
        for link in links(&read(&page)) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { page.clone() } else { page.with_file_name(file) };
            let is_there = target.exists() && (anchor.is_empty() || anchors(&read(&target)).contains(anchor));
            if !is_there {
                wrong.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "links that lead nowhere:\n{}", wrong.join("\n"));
}

/// The prose, without what stands between fences.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        inside ^= is_fence;
        !inside && !is_fence
    })
}

fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        // What stands between backticks is code.
        let plain: String = line.split('`').step_by(2).collect();
        for part in plain.split("](").skip(1) {
            found.extend(part.split_once(')').map(|(link, _)| link.to_owned()));
        }
        for part in plain.split("src=\"").skip(1) {
            found.extend(part.split_once('"').map(|(link, _)| link.to_owned()));
        }
    }
    found
}

/// As forges and mdBook make them of headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|line| line.starts_with('#'));
    let anchor = |line: &str| -> String {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_page_is_in_the_book_and_every_command_and_finding_has_its_place() {
    let docs = repository().join("docs");
    let summary = read(&docs.join("SUMMARY.md"));
    let listed: BTreeSet<PathBuf> = links(&summary).iter().map(|link| docs.join(link)).collect();
    for page in pages().iter().filter(|page| page.starts_with(&docs)) {
        assert!(page.ends_with("SUMMARY.md") || listed.contains(page), "{} is in no chapter", page.display());
    }
    let findings = anchors(&read(&docs.join("findings.md")));
    for code in Code::ALL {
        assert!(findings.contains(code.as_str()), "findings.md has no heading {}", code.as_str());
    }
    let overview = read(&docs.join("commands/README.md"));
    for command in commands() {
        assert!(
            overview.contains(&format!("[`{command}`](")),
            "commands/README.md does not lead to {command}"
        );
    }
}

/// The names of the commands, as `--help` lists them.
fn commands() -> Vec<String> {
    let help = std::process::Command::new(VENVKEEP).arg("--help").output().expect("the program starts");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let list = help.lines().filter_map(|line| line.strip_prefix("  "));
    let name = |line: &str| {
        let name = line.split(' ').next()?;
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase());
        (is_name && name != "help" && line[name.len()..].starts_with("  ")).then(|| name.to_owned())
    };
    let found: Vec<String> = list.filter_map(name).collect();
    assert!(found.len() > 15, "the commands are listed: {help}");
    found
}
