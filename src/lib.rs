//! map
pub mod provider;
