//! Context words looked up when a question is sent: found on the disk, asked about where that is due, and handed to the
//! editor, which puts them into the question. Either all words stand for something, or the question is not sent.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::app::gate::{Gate, suspect};
use crate::chat::notice::{Level, Notice};
use crate::chat::{ChatId, painter};
use crate::context::git::{self, Changes};
use crate::context::grammar;
use crate::context::paths::{self, Located, Named};
use crate::context::secrets::{self, Sign};
use crate::context::{Found, MOST_BYTES, Piece, Place, Problem, Wanted, reading, tree};
use crate::editor::{Editor, EditorError, ShownBlock, ShownContext};
use crate::keys::Redactor;
use crate::provider::registry::Provider;
use crate::visible;
use crate::words::{Locale, Text, say, text};

/// How long is waited for an editor that is busy.
const BUSY_PAUSE: Duration = Duration::from_millis(50);

/// What a question stands for that is to be sent.
pub struct Order {
    pub chat: ChatId,
    /// The number that the answer names.
    pub lookup: u64,
    /// The text that the words stand in.
    pub text: String,
    /// The project's root.
    pub root: PathBuf,
    pub wanted: Vec<Wanted>,
    /// The files that are open in buffers whose text is never sent.
    pub disabled: Vec<PathBuf>,
    /// The texts of files that are open in an encoding of their own, by their paths.
    pub open: Vec<(PathBuf, String)>,
}

/// All that looking up takes.
pub struct Lookup {
    pub editor: Arc<dyn Editor>,
    pub gate: Gate,
    /// Who is asked.
    pub asked: Provider,
    pub locale: Locale,
}

/// Why a question is not sent.
enum Refused {
    /// A word cannot be resolved.
    Problem(Problem),
    /// The user does not want it.
    Declined,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Where files are looked for, without links in it, and which are never sent.
struct Grounds {
    root: PathBuf,
    disabled: BTreeSet<PathBuf>,
    open: BTreeMap<PathBuf, String>,
}

impl Lookup {
    /// Looks up all words, and tells the editor.
    pub async fn look_up(&self, order: Order) {
        let Order {
            chat,
            lookup,
            text,
            root,
            wanted,
            disabled,
            open,
        } = order;
        let wanted = named(wanted, &text);
        let grounds = match blocking(move || Ok(Grounds::new(&root, &disabled, open))).await {
            Ok(grounds) => grounds,
            Err(problem) => {
                let first = wanted.first().map(|wanted| wanted.word.as_str());
                return self
                    .refuse(&chat, lookup, first.unwrap_or_default(), problem.into())
                    .await;
            }
        };
        let (mut blocks, mut left_out) = (Vec::new(), Vec::new());
        for word in wanted {
            let (name, place) = (word.word, word.place);
            match self.find(&name, place, &grounds).await {
                Ok(found) => {
                    if !found.left_out.is_empty() {
                        left_out.push(self.left_out(&name, &found.left_out));
                    }
                    blocks.extend(found.pieces.into_iter().map(|piece| block(&name, piece)));
                }
                Err(refused) => return self.refuse(&chat, lookup, &name, refused).await,
            }
        }
        let notice = (!left_out.is_empty()).then(|| Notice::new(Level::Info, left_out.join(" "), ""));
        let context = ShownContext {
            chat,
            lookup,
            blocks,
            notice,
        };
        while let Err(EditorError::Busy(_)) = self.editor.context_found(&context).await {
            sleep(BUSY_PAUSE).await;
        }
    }

    async fn refuse(&self, chat: &ChatId, lookup: u64, word: &str, refused: Refused) {
        let notice = match refused {
            Refused::Problem(problem) => {
                tracing::info!(%problem, "a context word is not resolved");
                let title = say!(self.locale, "context.problem", word = word, reason = problem.reason());
                Some(Notice::new(Level::Warning, title, problem.fix().said(self.locale)))
            }
            Refused::Declined => None,
        };
        while let Err(EditorError::Busy(_)) = self.editor.context_refused(chat, lookup, notice.as_ref()).await {
            sleep(BUSY_PAUSE).await;
        }
    }

