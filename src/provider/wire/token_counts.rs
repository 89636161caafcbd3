//! Reads the counts of tokens that servers send, whatever they send, and clamps them to what can be.

use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::lenient::{Reads, default_for};

/// The most tokens that a turn is believed to take: a hundred times the largest window there is. What is more than this is
/// a server's mistake, and must neither break what is kept nor show a price of billions.
pub(crate) const MOST: u64 = 100_000_000;

/// A count of tokens: digits in a string are read too, what is too much is [`MOST`], what is no count is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tokens(pub(crate) Option<u64>);

impl Tokens {
    pub(crate) fn or_zero(self) -> u64 {
        self.0.unwrap_or_default()
    }

    fn of(number: f64) -> Self {
        // `as` saturates; a count with a fraction is cut.
        Self((number >= 0.0).then_some((number as u64).min(MOST)))
    }
}

/// The sum of counts, clamped too.
pub(crate) fn sum(counts: impl IntoIterator<Item = u64>) -> u64 {
    counts.into_iter().fold(0, u64::saturating_add).min(MOST)
}

impl<'de> Visitor<'de> for Reads<Tokens> {
    type Value = Tokens;
    default_for!(bool null seq map);

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a count of tokens")
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Tokens, E> {
        Ok(Tokens(Some(number.min(MOST))))
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<Tokens, E> {
        Ok(Tokens(u64::try_from(number).ok().map(|number| number.min(MOST))))
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<Tokens, E> {
        Ok(Tokens::of(number))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Tokens, E> {
        Ok(text.trim().parse().map_or(Tokens(None), Tokens::of))
    }
}

impl<'de> Deserialize<'de> for Tokens {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reads(PhantomData::<Self>))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_tokens_are_clamped_whatever_their_shape() {
        for (json, count) in [
            ("7", Some(7)),
            ("7.9", Some(7)),
            ("\"7\"", Some(7)),
            ("\" 7.5 \"", Some(7)),
            ("0", Some(0)),
            ("-7", None),
            ("-7.5", None),
            ("\"-7\"", None),
            ("\"NaN\"", None),
            ("\"many\"", None),
            ("null", None),
            ("true", None),
            ("[7]", None),
            ("{\"a\":7}", None),
            ("18446744073709551615", Some(MOST)),
            ("18446744073709551616", Some(MOST)),
            ("9223372036854775807", Some(MOST)),
            ("-9223372036854775808", None),
            ("1e300", Some(MOST)),
            ("\"99999999999999999999999999\"", Some(MOST)),
            ("\"inf\"", Some(MOST)),
        ] {
            assert_eq!(serde_json::from_str::<Tokens>(json).unwrap().0, count, "{json}");
        }
    }

    #[test]
    fn sums_of_counts_are_clamped_and_do_not_overflow() {
        assert_eq!(sum([1, 2, 3]), 6);
        assert_eq!(sum([u64::MAX, u64::MAX, 1]), MOST);
    }
}
