//! A message: a role and its blocks, what of them is said, and how they grow and are changed.

use std::borrow::Cow;

use super::{Block, Citation, MessageId, Role, ToolCall, Unshown};

/// How many sources of a message are kept.
const MOST_CITATIONS: usize = 100;

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its number, unique in its chat; 0 for one that is only sent.
    pub id: MessageId,
    /// Who speaks.
    pub role: Role,
    /// What it consists of, in the order in which it came.
    pub blocks: Vec<Block>,
    /// Of an answer: which model gives it, as `provider/model`.
    pub label: String,
    /// Of an answer that its provider cut: the word for that.
    pub cut: Option<String>,
    /// Of an answer that was broken off with its process: what the history has of its text. The screen may show more.
    pub broken_off: Option<String>,
}

impl Message {
    /// A message that says this.
    #[must_use]
    pub fn new(id: MessageId, role: Role, text: String) -> Self {
        let blocks = match text.is_empty() {
            true => Vec::new(),
            false => vec![Block::Text(text)],
        };
        Self {
            id,
            role,
            blocks,
            label: String::new(),
            cut: None,
            broken_off: None,
        }
    }

    /// A message without a number, to be sent and not kept.
    #[must_use]
    pub fn said(role: Role, text: &str) -> Self {
        Self::new(MessageId(0), role, text.to_owned())
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Text(text) | Block::Refusal(text) => Some(text.as_str()),
            _ => None,
        })
    }

    fn thoughts(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Reasoning { text, .. } => Some(text.as_str()),
            _ => None,
        })
    }

    /// What it says, without reasoning, tools and sources.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        joined(self.texts())
    }

    /// What the model thought, as far as it is told.
    #[must_use]
    pub fn reasoning(&self) -> Cow<'_, str> {
        joined(self.thoughts())
    }

    /// How long the reasoning is that is told, in bytes.
    #[must_use]
    pub fn reasoning_length(&self) -> usize {
        self.thoughts().map(str::len).sum()
    }

    /// Whether not a letter of text has come.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.texts().all(str::is_empty)
    }

    /// Whether it has no text but white space.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.texts().all(|text| text.trim().is_empty())
    }

    /// Whether the model refused to answer: the text says why.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        self.blocks.iter().any(|block| matches!(block, Block::Refusal(_)))
    }

    /// The tools that the model asked for.
    pub fn calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.blocks.iter().filter_map(|block| match block {
            Block::ToolCall(call) => Some(call),
            _ => None,
        })
    }

    /// The sources that it names, each once.
    pub fn citations(&self) -> impl Iterator<Item = &Citation> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Citation(citation) => Some(citation),
            _ => None,
        })
    }

    /// What else it holds, which is named and not shown.
    pub fn unshown(&self) -> impl Iterator<Item = &Unshown> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Unshown(unshown) => Some(unshown),
            _ => None,
        })
    }

    /// Whether nothing would be lost without it.
    #[must_use]
    pub fn says_nothing(&self) -> bool {
        let is_nothing = |block: &Block| match block {
            Block::Text(text) | Block::Refusal(text) => text.trim().is_empty(),
            Block::Reasoning { text, .. } => text.is_empty(),
            Block::Citation(_) => true,
            Block::ToolCall(_) | Block::ToolResult(_) | Block::Unshown(_) => false,
        };
        self.blocks.iter().all(is_nothing)
    }

    /// Adds a block; text, refusals and reasoning go on where the same was. A source is taken once.
    pub fn push(&mut self, block: Block) {
        if matches!(&block, Block::Citation(citation) if !self.takes(citation)) {
            return;
        }
        match (self.blocks.last_mut(), block) {
            (Some(Block::Text(text)), Block::Text(more)) | (Some(Block::Refusal(text)), Block::Refusal(more)) => {
                text.push_str(&more);
            }
            (
                Some(Block::Reasoning {
                    text,
                    signature: last @ None,
                }),
                Block::Reasoning { text: more, signature },
            ) => {
                text.push_str(&more);
                *last = signature;
            }
            (_, block) => self.blocks.push(block),
        }
    }

    /// Whether a source is a new one, and is kept.
    #[must_use]
    pub fn takes(&self, citation: &Citation) -> bool {
        self.citations().count() < MOST_CITATIONS && !self.citations().any(|known| known.is_same(citation))
    }

    /// Drops the end of what was said and thought, in bytes of each, and all that stands behind where that began.
    pub fn cut_back(&mut self, mut text: usize, mut reasoning: usize) {
        while text > 0 || reasoning > 0 {
            let Some(mut block) = self.blocks.pop() else { return };
            let (said, rest) = match &mut block {
                Block::Text(said) | Block::Refusal(said) => (said, &mut text),
                Block::Reasoning { text: said, signature } => {
                    *signature = None;
                    (said, &mut reasoning)
                }
                _ => continue,
            };
            let kept = said.len().saturating_sub(*rest);
            *rest = rest.saturating_sub(said.len());
            said.truncate(
                (0..=kept)
                    .rev()
                    .find(|&at| said.is_char_boundary(at))
                    .unwrap_or_default(),
            );
            if !said.is_empty() {
                self.blocks.push(block);
            }
        }
    }

    /// How long the text is, in bytes.
    #[must_use]
    pub fn text_length(&self) -> usize {
        self.texts().map(str::len).sum()
    }

    /// Drops what providers have signed: what stands before it is no longer what it was.
    pub fn drop_signatures(&mut self) {
        for block in &mut self.blocks {
            match block {
                Block::Reasoning { signature, .. } => *signature = None,
                Block::ToolCall(call) => call.signature = None,
                _ => {}
            }
        }
    }

    /// Says `text` from now on. Where that goes on with what was said, all else stays; else nothing but it is left.
    pub fn say(&mut self, text: &str) {
        let more = text.strip_prefix(&*self.text()).map(str::to_owned);
        match more {
            Some(more) if more.is_empty() => {}
            Some(more) => self.push(Block::Text(more)),
            None => self.blocks = Self::new(self.id, self.role, text.to_owned()).blocks,
        }
    }

    /// Takes away what of its text a buffer would not show: blank lines at either end, white space at its end.
    pub fn trim(&mut self) {
        let all = self.text().into_owned();
        let end = all.trim_end().len();
        let start = end - trim_blank_lines(&all).len();
        let mut at = 0;
        for block in &mut self.blocks {
            if let Block::Text(text) | Block::Refusal(text) = block {
                let (from, to) = (start.saturating_sub(at), end.saturating_sub(at));
                at += text.len();
                let cut = text.get(from.min(text.len())..to.min(text.len()));
                *text = cut.unwrap_or_default().to_owned();
            }
        }
        self.blocks
            .retain(|block| !matches!(block, Block::Text(text) | Block::Refusal(text) if text.is_empty()));
    }

    /// Whether this is what a buffer shows of it. An answer that was broken off takes over what the history lacks of it.
    pub fn shows(&mut self, shown: &str) -> bool {
        let kept = self.broken_off.as_deref();
        if kept.is_some_and(|kept| shown.len() > kept.len() && shown.starts_with(kept)) {
            self.say(shown);
        }
        trim_blank_lines(&self.text()) == shown
    }

    /// What of an answer that was broken off is shown, and not in the history.
    #[must_use]
    pub fn unkept(&self) -> Option<String> {
        let text = self.text();
        let more = text.strip_prefix(self.broken_off.as_deref()?)?;
        (!more.is_empty()).then(|| more.to_owned())
    }
}

