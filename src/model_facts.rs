//! Windows, prices and ends of models: what the catalogue and the user's configuration know of each, and what a turn cost.

use serde::Deserialize;

use crate::transcript::Usage;

/// More tokens of input than these make the whole request dearer, where a model has prices for long requests
/// (<https://platform.openai.com/docs/pricing>).
const LONG_REQUEST: u64 = 272_000;

/// What is known of a model. Prices are in US dollars per million tokens.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The most tokens of a request and its answer together.
    pub window: Option<u64>,
    /// The most tokens of a request, where it is less than the window.
    pub max_input: Option<u64>,
    /// The most tokens of an answer.
    pub max_output: Option<u64>,
    /// The price of input.
    pub input: Option<f64>,
    /// The price of input that the provider had cached.
    pub cached: Option<f64>,
    /// The price of output.
    pub output: Option<f64>,
    /// The price of input in a long request.
    pub long_input: Option<f64>,
    /// The price of output in a long request.
    pub long_output: Option<f64>,
    /// Whether it reasons before it answers.
    pub reasoning: Option<bool>,
    /// Whether it sees images.
    pub vision: Option<bool>,
    /// Whether it can call tools.
    pub tools: Option<bool>,
    /// The day of its end: `YYYY-MM-DD`.
    pub ends: Option<String>,
    /// The model that its provider recommends instead.
    pub replacement: Option<String>,
    /// Where its provider recommends none: the model that comes nearest.
    pub nearest: Option<String>,
}

impl Facts {
    /// These facts where there are some, else those of `base`.
    #[must_use]
    pub fn or(self, base: &Self) -> Self {
        // A price of the user's own is the price of every request.
        let priced = self.input.is_some() || self.output.is_some();
        let long = |price: Option<f64>| price.filter(|_| !priced);
        Self {
            window: self.window.or(base.window),
            max_input: self.max_input.or(base.max_input.filter(|_| self.window.is_none())),
            max_output: self.max_output.or(base.max_output),
            input: self.input.or(base.input),
            cached: self.cached.or(base.cached.filter(|_| self.input.is_none())),
            output: self.output.or(base.output),
            long_input: self.long_input.or(long(base.long_input)),
            long_output: self.long_output.or(long(base.long_output)),
            reasoning: self.reasoning.or(base.reasoning),
            vision: self.vision.or(base.vision),
            tools: self.tools.or(base.tools),
            ends: self.ends.or_else(|| base.ends.clone()),
            replacement: self.replacement.or_else(|| base.replacement.clone()),
            nearest: self.nearest.or_else(|| base.nearest.clone()),
        }
    }

    /// What a turn cost, in US dollars; `None` where a price is not known.
    pub fn cost(&self, usage: &Usage) -> Option<f64> {
        let long = usage.input > LONG_REQUEST && self.long_input.is_some();
        let dearer = |price: f64, long_price: Option<f64>| if long { long_price.unwrap_or(price) } else { price };
        let (base_input, base_output) = (self.input?, self.output?);
        let input = dearer(base_input, self.long_input);
        let factor = if base_input > 0.0 { input / base_input } else { 1.0 };
        let cached = self.cached.map_or(input, |price| price * factor);
        let output = dearer(base_output, self.long_output);
        let from_cache = usage.cached.min(usage.input);
        let parts = [
            (usage.input - from_cache, input),
            (from_cache, cached),
            (usage.output, output),
        ];
        Some(parts.iter().map(|(tokens, price)| *tokens as f64 * price / 1e6).sum())
    }
}
