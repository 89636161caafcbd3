//! The messages of a request as turns of user and model, for the wires: blocks in their order, each call with its result.
//!
//! A request that offers no tools holds neither calls nor results (Anthropic refuses such a one, and nothing can be made
//! of them): its answers are their text. What was signed goes along with answers that hold calls, since there all who
//! sign want it back; in plain chats it is kept and not sent, for none of them needs it there:
//! - Anthropic: "only strictly necessary to send back thinking blocks when using tools"
//!   (<https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-thinking-encryption.html>,
//!   <https://docs.claude.com/en/docs/build-with-claude/extended-thinking>);
//! - OpenAI: items of reasoning between a call and the model's next words
//!   (<https://platform.openai.com/docs/guides/reasoning>);
//! - Gemini: validated on calls, only recommended on text (<https://ai.google.dev/gemini-api/docs/thought-signatures>);
//! - OpenRouter, DeepSeek: with messages that call tools
//!   (<https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks>,
//!   <https://api-docs.deepseek.com/guides/thinking_mode>).

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::provider::{Message, Request, Role};
use crate::transcript::{Block, OWN_CALL, Step, ToolCall};

/// Stands before a conversation that begins with the model's words: these APIs want the user to begin.
const OPENING: &str = "(The conversation begins with your words.)";
/// Stands for a result without a letter: some servers refuse an empty one.
const EMPTY: &str = "(empty)";
/// The longest id of a call, in bytes, and the longest name of a tool: OpenAI's limits.
const LONGEST: usize = 64;

/// What one side says until the other one speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turn<'a> {
    pub(crate) is_user: bool,
    pub(crate) parts: Vec<Part<'a>>,
}

/// A part of a turn. The user's side has results and texts, the results first; the model's has all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    Text(String),
    /// What the provider wants back unchanged.
    Sealed(&'a Value),
    Call(Call<'a>),
    Result(Answered<'a>),
}

/// A call as it can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call<'a> {
    /// Letters, digits, `_` and `-`, at most 64 of them; each call of a request has another one.
    pub(crate) id: String,
    /// The id that the model gave, if it gave one.
    pub(crate) given: Option<&'a str>,
    pub(crate) name: String,
    pub(crate) arguments: Map<String, Value>,
    pub(crate) sealed: Option<&'a Value>,
}

/// The result of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answered<'a> {
    pub(crate) id: String,
    pub(crate) given: Option<&'a str>,
    pub(crate) name: String,
    pub(crate) content: Cow<'a, str>,
    pub(crate) is_error: bool,
}

impl Turn<'_> {
    /// Its texts, one below the other.
    pub(crate) fn text(&self) -> Option<String> {
        let texts: Vec<&str> = self.parts.iter().filter_map(Part::text).collect();
        (!texts.is_empty()).then(|| texts.join("\n\n"))
    }

    /// Its text, if it is nothing else.
    pub(crate) fn only_text(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [part] => part.text(),
            _ => None,
        }
    }
}

impl Part<'_> {
    fn text(&self) -> Option<&str> {
        match self {
            Part::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The instructions of a request.
pub(crate) fn instructions(messages: &[Message]) -> String {
    let system = messages.iter().filter(|message| message.role == Role::System);
    let spoken = system.filter(|message| !message.is_blank());
    spoken.map(Message::text).collect::<Vec<_>>().join("\n\n")
}

/// The conversation, for those APIs that take messages of one side in a row: each message by itself.
pub(crate) fn list(request: &Request) -> Vec<Turn<'_>> {
    let mut ids = Ids::default();
    let said = request.messages.iter().filter(|message| message.role != Role::System);
    said.flat_map(|message| turns_of(message, request, &mut ids)).collect()
}

/// The instructions, and the conversation, for those APIs that want the sides in turn: it begins with the user, the sides
/// alternate, no text is blank, and a last word of the model's, which it is to continue, has no white space at its end.
pub(crate) fn split(request: &Request) -> (String, Vec<Turn<'_>>) {
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for turn in list(request) {
        if turns.is_empty() && !turn.is_user {
            turns.push(spoken(true, OPENING.to_owned()));
        }
        match turns.last_mut() {
            Some(last) if last.is_user == turn.is_user => turn.parts.into_iter().for_each(|part| join(last, part)),
            _ => turns.push(turn),
        }
    }
    if let Some(Part::Text(text)) = turns
        .last_mut()
        .filter(|last| !last.is_user)
        .and_then(|last| last.parts.last_mut())
    {
        text.truncate(text.trim_end().len());
    }
    (instructions(&request.messages), turns)
}

fn spoken<'a>(is_user: bool, text: String) -> Turn<'a> {
    let parts = vec![Part::Text(text)];
    Turn { is_user, parts }
}

fn join<'a>(turn: &mut Turn<'a>, part: Part<'a>) {
    match (turn.parts.last_mut(), part) {
        (Some(Part::Text(text)), Part::Text(more)) => {
            text.push_str("\n\n");
            text.push_str(&more);
        }
        (_, part) => turn.parts.push(part),
    }
}

