//! Kinds of repositories: each is read as git itself reads it.

use super::*;

/// That the changes are told as git tells them, and are some; and that nothing was written.
async fn is_as_git_says(root: &Path) {
    let git_dir = PathBuf::from(git_in(root, &["rev-parse", "--absolute-git-dir"]).trim());
    let bytes = || fs::read(git_dir.join("index")).unwrap();
    for (changes, words) in [
        (Changes::Unstaged, &[][..]),
        (Changes::Staged, &["--cached"]),
        (Changes::Amended, &["--cached", "HEAD^"]),
    ] {
        let words = [&["-c", "core.quotepath=false", "diff", "--no-renames"], words].concat();
        let expected = git_in(root, &words);
        let before = (bytes(), git_dir.join("index").metadata().unwrap().modified().unwrap());
        let told = diff_in(root, changes).await.unwrap();
        assert_eq!(told, expected, "{changes:?}");
        assert!(!told.is_empty(), "{changes:?}");
        assert_eq!(
            (bytes(), git_dir.join("index").metadata().unwrap().modified().unwrap()),
            before
        );
    }
}

/// Changes a file that is committed, stages that, and changes it again.
fn change(root: &Path) {
    for text in ["one\ntwo\n", "one\ntwo\nthree\n"] {
        fs::write(root.join("a.txt"), text).unwrap();
        if text.len() < 10 {
            git_in(root, &["add", "a.txt"]);
        }
    }
}

fn second_commit(home: &Home) {
    home.write("s.txt", "second\n");
    home.commit();
}

#[tokio::test]
async fn what_is_staged_and_what_is_not_are_told_apart_from_any_folder_below() {
    let home = Home::new();
    second_commit(&home);
    home.write("sub/dir/ação\n\"x\".txt", "1\n");
    home.git(&["add", "."]);
    change(&home.root());
    is_as_git_says(&home.root()).await;
    let below = diff_in(&home.root().join("sub/dir"), Changes::Staged).await.unwrap();
    assert_eq!(below, home.diff(Changes::Staged).await.unwrap());
    let repository = Repository::open(&home.root()).await.unwrap();
    let without = repository
        .diff(Changes::Unstaged, &[home.root().join("a.txt")], 1 << 20)
        .await;
    assert_eq!(without, Ok(Vec::new()));
    assert_eq!(
        repository.diff(Changes::Unstaged, &[], 10).await,
        Err(GitError::TooLong)
    );
    assert_eq!(repository.subjects(20).await, ["c", "c"]);
}

#[tokio::test]
async fn before_the_first_commit_all_that_is_staged_is_new() {
    let home = Home::empty();
    home.git(&["init", "--quiet"]);
    assert_eq!(home.diff(Changes::Staged).await, Ok(String::new()));
    home.write("a.txt", "one\n");
    home.git(&["add", "."]);
    assert_eq!(
        home.diff(Changes::Staged).await.unwrap(),
        home.git(&["diff", "--cached"])
    );
    assert_eq!(
        home.diff(Changes::Amended).await.unwrap(),
        home.git(&["diff", "--cached"])
    );
    home.git(&["commit", "--quiet", "-m", "root"]);
    let root = home.diff(Changes::Amended).await.unwrap();
    assert!(root.contains("new file") && root.contains("+one"), "{root}");
}

#[tokio::test]
async fn packed_refs_and_a_head_without_a_branch_are_read() {
    let home = Home::new();
    second_commit(&home);
    home.git(&["pack-refs", "--all"]);
    change(&home.root());
    is_as_git_says(&home.root()).await;
    home.git(&["checkout", "--quiet", "--detach"]);
    is_as_git_says(&home.root()).await;
}

