//! A screen, drawn from Neovim's `redraw` events (`:help ui-linegrid`).

use std::collections::HashMap;

use rmpv::Value;

/// One cell. The right half of a double-width character is an empty text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub text: String,
    /// The id of the highlight, a key of the table that `hl_attr_define` fills; 0 is the default.
    pub highlight: u64,
}

impl Cell {
    fn blank() -> Self {
        Cell {
            text: " ".to_owned(),
            highlight: 0,
        }
    }
}

/// How a cell is drawn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Highlight {
    /// 24-bit RGB; the default colour when `None`.
    pub foreground: Option<u64>,
    pub background: Option<u64>,
    pub special: Option<u64>,
    /// The switches that are on: `bold`, `italic`, `underline`, `reverse`, `strikethrough`…
    pub styles: Vec<String>,
    /// The names of the highlight groups that were combined here, lowest first.
    pub groups: Vec<String>,
}

/// What the user sees. Readers get the state of the last `flush`, never a half-drawn one.
#[derive(Debug, Clone, Default)]
pub struct Screen {
    shown: Vec<Vec<Cell>>,
    shown_cursor: (usize, usize),
    drawn: Vec<Vec<Cell>>,
    drawn_cursor: (usize, usize),
    dirty: Vec<bool>,
    highlights: HashMap<u64, Highlight>,
    default_colors: (u64, u64),
    mode: String,
    flushes: u64,
}

impl Screen {
    /// Takes the arguments of one `redraw` notification; true if they completed a state that a user would see.
    pub fn redraw(&mut self, events: &[Value]) -> bool {
        let before = self.flushes;
        for event in events.iter().filter_map(Value::as_array) {
            let Some((name, calls)) = event.split_first() else {
                continue;
            };
            for call in calls.iter().filter_map(Value::as_array) {
                self.event(name.as_str().unwrap_or_default(), call);
            }
        }
        self.flushes > before
    }

    fn event(&mut self, name: &str, args: &[Value]) {
        match name {
            "grid_resize" => self.resize(number(args, 1), number(args, 2)),
            "grid_clear" => self.clear(),
            "grid_line" => self.line(args),
            "grid_scroll" => self.scroll(args),
            "grid_cursor_goto" => self.drawn_cursor = (number(args, 1), number(args, 2)),
            "hl_attr_define" => self.define(args),
            "default_colors_set" => self.default_colors = (number(args, 0) as u64, number(args, 1) as u64),
            "mode_change" => self.mode = text(args, 0).to_owned(),
            "flush" => self.flush(),
            _ => {}
        }
    }

    fn resize(&mut self, width: usize, height: usize) {
        self.drawn.resize(height, Vec::new());
        self.drawn.iter_mut().for_each(|row| row.resize(width, Cell::blank()));
        self.dirty = vec![true; height];
    }

    fn clear(&mut self) {
        self.drawn.iter_mut().flatten().for_each(|cell| *cell = Cell::blank());
        self.dirty.fill(true);
    }

    /// `[grid, row, column, cells, wrap]`; a cell is `[text, highlight, repeat]`, where a highlight left out is the
    /// one before it, and a repeat left out is 1.
    fn line(&mut self, args: &[Value]) {
        let (row, mut column) = (number(args, 1), number(args, 2));
        let Some(cells) = args.get(3).and_then(Value::as_array) else {
            return;
        };
        let Some(target) = self.drawn.get_mut(row) else { return };
        self.dirty[row] = true;
        let mut highlight = 0;
        for cell in cells.iter().filter_map(Value::as_array) {
            highlight = cell.get(1).and_then(Value::as_u64).unwrap_or(highlight);
            let repeat = cell.get(2).and_then(Value::as_u64).unwrap_or(1) as usize;
            for slot in target.iter_mut().skip(column).take(repeat) {
                *slot = Cell {
                    text: text(cell, 0).to_owned(),
                    highlight,
                };
            }
            column += repeat;
        }
    }

    /// `[grid, top, bottom, left, right, rows, columns]`: up by `rows`, or down if they are negative. What comes into
    /// view keeps its old content, for the lines that follow to draw over.
    fn scroll(&mut self, args: &[Value]) {
        let (top, bottom, left, right) = (number(args, 1), number(args, 2), number(args, 3), number(args, 4));
        let rows = args.get(5).and_then(Value::as_i64).unwrap_or(0);
        let distance = rows.unsigned_abs() as usize;
        let height = bottom.saturating_sub(top);
        for step in 0..height.saturating_sub(distance) {
            let to = if rows > 0 { top + step } else { bottom - 1 - step };
            let from = if rows > 0 { to + distance } else { to - distance };
            let source = self.drawn[from][left..right].to_vec();
            self.drawn[to][left..right].clone_from_slice(&source);
            self.dirty[to] = true;
        }
    }

