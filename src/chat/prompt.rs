//! Chooses the messages of a conversation that are sent: the system prompt, then the messages, oldest first. What goes
//! beyond the exchanges that the user wants remembered, or beyond the model's window, is cut from the oldest ones.

use crate::chat::budget::{self, Budget, TooLong};
use crate::chat::{Message, MessageId, Region, Role};
use crate::config::ChatConfig;
use crate::transcript::trim_blank_lines;

/// What the model is told before the conversation, unless the user sets `chat.system_prompt`.
pub const SYSTEM_PROMPT: &str = "You are a programming assistant inside the Neovim editor. Answer in markdown. Put code \
into fenced blocks with the language's name. Be brief and exact; say so when you do not know.";

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prompt {
    /// Instructions first, then the conversation without the answer to come.
    pub messages: Vec<Message>,
    /// The tokens of all that, estimated, before calibration.
    pub tokens: u64,
    /// What of the conversation is left out.
    pub cut: Option<Cut>,
}

/// The oldest exchanges, which are not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The first message that is sent.
    pub before: MessageId,
    /// How many are not.
    pub messages: usize,
    /// Their tokens, estimated, before calibration.
    pub tokens: u64,
    /// Why they are not.
    pub reason: Reason,
}

/// Why older messages are not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The user wants only so many past exchanges sent.
    Memory(usize),
    /// The model does not take more.
    Window,
}

/// What is sent of a conversation. The system prompt and the last question always are.
pub fn prompt(conversation: &[Message], chat: &ChatConfig, budget: &Budget) -> Prompt {
    let instructions = instructions(chat);
    let spoken: Vec<&Message> = conversation.iter().filter(|message| !message.is_blank()).collect();
    let costs: Vec<u64> = spoken.iter().map(|message| budget::message(&message.text())).collect();
    let fixed = cost_of(&instructions);
    let (first, reason) = first_sent(&spoken, &costs, fixed, chat.memory, budget);
    let (left, kept) = spoken.split_at_checked(first).unwrap_or_default();
    let cut_tokens: u64 = costs.iter().take(first).sum();
    Prompt {
        messages: sent(instructions, kept),
        tokens: fixed + costs.iter().skip(first).sum::<u64>(),
        cut: kept.first().filter(|_| !left.is_empty()).map(|message| Cut {
            before: message.id,
            messages: left.len(),
            tokens: cut_tokens,
            reason,
        }),
    }
}

/// Why this question cannot be asked, even alone, if it cannot.
pub fn too_long(question: &str, chat: &ChatConfig, budget: &Budget) -> Option<TooLong> {
    budget.too_long(cost_of(&instructions(chat)) + budget::message(question))
}

fn cost_of(instructions: &str) -> u64 {
    match instructions {
        "" => 0,
        text => budget::message(text),
    }
}

fn sent(instructions: String, kept: &[&Message]) -> Vec<Message> {
    let system = Some(instructions)
        .filter(|text| !text.is_empty())
        .map(|text| Message::new(MessageId(0), Role::System, text));
    let said = kept.iter().copied().cloned();
    system.into_iter().chain(said).collect()
}

/// The conversation that a buffer shows, with its prompt as the last question.
pub fn spoken(regions: &[Region], prompt: &str) -> Vec<Message> {
    let shown = regions.iter().map(|region| (region.role, region.text.as_str()));
    let all = shown.chain([(Role::User, prompt)]);
    all.map(|(role, text)| Message::said(role, trim_blank_lines(text)))
        .collect()
}

/// The system prompt, with the project's rules and the language of the replies.
fn instructions(chat: &ChatConfig) -> String {
    let mut text = chat.system_prompt.clone().unwrap_or_else(|| SYSTEM_PROMPT.to_owned());
    if !chat.project_rules.is_empty() {
        text.push_str(if text.is_empty() { "" } else { "\n\n" });
        text.push_str(&chat.project_rules);
        text.push_str("\n\n");
    }
    if let Some(language) = chat.language.as_deref().filter(|language| !language.trim().is_empty()) {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push(' ');
        }
        text.push_str(&format!("Always reply in this language: {language}."));
    }
    text.truncate(text.trim_end().len());
    text
}

