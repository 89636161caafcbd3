//! The offline model `guide/manual`: answers questions about this plugin from its manual, without a key or a network.
//!
//! It is no language model. It finds the sections of `doc/gpt.txt` that fit the question ([`search`]) and quotes them as
//! [`markdown`]. Everything here is pure; who streams the answer paces its [`pieces`].

pub mod manual;
pub mod markdown;
pub mod search;
pub mod words;

use std::sync::LazyLock;

use self::manual::Section;
use self::search::Index;
use crate::fence::{self, Line};
use crate::transcript::{Message, Role};

/// The help file that the answers are taken from.
pub const MANUAL: &str = include_str!("../../doc/gpt.txt");

/// How much of a question is read, in bytes. A longer one is no question to a manual.
const QUESTION_LIMIT: usize = 4096;
/// The part of a question that the manual must know for an answer.
const LEAST_COVERAGE: f32 = 0.4;
/// A second section is shown when its score is at least this part of the best one's.
const SECOND_SCORE: f32 = 0.75;

const INTRODUCTION: &str = "I am the offline guide: I search the manual of gpt.nvim, I am no language model.";
const INTRODUCTION_PT: &str =
    "Sou o guia offline: procuro no manual do gpt.nvim (em inglês), não sou um modelo de linguagem.";
const INTRODUCTION_ES: &str =
    "Soy la guía sin conexión: busco en el manual de gpt.nvim (en inglés), no soy un modelo de lenguaje.";

const TOPICS: &str = "You can ask me, for example:\n\n\
    - How do I connect OpenAI? How do I use Ollama?\n\
    - Which keys are there in the chat? How do I stop an answer?\n\
    - How do I ask about selected code?\n\
    - How do I choose the model, the layout, the language?\n\
    - What does \"quota exceeded\" mean? Where is the log?\n\
    - What is sent, and where?";

const CONNECT: &str = "To connect a real model, give gpt.nvim a key of OpenAI; it is kept in the system keyring:\n\n\
    ```vim\n:GPTSetKey openai\n```\n\n\
    Or use a model on your own machine, for example with Ollama:\n\n\
    ```lua\n\
    vim.g.gpt = { model = \"ollama/qwen3\" }\n```\n\n\
    More: `:help gpt-keys`, `:help gpt-servers`";

/// The manual and its index, made at the first question.
static LIBRARY: LazyLock<Library> = LazyLock::new(|| Library::new(MANUAL));

struct Library {
    sections: Vec<Section>,
    index: Index,
}

impl Library {
    fn new(help: &str) -> Self {
        let sections = manual::parse(help);
        let index = Index::new(&sections);
        Self { sections, index }
    }

    /// The one or two sections that fit a question, the best first; none when the manual does not know it.
    fn find(&self, question: &str) -> Vec<&Section> {
        let hits = self.index.search(question);
        let Some(best) = hits.first().filter(|hit| hit.coverage >= LEAST_COVERAGE) else {
            return Vec::new();
        };
        let second = hits
            .get(1)
            .filter(|hit| hit.score >= best.score * SECOND_SCORE && hit.coverage >= best.coverage);
        let found = std::iter::once(best).chain(second);
        found.filter_map(|hit| self.sections.get(hit.section)).collect()
    }
}

/// Answers the last question of a conversation with a section of the manual, as markdown. Whatever is asked, the answer
/// is not empty, and repeats nothing of the question.
#[must_use]
pub fn answer(messages: &[Message]) -> String {
    let asked = messages.iter().rev().find(|message| message.role == Role::User);
    let asked = asked.map(Message::text).unwrap_or_default();
    let (prose, has_code) = without_code(&asked);
    let question = start_of(&prose);
    let is_first = !messages.iter().any(|message| message.role == Role::Assistant);
    let introduction = if is_first {
        format!("{}\n\n", introduction(question))
    } else {
        String::new()
    };

    if has_code || asks_for_programming(question) {
        return format!(
            "{introduction}I cannot read or write code: that takes a language model, and I only know this plugin's \
             manual.\n\n{CONNECT}"
        );
    }
    if is_greeting(question) {
        return format!("{}\n\n{TOPICS}\n\n{CONNECT}", self::introduction(question));
    }
    let found = LIBRARY.find(question);
    if found.is_empty() {
        let introduction = self::introduction(question);
        return format!("{introduction}\n\nI found nothing in it that answers this.\n\n{TOPICS}\n\n{CONNECT}");
    }
    let bodies: Vec<String> = found.iter().map(|section| section.to_markdown()).collect();
    let tags: Vec<String> = found
        .iter()
        .filter_map(|section| section.tags.first())
        .map(|tag| format!("`:help {tag}`"))
        .collect();
    format!("{introduction}{}\n\nMore: {}", bodies.join("\n\n"), tags.join(", "))
}