fn turns_of<'a>(message: &'a Message, request: &Request, ids: &mut Ids) -> Vec<Turn<'a>> {
    let is_user = message.role == Role::User;
    if is_user || request.tools.is_empty() || message.calls().next().is_none() {
        let said = (!message.is_blank()).then(|| spoken(is_user, message.text().into_owned()));
        return said.into_iter().collect();
    }
    let turns = message.steps().into_iter().flat_map(|step| {
        let parts = said(&step, &request.label, ids);
        let asked = parts.iter().filter_map(|part| match part {
            Part::Call(call) => Some(call),
            _ => None,
        });
        let results: Vec<Part<'a>> = asked
            .zip(step.results)
            .map(|(call, result)| answered(call, result))
            .collect();
        let model = (!parts.is_empty()).then_some(Turn { is_user: false, parts });
        let user = (!results.is_empty()).then_some(Turn {
            is_user: true,
            parts: results,
        });
        [model, user].into_iter().flatten()
    });
    turns.collect()
}

/// What the model said in a step. What is sealed and nothing follows is left out: without its next item OpenAI refuses
/// it, and no message of Anthropic's may end with thinking.
fn said<'a>(step: &Step<'a>, label: &str, ids: &mut Ids) -> Vec<Part<'a>> {
    let mut parts: Vec<Part<'a>> = Vec::new();
    for &block in &step.said {
        match block {
            Block::Text(text) | Block::Refusal(text) => match parts.last_mut() {
                Some(Part::Text(before)) => before.push_str(text),
                _ => parts.push(Part::Text(text.clone())),
            },
            Block::Reasoning { signature, .. } => {
                let sealed = signature.as_ref().and_then(|signature| signature.for_model(label));
                parts.extend(sealed.map(Part::Sealed));
            }
            Block::ToolCall(call) => parts.push(Part::Call(callable(call, label, ids))),
            Block::ToolResult(_) | Block::Citation(_) | Block::Unshown(_) => {}
        }
    }
    parts.retain(|part| part.text().is_none_or(|text| !text.trim().is_empty()));
    while matches!(parts.last(), Some(Part::Sealed(_))) {
        parts.pop();
    }
    parts
}

fn callable<'a>(call: &'a ToolCall, label: &str, ids: &mut Ids) -> Call<'a> {
    let arguments = match serde_json::from_str(&call.arguments) {
        Ok(Value::Object(arguments)) => arguments,
        _ => Map::new(), // cut, or no JSON: such a call was not run
    };
    Call {
        id: ids.unique(&call.id),
        given: Some(call.id.as_str()).filter(|id| !id.is_empty() && !id.starts_with(OWN_CALL)),
        name: name(&call.name),
        arguments,
        sealed: call.signature.as_ref().and_then(|signature| signature.for_model(label)),
    }
}

