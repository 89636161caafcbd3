//! Runs actions (`:GPT explain`, `/explain`), and finds and trusts the prompts behind them.

pub mod prompts;
pub mod run;
pub mod trust;
