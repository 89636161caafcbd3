//! Parses how long a provider asks to wait, from headers and bodies.

use std::time::{Duration, SystemTime};

use super::AnswerHeaders;

/// Phrases after which a message names the wait: OpenAI, Gemini, Azure.
const PHRASES: [&str; 3] = ["try again in ", "retry in ", "retry after "];

/// No wait is longer than this: it keeps sums of times from overflowing.
const CEILING: f64 = 366.0 * 86_400.0;

pub(super) fn from_headers(headers: &AnswerHeaders<'_>, now: SystemTime) -> Option<Duration> {
    let number = |text: Option<&str>| text.and_then(|text| text.trim().parse::<f64>().ok());
    if let Some(milliseconds) = number(headers.retry_after_ms) {
        return seconds(milliseconds / 1000.0);
    }
    if let Some(count) = number(headers.retry_after) {
        return seconds(count);
    }
    let date = date(headers.retry_after?.trim())?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// The wait that a message names in words: `Please try again in 18.642s.`
pub(super) fn from_message(message: &str) -> Option<Duration> {
    let lower = message.to_ascii_lowercase();
    PHRASES.iter().find_map(|phrase| {
        let at = lower.find(phrase)? + phrase.len();
        duration(lower.get(at..)?)
    })
}

/// A length of time at the start of a text: `34.4s`, `6m0s`, `120ms`, `6 seconds`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = None;
    while let Some((amount, after)) = amount(rest) {
        total = Some(total.unwrap_or(0.0) + amount);
        rest = after;
    }
    seconds(total?)
}

/// One number with its unit, in seconds, and what follows.
fn amount(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let number: f64 = text.get(..end)?.parse().ok()?;
    let rest = text.get(end..)?.trim_start_matches(' ');
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    let factor = match unit {
        "ms" | "milliseconds" => 0.001,
        "s" | "sec" | "second" | "seconds" => 1.0,
        "m" | "min" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    };
    Some((number * factor, rest))
}

fn seconds(count: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(count.clamp(0.0, CEILING)).ok()
}

/// A date as HTTP writes it, `Sun, 06 Nov 1994 08:49:37 GMT`
/// ([RFC 9110, 5.6.7](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7)).
fn date(text: &str) -> Option<SystemTime> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = words.as_slice() else {
        return None;
    };
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = MONTHS.find(month).filter(|at| month.len() == 3 && at % 3 == 0)? as u64 / 3 + 1;
    let clock: Vec<u64> = time.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hours, minutes, seconds] = clock.as_slice() else {
        return None;
    };
    let days = days_since_1970(year.parse().ok()?, month, day.parse().ok()?)?;
    let clock = hours
        .checked_mul(3600)?
        .checked_add(minutes.checked_mul(60)?)?
        .checked_add(*seconds)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(days.checked_mul(86_400)?.checked_add(clock)?))
}

/// The days from 1970-01-01 to a date of the Gregorian calendar, its year counted from March.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || !(1..=31).contains(&day) {
        return None;
    }
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    days.checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_in_a_message_is_found() {
        for (message, milliseconds) in [
            ("Please try again in 18.642s. Visit x", 18_642),
            ("Please try again in 20s.", 20_000),
            ("try again in 6m0s", 360_000),
            ("Try again in 120ms.", 120),
            ("Please retry in 34.4s", 34_400),
            ("Please retry after 6 seconds. To", 6_000),
        ] {
            assert_eq!(
                from_message(message),
                Some(Duration::from_millis(milliseconds)),
                "{message}"
            );
        }
        for message in [
            "",
            "try again in a while",
            "try again in ",
            "try again in 5",
            "try again in 5 apples",
        ] {
            assert_eq!(from_message(message), None, "{message}");
        }
    }

    #[test]
    fn milliseconds_go_before_seconds_and_a_date_is_taken_too() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let headers = |ms, after| AnswerHeaders {
            retry_after_ms: ms,
            retry_after: after,
            ..AnswerHeaders::default()
        };
        let wait = |ms, after| from_headers(&headers(ms, after), now);
        assert_eq!(wait(Some("250"), Some("9")), Some(Duration::from_millis(250)));
        assert_eq!(wait(None, Some("1.5")), Some(Duration::from_millis(1500)));
        assert_eq!(
            wait(None, Some("Sun, 06 Nov 1994 08:50:07 GMT")),
            Some(Duration::from_secs(30))
        );
        assert_eq!(wait(None, Some("Sun, 06 Nov 1994 08:00:00 GMT")), Some(Duration::ZERO));
        assert_eq!(
            wait(None, Some("Thu, 29 Feb 2024 00:00:00 GMT")),
            Some(Duration::from_secs(1_709_164_800 - 784_111_777))
        );
        for bad in [
            "soon",
            "Sun, 99 Nov 1994 08:50:07 GMT",
            "a, b c d e GMT",
            "Sun, 06 Nov 1994 8 GMT",
            "",
        ] {
            assert_eq!(wait(None, Some(bad)), None, "{bad}");
        }
        assert_eq!(wait(None, Some("-5")), Some(Duration::ZERO));
        assert_eq!(wait(None, Some("inf")), Some(Duration::from_secs(366 * 86_400)));
        assert_eq!(wait(None, Some("NaN")), None);
    }
}
