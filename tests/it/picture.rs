//! The picture of the README: the real float, drawn from the screen of a real Neovim. `scripts/picture` draws it anew.

use std::fmt::Write as _;

use crate::common::*;
use crate::support::answer::Answer;
use crate::support::home::Home;
use crate::support::nvim::Nvim;
use crate::support::screen::{Highlight, Screen};
use crate::support::server::Server;

const PLACE: &str = "doc/float.svg";
const SIZE: (u16, u16) = (100, 44);
/// A cell, in pixels, and where its letters stand in it.
const WIDTH: usize = 9;
const HEIGHT: usize = 19;
const BASE: usize = 14;

const FILE: &str = "local M = {}

function M.reverse(list)
  local result = {}
  for i = 1, #list do
    table.insert(result, 1, list[i])
  end
  return result
end

return M
";

const ANSWER: &[&str] = &[
    "`table.insert(result, 1, …)` moves every element up, so the loop takes quadratic time. ",
    "Write from the end instead:\n\n",
    "```lua\nfunction M.reverse(list)\n  local result, n = {}, #list\n  for i = 1, n do\n",
    "    result[n + 1 - i] = list[i]\n  end\n  return result\nend\n```\n\n",
    "Put it in place with `ga`, or look at the difference first with `gd`.",
];

/// How a cell is drawn: colours after `reverse`, and what CSS it takes.
fn style(screen: &Screen, highlight: &Highlight) -> (String, Option<String>) {
    let (foreground, background) = screen.default_colors();
    let is = |name: &str| highlight.styles.iter().any(|style| style == name);
    let colour = |value: u64| format!("#{value:06x}");
    let mut letters = highlight.foreground.unwrap_or(foreground);
    let mut ground = highlight.background;
    if is("reverse") {
        (letters, ground) = (ground.unwrap_or(background), Some(letters));
    }
    let mut css = format!("fill=\"{}\"", colour(letters));
    for (name, attribute) in [
        ("bold", " font-weight=\"bold\""),
        ("italic", " font-style=\"italic\""),
        ("underline", " text-decoration=\"underline\""),
        ("strikethrough", " text-decoration=\"line-through\""),
    ] {
        if is(name) {
            css.push_str(attribute);
        }
    }
    (css, ground.filter(|ground| *ground != background).map(colour))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A screen as SVG: text, so that it can be read, searched and compared. Times of the day are noon.
fn svg(screen: &Screen) -> String {
    let (columns, rows) = screen.size();
    let (width, height) = (columns * WIDTH, rows * HEIGHT);
    let (_, background) = screen.default_colors();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-size=\"15\" \
         font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace\">\n\
         <title>A chat of gpt.nvim in Neovim</title>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"#{background:06x}\"/>\n"
    );
    for row in 0..rows {
        let cells: Vec<(String, (String, Option<String>))> = (0..columns)
            .map(|column| {
                let text = screen.cell(row, column).map_or(String::new(), |cell| cell.text.clone());
                (text, style(screen, &screen.highlight_at(row, column)))
            })
            .collect();
        let mut column = 0;
        while column < columns {
            let end = (column..columns)
                .find(|at| cells[*at].1 != cells[column].1)
                .unwrap_or(columns);
            let text: String = cells[column..end].iter().map(|(text, _)| text.as_str()).collect();
            run(&mut svg, row, column..end, &noon(&text), &cells[column].1);
            column = end;
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Some cells that are drawn alike.
fn run(svg: &mut String, row: usize, columns: std::ops::Range<usize>, text: &str, style: &(String, Option<String>)) {
    let (x, y, length) = (columns.start * WIDTH, row * HEIGHT, columns.len() * WIDTH);
    if let Some(ground) = &style.1 {
        writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{length}\" height=\"{HEIGHT}\" fill=\"{ground}\"/>"
        )
        .unwrap();
    }
    let shown = text.trim_end();
    if shown.is_empty() {
        return;
    }
    let skipped = shown.chars().take_while(|sign| *sign == ' ').count();
    let wide = shown.chars().count() - skipped;
    writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" textLength=\"{}\" xml:space=\"preserve\" {}>{}</text>",
        x + skipped * WIDTH,
        y + BASE,
        wide * WIDTH,
        style.0,
        escaped(&shown[skipped..])
    )
    .unwrap();
}

/// A text whose times of the day are noon.
fn noon(text: &str) -> String {
    let mut signs: Vec<char> = text.chars().collect();
    for at in 0..signs.len().saturating_sub(4) {
        let is_time = (0..5).all(|index| match index {
            2 => signs[at + 2] == ':',
            _ => signs[at + index].is_ascii_digit(),
        });
        if is_time {
            signs.splice(at..at + 5, "12:00".chars());
        }
    }
    signs.into_iter().collect()
}

async fn scene(server: &Server) -> Nvim {
    let home = Home::new();
    let file = home.write("list.lua", FILE);
    let url = server.url();
    let nvim = unconfigured()
        .home(&home)
        .env("OPENAI_API_KEY", "sk-picture")
        .init("vim.o.termguicolors = true vim.o.background = 'dark' vim.o.ruler = false vim.o.showcmd = false vim.o.number = true")
        .config(format!(
            "{{ model = 'openai/gpt-6.1-sol', providers = {{ openai = {{ base_url = '{url}/v1' }} }},
                chat = {{ start_insert = false }} }}"
        ))
        .arg(file)
        .size(SIZE.0, SIZE.1)
        .start()
        .await;
    nvim.feed(":3,9GPTChat Why is this slow?<CR>").await;
    ended(&nvim, 1).await;
    nvim.wait_screen_contains("with `gd`").await;
    // Until the answer's code is highlighted.
    crate::support::wait::until("colours", || {
        let screen = nvim.screen_state();
        screen.find("local result, n").is_some_and(|(row, column)| {
            let styles = screen.highlight_at(row, column).styles;
            styles.iter().any(|style| style == "bold")
        })
    })
    .await;
    nvim
}

#[tokio::test]
async fn the_picture_of_the_readme_is_what_the_program_shows() {
    let probe = crate::nvim().start().await;
    if probe.lua_i64("return vim.version().minor", &[]).await != 11 {
        eprintln!("skipped: the picture is drawn by Neovim 0.11");
        return;
    }
    let server = Server::start(Answer::responses_tokens(ANSWER)).await;
    let nvim = scene(&server).await;
    let place = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(PLACE);
    if std::env::var_os("GPT_WRITE_PICTURE").is_some() {
        return std::fs::write(place, svg(&nvim.screen_state())).unwrap();
    }
    let kept = std::fs::read_to_string(&place).unwrap_or_default();
    let mut drawn = svg(&nvim.screen_state());
    for _ in 0..50 {
        if drawn == kept {
            return;
        }
        tokio::time::sleep(crate::support::wait::POLL).await;
        drawn = svg(&nvim.screen_state());
    }
    let differing = drawn.lines().zip(kept.lines()).find(|(drawn, kept)| drawn != kept);
    panic!("{PLACE} is not what is shown now: look at it after scripts/picture. {differing:?}");
}
