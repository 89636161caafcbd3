//! Random sizes, layouts, options and names under a watchdog: whatever the windows are like and whatever anything is
//! called, the editor answers and raises nothing.

use std::time::Duration;

use rmpv::Value;
use tokio::time::{Instant, sleep};

use crate::common::*;
use crate::random::Random;
use crate::support::nvim::Nvim;
use crate::support::process;
use crate::support::server::{Request, Server};

/// How many sequences are tried; `GPT_SIZES` asks for others: `500`, or `17..18` for one of them.
const SEQUENCES: u64 = 60;
/// How many editors try them side by side.
const EDITORS: u64 = 3;
/// An editor that does not answer for so long hangs: on a busy machine the slowest step takes two seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long an answer may take before it is looked whether something asks for a key.
const QUIET: Duration = Duration::from_millis(200);

/// What things are called: lengths, widths and signs that no layout expects.
const NAMES: [&str; 12] = [
    "m1",
    "openrouter/anthropic/claude-sonnet-5:free-with-a-long-tail",
    "%{execute('let g:ran = 1')}%#Error#%=%<%%",
    "模型漢字仮名交じり文の長い名前模型漢字仮名交じり文の長い名前",
    "e\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}",
    "a\nb\rc\0d\te",
    "👩\u{200d}👩\u{200d}👧\u{200d}👦🇧🇷👍🏽",
    "\u{202e}rtl\u{200b}zero\u{feff}",
    "\u{301}",
    "",
    "   ",
    "\u{1b}[31mred\u{7f}\u{9b}",
];

const COMMANDS: [&str; 26] = [
    "GPTChat",
    "GPTChat",
    "GPTChat!",
    "GPTChat why",
    "vertical GPTChat",
    "vertical GPTChat",
    "horizontal GPTChat",
    "tab GPTChat",
    "topleft vertical GPTChat",
    "aboveleft GPTChat! again",
    "vertical resize 1",
    "resize 1",
    "vertical resize 15",
    "wincmd |",
    "wincmd _",
    "wincmd =",
    "vsplit",
    "split",
    "only",
    "wincmd T",
    "GPT log",
    "GPT chats",
    "GPTModel other/x",
    "e",
    "tabnext",
    "close",
];

const KEYS: [&str; 12] = [
    "g?",
    "q",
    "gs",
    "zc",
    "gr",
    "GAmore text<Esc>",
    "<CR>",
    "u",
    "gd",
    "[[",
    "ga",
    "<C-w>w",
];

const OPTIONS: [&str; 24] = [
    "cmdheight=0",
    "cmdheight=1",
    "laststatus=0",
    "laststatus=3",
    "noequalalways",
    "winminwidth=0",
    "winminheight=0",
    "winwidth=1",
    "winwidth=30",
    "winheight=5",
    "scrollbind",
    "cursorbind",
    "number",
    "foldcolumn=3",
    "signcolumn=yes:3",
    "nohidden",
    "autochdir",
    "winfixwidth",
    "winfixbuf",
    "showtabline=2",
    "ambiwidth=double",
    "eventignore=WinResized",
    "eventignore=",
    "rightleft",
];

/// One name, sometimes repeated until it is as long as the longest.
fn name(random: &mut Random) -> String {
    let name = NAMES[random.below(NAMES.len() as u64) as usize];
    match random.below(3) {
        0 if !name.is_empty() => name.repeat(200 / name.chars().count().max(1) + 1),
        _ => name.to_owned(),
    }
}

/// Lua for a string literal, whatever is in it.
fn quoted(text: &str) -> String {
    let bytes: Vec<String> = text.bytes().map(|byte| format!("\\{byte:03}")).collect();
    format!("\"{}\"", bytes.concat())
}

fn pick<'a>(random: &mut Random, from: &[&'a str]) -> &'a str {
    from[random.below(from.len() as u64) as usize]
}

/// A size in cells: mostly small, since small ones are impossible in more ways.
fn cells(random: &mut Random, least: u64, most: u64) -> u64 {
    let most = if random.below(3) == 0 {
        most
    } else {
        least + (most - least) / 4
    };
    least + random.below(most - least + 1)
}