    /// `[id, rgb attributes, terminal attributes, info]`; `info` comes from `ext_hlstate`.
    fn define(&mut self, args: &[Value]) {
        let mut highlight = Highlight::default();
        for (key, value) in args.get(1).and_then(Value::as_map).into_iter().flatten() {
            match key.as_str().unwrap_or_default() {
                "foreground" => highlight.foreground = value.as_u64(),
                "background" => highlight.background = value.as_u64(),
                "special" => highlight.special = value.as_u64(),
                style if value.as_bool() == Some(true) => highlight.styles.push(style.to_owned()),
                _ => {}
            }
        }
        for info in args.get(3).and_then(Value::as_array).into_iter().flatten() {
            let field = |name: &str| {
                info.as_map()?
                    .iter()
                    .find(|(key, _)| key.as_str() == Some(name))?
                    .1
                    .as_str()
            };
            let group = field("hi_name")
                .filter(|name| !name.is_empty())
                .or_else(|| field("ui_name"));
            highlight.groups.extend(group.map(str::to_owned));
        }
        self.highlights.insert(number(args, 0) as u64, highlight);
    }

    fn flush(&mut self) {
        self.shown.resize(self.drawn.len(), Vec::new());
        for (row, dirty) in self.dirty.iter_mut().enumerate().filter(|(_, dirty)| **dirty) {
            self.shown[row].clone_from(&self.drawn[row]);
            *dirty = false;
        }
        self.shown_cursor = self.drawn_cursor;
        self.flushes += 1;
    }

    /// The whole screen as text: one line per row, without blanks at the ends of rows and below the last one.
    pub fn text(&self) -> String {
        let rows: Vec<String> = (0..self.shown.len()).map(|row| self.row(row)).collect();
        rows.join("\n").trim_end().to_owned()
    }

    /// One row as text, without blanks at its end; empty if there is no such row.
    pub fn row(&self, row: usize) -> String {
        let cells = self.shown.get(row).map(Vec::as_slice).unwrap_or_default();
        let text: String = cells.iter().map(|cell| cell.text.as_str()).collect();
        text.trim_end().to_owned()
    }

    /// Columns and rows.
    pub fn size(&self) -> (usize, usize) {
        (self.shown.first().map_or(0, Vec::len), self.shown.len())
    }

    /// Row and column of the cursor, counted from 0, in cells.
    pub fn cursor(&self) -> (usize, usize) {
        self.shown_cursor
    }

    /// The mode's name as a UI gets it: `normal`, `insert`, `visual`, `cmdline_normal`…
    pub fn mode(&self) -> &str {
        &self.mode
    }

    /// How often the screen was brought up to date.
    pub fn flushes(&self) -> u64 {
        self.flushes
    }

    /// The default foreground and background, 24-bit RGB.
    pub fn default_colors(&self) -> (u64, u64) {
        self.default_colors
    }

    pub fn cell(&self, row: usize, column: usize) -> Option<&Cell> {
        self.shown.get(row)?.get(column)
    }

    /// How the cell is drawn; the default highlight for one that has none or does not exist.
    pub fn highlight_at(&self, row: usize, column: usize) -> Highlight {
        let id = self.cell(row, column).map_or(0, |cell| cell.highlight);
        self.highlights.get(&id).cloned().unwrap_or_default()
    }

    /// Row and column (in cells) where `text` first stands within one row.
    pub fn find(&self, text: &str) -> Option<(usize, usize)> {
        self.shown.iter().enumerate().find_map(|(row, cells)| {
            let starts = |column: &usize| {
                let rest: String = cells[*column..].iter().map(|cell| cell.text.as_str()).collect();
                !cells[*column].text.is_empty() && rest.starts_with(text)
            };
            (0..cells.len()).find(starts).map(|column| (row, column))
        })
    }
}

fn number(args: &[Value], index: usize) -> usize {
    args.get(index).and_then(Value::as_u64).unwrap_or(0) as usize
}

fn text(args: &[Value], index: usize) -> &str {
    args.get(index).and_then(Value::as_str).unwrap_or_default()
}
