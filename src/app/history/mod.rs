//! Carries out the commands of the history: `:GPT history`, `rename`, `delete`, `fork`, `export`, `history clear`.

pub mod commands;
