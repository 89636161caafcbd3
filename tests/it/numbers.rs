//! The editor's side formats numbers as the table does, and as the program does.

use gpt_nvim::numbers;
use rmpv::Value;

const TABLE: &str = include_str!("../../data/numbers.json");
const FORMATTED: &str = "local format, values = ...
    return vim.tbl_map(require('gpt.numbers')[format], values)";

#[tokio::test]
async fn the_editor_formats_numbers_as_the_table_says() {
    let nvim = crate::nvim().start().await;
    let table: serde_json::Value = serde_json::from_str(TABLE).unwrap();
    for format in ["tokens", "money"] {
        let cases = table[format].as_array().unwrap();
        let values = cases
            .iter()
            .map(|case| Value::from(case[0].as_f64().unwrap()))
            .collect();
        let shown = nvim.lua_lines(FORMATTED, &[format.into(), Value::Array(values)]).await;
        let expected: Vec<&str> = cases.iter().map(|case| case[1].as_str().unwrap()).collect();
        assert_eq!(shown, expected, "{format}");
    }
}

#[tokio::test]
async fn the_editor_and_the_program_format_any_number_alike() {
    let nvim = crate::nvim().start().await;
    // Each some part larger than the last, so that all sizes come.
    let counts: Vec<u64> = (0..2_000).map(|n| 1.0105_f64.powi(n) as u64).collect();
    let amounts: Vec<f64> = (0..2_000).map(|n| 0.000_01 * 1.0121_f64.powi(n)).collect();
    let values = Value::Array(counts.iter().map(|&count| count.into()).collect());
    let shown = nvim.lua_lines(FORMATTED, &["tokens".into(), values]).await;
    for (count, shown) in counts.iter().zip(&shown) {
        assert_eq!(*shown, numbers::tokens(*count), "{count}");
    }
    let values = Value::Array(amounts.iter().map(|&amount| amount.into()).collect());
    let shown = nvim.lua_lines(FORMATTED, &["money".into(), values]).await;
    for (amount, shown) in amounts.iter().zip(&shown) {
        assert_eq!(*shown, numbers::money(*amount), "{amount}");
    }
}
