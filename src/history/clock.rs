//! The time, and its name in a file's name.

use std::time::{SystemTime, UNIX_EPOCH};

use super::record::Time;
use crate::calendar;

/// The time now.
pub fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::try_from(since.as_millis()).unwrap_or(Time::MAX)
}

/// `2026-11-22T18-55-00`, UTC: a time as it may stand in a file's name on every system.
pub(super) fn stamp(time: Time) -> String {
    let (year, month, day) = calendar::date(time.div_euclid(86_400_000));
    let seconds = time.div_euclid(1000).rem_euclid(86_400);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}-{minute:02}-{second:02}")
}

/// `2026-11-22 18:55`, UTC.
pub(super) fn minute(time: Time) -> String {
    let stamp = stamp(time);
    match (stamp.get(..10), stamp.get(11..13), stamp.get(14..16)) {
        (Some(date), Some(hour), Some(minute)) => format!("{date} {hour}:{minute}"),
        _ => stamp,
    }
}

/// `2026-11-22`, UTC.
pub fn day(time: Time) -> String {
    calendar::day(time.div_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_the_name_that_the_calendar_gives_it() {
        assert_eq!(stamp(0), "1970-01-01T00-00-00");
        assert_eq!(stamp(1_795_373_700_999), "2026-11-22T18-55-00");
        assert_eq!(stamp(951_782_400_000), "2000-02-29T00-00-00");
        assert_eq!(minute(1_795_373_700_999), "2026-11-22 18:55");
    }
}
