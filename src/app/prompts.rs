//! The prompts that there are: ours, the user's own, and the project's once the user has allowed them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::dialog::Dialog;
use super::trust::{Trust, Word};
use crate::actions::library::{self, Broken, Library, Shelf};
use crate::actions::{Prompt, Source};
use crate::chat::notice::{Level, Notice};
use crate::config::Config;
use crate::editor::{Act, Editor, ShownPrompt};
use crate::words::{Locale, Text, say};

/// Prompts, and which of them may be used. Cheap to clone.
#[derive(Clone)]
pub struct Prompts {
    editor: Arc<dyn Editor>,
    dialog: Dialog,
    library: Library,
    trust: Trust,
    /// The user's own prompts.
    folder: Option<PathBuf>,
    locale: Locale,
}

impl Prompts {
    /// Only ours, until there is a configuration.
    pub fn new(editor: Arc<dyn Editor>, dialog: Dialog) -> Self {
        Self {
            editor,
            dialog,
            library: Library::default(),
            trust: Trust::default(),
            folder: None,
            locale: Locale::default(),
        }
    }

    /// The same by another configuration; what was said in this session stays said.
    pub fn configured(&self, config: &Config) -> Self {
        Self {
            trust: self.trust.kept_in(config.state_dir.clone()),
            folder: config.prompts_dir.clone(),
            locale: config.locale,
            ..self.clone()
        }
    }

    /// The prompt of this name: the project's, where the user allows it, else the user's own, else ours.
    pub async fn find(&self, name: &str, root: Option<&Path>) -> Option<Prompt> {
        let Shelf {
            mut prompts,
            mut broken,
        } = self.own().await;
        if let Some(folder) = root.map(|root| root.join(library::PROJECT_FOLDER)) {
            let theirs = self.read(folder.clone(), Source::Project).await;
            let has = theirs.prompts.iter().any(|prompt| prompt.name == name);
            if has && self.allows(&folder).await {
                broken.extend(theirs.broken);
                prompts.extend(theirs.prompts);
            } else {
                self.library.forget(&theirs.broken);
            }
        }
        self.complain(&broken).await;
        let found = prompts.into_iter().filter(|prompt| prompt.name == name);
        found.max_by_key(|prompt| prompt.source)
    }

    /// What is wrong with the file of a prompt that is none, if there is such a file.
    pub async fn fault(&self, name: &str, root: Option<&Path>) -> Option<Notice> {
        let Shelf { mut broken, .. } = self.own().await;
        if let Some(folder) = root.map(|root| root.join(library::PROJECT_FOLDER))
            && self.word(&folder).await == Some(Word::Allowed)
        {
            broken.extend(self.read(folder, Source::Project).await.broken);
        }
        let found = broken.iter().rfind(|broken| broken.is_named(name));
        found.map(|Broken { file, fault, .. }| self.broken(file, fault.line, fault.reason.clone()))
    }

    /// The built-in prompts, and the user's own.
    async fn own(&self) -> Shelf {
        let mut shelf = match &self.folder {
            Some(folder) => self.read(folder.clone(), Source::User).await,
            None => Shelf::default(),
        };
        shelf.prompts.splice(0..0, library::built_in());
        shelf
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
        let Shelf {
            mut prompts,
            mut broken,
        } = self.own().await;
        if let Some(folder) = root.map(|root| Path::new(&root).join(library::PROJECT_FOLDER)) {
            let word = self.word(&folder).await;
            let theirs = self.read(folder, Source::Project).await;
            if word == Some(Word::Allowed) {
                broken.extend(theirs.broken);
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
        self.complain(&broken).await;
        let broken = broken.iter().filter_map(|Broken { file, .. }| file.file_stem());
        let broken = broken.map(|stem| stem.to_string_lossy().into_owned()).collect();
        let prompts = shown(prompts);
        self.editor.act(&Act::Prompts { prompts, broken }).await.ok();
    }

    /// Tells of broken files that were not told of before, all at once: of two messages a user sees the second one.
    async fn complain(&self, broken: &[Broken]) {
        let untold = broken.iter().filter(|broken| !broken.told);
        let notices: Vec<Notice> = untold
            .clone()
            .map(|Broken { file, fault, .. }| self.broken(file, fault.line, fault.reason.clone()))
            .collect();
        let notice = match notices.as_slice() {
            [] => return,
            [one] => one.clone(),
            several => {
                let names: Vec<String> = untold.map(|broken| place(&broken.file, broken.fault.line)).collect();
                let (count, files) = (several.len(), names.join(", "));
                let title = say!(self.locale, "library.broken_several", count = count, files = files);
                let lines = several
                    .iter()
                    .flat_map(|notice| [notice.title.clone(), notice.details.join(" ")]);
                Notice {
                    details: lines.collect(),
                    ..Notice::new(Level::Warning, title, ":GPT log")
                }
            }
        };
        self.editor.inform(&notice).await.ok();
    }

    /// A file is no prompt, by this line of it.
    pub fn broken(&self, file: &Path, line: usize, reason: Text) -> Notice {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let title = say!(self.locale, "library.broken", file = name, line = line, reason = reason);
        Notice {
            details: vec![file.display().to_string()],
            ..Notice::new(Level::Warning, title, "")
        }
    }
}

/// A line of a file, in short: `review.md:2`.
fn place(file: &Path, line: usize) -> String {
    format!("{}:{line}", file.file_name().unwrap_or_default().to_string_lossy())
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::actions::file;

    pub fn prompt(name: &str, source: Source) -> Prompt {
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
}