#[tokio::test]
async fn linked_work_trees_are_read_also_those_of_a_bare_repository() {
    let home = Home::new();
    second_commit(&home);
    home.git(&["worktree", "add", "--quiet", "-b", "w", "../a tree"]);
    change(&home.beside("a tree"));
    is_as_git_says(&home.beside("a tree")).await;
    assert_eq!(home.diff(Changes::Unstaged).await, Ok(String::new()));
    home.git(&["clone", "--quiet", "--bare", ".", "../bare.git"]);
    git_in(
        &home.beside("bare.git"),
        &["worktree", "add", "--quiet", "-b", "v", "../tree of bare"],
    );
    change(&home.beside("tree of bare"));
    is_as_git_says(&home.beside("tree of bare")).await;
    assert_eq!(
        diff_in(&home.beside("bare.git"), Changes::Staged).await,
        Err(GitError::Bare)
    );
    assert_eq!(
        diff_in(&home.beside("bare.git/objects"), Changes::Staged).await,
        Err(GitError::Bare)
    );
}

#[tokio::test]
async fn submodules_are_read_and_named_by_their_commits() {
    let home = Home::new();
    second_commit(&home);
    home.git(&["clone", "--quiet", ".", "../other"]);
    home.git(&["submodule", "--quiet", "add", "../other", "sub"]);
    home.git(&["commit", "--quiet", "-m", "sub"]);
    let sub = home.root().join("sub");
    change(&sub);
    is_as_git_says(&sub).await;
    git_in(&sub, &["commit", "--quiet", "-am", "more"]);
    git_in(&home.root(), &["add", "sub"]);
    git_in(&sub, &["commit", "--quiet", "--allow-empty", "-m", "more"]);
    change(&home.root());
    is_as_git_says(&home.root()).await;
    assert!(
        home.diff(Changes::Unstaged)
            .await
            .unwrap()
            .contains("+Subproject commit")
    );
}

#[tokio::test]
async fn sparse_and_split_indexes_are_read() {
    let home = Home::new();
    for name in ["in/x.txt", "out/y.txt", "out/deep/z.txt"] {
        home.write(name, "1\n");
    }
    home.commit();
    second_commit(&home);
    home.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "in"]);
    assert!(!home.root().join("out").exists());
    change(&home.root());
    is_as_git_says(&home.root()).await;
    home.git(&["sparse-checkout", "disable"]);
    home.git(&["update-index", "--split-index"]);
    fs::write(home.root().join("in/x.txt"), "2\n").unwrap();
    home.git(&["add", "in"]);
    let shared = fs::read_dir(home.root().join(".git")).unwrap().flatten();
    assert!(
        shared
            .map(|entry| entry.file_name())
            .any(|name| name.to_string_lossy().starts_with("sharedindex."))
    );
    is_as_git_says(&home.root()).await;
}

#[tokio::test]
async fn sha_256_reftables_and_shallow_clones_are_read() {
    for words in [
        &["--object-format=sha256"][..],
        &["--ref-format=reftable"],
        &["--object-format=sha256", "--ref-format=reftable"],
    ] {
        let home = Home::empty();
        home.git(&[&["init", "--quiet"], words].concat());
        home.write("a.txt", "one\n");
        home.commit();
        second_commit(&home);
        change(&home.root());
        is_as_git_says(&home.root()).await;
        home.git(&["worktree", "add", "--quiet", "-b", "w", "../tree"]);
        change(&home.beside("tree"));
        is_as_git_says(&home.beside("tree")).await;
    }
    let home = Home::new();
    second_commit(&home);
    second_commit_again(&home);
    let url = format!("file://{}", home.root().display());
    home.git(&["clone", "--quiet", "--depth", "2", &url, "../shallow"]);
    change(&home.beside("shallow"));
    is_as_git_says(&home.beside("shallow")).await;
    let repository = Repository::open(&home.beside("shallow")).await.unwrap();
    assert_eq!(repository.subjects(20).await.len(), 2);
}

fn second_commit_again(home: &Home) {
    home.write("s.txt", "third\n");
    home.commit();
}

