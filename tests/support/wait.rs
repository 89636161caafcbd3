//! Time limits, and waiting for what has no event.

use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

/// How long anything may take before a test fails. Generous: it is only ever reached by a failure.
pub const LIMIT: Duration = Duration::from_secs(20);

/// The pause between two looks at something that sends no event.
pub const POLL: Duration = Duration::from_millis(5);

/// The output of `future`, or a panic that names `what` was awaited and where.
#[track_caller]
pub fn within<F: Future>(limit: Duration, what: &str, future: F) -> impl Future<Output = F::Output> {
    let at = Location::caller();
    async move {
        match timeout(limit, future).await {
            Ok(output) => output,
            Err(_) => panic!("{at}: waited {limit:?} for {what}"),
        }
    }
}

/// Looks at `condition` every [`POLL`] until it holds; panics after [`LIMIT`].
#[track_caller]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let at = Location::caller();
    async move {
        let deadline = Instant::now() + LIMIT;
        while !condition() {
            assert!(Instant::now() < deadline, "{at}: waited {LIMIT:?} until {what}");
            sleep(POLL).await;
        }
    }
}
