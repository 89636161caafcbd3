//! Tells of a panic when it happens.

use std::io::Write as _;
use std::panic;
use std::sync::Once;

/// From now on a panic is told at once, besides in the harness's report at the end, which a run that is ended before, or
/// whose output is cut, does not have.
pub fn tell_at_once() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |told| {
            let thread = std::thread::current();
            let told_now = format!("{} panics: {told}\n", thread.name().unwrap_or("a thread"));
            // Not by `eprint!`, which the harness keeps to itself.
            std::io::stderr().lock().write_all(told_now.as_bytes()).ok();
            usual(told);
        }));
    });
}
