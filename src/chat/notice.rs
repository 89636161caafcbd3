//! Notices to the user: a sentence about what happened, what to do about it, and below it
//! the provider's own words. A file for each kind of notice.

mod address;
mod answer_end;
mod context_window;
mod history;
mod key_advice;
mod left_out;
mod not_done;
mod provider_error;

#[cfg(test)]
mod failures;

#[cfg(test)]
mod shapes;

#[cfg(test)]
mod tests;

pub use crate::terms::{Level, Notice};
pub use answer_end::{of_outcome, of_taken_back};
pub use context_window::{of_cut, of_too_long};
pub use history::{grown, held, no_chat, not_kept, of_history, of_state};
pub use key_advice::{any_of, keyring_waits, no_variable};
pub use not_done::{of_refusal, of_unreadable};
pub use provider_error::{naming_end, of_error, of_failed_check, of_retry};
