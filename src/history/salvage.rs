//! Reads rows out of a database file's pages, without its first page: where that is damaged, nothing says any more where
//! which table begins. So every page is looked at, and each row goes to the table that its values fit
//! (<https://www.sqlite.org/fileformat2.html>).
//!
//! What has been deleted stays so: the pages of the pointer map, which the file has for giving pages back, say which ones
//! are free.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use rusqlite::types::Value;

use super::aside;
use crate::bounded;

/// The size of a page, where the file does not say it any more: that of all our files.
const PAGE: usize = 4096;
/// How many pages a pointer of one page may lead through.
const MOST_OVERFLOW: usize = 1 << 20;
/// The longest value that is read, in bytes: SQLite's own limit.
const MOST_PAYLOAD: u64 = 1_000_000_000;
/// The most of a log that is looked at, in pages.
const MOST_FRAMES: usize = 1 << 20;

/// A row: its number, which stands for the column that is the table's key, and its values.
pub(super) struct Row {
    pub table: &'static str,
    pub number: i64,
    pub values: Vec<Value>,
}

/// Calls `found` with each row of a table of ours.
///
/// # Errors
/// The file cannot be read, or what `found` says.
pub(super) fn rows<E: From<io::Error>>(path: &Path, mut found: impl FnMut(Row) -> Result<(), E>) -> Result<(), E> {
    let mut pages = Pages::open(path)?;
    for number in 2..=pages.count {
        if pages.is_map(number) || pages.is_free(number) {
            continue;
        }
        let Ok(page) = pages.read(number) else { continue };
        for cell in cells(&page) {
            if let Some(row) = pages.row(&page, cell) {
                found(row)?;
            }
        }
    }
    Ok(())
}

/// The pages of a file, and of the log beside it, which are newer.
struct Pages {
    file: File,
    log: Option<File>,
    /// Where in the log a page begins.
    newer: BTreeMap<u64, u64>,
    size: usize,
    count: u64,
    /// The page of the pointer map that was read last.
    map: (u64, Vec<u8>),
}

impl Pages {
    fn open(path: &Path) -> io::Result<Self> {
        let (mut file, _) = bounded::open(path).map_err(io::Error::other)?;
        let mut head = [0; 18];
        file.read_exact(&mut head).ok();
        let said = number(&head, 16, 2);
        let said = if said == Some(1) { Some(65_536) } else { said };
        let is_size = |size: &u64| size.is_power_of_two() && (512..=65_536).contains(size);
        let size = said.filter(|_| head.starts_with(b"SQLite format 3\0")).filter(is_size);
        let size = size.and_then(|size| usize::try_from(size).ok()).unwrap_or(PAGE);
        let count = file.metadata()?.len() / size as u64;
        let mut pages = Self {
            file,
            log: bounded::open(&aside::with_suffix(path, "-wal"))
                .ok()
                .map(|(log, _)| log),
            newer: BTreeMap::new(),
            size,
            count,
            map: (0, Vec::new()),
        };
        pages.read_log().ok();
        Ok(pages)
    }

    /// Finds the log's pages up to the last one that ends a transaction (section 4 of the format).
    fn read_log(&mut self) -> io::Result<()> {
        let Some(log) = &mut self.log else { return Ok(()) };
        let mut head = [0; 32];
        log.read_exact(&mut head)?;
        let salt = head.get(16..24).map(<[u8]>::to_vec);
        let (mut waiting, mut at) = (Vec::new(), 32);
        for _ in 0..MOST_FRAMES {
            let mut frame = [0; 24];
            log.seek(SeekFrom::Start(at))?;
            if log.read_exact(&mut frame).is_err() || frame.get(8..16).map(<[u8]>::to_vec) != salt {
                break;
            }
            waiting.push((number(&frame, 0, 4).unwrap_or_default(), at + 24));
            if let Some(pages) = number(&frame, 4, 4).filter(|pages| *pages > 0) {
                self.newer.extend(waiting.drain(..));
                self.count = pages;
            }
            at += 24 + self.size as u64;
        }
        Ok(())
    }

