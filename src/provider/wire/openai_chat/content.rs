//! Reads the chunks of an answer: text, reasoning, refusals, sources, and what can only be named.

use super::chunk::{CallDelta, Choice, Chunk, Content, Delta, Part};
use super::sealed::Sealed;
use super::tools::Calls;
use crate::provider::wire::citations::Sources;
use crate::provider::wire::lenient::{Object, Text};
use crate::provider::wire::reasoning::Reasoned;
use crate::provider::wire::unshown::Named;
use crate::provider::{Event, UnshownKind};

/// How much of an answer is remembered, in bytes, to tell what a `message` adds to it.
const LONGEST_SAID: usize = 1024 * 1024;

/// What has been told of the answer.
#[derive(Debug, Default)]
pub(super) struct Answered {
    /// Its text; none once it has grown too long to be compared.
    said: Option<String>,
    is_long: bool,
    /// Whether it comes in deltas: then a `message` only repeats them.
    streamed: bool,
    reasoned: Reasoned<6>,
    sources: Sources,
    named: Named,
    sealed: Sealed,
}

impl Answered {
    pub(super) fn choice(&mut self, choice: &Choice<'_>, calls: &mut Calls, out: &mut Vec<Event>) {
        let before = out.len();
        if let Some(delta) = &choice.delta.0 {
            self.delta(delta, calls, out);
        }
        self.streamed |= out.len() > before;
        if let Some(message) = &choice.message.0 {
            self.message(message, calls, out);
        }
        // Of a server that knows the older completions, too.
        if out.len() == before {
            self.text(choice.text.as_str(), out);
        }
    }

    /// What stands beside the choices: sources, and what servers send in place of them.
    pub(super) fn beside(&mut self, chunk: &Chunk<'_>, calls: &mut Calls, out: &mut Vec<Event>) {
        for links in [&chunk.search_results, &chunk.citations, &chunk.web_search] {
            self.sources.add_all(&links.0, out);
        }
        if chunk.choices.0.is_empty() {
            self.delta(&chunk.message.0, calls, out);
            self.text(chunk.response.as_str(), out);
            self.text(chunk.content.as_str(), out);
        }
    }

    fn delta(&mut self, delta: &Delta<'_>, calls: &mut Calls, out: &mut Vec<Event>) {
        self.reasoning(delta, out);
        self.content(&delta.content, out);
        if let Some(Object(audio)) = &delta.audio {
            self.named.add("audio", UnshownKind::Audio, "", out);
            self.text(audio.transcript.as_str(), out);
        }
        refusal(&delta.refusal, out);
        self.others(delta, out);
        self.calls(delta, calls, out);
    }

    /// A whole message, or all of it so far, or a piece of it: what of it is new.
    fn message(&mut self, message: &Delta<'_>, calls: &mut Calls, out: &mut Vec<Event>) {
        let is_first = self.said.is_none() && !self.is_long && !self.streamed;
        if is_first {
            return self.delta(message, calls, out);
        }
        self.reasoning(message, out);
        if let Content::Text(text) = &message.content {
            let said = self.said.as_deref().unwrap_or_default();
            match text.strip_prefix(said) {
                Some(new) if !self.is_long => self.text(new, out),
                // A piece; but what differs from its deltas cannot be unsaid.
                _ if !self.streamed => self.text(text, out),
                _ => {}
            }
        }
        self.cite(message, out);
        if !self.streamed || calls.is_empty() {
            self.calls(message, calls, out);
        }
        if self.named.is_empty() {
            self.others(message, out);
        }
    }

    fn text(&mut self, text: &str, out: &mut Vec<Event>) {
        if text.is_empty() {
            return;
        }
        let said = self.said.get_or_insert_default();
        if said.len() + text.len() > LONGEST_SAID {
            self.is_long = true;
            said.clear();
        } else if !self.is_long {
            said.push_str(text);
        }
        out.push(Event::Text(text.to_owned()));
    }

    /// Hands on what the server wants back, at the answer's end.
    pub(super) fn seal(&mut self, has_calls: bool, out: &mut Vec<Event>) {
        self.sealed.tell(has_calls, out);
    }

