//! Lists and searches.

use gpt_nvim::history::{ChatInfo, History, Listing, MARKS, PartKind, Search};

use crate::support::{Home, at, end, exchange, info, turn};

fn of_project(id: &str, project: &str) -> ChatInfo {
    ChatInfo {
        project: Some(project.to_owned()),
        ..info(id)
    }
}

async fn listed(history: &History, project: Option<&str>, offset: u32, limit: u32) -> Vec<String> {
    let wanted = Listing {
        project: project.map(str::to_owned),
        offset,
        limit,
    };
    history
        .list(wanted)
        .await
        .unwrap()
        .into_iter()
        .map(|chat| chat.info.id)
        .collect()
}

async fn found(history: &History, words: &str, project: Option<&str>) -> Vec<String> {
    let wanted = Search {
        words: words.to_owned(),
        project: project.map(str::to_owned),
        limit: 10,
    };
    history
        .search(wanted)
        .await
        .unwrap()
        .into_iter()
        .map(|found| found.chat.info.id)
        .collect()
}

#[tokio::test]
async fn the_newest_comes_first_and_the_project_before_the_others() {
    let home = Home::new();
    let history = home.open().await;
    for (chat, when) in [
        (of_project("a", "/p"), 5_000),
        (of_project("b", "/q"), 6_000),
        (info("c"), 7_000),
    ] {
        exchange(&history, &chat, "q", "a", when).await;
    }
    exchange(&history, &of_project("d", "/p"), "q", "a", 4_000).await;
    assert_eq!(listed(&history, None, 0, 9).await, ["c", "b", "a", "d"]);
    assert_eq!(listed(&history, Some("/p"), 0, 9).await, ["a", "d", "c", "b"]);
    assert_eq!(listed(&history, Some("/p"), 1, 2).await, ["d", "c"]);
    assert_eq!(listed(&history, Some("/unknown"), 0, 9).await, ["c", "b", "a", "d"]);
    assert_eq!(history.latest(Some("/p")).await.unwrap().as_deref(), Some("a"));
    assert_eq!(history.latest(None).await.unwrap().as_deref(), Some("c"));
    assert_eq!(history.latest(Some("/unknown")).await.unwrap().as_deref(), Some("c"));
}

#[tokio::test]
async fn a_row_of_a_list_says_all_that_a_picker_shows() {
    let home = Home::new();
    let history = home.open().await;
    exchange(&history, &of_project("a", "/p"), "q", "a", 5_000).await;
    let row = history
        .list(Listing {
            limit: 1,
            ..Listing::default()
        })
        .await
        .unwrap()
        .remove(0);
    assert_eq!(row.info, of_project("a", "/p"));
    assert_eq!(
        (row.updated, row.messages, row.branches, row.totals.cost),
        (5_000, 2, 1, 0.25)
    );
}

#[tokio::test]
async fn words_are_found_without_accents_and_by_the_beginning_of_the_last_one() {
    let home = Home::new();
    let history = home.open().await;
    exchange(&history, &info("a"), "O coração bate", "Ação!", 3_000).await;
    exchange(&history, &info("b"), "corpo", "nada", 3_000).await;
    for words in ["coracao", "CORAÇÃO", "bate cora", "acao", "o coração"] {
        assert_eq!(found(&history, words, None).await, ["a"], "{words}");
    }
    assert_eq!(found(&history, "cor", None).await, ["b", "a"]);
    assert_eq!(found(&history, "cor bate", None).await, Vec::<String>::new());
    assert_eq!(found(&history, "coração nada", None).await, Vec::<String>::new());
    assert_eq!(found(&history, "\" OR ( NEAR *", None).await, Vec::<String>::new());
}

#[tokio::test]
async fn chinese_and_japanese_words_are_found_wherever_they_stand() {
    let home = Home::new();
    let history = home.open().await;
    exchange(&history, &info("ja"), "q", "これは日本語テストです。Rustの所有権", 1).await;
    exchange(&history, &info("zh"), "q", "所有權和借用檢查", 2).await;
    assert_eq!(found(&history, "テスト", None).await, ["ja"]);
    assert_eq!(found(&history, "日本", None).await, ["ja"]);
    assert_eq!(found(&history, "Rustの所有", None).await, ["ja"]);
    assert_eq!(found(&history, "rust 語", None).await, ["ja"]);
    assert_eq!(found(&history, "借用", None).await, ["zh"]);
    assert_eq!(found(&history, "本日", None).await, [""; 0]);
    let wanted = Search {
        words: "テスト".into(),
        limit: 1,
        ..Search::default()
    };
    let snippet = history.search(wanted).await.unwrap().remove(0).snippet;
    let (open, close) = MARKS;
    assert_eq!(snippet, format!("これは日本語{open}テスト{close}です。Rustの所有権"));
}