/// Asks without waiting for ever. An editor that does not answer is killed, and the failure names what was done.
struct Watchdog<'a> {
    nvim: &'a Nvim,
    done: Vec<String>,
}

impl Watchdog<'_> {
    async fn call(&self, function: &str, args: Vec<Value>) -> Result<Value, String> {
        let api = self.nvim.api().clone();
        let (asked, name) = (function.to_owned(), function.to_owned());
        let mut call = tokio::spawn(async move { api.call(&asked, args).await });
        let begun = Instant::now();
        loop {
            match tokio::time::timeout(QUIET, &mut call).await {
                Ok(Ok(Ok(Ok(value)))) => return Ok(value),
                Ok(Ok(Ok(Err(error)))) => return Err(error.to_string()),
                Ok(ended) => panic!("the editor is gone at {name}: {ended:?}, after\n{}", self.told()),
                Err(_) if begun.elapsed() > PATIENCE => {
                    process::kill9(self.nvim.pid());
                    panic!("the editor hangs at {name}, after\n{}", self.told())
                }
                // A question of Neovim's own, whether to go on say, holds the answer back.
                Err(_) if name == "nvim_exec_lua" && Box::pin(self.is_blocked()).await => {
                    drop(Box::pin(self.call("nvim_input", vec!["<CR>".into()])).await);
                }
                Err(_) => {}
            }
        }
    }

    async fn mode(&self) -> (String, bool) {
        let mode = self.call("nvim_get_mode", vec![]).await.expect("a mode");
        let fields = mode.as_map().expect("a map");
        let field = |name: &str| {
            fields
                .iter()
                .find(|(key, _)| key.as_str() == Some(name))
                .map(|(_, value)| value)
        };
        let mode = field("mode").and_then(Value::as_str).unwrap_or_default().to_owned();
        (mode, field("blocking").and_then(Value::as_bool) == Some(true))
    }

    async fn is_blocked(&self) -> bool {
        self.mode().await.1
    }

    fn told(&self) -> String {
        format!("{}\non\n{}", self.done.join("\n"), self.nvim.screen())
    }

    /// Waits until the editor takes commands again, past any question of Neovim's own.
    async fn ready(&self) {
        for _ in 0..400 {
            let (mode, blocking) = self.mode().await;
            if blocking {
                drop(self.call("nvim_input", vec!["<CR>".into()]).await);
            } else if mode != "n" {
                drop(self.call("nvim_input", vec!["<C-\\><C-n>".into()]).await);
            } else {
                return;
            }
            sleep(Duration::from_millis(5)).await;
        }
        panic!("the editor does not come back to normal mode after\n{}", self.told());
    }

    async fn type_keys(&mut self, keys: &str) {
        self.done.push(keys.to_owned());
        drop(self.call("nvim_input", vec![keys.into()]).await);
        self.settled().await;
    }

    async fn lua(&mut self, code: &str) {
        self.done.push(format!("lua {code}"));
        let done = self
            .call("nvim_exec_lua", vec![code.into(), Value::Array(vec![])])
            .await;
        if let Err(error) = done {
            panic!("{error} of\n{}", self.told());
        }
        self.settled().await;
    }

    /// Waits until what was begun is done and drawn, and looks at what was said of it.
    async fn settled(&mut self) {
        self.ready().await;
        let code = "vim.cmd.redraw() return vim.api.nvim_exec2('messages', { output = true }).output";
        let said = loop {
            // A question of Neovim's own can come between.
            match self
                .call("nvim_exec_lua", vec![code.into(), Value::Array(vec![])])
                .await
            {
                Ok(said) => break said.as_str().unwrap_or_default().to_owned(),
                Err(_) => self.ready().await,
            }
        };
        let ran = self
            .call(
                "nvim_exec_lua",
                vec!["return vim.g.ran == nil".into(), Value::Array(vec![])],
            )
            .await;
        assert_eq!(ran, Ok(Value::from(true)), "a name was run after\n{}", self.told());
        for sign in [
            "E5108",
            "stack traceback",
            "Error executing",
            "Error in ",
            "Error detected",
            "Lua callback",
            "Lua: ",
        ] {
            assert!(!said.contains(sign), "{said}\nafter\n{}", self.told());
        }
    }
}

