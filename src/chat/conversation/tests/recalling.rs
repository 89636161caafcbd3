use super::*;

fn message(id: u64, role: Role, text: &str) -> Message {
    Message::new(MessageId(id), role, text.into())
}

/// Two answers to one question, of which the first has been followed by another question.
fn recalled() -> Conversation {
    let parent = |id: u64| (id > 0).then_some(MessageId(id));
    let mut chat = Conversation::default();
    let messages = vec![
        (message(1, Role::User, "q1"), parent(0)),
        (message(2, Role::Assistant, "a1"), parent(1)),
        (message(3, Role::Assistant, "b1"), parent(1)),
        (message(4, Role::User, "q2"), parent(2)),
    ];
    chat.recall(messages, Some(MessageId(4)));
    chat
}

#[test]
fn a_recalled_chat_shows_the_branch_of_its_head_and_knows_the_others() {
    let chat = recalled();
    assert_eq!(texts(&chat), ["q1", "a1", "q2"]);
    let places: Vec<_> = chat
        .places()
        .iter()
        .map(|place| (place.id.0, place.number, place.of))
        .collect();
    assert_eq!(places, [(2, 1, 2), (3, 2, 2)]);
}

#[test]
fn all_messages_come_with_parents_first_and_the_one_shown_last_at_the_end() {
    let all = recalled().all();
    let ids: Vec<_> = all
        .iter()
        .map(|(message, parent)| (message.id.0, parent.map(|id| id.0)))
        .collect();
    assert_eq!(ids, [(1, None), (2, Some(1)), (3, Some(1)), (4, Some(2))]);
}

#[test]
fn what_another_says_goes_on_where_it_follows_the_last_message_and_is_a_branch_elsewhere() {
    let mut chat = recalled();
    let goes_on = chat.graft(message(5, Role::Assistant, "a2"), Some(MessageId(4)));
    assert_eq!(goes_on, (MessageId(5), true));
    let beside = chat.graft(message(5, Role::User, "q2, but"), Some(MessageId(2)));
    assert_eq!(
        beside,
        (MessageId(6), false),
        "a number that is taken gives the next one"
    );
    assert_eq!(texts(&chat), ["q1", "a1", "q2", "a2"]);
    assert_eq!(chat.lengthen(MessageId(5), "a2, more"), Some(", more".into()));
    assert_eq!(chat.lengthen(MessageId(5), "a2, more"), None);
}

#[test]
fn blank_lines_at_the_end_of_what_another_says_come_with_what_follows_them() {
    let mut chat = recalled();
    chat.graft(message(5, Role::Assistant, "one"), Some(MessageId(4)));
    let mut grow = |text: &str| chat.lengthen(MessageId(5), text);
    assert_eq!(grow("one \n\n"), None, "a buffer would not show them");
    assert_eq!(grow("one \n\ntwo"), Some(" \n\ntwo".into()));
    assert_eq!(
        grow("\n\none \n\ntwo, three\n"),
        Some(", three".into()),
        "nor those before it"
    );
}

/// A question whose answer was broken off; the history has its first word.
fn broken_off() -> Conversation {
    let mut chat = Conversation::default();
    let mut answer = message(2, Role::Assistant, "one");
    answer.broken_off = Some("one ".into());
    let question = message(1, Role::User, "q1");
    let messages = vec![(question, None), (answer, Some(MessageId(1)))];
    chat.recall(messages, Some(MessageId(2)));
    chat
}

fn shown(answer: &str) -> Vec<Region> {
    vec![region(1, Role::User, "q1"), region(2, Role::Assistant, answer)]
}

#[test]
fn an_answer_that_was_broken_off_is_as_long_as_the_screen_shows_it() {
    let mut chat = broken_off();
    chat.step(Event::Sent {
        regions: shown("one two"),
        submission: submission("next"),
        at: None,
    });
    assert_eq!(texts(&chat), ["q1", "one two", "next", ""]);
    assert_eq!(chat.places(), [], "it is the same answer, and no branch");
    assert_eq!(chat.messages()[1].unkept().as_deref(), Some("two"));
}

#[test]
fn a_broken_answer_that_is_asked_for_again_keeps_all_that_the_screen_showed() {
    let mut chat = broken_off();
    let regions = shown("one two");
    chat.step(Event::Regenerated { regions, at: None });
    chat.step(text(1, "again"));
    chat.step(stop(1));
    let all = chat.all();
    let told: Vec<_> = all.iter().map(|(message, _)| message.text()).collect();
    assert_eq!(told, ["q1", "one two", "again"]);
}

#[test]
fn an_answer_of_a_process_that_nobody_remembers_is_kept_when_it_is_asked_for_again() {
    let mut chat = Conversation::default();
    let regions = shown("one two");
    chat.step(Event::Regenerated { regions, at: None });
    assert_eq!(texts(&chat), ["q1", ""]);
    assert_eq!(chat.places(), [place(3, 2, 2), place(2, 1, 2)]);
    let all = chat.all();
    assert!(
        all.iter()
            .any(|(message, parent)| message.text() == "one two" && *parent == Some(MessageId(1)))
    );
}

/// A chat with one answer that its provider has signed, as the history has it.
fn signed() -> (Conversation, Vec<(Message, Option<MessageId>)>) {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    chat.step(answered(1, ProviderEvent::Reasoning("hm".into())));
    let signature = Signature::of_wire("c2lnbmVk".into());
    chat.step(answered(1, ProviderEvent::Signature(signature)));
    chat.step(text(1, "a"));
    chat.step(stop(1));
    let kept = chat.all();
    (chat, kept)
}

fn signatures(chat: &Conversation) -> usize {
    let blocks = chat.messages().iter().flat_map(|message| &message.blocks);
    let is_signed = |block: &&Block| matches!(block, Block::Reasoning { signature: Some(_), .. });
    blocks.filter(is_signed).count()
}

#[test]
fn a_new_program_takes_texts_from_what_is_shown_and_what_was_signed_from_the_history_where_the_text_is_the_same() {
    let next = |shown: &str| Event::Sent {
        regions: vec![region(1, Role::User, "q"), region(2, Role::Assistant, shown)],
        submission: submission("next"),
        at: None,
    };
    for (shown, signed_still) in [("a", 1), ("a, changed", 0)] {
        let mut chat = Conversation::default();
        chat.recall(signed().1, Some(MessageId(2)));
        chat.step(next(shown));
        assert_eq!(texts(&chat), ["q", shown, "next", ""]);
        assert_eq!(signatures(&chat), signed_still, "{shown}");
    }
    // A private chat has no history.
    let mut private = Conversation::default();
    private.step(next("a"));
    assert_eq!(texts(&private), ["q", "a", "next", ""]);
    assert_eq!(signatures(&private), 0);
}

#[test]
fn a_number_that_the_history_knows_as_somebody_elses_words_is_another_message() {
    let mut chat = Conversation::default();
    chat.recall(signed().1, Some(MessageId(2)));
    chat.step(Event::Sent {
        regions: vec![region(1, Role::User, "q"), region(2, Role::User, "mine")],
        submission: submission("next"),
        at: None,
    });
    let roles: Vec<Role> = chat.messages().iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::User, Role::User, Role::User, Role::Assistant]);
    assert_eq!(texts(&chat), ["q", "mine", "next", ""]);
}
