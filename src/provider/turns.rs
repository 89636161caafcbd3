//! The messages of a request for those APIs that want the instructions apart, and user and model in turn.

use super::{Message, Role};

/// Stands before a conversation that begins with the model's words: these APIs want the user to begin.
const OPENING: &str = "(The conversation begins with your words.)";

/// What one side says until the other one speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) is_user: bool,
    pub(crate) text: String,
}

/// The instructions, and the conversation: it begins with the user, the sides alternate, no text is blank, and a last
/// word of the model's, which it is to continue, has no white space at its end.
pub(crate) fn split(messages: &[Message]) -> (String, Vec<Turn>) {
    let mut instructions = String::new();
    let mut turns: Vec<Turn> = Vec::new();
    for message in messages {
        if message.is_blank() {
            continue;
        }
        if message.role == Role::System {
            join(&mut instructions, &message.text());
            continue;
        }
        let is_user = message.role == Role::User;
        if turns.is_empty() && !is_user {
            turns.push(turn(true, OPENING));
        }
        match turns.last_mut() {
            Some(last) if last.is_user == is_user => join(&mut last.text, &message.text()),
            _ => turns.push(turn(is_user, &message.text())),
        }
    }
    if let Some(last) = turns.last_mut().filter(|last| !last.is_user) {
        last.text.truncate(last.text.trim_end().len());
    }
    (instructions, turns)
}

fn turn(is_user: bool, text: &str) -> Turn {
    let text = text.to_owned();
    Turn { is_user, text }
}

fn join(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(more);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_of(said: &[(Role, &str)]) -> (String, Vec<(bool, String)>) {
        let message = |&(role, text): &(Role, &str)| Message::said(role, text);
        let (instructions, turns) = split(&said.iter().map(message).collect::<Vec<_>>());
        (
            instructions,
            turns.into_iter().map(|turn| (turn.is_user, turn.text)).collect(),
        )
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
}
