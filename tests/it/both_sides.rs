//! Words, fences, actions in a prompt and front matter are read alike by the editor's side and by the program: both as the
//! tables in `data/` say, and any other text as the other does.

use std::path::Path;

use gpt_nvim::actions::{Source, file, slash};
use gpt_nvim::context::grammar;
use gpt_nvim::fence::{self, Line};
use proptest::collection::vec;
use proptest::sample::select;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use rmpv::Value;
use serde_json::Value as Json;

use crate::support::nvim::Nvim;

const WORDS: &str = include_str!("../../data/context_word_cases.json");
const SLASHES: &str = include_str!("../../data/slash_cases.json");
const FENCES: &str = include_str!("../../data/fences.json");
const FRONT_MATTER: &str = include_str!("../../data/front_matter.json");

/// How many random texts are read.
const TEXTS: usize = 3_000;

const FIND: &str = "return vim.tbl_map(function(text)
    local found = vim.tbl_map(function(w) return w.word end, require('gpt.context.grammar').find(text))
    return table.concat(found, '\\n')
  end, ...)";
const NAMED: &str = "return vim.tbl_map(function(text) return require('gpt.slash').named(text) or '' end, ...)";
const KINDS: &str = "return vim.tbl_map(function(text)
    local fence, open, kinds = require('gpt.fence'), nil, {}
    for _, line in ipairs(vim.split(text, '\\n')) do
      local kind, info
      kind, open, info = fence.next(open, line)
      kinds[#kinds + 1] = info and kind .. ' ' .. info or kind
    end
    return table.concat(kinds, '\\n') .. '\\n' .. (open or '')
  end, ...)";
const AROUND: &str = "return vim.tbl_map(function(text)
    return require('gpt.fence').around('`', vim.split(text, '\\n'))
  end, ...)";
const FIELDS: &str = "return vim.tbl_map(function(text)
    local fields = require('gpt.front_matter').read(text)
    return vim.iter(vim.spairs(fields)):map(function(key, value) return key .. '=' .. value end):join('\\n')
  end, ...)";

fn cases(table: &str) -> Vec<Json> {
    serde_json::from_str(table).expect("a table of cases")
}

fn texts(cases: &[Json], field: &str) -> Vec<String> {
    let texts = cases.iter().map(|case| case[field].as_str().expect(field).to_owned());
    texts.collect()
}

/// Texts that are put together of these pieces, the same in each run.
fn random(pieces: &'static [&'static str]) -> Vec<String> {
    let strategy = vec(select(pieces), 0..24).prop_map(|pieces| pieces.concat());
    let mut runner = TestRunner::deterministic();
    let text = |_| strategy.new_tree(&mut runner).expect("a text").current();
    (0..TEXTS).map(text).collect()
}

/// What the editor's side makes of each text.
async fn read(nvim: &Nvim, code: &str, texts: &[String]) -> Vec<String> {
    let texts = texts.iter().map(|text| Value::from(text.as_str())).collect();
    nvim.lua_lines(code, &[Value::Array(texts)]).await
}

/// Compares what both sides make of each text.
fn compare(texts: &[String], theirs: &[String], ours: impl Fn(&str) -> String) {
    assert_eq!(texts.len(), theirs.len());
    for (text, theirs) in texts.iter().zip(theirs) {
        assert_eq!(*theirs, ours(text), "{text:?}");
    }
}

fn kinds(text: &str) -> String {
    let mut reader = fence::Reader::default();
    let mut kinds: Vec<String> = Vec::new();
    for line in text.split('\n') {
        kinds.push(match reader.read(line) {
            Line::Text => "text".into(),
            Line::Opens(info) => format!("opens {info}"),
            Line::Code => "code".into(),
            Line::Closes => "closes".into(),
        });
    }
    format!("{}\n{}", kinds.join("\n"), reader.left_open().unwrap_or_default())
}

#[tokio::test]
async fn context_words_are_found_as_the_table_says() {
    let nvim = crate::nvim().start().await;
    let cases = cases(WORDS);
    let found = read(&nvim, FIND, &texts(&cases, "text")).await;
    for (case, found) in cases.iter().zip(found) {
        let words: Vec<&str> = case["words"]
            .as_array()
            .expect("words")
            .iter()
            .filter_map(Json::as_str)
            .collect();
        assert_eq!(found, words.join("\n"), "{}", case["name"]);
    }
}

#[tokio::test]
async fn context_words_are_found_alike_in_any_text() {
    const PIECES: &[&str] = &[
        "#buffer",
        "#file:a.rs",
        "#file:\"a b\"",
        "#diff",
        "#tree",
        "#",
        " ",
        " ",
        "\n",
        "\n",
        "\n\n",
        "    ",
        "\t",
        "- ",
        "1. ",
        "`",
        "``",
        "```",
        "~~~",
        "\\",
        "<!--",
        "-->",
        "<!-->",
        "(",
        ")",
        "、",
        "日",
        "é",
        ".",
        "-",
        "/",
        "\"",
        "# ",
        "> ",
        "x",
        "_",
    ];
    let nvim = crate::nvim().start().await;
    let texts = random(PIECES);
    let found = read(&nvim, FIND, &texts).await;
    compare(&texts, &found, |text| grammar::find(text).join("\n"));
    assert!(found.iter().filter(|words| !words.is_empty()).count() > TEXTS / 4);
}

