use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

fn project(files: &[&str]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for file in files {
        write(root.path(), file, "");
    }
    root
}

fn write(root: &Path, file: &str, text: &str) {
    let path = root.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn wanted(root: &Path, typed: &str) -> Wanted {
    Wanted {
        root: root.to_owned(),
        typed: typed.to_owned(),
        open: Vec::new(),
        limit: 50,
    }
}

async fn paths(root: &Path, typed: &str) -> Vec<String> {
    FileIndex::default().find(wanted(root, typed)).await.paths
}

#[tokio::test]
async fn all_files_are_found_those_at_the_top_first() {
    let root = project(&["src/chat/mod.rs", "src/main.rs", "README.md", "a.txt"]);
    assert_eq!(
        paths(root.path(), "").await,
        ["a.txt", "README.md", "src/main.rs", "src/chat/mod.rs"]
    );
}

#[tokio::test]
async fn what_git_ignores_is_not_found_in_a_repository_or_without_one() {
    let files = [
        "kept.rs",
        "out/made.rs",
        "sub/x.log",
        "sub/keep.log",
        "node_modules/a/b.js",
    ];
    let root = project(&files);
    write(root.path(), ".gitignore", "/out\n*.log\nnode_modules/\n");
    write(root.path(), "sub/.gitignore", "!keep.log\n");
    assert_eq!(paths(root.path(), "").await, ["kept.rs", "sub/keep.log"]);
    fs::create_dir(root.path().join(".git")).unwrap();
    assert_eq!(paths(root.path(), "").await, ["kept.rs", "sub/keep.log"]);
}

#[tokio::test]
async fn an_ignore_file_above_the_project_means_nothing() {
    let root = project(&["project/a.rs"]);
    write(root.path(), ".gitignore", "*\n");
    assert_eq!(paths(&root.path().join("project"), "").await, ["a.rs"]);
}

#[tokio::test]
async fn hidden_files_are_offered_to_who_types_a_dot() {
    let root = project(&[".env", ".github/workflows/ci.yml", ".git/config", "ci.sh", "env.rs"]);
    assert_eq!(paths(root.path(), "").await, ["ci.sh", "env.rs"]);
    assert_eq!(paths(root.path(), "ci").await, ["ci.sh"]);
    assert_eq!(paths(root.path(), ".e").await, [".env"]);
    assert_eq!(paths(root.path(), ".g").await, [".github/workflows/ci.yml"]);
    assert_eq!(paths(root.path(), "./ci").await, ["ci.sh"]);
}

#[tokio::test]
async fn a_name_counts_more_than_a_folder_and_a_start_more_than_a_middle() {
    let root = project(&[
        "mod/z.rs",
        "src/mod",
        "src/mod.rs",
        "src/chat_mod.rs",
        "src/premod/a.rs",
        "src/mod2/b.rs",
        "m_o_d.rs",
        "mo/d.rs",
        "other.rs",
    ]);
    let expected = [
        "src/mod",
        "src/mod.rs",
        "mod/z.rs",
        "src/chat_mod.rs",
        "src/mod2/b.rs",
        "src/premod/a.rs",
        "m_o_d.rs",
        "mo/d.rs",
    ];
    assert_eq!(paths(root.path(), "mod").await, expected);
}

#[tokio::test]
async fn small_letters_find_capitals_with_accents_too() {
    let root = project(&["docs/Água Fria.md", "README.md"]);
    assert_eq!(paths(root.path(), "read").await, ["README.md"]);
    assert_eq!(paths(root.path(), "água").await, ["docs/Água Fria.md"]);
    assert_eq!(paths(root.path(), "ÁGUA").await, ["docs/Água Fria.md"]);
}

#[tokio::test]
async fn a_part_of_the_path_finds_it() {
    let root = project(&["src/context/files.rs", "src/files.rs", "tests/files.rs"]);
    assert_eq!(paths(root.path(), "context/fi").await, ["src/context/files.rs"]);
    assert_eq!(
        paths(root.path(), "srcfiles").await,
        ["src/files.rs", "src/context/files.rs"]
    );
}

#[tokio::test]
async fn open_files_come_first_of_equals_and_no_more_come_than_are_wanted() {
    let root = project(&["a.rs", "b.rs", "deep/down/c.rs"]);
    let mut asked = wanted(root.path(), "");
    asked.open = vec!["deep/down/c.rs".into(), "elsewhere.rs".into()];
    asked.limit = 2;
    let found = FileIndex::default().find(asked).await;
    assert_eq!(found.paths, ["deep/down/c.rs", "a.rs"]);
    assert!(found.more);
}

#[tokio::test]
async fn nothing_is_wanted_and_nothing_comes() {
    let root = project(&["a.rs"]);
    let mut asked = wanted(root.path(), "");
    asked.limit = 0;
    assert_eq!(FileIndex::default().find(asked).await.paths, [""; 0]);
}

#[tokio::test]
async fn a_root_that_is_not_there_has_no_files() {
    let root = project(&[]);
    assert_eq!(paths(&root.path().join("nowhere"), "").await, [""; 0]);
}

#[tokio::test]
async fn the_list_is_kept_and_a_second_one_waits_for_the_same_walk() {
    let root = project(&["a.rs"]);
    let index = FileIndex::default();
    let (one, other) = tokio::join!(
        index.find(wanted(root.path(), "")),
        index.find(wanted(root.path(), "a"))
    );
    assert_eq!(one, other);
    write(root.path(), "b.rs", "");
    assert_eq!(index.find(wanted(root.path(), "")).await.paths, ["a.rs"]);
}

#[tokio::test]
async fn an_old_list_answers_at_once_and_the_next_one_is_new() {
    let root = project(&["a.rs"]);
    let index = FileIndex::default();
    index.find(wanted(root.path(), "")).await;
    write(root.path(), "b.rs", "");
    let kept = index.project(root.path());
    age(&kept);
    let mut listed = kept.listing.subscribe();
    assert_eq!(index.find(wanted(root.path(), "")).await.paths, ["a.rs"]);
    listed.changed().await.unwrap();
    assert_eq!(index.find(wanted(root.path(), "")).await.paths, ["a.rs", "b.rs"]);
}

/// Makes the list as old as one that is good no longer.
fn age(project: &Project) {
    let listing = project.listing.borrow().clone().unwrap();
    let made = listing.made.checked_sub(Duration::from_secs(60)).unwrap();
    let old = Listing {
        entries: listing.entries.clone(),
        made,
        took: Duration::ZERO,
    };
    project.listing.send_replace(Some(Arc::new(old)));
}

#[cfg(unix)]
mod on_unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[tokio::test]
    async fn symbolic_links_in_a_circle_end() {
        let root = project(&["sub/a.rs"]);
        symlink(root.path(), root.path().join("sub/up")).unwrap();
        symlink("self", root.path().join("self")).unwrap();
        symlink("sub/a.rs", root.path().join("link.rs")).unwrap();
        symlink("nowhere", root.path().join("dangling.rs")).unwrap();
        assert_eq!(paths(root.path(), "").await, ["link.rs", "sub/a.rs"]);
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_read_is_passed_over() {
        let root = project(&["a.rs", "closed/b.rs"]);
        let closed = root.path().join("closed");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
        let found = paths(root.path(), "a.rs").await;
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(found, ["a.rs"]);
    }

    #[tokio::test]
    async fn names_that_cannot_be_typed_are_passed_over() {
        let root = project(&["a.rs", "two\nlines.rs"]);
        fs::write(root.path().join(OsStr::from_bytes(b"b\xff.rs")), "").unwrap();
        assert_eq!(paths(root.path(), "").await, ["a.rs"]);
    }

    #[tokio::test]
    async fn what_is_no_file_is_passed_over() {
        let root = project(&["a.rs"]);
        let _socket = std::os::unix::net::UnixListener::bind(root.path().join("socket")).unwrap();
        assert_eq!(paths(root.path(), "").await, ["a.rs"]);
    }
}
