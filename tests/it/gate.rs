//! All that is sent passes one gate: whatever way a text comes, a buffer that is never sent, a secret's name, a secret's text
//! and a key in use are treated alike.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::common::*;
use crate::support::nvim::{Home, Nvim};
use crate::support::server::Server;

/// What must not leave unasked.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Disabled,
    Name,
    Content,
    Key,
}

const KINDS: [Kind; 4] = [Kind::Disabled, Kind::Name, Kind::Content, Kind::Key];
const MARK: &str = "marked-line-of-the-file";

impl Kind {
    fn file(self) -> &'static str {
        if self == Kind::Name { ".env" } else { "notes.lua" }
    }

    fn text(self) -> String {
        match self {
            Kind::Disabled | Kind::Name => format!("-- {MARK}\nfunction one() end\n"),
            Kind::Content => format!("-- {MARK} ghp_{}\nfunction one() end\n", "a1B2".repeat(9)),
            Kind::Key => format!("-- {MARK} canary-key-of-ours\nfunction one() end\n"),
        }
    }
}

/// The ways, each by the keys that send it.
const WAYS: [(&str, &str); 13] = [
    ("buffer", ":GPTChat what is #buffer<CR>"),
    ("buffers", ":GPTChat what is #buffers<CR>"),
    ("selection", "ggVG<Esc>:GPTChat what is #selection<CR>"),
    ("file", ":GPTChat what is #file:FILE<CR>"),
    ("diff", ":GPTChat what is #diff<CR>"),
    ("staged", ":GPTChat what is #staged<CR>"),
    ("diagnostics", ":GPTChat what is #diagnostics<CR>"),
    ("quickfix", ":GPTChat what is #quickfix<CR>"),
    ("range", ":1,2GPTChat what is it<CR>"),
    ("action", ":1,2GPT explain<CR>"),
    ("whole", ":GPT explain<CR>"),
    ("commit", ":GPT commit<CR>"),
    ("slash", ":GPTChat /commit<CR>"),
];

/// Ways that only some kinds can go: of symbols the names alone, of what was copied the text alone, of a tree the names of
/// files.
const FURTHER_WAYS: [(&str, &str, &[Kind]); 3] = [
    (
        "symbols",
        ":GPTChat what is #symbols<CR>",
        &[Kind::Disabled, Kind::Name],
    ),
    (
        "clipboard",
        ":GPTChat what is #clipboard<CR>",
        &[Kind::Content, Kind::Key],
    ),
    ("tree", ":GPTChat what is #tree<CR>", &[Kind::Key]),
];

fn git(root: &PathBuf, words: &[&str]) {
    let said = Command::new("git")
        .args(["-c", "user.name=T", "-c", "user.email=t@example.com"])
        .args(words)
        .current_dir(root)
        .output()
        .expect("git");
    assert!(said.status.success(), "{said:?}");
}

/// A repository with another file that has changed, and this one staged and changed again.
fn project(home: &Home, kind: Kind) -> PathBuf {
    let root = home.path().join("home/project");
    fs::create_dir_all(&root).expect("a folder");
    git(&root, &["init", "--quiet"]);
    fs::write(root.join(kind.file()), "old\n").expect("a file");
    fs::write(root.join("other.txt"), "old\n").expect("a file");
    git(&root, &["add", "--force", "."]);
    git(&root, &["commit", "--quiet", "-m", "one"]);
    fs::write(root.join("other.txt"), "staged\n").expect("a file");
    fs::write(root.join(kind.file()), kind.text()).expect("a file");
    git(&root, &["add", "--force", "."]);
    fs::write(root.join("other.txt"), "changed\n").expect("a file");
    fs::write(root.join(kind.file()), kind.text() + "-- more\n").expect("a file");
    if kind == Kind::Key {
        fs::write(root.join("canary-key-of-ours.txt"), "").expect("a file");
    }
    root
}

/// A clipboard with the file's text in it, and questions that are answered by the first choice.
const QUESTIONS: &str = "_G.questions = {}
  local function copied() return { vim.fn.readfile(vim.fn.argv(0)), 'V' } end
  local function copy() end
  vim.g.clipboard = { name = 'fake', cache_enabled = 0, copy = { ['+'] = copy, ['*'] = copy },
    paste = { ['+'] = copied, ['*'] = copied } }
  vim.ui.select = function(items, options, done)
    questions[#questions + 1] = options.prompt
    done(items[1], 1)
  end";

async fn editor(server: &Server, home: &Home, root: &PathBuf, kind: Kind) -> Nvim {
    let url = server.url();
    let config = format!(
        "{{ model = 'test/m1', chat = {{ rules = false }}, providers = {{
           test = {{ base_url = '{url}/v1' }},
           other = {{ base_url = '{url}/v1', key = {{ env = 'OTHER_KEY' }} }} }} }}"
    );
    let builder = configured(server, "")
        .config(config)
        .home(home)
        .directory(root)
        .init(QUESTIONS);
    let nvim = builder
        .env("OTHER_KEY", "canary-key-of-ours")
        .arg(root.join(kind.file()))
        .start()
        .await;
    nvim.lua(
        "vim.diagnostic.set(vim.api.nvim_create_namespace('t'), 0, {{ lnum = 0, col = 0, message = 'odd' }})
         vim.fn.setqflist({{ bufnr = vim.fn.bufnr(), lnum = 1, text = vim.fn.getline(1) }})
         vim.b.gpt_disable = ... or nil
         -- So that its symbols are known, whatever it is called.
         vim.bo.filetype = 'lua'",
        &[(kind == Kind::Disabled).into()],
    )
    .await;
    nvim
}