    fn read(&mut self, page: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.size];
        match (self.newer.get(&page), &mut self.log) {
            (Some(at), Some(log)) => {
                log.seek(SeekFrom::Start(*at))?;
                log.read_exact(&mut bytes)?;
            }
            _ => {
                let at = page.saturating_sub(1).saturating_mul(self.size as u64);
                self.file.seek(SeekFrom::Start(at))?;
                self.file.read_exact(&mut bytes)?;
            }
        }
        Ok(bytes)
    }

    /// How many pages one page of the pointer map speaks of.
    fn mapped(&self) -> u64 {
        self.size as u64 / 5
    }

    /// The page of the pointer map that speaks of this one.
    fn map_of(&self, page: u64) -> u64 {
        let group = self.mapped() + 1;
        page.saturating_sub(2) / group * group + 2
    }

    fn is_map(&self, page: u64) -> bool {
        self.map_of(page) == page
    }

    /// Whether it is said to be free, or to be the rest of a row that begins elsewhere.
    fn is_free(&mut self, page: u64) -> bool {
        let map = self.map_of(page);
        if self.map.0 != map {
            self.map = (map, self.read(map).unwrap_or_default());
        }
        let at = page.saturating_sub(map + 1).saturating_mul(5);
        let kind = usize::try_from(at).ok().and_then(|at| self.map.1.get(at));
        matches!(kind, Some(2..=4))
    }

    /// The row of a cell, if it is one of a table of ours.
    fn row(&mut self, page: &[u8], cell: Cell) -> Option<Row> {
        let payload = self.payload(page, &cell)?;
        let values = values(&payload)?;
        let table = table(cell.in_index, &values)?;
        Some(Row {
            table,
            number: cell.number,
            values,
        })
    }

    /// What a cell holds, with what of it lies on other pages (section 1.6).
    fn payload(&mut self, page: &[u8], cell: &Cell) -> Option<Vec<u8>> {
        let usable = self.size as u64;
        let most = match cell.in_index {
            true => (usable - 12) * 64 / 255 - 23,
            false => usable - 35,
        };
        let least = (usable - 12) * 32 / 255 - 23;
        let here = match cell.length {
            length if length <= most => length,
            length => match least + (length - least) % (usable - 4) {
                here if here <= most => here,
                _ => least,
            },
        };
        let (from, here) = (cell.at, usize::try_from(here).ok()?);
        let mut payload = page.get(from..from.checked_add(here)?)?.to_vec();
        let length = usize::try_from(cell.length).ok()?;
        let mut next = match payload.len() < length {
            true => number(page, from + here, 4)?,
            false => 0,
        };
        for _ in 0..MOST_OVERFLOW {
            if payload.len() >= length || next < 2 || next > self.count {
                break;
            }
            let more = self.read(next).ok()?;
            next = number(&more, 0, 4)?;
            let wanted = (length - payload.len()).min(self.size - 4);
            payload.extend_from_slice(more.get(4..4 + wanted)?);
        }
        (payload.len() == length).then_some(payload)
    }
}

/// A cell of a page.
struct Cell {
    /// Whether it is one of a tree without row numbers.
    in_index: bool,
    number: i64,
    /// How many bytes it holds, and where they begin.
    length: u64,
    at: usize,
}

/// The cells of a page that hold rows: of leaves, and of all pages of a tree without row numbers.
fn cells(page: &[u8]) -> Vec<Cell> {
    let (head, in_index) = match page.first() {
        Some(13) => (8, false),
        Some(10) => (8, true),
        Some(2) => (12, true),
        _ => return Vec::new(),
    };
    let count = number(page, 3, 2).unwrap_or_default();
    let cell = |index: u64| {
        let pointer = head + usize::try_from(index).ok()? * 2;
        let mut at = usize::try_from(number(page, pointer, 2)?).ok()?;
        at += if head == 12 { 4 } else { 0 };
        let length = varint(page, &mut at)?;
        let number = if in_index { 0 } else { varint(page, &mut at)? };
        let cell = Cell {
            in_index,
            number: number.cast_signed(),
            length,
            at,
        };
        (length <= MOST_PAYLOAD).then_some(cell)
    };
    (0..count.min(page.len() as u64 / 4)).filter_map(cell).collect()
}

/// A number of so many bytes, the largest part first.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    Some(bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

/// A number of one to nine bytes; `at` goes behind it.
fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for index in 0..9 {
        let byte = *bytes.get(*at)?;
        *at += 1;
        if index == 8 {
            return Some(value << 8 | u64::from(byte));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            break;
        }
    }
    Some(value)
}