/// One thing that somebody does, or that happens.
async fn act(dog: &mut Watchdog<'_>, random: &mut Random) {
    match random.below(12) {
        0..=3 => {
            let command = pick(random, &COMMANDS);
            dog.type_keys(&format!(":silent! {command}<CR>").replace("silent! GPT", "GPT"))
                .await;
        }
        4 | 5 => {
            let (columns, rows) = (cells(random, 12, 120), cells(random, 3, 40));
            dog.done.push(format!("screen {columns}x{rows}"));
            drop(dog.call("nvim_ui_try_resize", vec![columns.into(), rows.into()]).await);
            dog.settled().await;
        }
        6 => {
            let option = pick(random, &OPTIONS);
            dog.type_keys(&format!(":silent! set {option}<CR>")).await;
        }
        7 => {
            let (provider, model, remark) = (name(random), name(random), name(random));
            dog.lua(&format!(
                "require('gpt.chat.model').show({{ provider = {}, model = {}, remark = {}, window = {}, prices_of = '', chosen = true }})",
                quoted(&provider), quoted(&model), quoted(&remark), random.below(1 << 40)
            ))
            .await;
        }
        8 => {
            let told = name(random);
            dog.lua(&format!(
                "local told = {{ level = 'warning', title = {0}, advice = {0}, details = {{ {0} }} }}
                require('gpt.chat.tell').inform(told)
                local chat = require('gpt.chat.chats').current()
                if chat then require('gpt.chat.tell').at_prompt(chat, told) end",
                quoted(&told)
            ))
            .await;
        }
        9 => {
            let file: String = name(random)
                .chars()
                .filter(|c| !matches!(c, '/' | '\0'))
                .take(60)
                .collect();
            dog.lua(&format!(
                "pcall(vim.cmd.edit, vim.fn.fnameescape('f' .. {}))",
                quoted(&file)
            ))
            .await;
        }
        _ => {
            let keys = pick(random, &KEYS);
            dog.type_keys(keys).await;
        }
    }
}

async fn sequence(seed: u64) {
    let mut random = Random::new(seed.wrapping_add(77));
    let server =
        Server::start(|_: &Request| answer("Some **words** and\n\n```lua\nprint(1)\n```\n\nmore words.")).await;
    let layouts = ["float", "vertical", "horizontal", "tab", "current"];
    let layout = pick(&mut random, &layouts);
    let (width, height) = (cells(&mut random, 0, 300), cells(&mut random, 0, 300));
    let model: String = name(&mut random)
        .chars()
        .filter(|c| !c.is_control() && !c.is_whitespace())
        .collect();
    let model = format!("m{model}");
    let more = format!("chat = {{ layout = '{layout}', width = {width} / 100, height = {height} / 10 }}");
    let (columns, rows) = (cells(&mut random, 12, 120) as u16, cells(&mut random, 3, 40) as u16);
    let url = server.url();
    let config = format!(
        "{{ model = \"test/\" .. {}, providers = {{ test = {{ like = 'openai-compatible', key = false, base_url = '{url}/v1' }} }}, {more} }}",
        quoted(&model)
    );
    let nvim = configured(&server, "")
        .config(config.clone())
        .size(columns, rows)
        .start()
        .await;
    let mut dog = Watchdog {
        nvim: &nvim,
        done: vec![format!("seed {seed}: {columns}x{rows}, {config}")],
    };
    dog.settled().await;
    for _ in 0..10 + random.below(10) {
        act(&mut dog, &mut random).await;
    }
    drop(server);
}

/// The seeds of the sequences to try.
fn seeds() -> std::ops::Range<u64> {
    let wanted = std::env::var("GPT_SIZES").unwrap_or_default();
    let (first, last) = wanted.split_once("..").unwrap_or(("0", &wanted));
    first.parse().unwrap_or(0)..last.parse().unwrap_or(SEQUENCES)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_sizes_and_names_are_nothing_hangs_and_nothing_raises() {
    let mut editors = tokio::task::JoinSet::new();
    for editor in 0..EDITORS {
        editors.spawn(async move {
            for seed in seeds().filter(|seed| seed % EDITORS == editor) {
                sequence(seed).await;
            }
        });
    }
    while let Some(ended) = editors.join_next().await {
        if let Err(error) = ended {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}
