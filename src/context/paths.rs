//! Resolves a `#file:` word to files: one by its path, or those that a glob matches. A path is relative to the
//! project's root; a glob passes by what `.gitignore` names, as ripgrep does, while a file that is named itself is
//! meant.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use globset::GlobBuilder;
use ignore::WalkBuilder;

use super::{MOST_FILES, Problem};

/// The most files and folders that are looked through.
const MOST_SEEN: usize = 500_000;

/// A file that a word names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// Where it really is, links followed.
    pub path: PathBuf,
    /// What it is called in the chat: its path within the project.
    pub name: String,
    /// Whether it is outside of the project.
    pub outside: bool,
}

/// What a word names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A file, by its own path.
    One(Located),
    /// The files that a glob matches, sorted.
    Matched(Vec<Located>),
}

/// Finds what is named. It waits for the disk.
///
/// # Errors
/// There is no such file, or too many; nothing has been read of any.
pub fn locate(root: &Path, wanted: &str) -> Result<Named, Problem> {
    let root = fs::canonicalize(root).map_err(|error| Problem::Unreadable(error.to_string()))?;
    match named(&root, wanted) {
        Err(Problem::NotFound { .. }) if is_glob(wanted) => matched(&root, wanted).map(Named::Matched),
        other => other.map(Named::One),
    }
}

/// Finds what an unquoted word names. In it `a%20b.txt` stands for `a b.txt`, where there is such a file: a menu that
/// inserts no spaces inserts that.
///
/// # Errors
/// As [`locate`].
pub fn locate_unquoted(root: &Path, wanted: &str) -> Result<Named, Problem> {
    let decoded = decoded(wanted).filter(|decoded| decoded != wanted);
    match decoded.map(|decoded| locate(root, &decoded)) {
        Some(Ok(one @ Named::One(_))) => Ok(one),
        _ => locate(root, wanted),
    }
}

/// Text with `%20` and the like in it, by RFC 3986 §2.1; `None` if that is no text.
fn decoded(wanted: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(wanted.len());
    let mut rest = wanted.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let digits = behind
            .get(..2)
            .filter(|digits| byte == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        let value = digits.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(value.unwrap_or(byte));
        rest = value.and(behind.get(2..)).unwrap_or(behind);
    }
    String::from_utf8(bytes).ok()
}

fn is_glob(wanted: &str) -> bool {
    wanted.contains(['*', '?', '[', '{'])
}

/// The file at a path. A file whose name looks like a glob is a file.
fn named(root: &Path, wanted: &str) -> Result<Located, Problem> {
    let missing = || Problem::NotFound {
        root: root.display().to_string(),
    };
    let path = fs::canonicalize(root.join(at_home(wanted))).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::InvalidFilename | io::ErrorKind::NotADirectory => missing(),
        _ if is_glob(wanted) => missing(),
        _ => Problem::Unreadable(error.to_string()),
    })?;
    let kind = fs::metadata(&path).map_err(|error| Problem::Unreadable(error.to_string()))?;
    if kind.is_dir() {
        return Err(Problem::Folder {
            path: wanted.to_owned(),
        });
    }
    if !kind.is_file() {
        return Err(Problem::NoFile);
    }
    let within = path.strip_prefix(root).ok().map(with_slashes);
    Ok(Located {
        outside: within.is_none(),
        name: within.unwrap_or_else(|| path.display().to_string()),
        path,
    })
}

/// `~/` is the user's home folder.
fn at_home(wanted: &str) -> PathBuf {
    match (wanted.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(wanted),
    }
}

fn with_slashes(path: &Path) -> String {
    let parts: Vec<_> = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}