#[tokio::test]
async fn harmless_settings_still_count() {
    let home = Home::new();
    second_commit(&home);
    home.git(&["config", "core.autocrlf", "true"]);
    home.git(&["config", "core.fileMode", "false"]);
    home.write("a.txt", "one\r\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(home.root().join("b c.txt"), mode).unwrap();
    assert_eq!(home.diff(Changes::Unstaged).await, Ok(String::new()));
    home.git(&["config", "core.autocrlf", "false"]);
    assert!(home.diff(Changes::Unstaged).await.unwrap().contains("+one\r"));
}

#[tokio::test]
async fn files_with_a_filter_are_shown_as_binary_and_no_others() {
    let home = Home::new();
    let odd = "odd [*]? \\\"\n.bin";
    home.write(
        ".gitattributes",
        "*.bin filter=lfs diff=lfs merge=lfs -text\n*.txt text\n*.nb filter=strip\n",
    );
    for name in [odd, "odd-x.txt", "x.bin", "x.nb"] {
        home.write(name, "pointer\n");
    }
    home.commit();
    for name in [odd, "odd-x.txt", "x.bin", "x.nb"] {
        home.write(name, "what it is\n");
    }
    let diff = home.diff(Changes::Unstaged).await.unwrap();
    assert_eq!(diff.matches("Binary files").count(), 3, "{diff}");
    assert!(
        diff.contains("+++ b/odd-x.txt\n@@ -1 +1 @@\n-pointer\n+what it is\n"),
        "{diff}"
    );
    home.git(&["add", "."]);
    let diff = home.diff(Changes::Staged).await.unwrap();
    assert_eq!(diff.matches("Binary files").count(), 2, "{diff}");
    assert!(diff.contains("+++ b/x.nb\n"), "{diff}");
}

#[tokio::test]
async fn a_users_own_git_dir_and_the_index_of_a_commit_under_way_are_read() {
    let home = Home::new();
    change(&home.root());
    let staged = home.diff(Changes::Staged).await.unwrap();
    // As `git commit -a` does it.
    fs::copy(home.root().join(".git/index"), home.root().join(".git/index.lock")).unwrap();
    let index = home.root().join(".git/next-index-1.lock");
    fs::copy(home.root().join(".git/index"), &index).unwrap();
    fs::remove_file(home.root().join(".git/index.lock")).unwrap();
    let said = Command::new("git")
        .args(["add", "-u"])
        .env("GIT_INDEX_FILE", &index)
        .current_dir(home.root())
        .status();
    assert!(said.unwrap().success());
    let named = [("GIT_INDEX_FILE", OsString::from(".git/next-index-1.lock"))];
    let all = diff_with(&home.root(), Changes::Staged, &named).await.unwrap();
    assert!(all.contains("+three") && !staged.contains("+three"), "{all}");
    let elsewhere = [("GIT_INDEX_FILE", home.beside("none").into_os_string())];
    assert_eq!(
        diff_with(&home.root(), Changes::Staged, &elsewhere).await.unwrap(),
        staged
    );
    // A user's files that are kept elsewhere, as those that begin with a dot often are.
    fs::rename(home.root().join(".git"), home.beside("dots")).unwrap();
    assert!(matches!(
        home.diff(Changes::Staged).await,
        Err(GitError::NoRepository { .. })
    ));
    let named = [
        ("GIT_DIR", home.beside("dots").into_os_string()),
        ("GIT_WORK_TREE", home.root().into_os_string()),
    ];
    assert_eq!(diff_with(&home.root(), Changes::Staged, &named).await.unwrap(), staged);
    assert_eq!(
        diff_with(&home.root(), Changes::Staged, &named[..1]).await.unwrap(),
        staged
    );
    // But a project's own comes first.
    fs::rename(home.beside("dots"), home.root().join(".git")).unwrap();
    let other = Home::new();
    let named = [("GIT_DIR", other.root().join(".git").into_os_string())];
    assert_eq!(diff_with(&home.root(), Changes::Staged, &named).await.unwrap(), staged);
}

#[tokio::test]
async fn a_folder_without_a_repository_or_with_a_broken_one_is_told() {
    let home = Home::empty();
    for (name, text) in [
        ("", ""),
        (".git", ""),
        (".git", "gitdir: nowhere\n"),
        (".git", "gitdir: \0\n"),
        (".git", "x\n"),
    ] {
        if !name.is_empty() {
            home.write(name, text);
        }
        let told = home.diff(Changes::Staged).await;
        assert!(matches!(told, Err(GitError::NoRepository { .. })), "{text}: {told:?}");
    }
    let home = Home::new();
    for head in ["ref: ../../x\n", "ref: refs/heads/../../x\n", "ref: HEAD\n", "ref: \n"] {
        home.write(".git/HEAD", head);
        let told = home.diff(Changes::Staged).await;
        assert!(matches!(told, Err(GitError::Failed(_))), "{head}: {told:?}");
    }
    home.write(".git/HEAD", "ref: refs/heads/new\n");
    assert!(home.diff(Changes::Staged).await.unwrap().contains("new file"));
    home.write(".git/index", "no index");
    assert!(matches!(home.diff(Changes::Staged).await, Err(GitError::Failed(_))));
}

/// What `git commit` with these words shows in its editor.
fn draft(home: &Home, words: &[&str]) -> String {
    let shown = home.beside("draft");
    fs::remove_file(&shown).ok();
    let editor = format!("core.editor=sh -c 'cp \"$1\" {}; false' --", shown.display());
    let words = [
        &[
            "-c",
            editor.as_str(),
            "-c",
            "user.name=T",
            "-c",
            "user.email=t@example.com",
            "commit",
        ],
        words,
    ]
    .concat();
    let said = Command::new("git")
        .args(words)
        .current_dir(home.root())
        .env("HOME", home.beside(""))
        .output()
        .unwrap();
    assert!(!said.status.success());
    fs::read_to_string(&shown).unwrap_or_else(|_| panic!("{said:?}"))
}

#[tokio::test]
async fn a_commit_that_takes_the_last_ones_place_is_known_by_its_draft() {
    let home = Home::empty();
    home.git(&["init", "--quiet"]);
    home.write("a.txt", "one\n");
    home.git(&["add", "."]);
    let date = "--date=2020-02-02T02:02:02 +0200";
    home.git(&[
        "commit",
        "--quiet",
        date,
        "-m",
        "The first\n\nWith a body,\n- and a list",
    ]);
    let amends = async |draft: &str| Repository::open(&home.root()).await.unwrap().is_amended(draft).await;
    for words in [
        &["--amend"][..],
        &["--amend", "-v"],
        &["--amend", "--no-status"],
        &["--amend", "--reset-author"],
        &["--amend", "--cleanup=scissors"],
    ] {
        assert!(amends(&draft(&home, words)).await, "{words:?}");
    }
    let begun = draft(&home, &["--amend"]);
    let other = begun.replace("The first", "Another subject");
    assert!(amends(&other).await, "{other}");
    home.write(".git/COMMIT_EDITMSG", &other);
    assert!(amends(&other).await, "by its date");
    second_commit(&home);
    home.write("a.txt", "two\n");
    home.git(&["add", "."]);
    for words in [&[][..], &["-v"], &["-c", "HEAD^"], &["-t", "../text"]] {
        fs::write(home.beside("text"), "[c] \n\nWhy:\n").unwrap();
        assert!(!amends(&draft(&home, words)).await, "{words:?}");
    }
    assert!(amends(&draft(&home, &["--amend"])).await);
    assert!(!amends("").await || amends("c").await);
    let diff = home.diff(Changes::Amended).await.unwrap();
    assert!(diff.contains("+second") && diff.contains("+two"), "{diff}");
}

#[tokio::test]
async fn a_file_of_text_that_is_very_large_is_no_diff_and_takes_no_memory_for_one() {
    let home = Home::new();
    home.write("large.txt", &"a\n".repeat(9 << 20));
    home.write("small.txt", &"a\n".repeat(1 << 20));
    home.commit();
    home.write("large.txt", &"a\nb\n".repeat(6 << 20));
    home.write("small.txt", &("a\n".repeat(1 << 20) + "b\n"));
    for changes in [Changes::Unstaged, Changes::Staged] {
        let diff = home.diff(changes).await.unwrap();
        assert!(diff.len() < 2_000, "{}", diff.len());
        let is_large = diff.contains("Binary files a/large.txt and b/large.txt differ");
        assert!(is_large && diff.contains("\n+b\n"), "{diff}");
        home.git(&["add", "."]);
    }
}