/// Where the part of the conversation begins that is sent, and what keeps it from beginning earlier. An exchange begins
/// with its question, and is sent whole or not at all.
fn first_sent(
    spoken: &[&Message],
    costs: &[u64],
    fixed: u64,
    memory: Option<usize>,
    budget: &Budget,
) -> (usize, Reason) {
    let is_question = |(_, message): &(usize, &&Message)| message.role == Role::User;
    let questions = spoken.iter().enumerate().rev().filter(is_question);
    let mut newest_first: Vec<usize> = questions.map(|(index, _)| index).collect();
    // What stands before the first question belongs to it.
    if let Some(oldest) = newest_first.last_mut() {
        *oldest = 0;
    }
    let wished = memory.map_or(newest_first.len(), |memory| memory.saturating_add(1));
    let (mut first, mut total, mut end) = (None, fixed, spoken.len());
    for (past, start) in newest_first.into_iter().enumerate() {
        total += costs.get(start..end).unwrap_or_default().iter().sum::<u64>();
        end = start;
        match first {
            Some(first) if past >= wished => return (first, Reason::Memory(memory.unwrap_or_default())),
            Some(first) if !budget.fits(total) => return (first, Reason::Window),
            _ => first = Some(start),
        }
    }
    (first.unwrap_or_default(), Reason::Window)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::budget::Limits;

    fn said(id: u64, role: Role, text: &str) -> Message {
        Message::new(MessageId(id), role, text.into())
    }

    fn conversation() -> Vec<Message> {
        let (user, model) = (Role::User, Role::Assistant);
        vec![
            said(1, user, "q1"),
            said(2, model, "a1"),
            said(3, user, "q2"),
            said(4, model, ""),
            said(5, user, "q3"),
        ]
    }

    /// A budget with room for this many tokens.
    fn room(input: Option<u64>, factor: f64) -> Budget {
        let limits = Limits {
            input,
            ..Limits::default()
        };
        Budget::new(limits, factor)
    }

    fn contents(chat: &ChatConfig) -> Vec<String> {
        prompt(&conversation(), chat, &room(None, 1.0))
            .messages
            .into_iter()
            .map(|message| message.text().into_owned())
            .collect()
    }

    #[test]
    fn the_whole_conversation_is_sent_without_empty_answers() {
        assert_eq!(
            contents(&ChatConfig::default()),
            [SYSTEM_PROMPT, "q1", "a1", "q2", "q3"]
        );
    }

    #[test]
    fn memory_limits_the_past_exchanges() {
        let chat = |memory| ChatConfig {
            memory: Some(memory),
            ..ChatConfig::default()
        };
        assert_eq!(contents(&chat(0)), [SYSTEM_PROMPT, "q3"]);
        assert_eq!(contents(&chat(1)), [SYSTEM_PROMPT, "q2", "q3"]);
        assert_eq!(contents(&chat(9)), [SYSTEM_PROMPT, "q1", "a1", "q2", "q3"]);
    }

    #[test]
    fn an_empty_system_prompt_sends_none_and_the_language_is_added() {
        let none = ChatConfig {
            system_prompt: Some(String::new()),
            ..ChatConfig::default()
        };
        assert_eq!(contents(&none)[0], "q1");
        let spoken = ChatConfig {
            language: Some("Português".into()),
            ..none
        };
        assert_eq!(contents(&spoken)[0], "Always reply in this language: Português.");
    }

    #[test]
    fn the_projects_rules_stand_below_the_system_prompt_and_above_the_language() {
        let mut chat = ChatConfig {
            project_rules: "Use tabs.".into(),
            ..ChatConfig::default()
        };
        assert_eq!(contents(&chat)[0], format!("{SYSTEM_PROMPT}\n\nUse tabs."));
        chat.system_prompt = Some(String::new());
        chat.language = Some("Português".into());
        assert_eq!(
            contents(&chat)[0],
            "Use tabs.\n\nAlways reply in this language: Português."
        );
    }

    /// A chat without instructions, in which each message has 14 tokens: 4, and 40 letters.
    fn long_conversation(exchanges: u64) -> (Vec<Message>, ChatConfig) {
        let letters = "abcdefghij".repeat(4);
        let roles = [Role::User, Role::Assistant];
        let all = (1..=2 * exchanges + 1).map(|id| said(id, roles[(id as usize + 1) % 2], &letters));
        let chat = ChatConfig {
            system_prompt: Some(String::new()),
            ..ChatConfig::default()
        };
        (all.collect(), chat)
    }

    fn cut(before: u64, messages: usize, tokens: u64, reason: Reason) -> Option<Cut> {
        let before = MessageId(before);
        Some(Cut {
            before,
            messages,
            tokens,
            reason,
        })
    }

    #[test]
    fn what_fits_is_sent_whole_and_without_a_mark() {
        let (said, chat) = long_conversation(3);
        for room in [room(None, 1.0), room(Some(98), 1.0), room(Some(196), 2.0)] {
            let prompt = prompt(&said, &chat, &room);
            assert_eq!((prompt.messages.len(), prompt.tokens, prompt.cut), (7, 98, None));
        }
    }

    #[test]
    fn what_does_not_fit_is_cut_by_whole_exchanges_from_the_oldest() {
        let (said, chat) = long_conversation(3);
        let shown = |input| {
            let prompt = prompt(&said, &chat, &room(Some(input), 1.0));
            (prompt.messages.len(), prompt.tokens, prompt.cut)
        };
        assert_eq!(shown(97), (5, 70, cut(3, 2, 28, Reason::Window)));
        assert_eq!(shown(70), (5, 70, cut(3, 2, 28, Reason::Window)));
        assert_eq!(shown(69), (3, 42, cut(5, 4, 56, Reason::Window)));
    }

    #[test]
    fn the_last_question_and_the_instructions_are_never_cut() {
        let (said, mut chat) = long_conversation(2);
        chat.system_prompt = Some("be brief".into());
        let prompt = prompt(&said, &chat, &room(Some(5), 1.0));
        assert_eq!(prompt.messages.len(), 2);
        assert_eq!(prompt.cut, cut(5, 4, 56, Reason::Window));
    }

    #[test]
    fn a_provider_that_counts_more_gets_less() {
        let (said, chat) = long_conversation(3);
        let sent = |factor| prompt(&said, &chat, &room(Some(98), factor)).messages.len();
        assert_eq!([0.5, 1.0, 1.1, 2.0].map(sent), [7, 7, 5, 3]);
    }

    #[test]
    fn the_mark_names_what_cuts_first_the_memory_or_the_window() {
        let (said, mut chat) = long_conversation(3);
        chat.memory = Some(2);
        let reason = |input| prompt(&said, &chat, &room(input, 1.0)).cut.unwrap().reason;
        assert_eq!(reason(None), Reason::Memory(2));
        assert_eq!(reason(Some(70)), Reason::Memory(2));
        assert_eq!(reason(Some(69)), Reason::Window);
    }

    #[test]
    fn a_question_that_is_a_little_too_long_by_estimate_is_asked_all_the_same() {
        let (_, chat) = long_conversation(0);
        let refused = |letters: usize| too_long(&"a".repeat(letters), &chat, &room(Some(80), 1.0));
        assert_eq!(refused(4 * 86), None);
        assert_eq!(refused(4 * 87), Some(TooLong { tokens: 91, room: 80 }));
        assert_eq!(too_long(&"a".repeat(1 << 20), &chat, &room(None, 1.0)), None);
    }
}