/// Cuts an answer into words, each with the white space that follows it. Together they are exactly the answer.
#[must_use]
pub fn pieces(answer: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    for letter in answer.chars() {
        if piece.ends_with(char::is_whitespace) && !letter.is_whitespace() {
            pieces.push(std::mem::take(&mut piece));
        }
        piece.push(letter);
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

/// The question without its fenced blocks, and whether one of them is code to work on. A block of this plugin's own
/// configuration is a question about the manual.
fn without_code(asked: &str) -> (String, bool) {
    let mut prose = String::new();
    let mut has_code = false;
    for (line, kind) in fence::lines(asked) {
        has_code |= kind != Line::Text;
        if kind == Line::Text && prose.len() < QUESTION_LIMIT {
            prose.push_str(start_of(line));
            prose.push('\n');
        }
    }
    let is_ours = ["vim.g.gpt", "require(\"gpt\")", "require('gpt')"]
        .iter()
        .any(|ours| asked.contains(ours));
    (prose, has_code && !is_ours)
}

/// The first bytes of a text, up to the limit of a question.
fn start_of(text: &str) -> &str {
    let end = text.len().min(QUESTION_LIMIT);
    (0..=end).rev().find_map(|end| text.get(..end)).unwrap_or_default()
}

/// Whether a question wants something done to code: a verb for it and a thing made of code.
fn asks_for_programming(question: &str) -> bool {
    const VERBS: &str = "write implement refactor fix debug generate code program optimize explain translate convert \
                         escreve escreva escrever refatora corrige explica traduz escribe implementa";
    const THINGS: &str = "function functions code script algorithm regex regexp bug class unit loop sql python rust \
                          javascript typescript java golang c++ html css bash funcao codigo algoritmo funcion programa \
                          fibonacci program sort";
    let asked = words::words(question);
    let names = |list: &str| words::words(list).iter().any(|word| asked.contains(word));
    names(VERBS) && names(THINGS)
}

fn is_greeting(question: &str) -> bool {
    const GREETINGS: &[&str] = &[
        "",
        "hi",
        "hello",
        "hey",
        "help",
        "help me",
        "test",
        "what can you do",
        "who are you",
        "what are you",
        "ola",
        "oi",
        "olá",
        "ajuda",
        "hola",
        "ayuda",
        "hallo",
        "thanks",
        "thank you",
        "obrigado",
        "obrigada",
        "gracias",
    ];
    let plain = question
        .trim_matches(|letter: char| !letter.is_alphanumeric())
        .to_lowercase();
    GREETINGS.contains(&plain.as_str())
}

/// What the guide says of itself, in the language that the question seems to be in.
fn introduction(question: &str) -> &'static str {
    const PORTUGUESE: &[&str] = &[
        "qual", "não", "nao", "meu", "minha", "chave", "erro", "você", "escolho", "fecho", "fechar", "mudar", "trocar",
        "paro", "posso", "uso", "onde", "instalo", "o", "um", "uma", "olá", "oi", "ajuda", "obrigado", "obrigada",
        "são", "está",
    ];
    const SPANISH: &[&str] = &[
        "cual", "cuál", "mi", "clave", "cómo", "elijo", "cierro", "cerrar", "cambiar", "cambio", "puedo", "donde",
        "dónde", "el", "la", "los", "un", "una", "hola", "ayuda", "gracias", "qué", "detener", "instalo", "está",
    ];
    let lower = question.to_lowercase();
    let count = |list: &[&str]| {
        lower
            .split(|letter: char| !letter.is_alphabetic())
            .filter(|word| list.contains(word))
            .count()
    };
    match (count(PORTUGUESE), count(SPANISH)) {
        (0, 0) => INTRODUCTION,
        (portuguese, spanish) if portuguese >= spanish => INTRODUCTION_PT,
        _ => INTRODUCTION_ES,
    }
}

#[cfg(test)]
mod tests;
