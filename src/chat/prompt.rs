//! What of a conversation is sent: the system prompt, then the messages, oldest first.

use crate::chat::conversation::{Message, trim_blank_lines};
use crate::chat::{Region, RegionRole};
use crate::config::ChatConfig;
use crate::provider;

/// What the model is told before the conversation, unless the user sets `chat.system_prompt`.
pub const SYSTEM_PROMPT: &str = "You are a programming assistant inside the Neovim editor. Answer in markdown. Put code \
into fenced blocks with the language's name. Be brief and exact; say so when you do not know.";

/// The messages of a request: instructions first, then the conversation without the answer to come.
pub fn messages(conversation: &[Message], chat: &ChatConfig) -> Vec<provider::Message> {
    let mut sent = Vec::with_capacity(conversation.len() + 1);
    let instructions = instructions(chat);
    if !instructions.is_empty() {
        sent.push(provider::Message {
            role: provider::Role::System,
            content: instructions,
        });
    }
    let spoken: Vec<&Message> = conversation
        .iter()
        .filter(|message| !message.text.trim().is_empty())
        .collect();
    let kept = spoken.get(first_remembered(&spoken, chat.memory)..).unwrap_or_default();
    sent.extend(kept.iter().map(|message| provider::Message {
        role: role(message.role),
        content: message.text.clone(),
    }));
    sent
}

/// The conversation that a buffer shows, with its prompt as the last question.
pub fn spoken(regions: &[Region], prompt: &str) -> Vec<Message> {
    let shown = regions.iter().map(|region| (region.role, region.text.as_str()));
    let all = shown.chain([(RegionRole::User, prompt)]);
    all.map(|(role, text)| Message::said(role, trim_blank_lines(text)))
        .collect()
}

/// The system prompt, with the language of the replies.
fn instructions(chat: &ChatConfig) -> String {
    let mut text = chat.system_prompt.clone().unwrap_or_else(|| SYSTEM_PROMPT.to_owned());
    if let Some(language) = chat.language.as_deref().filter(|language| !language.trim().is_empty()) {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&format!("Always reply in this language: {language}."));
    }
    text
}

/// Where the part of the conversation begins that `memory` past exchanges and the last question make up.
fn first_remembered(spoken: &[&Message], memory: Option<usize>) -> usize {
    let Some(memory) = memory else { return 0 };
    let mut questions = spoken
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, message)| message.role == RegionRole::User);
    questions.nth(memory).map_or(0, |(index, _)| index)
}

fn role(role: RegionRole) -> provider::Role {
    match role {
        RegionRole::User => provider::Role::User,
        RegionRole::Assistant => provider::Role::Assistant,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::MessageId;

    fn said(id: u64, role: RegionRole, text: &str) -> Message {
        let text = text.into();
        Message {
            id: MessageId(id),
            role,
            text,
            label: String::new(),
            reasoning: String::new(),
            tool_calls: Vec::new(),
            citations: Vec::new(),
            refused: false,
        }
    }

    fn conversation() -> Vec<Message> {
        let (user, model) = (RegionRole::User, RegionRole::Assistant);
        vec![
            said(1, user, "q1"),
            said(2, model, "a1"),
            said(3, user, "q2"),
            said(4, model, ""),
            said(5, user, "q3"),
        ]
    }

    fn contents(chat: &ChatConfig) -> Vec<String> {
        messages(&conversation(), chat)
            .into_iter()
            .map(|message| message.content)
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
}
