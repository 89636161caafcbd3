use super::*;

/// A chat as a buffer shows it: what is sent from it goes out as it stands there.
#[derive(Default)]
struct Shown {
    chat: Conversation,
    regions: Vec<Region>,
    turns: u64,
}

impl Shown {
    fn step(&mut self, event: Event) -> Vec<Effect> {
        let effects = self.chat.step(event);
        if effects.iter().any(|effect| matches!(effect, Effect::StartTurn(_))) {
            self.turns += 1;
        }
        effects
    }

    /// Steps, answers with `answer`, and shows what the conversation says.
    fn turn(&mut self, event: Event, answer: &str) {
        self.step(event);
        self.chat.step(text(self.turns, answer));
        self.chat.step(stop(self.turns));
        self.show();
    }

    fn show(&mut self) {
        let shown = |message: &Message| region(message.id.0, message.role, &message.text());
        self.regions = self.chat.messages().iter().map(shown).collect();
    }

    fn ask(&mut self, question: &str, answer: &str) {
        let event = self.sent(question, None);
        self.turn(event, answer);
    }

    fn sent(&self, prompt: &str, at: Option<u64>) -> Event {
        Event::Sent {
            regions: self.regions.clone(),
            submission: submission(prompt),
            at: at.map(MessageId),
        }
    }

    fn regenerated(&self, at: Option<u64>) -> Event {
        let regions = self.regions.clone();
        Event::Regenerated {
            regions,
            at: at.map(MessageId),
        }
    }

    fn switch(&mut self, at: Option<u64>, by: i64) -> Vec<Effect> {
        let regions = self.regions.clone();
        let at = at.map(MessageId);
        let effects = self.step(Event::BranchSwitched { regions, at, by });
        self.show();
        effects
    }

    fn edit(&mut self, index: usize, text: &str) {
        self.regions[index].text = text.into();
    }

    fn texts(&self) -> Vec<String> {
        texts(&self.chat)
    }
}

fn two_exchanges() -> Shown {
    let mut shown = Shown::default();
    shown.ask("q1", "a1");
    shown.ask("q2", "a2");
    shown
}

#[test]
fn a_regenerated_answer_keeps_the_old_one_as_a_branch() {
    let mut shown = two_exchanges();
    let event = shown.regenerated(None);
    shown.turn(event, "b2");
    assert_eq!(shown.texts(), ["q1", "a1", "q2", "b2"]);
    shown.switch(None, -1);
    assert_eq!(shown.texts(), ["q1", "a1", "q2", "a2"]);
    shown.switch(None, 1);
    assert_eq!(shown.texts(), ["q1", "a1", "q2", "b2"]);
}

#[test]
fn regenerating_an_earlier_answer_puts_what_follows_aside() {
    let mut shown = two_exchanges();
    let event = shown.regenerated(Some(2));
    shown.turn(event, "b1");
    assert_eq!(shown.texts(), ["q1", "b1"]);
    shown.switch(None, -1);
    assert_eq!(shown.texts(), ["q1", "a1", "q2", "a2"], "with all that followed");
}

#[test]
fn a_changed_question_sent_again_makes_a_branch_from_there() {
    let mut shown = two_exchanges();
    shown.edit(0, "q1, better");
    let event = shown.sent("a prompt that is not sent", Some(1));
    shown.turn(event, "b1");
    assert_eq!(shown.texts(), ["q1, better", "b1"]);
    shown.switch(None, -1);
    assert_eq!(shown.texts(), ["q1", "a1", "q2", "a2"]);
}

#[test]
fn an_unchanged_question_under_the_cursor_does_not_keep_the_prompt_from_being_sent() {
    let mut shown = two_exchanges();
    let event = shown.sent("q3", Some(1));
    shown.turn(event, "a3");
    assert_eq!(shown.texts(), ["q1", "a1", "q2", "a2", "q3", "a3"]);
}

#[test]
fn a_prompt_sent_below_a_changed_message_leaves_the_old_text_in_another_branch() {
    let mut shown = two_exchanges();
    shown.edit(1, "a1, corrected");
    let event = shown.sent("q3", None);
    let effects = shown.step(event);
    assert!(
        matches!(effects.first(), Some(Effect::ShowTurn { shape, .. }) if shape.renamed.len() == 3),
        "what follows hangs below the new text: {effects:?}"
    );
    assert_eq!(shown.texts(), ["q1", "a1, corrected", "q2", "a2", "q3", ""]);
    shown.chat.step(Event::StopRequested);
    shown.show();
    shown.switch(Some(shown.regions[1].id.0), -1);
    assert_eq!(shown.texts(), ["q1", "a1", "q2", "a2"]);
}

