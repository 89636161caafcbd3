//! Chats as files for people and for programs.

use super::{Chat, Message, Role, State, clock};

/// The branch that ends in `head`, as markdown. `unclosed` says what closes a code fence that a text leaves open, so
/// that an answer which was cut does not swallow what follows it.
pub fn markdown(chat: &Chat, head: Option<u64>, unclosed: impl Fn(&str) -> Option<String>) -> String {
    let mut text = format!("# {}\n\n{}\n", one_line(&chat.info.title), origin(chat));
    for message in chat.branch(head.or(chat.head)) {
        let said = message.text();
        let said = said.trim_matches('\n').trim_end();
        let fence = unclosed(said).map(|fence| format!("\n{fence}")).unwrap_or_default();
        text.push_str(&format!("\n## {}\n\n{said}{fence}\n", speaker(message)));
    }
    text
}

fn origin(chat: &Chat) -> String {
    let model = format!("{}/{}", chat.info.provider, chat.info.model);
    let facts = [
        Some(clock::minute(chat.info.created) + " UTC"),
        Some(model),
        chat.info.project.clone(),
    ];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    format!("*{}*", facts.join(" · "))
}

fn speaker(message: &Message) -> String {
    let name = match (message.role, &message.model) {
        (Role::User, _) => "You",
        (Role::System, _) => "Instructions",
        (Role::Assistant, Some(model)) => model,
        (Role::Assistant, None) => "Answer",
    };
    match message.state {
        State::Whole => one_line(name),
        state => format!("{} ({})", one_line(name), state.word()),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// All of the chat, every branch of it, as JSON that [`super::History::import`]'s [`Chat`] can be read from.
///
/// # Errors
/// Never, as far as we know: all of it has a form in JSON.
pub fn json(chat: &Chat) -> serde_json::Result<String> {
    serde_json::to_string_pretty(chat)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{ChatInfo, Part, PartKind, Totals};

    fn chat() -> Chat {
        let question = Message::new(1, None, Role::User, "why?\n", 0);
        let mut answer = Message::awaited(2, Some(1), "openai", "gpt-6", 0);
        answer.state = State::Interrupted;
        answer.parts = vec![
            Part {
                kind: PartKind::Reasoning,
                content: "hm".into(),
            },
            Part::text("```lua\nx"),
        ];
        Chat {
            info: ChatInfo {
                id: "a".into(),
                title: "A\ntitle".into(),
                project: Some("/home/me/p".into()),
                provider: "openai".into(),
                model: "gpt-6".into(),
                created: 1_795_373_700_000,
            },
            updated: 0,
            head: Some(2),
            totals: Totals::default(),
            messages: vec![question, answer],
        }
    }

    #[test]
    fn markdown_tells_who_said_what_and_closes_what_was_cut() {
        let expected = "# A title\n\n*2026-11-22 18:55 UTC · openai/gpt-6 · /home/me/p*\n\n## You\n\nwhy?\n\n\
                        ## gpt-6 (interrupted)\n\n```lua\nx\n```\n";
        let unclosed = |text: &str| text.starts_with("```").then(|| "```".to_owned());
        assert_eq!(markdown(&chat(), None, unclosed), expected);
    }

    #[test]
    fn json_comes_back_as_the_same_chat() {
        let text = json(&chat()).unwrap();
        assert_eq!(serde_json::from_str::<Chat>(&text).unwrap(), chat());
    }
}
