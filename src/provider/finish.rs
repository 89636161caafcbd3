//! Classifies stop words (finish reasons) by the table of their wire, which has those that its documentation calls a normal
//! end. An answer that ends with any other word was cut.

mod stop_word;

use super::error;
use crate::keys::Redactor;

pub(crate) use stop_word::StopWord;

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FinishReason {
    /// The model was done.
    Stop,
    /// The model wants tools run.
    ToolCalls,
    /// The stream ended without saying that the answer was whole: the connection closed early, or the server left
    /// its end out.
    Incomplete,
    /// The provider ended the answer before it was whole, and said so.
    Cut(Cut),
}

/// The end of an answer that its provider cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// What kind of end it was.
    pub why: Why,
    /// The provider's word for it.
    pub word: String,
    /// What else the provider says about it; may be empty.
    pub said: String,
}

/// The kinds of ends before an answer is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The limit of tokens was reached.
    Length,
    /// The provider's filter cut the answer.
    Filter,
    /// The provider paused; it wants to be asked to go on.
    Paused,
    /// It was longer than this program takes.
    TooLong,
    /// It is not whole, the provider says, and nothing else.
    Unexplained,
    /// For a reason that we have no name for.
    Unknown,
}

impl Cut {
    /// An end with this word.
    #[must_use]
    pub fn new(why: Why, word: &str, said: &str) -> Self {
        Self {
            why,
            word: error::word(word),
            said: error::clean(said),
        }
    }
}

impl FinishReason {
    /// An answer that was cut, with this word.
    #[must_use]
    pub fn cut(why: Why, word: &str) -> Self {
        Self::Cut(Cut::new(why, word, ""))
    }

    /// The same without the live key, which a server may put into its words.
    #[must_use]
    pub fn redacted(self, redactor: &Redactor) -> Self {
        match self {
            Self::Cut(cut) => Self::Cut(Cut {
                word: error::word(&redactor.redact(&cut.word)),
                said: redactor.redact_cut(&cut.said),
                ..cut
            }),
            other => other,
        }
    }

    /// Whether the answer is not whole: of what was still being written when it ended, nothing can be used.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        matches!(self, Self::Incomplete | Self::Cut(_))
    }
}

/// The words of one wire.
#[derive(Debug)]
pub(crate) struct Words {
    /// The answer is whole.
    pub(crate) whole: &'static [&'static str],
    /// The model wants tools run.
    pub(crate) called: &'static [&'static str],
    pub(crate) length: &'static [&'static str],
    pub(crate) filter: &'static [&'static str],
    pub(crate) paused: &'static [&'static str],
}

impl Words {
    /// Whether the wire has this word.
    fn knows(&self, word: &str) -> bool {
        [self.whole, self.called, self.length, self.filter, self.paused]
            .iter()
            .any(|words| words.contains(&word))
    }

    /// What a word says; `said` is what stands beside it.
    pub(crate) fn read(&self, word: &str, said: &str) -> FinishReason {
        let why = match word {
            word if self.whole.contains(&word) => return FinishReason::Stop,
            word if self.called.contains(&word) => return FinishReason::ToolCalls,
            word if self.length.contains(&word) => Why::Length,
            word if self.filter.contains(&word) => Why::Filter,
            word if self.paused.contains(&word) => Why::Paused,
            _ => Why::Unknown,
        };
        FinishReason::Cut(Cut::new(why, word, said))
    }
}

/// What a stream has said of its end so far.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    reason: Option<FinishReason>,
    /// The last word.
    word: String,
}

impl Ending {
    /// Takes in a word, unless it is none. Of two words that contradict each other the one counts that says more: that the
    /// answer was cut, before that tools are to be run.
    pub(crate) fn hear(&mut self, words: &Words, word: &StopWord<'_>, said: &str) {
        let word = word.word(words);
        let word = word.trim();
        // `null` as a string: some servers send it with every chunk but the last.
        if matches!(word, "" | "null") {
            return;
        }
        let reason = words.read(word, said);
        let stays = match &self.reason {
            Some(FinishReason::ToolCalls) => reason == FinishReason::Stop,
            known => known.as_ref().is_some_and(FinishReason::is_cut),
        };
        if !stays {
            word.clone_into(&mut self.word);
            self.reason = Some(reason);
        }
    }

    /// Whether a word has been heard. It stays so once it has been read.
    pub(crate) fn is_told(&self) -> bool {
        !self.word.is_empty()
    }

    /// Whether the answer is cut, where the end of the stream alone says `unsaid`.
    pub(crate) fn is_cut(&self, unsaid: &FinishReason) -> bool {
        self.reason.as_ref().unwrap_or(unsaid).is_cut()
    }

    /// Why the answer ended: `unsaid` if no word came. `called`: whether it holds calls of tools. Some servers say
    /// `stop` though tools are to be run; one that speaks of tools and calls none has lost something.
    pub(crate) fn settle(&mut self, unsaid: FinishReason, called: bool) -> FinishReason {
        match self.reason.take().unwrap_or(unsaid) {
            FinishReason::Stop if called => FinishReason::ToolCalls,
            FinishReason::ToolCalls if !called => FinishReason::cut(Why::Unknown, &self.word),
            reason => reason,
        }
    }
}

#[cfg(test)]
mod tests;
