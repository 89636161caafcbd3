use serde_json::Value;

use super::*;

fn table() -> Value {
    serde_json::from_str(TABLE).unwrap()
}

/// The examples of an entry, joined: they are cut so that nobody's scanner takes them for real.
fn examples(entry: &Value, field: &str) -> Vec<String> {
    let parts = |example: &Value| -> String {
        let parts = example.as_array().unwrap_or_else(|| panic!("{example}"));
        parts.iter().map(|part| part.as_str().unwrap()).collect()
    };
    let all = entry[field].as_array().unwrap_or_else(|| panic!("no {field}: {entry}"));
    all.iter().map(parts).collect()
}

fn entries() -> Vec<Value> {
    let table = table();
    let mut entries = table["keys"].as_array().unwrap().clone();
    entries.extend(["userinfo", "jwt", "private_keys"].map(|name| table[name].clone()));
    entries
}

fn holds(text: &str) -> bool {
    find(text, Look::Sent).next().is_some()
}

#[test]
fn each_format_of_the_table_has_its_source_and_finds_its_own_examples_and_no_others() {
    for entry in entries() {
        let sources = entry["source"].to_string();
        assert!(sources.contains("https://"), "{entry}");
        for example in examples(&entry, "are") {
            for (before, after) in [
                ("", ""),
                ("x = \"", "\"\n"),
                ("é", "é"),
                ("KEY=", "&b"),
                ("\\n", "\\n"),
                ("%3D", "."),
                ("**", "**"),
            ] {
                if example.contains("://") && before.ends_with(['"', '*']) {
                    continue;
                }
                let text = format!("{before}{example}{after}");
                assert!(holds(&text), "not found: {text}");
                assert!(find(&text, Look::Shown).next().is_some(), "not hidden: {text}");
            }
        }
        for example in examples(&entry, "are_not") {
            assert!(!holds(&example), "found: {example}");
        }
    }
}

#[test]
fn the_whole_of_a_key_is_found_and_nothing_beside_it() {
    for entry in table()["keys"].as_array().unwrap() {
        if entry["gap"].as_bool().unwrap_or_default() {
            continue;
        }
        for example in examples(entry, "are") {
            let text = format!("a ({example}), b");
            let found: Vec<_> = find(&text, Look::Sent).map(|found| &text[found.place]).collect();
            assert_eq!(found, [example.as_str()]);
        }
    }
}

#[test]
fn ordinary_texts_hold_no_key() {
    for text in table()["ordinary"]["texts"].as_array().unwrap() {
        let text = text.as_str().unwrap();
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn of_the_address_only_name_and_password_are_hidden() {
    let shown = |text: &str| -> Vec<String> {
        find(text, Look::Shown)
            .map(|found| text[found.place].to_owned())
            .collect()
    };
    assert_eq!(shown("https://me:p@ss@host:1/v1?a@b and ssh://git@x/y"), ["me:p@ss"]);
    assert_eq!(shown(r#"{"url":"https:\/\/me:word@host\/v1"}"#), ["me:word"]);
    assert_eq!(shown("https://[redacted]@host/ http://a:[redacted]@b"), [""; 0]);
}

#[test]
fn a_private_key_is_found_to_its_end() {
    let armor = |label: &str| ["-----", label, " PRIVATE", " KEY-----"].concat();
    let text = format!("a {}\nMIIB\n{} b", armor("BEGIN RSA"), armor("END RSA"));
    let found: Vec<_> = find(&text, Look::Shown).collect();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].kind, &text[found[0].place.end..]), (Kind::PrivateKey, " b"));
    let cut = format!("{}\nMIIB", armor("BEGIN"));
    assert_eq!(find(&cut, Look::Shown).next().unwrap().place, 0..cut.len());
}

#[test]
fn a_long_text_of_what_is_nearly_a_key_takes_no_longer_than_another() {
    let all: Vec<String> = FORMATS
        .as_ref()
        .unwrap()
        .beginnings
        .iter()
        .map(|one| one.text.clone())
        .collect();
    let mut texts: Vec<String> = all.iter().map(|begin| begin.repeat(20_000 / begin.len())).collect();
    texts.extend(
        [
            "eyJ.eyJ.eyJaaaaaaa",
            "://a:b",
            "-eyJ",
            "sk-ant-sk-",
            "a://:@",
            "-----BEGIN -----",
        ]
        .map(|text| text.repeat(2_500)),
    );
    texts.push(all.concat().repeat(25));
    for text in texts {
        for look in [Look::Shown, Look::Sent] {
            let begun = std::time::Instant::now();
            let _found = find(&text, look).count();
            let took = begun.elapsed();
            assert!(took < std::time::Duration::from_secs(60), "{took:?}: {}", &text[..40]);
        }
    }
}
