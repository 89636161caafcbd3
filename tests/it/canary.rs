//! No key gets anywhere where it does not belong, whatever happens. The search is shown to find what is planted.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;

use crate::nvim;
use crate::support::answer::{Answer, Step};
use crate::support::keyring::Keyring;
use crate::support::nvim::{Builder, Home, Nvim};
use crate::support::server::{Request, Server};
use crate::support::{process, wait};

/// How a key comes in.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Typed,
    Variable,
    Command,
}

/// Of no provider's form: no pattern takes it out.
fn canary(name: &str) -> String {
    format!("canary-{name}-{}-canary", std::process::id())
}

/// Where the key is found. Everything that the editor would keep is written to disk first.
async fn traces(nvim: &Nvim, key: &str, in_environment: bool) -> Vec<String> {
    let mut found = Vec::new();
    let kept = nvim
        .lua_string(
            "local home = ...
            vim.cmd('silent! preserve')
            vim.cmd('silent! wshada! ' .. home .. '/written.shada')
            for _, buf in ipairs(vim.api.nvim_list_bufs()) do
              if vim.api.nvim_buf_is_loaded(buf) then
                vim.api.nvim_buf_call(buf, function() vim.cmd('silent! wundo! ' .. home .. '/undo-' .. buf) end)
              end
            end
            local kept = { messages = vim.api.nvim_exec2('messages', { output = true }).output,
              history = vim.fn.execute('history all'), registers = {}, buffers = {} }
            for name in ('\"0123456789abcdefghijklmnopqrstuvwxyz-:./=%#'):gmatch('.') do
              kept.registers[name] = vim.fn.getreg(name)
            end
            for _, buf in ipairs(vim.api.nvim_list_bufs()) do
              kept.buffers[#kept.buffers + 1] = vim.api.nvim_buf_get_lines(buf, 0, -1, false)
            end
            kept.globals, kept.environment = vim.g, nil
            return vim.inspect(kept)",
            &[nvim.home().path().display().to_string().into()],
        )
        .await;
    if kept.contains(key) {
        found.push(format!("the editor: {kept}"));
    }
    if nvim.screen().contains(key) {
        found.push("the screen".into());
    }
    search_files(nvim.home().path(), key, &mut found);
    search_processes("cmdline", &all_processes(), key, &mut found);
    if !in_environment {
        let mut ours = nvim.processes();
        ours.extend(nvim.children());
        search_processes("environ", &ours, key, &mut found);
    }
    found
}

fn all_processes() -> Vec<u32> {
    let names = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.file_name());
    names.filter_map(|name| name.to_str()?.parse().ok()).collect()
}

fn search_processes(what: &str, processes: &[u32], key: &str, found: &mut Vec<String>) {
    for process in processes {
        let path = format!("/proc/{process}/{what}");
        if fs::read(&path).is_ok_and(|bytes| holds(&bytes, key)) {
            found.push(path);
        }
    }
}

fn search_files(folder: &Path, key: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if path.to_string_lossy().contains(key) {
            found.push(format!("the name of {}", path.display()));
        }
        if kind.is_dir() {
            search_files(&path, key, found);
        } else if kind.is_file() && fs::read(&path).is_ok_and(|bytes| holds(&bytes, key)) {
            found.push(path.display().to_string());
        }
    }
}

fn holds(bytes: &[u8], key: &str) -> bool {
    bytes.windows(key.len()).any(|window| window == key.as_bytes())
}

/// An editor that keeps all that an editor can keep, with the most talkative log. What is temporary lies in its home.
fn keeping(builder: Builder, home: &Home) -> Builder {
    let temporary = home.path().join("tmp");
    fs::create_dir_all(&temporary).unwrap();
    builder.home(home).env("TMPDIR", temporary.display().to_string()).init(
        "vim.o.shadafile, vim.o.undofile, vim.o.swapfile = '', true, true
        vim.o.history = 1000",
    )
}

