//! The user's own prompts, those of a project, and a project's rules.

use std::fs;
use std::path::PathBuf;

use serde_json::Value as Json;

use crate::common::*;
use crate::support::answer::Answer;
use crate::support::nvim::{Builder, Home, Nvim};
use crate::support::server::{Request, Script, Server};

async fn at_home(script: impl Into<Script>, more: &str) -> (Builder, Server, Home) {
    let server = Server::start(script).await;
    let home = Home::new();
    let builder = configured(&server, more).home(&home);
    (builder, server, home)
}

fn prompts(home: &Home, files: &[(&str, &str)]) -> PathBuf {
    let folder = home.path().join("config/nvim/gpt/prompts");
    fs::create_dir_all(&folder).expect("a folder");
    for (name, content) in files {
        fs::write(folder.join(name), content).expect("a file");
    }
    folder
}

#[track_caller]
fn question(request: &Request) -> String {
    conversation(request).pop().expect("a question").1
}

fn system(request: &Request) -> String {
    let body = request.json();
    let messages = body["messages"].as_array().expect("messages").iter();
    let texts = messages
        .filter(|message| message["role"] == "system")
        .map(|message| message["content"].clone());
    texts
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect::<String>()
}

async fn completed(nvim: &Nvim, lead: &str) -> Vec<String> {
    nvim.lua_lines(&format!("return vim.fn.getcompletion('GPT {lead}', 'cmdline')"), &[])
        .await
}

