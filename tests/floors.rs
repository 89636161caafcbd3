//! The map in `src/lib.rs` is true: no module calls one that stands above it, in Rust or in Lua. What does so today is
//! listed in `tests/floors.txt`; the list may only become shorter.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const LIST: &str = "tests/floors.txt";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a folder that end so, seen from the project's root.
fn files(folder: &str, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|have| have == ending) {
                let path = path.strip_prefix(root()).unwrap();
                found.push(path.to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The floor of each module, the highest first, from a block of the map: ```` ```text ```` behind the line with this word.
fn floors(map: &str, title: &str) -> BTreeMap<String, usize> {
    let lines = map.lines().filter_map(|line| line.strip_prefix("//!")).map(str::trim);
    let block = lines
        .skip_while(|line| !line.starts_with(title))
        .skip_while(|line| *line != "```text")
        .skip(1)
        .take_while(|line| *line != "```");
    let mut floors = BTreeMap::new();
    for (floor, line) in block.enumerate() {
        let names = line.split(':').next().unwrap_or_default();
        for name in names.split_whitespace() {
            assert!(
                floors.insert(name.to_owned(), floor).is_none(),
                "{name} stands on two floors"
            );
        }
    }
    assert!(floors.len() > 3, "no floors behind {title:?}");
    floors
}

/// The code of a file in Rust: without comments, and without its tests.
fn rust_code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The module that a path behind `prefix` begins with; all of them behind `prefix{`.
fn behind(code: &str, prefix: &str) -> BTreeSet<String> {
    let word = |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let glued = code[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ':'));
        let rest = &code[at + prefix.len()..];
        if glued {
            continue;
        }
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut first = String::new();
        for c in group.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => drop(found.insert(word(std::mem::take(&mut first).trim()))),
                _ if depth == 0 => first.push(c),
                _ => {}
            }
        }
        found.insert(word(first.trim()));
    }
    found
}

/// What a file in Rust calls, of these modules.
fn rust_calls(path: &str, modules: &BTreeMap<String, usize>) -> BTreeSet<String> {
    let code = rust_code(&read(path));
    let depth = path.trim_end_matches("/mod.rs").matches('/').count();
    let mut calls = behind(&code, "crate::");
    calls.extend(behind(&code, "gpt_nvim::"));
    calls.extend(behind(&code, &"super::".repeat(depth)));
    calls.retain(|name| modules.contains_key(name));
    calls
}

/// The module of a file: the first part of its path below `folder`.
fn module(path: &str, folder: &str) -> String {
    let rest = path.strip_prefix(folder).unwrap_or(path);
    let first = rest.split('/').next().unwrap_or(rest);
    first.split('.').next().unwrap_or(first).to_owned()
}

/// What a file in Lua requires of ours, and what is no plain `require("…")`.
fn lua_calls(path: &str) -> (BTreeSet<String>, Vec<String>) {
    let (mut calls, mut wrong) = (BTreeSet::new(), Vec::new());
    for line in read(path).lines().filter(|line| !line.trim_start().starts_with("--")) {
        for (at, _) in line.match_indices("require") {
            let glued = line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.'));
            let rest = line[at + "require".len()..].trim_start_matches(['(', ',', ' ']);
            let is_call = line[at + "require".len()..].starts_with(['(', ',', ' ']);
            if glued || !is_call {
                continue;
            }
            match rest
                .strip_prefix(['"', '\''])
                .and_then(|rest| rest.split_once(['"', '\'']))
            {
                Some((name, behind)) if !behind.trim_start().starts_with("..") => {
                    calls.extend((name == "gpt" || name.starts_with("gpt.")).then(|| name.to_owned()));
                }
                _ => wrong.push(format!("computed {path}")),
            }
        }
        let of_others = line.matches("package.loaded").count() == line.matches("package.loaded[\"").count()
            && !line.contains("package.loaded[\"gpt");
        if line.contains("package.loaded") && !of_others {
            wrong.push(format!("loaded {path}"));
        }
    }
    (calls, wrong)
}

fn lua_file(module: &str) -> String {
    let path = format!("lua/{}", module.replace('.', "/"));
    let init = format!("{path}/init.lua");
    match Path::new(&root().join(&init)).exists() {
        true => init,
        false => format!("{path}.lua"),
    }
}

/// The one table of the editor's side that reaches up: the program calls it, and what stands below asks it for what stands
/// above. Its own calls are no violations.
const REACHES_UP: &str = "lua/gpt/client/operations.lua";

