//! Knows files that hold secrets by their names: the globs of `data/secrets.json`, for backups and swap files as for the
//! files themselves.

use std::sync::LazyLock;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;

use crate::keys::formats::TABLE;

/// The part of the table that is about names.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Table {
    names: Vec<Entry>,
    shared: Shared,
    code: Endings,
    copies: Endings,
}

#[derive(Debug, Default, Deserialize)]
struct Entry {
    globs: Vec<String>,
    /// Exceptions, as globs.
    #[serde(default)]
    not: Vec<String>,
    unless: Vec<Excuse>,
}

/// Why a name that looks so is none all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Excuse {
    /// A word of it says that it is made to be shared.
    Shared,
    /// It is source code, or prose.
    Code,
}

#[derive(Debug, Default, Deserialize)]
struct Shared {
    words: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Endings {
    endings: Vec<String>,
}

struct Names {
    table: Table,
    globs: GlobSet,
    /// Of each glob: the entry that it stands in, and whether it is an exception there.
    of: Vec<(usize, bool)>,
}

static NAMES: LazyLock<Option<Names>> = LazyLock::new(|| {
    Names::new()
        .inspect_err(|error| tracing::error!(%error, "the table of secrets is broken"))
        .ok()
});

/// Whether the file at this path looks as if it held secrets, by its name or by that which it is a copy of.
pub fn is_secret(path: &str) -> bool {
    NAMES.as_ref().is_none_or(|names| names.has(path))
}

impl Names {
    fn new() -> Result<Self, String> {
        let table: Table = serde_json::from_str(TABLE).map_err(|error| error.to_string())?;
        let mut set = GlobSetBuilder::new();
        let mut of = Vec::new();
        for (number, entry) in table.names.iter().enumerate() {
            let yes = entry.globs.iter().map(|glob| (glob, false));
            for (glob, is_exception) in yes.chain(entry.not.iter().map(|glob| (glob, true))) {
                let glob = GlobBuilder::new(glob).literal_separator(true).build();
                set.add(glob.map_err(|error| error.to_string())?);
                of.push((number, is_exception));
            }
        }
        let globs = set.build().map_err(|error| error.to_string())?;
        Ok(Self { table, globs, of })
    }

    fn has(&self, path: &str) -> bool {
        let path = path.to_lowercase().replace('\\', "/");
        let mut parts = path.rsplit('/').filter(|part| !part.is_empty());
        let (name, folder) = (parts.next().unwrap_or_default(), parts.next());
        // Vim's swap and undo files in a folder of their own have the whole path in their name.
        let last = name.rsplit('%').next().unwrap_or(name);
        [name, last].into_iter().any(|name| {
            let originals = self.originals(name);
            let mut entries = originals.iter().flat_map(|name| self.entries(name, folder));
            entries.any(|entry| !originals.iter().any(|name| self.is_excused(name, entry)))
        })
    }

    /// The entries of the table that a name belongs to, in this folder.
    fn entries(&self, name: &str, folder: Option<&str>) -> Vec<usize> {
        let within = folder.map(|folder| format!("{folder}/{name}"));
        let paths = [Some(name.to_owned()), within].into_iter().flatten();
        let hits: Vec<_> = paths
            .flat_map(|path| self.globs.matches(path))
            .filter_map(|glob| self.of.get(glob))
            .collect();
        let named = hits
            .iter()
            .filter(|(entry, is_exception)| !is_exception && !hits.contains(&&(*entry, true)));
        named.map(|(entry, _)| *entry).collect()
    }

    fn is_excused(&self, name: &str, entry: usize) -> bool {
        let excuses = self.table.names.get(entry).map_or(&[][..], |entry| &entry.unless);
        excuses.iter().any(|excuse| match excuse {
            Excuse::Shared => name
                .split(|c: char| !c.is_alphanumeric())
                .any(|word| self.table.shared.words.iter().any(|shared| shared == word)),
            Excuse::Code => {
                let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
                self.table.code.endings.iter().any(|code| code == ending)
            }
        })
    }

