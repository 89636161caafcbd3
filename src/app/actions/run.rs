//! Actions: a prompt by its name, what it is about put into it, asked in a chat, and what its answer comes to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::prompts::{Prompts, with_context_words};
use crate::actions::fill::{self, Changes, fenced};
use crate::actions::problems::{self, Sent};
use crate::actions::slash::{self, Slash};
use crate::actions::{ActionRequest, Code, Mode, Prompt, Source, Subject, commit, git};
use crate::app::follow_ups::FollowUps;
use crate::app::gate::Gate;
use crate::chat::SubmissionId;
use crate::chat::notice::{Level, Notice};
use crate::chat::session::{Done, FollowUp};
use crate::editor::{Act, Editor};
use crate::provider::registry::{Registry, Target};
use crate::words::{Locale, say, text};

/// All that actions take. Cheap to clone.
#[derive(Clone)]
pub struct Acting {
    pub editor: Arc<dyn Editor>,
    pub registry: Arc<Registry>,
    pub prompts: Prompts,
    pub follow_ups: FollowUps,
    pub gate: Gate,
    pub locale: Locale,
}

/// Why nothing is asked.
enum Stopped {
    /// There is no prompt of that name.
    Unknown,
    /// Something is missing.
    Because(Notice),
}

impl From<Notice> for Stopped {
    fn from(notice: Notice) -> Self {
        Self::Because(notice)
    }
}

impl Acting {
    /// Does what a command or a key wants.
    pub async fn run(&self, wanted: ActionRequest) {
        let ticket = wanted.ticket;
        let act = match self.prepare(wanted).await {
            Ok(act) => act,
            Err(Stopped::Unknown) => Act::Unknown { ticket },
            Err(Stopped::Because(notice)) => {
                self.editor.inform(&notice).await.ok();
                Act::Drop { ticket }
            }
        };
        self.editor.act(&act).await.ok();
    }

    async fn prepare(&self, wanted: ActionRequest) -> Result<Act, Stopped> {
        let root = wanted.project.as_deref().map(PathBuf::from);
        let prompt = match self.prompts.find(&wanted.name, root.as_deref()).await {
            Some((prompt, _)) => prompt,
            None => {
                let fault = self.prompts.fault(&wanted.name, root.as_deref()).await;
                return Err(fault.map_or(Stopped::Unknown, Stopped::Because));
            }
        };
        if fill::wants_code(&prompt.body) && wanted.code.is_none() {
            let title = say!(self.locale, "action.no_code");
            return Err(Stopped::Because(Notice::new(Level::Info, title, "")));
        }
        let subject = Subject {
            words: wanted.words,
            code: wanted.code,
            diagnostics: wanted.diagnostics,
            text: String::new(),
        };
        let follow_up = self.follow_up(&prompt, Some(wanted.ticket), subject.code.as_ref(), root.as_deref())?;
        let changes = self
            .changes(
                &prompt,
                root.as_deref(),
                wanted.commit_text.as_deref(),
                &wanted.disabled,
            )
            .await?;
        let text = fill::fill(&prompt, &subject, &changes);
        self.follow_ups.add(SubmissionId(wanted.ticket), follow_up);
        Ok(Act::Ask {
            ticket: wanted.ticket,
            text,
            commit: prompt.mode == Mode::Commit,
            alone: prompt.mode != Mode::Chat,
        })
    }

    /// What a chat's prompt is sent as, and what belongs to it: an action that it names is put in its place.
    ///
    /// # Errors
    /// The action cannot be done; says why.
    pub async fn expand(
        &self,
        prompt: &str,
        root: Option<&str>,
        disabled: &[PathBuf],
    ) -> Result<Option<(String, FollowUp)>, Notice> {
        let root = root.map(Path::new);
        let Some(Slash { name, words, rest }) = slash::find(prompt) else {
            return Ok(None);
        };
        let Some((prompt, asked)) = self.prompts.find(&name, root).await else {
            return self.prompts.fault(&name, root).await.map_or(Ok(None), Err);
        };
        if asked && prompt.source == Source::Project && with_context_words(&prompt).is_some() {
            // The editor looks for its context words from now on, and has not done so yet.
            let title = say!(self.locale, "library.send_again", name = name);
            return Err(Notice::new(Level::Info, title, ""));
        }
        if fill::wants_code(&prompt.body) && words.is_empty() && rest.is_empty() {
            let title = say!(self.locale, "action.no_code_in_prompt");
            return Err(Notice::new(Level::Info, title, ""));
        }
        let follow_up = self.follow_up(&prompt, None, None, root)?;
        let changes = self.changes(&prompt, root, None, disabled).await?;
        Ok(Some((in_chat(&prompt, words, rest, &changes), follow_up)))
    }