#[tokio::test]
async fn a_prompt_of_the_users_is_an_action_that_completes() {
    let (builder, server, home) = at_home(answer("x"), "").await;
    prompts(
        &home,
        &[(
            "shorten.md",
            "---\ndescription: Say it shorter\n---\nSay this in {{words}} words:\n\n{{selection}}\n",
        )],
    );
    let path = home.write("a.txt", "one two three\n");
    let nvim = builder.arg(path).start().await;
    assert_eq!(completed(&nvim, "sh").await, ["shorten"]);
    assert_eq!(completed(&nvim, "ex").await, ["explain", "export"]);
    let listed = nvim
        .lua_string("return vim.iter(require('gpt.library').list()):last().description", &[])
        .await;
    assert_eq!(listed, "Say it shorter");
    nvim.feed(":1GPT shorten 3<CR>").await;
    ended(&nvim, 1).await;
    assert_eq!(
        question(&server.requests()[0]),
        "Say this in 3 words:\n\nFrom `a.txt`, line 1:\n\n```text\none two three\n```"
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_changed_prompt_is_read_again_and_one_of_ours_can_be_replaced() {
    let (builder, server, home) = at_home([answer("x"), answer("y")], "").await;
    let folder = prompts(&home, &[("explain.md", "---\n---\nIn one word.")]);
    let nvim = builder.start().await;
    open(&nvim).await;
    say(&nvim, "/explain sockets").await;
    ended(&nvim, 1).await;
    assert_eq!(question(&server.requests()[0]), "In one word.\n\nsockets");
    fs::write(folder.join("explain.md"), "---\n---\nIn two words now.").expect("a file");
    say(&nvim, "/explain sockets").await;
    ended(&nvim, 2).await;
    assert_eq!(question(&server.requests()[1]), "In two words now.\n\nsockets");
    clean(&nvim).await;
}

#[tokio::test]
async fn a_broken_file_is_named_with_its_line_and_skips_nobody_else() {
    let (builder, server, home) = at_home(answer("x"), "").await;
    prompts(&home, &[("a.md", "---\nnmae: a\n---\nx"), ("b.md", "---\n---\nGood.")]);
    let nvim = builder.start().await;
    nvim.feed(":GPT b<CR>").await;
    ended(&nvim, 1).await;
    assert_eq!(question(&server.requests()[0]), "Good.");
    nvim.wait_lua("return vim.fn.execute('messages'):find('a.md, line 2: there is no key nmae', 1, true)")
        .await;
    let told = nvim.messages().await.matches("nmae").count();
    completed(&nvim, "x").await;
    assert_eq!(nvim.messages().await.matches("nmae").count(), told);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_prompt_can_name_its_model_and_the_next_question_goes_to_the_usual_one() {
    let (builder, server, home) = at_home([answer("x"), answer("y")], "").await;
    prompts(&home, &[("deep.md", "---\nmodel: test/m2\n---\nThink.")]);
    let nvim = builder.start().await;
    nvim.feed(":GPT deep<CR>").await;
    ended(&nvim, 1).await;
    nvim.feed(":GPTChat and now?<CR>").await;
    ended(&nvim, 2).await;
    let models: Vec<Json> = server
        .requests()
        .iter()
        .map(|request| request.json()["model"].clone())
        .collect();
    assert_eq!(models, ["m2", "m1"]);
    let shown = [
        ("You", "Think."),
        ("test/m2", "x"),
        ("You", "and now?"),
        ("test/m1", "y"),
    ];
    assert_eq!(chat_lines(&nvim).await, transcript(&shown));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_model_that_is_none_is_named_with_its_line() {
    let (builder, server, home) = at_home(Vec::<Answer>::new(), "").await;
    prompts(&home, &[("deep.md", "---\nmodel: nobody/m2\n---\nThink.")]);
    let nvim = builder.start().await;
    nvim.feed(":GPT deep<CR>").await;
    nvim.wait_lua("return vim.fn.execute('messages'):find('deep.md, line 2: nobody/m2 names no model', 1, true)")
        .await;
    assert_eq!(server.requests().len(), 0);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_prompts_own_key_is_mapped_and_one_of_the_users_stays() {
    let (builder, server, home) = at_home(answer("x"), "keymaps = { prefix = ' a' }").await;
    prompts(
        &home,
        &[
            ("a.md", "---\nkeymap: ' x'\ndescription: Do it\n---\nDo it."),
            ("b.md", "---\nkeymap: gz\n---\nNot this."),
        ],
    );
    let path = home.write("a.txt", "one\n");
    let nvim = builder
        .init("vim.keymap.set('n', 'gz', 'ix<Esc>')")
        .arg(path)
        .start()
        .await;
    nvim.wait_lua("return vim.fn.maparg(' x', 'x', false, true).desc == 'GPT: Do it'")
        .await;
    assert_eq!(nvim.lua_string("return vim.fn.maparg('gz', 'n')", &[]).await, "ix<Esc>");
    nvim.feed(" x x").await;
    ended(&nvim, 1).await;
    let sent = question(&server.requests()[0]);
    assert!(sent.starts_with("Do it.\n\nFrom `a.txt`, line 1:"), "{sent}");
    clean(&nvim).await;
}

#[tokio::test]
async fn without_a_prefix_a_prompts_key_is_mapped_with_the_first_command_line() {
    let (builder, _server, home) = at_home(Vec::<Answer>::new(), "").await;
    prompts(&home, &[("a.md", "---\nkeymap: gz\n---\nDo it.")]);
    let nvim = builder.start().await;
    nvim.feed(":<Esc>").await;
    nvim.wait_lua("return vim.fn.maparg('gz', 'n', false, true).desc == 'GPT: a'")
        .await;
    clean(&nvim).await;
}

// The project's prompts ------------------------------------------------------------------------------------------------

/// Answers the next question of `vim.ui.select` with its entry at this place, and counts them.
fn choosing(index: usize) -> String {
    format!(
        "_G.questions = {{}}
        vim.ui.select = function(items, options, done)
          questions[#questions + 1] = options.prompt
          done(items[{index}], {index})
        end"
    )
}

fn project(home: &Home) -> PathBuf {
    let folder = home.path().join("home/project");
    fs::create_dir_all(folder.join(".gpt/prompts")).expect("a folder");
    fs::create_dir_all(folder.join(".git")).expect("a folder");
    fs::write(folder.join(".gpt/prompts/house.md"), "---\n---\nThe house style.").expect("a file");
    folder
}

async fn asks_for_house(builder: &Builder, index: usize) -> Nvim {
    let nvim = builder.clone().init(&choosing(index)).start().await;
    open(&nvim).await;
    say(&nvim, "/house").await;
    nvim
}

#[tokio::test]
async fn a_projects_prompts_are_used_once_the_user_has_allowed_them() {
    let (builder, server, home) = at_home([answer("x"), answer("y")], "").await;
    let builder = builder.directory(project(&home));
    let nvim = asks_for_house(&builder, 1).await;
    ended(&nvim, 1).await;
    assert_eq!(question(&server.requests()[0]), "The house style.");
    let asked = nvim.lua_lines("return questions", &[]).await;
    assert_eq!(asked.len(), 1);
    assert!(asked[0].contains("project/.gpt/prompts"), "{asked:?}");
    clean(&nvim).await;
    nvim.quit().await;
    // The next editor knows.
    let nvim = asks_for_house(&builder, 3).await;
    ended(&nvim, 1).await;
    assert_eq!(question(&server.requests()[1]), "The house style.");
    assert_eq!(nvim.lua_i64("return #questions", &[]).await, 0);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_projects_prompts_that_the_user_refuses_are_not_used_nor_asked_about_again() {
    let (builder, server, home) = at_home([answer("x"), answer("y"), answer("z")], "").await;
    let builder = builder.directory(project(&home));
    let nvim = asks_for_house(&builder, 3).await;
    ended(&nvim, 1).await;
    say(&nvim, "/house").await;
    ended(&nvim, 2).await;
    assert_eq!(nvim.lua_i64("return #questions", &[]).await, 1);
    assert_eq!(question(&server.requests()[1]), "/house");
    assert_eq!(completed(&nvim, "ho").await, Vec::<String>::new());
    clean(&nvim).await;
}

// The project's rules --------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_projects_rules_are_told_to_the_model_and_shown_in_the_heading() {
    let (builder, server, home) = at_home([answer("x"), answer("y")], "").await;
    let folder = project(&home);
    fs::write(folder.join("AGENTS.md"), "Use tabs.").expect("a file");
    let nvim = builder.directory(&folder).start().await;
    open(&nvim).await;
    say(&nvim, "hello").await;
    ended(&nvim, 1).await;
    nvim.wait_screen_contains("rules: AGENTS.md").await;
    assert!(system(&server.requests()[0]).ends_with("(AGENTS.md):\n\nUse tabs."));
    fs::write(folder.join("AGENTS.md"), "Use spaces.").expect("a file");
    fs::write(folder.join(".gpt/rules.md"), "Be brief.").expect("a file");
    say(&nvim, "again").await;
    ended(&nvim, 2).await;
    normal_mode(&nvim).await;
    nvim.feed("gg").await;
    nvim.wait_screen_contains("rules: AGENTS.md, .gpt/rules.md").await;
    let told = system(&server.requests()[1]);
    assert!(
        told.contains("Use spaces.") && told.ends_with("Be brief.") && !told.contains("tabs"),
        "{told}"
    );
    nvim.feed("gs").await;
    nvim.wait_lua("return vim.bo.filetype == 'http'").await;
    let shown = nvim
        .lua_lines("return vim.api.nvim_buf_get_lines(0, 0, -1, true)", &[])
        .await;
    assert!(shown.iter().any(|line| line.contains("Use spaces.")), "{shown:?}");
    clean(&nvim).await;
}

#[tokio::test]
async fn rules_are_switched_off_by_an_option() {
    let (builder, server, home) = at_home(answer("x"), "chat = { rules = false }").await;
    let folder = project(&home);
    fs::write(folder.join("AGENTS.md"), "Use tabs.").expect("a file");
    let nvim = builder.directory(&folder).start().await;
    open(&nvim).await;
    say(&nvim, "hello").await;
    ended(&nvim, 1).await;
    assert!(!system(&server.requests()[0]).contains("tabs"));
    assert!(!nvim.screen().contains("rules:"));
    clean(&nvim).await;
}

#[tokio::test]
async fn the_request_that_is_shown_is_that_of_the_action_in_the_prompt() {
    let (nvim, server) = start(Vec::<Answer>::new()).await;
    open(&nvim).await;
    nvim.feed("/explain monads").await;
    normal_mode(&nvim).await;
    nvim.feed("gs").await;
    nvim.wait_lua("return vim.bo.filetype == 'http'").await;
    let shown = nvim
        .lua_lines("return vim.api.nvim_buf_get_lines(0, 0, -1, true)", &[])
        .await;
    assert!(
        shown.iter().any(|line| line.contains("Explain what this code does")),
        "{shown:?}"
    );
    assert_eq!(server.requests().len(), 0);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_prompt_that_is_named_in_the_chat_takes_its_context_words_along() {
    let (builder, server, home) = at_home(answer("x"), "").await;
    prompts(
        &home,
        &[(
            "review.md",
            "---\ndescription: Look it over\ncontext: #buffer\n---\nLook this over. {{words}}\n",
        )],
    );
    let path = home.write("a.txt", "one two three\n");
    let nvim = builder.arg(path).start().await;
    open(&nvim).await;
    say(&nvim, "/review kindly").await;
    ended(&nvim, 1).await;
    let asked = question(&server.requests()[0]);
    assert!(asked.starts_with("Look this over. kindly"), "{asked}");
    assert!(
        asked.contains("text #buffer") && asked.contains("one two three"),
        "{asked}"
    );
    clean(&nvim).await;
}

#[cfg(unix)]
#[tokio::test]
async fn rules_that_are_a_link_to_secrets_are_not_sent_which_is_said_once() {
    let (builder, server, home) = at_home([answer("x"), answer("y")], "").await;
    let folder = project(&home);
    fs::write(folder.join(".env"), "PASSWORD=open-sesame").expect("a file");
    std::os::unix::fs::symlink(".env", folder.join("AGENTS.md")).expect("a link");
    let nvim = builder.directory(&folder).start().await;
    open(&nvim).await;
    say(&nvim, "hello").await;
    ended(&nvim, 1).await;
    say(&nvim, "again").await;
    ended(&nvim, 2).await;
    assert!(
        server
            .requests()
            .iter()
            .all(|request| !system(request).contains("sesame"))
    );
    assert_eq!(nvim.messages().await.matches("AGENTS.md looks as if").count(), 1);
    clean(&nvim).await;
}
