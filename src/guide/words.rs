//! The words of a question: cut, folded, stemmed, without those that say nothing, and with their synonyms.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

/// What users say (English, Portuguese, Spanish) `>` the words of the manual for it.
const SYNONYMS: &str = "
generate generating generation gerar generar > answer
right left side lado > vertical layout
bigger smaller larger size resize tamanho > width height
navigate move > jump
exceeded excedida excedido excedeu excedi > exceeded quota
middle half-way halfway > incomplete
keys > key shortcuts
wrong happened happening > log notices failed
resposta respuesta reply response > answer
token credential credentials secret apikey chave chaves clave claves > key api
keybinding keybindings shortcut shortcuts hotkey keymap mapping atalho atalhos tecla teclas atajo > shortcuts
quit exit dismiss leave close hide fechar fecho esconder sair cerrar cierro ocultar salir > close hide
reopen reabrir > reopening
open abrir abro launch > opens open
pick select change switch choose escolher escolho trocar troco mudar mudo elegir elijo cambiar cambio > choosing change
modelo modelos llm engine > model
erro erros falha fail failed failing failure failures broken problem problema problemas fallo > errors error failed
money balance pay paid payment cost credito saldo pagar cota cuota subscription plus > quota credit billing
submit enviar mando mandar envio ask perguntar pergunta preguntar > send sending question
cancel abort interrupt kill halt parar paro cancelar detener interromper interrumpir > stop stopping
install installation compile compilar instalar instalo instalacao instalacion > build requirements
popup window janela ventana split tab fullscreen > window layout float
mensagem mensagens mensaje mensajes aviso avisos > messages notices
idioma lingua lengua portuguese spanish portugues espanhol espanol > language
servidor host endpoint url address endereco gateway > server base_url
offline local self-hosted > local machine offline
llama.cpp llamacpp vllm > server compatible
lmstudio > LM Studio
configure config configurar configuro configuracao configuracion option options settings opcoes opciones > configuration
private telemetry privacidade privacidad confidential safe > privacy sent
dados datos data enviado enviados enviada > privacy sent stored
slow slowly stuck freeze frozen hang hangs hanging demora lento wait waiting tempo > time timeout
timeout timeouts timed > time nothing
debug logs registro logfile > log
retry repeat resend novamente repetir > again regenerate
visual range selected selecao selecionar seleccion linhas lineas trecho > selection lines
clear reset fresh novo nova nuevo nueva conversa > new
color colors colour theme colorscheme cor cores colores > highlights colours
offline internet wifi network conexao conexion rede unreachable vpn refused > connection network
organisation organizacao organizacion projeto > organization project
lualine statusbar > statusline
api function functions programmatically > lua
hook hooks event callback autocommand autocmd evento eventos > events autocommands
crash crashes executable program programa binario > binary
truncated cut cortada > incomplete ended
long longo largo big huge > long context
memory remember memoria > memory past
creative creativity random randomness > temperature varied
persona instruction instructions instrucoes > system prompt
save saved keep salvar guardar persist history historico historial > saving history
comando comandos > commands
forbidden exclude ignore secrets passwords senha senhas > never gpt_disable
unauthorized 401 invalid incorrect chave-errada > wrong invalid
certificate certificates ssl certificado > TLS certificates
pais region > country
start started begin comecar empezar tutorial getting-started > quick start
";

/// Words that say nothing of a question's subject, in the three languages, without accents.
const STOP_WORDS: &str = "
an and another any anything ao are as at be between but by can cannot coloco com comes como con could cual da
das de del did do does doing don donde dos el else em en enter es esta este eu fazer for from get give goes
got gpt ha hacer had hago has have help how if in into is isto it its just la las like list lo los mais make
makes may me mean means meu mi mia might minha mis mostrar must my na nao need neovim nos not nvim of on onde
one or os our out para please plugin pode podem poner pongo ponho por posso puedo put quais qual que quero
quiero sao say says se see ser should show sin so some something su sua support supports tell tem tengo tenho
than that the their them then there these they thing this to too um uma un una up usar use used using uso
utilizar ver via vim voce want was we went were what when where which while who why will with won work works
would yo you your
";

static STOPPED: LazyLock<HashSet<&str>> = LazyLock::new(|| STOP_WORDS.split_whitespace().collect());

/// The different words of a text, in an order that does not change from run to run.
#[must_use]
pub fn once(text: &str) -> BTreeSet<String> {
    words(text).into_iter().collect()
}

