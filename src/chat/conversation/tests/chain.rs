use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::chain::MOST_STEPS;
use super::*;
use crate::transcript::{NOT_RUN, OWN_CALL, ToolResult};

fn with_tools() -> Conversation {
    let mut chat = Conversation::default();
    chat.step(Event::ToolsNamed(BTreeSet::from(["read".to_owned()])));
    chat
}

fn call(turn: u64, id: &str, name: &str) -> Event {
    let (id, name) = (id.to_owned(), name.to_owned());
    let call = ToolCall {
        id,
        name,
        ..ToolCall::default()
    };
    answered(turn, ProviderEvent::ToolCall(call))
}

fn calls_end(turn: u64) -> Event {
    answered(turn, ProviderEvent::Finished(FinishReason::ToolCalls))
}

fn of_call(turn: u64, id: &str, event: CallEvent) -> Event {
    let (turn, call) = (TurnId(turn), id.to_owned());
    Event::CallWentOn { turn, call, event }
}

fn allowed(turn: u64, id: &str) -> Event {
    of_call(turn, id, CallEvent::Judged(Verdict::Allowed))
}

fn ran(turn: u64, id: &str, content: &str) -> Event {
    let (content, is_error) = (content.to_owned(), false);
    of_call(turn, id, CallEvent::Ended { content, is_error })
}

fn result(call: &str, content: &str, is_error: bool) -> Block {
    let (call, content) = (call.to_owned(), content.to_owned());
    Block::ToolResult(ToolResult {
        call,
        content,
        is_error,
    })
}

fn last(chat: &Conversation) -> &Message {
    chat.messages().last().unwrap()
}

/// Plays a tool that reads: whatever may be run is run at once, until nothing follows.
fn walk(chat: &mut Conversation, event: Event) -> Vec<Effect> {
    let mut all = Vec::new();
    let mut events = vec![event];
    while let Some(event) = events.pop() {
        for effect in chat.step(event) {
            match &effect {
                Effect::Judge(turn, call) => events.push(allowed(turn.0, &call.id)),
                Effect::Run(turn, call) => events.push(ran(turn.0, &call.id, "text")),
                _ => {}
            }
            all.push(effect);
        }
    }
    all
}

#[test]
fn a_turn_goes_on_with_the_results_of_its_calls_until_there_are_none() {
    let mut chat = with_tools();
    chat.step(send("q"));
    chat.step(text(1, "I look."));
    chat.step(call(1, "a", "read"));
    let effects = walk(&mut chat, calls_end(1));
    assert_eq!(effects.last(), Some(&Effect::StartStep(TurnId(2))));
    assert_eq!(ended(&effects), None);
    chat.step(text(2, " There."));
    let effects = walk(&mut chat, stop(2));
    assert!(matches!(ended(&effects), Some(Outcome::Done { .. })));
    let [Block::Text(_), Block::ToolCall(_), of_tool, Block::Text(_)] = last(&chat).blocks.as_slice() else {
        panic!("{:?}", last(&chat).blocks)
    };
    assert_eq!(of_tool, &result("a", "text", false));
    assert_eq!(last(&chat).text(), "I look. There.");
}

#[test]
fn the_tokens_of_all_steps_are_those_of_the_turn() {
    let mut chat = with_tools();
    chat.step(send("q"));
    let usage = |turn: u64, input| {
        let usage = Usage {
            input,
            ..Usage::default()
        };
        answered(turn, ProviderEvent::Usage(usage))
    };
    chat.step(usage(1, 3));
    chat.step(call(1, "a", "read"));
    walk(&mut chat, calls_end(1));
    chat.step(usage(2, 4));
    let effects = chat.step(stop(2));
    let Some(Effect::EndTurn(_, ended)) = effects.last() else {
        panic!("{effects:?}")
    };
    assert_eq!((ended.usage.unwrap().input, ended.steps), (7, 2));
}

