//! Formats the list of models as a table: name, window, price and end of each.

use crate::numbers;
use crate::provider::catalogue::{Facts, has_ended};
use crate::words::{Locale, say};

/// A model in the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// `provider/model`.
    pub name: String,
    /// Whether it answers now.
    pub current: bool,
    /// What is known of it.
    pub facts: Facts,
    /// Whether it is no language model, and costs nothing.
    pub offline: bool,
}

/// The most characters that are shown of a name; longer ones, which a server may send, would push all else off the screen.
const LONGEST: usize = 56;

/// A name, of a very long one its beginning and its end.
fn short(name: &str) -> String {
    let count = name.chars().count();
    if count <= LONGEST {
        return name.to_owned();
    }
    let head: String = name.chars().take(LONGEST * 2 / 3).collect();
    let tail: String = name.chars().skip(count - LONGEST / 3).collect();
    format!("{head}…{tail}")
}

/// The rows as texts, their columns in line.
pub fn texts(rows: &[Row], today: &str, locale: Locale) -> Vec<String> {
    let prices: Vec<String> = rows.iter().map(|row| price(row, locale)).collect();
    let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or_default();
    let shown: Vec<String> = rows.iter().map(|row| short(&row.name)).collect();
    let names = width(&mut shown.iter().map(|name| name.chars().count()));
    let priced = width(&mut prices.iter().map(|price| price.chars().count()));
    let line = |((row, price), name): ((&Row, &String), &String)| {
        let mark = if row.current { "●" } else { " " };
        let window = row.facts.window.map(numbers::tokens).unwrap_or_default();
        let end = end(&row.facts, today, locale);
        format!("{mark} {name:<names$}  {window:>6}  {price:<priced$}  {end}")
            .trim_end()
            .to_owned()
    };
    rows.iter().zip(&prices).zip(&shown).map(line).collect()
}

fn price(row: &Row, locale: Locale) -> String {
    match (row.offline, row.facts.input, row.facts.output) {
        (true, ..) => say!(locale, "model.guide_price"),
        (_, Some(input), Some(output)) if input == 0.0 && output == 0.0 => say!(locale, "model.free"),
        (_, Some(input), Some(output)) => format!("{} / {}", numbers::money(input), numbers::money(output)),
        _ => say!(locale, "model.price_unknown"),
    }
}

fn end(facts: &Facts, today: &str, locale: Locale) -> String {
    let Some(ends) = &facts.ends else {
        return String::new();
    };
    match (&facts.replacement, &facts.nearest) {
        _ if !has_ended(Some(ends), today) => say!(locale, "model.row_ends", day = ends),
        (Some(model), _) => say!(locale, "model.row_ended_successor", day = ends, successor = model),
        (None, Some(near)) => say!(locale, "model.row_ended_nearest", day = ends, nearest = near),
        (None, None) => say!(locale, "model.row_ended", day = ends),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, facts: Facts) -> Row {
        Row {
            name: name.into(),
            current: false,
            facts,
            offline: false,
        }
    }

    #[test]
    fn the_columns_are_in_line() {
        let sol = Facts {
            window: Some(1_050_000),
            input: Some(2.0),
            output: Some(10.0),
            ..Facts::default()
        };
        let old = Facts {
            window: Some(8_192),
            input: Some(30.0),
            output: Some(60.0),
            ends: Some("2026-10-23".into()),
            replacement: Some("gpt-5.6-sol".into()),
            ..Facts::default()
        };
        let soon = Facts {
            ends: Some("2026-12-11".into()),
            ..Facts::default()
        };
        let mut rows = [
            row("openai/gpt-6.1-sol", sol),
            row("openai/gpt-4", old),
            row("x/y", soon),
        ];
        rows[0].current = true;
        assert_eq!(
            texts(&rows, "2026-11-22", Locale::English),
            [
                "● openai/gpt-6.1-sol   1.05M  $2 / $10",
                "  openai/gpt-4          8.2k  $30 / $60      ended 2026-10-23 → gpt-5.6-sol",
                "  x/y                         price unknown  ends 2026-12-11",
            ]
        );
    }

    #[test]
    fn a_name_of_thousands_of_letters_pushes_nothing_off_the_screen() {
        let long = format!("router/{}/tail", "日x".repeat(2500));
        let shown = texts(
            &[row("x/y", Facts::default()), row(&long, Facts::default())],
            "2026-11-22",
            Locale::English,
        );
        assert!(shown.iter().all(|line| line.chars().count() < 90), "{shown:?}");
        assert!(
            shown[1].starts_with("  router/日x") && shown[1].contains("…") && shown[1].contains("x/tail"),
            "{shown:?}"
        );
    }
}