    /// A name, and those that it may be a copy of: without what editors and people put around it, one after the other.
    fn originals(&self, name: &str) -> Vec<String> {
        const MOST: usize = 8;
        let mut all = vec![name.to_owned()];
        while let Some(shorter) = all.last().and_then(|name| self.without_one(name))
            && all.len() < MOST
        {
            all.push(shorter);
        }
        // Vim's `.name.swp` and Emacs's `.#name`.
        let bare: Vec<String> = all
            .iter()
            .skip(1)
            .filter_map(|name| Some(name.strip_prefix('.')?.to_owned()))
            .collect();
        all.extend(bare);
        all
    }

    fn without_one(&self, name: &str) -> Option<String> {
        let emacs = name.strip_prefix('#').and_then(|name| name.strip_suffix('#'));
        let lock = name.strip_prefix(".#");
        let known = || {
            self.table
                .copies
                .endings
                .iter()
                .find_map(|ending| name.strip_suffix(ending.as_str()))
        };
        let shorter = emacs
            .or(lock)
            .or_else(known)
            .or_else(|| swap(name))
            .or_else(|| numbered(name))?;
        (!shorter.is_empty()).then(|| shorter.to_owned())
    }
}

/// Vim's swap files: `.swp`, and when that is taken `.swo`, `.swn` and so on.
fn swap(name: &str) -> Option<&str> {
    let (name, ending) = name.rsplit_once('.')?;
    matches!(ending.as_bytes(), [b's', b'w' | b'v', b'a'..=b'z']).then_some(name)
}

/// A number at the end, or the last part of a date: `.1`, `-2026`, ` (2)`, ` copy 2`.
fn numbered(name: &str) -> Option<&str> {
    let bare = name.strip_suffix(')').unwrap_or(name);
    let number = bare.trim_end_matches(|c: char| c.is_ascii_digit());
    let shorter = number.trim_end_matches(['.', '-', '_', ' ', '(']);
    let is_number = number.len() < bare.len() && shorter.len() < number.len();
    is_number.then(|| shorter.strip_suffix(" copy").unwrap_or(shorter))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn each_kind_of_name_in_the_table_has_its_source_and_knows_its_own_examples_and_no_others() {
        let table: Value = serde_json::from_str(TABLE).unwrap();
        for entry in table["names"].as_array().unwrap() {
            assert!(entry["source"][0].as_str().unwrap().starts_with("https://"), "{entry}");
            for (field, expected) in [("are", true), ("are_not", false)] {
                for name in entry[field].as_array().unwrap() {
                    let name = name.as_str().unwrap();
                    assert_eq!(is_secret(name), expected, "{name}");
                }
            }
        }
    }

    #[test]
    fn every_secret_name_is_one_as_a_backup_and_as_a_swap_file_too() {
        let table: Value = serde_json::from_str(TABLE).unwrap();
        for entry in table["names"].as_array().unwrap() {
            for name in entry["are"].as_array().unwrap() {
                let path = name.as_str().unwrap();
                let (folder, name) = path
                    .rsplit_once('/')
                    .map_or(("", path), |(folder, name)| (folder, name));
                for (before, after) in [
                    ("", "~"),
                    ("", ".bak"),
                    ("", ".old"),
                    (".", ".swp"),
                    (".", ".swo"),
                    ("#", "#"),
                    (".#", ""),
                    ("", ".2026-11-28"),
                    ("", ".orig~"),
                    ("", " copy 2"),
                ] {
                    let copy = format!("{folder}/{before}{name}{after}");
                    assert!(is_secret(&copy), "{copy}");
                }
            }
        }
    }

    #[test]
    fn a_path_is_looked_at_whichever_way_its_slashes_lean() {
        for path in [r"C:\work\.env", "work/.env/", "/.netrc", "a//id_rsa"] {
            assert!(is_secret(path), "{path}");
        }
        for path in [
            "",
            "/",
            ".env/lib/site.py",
            "src/main.rs",
            "CHANGELOG.md.1",
            "~",
            ".#",
            "##",
        ] {
            assert!(!is_secret(path), "{path}");
        }
    }
}