#[test]
fn nothing_is_run_before_it_is_allowed_and_a_denial_is_told_to_the_model() {
    let mut chat = with_tools();
    chat.step(send("q"));
    chat.step(call(1, "a", "read"));
    chat.step(call(1, "b", "read"));
    let effects = chat.step(calls_end(1));
    assert!(matches!(effects.as_slice(), [Effect::Judge(..), Effect::Judge(..)]));
    assert_eq!(chat.step(ran(1, "a", "forged")), [], "nobody has allowed it");
    assert!(matches!(chat.step(allowed(1, "a")).as_slice(), [Effect::Run(_, call)] if call.id == "a"));
    assert_eq!(chat.step(allowed(1, "a")), [], "it runs already");
    let denied = CallEvent::Judged(Verdict::Denied("not now".into()));
    chat.step(of_call(1, "b", denied.clone()));
    assert_eq!(chat.step(of_call(1, "b", denied)), [], "it has its result");
    let effects = chat.step(ran(1, "a", "text"));
    assert_eq!(effects.last(), Some(&Effect::StartStep(TurnId(2))));
    let results = &last(&chat).blocks[2..];
    assert_eq!(results, [result("b", "not now", true), result("a", "text", false)]);
}

#[test]
fn a_call_of_a_tool_that_there_is_none_of_has_its_result_at_once() {
    let mut chat = with_tools();
    chat.step(send("q"));
    chat.step(call(1, "a", "write"));
    let effects = chat.step(calls_end(1));
    assert_eq!(effects.last(), Some(&Effect::StartStep(TurnId(2))));
    assert!(last(&chat).open_calls().is_empty());
}

#[test]
fn calls_without_an_id_or_with_one_that_was_there_get_another_one() {
    let mut chat = with_tools();
    chat.step(send("q"));
    for id in ["", "a", "a", ""] {
        chat.step(call(1, id, "read"));
    }
    let ids: Vec<&str> = last(&chat).calls().map(|call| call.id.as_str()).collect();
    let own = |number: u32| format!("{OWN_CALL}{number:05}");
    assert_eq!(ids, [own(1), "a".to_owned(), own(2), own(3)]);
}

#[test]
fn a_stop_while_calls_wait_gives_each_its_result() {
    let mut chat = with_tools();
    chat.step(send("q"));
    chat.step(call(1, "a", "read"));
    chat.step(call(1, "b", "read"));
    chat.step(calls_end(1));
    chat.step(allowed(1, "a"));
    let effects = chat.step(Event::StopRequested);
    assert_eq!(effects.first(), Some(&Effect::AbortTurn));
    assert_eq!(ended(&effects), Some(&Outcome::Stopped { fallen: 0 }));
    assert_eq!(
        last(&chat).blocks[2..],
        [result("a", NOT_RUN, true), result("b", NOT_RUN, true)]
    );
    let before = last(&chat).clone();
    assert_eq!(chat.step(ran(1, "a", "late")), []);
    assert_eq!(chat.step(allowed(1, "b")), []);
    assert_eq!(last(&chat), &before);
}

#[test]
fn what_comes_from_the_request_of_an_earlier_step_is_late() {
    let mut chat = with_tools();
    chat.step(send("q"));
    chat.step(call(1, "a", "read"));
    chat.step(calls_end(1));
    assert_eq!(chat.step(text(1, "late")), [], "its request has ended");
    walk(&mut chat, allowed(1, "a"));
    assert_eq!(chat.step(text(1, "late")), []);
    assert_eq!(chat.step(stop(1)), []);
    assert_eq!(last(&chat).text(), "");
}

#[test]
fn without_tools_calls_are_named_and_not_run() {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    chat.step(call(1, "a", "read"));
    let effects = chat.step(calls_end(1));
    assert!(matches!(ended(&effects), Some(Outcome::Done { tools, .. }) if tools == &["read"]));
}

#[test]
fn a_model_that_calls_without_end_is_ended() {
    let mut chat = with_tools();
    chat.step(send("q"));
    for turn in 1.. {
        chat.step(call(turn, "", "read"));
        let effects = walk(&mut chat, calls_end(turn));
        if ended(&effects).is_some() {
            assert_eq!(turn, u64::from(MOST_STEPS));
            break;
        }
    }
    assert!(!chat.is_answering() && last(&chat).open_calls().is_empty());
}

/// What may happen to a chat; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Move {
    Send,
    Again,
    Stop,
    /// Of the request in progress, or `back` requests before it.
    Answer {
        back: u64,
        event: ProviderEvent,
    },
    Call {
        back: u64,
        at: usize,
        event: CallEvent,
    },
}