    /// What belongs to a question with this prompt.
    fn follow_up(
        &self,
        prompt: &Prompt,
        ticket: Option<u64>,
        code: Option<&Code>,
        root: Option<&Path>,
    ) -> Result<FollowUp, Notice> {
        let target = self.target(prompt)?.map(Box::new);
        let (acting, root) = (self.clone(), root.map(Path::to_owned).unwrap_or_default());
        let done: Option<Done> = match (prompt.mode, ticket) {
            (Mode::Quickfix, ticket) => {
                let code = code.map(|code| (code.path.clone(), code.first, code.last));
                let sent = Sent { code, root };
                Some(Arc::new(move |answer: &str| {
                    let (acting, answer, sent) = (acting.clone(), answer.to_owned(), sent.clone());
                    tokio::spawn(async move { acting.list_problems(ticket, answer, sent).await });
                }))
            }
            (Mode::Commit, Some(ticket)) => Some(Arc::new(move |answer: &str| {
                let (editor, lines) = (acting.editor.clone(), commit::message(answer));
                tokio::spawn(async move { editor.act(&Act::CommitMessage { ticket, lines }).await });
            })),
            _ => None,
        };
        Ok(FollowUp { target, done })
    }

    /// Whom a prompt wants asked.
    fn target(&self, prompt: &Prompt) -> Result<Option<Target>, Notice> {
        let Some(model) = &prompt.model else { return Ok(None) };
        let target = self.registry.target(model);
        target.map(Some).map_err(|_| {
            let file = prompt.file.as_deref().unwrap_or(Path::new(&prompt.name));
            let reason = text!("library.model", model = model);
            self.prompts.broken(file, prompt.model_line, reason)
        })
    }

    /// What git says, where the prompt wants it.
    async fn changes(
        &self,
        prompt: &Prompt,
        root: Option<&Path>,
        draft: Option<&str>,
        disabled: &[PathBuf],
    ) -> Result<Changes, Notice> {
        let mut changes = Changes::default();
        let folder = root.unwrap_or(Path::new("."));
        if fill::wants(&prompt.body, "staged") {
            let diff = git::staged(folder, draft, disabled).await.map_err(|reason| {
                let title = say!(self.locale, "action.no_diff");
                Notice::new(Level::Warning, title, reason.said(self.locale))
            })?;
            if diff.trim().is_empty() {
                let (title, advice) = (text!("action.nothing_staged"), text!("action.nothing_staged_advice"));
                return Err(Notice::new(
                    Level::Info,
                    title.said(self.locale),
                    advice.said(self.locale),
                ));
            }
            self.gate.know_keys(None).await;
            // What only looks like a key is asked about when the question goes out.
            changes.staged = fenced("diff", &self.gate.vault.redactor().without_live(&diff));
        }
        if fill::wants(&prompt.body, "style") {
            changes.style = commit::style(&git::subjects(folder).await);
        }
        Ok(changes)
    }

    async fn list_problems(&self, ticket: Option<u64>, answer: String, sent: Sent) {
        let read = spawn_blocking(move || problems::find(&answer, &sent));
        let Ok(found) = read.await else { return };
        let count = found.problems.len();
        if count > 0 {
            let problems = found.problems;
            self.editor.act(&Act::Problems { ticket, problems }).await.ok();
        }
        let title = match count {
            0 => text!("action.no_problems"),
            1 => text!("action.one_problem"),
            count => text!("action.problems", count = count),
        };
        let advice = match found.left_out {
            0 => String::new(),
            left_out => say!(self.locale, "action.left_out", count = left_out),
        };
        let notice = Notice::new(Level::Info, title.said(self.locale), advice);
        self.editor.inform(&notice).await.ok();
    }
}

/// The question of an action that a chat's prompt names. It is about what else stands there.
fn in_chat(prompt: &Prompt, words: String, rest: String, changes: &Changes) -> String {
    let subject = Subject {
        words,
        text: rest,
        ..Subject::default()
    };
    let mut text = fill::fill(prompt, &subject, changes);
    if !fill::wants_code(&prompt.body) && !subject.text.is_empty() {
        text = format!("{text}\n\n{}", subject.text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::actions::prompts::tests::prompt;

    #[test]
    fn an_action_in_a_chat_is_about_what_else_stands_there() {
        let text = |words: &str, rest: &str| {
            let prompt = prompt("a", Source::User);
            in_chat(&prompt, words.into(), rest.into(), &Changes::default())
        };
        assert_eq!(text("twice", ""), "Look.\n\ntwice");
        assert_eq!(text("twice", "```\nx\n```"), "Look.\n\ntwice\n\n```\nx\n```");
    }
}
