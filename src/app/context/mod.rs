//! Looks up what context words (`#file:…`, `#diff`, `#tree`) stand for.

pub mod lookup;
