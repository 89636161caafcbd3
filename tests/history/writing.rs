//! What is written is there, in the shape in which it came.

use gpt_nvim::history::{
    Chat, End, HistoryError, Listing, Message, Part, PartKind, Role, Spent, State, Totals, Turn, export, now,
};

use crate::support::{Home, at, end, exchange, info, notice, raw, turn};

#[tokio::test]
async fn a_question_is_there_before_its_answer_and_the_answer_is_streaming() {
    let home = Home::new();
    let history = home.open().await;
    let saved = history.save_turn(turn(&info("a"), 1, None, "why?")).await.unwrap();
    assert_eq!((saved.ids, saved.is_branch), (vec![1, 2], false));
    let chat = history.load("a", 0).await.unwrap();
    assert_eq!((chat.info, chat.head), (info("a"), Some(2)));
    assert_eq!(chat.messages[0].text(), "why?");
    assert_eq!(
        (chat.messages[1].state, chat.messages[1].parent),
        (State::Streaming, Some(1))
    );
}

#[tokio::test]
async fn pieces_are_written_without_being_asked_for_and_come_back_as_one_text() {
    let home = Home::new();
    let history = home.open().await;
    history.save_turn(turn(&info("a"), 1, None, "why?")).await.unwrap();
    let mut changes = history.changes();
    for pieces in [["be", "cau"], ["se", "!"]] {
        let changed = changes.changed();
        pieces
            .iter()
            .for_each(|piece| history.append(&at("a", 2), PartKind::Text, piece));
        changed.await.unwrap();
    }
    let rows = |kind: &str| {
        let count = "SELECT count(*) FROM parts JOIN messages ON messages.key = message WHERE id = 2 AND kind = ?1";
        raw(&home.file())
            .query_row(count, [kind], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!(rows("text"), 2, "a piece costs a row, whatever the answer's length");
    assert_eq!(
        history.load("a", 2).await.unwrap().messages[0].parts,
        [Part::text("because!")]
    );
    history.finish(&at("a", 2), end(3_000)).await.unwrap();
    assert_eq!(rows("text"), 1);
    assert_eq!(
        history.load("a", 2).await.unwrap().messages[0].parts,
        [Part::text("because!")]
    );
}

#[tokio::test]
async fn the_end_of_an_answer_brings_all_that_belongs_to_it() {
    let home = Home::new();
    let history = home.open().await;
    history.save_turn(turn(&info("a"), 1, None, "why?")).await.unwrap();
    for (kind, piece) in [
        (PartKind::Reasoning, "hm"),
        (PartKind::Reasoning, "m"),
        (PartKind::Text, "so"),
        (PartKind::ToolCall, "{}"),
        (PartKind::ToolCall, "[]"),
        (PartKind::Text, "!"),
    ] {
        history.append(&at("a", 2), kind, piece);
        history.flush(&at("a", 2)).await.unwrap();
    }
    let notices = vec![notice()];
    history
        .finish(
            &at("a", 2),
            End {
                notices: notices.clone(),
                ..end(3_000)
            },
        )
        .await
        .unwrap();
    let chat = history.load("a", 0).await.unwrap();
    let answer = &chat.messages[1];
    let parts: Vec<_> = answer
        .parts
        .iter()
        .map(|part| (part.kind.word(), part.content.as_str()))
        .collect();
    let expected = [
        ("reasoning", "hmm"),
        ("text", "so"),
        ("tool_call", "{}"),
        ("tool_call", "[]"),
        ("text", "!"),
    ];
    assert_eq!(parts, expected);
    assert_eq!((answer.state, answer.finish.as_deref()), (State::Whole, Some("stop")));
    assert_eq!((answer.usage, &answer.notices), (end(0).usage, &notices));
    let totals = Totals {
        input: 10,
        output: 5,
        cost: 0.25,
    };
    assert_eq!((chat.totals, chat.updated), (totals, 3_000));
}

#[tokio::test]
async fn an_end_that_comes_twice_counts_once() {
    let home = Home::new();
    let history = home.open().await;
    exchange(&history, &info("a"), "q", "a", 3_000).await;
    history.finish(&at("a", 2), end(3_000)).await.unwrap();
    let chat = history.load("a", 0).await.unwrap();
    assert_eq!((chat.totals.input, chat.messages[1].text().as_str()), (10, "a"));
}

#[tokio::test]
async fn a_number_that_is_taken_gives_the_next_one_and_a_branch() {
    let home = Home::new();
    let history = home.open().await;
    exchange(&history, &info("a"), "q", "a", 3_000).await;
    let first = history.save_turn(turn(&info("a"), 3, Some(2), "one")).await.unwrap();
    let second = history.save_turn(turn(&info("a"), 3, Some(2), "two")).await.unwrap();
    assert_eq!((first.ids, first.is_branch), (vec![3, 4], false));
    assert_eq!((second.ids, second.is_branch), (vec![5, 6], true));
    let chat = history.load("a", 0).await.unwrap();
    let words = |head| chat.branch(Some(head)).iter().map(|m| m.text()).collect::<Vec<_>>();
    assert_eq!(words(4), ["q", "a", "one", ""]);
    assert_eq!(words(6), ["q", "a", "two", ""]);
    assert_eq!(
        history
            .list(Listing {
                limit: 9,
                ..Listing::default()
            })
            .await
            .unwrap()[0]
            .branches,
        2
    );
}

#[tokio::test]
async fn an_answer_asked_for_anew_is_a_branch_of_its_question() {
    let home = Home::new();
    let history = home.open().await;
    exchange(&history, &info("a"), "q", "a", 3_000).await;
    let again = Turn {
        chat: info("a"),
        messages: vec![Message::awaited(3, Some(1), "openai", "gpt-6", 3_000)],
        at: 3_000,
    };
    assert!(history.save_turn(again).await.unwrap().is_branch);
    assert_eq!(history.load("a", 0).await.unwrap().head, Some(3));
}

#[tokio::test]
async fn a_turn_whose_parent_is_unknown_is_refused_and_leaves_nothing() {
    let home = Home::new();
    let history = home.open().await;
    let refused = history.save_turn(turn(&info("a"), 3, Some(2), "q")).await;
    assert_eq!(
        refused,
        Err(HistoryError::NoMessage {
            chat: "a".into(),
            id: 2
        })
    );
    assert_eq!(history.load("a", 0).await, Err(HistoryError::NoChat("a".into())));
}

#[tokio::test]
async fn a_head_is_moved_only_by_who_knows_where_it_is() {
    let home = Home::new();
    let history = home.open().await;
    exchange(&history, &info("a"), "q", "a", 3_000).await;
    assert_eq!(history.set_head("a", Some(1), 1).await, Ok(false));
    assert_eq!(history.set_head("a", Some(2), 1).await, Ok(true));
    assert_eq!(history.load("a", 0).await.unwrap().head, Some(1));
    let nowhere = history.set_head("a", Some(1), 9).await;
    assert_eq!(
        nowhere,
        Err(HistoryError::NoMessage {
            chat: "a".into(),
            id: 9
        })
    );
}

#[tokio::test]
async fn a_chat_that_is_renamed_or_deleted_is_so_at_once_and_what_is_not_there_is_named() {
    let home = Home::new();
    let history = home.open().await;
    exchange(&history, &info("a"), "q", "a", 3_000).await;
    history.rename("a", "another").await.unwrap();
    assert_eq!(history.load("a", 0).await.unwrap().info.title, "another");
    history.delete("a").await.unwrap();
    let missing = HistoryError::NoChat("a".into());
    assert_eq!(history.load("a", 0).await, Err(missing.clone()));
    assert_eq!(history.rename("a", "x").await, Err(missing.clone()));
    assert_eq!(history.delete("a").await, Err(missing));
    for table in ["messages", "parts", "usage", "notices", "claims", "words", "titles"] {
        let count = format!("SELECT count(*) FROM {table}");
        let rows: i64 = raw(&home.file()).query_row(&count, [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "{table}");
    }
}

#[tokio::test]
async fn a_piece_for_a_chat_that_was_deleted_is_dropped() {
    let home = Home::new();
    let history = home.open().await;
    history.save_turn(turn(&info("a"), 1, None, "q")).await.unwrap();
    history.delete("a").await.unwrap();
    history.append(&at("a", 2), PartKind::Text, "late");
    let missing = Err(HistoryError::NoMessage {
        chat: "a".into(),
        id: 2,
    });
    assert_eq!(history.flush(&at("a", 2)).await, missing);
    assert_eq!(history.flush(&at("a", 2)).await, Ok(()), "nothing is left of it");
}

#[tokio::test]
async fn a_whole_chat_goes_out_as_json_and_comes_in_again_once() {
    let home = Home::new();
    let history = home.open().await;
    exchange(&history, &info("a"), "q", "a", 3_000).await;
    let chat = history.load("a", 0).await.unwrap();
    let json = export::json(&chat).unwrap();
    assert_eq!(history.import(chat.clone()).await, Ok(false));
    history.delete("a").await.unwrap();
    assert_eq!(
        history.import(serde_json::from_str::<Chat>(&json).unwrap()).await,
        Ok(true)
    );
    assert_eq!(history.load("a", 0).await.unwrap(), chat);
}

#[tokio::test]
async fn a_fork_is_a_chat_of_its_own_up_to_a_message() {
    let home = Home::new();
    let history = home.open().await;
    exchange(&history, &info("a"), "q", "a", 3_000).await;
    history.save_turn(turn(&info("a"), 3, Some(2), "more")).await.unwrap();
    let fork = history.load("a", 0).await.unwrap().fork("b", 2, now(), &notice());
    assert_eq!(history.import(fork).await, Ok(true));
    let fork = history.load("b", 0).await.unwrap();
    assert_eq!(
        (fork.head, fork.messages.len(), fork.totals),
        (Some(2), 2, Totals::default())
    );
}

#[tokio::test]
async fn numbers_that_no_provider_should_send_do_no_harm() {
    let home = Home::new();
    let history = home.open().await;
    history
        .save_turn(turn(&info("a"), 1, None, "q\0\u{feff}"))
        .await
        .unwrap();
    let usage = Some(Spent {
        cost: Some(f64::NAN),
        ..Spent::default()
    });
    history.finish(&at("a", 2), End { usage, ..end(3_000) }).await.unwrap();
    let chat = history.load("a", 0).await.unwrap();
    assert_eq!(chat.messages[0].text(), "q\0\u{feff}");
    assert_eq!(chat.messages[1].usage.unwrap().cost, None);
}

#[cfg(unix)]
#[tokio::test]
async fn all_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let home = Home::new();
    std::fs::create_dir(home.folder()).unwrap();
    std::fs::write(home.file(), "").unwrap();
    std::fs::set_permissions(home.file(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let history = home.open().await;
    exchange(&history, &info("a"), "q", "a", 3_000).await;
    let files = home.files("history");
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    let fresh = Home::new();
    let _history = fresh.open().await;
    assert_eq!(mode(&fresh.folder()), 0o700);
}

#[test]
fn a_branch_that_goes_round_ends() {
    let message = |id, parent| Message::new(id, Some(parent), Role::User, "x", 0);
    let chat = Chat {
        info: info("a"),
        updated: 0,
        head: Some(1),
        totals: Totals::default(),
        messages: vec![message(1, 2), message(2, 1)],
    };
    assert!(chat.branch(Some(1)).len() <= 3);
}
