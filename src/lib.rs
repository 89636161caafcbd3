//! map
pub mod keys;
pub mod provider;
