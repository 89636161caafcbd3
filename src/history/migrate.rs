//! Brings a file up to this program's version, step by step.

use rusqlite::{Connection, TransactionBehavior};

use super::{HistoryError, Result};

/// Takes the steps that the file has not seen, each in a transaction of its own that also counts it: whatever happens,
/// a step is taken wholly or not at all. Returns the file's version before.
///
/// # Errors
/// [`HistoryError::Newer`] for a file that has seen more steps than there are, of which nothing is changed.
pub fn apply(connection: &mut Connection, steps: &[&str]) -> Result<u32> {
    let known = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    let before = version(connection)?;
    if before > known {
        return Err(HistoryError::Newer { found: before, known });
    }
    for (number, step) in (1u32..).zip(steps).skip(usize::try_from(before).unwrap_or(usize::MAX)) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if version(&transaction)? >= number {
            continue; // another process was faster
        }
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(before)
}

/// How many steps the file has seen.
pub(super) fn version(connection: &Connection) -> Result<u32> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_sees_each_step_once_and_in_order() {
        let mut file = Connection::open_in_memory().unwrap();
        let steps = [
            "CREATE TABLE a(x); INSERT INTO a VALUES (1)",
            "UPDATE a SET x = x + 10",
            "UPDATE a SET x = x * 2",
        ];
        assert_eq!(apply(&mut file, &steps[..1]), Ok(0));
        assert_eq!(apply(&mut file, &steps), Ok(1));
        assert_eq!(apply(&mut file, &steps), Ok(3));
        let x: i64 = file.query_row("SELECT x FROM a", [], |row| row.get(0)).unwrap();
        assert_eq!((x, version(&file)), (22, Ok(3)));
    }

    #[test]
    fn a_step_that_fails_leaves_no_trace() {
        let mut file = Connection::open_in_memory().unwrap();
        let steps = [
            "CREATE TABLE a(x)",
            "INSERT INTO a VALUES (1); INSERT INTO nowhere VALUES (1)",
        ];
        assert!(apply(&mut file, &steps).is_err());
        let rows: i64 = file.query_row("SELECT count(*) FROM a", [], |row| row.get(0)).unwrap();
        assert_eq!((rows, version(&file)), (0, Ok(1)));
    }

    #[test]
    fn a_newer_file_is_refused_and_left_alone() {
        let mut file = Connection::open_in_memory().unwrap();
        file.pragma_update(None, "user_version", 7).unwrap();
        let refused = Err(HistoryError::Newer { found: 7, known: 1 });
        assert_eq!(apply(&mut file, &["CREATE TABLE a(x)"]), refused);
        assert_eq!(version(&file), Ok(7));
    }
}
