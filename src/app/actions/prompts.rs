//! The prompts that there are: ours, the user's own, and the project's once the user has allowed them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::trust::{Standing, Trust, Word};
use crate::actions::library::{self, Broken, Library, Shelf};
use crate::actions::project::{self, ProjectPrompts};
use crate::actions::{Prompt, Source};
use crate::app::dialog::Dialog;
use crate::chat::notice::{Level, Notice};
use crate::config::Config;
use crate::editor::{Act, Editor, ShownPrompt};
use crate::visible;
use crate::words::{Locale, Text, say, text};

/// How many of a project's prompts are named in the question.
const NAMES_SHOWN: usize = 5;

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

    /// The prompt of this name: the project's, where the user allows it, else the user's own, else ours. Whether the user
    /// has just been asked comes along.
    pub async fn find(&self, name: &str, root: Option<&Path>) -> Option<(Prompt, bool)> {
        let Shelf {
            mut prompts,
            mut broken,
        } = self.own().await;
        let mut asked = false;
        if let Some((root, theirs)) = self.of_project(root).await {
            let standing = self.standing(&root, &theirs).await;
            let allowed = match standing {
                Standing::Allowed => true,
                Standing::Unknown { changed } if theirs.has(name) => {
                    asked = true;
                    self.allows(&root, &theirs, changed).await
                }
                _ => false,
            };
            if allowed {
                broken.extend(theirs.shelf.broken);
                prompts.extend(theirs.shelf.prompts);
            } else {
                self.library.forget(&theirs.shelf.broken);
            }
        }
        self.complain(&broken).await;
        let found = prompts.into_iter().filter(|prompt| prompt.name == name);
        let found = found.max_by_key(|prompt| prompt.source)?;
        Some((found, asked))
    }

    /// What is wrong with the file of a prompt that is none, if there is such a file.
    pub async fn fault(&self, name: &str, root: Option<&Path>) -> Option<Notice> {
        let Shelf { mut broken, .. } = self.own().await;
        if let Some((root, theirs)) = self.of_project(root).await
            && self.standing(&root, &theirs).await == Standing::Allowed
        {
            broken.extend(theirs.shelf.broken);
        }
        let found = broken.iter().rfind(|broken| broken.is_named(name));
        found.map(|Broken { file, fault, .. }| self.broken(file, fault.line, fault.reason.clone()))
    }

    /// Asks about the project's prompts, whatever was said of them before.
    pub async fn ask_anew(&self, root: Option<String>) {
        let root = root.map(PathBuf::from);
        let Some((root, theirs)) = self.of_project(root.as_deref()).await else {
            let notice = Notice::new(Level::Info, say!(self.locale, "library.none"), "");
            return drop(self.editor.inform(&notice).await);
        };
        self.say(&root, |trust, root| trust.forget(root)).await;
        if self.allows(&root, &theirs, false).await {
            let count = theirs.names().len();
            let notice = Notice::new(Level::Info, say!(self.locale, "library.allowed", count = count), "");
            self.editor.inform(&notice).await.ok();
        }
        self.library.forget(&theirs.shelf.broken);
    }

    /// The built-in prompts, and the user's own.
    async fn own(&self) -> Shelf {
        let mut shelf = match &self.folder {
            Some(folder) => self.read(folder.clone()).await,
            None => Shelf::default(),
        };
        shelf.prompts.splice(0..0, library::built_in());
        shelf
    }

    async fn read(&self, folder: PathBuf) -> Shelf {
        let library = self.library.clone();
        let read = spawn_blocking(move || library.folder(&folder)).await;
        read.unwrap_or_default()
    }

    /// The project's root, and its prompts as they are now.
    async fn of_project(&self, root: Option<&Path>) -> Option<(PathBuf, ProjectPrompts)> {
        let (library, root) = (self.library.clone(), root?.to_owned());
        let read = spawn_blocking(move || library.of_project(&root).map(|theirs| (root, theirs)));
        read.await.ok().flatten()
    }

    async fn standing(&self, root: &Path, theirs: &ProjectPrompts) -> Standing {
        let (trust, root, digest) = (self.trust.clone(), root.to_owned(), theirs.digest.clone());
        let found = spawn_blocking(move || trust.standing(&root, &digest)).await;
        found.unwrap_or(Standing::PutOff)
    }

    async fn say(&self, root: &Path, say: impl FnOnce(&Trust, &Path) + Send + 'static) {
        let (trust, root) = (self.trust.clone(), root.to_owned());
        spawn_blocking(move || say(&trust, &root)).await.ok();
    }

    /// Asks whether a project's prompts may be used, these and no others: what is exchanged while the question stands is
    /// not used.
    async fn allows(&self, root: &Path, theirs: &ProjectPrompts, changed: bool) -> bool {
        let (yes, later, never) = (
            say!(self.locale, "library.allow_yes"),
            say!(self.locale, "library.allow_later"),
            say!(self.locale, "library.allow_never"),
        );
        let question = self.question(root, theirs, changed);
        let chosen = self.dialog.choose(question, &[&yes, &later, &never]).await;
        let told = match chosen {
            Some(0) => {
                let now = self.of_project(Some(root)).await;
                if now.is_some_and(|(_, now)| now.digest == theirs.digest) {
                    let word = Word::Allowed(theirs.digest.clone());
                    self.say(root, move |trust, root| trust.keep(root, &word)).await;
                    self.list(Some(root.to_string_lossy().into_owned())).await;
                    return true;
                }
                Some((text!("library.exchanged"), text!("library.exchanged_advice")))
            }
            Some(2) => {
                self.say(root, |trust, root| trust.keep(root, &Word::Refused)).await;
                Some((text!("library.never"), text!("library.never_advice")))
            }
            _ => {
                self.say(root, Trust::put_off).await;
                None
            }
        };
        self.list(Some(root.to_string_lossy().into_owned())).await;
        if let Some((title, advice)) = told {
            let notice = Notice::new(Level::Info, title.said(self.locale), advice.said(self.locale));
            self.editor.inform(&notice).await.ok();
        }
        false
    }

    /// What is asked: which prompts, where, and which of ours they replace.
    fn question(&self, root: &Path, theirs: &ProjectPrompts, changed: bool) -> String {
        let folder = visible::name(&root.join(project::FOLDER).display().to_string());
        let names = theirs.names();
        let shown = names.iter().take(NAMES_SHOWN).copied().collect::<Vec<_>>().join(", ");
        let shown = match names.len().saturating_sub(NAMES_SHOWN) {
            0 => Text::from(shown),
            more => text!("context.and_more", names = shown, count = more),
        };
        let question = match changed {
            true => text!("library.allow_changed", folder = folder, names = shown),
            false => text!("library.allow", folder = folder, names = shown),
        };
        let question = question.said(self.locale);
        match theirs.replaces.as_slice() {
            [] => question,
            replaced => {
                let replaced = say!(self.locale, "library.replaces", names = replaced.join(", "));
                format!("{replaced} {question}")
            }
        }
    }

    /// Tells the editor which prompts there are. Those of a project are among them once they are allowed; of those that
    /// nobody was asked about only the names are told, for who types one as a command: they are asked.
    pub async fn list(&self, root: Option<String>) {
        let Shelf {
            mut prompts,
            mut broken,
        } = self.own().await;
        let mut unasked = Vec::new();
        let root = root.map(PathBuf::from);
        if let Some((root, theirs)) = self.of_project(root.as_deref()).await {
            match self.standing(&root, &theirs).await {
                Standing::Allowed => {
                    broken.extend(theirs.shelf.broken);
                    prompts.extend(theirs.shelf.prompts);
                }
                standing => {
                    self.library.forget(&theirs.shelf.broken);
                    if matches!(standing, Standing::Unknown { .. }) {
                        unasked = theirs.names().into_iter().map(str::to_owned).collect();
                    }
                }
            }
        }
        self.complain(&broken).await;
        let broken = broken.iter().filter_map(|Broken { file, .. }| file.file_stem());
        let broken = broken.map(|stem| stem.to_string_lossy().into_owned()).collect();
        let act = Act::Prompts {
            prompts: shown(prompts),
            broken,
            unasked,
        };
        self.editor.act(&act).await.ok();
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
pub fn with_context_words(prompt: &Prompt) -> Option<String> {
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