    /// One kind of reasoning: servers that send several repeat the same text in them.
    fn reasoning(&mut self, delta: &Delta<'_>, out: &mut Vec<Event>) {
        let fields = [
            &delta.reasoning_content,
            &delta.reasoning,
            &delta.reasoning_text,
            &delta.thinking,
            &delta.reasoning_details,
            &delta.thinking_blocks,
        ];
        self.reasoned.take(fields.map(|field| field.as_str()), out);
        self.sealed
            .take(delta.reasoning_details.entries(), delta.reasoning_content.as_str());
    }

    fn content(&mut self, content: &Content<'_>, out: &mut Vec<Event>) {
        match content {
            Content::Text(text) => self.text(text, out),
            Content::Parts(parts) => parts.iter().for_each(|Object(part)| self.part(part, out)),
        }
    }

    fn part(&mut self, part: &Part<'_>, out: &mut Vec<Event>) {
        let before = out.len();
        for thought in [&part.thinking, &part.reasoning] {
            reasoning(thought.as_str(), out);
        }
        let kind = part.kind.as_str();
        if matches!(kind, "reasoning" | "thinking") {
            reasoning(part.text.as_str(), out);
        } else {
            self.text(part.text.as_str(), out);
        }
        refusal(&part.refusal, out);
        let is_source = matches!(kind, "tool_reference" | "document_url" | "reference");
        if is_source {
            self.sources.add_named(&part.url, &part.title, out);
        }
        let is_known = matches!(kind, "" | "text" | "output_text" | "thinking" | "reasoning" | "refusal");
        if out.len() == before && !is_known && !is_source {
            self.named.add_type("", kind, part.file_name.as_str(), out);
        }
    }

    /// What is named, and the sources.
    fn others(&mut self, delta: &Delta<'_>, out: &mut Vec<Event>) {
        for _ in &delta.images.0 {
            self.named.add("", UnshownKind::Image, "", out);
        }
        for (at, Object(tool)) in delta.executed_tools.0.iter().enumerate() {
            let names = [tool.name.as_str(), tool.kind.as_str()];
            let name = names.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
            let key = format!("tool {}", tool.index.0.unwrap_or(at as u64));
            self.named.add(&key, UnshownKind::Ran, name, out);
            self.sources.add_all(&tool.search_results.0.results.0, out);
        }
        self.cite(delta, out);
    }

    fn cite(&mut self, delta: &Delta<'_>, out: &mut Vec<Event>) {
        for Object(annotation) in &delta.annotations.0 {
            for source in [
                &annotation.url_citation.0,
                &annotation.file_citation.0,
                &annotation.flat,
            ] {
                self.sources.add(source, out);
            }
        }
        self.sources.add_all(&delta.context.0.citations.0, out);
    }

    fn calls(&mut self, delta: &Delta<'_>, calls: &mut Calls, out: &mut Vec<Event>) {
        for Object(call) in &delta.tool_calls.0 {
            if is_own(call) {
                calls.take(call);
            } else {
                self.named
                    .add(call.id.as_str(), UnshownKind::Ran, call.kind.as_str(), out);
            }
        }
        if let Some(Object(function)) = &delta.function_call {
            calls.take_function(function);
        }
    }
}

/// Whether a call is one of ours to answer. Of a kind that we do not know it says nothing but its kind.
fn is_own(call: &CallDelta<'_>) -> bool {
    let says = |name: &Text<'_>| !name.is_empty();
    let has_function = says(&call.function.0.name) || !call.function.0.arguments.0.is_empty();
    has_function || matches!(call.kind.as_str(), "" | "function" | "custom") || says(&call.custom.0.name)
}

fn reasoning(text: &str, out: &mut Vec<Event>) {
    if !text.is_empty() {
        out.push(Event::Reasoning(text.to_owned()));
    }
}

fn refusal(text: &Text<'_>, out: &mut Vec<Event>) {
    if !text.is_empty() {
        out.push(Event::Refusal(text.as_str().to_owned()));
    }
}