async fn planted(how: &str) -> Vec<String> {
    let key = canary("planted");
    let nvim = keeping(nvim(), &Home::new()).start().await;
    nvim.lua(
        how,
        &[key.as_str().into(), nvim.home().path().display().to_string().into()],
    )
    .await;
    traces(&nvim, &key, false).await
}

#[tokio::test]
async fn the_search_finds_a_canary_wherever_it_is_planted() {
    for how in [
        "vim.fn.setreg('q', (...))",
        "vim.notify((...))",
        "vim.fn.histadd('cmd', (...))",
        "vim.fn.histadd('input', (...))",
        "vim.api.nvim_buf_set_lines(0, 0, -1, false, { (...) })",
        // Gone from the buffer, but not from its undo file; and from the swap file of another.
        "vim.api.nvim_buf_set_lines(0, 0, -1, false, { (...) }) vim.cmd('normal! ggdd') vim.fn.setreg('\"', '') vim.fn.setreg('1', '')",
        "local key, home = ... vim.fn.writefile({ key }, home .. '/state/some.log')",
        "local key, home = ... vim.fn.writefile({ key }, home .. '/tmp/core.1')",
        "local key, home = ... vim.fn.writefile({ '' }, home .. '/cache/' .. key)",
        "vim.fn.jobstart({ 'sh', '-c', 'sleep 60', (...) })",
        "vim.fn.jobstart({ 'sleep', '60' }, { env = { PLANTED = (...) } })",
    ] {
        assert!(!planted(how).await.is_empty(), "not found: {how}");
    }
    assert_eq!(planted("return 1").await, [""; 0]);
}

/// Answers whose errors repeat the key in every place that is shown or logged.
fn echoing(key: &str) -> impl FnMut(&Request) -> Answer + Send + 'static {
    let key = key.to_owned();
    let mut turns = 0;
    move |request: &Request| {
        if request.method == "GET" {
            return Answer::json(200, &json!({ "object": "list", "data": [{ "id": "m" }] }));
        }
        turns += 1;
        let (head, tail) = key.split_at(9);
        let error = |message: &str| json!({ "error": { "message": message, "type": key, "code": key, "param": key } });
        match turns {
            1 => Answer::responses_tokens(&["Key: ", head, tail, ".", " Done"]).gate_before_token(4, "streaming"),
            2 => Answer::json(401, &error(&format!("Incorrect API key provided: {key}")))
                .with_header("x-request-id", &key),
            // Cut in the middle of the key.
            3 => Answer::json(400, &error(&format!("{}{key}", "x".repeat(1990)))),
            4 => Answer::html(
                502,
                &format!("<html><title>{key}</title><body>Authorization: Bearer {key}</body></html>"),
            ),
            5 => Answer::new([
                Step::Status(302),
                Step::header("Location", &format!("https://example.com/?key={key}")),
            ]),
            _ => Answer::whole(400, "text/plain", &format!("bad key {key}")),
        }
    }
}

async fn ask(nvim: &Nvim) {
    nvim.lua("_G.ended = nil; require('gpt').chat({ prompt = 'Hello' })", &[])
        .await;
}

async fn ended(nvim: &Nvim) {
    nvim.wait_lua("return _G.ended").await;
}

/// The process of the program under test.
async fn program(nvim: &Nvim) -> u32 {
    let is_program =
        |pid: &u32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "gpt-nvim");
    nvim.children()
        .into_iter()
        .find(is_program)
        .expect("the running program")
}