/// Whether what must not leave has left unasked, each in an editor of its own.
async fn leaves(way: &str, keys: &str, kind: Kind) {
    let (server, home) = (Server::start([answer("ok"), answer("ok")]).await, Home::new());
    let root = project(&home, kind);
    let nvim = editor(&server, &home, &root, kind).await;
    nvim.feed(&keys.replace("FILE", kind.file())).await;
    // Something comes of it: a question of ours, a notice, or an answer.
    nvim.wait_lua(
        "return #questions > 0 or ends() > 0 or vim.fn.execute('messages'):find('never sent', 1, true)
           or vim.fn.execute('messages'):find('is empty', 1, true)
           or vim.iter(vim.api.nvim_list_bufs()):any(function(buf)
             return #vim.api.nvim_buf_get_extmarks(buf, vim.api.nvim_create_namespace('gpt.notice'), 0, -1, {}) > 0
           end)",
    )
    .await;
    let sent: String = server.requests().iter().map(|request| request.text()).collect();
    // Of a commit's changes a key in use is taken out, as the manual says, and the rest goes.
    let is_redacted = kind == Kind::Key && sent.contains("[redacted]");
    assert!(is_redacted || !sent.contains(MARK), "{way}, {kind:?}: {sent}");
    assert!(!sent.contains("canary-key"), "{way}, {kind:?}: {sent}");
    if kind == Kind::Name || kind == Kind::Content {
        let asked = nvim.lua_i64("return #questions", &[]).await;
        assert_eq!((asked, sent.as_str()), (1, ""), "{way}, {kind:?}\n{}", nvim.screen());
    }
}

#[tokio::test]
async fn by_whatever_way_it_comes_nothing_secret_leaves_unasked() {
    for (way, keys) in WAYS {
        for kind in KINDS {
            leaves(way, keys, kind).await;
        }
    }
}

#[tokio::test]
async fn symbols_the_clipboard_and_the_names_of_files_are_looked_at_as_files_are() {
    for (way, keys, kinds) in FURTHER_WAYS {
        for kind in kinds {
            leaves(way, keys, *kind).await;
        }
    }
}

/// Of a tree the names of secret files are no secret; what stands in them never goes.
#[tokio::test]
async fn a_tree_of_files_holds_their_names_alone() {
    for kind in [Kind::Disabled, Kind::Name, Kind::Content] {
        let (server, home) = (Server::start([answer("ok")]).await, Home::new());
        let root = project(&home, kind);
        let nvim = editor(&server, &home, &root, kind).await;
        nvim.feed(":GPTChat what is #tree<CR>").await;
        wait_for_requests(&nvim, &server, 1).await;
        let sent = server.requests()[0].text();
        assert!(
            sent.contains("other.txt") && !sent.contains(MARK) && !sent.contains("ghp_"),
            "{sent}"
        );
    }
}

#[tokio::test]
async fn a_question_that_was_let_pass_is_sent_as_it_is_and_not_asked_about_again() {
    let (server, home) = (Server::start([answer("ok"), answer("ok")]).await, Home::new());
    let root = project(&home, Kind::Content);
    let nvim = editor(&server, &home, &root, Kind::Content).await;
    nvim.lua(
        "vim.ui.select = function(items, _, done) questions[#questions + 1] = 1 done(items[2], 2) end",
        &[],
    )
    .await;
    nvim.feed(":GPTChat what is #buffer<CR>").await;
    nvim.wait_lua("return #questions == 1").await;
    wait_for_requests(&nvim, &server, 1).await;
    assert!(server.requests()[0].text().contains(MARK));
    nvim.wait_lua("return not require('gpt.chat.chats').current().answer")
        .await;
    nvim.feed(":GPTChat and now<CR>").await;
    wait_for_requests(&nvim, &server, 2).await;
    assert_eq!(nvim.lua_i64("return #questions", &[]).await, 1);
    clean(&nvim).await;
}

async fn wait_for_requests(_nvim: &Nvim, server: &Server, n: usize) {
    crate::support::wait::until("the request", || server.requests().len() >= n).await;
}
