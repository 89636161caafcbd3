use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::*;

fn user(content: &str) -> Message {
    Message::said(Role::User, content)
}

fn ask(question: &str) -> String {
    answer(&[user(question)])
}

/// The tags of the sections that a question finds, best section first.
fn found(question: &str) -> Vec<Vec<String>> {
    LIBRARY
        .find(question)
        .iter()
        .map(|section| section.tags.clone())
        .collect()
}

fn manual_tags() -> HashSet<String> {
    let words = MANUAL.split_whitespace();
    words
        .filter_map(|word| word.strip_prefix('*')?.strip_suffix('*'))
        .map(str::to_owned)
        .collect()
}

/// Every `:help tag` in a text.
fn named_tags(text: &str) -> Vec<String> {
    text.split("`:help ")
        .skip(1)
        .filter_map(|rest| rest.split_once('`'))
        .map(|(tag, _)| tag.to_owned())
        .collect()
}

fn fences_are_balanced(text: &str) -> bool {
    text.lines().filter(|line| line.starts_with("```")).count() % 2 == 0
}

#[test]
fn natural_questions_find_their_section() {
    let questions = [
        ("how do I close the chat?", "gpt-close"),
        ("How can I quit this window", "gpt-close"),
        ("my quota is exceeded", "gpt-error-quota"),
        (
            "You exceeded your current quota, please check your plan and billing details.",
            "gpt-error-quota",
        ),
        ("I pay for ChatGPT Plus, why have I no credit?", "gpt-error-quota"),
        ("use ollama", "gpt-ollama"),
        ("how do I use a local model?", "gpt-ollama"),
        ("lm studio", "gpt-lm-studio"),
        ("can I use openrouter?", "gpt-anthropic"),
        ("how do I use Claude?", "gpt-anthropic"),
        ("how do I connect to Azure?", "gpt-azure"),
        ("can I use vllm?", "gpt-servers"),
        ("where do I put my api key?", "gpt-keys"),
        ("which token does it need", "gpt-keys"),
        ("how full is the context window?", "gpt-context-window"),
        ("how much of a long chat is sent?", "gpt-context-window"),
        ("The question is ~4k tokens too long", "gpt-error-question-length"),
        ("it says no key for OpenAI", "gpt-error-no-key"),
        ("401 invalid api key", "gpt-error-wrong-key"),
        ("how do I choose the model?", "gpt-config-model"),
        ("pick another model", "gpt-config-model"),
        ("switch to another model in the middle of a chat", ":GPTModel"),
        ("how do I see the list of models?", ":GPTModel"),
        ("what does :GPTModel do", ":GPTModel"),
        ("what does a model cost?", "gpt-prices"),
        ("how to stop an answer", "gpt-stop"),
        ("cancel the answer", "gpt-stop"),
        ("what does <C-c> do?", "gpt-stop"),
        ("what is gpt-wire", "gpt-wire"),
        (":GPT log", ":GPT-log"),
        ("which keys are there in the chat?", "gpt-chat-keys"),
        ("list of shortcuts", "gpt-chat-keys"),
        ("how do I send a question?", "gpt-send"),
        ("ask about selected lines", "gpt-selection"),
        ("how do I send a whole file?", "gpt-words-file"),
        ("what does #diff mean?", "gpt-words"),
        ("open in a vertical split", "gpt-layout"),
        ("rate limit reached", "gpt-error-rate-limit"),
        ("model not found", "gpt-error-model-not-found"),
        ("context too long", "gpt-error-context-length"),
        ("the server is overloaded", "gpt-error-overloaded"),
        ("no connection to the internet", "gpt-error-no-connection"),
        ("it timed out", "gpt-error-timeout"),
        ("where is the log file?", "gpt-log-file"),
        ("is my code sent somewhere? privacy", "gpt-privacy"),
        ("how do I build the binary?", "gpt-build"),
        ("what is the temperature?", "gpt-config-temperature"),
        ("start a new chat", "gpt-new-chat"),
        ("change the colours", "gpt-highlights"),
        ("statusline", "gpt.status()"),
        ("how do I reply in Portuguese? language", "gpt-config-language"),
        ("messages in Spanish, locale", "gpt-config-locale"),
        ("mensagens em português", "gpt-config-locale"),
        ("never send this buffer", "b:gpt_disable"),
        ("como escolho o modelo?", "gpt-config-model"),
        ("onde ponho a chave?", "gpt-keys"),
        ("como fecho a janela?", "gpt-close"),
        ("¿cómo cambio el modelo?", "gpt-config-model"),
        ("¿dónde pongo la clave?", "gpt-keys"),
        ("como paro a resposta", "gpt-stop"),
        ("o que é enviado?", "gpt-privacy"),
        ("como instalo?", "gpt-requirements"),
        ("how do I configure it", "gpt-configuration"),
        ("is there a history of chats?", "gpt-history"),
        ("where are my earlier chats?", "gpt-history"),
        ("how do I delete a chat?", ":GPT-export"),
        ("export a chat", ":GPT-export"),
        ("write a commit message", "gpt-commit"),
        ("prompt library", "gpt-prompts"),
        ("what about AGENTS.md?", "gpt-rules"),
        ("a private chat", "gpt-private"),
        ("how long are chats kept", "gpt-config-history"),
        ("error: wrong key", "gpt-error-wrong-key"),
        ("how do I update the plugin?", "gpt-build"),
        ("where do I enter my OpenAI key", "gpt-keys"),
        ("stop generating", "gpt-stop"),
        ("how do I jump between messages", "gpt-chat-keys"),
        ("make the window bigger", "gpt-config-layout"),
        ("cuota excedida", "gpt-error-quota"),
        ("quick start", "gpt-quick-start"),
        ("getting started", "gpt-quick-start"),
        ("proxy", "gpt-error-proxy"),
        ("which keys are there?", "gpt-chat-keys"),
        ("mostrar atalhos", "gpt-chat-keys"),
        ("how can I see what went wrong", ":GPT-log"),
        ("it hangs and nothing comes", "gpt-error-timeout"),
        ("what is reasoning?", "gpt-reasoning"),
        ("what exactly is sent in a request?", "gpt-request"),
        ("list of my chats", "gpt-chats"),
        ("how do folds work?", "gpt-folds"),
        ("render-markdown", "gpt-render-markdown"),
        ("markview", "gpt-markview"),
    ];
    let wrong: Vec<String> = questions
        .iter()
        .filter(|(question, tag)| !found(question).iter().take(2).flatten().any(|found| found == tag))
        .map(|(question, tag)| format!("{question} → {:?}, not {tag}", found(question)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_section_can_be_reached_by_its_heading() {
    assert!(LIBRARY.sections.len() > 40, "{}", LIBRARY.sections.len());
    for section in &LIBRARY.sections {
        let tag = section.tags.first().expect("a section has a tag");
        let reached = |question: &str| found(question).iter().any(|tags| tags.contains(tag));
        assert!(
            reached(&section.heading) || reached(&format!("{} {tag}", section.heading)),
            "{}",
            section.heading
        );
    }
}

#[test]
fn every_tag_that_an_answer_names_is_in_the_manual() {
    let tags = manual_tags();
    let mut texts: Vec<String> = LIBRARY.sections.iter().map(Section::to_markdown).collect();
    texts.extend(["hi", "how do I close the chat?", "capital of France", "```\ncode\n```"].map(ask));
    for text in texts {
        for tag in named_tags(&text) {
            assert!(tags.contains(&tag), "`:help {tag}` in {text}");
        }
    }
}

#[test]
fn every_section_becomes_clean_markdown() {
    for section in &LIBRARY.sections {
        let markdown = section.to_markdown();
        assert!(fences_are_balanced(&markdown), "{markdown}");
        let prose: String = markdown.split("```").step_by(2).collect();
        let bare: String = prose.split('`').step_by(2).collect();
        assert!(!bare.contains(['<', '|']), "{markdown}");
        assert!(!prose.contains(" ~\n"), "{markdown}");
    }
}

#[test]
fn the_first_answer_says_what_it_is_and_the_next_does_not() {
    let first = ask("how do I close the chat?");
    assert!(first.starts_with(INTRODUCTION));
    let second = [
        user("how do I close the chat?"),
        Message::said(Role::Assistant, &first),
        user("how do I stop an answer?"),
    ];
    let second = answer(&second);
    assert!(!second.contains(INTRODUCTION));
    assert!(
        second.contains("`<C-c>`") && second.contains("More: `:help gpt-stop`"),
        "{second}"
    );
}

#[test]
fn an_answer_speaks_of_itself_in_the_language_of_the_question() {
    assert!(ask("como escolho o modelo?").starts_with(INTRODUCTION_PT));
    assert!(ask("¿cómo cambio el modelo?").starts_with(INTRODUCTION_ES));
    assert!(ask("how do I change the model?").starts_with(INTRODUCTION));
}

#[test]
fn what_the_manual_does_not_know_is_said_honestly() {
    let questions = [
        "what is the capital of France?",
        "tell me a joke",
        "who won the world cup in 1994",
        "recipe for pancakes",
        "2+2",
        "does it support vim 9?",
    ];
    for question in questions {
        let text = ask(question);
        assert!(text.contains("I found nothing"), "{question}: {text}");
        assert!(text.contains(":GPTSetKey") && text.contains("ollama"), "{text}");
    }
}

#[test]
fn programming_is_left_to_a_real_model() {
    let tasks = [
        "explain this\n```rust\nfn main() {}\n```",
        "write a function that sorts a list",
        "fix the bug in my python script",
        "escreva uma função em Rust",
        "explain this code",
    ];
    for task in tasks {
        let text = ask(task);
        assert!(text.contains("I cannot read or write code"), "{task}: {text}");
        assert!(text.contains(":GPTSetKey") && fences_are_balanced(&text), "{text}");
    }
}

#[test]
fn our_own_configuration_in_a_block_is_a_question_about_the_manual() {
    let text = ask("which layouts can I set here?\n```lua\nvim.g.gpt = { chat = { layout = 'x' } }\n```");
    assert!(text.contains("vertical"), "{text}");
    assert!(!text.contains("I cannot read"));
}

#[test]
fn a_greeting_is_answered_with_what_can_be_asked() {
    for greeting in ["hi", "Hello!", "help", "Olá", "¿hola?", "what can you do?"] {
        assert!(ask(greeting).contains(TOPICS), "{greeting}");
    }
}

#[test]
fn hostile_prompts_get_a_sane_answer_fast() {
    let _warm = ask("close");
    let long_word = "a".repeat(1 << 20);
    let long_text = "how do I close the chat? ".repeat(40_000);
    let many_lines = "é\n".repeat(400_000);
    let fences = "```\n".repeat(200_000);
    let prompts = [
        "",
        " \n\t",
        "\0",
        "\0\0<\0>|`",
        "!?$%&/()=[]{}<>|`*",
        "<",
        "|a",
        "`",
        &long_word,
        &long_text,
        &many_lines,
        &fences,
    ];
    for prompt in prompts {
        let start = Instant::now();
        let text = ask(prompt);
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        assert!(!text.is_empty() && text.len() < 20_000 && fences_are_balanced(&text) && !text.contains('\0'));
    }
    assert!(!answer(&[]).is_empty());
    assert!(!answer(&[Message::said(Role::System, "x")]).is_empty());
}

#[test]
fn the_pieces_are_exactly_the_answer() {
    let texts = [
        String::new(),
        " ".into(),
        "\n\n a  b\n".into(),
        "é à\u{a0}ü".into(),
        ask("use ollama"),
        ask("hi"),
    ];
    for text in texts {
        let pieces = pieces(&text);
        assert_eq!(pieces.concat(), text);
        assert!(pieces.iter().all(|piece| !piece.is_empty()));
    }
    assert_eq!(pieces("One two\n\nthree"), ["One ", "two\n\n", "three"]);
}