fn answered<'a>(call: &Call<'a>, (content, is_error): (Cow<'a, str>, bool)) -> Part<'a> {
    Part::Result(Answered {
        id: call.id.clone(),
        given: call.given,
        name: call.name.clone(),
        content: match content.trim().is_empty() {
            true => Cow::Borrowed(EMPTY),
            false => content,
        },
        is_error,
    })
}

/// A tool's name as all APIs take it: letters, digits and `_`, which it may begin with, at most 64 of them.
fn name(name: &str) -> String {
    let is_fine = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-');
    let mut fine: String = name
        .chars()
        .map(|sign| if is_fine(sign) { sign } else { '_' })
        .collect();
    if !fine.starts_with(|sign: char| sign.is_ascii_alphabetic() || sign == '_') {
        fine.insert(0, '_');
    }
    fine.truncate(LONGEST);
    fine
}

/// The ids of a request's calls: those that were given where all APIs take them, and no one twice.
#[derive(Debug, Default)]
struct Ids {
    used: HashSet<String>,
    made: usize,
}

impl Ids {
    fn unique(&mut self, id: &str) -> String {
        let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let mut id = id.to_owned();
        while id.is_empty() || id.len() > LONGEST || !id.bytes().all(is_fine) || self.used.contains(&id) {
            self.made += 1;
            // Nine letters and digits: all that Mistral's API takes.
            id = format!("call{:05}", self.made);
        }
        self.used.insert(id.clone());
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::{NOT_RUN, Signature, ToolResult};

    fn request(messages: Vec<Message>) -> Request {
        Request {
            messages,
            ..Request::default()
        }
    }

    fn split_of(said: &[(Role, &str)]) -> (String, Vec<(bool, String)>) {
        let request = request(said.iter().map(|(role, text)| Message::said(*role, text)).collect());
        let (instructions, turns) = split(&request);
        let turn = |turn: &Turn<'_>| (turn.is_user, turn.only_text().unwrap().to_owned());
        (instructions, turns.iter().map(turn).collect())
    }

    #[test]
    fn messages_of_one_side_that_follow_one_another_become_one() {
        let said = [
            (Role::System, "s"),
            (Role::User, "a"),
            (Role::User, "b"),
            (Role::Assistant, "c"),
            (Role::System, "t"),
        ];
        let turns = vec![(true, "a\n\nb".to_owned()), (false, "c".to_owned())];
        assert_eq!(split_of(&said), ("s\n\nt".into(), turns));
    }

    #[test]
    fn the_user_begins_and_blank_messages_are_left_out() {
        let said = [(Role::User, " \n"), (Role::Assistant, "c \n"), (Role::Assistant, "")];
        let turns = vec![(true, OPENING.to_owned()), (false, "c".to_owned())];
        assert_eq!(split_of(&said), (String::new(), turns));
        assert_eq!(split_of(&[]), (String::new(), vec![]));
    }

    #[test]
    fn only_the_last_word_of_the_model_is_trimmed() {
        let said = [(Role::User, "q "), (Role::Assistant, "a "), (Role::User, "r ")];
        let texts: Vec<String> = split_of(&said).1.into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["q ", "a ", "r "]);
    }

    /// An answer of two calls, of which the second one was never run.
    fn called() -> Message {
        let call = |id: &str, name: &str, arguments: &str| {
            Block::ToolCall(ToolCall {
                id: id.into(),
                name: name.into(),
                arguments: arguments.into(),
                signature: None,
            })
        };
        let mut answer = Message::said(Role::Assistant, "");
        answer.blocks = vec![
            Block::Reasoning {
                text: "hm".into(),
                signature: Some(Signature {
                    by: "p/m".into(),
                    sealed: "seal".into(),
                }),
            },
            Block::Text("I look.".into()),
            call("a:1", "read file", r#"{"x":1}"#),
            call("a:1", "9", r#"{"x":"#),
            Block::ToolResult(ToolResult {
                call: "a:1".into(),
                content: " ".into(),
                is_error: false,
            }),
        ];
        answer
    }

    fn with_tools(label: &str) -> Request {
        Request {
            label: label.into(),
            tools: vec![crate::provider::Tool::default()],
            ..request(vec![Message::said(Role::User, "q"), called()])
        }
    }

    #[test]
    fn calls_have_ids_and_names_that_all_take_and_one_result_each() {
        let request = with_tools("p/m");
        let (_, turns) = split(&request);
        let [_, model, user] = turns.as_slice() else {
            panic!("{turns:?}")
        };
        let calls: Vec<(&str, &str, usize)> = model
            .parts
            .iter()
            .filter_map(|part| match part {
                Part::Call(call) => Some((call.id.as_str(), call.name.as_str(), call.arguments.len())),
                _ => None,
            })
            .collect();
        assert_eq!(calls, [("call00001", "read_file", 1), ("call00002", "_9", 0)]);
        let results: Vec<(&str, &str, bool)> = user
            .parts
            .iter()
            .filter_map(|part| match part {
                Part::Result(result) => Some((result.id.as_str(), &*result.content, result.is_error)),
                _ => None,
            })
            .collect();
        assert_eq!(results, [("call00001", EMPTY, false), ("call00002", NOT_RUN, true)]);
    }

    #[test]
    fn what_is_sealed_goes_back_to_its_model_alone_and_only_with_tools() {
        let is_sealed = |request: &Request| {
            let all = split(request).1;
            all.iter()
                .flat_map(|turn| &turn.parts)
                .any(|part| matches!(part, Part::Sealed(_)))
        };
        assert!(is_sealed(&with_tools("p/m")));
        assert!(!is_sealed(&with_tools("p/other")) && !is_sealed(&with_tools("q/m")));
        let plain = Request {
            tools: Vec::new(),
            ..with_tools("p/m")
        };
        assert!(!is_sealed(&plain));
        assert_eq!(split(&plain).1[1].only_text(), Some("I look."));
    }
}