    /// What a word stands for, and may be sent.
    async fn find(&self, word: &str, place: Place, grounds: &Grounds) -> Result<Found, Refused> {
        let found = match place {
            Place::File { path } => self.files(word, path, grounds).await?,
            Place::Program => read(word, grounds).await?,
            Place::Editor { pieces } => from_editor(pieces)?,
        };
        self.without_secrets(word, found).await
    }

    async fn files(&self, word: &str, path: String, grounds: &Grounds) -> Result<Found, Refused> {
        let root = grounds.root.clone();
        let locate = match word.starts_with("#file:\"") {
            true => paths::locate,
            false => paths::locate_unquoted,
        };
        let named = blocking(move || locate(&root, &path)).await?;
        if let Named::One(Located {
            outside: true, name, ..
        }) = &named
        {
            let root = grounds.root.display().to_string();
            let question = text!("context.outside", word = word, file = name, root = root);
            self.ask(question, &[text!("context.send_it")]).await?;
        }
        let (disabled, open) = (grounds.disabled.clone(), grounds.open.clone());
        Ok(blocking(move || reading::read(named, &disabled, &open)).await?)
    }

    /// Asks about what looks as if it held secrets.
    async fn without_secrets(&self, word: &str, mut found: Found) -> Result<Found, Refused> {
        self.gate.know_keys(Some(&self.asked)).await;
        let redactor = self.gate.vault.redactor().clone();
        let word_path = word.trim_start_matches("#file:").trim_matches('"').to_owned();
        let looked = blocking(move || {
            let signs: Vec<_> = found
                .pieces
                .iter()
                .map(|piece| sign(piece, &word_path, &redactor))
                .collect();
            Ok((found, signs))
        });
        let signs;
        (found, signs) = looked.await?;
        let suspects: Vec<(&str, Sign)> = found.pieces.iter().zip(&signs).filter_map(named_sign).collect();
        if suspects.is_empty() {
            return Ok(found);
        }
        let names = self
            .gate
            .listed(suspects.iter().map(|(name, sign)| suspect(name, *sign)));
        let question = text!("context.secrets", word = word, files = names);
        let is_all = suspects.len() == found.pieces.len();
        let answers = match is_all {
            true => vec![text!("context.send_it")],
            false => vec![text!("context.leave_out"), text!("context.send_all")],
        };
        if self.ask(question, &answers).await? == 0 && !is_all {
            let (kept, suspect): (Vec<_>, Vec<_>) = found
                .pieces
                .into_iter()
                .zip(signs)
                .partition(|(_, sign)| sign.is_none());
            found.pieces = kept.into_iter().map(|(piece, _)| piece).collect();
            let names = suspect.into_iter().map(|(piece, _)| (piece.name, Problem::Secret));
            found.left_out.extend(names);
        } else {
            // Nobody is asked again when the question goes out with them.
            for piece in &found.pieces {
                self.gate.passed.add(&shown_lines(piece).join("\n"));
            }
        }
        Ok(found)
    }

    /// Asks the user. Returns which of these answers they chose.
    async fn ask(&self, question: Text, answers: &[Text]) -> Result<usize, Refused> {
        let chosen = self.gate.ask(question.said(self.locale), answers).await;
        chosen.ok_or(Refused::Declined)
    }

    /// Which texts of a word are left out, and why.
    fn left_out(&self, word: &str, left_out: &[(String, Problem)]) -> String {
        let names = self.gate.listed(left_out.iter().map(|(name, problem)| {
            let reason = problem.reason();
            text!("context.problem_of", name = name, reason = reason)
        }));
        say!(self.locale, "context.left_out", word = word, files = names)
    }
}

impl Grounds {
    fn new(root: &Path, disabled: &[PathBuf], open: Vec<(PathBuf, String)>) -> Self {
        let real = |path: &PathBuf| fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        Self {
            root: real(&root.to_owned()),
            disabled: disabled.iter().map(real).collect(),
            open: open.into_iter().map(|(path, text)| (real(&path), text)).collect(),
        }
    }
}

/// Runs what waits for the disk, off the runtime's own threads.
async fn blocking<T: Send + 'static>(run: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    let done = spawn_blocking(run).await;
    done.unwrap_or_else(|error| Err(Problem::Unreadable(error.to_string())))
}

