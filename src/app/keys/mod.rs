//! Sets and removes keys: `:GPTSetKey`, `:GPTRemoveKey`, and what `:checkhealth` says of them.

pub mod set_up;