#[test]
fn a_message_without_its_text_is_not_sent_and_comes_back_with_its_branch() {
    let mut shown = two_exchanges();
    shown.edit(1, "");
    let event = shown.sent("q3", None);
    shown.turn(event, "a3");
    assert_eq!(shown.texts(), ["q1", "q2", "a2", "q3", "a3"]);
    shown.switch(Some(shown.regions[1].id.0), 1);
    assert_eq!(shown.texts(), ["q1", "a1", "q2", "a2"]);
}

#[test]
fn a_change_that_was_not_sent_is_a_branch_too_before_another_one_is_shown() {
    let mut shown = two_exchanges();
    shown.edit(3, "a2, better");
    shown.switch(Some(4), -1);
    assert_eq!(shown.texts(), ["q1", "a1", "q2", "a2"]);
    shown.switch(Some(4), 1);
    assert_eq!(shown.texts(), ["q1", "a1", "q2", "a2, better"]);
}

#[test]
fn branches_are_counted_and_the_last_one_is_followed_by_the_first() {
    let mut shown = two_exchanges();
    for _ in 0..2 {
        let event = shown.regenerated(None);
        shown.turn(event, "b");
    }
    let effects = shown.switch(None, 1);
    let Some(Effect::ShowBranch { shape, messages }) = effects.first() else {
        panic!("no branch: {effects:?}")
    };
    assert_eq!(shape.places, [place(4, 1, 3), place(5, 2, 3), place(6, 3, 3)]);
    assert_eq!(messages.len(), 1);
    assert_eq!(shown.texts(), ["q1", "a1", "q2", "a2"]);
}

#[test]
fn an_answer_without_a_word_is_no_branch() {
    let mut shown = two_exchanges();
    let event = shown.regenerated(None);
    shown.step(event);
    shown.chat.step(Event::StopRequested);
    shown.show();
    let event = shown.regenerated(None);
    let effects = shown.step(event);
    assert!(
        matches!(effects.first(), Some(Effect::ShowTurn { shape, .. }) if shape.places == [place(6, 2, 2), place(4, 1, 2)]),
        "{effects:?}"
    );
}

#[test]
fn where_there_is_no_other_branch_nothing_changes() {
    let mut shown = two_exchanges();
    let effects = shown.switch(None, 1);
    assert_eq!(effects.last(), Some(&Effect::Refuse(Refusal::NoBranches)));
    assert_eq!(shown.texts(), ["q1", "a1", "q2", "a2"]);
}

#[test]
fn where_an_undo_has_left_no_other_branch_this_is_said_though_the_undo_is_taken_over() {
    let mut shown = two_exchanges();
    shown.regions.truncate(3);
    let effects = shown.switch(Some(3), 1);
    assert!(
        matches!(effects.as_slice(), [Effect::ShowBranch { messages, .. }, Effect::Remark(Refusal::NoBranches)] if messages.is_empty()),
        "{effects:?}"
    );
    assert_eq!(shown.texts(), ["q1", "a1", "q2"]);
}

#[test]
fn branches_do_not_change_while_an_answer_is_written() {
    let mut shown = two_exchanges();
    let event = shown.regenerated(None);
    shown.step(event);
    assert_eq!(shown.switch(None, 1), [Effect::Refuse(Refusal::Answering)]);
}

#[test]
fn an_undone_exchange_can_be_sent_again_and_is_kept() {
    let mut shown = two_exchanges();
    shown.regions.truncate(2); // `u` took the second question back into the prompt
    let event = shown.sent("q2", None);
    shown.turn(event, "b2");
    assert_eq!(shown.texts(), ["q1", "a1", "q2", "b2"]);
    shown.switch(None, -1);
    assert_eq!(shown.texts(), ["q1", "a1", "q2", "a2"]);
}

#[test]
fn an_answer_keeps_the_name_of_its_model_in_every_branch() {
    let mut shown = Shown::default();
    shown.step(Event::ModelNamed("work/one".into()));
    shown.ask("q", "a");
    shown.step(Event::ModelNamed("work/two".into()));
    let event = shown.regenerated(None);
    shown.turn(event, "b");
    let effects = shown.switch(None, -1);
    assert!(
        matches!(effects.first(), Some(Effect::ShowBranch { messages, .. }) if messages[0].label == "work/one"),
        "{effects:?}"
    );
}

#[test]
fn an_answer_that_the_user_changed_is_kept_when_it_is_asked_for_again() {
    let mut shown = Shown::default();
    shown.ask("q", "a");
    shown.regions[1].text = "a, changed".into();
    let event = shown.regenerated(None);
    shown.turn(event, "b");
    assert_eq!(texts(&shown.chat), ["q", "b"]);
    shown.switch(None, -1);
    assert_eq!(texts(&shown.chat), ["q", "a, changed"]);
    shown.switch(None, -1);
    assert_eq!(texts(&shown.chat), ["q", "a"]);
}