/// The words that the text has, in its order: what is sent is decided here, and not by who has read the editor's part.
fn named(mut wanted: Vec<Wanted>, text: &str) -> Vec<Wanted> {
    let words = grammar::find(text);
    let place = |wanted: &Wanted| words.iter().position(|word| *word == wanted.word);
    wanted.retain(|wanted| place(wanted).is_some());
    wanted.sort_by_key(|wanted| place(wanted));
    if wanted.len() < words.len() {
        tracing::warn!(
            words = words.len(),
            wanted = wanted.len(),
            "words that nobody asked for"
        );
    }
    wanted
}

/// Reads the words of `data/context_words.json` that are `from` the program: an arm for each.
async fn read(word: &str, grounds: &Grounds) -> Result<Found, Problem> {
    match word {
        "#diff" => changes(grounds, Changes::Unstaged).await,
        "#staged" => changes(grounds, Changes::Staged).await,
        "#tree" => {
            let root = grounds.root.clone();
            Ok(alone(blocking(move || tree::of(&root)).await?))
        }
        _ => Err(Problem::Unreadable(format!("nobody reads {}", visible::name(word)))),
    }
}

async fn changes(grounds: &Grounds, changes: Changes) -> Result<Found, Problem> {
    let disabled: Vec<PathBuf> = grounds.disabled.iter().cloned().collect();
    let mut piece = alone(git::diff(&grounds.root, changes, &disabled).await?);
    for piece in &mut piece.pieces {
        piece.language = Some("diff".into());
    }
    Ok(piece)
}

/// A text that is all that a word stands for.
fn alone(text: String) -> Found {
    let piece = Piece {
        name: String::new(),
        path: None,
        language: Some("text".into()),
        text,
    };
    Found {
        pieces: vec![piece],
        left_out: Vec::new(),
    }
}

fn from_editor(pieces: Vec<Piece>) -> Result<Found, Problem> {
    let bytes = pieces.iter().map(|piece| piece.text.len() as u64).sum();
    match (bytes > MOST_BYTES, pieces.len()) {
        (true, 0 | 1) => Err(Problem::TooLarge(bytes)),
        (true, files) => Err(Problem::TooMuch { files, bytes }),
        (false, _) => Ok(Found {
            pieces,
            left_out: Vec::new(),
        }),
    }
}

/// Why a text looks as if it held secrets. A link is looked at by both of its names.
fn sign(piece: &Piece, word_path: &str, redactor: &Redactor) -> Option<Sign> {
    let path = piece.path.as_deref().and_then(Path::to_str).unwrap_or_default();
    let mut names = vec![path, &piece.name];
    if piece.language.as_deref() == Some("diff") {
        names.extend(secrets::files_of_diff(&piece.text));
    }
    if piece.name.is_empty() && !word_path.starts_with('#') {
        names.push(word_path);
    }
    secrets::sign(names, &piece.text, redactor)
}

fn named_sign<'a>((piece, sign): (&'a Piece, &Option<Sign>)) -> Option<(&'a str, Sign)> {
    sign.map(|sign| (piece.name.as_str(), sign))
}

fn block(word: &str, piece: Piece) -> ShownBlock {
    let lines = shown_lines(&piece);
    ShownBlock {
        word: word.to_owned(),
        name: piece.name,
        language: piece.language,
        lines,
    }
}

/// The lines of a block.
fn shown_lines(piece: &Piece) -> Vec<String> {
    let text = reading::with_line_feeds(&piece.text);
    match text.strip_suffix('\n').unwrap_or(&text) {
        "" => Vec::new(),
        text => painter::lines(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_looked_up_that_the_text_has_and_in_its_order() {
        let wanted = |word: &str| Wanted {
            word: word.into(),
            place: Place::Program,
        };
        let found = named(
            vec![wanted("#tree"), wanted("#staged"), wanted("#diff")],
            "#diff `#staged` #tree",
        );
        assert_eq!(found, [wanted("#diff"), wanted("#tree")]);
    }
}
