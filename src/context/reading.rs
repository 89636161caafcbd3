//! The text of files, as it can be sent: text only, not too much of it, its lines ended by line feeds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::paths::{Located, Named};
use super::{Found, MOST_BYTES, Piece, Problem};
use crate::bounded;

/// Reads what is named. It waits for the disk.
///
/// # Errors
/// A file that is named itself cannot be sent, or all files of a glob cannot, or they are too much together. A glob's
/// other files are left out, which is told. `open` has the texts of files whose encoding only the editor knows.
pub fn read(named: Named, disabled: &BTreeSet<PathBuf>, open: &BTreeMap<PathBuf, String>) -> Result<Found, Problem> {
    let one = |located: Located| match disabled.contains(&located.path) {
        true => Err((located.name, Problem::Disabled)),
        false => match text_of(&located.path, open) {
            Ok(text) => Ok(piece(located, text)),
            Err(problem) => Err((located.name, problem)),
        },
    };
    match named {
        Named::One(located) => {
            // The word itself says which file it is.
            let piece = one(located).map_err(|(_, problem)| problem)?;
            Ok(Found {
                pieces: vec![Piece {
                    name: String::new(),
                    ..piece
                }],
                left_out: Vec::new(),
            })
        }
        Named::Matched(files) => all(files, one),
    }
}

fn all(files: Vec<Located>, one: impl Fn(Located) -> Result<Piece, (String, Problem)>) -> Result<Found, Problem> {
    let (count, mut found, mut bytes) = (files.len(), Found::default(), 0);
    for file in files {
        match one(file) {
            // Counted on, so that the number that is told is that of all; what is too much is not kept.
            Ok(piece) => {
                bytes += piece.text.len() as u64;
                if bytes <= MOST_BYTES {
                    found.pieces.push(piece);
                }
            }
            Err(left_out) => found.left_out.push(left_out),
        }
    }
    if bytes > MOST_BYTES {
        let files = count - found.left_out.len();
        return Err(Problem::TooMuch { files, bytes });
    }
    match found.pieces.is_empty() {
        true => Err(Problem::NoneLeft(count)),
        false => Ok(found),
    }
}

fn piece(located: Located, text: String) -> Piece {
    Piece {
        name: located.name,
        path: Some(located.path),
        language: None,
        text,
    }
}

/// The text of a file; of one that is open in an encoding of its own, as the editor has it.
fn text_of(path: &Path, open: &BTreeMap<PathBuf, String>) -> Result<String, Problem> {
    match open.get(path) {
        Some(text) if text.len() as u64 > MOST_BYTES => Err(Problem::TooLarge(text.len() as u64)),
        Some(text) => Ok(with_line_feeds(text)),
        None => text(path),
    }
}

/// The text of a file.
fn text(path: &Path) -> Result<String, Problem> {
    decode(bounded::read(path, MOST_BYTES)?).ok_or(Problem::Binary)
}

/// Bytes as text; `None` where they are none, by git's rule: a NUL. What begins with the mark of UTF-16 is that, and what
/// is no UTF-8 is Latin-1, as Neovim takes both.
fn decode(bytes: Vec<u8>) -> Option<String> {
    match bytes.get(..2) {
        Some(b"\xff\xfe") => return utf_16(&bytes, u16::from_le_bytes),
        Some(b"\xfe\xff") => return utf_16(&bytes, u16::from_be_bytes),
        _ => {}
    }
    if memchr::memchr(0, &bytes).is_some() {
        return None;
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => error.as_bytes().iter().map(|&byte| char::from(byte)).collect(),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Some(with_line_feeds(text))
}

/// UTF-16 as text; `None` where it is none after all.
fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let pairs = bytes.get(2..)?.chunks_exact(2);
    let units = pairs.filter_map(|pair| pair.try_into().ok()).map(unit);
    let text: String = char::decode_utf16(units).collect::<Result<_, _>>().ok()?;
    (bytes.len().is_multiple_of(2) && !text.contains('\0')).then(|| with_line_feeds(&text))
}

/// The text with line feeds in the place of other ends of lines.
pub fn with_line_feeds(text: &str) -> String {
    match text.contains('\r') {
        true => text.replace("\r\n", "\n").replace('\r', "\n"),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> Option<String> {
        decode(bytes.to_vec())
    }

    #[test]
    fn a_text_comes_as_it_is_but_for_its_line_ends_and_byte_order_mark() {
        let text = "ação\tção\r\n日本語 👩‍👩‍👧‍👦\r\n";
        assert_eq!(decoded(text.as_bytes()).unwrap(), "ação\tção\n日本語 👩‍👩‍👧‍👦\n");
        assert_eq!(decoded("\u{feff}a\rb".as_bytes()).unwrap(), "a\nb");
    }

    #[test]
    fn what_is_no_utf_8_is_latin_1_and_what_has_a_nul_is_no_text() {
        assert_eq!(decoded(b"a\xe7\xe3o").unwrap(), "ação");
        assert_eq!(decoded(b"\x7fELF\x02\x01\x01\0"), None);
        assert_eq!(decoded(b"a\0b\0"), None);
    }

    #[test]
    fn what_begins_with_the_mark_of_utf_16_is_that() {
        let text = "ação 👩\r\n日本語\n";
        let units: Vec<u16> = std::iter::once(0xfeff).chain(text.encode_utf16()).collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        assert_eq!(decoded(&little).unwrap(), "ação 👩\n日本語\n");
        assert_eq!(decoded(&big).unwrap(), "ação 👩\n日本語\n");
        assert_eq!(decoded(b"\xff\xfea\0b"), None);
        assert_eq!(decoded(b"\xff\xfe\0\xd8"), None);
    }

    #[test]
    fn files_that_are_too_much_together_are_refused_with_their_size() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, "x".repeat(600_000)).unwrap();
            Located {
                path,
                name: name.into(),
                outside: false,
            }
        };
        let files = vec![file("a"), file("b")];
        assert_eq!(
            read(Named::Matched(files), &BTreeSet::new(), &BTreeMap::new()).unwrap_err(),
            Problem::TooMuch {
                files: 2,
                bytes: 1_200_000
            }
        );
    }

    #[test]
    fn a_globs_files_that_cannot_be_sent_are_left_out_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            Located {
                path,
                name: name.into(),
                outside: false,
            }
        };
        let files = vec![file("a", b"x\n"), file("b", b"\0"), file("c", b"y\n")];
        let disabled = BTreeSet::from([folder.path().join("c")]);
        let found = read(Named::Matched(files), &disabled, &BTreeMap::new()).unwrap();
        assert_eq!(found.pieces.len(), 1);
        assert_eq!(
            found.left_out,
            [("b".into(), Problem::Binary), ("c".into(), Problem::Disabled)]
        );
    }
}
