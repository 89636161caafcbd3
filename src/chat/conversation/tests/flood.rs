//! Answers that are longer than they may be, or than what is painted of them.

use super::*;

fn unpainted(text: usize, reasoning: usize) -> Event {
    Event::PaintingStopped(Unpainted {
        answer: MessageId(2),
        text,
        reasoning,
    })
}

fn painted(effects: &[Effect]) -> String {
    let text = |effect: &Effect| match effect {
        Effect::Paint(_, _, text) => Some(text.clone()),
        _ => None,
    };
    effects.iter().filter_map(text).collect()
}

#[test]
fn an_answer_that_is_longer_than_it_may_be_is_cut_there_and_told() {
    let mut chat = Conversation::default();
    chat.step(Event::AnswersLimited(8));
    chat.step(send("q"));
    chat.step(text(1, "12345"));
    let effects = chat.step(text(1, "67\u{f6}9"));
    assert_eq!(painted(&effects), "67", "not half a letter");
    assert!(effects.contains(&Effect::AbortTurn), "{effects:?}");
    let Some(Outcome::Cut {
        cut: Some(cut),
        empty: false,
    }) = ended(&effects)
    else {
        panic!("{effects:?}");
    };
    assert_eq!((cut.why, cut.word.as_str()), (Why::TooLong, "max_answer"));
    assert_eq!(texts(&chat), ["q", "1234567"]);
    assert_eq!(chat.messages()[1].cut.as_deref(), Some("max_answer"));
}

#[test]
fn an_answer_of_just_the_length_that_it_may_have_is_whole() {
    let mut chat = Conversation::default();
    chat.step(Event::AnswersLimited(5));
    chat.step(send("q"));
    chat.step(text(1, "12345"));
    assert!(matches!(ended(&chat.step(stop(1))), Some(Outcome::Done { .. })));
}

#[test]
fn a_stop_takes_back_what_was_not_painted_and_says_how_much() {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    chat.step(answered(1, ProviderEvent::Reasoning("hm".into())));
    chat.step(text(1, "shown, and not"));
    let effects = chat.step(unpainted(9, 0));
    assert_eq!(effects.first(), Some(&Effect::AbortTurn));
    assert_eq!(ended(&effects), Some(&Outcome::Stopped { fallen: 9 }));
    assert_eq!(texts(&chat), ["q", "shown"]);
    assert_eq!(chat.messages()[1].reasoning(), "hm");
}

#[test]
fn a_stop_reaches_an_answer_that_had_come_as_a_whole_and_was_still_being_painted() {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    chat.step(text(1, "```\ncode\nmore"));
    let usage = Usage {
        output: 3,
        ..Usage::default()
    };
    chat.step(answered(1, ProviderEvent::Usage(usage)));
    let effects = chat.step(answered(
        1,
        ProviderEvent::Finished(FinishReason::cut(Why::Length, "length")),
    ));
    let closing = painted(&effects).len();
    let effects = chat.step(unpainted(closing + 5, 0));
    assert_eq!(painted(&effects), "\n```", "the fence is closed where it is cut now");
    let Some(Effect::EndTurn(MessageId(2), ended)) = effects.last() else {
        panic!("{effects:?}");
    };
    assert_eq!(ended.outcome, Outcome::Stopped { fallen: closing + 5 });
    assert_eq!(ended.usage, Some(usage));
    assert_eq!(texts(&chat), ["q", "```\ncode\n```"]);
    assert_eq!(chat.messages()[1].cut, None, "it is stopped, not cut");
}

#[test]
fn a_stop_of_an_answer_that_is_not_the_last_one_any_more_takes_nothing_from_it() {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    chat.step(text(1, "all"));
    chat.step(stop(1));
    chat.step(Event::Sent {
        regions: vec![region(1, Role::User, "q"), region(2, Role::Assistant, "all")],
        submission: submission("next"),
        at: None,
    });
    let effects = chat.step(unpainted(2, 0));
    assert_eq!(ended(&effects), Some(&Outcome::Stopped { fallen: 0 }));
    assert_eq!(texts(&chat), ["q", "all", "next", ""]);
}
