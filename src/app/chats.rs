//! The chats that run: each is begun by the first event that concerns it, told what happens, and ended.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::timeout;

use super::{App, News, environment};
use crate::actions::slash;
use crate::chat::archive::Archive;
use crate::chat::conversation::Event;
use crate::chat::rules::Rules;
use crate::chat::session::{self, FollowUp, Session, Told, Wanted};
use crate::chat::{About, ChatId, Region, Revision, Role, Submission, notice, prompt};
use crate::provider::registry::Target;

/// How long answers may go on when the editor is gone.
const OUTLIVING: Duration = Duration::from_secs(60);

impl App {
    /// The chat's task, begun if need be.
    pub(super) fn session(&mut self, chat: ChatId, about: About) -> &Session {
        let (settings, editor) = (&self.settings, &self.editor);
        let archive = match about.private {
            true => Archive::none(),
            false => self.archive.clone(),
        };
        let start = || Session::start(chat.clone(), about, settings.subscribe(), editor.clone(), archive);
        self.chats.entry(chat.clone()).or_insert_with(start)
    }

    /// Tells a chat what the user wants.
    pub(super) async fn tell(&mut self, chat: ChatId, about: About, wanted: Wanted) {
        self.session(chat, about).tell(Told::Wanted(Box::new(wanted))).await;
    }

    /// Sends a chat's prompt: an action that it names is put in its place first, and what looks as if it held secrets is
    /// asked about.
    pub(super) async fn send(&mut self, chat: ChatId, about: About, sent: Event, revision: Revision) {
        let (id, prompt) = match &sent {
            Event::Sent { submission, .. } => (Some(submission.id), submission.text.clone()),
            _ => (None, String::new()),
        };
        let follow_up = id.and_then(|id| self.follow_ups.of(id));
        let is_named = follow_up.is_none() && slash::find(&prompt).is_some();
        let gate = self.gate();
        if !is_named && gate.passes_at_once(&said(&sent)) {
            let wanted = Wanted {
                event: sent,
                revision,
                follow_up,
            };
            return self.tell(chat, about, wanted).await;
        }
        self.session(chat.clone(), about.clone());
        let (acting, news, asked) = (self.acting(), self.news.clone(), self.settings.borrow().target.clone());
        let of = chat.clone();
        let task = tokio::spawn(async move {
            let expanded = match is_named {
                true => acting.expand(&prompt, about.project.as_deref(), &about.disabled).await,
                false => Ok(None),
            };
            let (sent, follow_up) = match expanded {
                Ok(Some((text, follow_up))) => (with_prompt(sent, text), Some(follow_up)),
                Ok(None) => (sent, follow_up),
                Err(notice) => return drop(acting.editor.refuse_question(&chat, &notice).await),
            };
            let other = follow_up.as_ref().and_then(|follow_up| follow_up.target.as_deref());
            let provider = &other.unwrap_or(&asked).provider;
            let root = about.project.as_deref().map(PathBuf::from);
            if gate.lets_out(said(&sent), root, provider).await {
                let wanted = Wanted {
                    event: sent,
                    revision,
                    follow_up,
                };
                news.send(News::Passed(chat, about, Box::new(wanted))).await.ok();
            } else {
                let notice = notice::of_taken_back(acting.locale);
                match sent {
                    Event::Sent { .. } => acting.editor.refuse_question(&chat, &notice).await.ok(),
                    _ => acting.editor.refuse(&chat, &notice).await.ok(),
                };
            }
        });
        self.sending.retain(|(_, _, task)| !task.is_finished());
        self.sending.push((of, id, task.abort_handle()));
    }

    /// Shows the request that a chat would send now, without the key.
    pub(super) fn show_request(&self, chat: ChatId, about: About, regions: Vec<Region>, prompt: String) {
        let (editor, settings, acting) = (self.editor.clone(), self.settings.borrow().clone(), self.acting());
        tokio::spawn(async move {
            let project = about.project.as_deref();
            let (prompt, follow_up) = match acting.expand(&prompt, project, &about.disabled).await {
                Ok(expanded) => expanded.unwrap_or((prompt, FollowUp::default())),
                Err(notice) => return editor.inform(&notice).await,
            };
            let root = project.filter(|_| settings.chat.rules != Some(false));
            let rules = Rules::default().renewed(root, settings.vault.redactor()).await;
            let settings = settings.of_chat(follow_up.target.as_deref(), &rules);
            let messages = prompt::spoken(&regions, &prompt);
            match session::preview(&settings, &messages).await {
                Ok(lines) => editor.show_request(&chat, lines).await,
                Err(problem) => {
                    let Target { provider, model } = &settings.target;
                    editor
                        .inform(&notice::of_error(&problem, provider, model, settings.locale))
                        .await
                }
            }
        });
    }

    /// A question that waited is not asked.
    pub(super) fn give_back(&self, chat: ChatId) {
        let (editor, told) = (self.editor.clone(), notice::of_taken_back(self.locale()));
        tokio::spawn(async move {
            editor.give_back(&chat).await.ok();
            editor.inform(&told).await
        });
    }

    /// The chat is gone; what it has to write it writes beside.
    pub(super) fn close(&mut self, chat: &ChatId) {
        self.lookups.give_up(chat);
        self.drop_sending(chat, None);
        while self.closing.try_join_next().is_some() {}
        if let Some(session) = self.chats.remove(chat) {
            self.closing.spawn(session.end(Told::Closed));
        }
    }

    /// The editor is gone: ends when the answers under way have, and all is written.
    pub(super) async fn leave(mut self) {
        self.askers.stop();
        for (_, session) in self.chats.drain() {
            self.closing.spawn(session.end(Told::Left));
        }
        let closed = async { while self.closing.join_next().await.is_some() {} };
        timeout(outliving(), closed).await.ok();
        self.archive.close().await;
    }
}

/// What is said in an event by the user: the question, and the questions before it.
fn said(event: &Event) -> Vec<String> {
    let (regions, prompt) = match event {
        Event::Sent {
            regions, submission, ..
        } => (regions, Some(&submission.text)),
        Event::Regenerated { regions, .. } => (regions, None),
        _ => return Vec::new(),
    };
    let questions = regions.iter().filter(|region| region.role == Role::User);
    questions.map(|region| &region.text).chain(prompt).cloned().collect()
}

/// The event with another question.
fn with_prompt(sent: Event, text: String) -> Event {
    match sent {
        Event::Sent {
            regions,
            submission,
            at,
        } => Event::Sent {
            regions,
            submission: Submission {
                text,
                replaced: true,
                ..submission
            },
            at,
        },
        other => other,
    }
}

/// How long answers may go on when the editor is gone. Only a program that is built for tests can be told otherwise.
fn outliving() -> Duration {
    let told = cfg!(debug_assertions).then(|| environment("GPT_NVIM_TEST_OUTLIVING_MS"));
    let told = told.flatten().and_then(|millis| millis.parse().ok());
    told.map_or(OUTLIVING, Duration::from_millis)
}
