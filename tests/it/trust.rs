//! A project's prompts do nothing before the user has allowed them, these and no others.

use std::fs;
use std::path::PathBuf;

use crate::common::*;
use crate::support::answer::Answer;
use crate::support::nvim::{Builder, Home, Nvim};
use crate::support::server::{Script, Server};

/// Answers the questions of `vim.ui.select` by the entries at these places, the last one again and again; `before` is run
/// before each answer.
fn choosing(places: &[usize], before: &str) -> String {
    let places: Vec<String> = places.iter().map(ToString::to_string).collect();
    format!(
        "_G.questions = {{}}
        local places = {{ {} }}
        vim.ui.select = function(items, options, done)
          questions[#questions + 1] = options.prompt
          local place = places[math.min(#questions, #places)]
          {before}
          done(items[place], place)
        end",
        places.join(", ")
    )
}

const YES: usize = 1;
const LATER: usize = 2;
const NEVER: usize = 3;

struct Project {
    builder: Builder,
    server: Server,
    folder: PathBuf,
    _home: Home,
}

impl Project {
    async fn new(script: impl Into<Script>, prompts: &[(&str, &str)]) -> Project {
        let (server, home) = (Server::start(script).await, Home::new());
        let root = home.path().join("home/project");
        let folder = root.join(".gpt/prompts");
        fs::create_dir_all(&folder).expect("a folder");
        fs::create_dir_all(root.join(".git")).expect("a folder");
        let project = Project {
            builder: configured(&server, "").home(&home).directory(&root),
            server,
            folder,
            _home: home,
        };
        prompts.iter().for_each(|(name, text)| project.write(name, text));
        project
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), format!("---\n---\n{text}")).expect("a file");
    }

    async fn editor(&self, places: &[usize]) -> Nvim {
        self.editor_with(places, "").await
    }

    async fn editor_with(&self, places: &[usize], before: &str) -> Nvim {
        self.builder.clone().init(&choosing(places, before)).start().await
    }

    #[track_caller]
    fn asked(&self, n: usize) -> String {
        conversation(&self.server.requests()[n]).pop().expect("a question").1
    }
}

async fn ask(nvim: &Nvim, question: &str, ends: usize) {
    open(nvim).await;
    say(nvim, question).await;
    ended(nvim, ends).await;
}

async fn questions(nvim: &Nvim) -> Vec<String> {
    nvim.lua_lines("return questions", &[]).await
}

async fn completed(nvim: &Nvim, lead: &str) -> Vec<String> {
    nvim.lua_lines(&format!("return vim.fn.getcompletion('GPT {lead}', 'cmdline')"), &[])
        .await
}

#[tokio::test]
async fn prompts_that_nobody_was_asked_about_are_not_completed_nor_looked_for_in_pasted_code() {
    let project = Project::new(
        answer("x"),
        &[("usr.md", "Secret plan. #file:plan.txt"), ("house.md", "House.")],
    )
    .await;
    fs::write(project.folder.join("../../plan.txt"), "the plan").expect("a file");
    let nvim = project.editor(&[LATER]).await;
    assert_eq!(completed(&nvim, "ho").await, Vec::<String>::new());
    ask(&nvim, "/usr/bin/env python\n/usr\nis what?", 1).await;
    assert_eq!(project.asked(0), "/usr/bin/env python\n/usr\nis what?");
    assert_eq!(questions(&nvim).await, Vec::<String>::new());
    clean(&nvim).await;
}

#[tokio::test]
async fn a_path_in_pasted_code_takes_no_allowed_prompts_context_along() {
    let project = Project::new([answer("x"), answer("y")], &[("usr.md", "Plan. #file:plan.txt")]).await;
    fs::write(project.folder.join("../../plan.txt"), "the plan").expect("a file");
    let nvim = project.editor(&[YES]).await;
    nvim.feed(":GPT usr<CR>").await;
    ended(&nvim, 1).await;
    assert!(project.asked(0).contains("the plan"));
    normal_mode(&nvim).await;
    nvim.feed("Gi").await;
    say(&nvim, "what is\n/usr/bin/env").await;
    ended(&nvim, 2).await;
    assert_eq!(project.asked(1), "what is\n/usr/bin/env");
    clean(&nvim).await;
}

#[tokio::test]
async fn a_prompt_with_context_that_was_just_allowed_is_sent_again_with_it() {
    let project = Project::new(answer("x"), &[("plan.md", "Plan. #file:plan.txt")]).await;
    fs::write(project.folder.join("../../plan.txt"), "the plan").expect("a file");
    let nvim = project.editor(&[YES]).await;
    open(&nvim).await;
    say(&nvim, "/plan").await;
    nvim.wait_screen_contains("Send again").await;
    normal_mode(&nvim).await;
    nvim.feed("<CR>").await;
    ended(&nvim, 1).await;
    assert_eq!((questions(&nvim).await.len(), project.server.requests().len()), (1, 1));
    assert!(project.asked(0).starts_with("Plan.") && project.asked(0).contains("the plan"));
    clean(&nvim).await;
}

#[tokio::test]
async fn prompts_that_change_and_new_ones_are_asked_about_again() {
    let project = Project::new(["a", "b", "c", "d"].map(answer), &[("house.md", "One.")]).await;
    let nvim = project.editor(&[YES]).await;
    ask(&nvim, "/house", 1).await;
    project.write("house.md", "Two.");
    say(&nvim, "/house").await;
    ended(&nvim, 2).await;
    project.write("fix.md", "Mine.");
    assert_eq!(completed(&nvim, "ho").await, Vec::<String>::new());
    say(&nvim, "/fix a bug").await;
    ended(&nvim, 3).await;
    say(&nvim, "/house").await;
    ended(&nvim, 4).await;
    let sent: Vec<String> = (0..4).map(|n| project.asked(n)).collect();
    assert_eq!(sent, ["One.", "Two.", "Mine.\n\na bug", "Two."]);
    let asked = questions(&nvim).await;
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(
        asked[0].starts_with("This project has prompts of its own: house ("),
        "{asked:?}"
    );
    assert!(
        asked[1].starts_with("The prompts of this project have changed: house ("),
        "{asked:?}"
    );
    assert!(
        asked[2].starts_with("In the place of built-in actions: fix."),
        "{asked:?}"
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn never_is_never_over_restarts_and_changes_until_it_is_taken_back() {
    let project = Project::new(["a", "b", "c", "d"].map(answer), &[("house.md", "One.")]).await;
    let nvim = project.editor(&[NEVER]).await;
    ask(&nvim, "/house", 1).await;
    nvim.wait_lua("return vim.fn.execute('messages'):find(':GPT trust', 1, true)")
        .await;
    project.write("house.md", "Two.");
    project.write("explain.md", "Evil.");
    say(&nvim, "/house").await;
    ended(&nvim, 2).await;
    clean(&nvim).await;
    nvim.quit().await;
    let nvim = project.editor(&[YES]).await;
    ask(&nvim, "/explain it", 1).await;
    assert_eq!(questions(&nvim).await.len(), 0);
    normal_mode(&nvim).await;
    nvim.feed(":GPT trust<CR>").await;
    nvim.wait_lua("return #questions == 1").await;
    nvim.wait_lua("return vim.fn.execute('messages'):find('may be used: 2', 1, true)")
        .await;
    nvim.feed("Gi").await;
    say(&nvim, "/house").await;
    ended(&nvim, 2).await;
    assert_eq!((project.asked(0), project.asked(1)), ("/house".into(), "/house".into()));
    assert!(project.asked(2).starts_with("Explain"), "{}", project.asked(2));
    assert_eq!(project.asked(3), "Two.");
    clean(&nvim).await;
}

#[tokio::test]
async fn a_prompt_that_is_exchanged_while_the_question_stands_is_not_used() {
    let project = Project::new(answer("a"), &[("house.md", "One.")]).await;
    let path = project.folder.join("house.md");
    let exchange = format!(
        "vim.fn.writefile({{ '---', '---', 'Evil.' }}, {:?})",
        path.display().to_string()
    );
    let nvim = project.editor_with(&[YES], &exchange).await;
    ask(&nvim, "/house", 1).await;
    assert_eq!(project.asked(0), "/house");
    nvim.wait_lua("return vim.fn.execute('messages'):find('changed meanwhile', 1, true)")
        .await;
    clean(&nvim).await;
}

#[tokio::test]
async fn the_question_shows_what_a_folders_name_hides() {
    let project = Project::new(Vec::<Answer>::new(), &[("house.md", "One.")]).await;
    let odd = project.folder.join("../../../od\n\u{1b}[31md\u{202e}");
    fs::create_dir_all(odd.join(".gpt/prompts")).expect("a folder");
    fs::create_dir_all(odd.join(".git")).expect("a folder");
    fs::write(odd.join(".gpt/prompts/a.md"), "---\n---\nx").expect("a file");
    let nvim = project
        .builder
        .clone()
        .directory(&odd)
        .init(&choosing(&[LATER], ""))
        .start()
        .await;
    nvim.feed(":GPT a<CR>").await;
    nvim.wait_lua("return #questions == 1").await;
    let asked = questions(&nvim).await;
    assert!(
        asked[0].contains("od<U+000A><U+001B>[31md<U+202E>/.gpt/prompts"),
        "{asked:?}"
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_fifo_among_the_users_prompts_holds_nobody_up() {
    let (server, home) = (Server::start(Vec::<Answer>::new()).await, Home::new());
    let folder = home.path().join("config/nvim/gpt/prompts");
    fs::create_dir_all(&folder).expect("a folder");
    let made = std::process::Command::new("mkfifo").arg(folder.join("a.md")).status();
    assert!(made.expect("mkfifo").success());
    fs::write(folder.join("b.md"), "---\nkeymap: gz\n---\nDo it.").expect("a file");
    fs::File::create(folder.join("c.md"))
        .and_then(|file| file.set_len(3_000_000_000))
        .expect("a file");
    let nvim = configured(&server, "keymaps = { prefix = ' a' }")
        .home(&home)
        .start()
        .await;
    nvim.wait_lua("return vim.fn.maparg('gz', 'n', false, true).desc == 'GPT: b'")
        .await;
    assert_eq!(completed(&nvim, "b").await, ["b"]);
    clean(&nvim).await;
}
