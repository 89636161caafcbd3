//! Runs actions (`:GPT explain`, `/explain`), and finds and trusts the prompts behind them.

pub mod prompts;
pub mod run;
pub mod trust;

use run::Acting;

use crate::editor::event::ActionEvent;

/// Does what the user wants of actions and their prompts, beside all else.
pub fn handle(event: ActionEvent, acting: Acting) {
    match event {
        ActionEvent::ActionRequested { wanted } => {
            tokio::spawn(async move { acting.run(*wanted).await });
        }
        ActionEvent::PromptsWanted { project } => {
            tokio::spawn(async move { acting.prompts.list(project).await });
        }
        ActionEvent::TrustRequested { project } => {
            tokio::spawn(async move { acting.prompts.ask_anew(project).await });
        }
    }
}
