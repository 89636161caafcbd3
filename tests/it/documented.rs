//! What there is stands in the manual and in the README.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).expect(name)
}

/// What stands between two texts, wherever they do.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    let pieces = text.split(open).skip(1);
    pieces
        .filter_map(|piece| piece.split_once(close).map(|found| found.0))
        .collect()
}

fn lua_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let mut all: Vec<PathBuf> = folders.iter().flat_map(|folder| lua_files(folder)).collect();
    all.extend(files);
    all
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[test]
fn every_key_of_the_chat_and_its_name_is_documented() {
    let (config, manual, readme) = (
        read("lua/gpt/config/options.lua"),
        read("doc/gpt.txt"),
        read("README.md"),
    );
    let options = config.lines().filter(|line| line.contains(" = keys_option({"));
    let mut count = 0;
    for option in options {
        let name = option.split('=').next().expect("a name").trim();
        assert!(manual.contains(name), "{name} in the manual");
        for key in option.split('"').skip(1).step_by(2) {
            assert!(readme.contains(&format!("`{key}`")), "{key} in the README");
            assert!(manual.contains(&format!("\n{key} ")), "{key} in the manual");
            count += 1;
        }
    }
    assert!(count >= 18, "{count}");
}

#[test]
fn every_word_of_the_action_command_is_documented() {
    let (commands, manual, readme) = (read("lua/gpt/commands.lua"), read("doc/gpt.txt"), read("README.md"));
    let table = between(&commands, "local actions = {\n", "\n}\n")[0];
    let names = table
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_once(" = "));
    let names: Vec<&str> = names.map(|(name, _)| name).filter(|name| is_word(name)).collect();
    assert!(names.len() >= 11, "{names:?}");
    for name in names {
        assert!(manual.contains(&format!(":GPT {name}")), ":GPT {name} in the manual");
        assert!(
            readme.contains(&format!(":GPT {name}")) || readme.contains(&format!("`{name}")),
            ":GPT {name} in the README"
        );
    }
}

/// What a table in `data/` has of each entry.
fn listed(table: &str, field: &str) -> Vec<String> {
    let table: serde_json::Value = serde_json::from_str(&read(table)).expect("a table");
    let entries = table.as_array().expect("a list").iter();
    entries
        .map(|entry| entry[field].as_str().expect(field).to_owned())
        .collect()
}

#[test]
fn every_built_in_action_and_context_word_is_documented() {
    let manual = read("doc/gpt.txt");
    let actions = listed("data/actions.json", "name");
    assert!(actions.len() >= 7, "{actions:?}");
    for action in actions {
        assert!(manual.contains(&format!("*:GPT-{action}*")), "{action} in the manual");
    }
    let words = listed("data/context_words.json", "word");
    assert!(words.len() >= 11, "{words:?}");
    for word in words {
        assert!(manual.contains(&format!("\n{word}")), "{word} in the manual");
    }
}

#[test]
fn somebody_reads_what_each_context_word_stands_for() {
    let (editor, program) = (read("lua/gpt/context/editor.lua"), read("src/app/context/lookup.rs"));
    let words = listed("data/context_words.json", "word");
    for (word, from) in words.iter().zip(listed("data/context_words.json", "from")) {
        let is_read = match from.as_str() {
            "editor" => editor.contains(&format!("readers[\"{word}\"]")),
            "program" => program.contains(&format!("\"{word}\" =>")),
            "file" => word == "#file:",
            _ => false,
        };
        assert!(is_read, "{word} from {from}");
    }
}

#[test]
fn every_built_in_provider_is_documented_with_its_name_and_its_variables() {
    let manual = read("doc/gpt.txt");
    let sources: String = fs::read_dir(root().join("src/provider/builtin"))
        .expect("a folder")
        .map(|entry| fs::read_to_string(entry.expect("an entry").path()).expect("a file"))
        .collect();
    let entries = between(&sources, "    name: \"", "..");
    let mut count = 0;
    for entry in entries {
        let (name, rest) = entry.split_once('"').expect("a name");
        let label = between(rest, "label: \"", "\"")[0];
        if ["guide", "openai-compatible"].contains(&name) {
            continue;
        }
        let line = manual
            .lines()
            .find(|line| line.starts_with(&format!("{name} ")) && line.contains(label));
        let line = line.unwrap_or_else(|| panic!("{name} in the manual"));
        let variables = between(rest, "variables: &[", "]").first().copied().unwrap_or_default();
        for variable in variables.split('"').skip(1).step_by(2) {
            assert!(line.contains(variable), "{variable} of {name} in the manual");
        }
        count += 1;
    }
    assert!(count >= 18, "{count}");
}

#[test]
fn every_highlight_group_is_documented() {
    let (view, manual) = (read("lua/gpt/chat/highlight_groups.lua"), read("doc/gpt.txt"));
    let table = between(&view, "local links = {\n", "\n  }\n")[0];
    let groups: Vec<&str> = table
        .lines()
        .filter_map(|line| Some(line.trim().split_once(" = ")?.0))
        .collect();
    assert!(groups.len() >= 18, "{groups:?}");
    for group in &groups {
        assert!(manual.contains(&format!("\n{group} ")), "{group} in the manual");
    }
    for file in ["lua/gpt/chat", "lua/gpt/ui"]
        .iter()
        .flat_map(|folder| lua_files(&root().join(folder)))
    {
        let code = fs::read_to_string(&file).expect("a file");
        for used in code
            .split('"')
            .filter_map(|text| text.strip_prefix("GPT"))
            .filter(|name| is_word(name))
        {
            let name = format!("GPT{used}");
            let is_event = manual.contains(&format!("\n{name}")) || code.contains(&format!("{name} ="));
            assert!(
                is_event || groups.contains(&name.as_str()),
                "{name} of {}",
                file.display()
            );
        }
    }
}

