//! Formats token counts and amounts of money in few signs, as the cases in `data/numbers.json` show; `lua/gpt/numbers.lua`
//! is the same for the editor's side.

/// A number of tokens: `940`, `8.2k`, `400k`, `1.05M`.
pub fn tokens(count: u64) -> String {
    let rounded = |unit: u64| count.saturating_add(unit / 2) / unit;
    match count {
        0..1_000 => count.to_string(),
        1_000..9_950 => format!("{}k", short(rounded(100), 10)),
        9_950..999_500 => format!("{}k", rounded(1_000)),
        _ => format!("{}M", short(rounded(10_000), 100)),
    }
}

/// A count of these parts of one, without zeros at its end. Counted, as Rust and LuaJIT round halves differently.
fn short(parts: u64, of: u64) -> String {
    let digits = of.ilog10() as usize;
    let number = format!("{}.{:0digits$}", parts / of, parts % of);
    number.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// An amount of US dollars, exact enough to tell cheap answers apart: `$2`, `$7.50`, `$0.075`, `<$0.0001`.
pub fn money(dollars: f64) -> String {
    let rounded = |parts: f64| (dollars * parts + 0.5).floor() as u64;
    if dollars.is_nan() || dollars <= 0.0 {
        "$0".to_owned()
    } else if dollars < 0.0001 {
        "<$0.0001".to_owned()
    } else if dollars >= 1.0 && dollars.fract() == 0.0 {
        format!("${dollars:.0}")
    } else if dollars >= 1.0 {
        format!("${}.{:02}", rounded(100.0) / 100, rounded(100.0) % 100)
    } else {
        let exact = format!("${}.{:04}", rounded(10_000.0) / 10_000, rounded(10_000.0) % 10_000);
        let shorter = exact.strip_suffix("00").or_else(|| exact.strip_suffix('0'));
        shorter.unwrap_or(&exact).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    #[test]
    fn numbers_are_formatted_as_the_table_says() {
        let table: Value = serde_json::from_str(include_str!("../data/numbers.json")).unwrap();
        for case in table["tokens"].as_array().unwrap() {
            assert_eq!(super::tokens(case[0].as_u64().unwrap()), case[1], "{case}");
        }
        for case in table["money"].as_array().unwrap() {
            assert_eq!(super::money(case[0].as_f64().unwrap()), case[1], "{case}");
        }
        assert_eq!(super::money(f64::NAN), "$0");
    }
}