fn matched(root: &Path, wanted: &str) -> Result<Vec<Located>, Problem> {
    let wanted = wanted.strip_prefix("./").unwrap_or(wanted);
    let leads_out = |part: Component| !matches!(part, Component::Normal(_) | Component::CurDir);
    if wanted.starts_with('~') || Path::new(wanted).components().any(leads_out) {
        return Err(Problem::GlobOutside {
            root: root.display().to_string(),
        });
    }
    let glob = GlobBuilder::new(wanted).literal_separator(true).build();
    let glob = glob.map_err(|error| Problem::BadGlob(error.kind().to_string()))?;
    let matcher = glob.compile_matcher();
    let is_hidden = wanted.split('/').any(|part| part.starts_with('.') && part != ".");
    let mut found = walk(root, &fixed_part(wanted), is_hidden)?;
    found.retain(|path| matcher.is_match(path));
    match found.len() {
        0 => Err(Problem::NoMatch),
        count if count > MOST_FILES => Err(Problem::TooMany(count)),
        _ => Ok(found
            .into_iter()
            .map(|name| Located {
                path: root.join(&name),
                name: with_slashes(&name),
                outside: false,
            })
            .collect()),
    }
}

/// The folders that a glob names before its first sign: `src/chat` of `src/chat/*.rs`.
fn fixed_part(glob: &str) -> PathBuf {
    let folders = glob.rsplit_once('/').map_or("", |(folders, _)| folders);
    folders.split('/').take_while(|part| !is_glob(part)).collect()
}