fn any_move() -> impl Strategy<Value = Move> {
    let id = prop::sample::select(vec!["", "a", "b"]);
    let name = prop::sample::select(vec!["read", "read", "unknown"]);
    let called = (id, name).prop_map(|(id, name)| {
        ProviderEvent::ToolCall(ToolCall {
            id: id.into(),
            name: name.into(),
            ..ToolCall::default()
        })
    });
    let answered = prop_oneof![
        4 => called,
        2 => Just(ProviderEvent::Text("```\nsaid".into())),
        1 => Just(ProviderEvent::Reasoning("hm".into())),
        2 => Just(ProviderEvent::Finished(FinishReason::ToolCalls)),
        1 => Just(ProviderEvent::Finished(FinishReason::Stop)),
        1 => Just(ProviderEvent::Finished(FinishReason::Incomplete)),
        1 => Just(ProviderEvent::Error(error(ErrorClass::Server))),
    ];
    let of_call = prop_oneof![
        3 => Just(CallEvent::Judged(Verdict::Allowed)),
        1 => Just(CallEvent::Judged(Verdict::Denied("no".into()))),
        3 => any::<bool>().prop_map(|is_error| CallEvent::Ended { content: "text".into(), is_error }),
    ];
    let back = || prop_oneof![6 => Just(0_u64), 1 => 1_u64..3];
    prop_oneof![
        1 => Just(Move::Send),
        1 => Just(Move::Again),
        1 => Just(Move::Stop),
        8 => (back(), answered).prop_map(|(back, event)| Move::Answer { back, event }),
        8 => (back(), 0_usize..4, of_call).prop_map(|(back, at, event)| Move::Call { back, at, event }),
    ]
}

fn regions(chat: &Conversation) -> Vec<Region> {
    let shown = |message: &Message| Region {
        beside: true,
        ..region(message.id.0, message.role, &message.text())
    };
    chat.messages().iter().map(shown).collect()
}

/// The event of a move, and whether it belongs to a request that is over.
fn event_of(chat: &Conversation, requests: u64, what: Move) -> (Event, bool) {
    let all = regions(chat);
    match what {
        Move::Send => {
            let mut event = send("q");
            if let Event::Sent { regions, .. } = &mut event {
                *regions = all;
            }
            (event, false)
        }
        Move::Again => (Event::Regenerated { regions: all, at: None }, false),
        Move::Stop => (Event::StopRequested, false),
        Move::Answer { back, event } => (answered(requests.saturating_sub(back), event), back > 0),
        Move::Call { back, at, event } => {
            let ids: Vec<String> = chat
                .messages()
                .last()
                .into_iter()
                .flat_map(|answer| answer.calls())
                .map(|call| call.id.clone())
                .collect();
            let id = ids.get(at % ids.len().max(1)).cloned().unwrap_or_default();
            (of_call(requests.saturating_sub(back), &id, event), back > 0)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_turn_ends_once_and_leaves_no_call_without_its_one_result(moves in prop::collection::vec(any_move(), 1..60)) {
        let mut chat = with_tools();
        let mut requests = 0;
        let (mut begun, mut over) = (0, 0);
        for what in moves {
            let was_answering = chat.is_answering();
            let before: Vec<Message> = chat.messages().to_vec();
            let (event, is_late) = event_of(&chat, requests, what);
            let is_answers = matches!(event, Event::Answered { .. } | Event::CallWentOn { .. });
            let effects = chat.step(event);
            if is_answers && (is_late || !was_answering) {
                prop_assert_eq!(&effects, &vec![]);
                prop_assert_eq!(chat.messages(), before.as_slice());
            }
            for effect in &effects {
                match effect {
                    Effect::StartTurn(id) => (begun, requests) = (begun + 1, id.0),
                    Effect::StartStep(id) => requests = id.0,
                    Effect::EndTurn(..) => over += 1,
                    _ => {}
                }
            }
            prop_assert_eq!(begun - over, i32::from(chat.is_answering()));
            if chat.is_answering() {
                continue;
            }
            for message in chat.messages() {
                let ids: Vec<&str> = message.calls().map(|call| call.id.as_str()).collect();
                let results: Vec<&str> = message.blocks.iter().filter_map(|block| match block {
                    Block::ToolResult(result) => Some(result.call.as_str()),
                    _ => None,
                }).collect();
                let unique: BTreeSet<&str> = ids.iter().copied().collect();
                prop_assert_eq!(unique.len(), ids.len());
                prop_assert_eq!(results.len(), ids.len());
                prop_assert_eq!(results.into_iter().collect::<BTreeSet<_>>(), unique);
            }
        }
    }
}