/// The stems of a text's words, in order, without accents and stop words. A key such as `<C-s>` is one word.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let plain: String = text.chars().map(fold).collect();
    let mut found = Vec::new();
    for chunk in plain.split_whitespace() {
        found.extend(key_notation(chunk));
        found.extend(
            chunk
                .split(|c: char| !c.is_alphanumeric())
                .filter(|word| is_telling(word))
                .map(stem),
        );
    }
    found
}

/// A letter in lower case and without its accent, as far as the languages of the synonyms need it.
fn fold(letter: char) -> char {
    match letter.to_lowercase().next().unwrap_or(letter) {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        other => other,
    }
}

/// `<c-s>`, `ctrl-s` and `]]` as words.
fn key_notation(chunk: &str) -> Option<String> {
    if let Some((_, rest)) = chunk.split_once('<') {
        let (name, _) = rest.split_once('>')?;
        return (!name.is_empty() && name.len() < 8).then(|| format!("<{name}>"));
    }
    for prefix in ["ctrl-", "ctrl+", "control-"] {
        if let Some(letter) = chunk.strip_prefix(prefix).and_then(|rest| rest.chars().next()) {
            return Some(format!("<c-{letter}>"));
        }
    }
    let bare = chunk.trim_matches(['`', '"', '\'', '.', ',']);
    matches!(bare, "]]" | "[[" | "g?").then(|| bare.to_owned())
}

fn is_telling(word: &str) -> bool {
    match word.len() {
        0 => false,
        1 => word == "q",
        length => length < 40 && !STOPPED.contains(word),
    }
}

/// A light stem: plural, `-ing`, `-ed` and a final `e` go. It need not be right, only the same for the manual and for the
/// question.
fn stem(word: &str) -> String {
    if matches!(word, "tokens" | "keys") {
        return word.to_owned(); // a model counts tokens, a token is a key; keys are pressed, a key opens an API
    }
    let shorten = |suffix: &str, least: usize| {
        word.strip_suffix(suffix)
            .filter(|stem| stem.len() >= least && stem.is_ascii())
            .map(str::to_owned)
    };
    if let Some(stem) = shorten("ies", 2) {
        return stem + "y";
    }
    let stem = shorten("ing", 4).or_else(|| shorten("ed", 4)).map(undouble);
    let stem = stem.or_else(|| (!word.ends_with("ss")).then(|| shorten("s", 3)).flatten());
    let stem = stem.unwrap_or_else(|| word.to_owned());
    match stem.strip_suffix('e') {
        Some(short) if short.len() >= 3 => short.to_owned(),
        _ => stem,
    }
}

/// `stopp` (from `stopped`) as `stop`.
fn undouble(stem: String) -> String {
    let mut letters = stem.chars().rev();
    let (last, before) = (letters.next(), letters.next());
    let doubled = last == before && last.is_some_and(|letter| !"aeiouls".contains(letter));
    if doubled {
        stem.chars().take(stem.chars().count() - 1).collect()
    } else {
        stem
    }
}

/// Synonyms by the stem of the word that a user may write.
#[must_use]
pub fn synonyms() -> HashMap<String, Vec<String>> {
    let mut table: HashMap<String, Vec<String>> = HashMap::new();
    for (said, meant) in SYNONYMS.lines().filter_map(|line| line.split_once(" > ")) {
        for word in words(said) {
            table.entry(word).or_default().extend(words(meant));
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_stemmed_folded_and_without_stop_words() {
        assert_eq!(words("How do I stop the answers?"), ["stop", "answer"]);
        assert_eq!(words("stopped Stopping stops"), ["stop", "stop", "stop"]);
        assert_eq!(words("seleção opções"), ["selecao", "opco"]);
        assert_eq!(words("closing closed close"), ["clos", "clos", "clos"]);
    }

    #[test]
    fn keys_are_words_of_their_own() {
        assert!(words("press <C-s> now").contains(&"<c-s>".to_owned()));
        assert!(words("press Ctrl-S").contains(&"<c-s>".to_owned()));
        assert_eq!(words("q"), ["q"]);
        assert_eq!(words("]]"), ["]]"]);
    }

    #[test]
    fn synonyms_go_from_the_users_word_to_the_manuals() {
        assert!(synonyms()["chav"].contains(&"key".to_owned()));
    }
}