/// All that breaks the rules today, but for the calls of that file.
fn violations(map: &str, reaches_up: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let rust = floors(map, "The floors of the program");
    for path in files("src", "rs")
        .iter()
        .filter(|path| !path.ends_with("/tests.rs") && *path != "src/lib.rs")
    {
        let own = module(path, "src/");
        let floor = rust
            .get(&own)
            .unwrap_or_else(|| panic!("{path}: {own} is missing in the map"));
        for call in rust_calls(path, &rust)
            .iter()
            .filter(|call| **call != own && rust[*call] <= *floor)
        {
            found.insert(format!("up {path} -> {call}"));
        }
    }
    let lua = floors(map, "The floors of the editor's side");
    let mut within: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    // The tables of messages are texts, in which code may be quoted.
    let with_code = files("lua/gpt", "lua").into_iter();
    for path in with_code.filter(|path| !path.starts_with("lua/gpt/messages/") && path != reaches_up) {
        let own = module(&path, "lua/gpt/");
        let floor = lua
            .get(&own)
            .unwrap_or_else(|| panic!("{path}: {own} is missing in the map"));
        let (calls, wrong) = lua_calls(&path);
        found.extend(wrong);
        for call in calls.iter().map(|call| lua_file(call)) {
            let other = module(&call, "lua/gpt/");
            if other == own {
                within.entry(path.clone()).or_default().insert(call);
            } else if lua.get(&other).is_none_or(|other| other <= floor) {
                found.insert(format!("up {path} -> {other}"));
            }
        }
    }
    found.extend(in_circles(&within).into_iter().map(|path| format!("circle {path}")));
    found
}

/// The files from which a way leads back to themselves.
fn in_circles(arrows: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    let comes_back = |from: &String| {
        let mut seen = BTreeSet::new();
        let mut ahead: Vec<&String> = arrows[from].iter().collect();
        while let Some(next) = ahead.pop() {
            if seen.insert(next) {
                ahead.extend(arrows.get(next).into_iter().flatten());
            }
        }
        seen.contains(from)
    };
    arrows.keys().filter(|path| comes_back(path)).cloned().collect()
}

#[test]
fn no_module_calls_one_above_it_but_those_that_are_listed_and_the_list_is_no_longer_than_it_must_be() {
    let today = violations(&read("src/lib.rs"), REACHES_UP);
    let listed: BTreeSet<String> = read(LIST)
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    let new: Vec<_> = today.difference(&listed).collect();
    assert!(new.is_empty(), "new arrows against the map in src/lib.rs:\n{new:#?}");
    let gone: Vec<_> = listed.difference(&today).collect();
    assert!(gone.is_empty(), "mended, to be taken out of {LIST}:\n{gone:#?}");
}

#[test]
fn an_arrow_that_is_turned_around_is_found() {
    let map = read("src/lib.rs")
        .replace("//! keys\n", "")
        .replace("//! main\n", "//! keys\n//! main\n");
    let turned = violations(&map, REACHES_UP);
    assert!(turned.contains("up src/logging.rs -> keys"), "{turned:#?}");
}

#[test]
fn only_the_table_of_operations_reaches_up() {
    let map = read("src/lib.rs");
    let all = violations(&map, "");
    let of_it: Vec<_> = all.difference(&violations(&map, REACHES_UP)).cloned().collect();
    let ups = ["actions", "ask", "chat", "init", "lsp", "ui"].map(|above| format!("up {REACHES_UP} -> {above}"));
    let circle = ["lua/gpt/client/init.lua", REACHES_UP].map(|path| format!("circle {path}"));
    let expected: BTreeSet<_> = ups.into_iter().chain(circle).collect();
    assert_eq!(of_it.into_iter().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn paths_are_found_however_they_are_written() {
    let code = "use crate::{chat::{a, b}, keys};\nlet x = crate::words::say(super::super::disk::y); not_crate::git";
    let found: Vec<_> = behind(code, "crate::").into_iter().collect();
    assert_eq!(found, ["chat", "keys", "words"]);
    assert_eq!(behind(code, "super::super::").into_iter().collect::<Vec<_>>(), ["disk"]);
    let circle = [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")];
    let arrows = circle
        .map(|(from, to)| (from.to_owned(), BTreeSet::from([to.to_owned()])))
        .into();
    assert_eq!(in_circles(&arrows).into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
}