/// The paths of a project's files below one of its folders, relative to its root and sorted; without what `.gitignore`
/// names, without links, and without hidden ones unless these are wanted.
pub fn walk(root: &Path, below: &Path, hidden: bool) -> Result<Vec<PathBuf>, Problem> {
    let mut builder = WalkBuilder::new(root);
    builder.hidden(!hidden).require_git(false);
    // From the root on, since what lies in an ignored folder is not ignored by itself.
    let (base, below) = (root.to_owned(), below.to_owned());
    builder.filter_entry(move |entry| {
        let path = entry.path().strip_prefix(&base).unwrap_or(entry.path());
        entry.file_name() != OsStr::new(".git") && (path.starts_with(&below) || below.starts_with(path))
    });
    let mut found = Vec::new();
    for (count, entry) in builder.build().flatten().enumerate() {
        if count >= MOST_SEEN {
            return Err(Problem::Endless(MOST_SEEN));
        }
        if entry.file_type().is_some_and(|kind| kind.is_file())
            && let Ok(path) = entry.path().strip_prefix(root)
        {
            found.push(path.to_owned());
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x\n").unwrap();
        }
        folder
    }

    fn names(root: &Path, wanted: &str) -> Vec<String> {
        match locate(root, wanted).unwrap() {
            Named::One(one) => vec![one.name],
            Named::Matched(found) => found.into_iter().map(|one| one.name).collect(),
        }
    }

    #[test]
    fn a_glob_matches_within_its_folder_and_in_an_order_that_stays() {
        let project = project(&[
            "src/b.rs",
            "src/a.rs",
            "src/deep/c.rs",
            "d.rs",
            "src/ação é.rs",
            "src/日本.rs",
        ]);
        let root = project.path();
        assert_eq!(
            names(root, "src/*.rs"),
            ["src/a.rs", "src/ação é.rs", "src/b.rs", "src/日本.rs"]
                .map(str::to_owned)
                .to_vec()
                .tap_sort()
        );
        assert_eq!(names(root, "*.rs"), ["d.rs"]);
        assert_eq!(names(root, "src/**/c.rs"), ["src/deep/c.rs"]);
        assert_eq!(names(root, "src/{a,b}.rs"), ["src/a.rs", "src/b.rs"]);
    }

    trait TapSort {
        fn tap_sort(self) -> Self;
    }

    impl TapSort for Vec<String> {
        fn tap_sort(mut self) -> Self {
            self.sort();
            self
        }
    }

    #[test]
    fn a_glob_passes_by_what_gitignore_names_hidden_files_and_links() {
        let project = project(&[
            "a.txt",
            "target/b.txt",
            ".hidden/c.txt",
            ".git/d.txt",
            "sub/e.txt",
            "sub/f.txt",
        ]);
        let root = project.path();
        fs::write(root.join(".gitignore"), "/target\n").unwrap();
        fs::write(root.join("sub/.gitignore"), "f.txt\n").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(root.join("a.txt"), root.join("link.txt")).unwrap();
        assert_eq!(names(root, "**/*.txt"), ["a.txt", "sub/e.txt"]);
        assert_eq!(locate(root, "target/*.txt"), Err(Problem::NoMatch));
        assert_eq!(names(root, ".hidden/*"), [".hidden/c.txt"]);
        assert_eq!(locate(root, ".git/*"), Err(Problem::NoMatch));
    }

    #[test]
    fn a_file_that_is_named_itself_is_meant_whatever_its_name_looks_like() {
        let project = project(&["target/b.txt", "app/[id]/page.tsx", "a b.txt"]);
        let root = project.path();
        fs::write(root.join(".gitignore"), "/target\n").unwrap();
        assert_eq!(names(root, "target/b.txt"), ["target/b.txt"]);
        assert_eq!(names(root, "app/[id]/page.tsx"), ["app/[id]/page.tsx"]);
        assert_eq!(names(root, "./a b.txt"), ["a b.txt"]);
    }

    #[test]
    fn an_unquoted_path_may_be_written_as_in_an_address() {
        let project = project(&["a b.txt", "a%20b.txt", "50%.txt", "c%20d.txt", "say \"é\".txt"]);
        let unquoted = |wanted: &str| match locate_unquoted(project.path(), wanted) {
            Ok(Named::One(one)) => one.name,
            other => panic!("{other:?}"),
        };
        assert_eq!(unquoted("a%20b.txt"), "a b.txt");
        assert_eq!(unquoted("a%2520b.txt"), "a%20b.txt");
        assert_eq!(unquoted("50%.txt"), "50%.txt");
        assert_eq!(unquoted("c%20d.txt"), "c%20d.txt");
        assert_eq!(unquoted("say%20%22%C3%A9%22.txt"), "say \"é\".txt");
        assert_eq!(names(project.path(), "a%20b.txt"), ["a%20b.txt"]);
        assert!(matches!(
            locate_unquoted(project.path(), "%+1%ff%"),
            Err(Problem::NotFound { .. })
        ));
    }

    #[test]
    fn what_is_not_there_a_folder_and_a_bad_glob_are_told_apart() {
        let project = project(&["src/a.rs"]);
        let root = project.path();
        assert!(matches!(locate(root, "src/b.rs"), Err(Problem::NotFound { .. })));
        assert!(matches!(locate(root, "src/a.rs/b"), Err(Problem::NotFound { .. })));
        assert!(matches!(locate(root, "src/"), Err(Problem::Folder { .. })));
        assert!(matches!(locate(root, "src/[a"), Err(Problem::BadGlob(_))));
        assert!(matches!(locate(root, "../*.rs"), Err(Problem::GlobOutside { .. })));
    }

    #[test]
    fn more_files_than_can_be_sent_are_refused_with_their_number() {
        let files: Vec<String> = (0..=MOST_FILES).map(|number| format!("{number}.txt")).collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let project = project(&files);
        assert_eq!(locate(project.path(), "*.txt"), Err(Problem::TooMany(MOST_FILES + 1)));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_out_of_the_project_is_outside() {
        let (inside, outside) = (project(&["a.txt"]), project(&["b.txt"]));
        std::os::unix::fs::symlink(outside.path().join("b.txt"), inside.path().join("c.txt")).unwrap();
        let Ok(Named::One(found)) = locate(inside.path(), "c.txt") else {
            panic!("a file")
        };
        assert!(found.outside);
        assert_eq!(found.path, fs::canonicalize(outside.path()).unwrap().join("b.txt"));
    }
}