#[test]
fn every_option_is_documented() {
    let (config, manual) = (read("lua/gpt/config/options.lua"), read("doc/gpt.txt"));
    let table = between(&config, "local provider = {\n", "\nreturn options")[0];
    let is_option = |line: &&str| {
        ["string_option,", "number_option,", "count_option,", "{ type = "]
            .iter()
            .any(|kind| line.contains(&format!(" = {kind}")))
    };
    let options: Vec<&str> = table
        .lines()
        .filter(is_option)
        .filter_map(|line| Some(line.trim().split_once(" = ")?.0))
        .filter(|name| is_word(name))
        .collect();
    assert!(options.len() > 40, "{options:?}");
    for option in options {
        assert!(manual.contains(option), "{option} in the manual");
    }
}

/// The headings' levels, the code blocks, and what stands between backquotes in the first column of tables.
fn skeleton(text: &str) -> (Vec<usize>, Vec<&str>, Vec<&str>) {
    let blocks = text.split("\n```").skip(1).step_by(2).collect();
    let prose = text.split("\n```").step_by(2);
    let lines = || prose.clone().flat_map(str::lines);
    let levels = lines().filter(|line| line.starts_with('#'));
    let levels = levels.map(|line| line.len() - line.trim_start_matches('#').len());
    let first = lines().filter_map(|line| line.strip_prefix("| `")?.split_once(" | "));
    let words = first.flat_map(|(first, _)| first.split('`').step_by(2));
    (
        levels.collect(),
        blocks,
        words.filter(|word| !word.is_empty()).collect(),
    )
}

#[test]
fn the_readme_in_portuguese_has_the_headings_and_the_commands_of_the_english_one() {
    let (english, portuguese) = (read("README.md"), read("README.pt.md"));
    let (english, portuguese) = (skeleton(&english), skeleton(&portuguese));
    assert!(
        english.0.len() > 8 && english.1.len() > 6 && english.2.len() > 20,
        "{english:?}"
    );
    assert_eq!(english, portuguese);
    // What a user types stands in both.
    for command in [
        "`scripts/measure build`",
        "`scripts/measure minute`",
        "`scripts/measure try`",
        "`nvim -u repro.lua`",
    ] {
        for name in ["README.md", "README.pt.md"] {
            assert!(read(name).contains(command), "{command} in {name}");
        }
    }
}

/// Copies what `scripts/address` changes into a folder of its own.
fn copy_texts(folder: &Path) -> Vec<String> {
    let script = read("scripts/address");
    let listed = script.split("readonly TEXTS=(").nth(1).expect("the list of texts");
    let names: Vec<String> = listed
        .split(')')
        .next()
        .expect("its end")
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    for name in names
        .iter()
        .map(String::as_str)
        .chain(["scripts/address", "scripts/common.bash"])
    {
        let target = folder.join(name);
        fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
        fs::copy(root().join(name), target).expect(name);
    }
    names
}

#[test]
fn the_repositorys_address_is_put_into_all_texts_from_a_public_remote_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let names = copy_texts(folder.path());
    let run = |remote: &str| {
        let mut command = std::process::Command::new(folder.path().join("scripts/address"));
        let output = command.arg(remote).output().expect("the script runs");
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        )
    };
    for remote in [
        "git@github.com:me/gpt.nvim.git",
        "http://github.com/me/gpt.nvim",
        "https://localhost/me/gpt.nvim",
        "https://127.0.0.1/me/gpt.nvim",
        "https://box.local/me/gpt.nvim",
        "/srv/git/gpt.nvim",
        "https://github.com/me/gpt|nvim",
        "https://github.com/",
    ] {
        assert!(!run(remote).0, "{remote}");
    }
    assert_eq!(
        run("https://me:t0ken@github.com/me/ai.nvim.git"),
        (true, "https://github.com/me/ai.nvim".into())
    );
    for name in &names {
        let text = fs::read_to_string(folder.path().join(name)).expect(name);
        assert!(!text.contains("OWNER/") && !text.contains("t0ken"), "{name}");
    }
    let readme = fs::read_to_string(folder.path().join("README.md")).expect("the README");
    assert!(readme.contains("{ \"me/ai.nvim\" }"), "{readme}");
    let texts = copy_texts(folder.path());
    assert!(run("https://git.example.org/group/ai.nvim").0);
    let readme = fs::read_to_string(folder.path().join(&texts[0])).expect("the README");
    assert!(
        readme.contains("{ \"https://git.example.org/group/ai.nvim\" }"),
        "{readme}"
    );
}

#[test]
fn the_placeholder_stands_nowhere_that_the_script_does_not_know() {
    let script = read("scripts/address");
    let known = |path: &Path| {
        let name = path.strip_prefix(root()).expect("a file of ours").display().to_string();
        let placeholder_itself = ["scripts/address", "scripts/measure", "tests/it/documented.rs"];
        placeholder_itself.contains(&name.as_str()) || script.contains(&name)
    };
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let is_skipped = ["target", ".git", ".cache", "bin", "dist", "out", ".repro"].contains(&name.as_str());
            if path.is_dir() && !is_skipped {
                folders.push(path);
            } else if path.is_file() && !known(&path) {
                let text = fs::read(&path).expect("a file");
                let text = String::from_utf8_lossy(&text);
                assert!(!text.contains("OWNER/gpt.nvim"), "{}", path.display());
            }
        }
    }
}
