//! Sends, answers, edits, undo, redo, stops, branches and deaths of the program in any order: what goes out is what is
//! shown, and each turn ends once.

use proptest::prelude::*;

use super::*;

/// A chat as an editor shows it, and the conversation behind it.
#[derive(Default)]
struct Editor {
    chat: Conversation,
    shown: Vec<Region>,
    /// What was shown before each change, and what an undo took back.
    before: Vec<Vec<Region>>,
    undone: Vec<Vec<Region>>,
    /// The turn in progress, and its answer.
    turn: Option<(TurnId, MessageId)>,
    begun: usize,
    ended: usize,
    sent: u64,
}

impl Editor {
    /// Remembers what is shown, since it is about to change.
    fn remember(&mut self) {
        self.before.push(self.shown.clone());
        self.undone.clear();
    }

    fn step(&mut self, event: Event) {
        for effect in self.chat.step(event) {
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::ShowTurn {
                shape,
                question,
                answer,
            } => {
                self.remember();
                self.reshape(&shape);
                if let Some(question) = question {
                    assert_eq!(question.submission, SubmissionId(self.sent));
                    self.shown.push(region(question.id.0, Role::User, &question.text));
                }
                self.shown.push(region(answer.0, Role::Assistant, ""));
                self.turn = Some((TurnId(0), answer));
            }
            Effect::StartTurn(turn) => {
                let answer = self.turn.expect("a turn that is shown").1;
                self.turn = Some((turn, answer));
                self.begun += 1;
                self.compare();
            }
            Effect::ShowBranch { shape, messages } => {
                self.remember();
                self.reshape(&shape);
                let shown = |message: &Message| region(message.id.0, message.role, &message.text());
                self.shown.extend(messages.iter().map(shown));
                self.compare();
            }
            Effect::Paint(answer, Voice::Text | Voice::Refusal, text) => {
                assert_eq!(self.turn.map(|(_, answer)| answer), Some(answer));
                if let Some(region) = self.shown.iter_mut().find(|region| region.id == answer) {
                    region.text.push_str(&text);
                }
            }
            Effect::EndTurn(answer, _) => {
                assert_eq!(self.turn.take().map(|(_, answer)| answer), Some(answer));
                self.ended += 1;
            }
            _ => {}
        }
    }

    /// As the editor does it: new numbers first.
    fn reshape(&mut self, shape: &Shape) {
        for region in &mut self.shown {
            let renamed = shape.renamed.iter().find(|(old, _)| *old == region.id);
            region.id = renamed.map_or(region.id, |(_, new)| *new);
        }
        self.shown.retain(|region| !shape.removed.contains(&region.id));
    }

    /// What is shown is what the conversation has.
    fn compare(&self) {
        let said = |text: &str| trim_blank_lines(text).to_owned();
        let known = self.chat.messages().iter();
        let known: Vec<_> = known.map(|message| (message.id, said(&message.text()))).collect();
        let shown = self.shown.iter().map(|region| (region.id, said(&region.text)));
        assert_eq!(shown.collect::<Vec<_>>(), known);
        let ids: BTreeSet<_> = self.shown.iter().map(|region| region.id).collect();
        assert_eq!(ids.len(), self.shown.len(), "a number twice: {:?}", self.shown);
    }

    /// The program dies; a new one has what the history kept, or nothing.
    fn die(&mut self, is_private: bool) {
        let kept = self.chat.all();
        let head = self.chat.messages().last().map(|message| message.id);
        self.chat = Conversation::default();
        if !is_private {
            self.chat.recall(kept, head);
        }
        self.begun -= usize::from(self.turn.take().is_some());
    }

    fn act(&mut self, (what, which): (u8, u8)) {
        let which = usize::from(which);
        let is_idle = self.turn.is_none();
        let at = self.shown.get(which % self.shown.len().max(1)).map(|region| region.id);
        match what {
            0..=2 if is_idle => {
                self.sent += 1;
                let submission = Submission {
                    id: SubmissionId(self.sent),
                    ..submission(&format!("q{}", self.sent))
                };
                let (regions, at) = (self.shown.clone(), None);
                self.step(Event::Sent {
                    regions,
                    submission,
                    at,
                });
            }
            3 if is_idle => {
                let regions = self.shown.clone();
                self.step(Event::Regenerated { regions, at });
            }
            4 if is_idle => {
                let (regions, by) = (self.shown.clone(), if which < 128 { -1 } else { 1 });
                self.step(Event::BranchSwitched { regions, at, by });
            }
            5 => self.step(Event::StopRequested),
            6 if is_idle && !self.shown.is_empty() => {
                self.remember();
                let index = which % self.shown.len();
                self.shown[index].text.push_str(" edited");
            }
            7 if is_idle && !self.shown.is_empty() => {
                self.remember();
                let index = which % self.shown.len();
                self.shown.remove(index);
            }
            8 if is_idle => {
                if let Some(before) = self.before.pop() {
                    self.undone.push(std::mem::replace(&mut self.shown, before));
                }
            }
            9 if is_idle => {
                if let Some(after) = self.undone.pop() {
                    self.before.push(std::mem::replace(&mut self.shown, after));
                }
            }
            10 => self.die(which < 128),
            11..=15 => {
                if let Some((turn, _)) = self.turn {
                    let event = match what {
                        11 => ProviderEvent::Finished(FinishReason::Stop),
                        12 => ProviderEvent::Error(error(ErrorClass::Server)),
                        13 => ProviderEvent::Reasoning("hm".into()),
                        _ => ProviderEvent::Text(format!("a{which} ")),
                    };
                    self.step(Event::Answered { turn, event });
                }
            }
            _ => {}
        }
        assert_eq!(self.begun, self.ended + usize::from(self.turn.is_some()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_in_whatever_order_what_goes_out_is_what_is_shown(
        acts in prop::collection::vec((0..16_u8, any::<u8>()), 1..60),
    ) {
        let mut editor = Editor::default();
        for act in acts {
            editor.act(act);
        }
        editor.step(Event::StopRequested);
        editor.act((0, 0));
        prop_assert!(editor.turn.is_some(), "a question can always be asked");
    }
}
