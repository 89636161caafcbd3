//! Puts function calls together whose arguments come in pieces.
//!
//! Facts (2026-11-28): Google's page on
//! [streamed arguments](https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling), and a
//! recorded answer (2026-04). The first piece has the name, the next ones have `partialArgs` with the place of each value
//! as a JSON path, and the last one has neither. A text may come in pieces, too.

use serde_json::{Map, Value};

use super::chunk::FunctionCall;
use crate::provider::wire::event_stream::MOST_CALLS;
use crate::provider::wire::lenient::is_truthy;
use crate::provider::{Event, ToolCall};
use crate::transcript::Signature;

/// The longest arguments that are put together, in bytes of their values and paths.
const LONGEST: usize = 1024 * 1024;
/// The deepest place, and the highest index of a list.
const DEEPEST: usize = 32;
const HIGHEST: usize = 1_000;

/// The calls of an answer.
#[derive(Debug, Default)]
pub(super) struct Calls {
    open: Option<Open>,
    count: usize,
}

/// A call whose arguments are still coming.
#[derive(Debug)]
struct Open {
    id: String,
    name: String,
    arguments: Value,
    size: usize,
    signature: Option<Signature>,
}

impl Calls {
    /// Whether there was one.
    pub(super) fn any(&self) -> bool {
        self.count > 0
    }

    /// Takes a call, or a piece of one.
    pub(super) fn take(&mut self, call: &FunctionCall<'_>, signature: Option<Signature>, out: &mut Vec<Event>) {
        let goes_on = call.will_continue.as_ref().is_some_and(is_truthy);
        if !call.name.is_empty() {
            self.close(out);
            self.begin(call, signature, goes_on, out);
        }
        let Some(open) = &mut self.open else { return };
        for piece in &call.partial_args.0 {
            open.piece(piece);
        }
        if !goes_on {
            self.close(out);
        }
    }

    fn begin(&mut self, call: &FunctionCall<'_>, signature: Option<Signature>, goes_on: bool, out: &mut Vec<Event>) {
        let (id, name) = (call.id.as_str().to_owned(), call.name.as_str().to_owned());
        if goes_on || !call.partial_args.0.is_empty() {
            let given = serde_json::from_str::<Value>(&call.args.0).ok();
            self.open = Some(Open {
                id,
                name,
                arguments: given
                    .filter(Value::is_object)
                    .unwrap_or_else(|| Value::Object(Map::new())),
                size: call.args.0.len(),
                signature,
            });
            return;
        }
        let arguments = if call.args.0.is_empty() { "{}" } else { &call.args.0 }.to_owned();
        self.tell(
            ToolCall {
                id,
                name,
                arguments,
                signature,
            },
            out,
        );
    }

    /// Hands the open call on.
    pub(super) fn close(&mut self, out: &mut Vec<Event>) {
        if let Some(open) = self.open.take() {
            let call = ToolCall {
                id: open.id,
                name: open.name,
                arguments: open.arguments.to_string(),
                signature: open.signature,
            };
            self.tell(call, out);
        }
    }

    /// Forgets the open call: the answer was cut in it.
    pub(super) fn cut(&mut self) {
        self.open = None;
    }

    fn tell(&mut self, call: ToolCall, out: &mut Vec<Event>) {
        self.count += 1;
        if self.count <= MOST_CALLS {
            out.push(Event::ToolCall(call));
        }
    }
}

impl Open {
    /// Puts a value in its place; a text goes on where there is one.
    fn piece(&mut self, piece: &Value) {
        let Some(path) = piece.get("jsonPath").and_then(Value::as_str) else {
            return;
        };
        let value = ["stringValue", "numberValue", "boolValue"]
            .iter()
            .find_map(|name| piece.get(*name))
            .cloned()
            .unwrap_or(Value::Null);
        self.size += path.len() + value.as_str().map_or(16, str::len);
        let (Some(steps), true) = (steps(path), self.size <= LONGEST) else {
            return;
        };
        let Some(place) = steps.into_iter().try_fold(&mut self.arguments, step) else {
            return;
        };
        match (place, value) {
            (Value::String(text), Value::String(more)) => text.push_str(&more),
            (place, value) => *place = value,
        }
    }
}

/// A step of a path: into an object, or into a list.
enum Step {
    Key(String),
    Index(usize),
}

/// The steps of `$.a[0]['b c']`; `None` if it is no such path.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if steps.len() >= DEEPEST {
            return None;
        }
        if let Some(named) = rest.strip_prefix('.') {
            let end = named.find(['.', '[']).unwrap_or(named.len());
            let (key, after) = named.split_at(end);
            steps.push(Step::Key(key.to_owned()));
            rest = after;
            continue;
        }
        let inner = rest.strip_prefix('[')?;
        let quote = inner.chars().next().filter(|sign| matches!(sign, '\'' | '"'));
        let (step, after) = match quote {
            Some(quote) => {
                let (key, after) = inner.get(1..)?.split_once(quote)?;
                (Step::Key(key.to_owned()), after.strip_prefix(']')?)
            }
            None => {
                let (index, after) = inner.split_once(']')?;
                (
                    Step::Index(index.parse().ok().filter(|index| *index <= HIGHEST)?),
                    after,
                )
            }
        };
        steps.push(step);
        rest = after;
    }
    Some(steps)
}

/// The place one step further, made where it is not there yet.
fn step(place: &mut Value, step: Step) -> Option<&mut Value> {
    match step {
        Step::Key(key) => {
            if place.is_null() {
                *place = Value::Object(Map::new());
            }
            Some(place.as_object_mut()?.entry(key).or_insert(Value::Null))
        }
        Step::Index(index) => {
            if place.is_null() {
                *place = Value::Array(Vec::new());
            }
            let list = place.as_array_mut()?;
            if list.len() <= index {
                list.resize(index + 1, Value::Null);
            }
            list.get_mut(index)
        }
    }
}