fn joined<'a>(mut pieces: impl Iterator<Item = &'a str>) -> Cow<'a, str> {
    let Some(first) = pieces.next() else {
        return Cow::Borrowed("");
    };
    match pieces.next() {
        None => Cow::Borrowed(first),
        Some(second) => {
            let mut all = format!("{first}{second}");
            all.extend(pieces);
            Cow::Owned(all)
        }
    }
}

/// The text without blank lines before and after it, and without white space at its end; what the first line is
/// indented by stays.
#[must_use]
pub fn trim_blank_lines(text: &str) -> &str {
    let text = text.trim_end();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if !line.trim().is_empty() {
            break;
        }
        start += line.len();
    }
    text.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::Signature;

    fn text(text: &str) -> Block {
        Block::Text(text.into())
    }

    fn reasoning(text: &str, seal: Option<&str>) -> Block {
        Block::Reasoning {
            text: text.into(),
            signature: seal.map(|seal| Signature::of_wire(seal.into())),
        }
    }

    fn answer(blocks: Vec<Block>) -> Message {
        let mut message = Message::said(Role::Assistant, "");
        blocks.into_iter().for_each(|block| message.push(block));
        message
    }

    #[test]
    fn blocks_keep_their_order_and_pieces_of_one_kind_are_one_block() {
        let call = Block::ToolCall(ToolCall::default());
        let said = answer(vec![text("a"), text("b"), call.clone(), text("c")]);
        assert_eq!(said.blocks, [text("ab"), call, text("c")]);
        assert_eq!(said.text(), "abc");
    }

    #[test]
    fn reasoning_goes_on_until_it_is_signed() {
        let said = answer(vec![
            reasoning("a", None),
            reasoning("b", None),
            reasoning("", Some("s")),
            reasoning("c", None),
        ]);
        assert_eq!(said.blocks, [reasoning("ab", Some("s")), reasoning("c", None)]);
        assert_eq!(said.reasoning(), "abc");
    }

    #[test]
    fn a_source_is_kept_once() {
        let page = |title: &str| {
            Block::Citation(Citation {
                url: "https://a.example".into(),
                title: title.into(),
            })
        };
        assert_eq!(
            answer(vec![page("A"), text("x"), page("B")]).blocks,
            [page("A"), text("x")]
        );
    }

    #[test]
    fn a_text_that_goes_on_leaves_the_other_blocks_and_another_text_leaves_none() {
        let mut said = answer(vec![reasoning("r", Some("s")), text("one")]);
        said.say("one two");
        assert_eq!(said.blocks, [reasoning("r", Some("s")), text("one two")]);
        said.say("other");
        assert_eq!(said.blocks, [text("other")]);
    }

    #[test]
    fn blank_lines_at_either_end_are_no_text_and_those_between_blocks_stay() {
        let mut said = answer(vec![
            text("\n \n"),
            reasoning("r", None),
            text("\n  a\n"),
            reasoning("s", None),
            text("\nb \n"),
            reasoning("t", None),
            text(" \n"),
        ]);
        said.trim();
        let left = [
            reasoning("r", None),
            text("  a\n"),
            reasoning("s", None),
            text("\nb"),
            reasoning("t", None),
        ];
        assert_eq!(said.blocks, left);
    }

    #[test]
    fn what_is_cut_back_takes_all_behind_it_along() {
        let call = Block::ToolCall(ToolCall::default());
        let said = || {
            answer(vec![
                reasoning("thought", Some("s")),
                text("one"),
                call.clone(),
                text("tw\u{f6}"),
            ])
        };
        let cut = |text, reasoning| {
            let mut message = said();
            message.cut_back(text, reasoning);
            message.blocks
        };
        assert_eq!(cut(0, 0), said().blocks);
        assert_eq!(
            cut(2, 0),
            [reasoning("thought", Some("s")), text("one"), call.clone(), text("tw")]
        );
        assert_eq!(cut(5, 0), [reasoning("thought", Some("s")), text("on")]);
        assert_eq!(cut(7, 3), [reasoning("thou", None)]);
        assert_eq!(cut(99, 99), []);
    }

    #[test]
    fn signatures_are_dropped_and_what_they_signed_stays() {
        let mut said = answer(vec![
            reasoning("r", Some("s")),
            Block::ToolCall(ToolCall {
                signature: Some(Signature::of_wire("t".into())),
                ..ToolCall::default()
            }),
        ]);
        said.drop_signatures();
        assert_eq!(
            said.blocks,
            [reasoning("r", None), Block::ToolCall(ToolCall::default())]
        );
    }

    #[test]
    fn a_signature_goes_back_only_to_who_gave_it() {
        let given = Signature {
            by: "anthropic/claude".into(),
            sealed: "s".into(),
        };
        assert_eq!(given.for_model("anthropic/claude"), Some(&"s".into()));
        assert_eq!(given.for_model("openai/gpt"), None);
        assert_eq!(Signature::of_wire("s".into()).for_model(""), None);
    }
}
