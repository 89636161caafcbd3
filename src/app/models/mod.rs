//! Chooses and shows models: `:GPTModel`, its list, the lists that providers publish, the default where nobody has chosen.

pub mod choice;
pub mod default_model;
pub mod in_use;
pub mod lists;
pub mod picker;
pub mod remembered;
pub mod table;
