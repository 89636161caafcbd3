//! Actions: a prompt by its name, what it is about put into it, asked in a chat, and what its answer comes to.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::spawn_blocking;

use super::dialog::Dialog;
use super::trust::{Trust, Word};
use crate::actions::fill::{self, Changes, fenced};
use crate::actions::library::{self, Broken, Library, Shelf};
use crate::actions::problems::{self, Sent};
use crate::actions::slash::{self, Slash};
use crate::actions::{ActionRequest, Code, Mode, Prompt, Source, Subject, commit, git};
use crate::chat::notice::{Level, Notice};
use crate::chat::session::{Done, Errand};
use crate::editor::{Act, Editor, ShownPrompt};
use crate::keys::Redactor;
use crate::provider::registry::{Registry, Target};
use crate::words::{Locale, Text, say, text};

/// How many questions are remembered with what is to be done with their answers.
const MOST_ERRANDS: usize = 64;

/// The questions of actions, by their text, with what belongs to them: the editor sends the text back, now or when its
/// turn comes. Clones share them.
#[derive(Clone, Default)]
pub struct Errands(Arc<Mutex<VecDeque<(String, Errand)>>>);

impl Errands {
    fn add(&self, question: &str, errand: Errand) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.push_front((question.trim().to_owned(), errand));
        known.truncate(MOST_ERRANDS);
    }

    /// What belongs to this question.
    pub fn of(&self, question: &str) -> Option<Errand> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Context words that it named are looked up by now, and stand below it.
        let is_it = |text: &str| {
            let behind = question.trim().strip_prefix(text);
            behind.is_some_and(|rest| rest.is_empty() || rest.starts_with('\n'))
        };
        let found = known.iter().find(|(text, _)| is_it(text));
        found.map(|(_, errand)| errand.clone())
    }
}

/// All that actions take. Cheap to clone.
#[derive(Clone)]
pub struct Acting {
    pub editor: Arc<dyn Editor>,
    pub dialog: Dialog,
    pub registry: Arc<Registry>,
    pub library: Library,
    pub trust: Trust,
    pub errands: Errands,
    pub redactor: Redactor,
    /// The user's own prompts.
    pub folder: Option<PathBuf>,
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
        let prompt = self.find(&wanted.name, root.as_deref()).await.ok_or(Stopped::Unknown)?;
        let wants_code = fill::wants(&prompt.body, "selection") || fill::wants(&prompt.body, "numbered");
        if wants_code && wanted.code.is_none() {
            let title = say!(self.locale, "action.no_code");
            return Err(Stopped::Because(Notice::new(Level::Info, title, "")));
        }
        let subject = Subject {
            words: wanted.words,
            code: wanted.code,
            diagnostics: wanted.diagnostics,
            text: String::new(),
        };
        let errand = self.errand(&prompt, Some(wanted.ticket), subject.code.as_ref(), root.as_deref())?;
        let changes = self.changes(&prompt, root.as_deref()).await?;
        let text = fill::fill(&prompt, &subject, &changes);
        self.errands.add(&text, errand);
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
    pub async fn expand(&self, prompt: &str, root: Option<&str>) -> Result<Option<(String, Errand)>, Notice> {
        let root = root.map(Path::new);
        let Some(Slash { name, words, rest }) = slash::find(prompt) else {
            return Ok(None);
        };
        let Some(prompt) = self.find(&name, root).await else {
            return Ok(None);
        };
        let wants_code = fill::wants(&prompt.body, "selection") || fill::wants(&prompt.body, "numbered");
        if wants_code && words.is_empty() && rest.is_empty() {
            let title = say!(self.locale, "action.no_code_in_prompt");
            return Err(Notice::new(Level::Info, title, ""));
        }
        let errand = self.errand(&prompt, None, None, root)?;
        let changes = self.changes(&prompt, root).await?;
        Ok(Some((in_chat(&prompt, words, rest, &changes), errand)))
    }

