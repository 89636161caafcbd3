//! The texts of an answer, each of which comes up to five times: in deltas, in `….done`, in `content_part.done`, in
//! `output_item.done` and in the finished answer. It is handed on once, from whichever comes first.

use super::frame::{Frame, Part};
use crate::provider::Event;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Refusal,
    Summary,
    Reasoning,
}

/// Where a text stands: in which output item, and which part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) output: u64,
    pub(super) part: u64,
}

#[derive(Debug, Default)]
pub(super) struct Parts {
    list: Vec<Spoken>,
}

/// What has been handed on of one text.
#[derive(Debug)]
struct Spoken {
    kind: Kind,
    place: Place,
    text: String,
}

impl Place {
    pub(super) fn of(frame: &Frame<'_>) -> Self {
        let part = frame.content_index.0.or(frame.summary_index.0);
        Self {
            output: frame.output_index.or_zero(),
            part: part.unwrap_or_default(),
        }
    }
}

impl Kind {
    fn event(self, text: String) -> Event {
        match self {
            Self::Text => Event::Text(text),
            Self::Refusal => Event::Refusal(text),
            Self::Summary | Self::Reasoning => Event::Reasoning(text),
        }
    }
}

impl Parts {
    /// Takes a piece of a text.
    pub(super) fn delta(&mut self, kind: Kind, place: Place, delta: &str, out: &mut Vec<Event>) {
        if delta.is_empty() {
            return;
        }
        let break_before = self.break_before(kind, place);
        let known = self
            .list
            .iter_mut()
            .rev()
            .find(|spoken| spoken.kind == kind && spoken.place == place);
        match known {
            Some(spoken) => spoken.text.push_str(delta),
            None => self.list.push(Spoken {
                kind,
                place,
                text: delta.to_owned(),
            }),
        }
        out.push(kind.event(format!("{break_before}{delta}")));
    }

    /// Takes a whole text: hands on what the deltas have not brought.
    pub(super) fn done(&mut self, kind: Kind, place: Place, whole: &str, out: &mut Vec<Event>) {
        let known = self
            .list
            .iter()
            .rev()
            .find(|spoken| spoken.kind == kind && spoken.place == place);
        let rest = known.map_or(Some(whole), |spoken| whole.strip_prefix(spoken.text.as_str()));
        // A text that differs from its deltas cannot be unsaid: it stays as it was shown.
        self.delta(kind, place, rest.unwrap_or_default(), out);
    }

    /// Takes a whole part.
    pub(super) fn part(&mut self, place: Place, part: &Part<'_>, out: &mut Vec<Event>) {
        self.done(Kind::Text, place, part.spoken(), out);
        self.done(Kind::Refusal, place, part.refusal.as_str(), out);
        if part.kind.as_str() == "reasoning_text" {
            self.done(Kind::Reasoning, place, part.text.as_str(), out);
        }
    }

    /// Takes all texts of a kind, joined, from the finished answer. They are compared as a whole since some servers
    /// number the output there otherwise than before.
    pub(super) fn missed(&mut self, kind: Kind, whole: &str, out: &mut Vec<Event>) {
        let said: String = self
            .list
            .iter()
            .filter(|spoken| spoken.kind == kind)
            .map(|s| s.text.as_str())
            .collect();
        let rest = whole.strip_prefix(said.as_str()).unwrap_or_default();
        let next = self.list.iter().map(|spoken| spoken.place.output + 1).max();
        self.delta(
            kind,
            Place {
                output: next.unwrap_or_default(),
                part: 0,
            },
            rest,
            out,
        );
    }

    /// An empty line between two messages, and between two sections of reasoning: the API sends none.
    fn break_before(&self, kind: Kind, place: Place) -> &'static str {
        let mut same = self.list.iter().rev().filter(|spoken| spoken.kind == kind);
        let parted = |before: &Spoken| match kind {
            Kind::Text | Kind::Refusal => before.place.output != place.output,
            Kind::Summary | Kind::Reasoning => before.place != place,
        };
        if same.next().is_some_and(parted) { "\n\n" } else { "" }
    }
}