/// The values of a record (section 2.1).
fn values(record: &[u8]) -> Option<Vec<Value>> {
    let mut at = 0;
    let head = usize::try_from(varint(record, &mut at)?).ok()?;
    let mut body = head;
    let mut values = Vec::new();
    while at < head {
        let kind = varint(record, &mut at)?;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            kind => (kind - 12) / 2,
        };
        let length = usize::try_from(length).ok()?;
        let bytes = record.get(body..body.checked_add(length)?)?;
        body += length;
        values.push(match kind {
            0 => Value::Null,
            8 => Value::Integer(0),
            9 => Value::Integer(1),
            7 => Value::Real(f64::from_bits(number(bytes, 0, 8)?)),
            1..=6 => {
                let unused = 64 - 8 * u32::try_from(length).ok()?;
                Value::Integer((number(bytes, 0, length)? << unused).cast_signed() >> unused)
            }
            kind if kind % 2 == 1 => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
            _ => Value::Blob(bytes.to_vec()),
        });
    }
    (at == head && body == record.len()).then_some(values)
}

/// What a value may be.
#[derive(Clone, Copy)]
enum Kind {
    /// The row's number stands in its place.
    Key,
    Integer,
    Text,
    /// Also nothing.
    Number,
    /// Also nothing.
    Count,
    /// Also nothing.
    Word,
}

impl Kind {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Key => *value == Value::Null,
            Self::Integer => matches!(value, Value::Integer(_)),
            Self::Text => matches!(value, Value::Text(_)),
            Self::Number => matches!(value, Value::Null | Value::Integer(_) | Value::Real(_)),
            Self::Count => matches!(value, Value::Null | Value::Integer(_)),
            Self::Word => matches!(value, Value::Null | Value::Text(_)),
        }
    }
}

/// The tables that are copied, by what their rows are made of (`schema.rs`); no two are made of the same.
const SHAPES: [(&str, bool, &[Kind]); 6] = {
    use Kind::{Count, Integer, Key, Number, Text, Word};
    [
        ("projects", false, &[Key, Text]),
        (
            "chats",
            false,
            &[
                Key, Text, Integer, Integer, Text, Count, Text, Text, Count, Integer, Integer, Number,
            ],
        ),
        (
            "messages",
            false,
            &[
                Key, Integer, Integer, Count, Text, Text, Count, Integer, Word, Word, Word,
            ],
        ),
        ("parts", false, &[Integer, Integer, Text, Text]),
        ("usage", false, &[Key, Integer, Integer, Integer, Integer, Number]),
        ("notices", true, &[Integer, Integer, Text, Text]),
    ]
};

fn table(in_index: bool, values: &[Value]) -> Option<&'static str> {
    let fits =
        |kinds: &[Kind]| kinds.len() == values.len() && kinds.iter().zip(values).all(|(kind, value)| kind.fits(value));
    let found = SHAPES
        .iter()
        .find(|(_, of_index, kinds)| *of_index == in_index && fits(kinds));
    found.map(|(name, _, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_any_kind_are_no_rows_and_no_panic() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.db");
        let mut state = 1_u64;
        for _ in 0..60 {
            let bytes: Vec<u8> = (0..PAGE * 6)
                .map(|at| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    // Pages that say that they hold something.
                    if at % PAGE == 0 {
                        [13, 10, 2][at / PAGE % 3]
                    } else {
                        (state >> 56) as u8
                    }
                })
                .collect();
            std::fs::write(&file, &bytes).unwrap();
            std::fs::write(folder.path().join("x.db-wal"), &bytes).unwrap();
            let mut found = 0;
            rows(&file, |_| {
                found += 1;
                io::Result::Ok(())
            })
            .unwrap();
            assert!(found < 50, "{found}");
        }
    }

    #[test]
    fn numbers_are_read_by_the_formats_rules() {
        let mut at = 0;
        assert_eq!(varint(&[0x81, 0x00], &mut at), Some(128));
        at = 0;
        assert_eq!(varint(&[0xff; 9], &mut at), Some(u64::MAX));
        at = 0;
        assert_eq!(varint(&[0xff; 8], &mut at), None);
        assert_eq!(
            values(&[3, 1, 15, 0xff, b'a']),
            Some(vec![Value::Integer(-1), Value::Text("a".into())])
        );
        assert_eq!(values(&[3, 1, 15, 0xff]), None);
        assert_eq!(values(&[2, 10]), None);
    }
}