async fn leaves_no_trace(way: Way) {
    let Some(keyring) = Keyring::start().await else { return };
    let key = canary(&format!("{way:?}").to_lowercase());
    let server = Server::start(echoing(&key)).await;
    // The command's own file is its user's affair, and lies elsewhere.
    let elsewhere = TempDir::new().unwrap();
    let store = elsewhere.path().join("store");
    fs::write(&store, &key).unwrap();
    let source = match way {
        Way::Command => format!(", key = {{ cmd = {{ \"cat\", {:?} }} }}", store.display().to_string()),
        Way::Typed | Way::Variable => String::new(),
    };
    let home = Home::new();
    let mut builder = nvim()
        .config(format!(
            "{{ model = \"openai/m\", log_level = \"trace\", chat = {{ start_insert = false }},
                providers = {{ openai = {{ base_url = \"{}/v1\"{source} }} }} }}",
            server.url()
        ))
        .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
        .init(
            "vim.api.nvim_create_autocmd('User', { pattern = { 'GPTAnswerDone', 'GPTAnswerFailed' },
              callback = function(args) _G.ended = vim.inspect(args.data) end })",
        );
    if way == Way::Variable {
        builder = builder.env("OPENAI_API_KEY", &key);
    }
    let nvim = keeping(builder, &home).start().await;
    if way == Way::Typed {
        nvim.feed(":GPTSetKey openai<CR>").await;
        for (prompt, answer) in [("(hidden):", key.as_str()), ("Organization id", ""), ("Project id", "")] {
            nvim.wait_screen_contains(prompt).await;
            nvim.feed(&format!("{answer}<CR>")).await;
        }
        nvim.wait_screen_contains("Connected to OpenAI (1 model).").await;
        assert_eq!(traces(&nvim, &key, false).await, [""; 0], "after it was typed");
    }
    let carries = way == Way::Variable;
    ask(&nvim).await;
    server.reached("streaming").await;
    nvim.wait_screen_contains("Key: [redacted].").await;
    assert_eq!(traces(&nvim, &key, carries).await, [""; 0], "during a stream");
    let limits = fs::read_to_string(format!("/proc/{}/limits", program(&nvim).await)).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(
        core.split_whitespace().collect::<Vec<_>>()[4..6],
        ["0", "0"],
        "{limits}"
    );
    server.open("streaming");
    ended(&nvim).await;
    for turn in 2..=6 {
        ask(&nvim).await;
        ended(&nvim).await;
        let data = nvim.lua_string("return _G.ended", &[]).await;
        assert!(!data.contains(&key), "{data}");
        assert_eq!(traces(&nvim, &key, carries).await, [""; 0], "after turn {turn}");
    }
    // The beginning of a key that was cut is as good as gone, too.
    let text = nvim
        .lua_string(
            "vim.cmd('GPT log') return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')",
            &[],
        )
        .await;
    assert!(text.contains("[redacted]") && !text.contains("canary-"), "{text}");
    nvim.command("close").await;
    for signal in [Signal::KILL, Signal::SEGV] {
        ask(&nvim).await;
        ended(&nvim).await;
        let pid = Pid::from_raw(program(&nvim).await as i32).unwrap();
        // Rust's own handler of SIGSEGV takes the first that no fault of memory caused.
        wait::until("the program is dead", || {
            kill_process(pid, signal).is_err() || !process::alive(pid.as_raw_pid() as u32)
        })
        .await;
        nvim.wait_screen_contains(&format!("(signal {})", signal.as_raw()))
            .await;
        // The message may wait for a key.
        nvim.feed("<Esc>").await;
        assert_eq!(traces(&nvim, &key, carries).await, [""; 0], "after {signal:?}");
    }
    nvim.quit().await;
    let mut found = Vec::new();
    search_files(home.path(), &key, &mut found);
    assert_eq!(found, [""; 0], "after the end");
}

#[tokio::test]
async fn a_typed_key_leaves_no_trace() {
    leaves_no_trace(Way::Typed).await;
}

#[tokio::test]
async fn a_key_in_a_variable_leaves_no_other_trace() {
    leaves_no_trace(Way::Variable).await;
}

#[tokio::test]
async fn a_key_that_a_command_prints_leaves_no_trace() {
    leaves_no_trace(Way::Command).await;
}