#[tokio::test]
async fn what_a_prompt_names_is_found_as_the_table_says() {
    let nvim = crate::nvim().start().await;
    let cases = cases(SLASHES);
    let found = read(&nvim, NAMED, &texts(&cases, "prompt")).await;
    for (case, found) in cases.iter().zip(found) {
        assert_eq!(found, case["names"].as_str().unwrap_or_default(), "{case}");
    }
}

#[tokio::test]
async fn what_a_prompt_names_is_found_alike_in_any_text() {
    const PIECES: &[&str] = &[
        "/explain", "/", "fix", "é", "日本", " ", "\u{a0}", "\u{3000}", "\u{2003}", "\n", "\n", "\n", "```", "~~~",
        "`", "x:", "\t", "\r", "-", ".",
    ];
    let nvim = crate::nvim().start().await;
    let texts = random(PIECES);
    let found = read(&nvim, NAMED, &texts).await;
    compare(&texts, &found, |text| {
        slash::find(text).map(|slash| slash.name).unwrap_or_default()
    });
    assert!(found.iter().filter(|name| !name.is_empty()).count() > TEXTS / 50);
}

#[tokio::test]
async fn fences_are_found_as_the_table_says() {
    let nvim = crate::nvim().start().await;
    let cases = cases(FENCES);
    let lines = |case: &Json, column: usize| -> Vec<String> {
        let lines = case["lines"].as_array().expect("lines").iter();
        lines
            .map(|line| line[column].as_str().expect("a line").to_owned())
            .collect()
    };
    let texts: Vec<String> = cases.iter().map(|case| lines(case, 0).join("\n")).collect();
    for (case, found) in cases.iter().zip(read(&nvim, KINDS, &texts).await) {
        let mut found: Vec<&str> = found.split('\n').collect();
        let left_open = found.pop();
        let found: Vec<&str> = found.iter().filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(found, lines(case, 1), "{}", case["name"]);
        assert_eq!(
            left_open,
            Some(case["left_open"].as_str().unwrap_or_default()),
            "{}",
            case["name"]
        );
    }
}

#[tokio::test]
async fn fences_are_found_alike_in_any_text() {
    const PIECES: &[&str] = &[
        "`", "```", "````", "~~~", "~", "\n", "\n", "\n", " ", "   ", "\t", "lua", "x", "\u{a0}", "\r",
    ];
    let nvim = crate::nvim().start().await;
    let texts = random(PIECES);
    compare(&texts, &read(&nvim, KINDS, &texts).await, kinds);
    compare(&texts, &read(&nvim, AROUND, &texts).await, fence::around);
}

#[tokio::test]
async fn front_matter_is_read_as_the_table_says() {
    let nvim = crate::nvim().start().await;
    let cases = cases(FRONT_MATTER);
    for (case, found) in cases.iter().zip(read(&nvim, FIELDS, &texts(&cases, "text")).await) {
        let Some(fields) = case["fields"].as_object() else {
            continue; // what is wrong with a file the program says
        };
        let fields = fields
            .iter()
            .map(|(key, value)| format!("{key}={}", value.as_str().expect("text")));
        let mut fields: Vec<String> = fields.collect();
        fields.sort();
        assert_eq!(found, fields.join("\n"), "{}", case["name"]);
    }
}

#[tokio::test]
async fn front_matter_is_read_alike_in_any_file_that_is_a_prompt() {
    const PIECES: &[&str] = &[
        "---\n",
        "\n",
        "name: a",
        "name:b",
        "keymap: gx",
        "description: ",
        "\"",
        "'",
        "x: y",
        "# ",
        " ",
        "\t",
        "\r\n",
        "Look.\n",
    ];
    let nvim = crate::nvim().start().await;
    let texts: Vec<String> = random(PIECES)
        .into_iter()
        .map(|text| format!("---\n{text}\n---\nLook."))
        .collect();
    let mut prompts = 0;
    for (text, found) in texts.iter().zip(read(&nvim, FIELDS, &texts).await) {
        let Ok(prompt) = file::parse(text.as_bytes(), Path::new("stem.md"), Source::User) else {
            continue;
        };
        let field = |name: &str| {
            let prefix = format!("{name}=");
            let found = found.split('\n').find_map(|line| line.strip_prefix(&prefix));
            found.map(str::to_owned).unwrap_or_default()
        };
        let name = if field("name").is_empty() {
            "stem".to_owned()
        } else {
            field("name")
        };
        assert_eq!(prompt.name, name, "{text:?}");
        assert_eq!(prompt.description, field("description"), "{text:?}");
        assert_eq!(prompt.keymap.unwrap_or_default(), field("keymap"), "{text:?}");
        prompts += 1;
    }
    assert!(prompts > TEXTS / 50, "{prompts}");
}