    /// What belongs to a question with this prompt.
    fn errand(
        &self,
        prompt: &Prompt,
        ticket: Option<u64>,
        code: Option<&Code>,
        root: Option<&Path>,
    ) -> Result<Errand, Notice> {
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
        Ok(Errand { target, done })
    }

    /// Whom a prompt wants asked.
    fn target(&self, prompt: &Prompt) -> Result<Option<Target>, Notice> {
        let Some(model) = &prompt.model else { return Ok(None) };
        let target = self.registry.target(model);
        target.map(Some).map_err(|_| {
            let file = prompt.file.as_deref().unwrap_or(Path::new(&prompt.name));
            let reason = text!("library.model", model = model);
            self.broken(file, prompt.model_line, reason)
        })
    }

    /// What git says, where the prompt wants it.
    async fn changes(&self, prompt: &Prompt, root: Option<&Path>) -> Result<Changes, Notice> {
        let mut changes = Changes::default();
        let folder = root.unwrap_or(Path::new("."));
        if fill::wants(&prompt.body, "staged") {
            let diff = git::staged(folder).await.map_err(|reason| {
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
            changes.staged = fenced("diff", &self.redactor.redact(&diff));
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

    // The library ----------------------------------------------------------------------------------------------------

    /// The prompt of this name: the project's, where the user allows it, else the user's own, else ours.
    async fn find(&self, name: &str, root: Option<&Path>) -> Option<Prompt> {
        let mut prompts = self.own().await;
        if let Some(folder) = root.map(|root| root.join(library::PROJECT_FOLDER)) {
            let theirs = self.read(folder.clone(), Source::Project).await;
            let has = theirs.prompts.iter().any(|prompt| prompt.name == name);
            if has && self.allows(&folder).await {
                self.complain(&theirs.broken).await;
                prompts.extend(theirs.prompts);
            } else {
                self.library.forget(&theirs.broken);
            }
        }
        let found = prompts.into_iter().filter(|prompt| prompt.name == name);
        found.max_by_key(|prompt| prompt.source)
    }

    /// The built-in prompts, and the user's own.
    async fn own(&self) -> Vec<Prompt> {
        let mut prompts = library::built_in();
        if let Some(folder) = &self.folder {
            let shelf = self.read(folder.clone(), Source::User).await;
            self.complain(&shelf.broken).await;
            prompts.extend(shelf.prompts);
        }
        prompts
    }

    async fn read(&self, folder: PathBuf, source: Source) -> Shelf {
        let library = self.library.clone();
        let read = spawn_blocking(move || library.folder(&folder, source)).await;
        read.unwrap_or_default()
    }

    /// Whether a project's prompts may be used; the user is asked once.
    async fn allows(&self, folder: &Path) -> bool {
        if let Some(word) = self.word(folder).await {
            return word == Word::Allowed;
        }
        let question = say!(self.locale, "library.allow", folder = folder.display().to_string());
        let (yes, later, never) = (
            say!(self.locale, "library.allow_yes"),
            say!(self.locale, "library.allow_later"),
            say!(self.locale, "library.allow_never"),
        );
        let chosen = self.dialog.choose(question, &[&yes, &later, &never]).await;
        let (trust, folder) = (self.trust.clone(), folder.to_owned());
        let kept = spawn_blocking(move || match chosen {
            Some(0) => trust.keep(&folder, Word::Allowed),
            Some(2) => trust.keep(&folder, Word::Refused),
            _ => trust.put_off(&folder),
        });
        kept.await.ok();
        chosen == Some(0)
    }

    async fn word(&self, folder: &Path) -> Option<Word> {
        let (trust, folder) = (self.trust.clone(), folder.to_owned());
        spawn_blocking(move || trust.word(&folder)).await.unwrap_or_default()
    }

    /// Tells the editor which prompts there are. Those of a project that nobody has decided about are among them: whoever
    /// uses one is asked.
    pub async fn list(&self, root: Option<String>) {
        let mut prompts = self.own().await;
        if let Some(folder) = root.map(|root| Path::new(&root).join(library::PROJECT_FOLDER)) {
            let word = self.word(&folder).await;
            let theirs = self.read(folder, Source::Project).await;
            if word == Some(Word::Allowed) {
                self.complain(&theirs.broken).await;
            } else {
                self.library.forget(&theirs.broken);
            }
            let keys = word == Some(Word::Allowed);
            let unless_refused = theirs.prompts.into_iter().filter(|_| word != Some(Word::Refused));
            prompts.extend(unless_refused.map(|prompt| Prompt {
                keymap: prompt.keymap.filter(|_| keys),
                ..prompt
            }));
        }
        let prompts = shown(prompts);
        self.editor.act(&Act::Prompts { prompts }).await.ok();
    }

    async fn complain(&self, broken: &[Broken]) {
        for Broken { file, fault } in broken {
            let notice = self.broken(file, fault.line, fault.reason.clone());
            self.editor.inform(&notice).await.ok();
        }
    }

    fn broken(&self, file: &Path, line: usize, reason: Text) -> Notice {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let title = say!(self.locale, "library.broken", file = name, line = line, reason = reason);
        Notice {
            details: vec![file.display().to_string()],
            ..Notice::new(Level::Warning, title, "")
        }
    }
}

/// The prompts by name, of each name the one that is taken; ours, which the editor knows, are not among them.
fn shown(mut prompts: Vec<Prompt>) -> Vec<ShownPrompt> {
    prompts.sort_by(|one, other| (&one.name, other.source).cmp(&(&other.name, one.source)));
    prompts.dedup_by(|one, other| one.name == other.name);
    let own = prompts.into_iter().filter(|prompt| prompt.source != Source::BuiltIn);
    own.map(|prompt| ShownPrompt {
        context: with_context_words(&prompt),
        name: prompt.name,
        description: prompt.description,
        keymap: prompt.keymap,
    })
    .collect()
}

/// The texts of a prompt in which the editor finds context words; it looks these up when the prompt is named in a chat.
fn with_context_words(prompt: &Prompt) -> Option<String> {
    let texts = [prompt.context.as_str(), prompt.body.as_str()];
    let texts: Vec<&str> = texts.into_iter().filter(|text| text.contains('#')).collect();
    (!texts.is_empty()).then(|| texts.join("\n\n"))
}

/// The question of an action that a chat's prompt names. It is about what else stands there.
fn in_chat(prompt: &Prompt, words: String, rest: String, changes: &Changes) -> String {
    let subject = Subject {
        words,
        text: rest,
        ..Subject::default()
    };
    let has = |name: &str| fill::wants(&prompt.body, name);
    let mut text = fill::fill(prompt, &subject, changes);
    if !has("selection") && !has("numbered") && !subject.text.is_empty() {
        text = format!("{text}\n\n{}", subject.text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::file;

    fn prompt(name: &str, source: Source) -> Prompt {
        let content = format!("---\nname: {name}\n---\nLook.\n\n{{{{words}}}}\n\n{{{{selection}}}}");
        file::parse(content.as_bytes(), Path::new("a.md"), source).unwrap()
    }

    #[test]
    fn of_two_prompts_with_a_name_the_nearer_one_is_listed_and_ours_are_not() {
        let names = |prompts: Vec<Prompt>| shown(prompts).into_iter().map(|prompt| prompt.name).collect::<Vec<_>>();
        let all = vec![
            prompt("fix", Source::BuiltIn),
            prompt("explain", Source::BuiltIn),
            prompt("b", Source::Project),
            prompt("b", Source::User),
            prompt("explain", Source::User),
        ];
        assert_eq!(names(all), ["b", "explain"]);
    }

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
