//! Sentences about the language of messages.

use std::path::Path;

use serde_json::json;

use crate::common::text;
use crate::fixtures_lua::{flat, recording, says, work};
use crate::support::answer::Answer;
use crate::support::nvim::{Builder, Nvim};
use crate::support::server::Server;

const QUOTA: &str = "Você excedeu sua cota atual, verifique seu plano e detalhes de faturamento.";

fn exceeded() -> Answer {
    let message = "You exceeded your current quota, please check your plan and billing details.";
    Answer::json(
        429,
        &json!({ "error": { "message": message, "type": "insufficient_quota", "code": "insufficient_quota" } }),
    )
}

/// An editor whose environment names these locales.
fn environment(variables: &[(&str, &str)]) -> Builder {
    let none = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .fold(crate::nvim(), |builder, name| builder.env(name, ""));
    variables
        .iter()
        .fold(none, |builder, (name, value)| builder.env(name, *value))
}

/// The language that the editor's side says messages in.
async fn locale(nvim: &Nvim) -> String {
    nvim.lua_string("return require('gpt.locale').get()", &[]).await
}

/// Asks a provider whose account is used up; what the screen then says.
async fn exceeded_quota(builder: Builder, more: &str) -> String {
    let server = Server::start([exceeded()]).await;
    let config = work(&format!("{}/v1", server.url()), "chat", more);
    let nvim = builder.config(config).start().await;
    nvim.feed(":GPTChat why<CR>").await;
    nvim.wait_screen_contains("HTTP 429").await;
    flat(&nvim.screen())
}

#[tokio::test]
async fn an_exceeded_quota_is_told_in_portuguese_where_that_is_configured() {
    let screen = exceeded_quota(recording(), "locale = 'pt'").await;
    assert!(screen.contains(QUOTA), "{screen}");
    assert!(screen.contains("Veja a página de faturamento de work."), "{screen}");
}

#[tokio::test]
async fn an_exceeded_quota_is_told_in_portuguese_where_the_environment_speaks_it() {
    let screen = exceeded_quota(environment(&[("LANG", "pt_BR.UTF-8")]), "").await;
    assert!(screen.contains(QUOTA), "{screen}");
}

#[tokio::test]
async fn a_missing_key_and_the_keys_of_the_chat_are_told_in_portuguese() {
    let nvim = recording()
        .config("{ model = 'openai/gpt-6.1-sol', locale = 'pt_BR' }")
        .start()
        .await;
    nvim.feed(":GPTChat why<CR>").await;
    says(&nvim, "Nenhuma chave para OpenAI.").await;
    says(
        &nvim,
        "Execute :GPTSetKey openai, ou defina OPENAI_API_KEY e reinicie o Neovim.",
    )
    .await;
    says(&nvim, "enviar · <C-c> parar · q ocultar · g? teclas").await;
    nvim.feed("<Esc>g?").await;
    says(&nvim, "interromper a resposta").await;
}

#[tokio::test]
async fn a_wrong_name_is_told_in_spanish_by_the_program_and_by_the_editors_side() {
    let nvim = recording().config("{ locale = 'es-MX' }").start().await;
    nvim.feed(":GPTModel opnai/gpt-5<CR>").await;
    says(&nvim, "No existe el proveedor \"opnai\". ¿Quisiste decir \"openai\"?").await;
    nvim.feed(":GPT nada<CR>").await;
    says(&nvim, ":GPT no conoce \"nada\".").await;
}

#[tokio::test]
async fn the_environment_chooses_the_language_as_it_does_for_other_programs() {
    for (variables, expected) in [
        (&[][..], "en"),
        (&[("LANG", "es_AR.UTF-8")], "es"),
        (&[("LANG", "es_AR.UTF-8"), ("LC_MESSAGES", "pt_BR")], "pt"),
        (&[("LANG", "pt_BR.UTF-8"), ("LC_ALL", "C.UTF-8")], "en"),
        (&[("LC_ALL", "de_DE.UTF-8")], "en"),
        (&[("LANG", "est")], "en"),
    ] {
        let nvim = environment(variables).start().await;
        assert_eq!(locale(&nvim).await, expected, "{variables:?}");
    }
}

#[tokio::test]
async fn the_configuration_comes_before_the_environment() {
    let nvim = environment(&[("LANG", "pt_BR.UTF-8")])
        .config("{ locale = 'es' }")
        .start()
        .await;
    assert_eq!(locale(&nvim).await, "es");
    nvim.lua("require('gpt').setup({ locale = 'en_US' })", &[]).await;
    assert_eq!(locale(&nvim).await, "en");
}

#[tokio::test]
async fn a_language_that_messages_are_not_written_in_is_named() {
    for (configured, problem) in [
        ("'fr'", "locale: expected one of \"en\", \"pt\", \"es\", got \"fr\""),
        ("3", "locale: expected one of \"en\", \"pt\", \"es\", got 3"),
    ] {
        let nvim = crate::nvim()
            .config(format!("{{ locale = {configured} }}"))
            .start()
            .await;
        let problems = "return select(2, require('gpt.config.check').check(vim.g.gpt))";
        assert_eq!(nvim.lua_lines(problems, &[]).await, [problem]);
    }
}

#[tokio::test]
async fn mistakes_in_the_configuration_are_told_in_its_language() {
    let nvim = crate::nvim()
        .config("{ locale = 'pt', modle = 1, model = 7 }")
        .start()
        .await;
    let problems = "return select(2, require('gpt.config.check').check(vim.g.gpt))";
    assert_eq!(
        nvim.lua_lines(problems, &[]).await,
        ["model: esperado string, recebido 7", "modle: opção inexistente"]
    );
}

#[tokio::test]
async fn nothing_of_the_messages_is_loaded_before_one_is_said() {
    let nvim = crate::nvim()
        .config("{ locale = 'pt', chat = { width = 0.5 } }")
        .start()
        .await;
    let loaded = "return vim.tbl_filter(function(name) return vim.startswith(name, 'gpt.messages') end, vim.tbl_keys(package.loaded))";
    nvim.lua("require('gpt.config').get()", &[]).await;
    assert_eq!(nvim.lua_lines(loaded, &[]).await, [""; 0]);
    nvim.lua("require('gpt.words')('view.saved')", &[]).await;
    assert_eq!(nvim.lua_lines(loaded, &[]).await, ["gpt.messages.pt"]);
}

#[tokio::test]
async fn the_health_report_is_portuguese() {
    let nvim = crate::nvim().config("{ locale = 'pt' }").start().await;
    nvim.command("checkhealth gpt").await;
    let report = nvim.lines(0).await.join("\n");
    for line in [
        "gpt.nvim: programa",
        "gpt.nvim: chaves",
        "Limites de tempo: 10 s para conectar",
    ] {
        assert!(report.contains(line), "{line}\n{report}");
    }
}

#[tokio::test]
async fn what_is_made_of_the_tables_is_as_they_say() {
    let nvim = crate::nvim().start().await;
    let root = env!("CARGO_MANIFEST_DIR");
    let files = "local files = assert(loadfile(... .. '/scripts/messages.lua'))(...)
        return vim.iter(vim.spairs(files)):map(function(path, text) return path .. '\\n' .. text end):totable()";
    let files = nvim.lua_lines(files, &[text(root)]).await;
    assert_eq!(files.len(), 6);
    for file in files {
        let (path, made) = file.split_once('\n').expect("a path and a text");
        let there = std::fs::read_to_string(Path::new(path)).unwrap_or_default();
        assert_eq!(there, made, "{path}: run scripts/messages");
    }
}
