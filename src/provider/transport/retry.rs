//! When a request is sent again, and after what wait: as OpenAI's own client does it (openai-python 3.54.0).
//!
//! Two more attempts after failures that may pass, each after the wait that the server asks for, or else 0.5 s, doubled
//! each time up to 8 s, less up to a quarter by chance; never once the answer has begun. Whoever drops the future of
//! [`persist`] ends the wait and the attempts.

use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use tokio::time::sleep;

use crate::provider::ProviderError;

/// How often a request is sent at most.
pub const ATTEMPTS: u8 = 3;

/// The wait after the first failure, if the server names none.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The longest wait of our own choice.
const LONGEST_BACKOFF: Duration = Duration::from_secs(8);

/// The part of a wait that chance may take off, so that not all who failed together come back together.
const JITTER: f64 = 0.25;

/// A request failed, and is sent again after a wait.
#[derive(Debug, Clone, PartialEq)]
pub struct Retrying {
    /// The wait.
    pub wait: Duration,
    /// Which attempt comes then: 2 or more.
    pub attempt: u8,
    /// Why the last one failed.
    pub error: ProviderError,
}

/// How long to wait after the attempt of this number, the first being 1; `None`: it is not sent again. `chance` is
/// from 0 to 1.
#[must_use]
pub fn delay(attempt: u8, error: &ProviderError, chance: f64) -> Option<Duration> {
    if error.begun || attempt >= ATTEMPTS || !error.is_retryable() {
        return None;
    }
    let asked = error.retry_after.filter(|wait| !wait.is_zero());
    Some(asked.unwrap_or_else(|| backoff(attempt, chance)))
}

fn backoff(attempt: u8, chance: f64) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(u32::from(attempt.saturating_sub(1))));
    doubled
        .min(LONGEST_BACKOFF)
        .mul_f64(1.0 - JITTER * chance.clamp(0.0, 1.0))
}

/// Sends a request until it succeeds, or until its failure is for good; `tell` hears of each wait before it begins.
///
/// # Errors
/// The last failure, which knows how often the request was sent.
pub async fn persist<Ask, Asked, Tell, Told>(mut ask: Ask, mut tell: Tell) -> Result<(), ProviderError>
where
    Ask: FnMut() -> Asked,
    Asked: Future<Output = Result<(), ProviderError>>,
    Tell: FnMut(Retrying) -> Told,
    Told: Future<Output = ()>,
{
    let mut attempt = 1;
    loop {
        let Err(error) = ask().await else { return Ok(()) };
        let Some(wait) = delay(attempt, &error, chance()) else {
            let attempts = if error.begun { 1 } else { attempt };
            return Err(ProviderError { attempts, ..error });
        };
        attempt += 1;
        tell(Retrying { wait, attempt, error }).await;
        sleep(wait).await;
    }
}

/// A number from 0 to 1, by chance: the standard library's hash keys are random.
fn chance() -> f64 {
    f64::from(RandomState::new().build_hasher().finish() as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests;
