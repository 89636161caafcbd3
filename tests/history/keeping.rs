//! How long things are kept, and how they go.

use gpt_nvim::history::{Listing, Retention, now};

use crate::support::{Home, exchange, info, raw};

const DAY: i64 = 86_400_000;

async fn ids(history: &gpt_nvim::history::History) -> Vec<String> {
    let all = Listing {
        limit: 1_000,
        ..Listing::default()
    };
    history
        .list(all)
        .await
        .unwrap()
        .into_iter()
        .map(|chat| chat.info.id)
        .collect()
}

#[tokio::test]
async fn chats_older_than_the_days_go_unless_a_process_has_them_open() {
    let home = Home::new();
    let writer = home.open().await;
    for (id, age) in [("new", 1), ("old", 31), ("open", 99)] {
        exchange(&writer, &info(id), "q", "a", now() - age * DAY).await;
    }
    writer.close().await.unwrap();
    let history = home.open().await;
    history.claim("open").await.unwrap();
    let kept = Retention {
        days: Some(30),
        bytes: None,
    };
    assert_eq!(history.tidy(kept).await, Ok(1));
    assert_eq!(ids(&history).await, ["new", "open"]);
}

#[tokio::test]
async fn a_clock_that_jumps_deletes_no_chats() {
    let (days, day) = (30, now() - 400 * DAY);
    let kept = Retention {
        days: Some(days),
        bytes: None,
    };
    // The clock stands 400 days ahead of the last chat: one that has jumped, or a user who was away.
    let home = Home::new();
    let history = home.open().await;
    for (id, age) in [("a", 0), ("b", 3), ("c", 20)] {
        exchange(&history, &info(id), "q", "a", day - age * DAY).await;
    }
    history.close().await.unwrap();
    let history = home.open().await;
    assert_eq!(history.tidy(kept).await, Ok(0));
    // A question is asked meanwhile, or several within hours.
    for (id, when) in [("d", now() - DAY / 2), ("e", now())] {
        exchange(&history, &info(id), "q", "a", when).await;
        assert_eq!(history.tidy(kept).await, Ok(0));
    }
    history.close().await.unwrap();
    // After a day of it the clock is right.
    let history = home.open().await;
    exchange(&history, &info("f"), "q", "a", now() - DAY).await;
    assert_eq!(history.tidy(kept).await, Ok(3));
    assert_eq!(ids(&history).await.len(), 3);
}

#[tokio::test]
async fn chats_of_a_clock_that_was_ahead_make_the_others_no_older() {
    let home = Home::new();
    let history = home.open().await;
    for (id, age) in [("ahead", -4_000), ("a", 0), ("b", 20)] {
        exchange(&history, &info(id), "q", "a", now() - age * DAY).await;
    }
    history.close().await.unwrap();
    let history = home.open().await;
    let kept = Retention {
        days: Some(30),
        bytes: None,
    };
    assert_eq!(history.tidy(kept).await, Ok(0));
}

#[tokio::test]
async fn who_asks_seldom_still_loses_what_is_old() {
    let home = Home::new();
    let history = home.open().await;
    for (number, age) in [0, 40, 80, 120, 160].into_iter().enumerate() {
        exchange(&history, &info(&number.to_string()), "q", "a", now() - age * DAY).await;
    }
    history.close().await.unwrap();
    let history = home.open().await;
    let kept = Retention {
        days: Some(30),
        bytes: None,
    };
    assert_eq!(history.tidy(kept).await, Ok(2));
}

#[tokio::test]
async fn the_oldest_go_until_the_file_is_small_enough_and_its_space_is_given_back() {
    let home = Home::new();
    let writer = home.open().await;
    for number in 0..100 {
        let text = format!("{number} ").repeat(5_000);
        exchange(&writer, &info(&format!("{number:03}")), "q", &text, 3_000 + number).await;
    }
    writer.close().await.unwrap();
    let history = home.open().await;
    let before = history.size().await.unwrap();
    let most = before.used / 2;
    let kept = Retention {
        days: None,
        bytes: Some(most),
    };
    let deleted = history.tidy(kept).await.unwrap();
    let after = history.size().await.unwrap();
    assert!(after.used <= most && after.free == 0, "{before:?} {after:?}");
    assert_eq!(after.chats + u64::try_from(deleted).unwrap(), 100);
    assert!(deleted < 60, "no more than has to go: {deleted}");
    assert_eq!(ids(&history).await[0], "099");
}

#[tokio::test]
async fn without_limits_nothing_goes() {
    let home = Home::new();
    let history = home.open().await;
    exchange(&history, &info("a"), "q", "a", 0).await;
    assert_eq!(history.tidy(Retention::default()).await, Ok(0));
    assert_eq!(ids(&history).await, ["a"]);
}

#[tokio::test]
async fn what_is_cleared_leaves_no_word_in_any_file() {
    let home = Home::new();
    let history = home.open().await;
    for number in 0..50 {
        exchange(&history, &info(&number.to_string()), "xylophone", "xylophone", 3_000).await;
    }
    history.clear().await.unwrap();
    assert_eq!(ids(&history).await, Vec::<String>::new());
    for file in home.files("history.db") {
        let content = std::fs::read(&file).unwrap();
        let has_word = content.windows(9).any(|window| window == b"xylophone");
        assert!(!has_word, "{}", file.display());
    }
    exchange(&history, &info("a"), "q", "a", 3_000).await;
    assert_eq!(ids(&history).await, ["a"]);
}

/// The first version's tables as they were released: a dump, not our schema.
const VERSION_1: &str = include_str!("version_1.sql");

#[tokio::test]
async fn a_file_of_the_first_version_is_brought_up_and_keeps_everything() {
    let home = Home::new();
    std::fs::create_dir(home.folder()).unwrap();
    raw(&home.file()).execute_batch(VERSION_1).unwrap();
    let history = home.open().await;
    let chat = history.load("20261122-185500-1a2b3c4d", 0).await.unwrap();
    let said: Vec<String> = chat.messages.iter().map(|message| message.text()).collect();
    assert_eq!(said, ["Onde fica o coração?", "No peito."]);
    assert_eq!(chat.info.project.as_deref(), Some("/home/me/p"));
    let wanted = gpt_nvim::history::Search {
        words: "coracao".into(),
        project: None,
        limit: 9,
    };
    assert_eq!(history.search(wanted).await.unwrap().len(), 1);
}