#[tokio::test]
async fn a_title_is_found_too_and_follows_its_changes() {
    let home = Home::new();
    let history = home.open().await;
    exchange(&history, &info("a"), "q", "a", 3_000).await;
    assert_eq!(found(&history, "title", None).await, ["a"]);
    history.rename("a", "Überschrift").await.unwrap();
    assert_eq!(found(&history, "title", None).await, Vec::<String>::new());
    assert_eq!(found(&history, "uber", None).await, ["a"]);
}

#[tokio::test]
async fn the_project_is_found_first_even_below_hundreds_of_newer_hits() {
    let home = Home::new();
    let history = home.open().await;
    exchange(&history, &of_project("mine", "/p"), "common", "common", 3_000).await;
    let other = of_project("other", "/q");
    exchange(&history, &other, "common", "common", 3_000).await;
    for id in 2..402 {
        history
            .save_turn(turn(&other, id * 2, Some(2), "common"))
            .await
            .unwrap();
    }
    exchange(&history, &info("none"), "common", "common", 3_000).await;
    assert_eq!(found(&history, "common", Some("/p")).await, ["mine", "none", "other"]);
    assert_eq!(
        found(&history, "common", None).await,
        ["none", "other"],
        "older than the newest hits"
    );
}

#[tokio::test]
async fn a_snippet_is_one_line_with_the_matches_marked() {
    let home = Home::new();
    let history = home.open().await;
    exchange(
        &history,
        &info("a"),
        "q",
        "first\nthe \u{2}Coração\tbeats\n\nlast",
        3_000,
    )
    .await;
    let wanted = Search {
        words: "coracao".into(),
        project: None,
        limit: 1,
    };
    let found = history.search(wanted).await.unwrap().remove(0);
    assert_eq!(found.message, Some(2));
    assert_eq!(
        found.snippet,
        format!("first the {}Coração{} beats last", MARKS.0, MARKS.1)
    );
}

#[tokio::test]
async fn an_answer_is_found_from_its_end_on_and_no_longer_once_it_is_deleted() {
    let home = Home::new();
    let history = home.open().await;
    history.save_turn(turn(&info("a"), 1, None, "q")).await.unwrap();
    history.append(&at("a", 2), PartKind::Text, "need");
    history.append(&at("a", 2), PartKind::Reasoning, " secretly ");
    history.flush(&at("a", 2)).await.unwrap();
    history.append(&at("a", 2), PartKind::Text, "le");
    history.finish(&at("a", 2), end(3_000)).await.unwrap();
    assert_eq!(found(&history, "need", None).await, ["a"]);
    assert_eq!(found(&history, "secretly", None).await, Vec::<String>::new());
    exchange(&history, &info("b"), "other", "words", 3_000).await;
    history.delete("a").await.unwrap();
    assert_eq!(found(&history, "need", None).await, Vec::<String>::new());
    exchange(&history, &info("c"), "more", "things", 3_000).await;
    assert_eq!(
        found(&history, "need", None).await,
        Vec::<String>::new(),
        "a row of its number finds nothing old"
    );
}

#[tokio::test]
async fn words_that_begin_alike_are_found_newest_first_whichever_they_are() {
    let home = Home::new();
    let history = home.open().await;
    for (number, said) in [
        "the function",
        "Functions!",
        "a FUNCTIONAL one, fonction",
        "func",
        "no such word",
        "naïve-fünctions",
        "é functión",
    ]
    .iter()
    .enumerate()
    {
        exchange(&history, &info(&number.to_string()), "q", said, 3_000).await;
    }
    assert_eq!(found(&history, "funct", None).await, ["6", "5", "2", "1", "0"]);
    assert_eq!(found(&history, "fünCTION", None).await, ["6", "5", "2", "1", "0"]);
    assert_eq!(found(&history, "functiona", None).await, ["2"]);
    assert_eq!(found(&history, "naïve-funct", None).await, ["5"]);
    assert_eq!(found(&history, "one functi", None).await, ["2"]);
    assert_eq!(found(&history, "functiones", None).await, Vec::<String>::new());
    let many: Vec<String> = (0..300).map(|number| format!("beginning{number}")).collect();
    exchange(&history, &info("many"), "q", &many.join(" "), 4_000).await;
    assert_eq!(found(&history, "beginning", None).await, ["many"]);
    let wanted = Search {
        words: "funct".into(),
        project: None,
        limit: 10,
    };
    let snippet = &history.search(wanted).await.unwrap()[4].snippet;
    assert_eq!(*snippet, format!("the {}function{}", MARKS.0, MARKS.1));
}
