//! Repositories that were made to run something, to fetch, or to have another's files read.

use std::os::unix::fs::symlink;

use super::*;

/// Asks for all that can be asked, and returns all that came.
async fn ask_all(root: &Path) -> String {
    let mut told = String::new();
    for changes in [Changes::Unstaged, Changes::Staged, Changes::Amended] {
        match diff_in(root, changes).await {
            Ok(diff) => told += &diff,
            Err(error) => told += &format!("{error:?}\n"),
        }
    }
    if let Ok(repository) = Repository::open(root).await {
        told += &repository.subjects(20).await.join("\n");
    }
    told
}

/// Something is changed, something is staged, and a time has changed alone.
fn changed(home: &Home) {
    home.write("a.txt", "one\ntwo\n");
    home.git(&["add", "a.txt"]);
    home.write("a.txt", "one\ntwo\nthree\n");
    home.write("b c.txt", "one\n");
}

#[tokio::test]
async fn no_setting_runs_anything() {
    let home = Home::new();
    home.git(&["commit", "--quiet", "--allow-empty", "-m", "d"]);
    changed(&home);
    let trap = home.trap();
    let settings = [
        "filter.x.clean",
        "filter.x.smudge",
        "filter.x.process",
        "diff.external",
        "diff.x.command",
        "diff.x.textconv",
        "core.fsmonitor",
        "core.pager",
        "pager.diff",
        "pager.log",
        "core.editor",
        "core.askPass",
        "core.sshCommand",
        "core.gitProxy",
        "core.alternateRefsCommand",
        "gpg.program",
        "gpg.ssh.program",
        "gpg.x509.program",
        "credential.helper",
        "interactive.diffFilter",
        "merge.x.driver",
        "sequence.editor",
        "uploadpack.packObjectsHook",
        "remote.origin.uploadpack",
        "remote.origin.vcs",
        "core.checkRoundtripEncoding",
        "browser.x.cmd",
        "man.x.cmd",
        "difftool.x.cmd",
        "mergetool.x.cmd",
        "trailer.x.command",
        "trailer.x.cmd",
        "sendemail.smtpserver",
    ];
    for name in settings {
        home.git(&["config", name, &trap]);
    }
    for (name, value) in [
        ("filter.x.required", "true"),
        ("diff.trustExitCode", "true"),
        ("log.showSignature", "true"),
        ("alias.diff", &format!("!{trap}")),
        ("alias.log", &format!("!{trap}")),
        ("core.untrackedCache", "true"),
        ("trace2.eventTarget", &home.mark().display().to_string()),
        ("trace2.normalTarget", &home.mark().display().to_string()),
        ("diff.orderFile", "/nonexistent"),
    ] {
        home.git(&["config", name, value]);
    }
    let lines = "* filter=x diff=x merge=x\n";
    for file in [".gitattributes", ".git/info/attributes", "sub/.gitattributes"] {
        home.write(file, lines);
    }
    fs::write(home.beside("attributes"), lines).unwrap();
    home.git(&[
        "config",
        "core.attributesFile",
        &home.beside("attributes").display().to_string(),
    ]);
    home.git(&["config", "include.path", &home.beside("included").display().to_string()]);
    home.git(&[
        "config",
        "includeIf.gitdir:**.path",
        &home.beside("included").display().to_string(),
    ]);
    fs::write(
        home.beside("included"),
        format!("[diff]\n\texternal = {trap}\n[core]\n\tfsmonitor = {trap}\n"),
    )
    .unwrap();
    // Whatever the program of the test itself has run until here.
    fs::remove_file(home.mark()).ok();
    let told = ask_all(&home.root()).await;
    assert!(
        told.contains("Binary files a/a.txt") && told.contains("+two") && told.ends_with("d\nc"),
        "{told}"
    );
    home.is_untouched("settings");
}

#[tokio::test]
async fn no_hook_runs() {
    let home = Home::new();
    changed(&home);
    let trap = home.trap();
    for folder in [home.root().join(".git/hooks"), home.root().join("hooks")] {
        fs::create_dir_all(&folder).unwrap();
        for name in [
            "post-index-change",
            "fsmonitor-watchman",
            "pre-commit",
            "prepare-commit-msg",
            "reference-transaction",
            "post-checkout",
        ] {
            fs::remove_file(folder.join(name)).ok();
            symlink(&trap, folder.join(name)).unwrap();
        }
    }
    home.git(&["config", "core.hooksPath", "hooks"]);
    home.git(&["config", "core.fsmonitor", ".git/hooks/fsmonitor-watchman"]);
    fs::remove_file(home.mark()).ok();
    ask_all(&home.root()).await;
    home.is_untouched("hooks");
}

#[tokio::test]
async fn nothing_is_fetched() {
    let home = Home::new();
    home.write("gone.txt", "gone\n");
    home.commit();
    let blob = home.git(&["rev-parse", "HEAD:gone.txt"]);
    home.write("gone.txt", "changed\n");
    home.git(&["add", "gone.txt"]);
    let (folder, file) = blob.trim().split_at(2);
    fs::remove_file(home.root().join(".git/objects").join(folder).join(file)).unwrap();
    let trap = home.trap();
    for (name, value) in [
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", &format!("ext::{trap} x")),
        ("protocol.ext.allow", "always"),
        ("protocol.allow", "always"),
        ("remote.origin.partialCloneFilter", "blob:none"),
        ("url.ext::x.insteadOf", "file:"),
    ] {
        home.git(&["config", name, value]);
    }
    for changes in [Changes::Staged, Changes::Amended] {
        let told = home.diff(changes).await;
        assert!(
            told == Err(GitError::Missing) || changes == Changes::Amended,
            "{told:?}"
        );
    }
    ask_all(&home.root()).await;
    home.is_untouched("a fetch");
}

#[tokio::test]
async fn a_submodule_runs_nothing() {
    let home = Home::new();
    home.git(&["clone", "--quiet", ".", "../other"]);
    home.git(&["submodule", "--quiet", "add", "../other", "sub"]);
    home.git(&["commit", "--quiet", "-m", "sub"]);
    let (sub, trap) = (home.root().join("sub"), home.trap());
    fs::write(sub.join("a.txt"), "new\n").unwrap();
    git_in(&sub, &["commit", "--quiet", "-am", "new"]);
    fs::write(sub.join("a.txt"), "newer\n").unwrap();
    for name in ["diff.external", "core.fsmonitor", "filter.x.clean", "diff.x.textconv"] {
        git_in(&sub, &["config", name, &trap]);
    }
    fs::write(sub.join(".gitattributes"), "* filter=x diff=x\n").unwrap();
    for how in ["diff", "log"] {
        home.git(&["config", "diff.submodule", how]);
        home.git(&["config", "diff.ignoreSubmodules", "none"]);
        home.git(&["config", "status.submoduleSummary", "true"]);
        let told = ask_all(&home.root()).await;
        assert!(told.contains("+Subproject commit") && !told.contains("newer"), "{told}");
    }
    home.is_untouched("a submodule");
}

/// Someone else's repository beside the project.
fn private(home: &Home) -> PathBuf {
    let private = home.beside("private");
    fs::create_dir(&private).unwrap();
    git_in(&private, &["init", "--quiet"]);
    fs::write(private.join("diary.txt"), "hush\n").unwrap();
    git_in(&private, &["add", "."]);
    git_in(&private, &["commit", "--quiet", "-m", "hush"]);
    private
}

#[tokio::test]
async fn a_work_tree_that_the_configuration_names_is_not_read() {
    let home = Home::new();
    changed(&home);
    fs::write(home.beside("a.txt"), "hush\n").unwrap();
    home.git(&["config", "core.worktree", &home.beside("").display().to_string()]);
    let told = ask_all(&home.root()).await;
    assert!(told.contains("+three") && !told.contains("hush"), "{told}");
}

#[tokio::test]
async fn another_repository_is_not_read_as_this_one() {
    let home = Home::empty();
    let private = private(&home);
    let commit = git_in(&private, &["rev-parse", "HEAD"]);
    let dot_git = home.root().join(".git");
    fs::write(&dot_git, format!("gitdir: {}\n", private.join(".git").display())).unwrap();
    assert!(matches!(
        home.diff(Changes::Unstaged).await,
        Err(GitError::Elsewhere { .. })
    ));
    fs::remove_file(&dot_git).unwrap();
    symlink(private.join(".git"), &dot_git).unwrap();
    assert!(matches!(
        home.diff(Changes::Unstaged).await,
        Err(GitError::Elsewhere { .. })
    ));
    fs::remove_file(&dot_git).unwrap();
    home.git(&["init", "--quiet"]);
    fs::write(
        home.root().join(".git/commondir"),
        format!("{}\n", private.join(".git").display()),
    )
    .unwrap();
    assert!(matches!(
        home.diff(Changes::Staged).await,
        Err(GitError::Elsewhere { .. })
    ));
    fs::remove_file(home.root().join(".git/commondir")).unwrap();
    // A link in place of a file of the repository.
    for (name, target) in [
        ("HEAD", "HEAD"),
        ("index", "index"),
        ("packed-refs", "packed-refs"),
        ("shallow", "index"),
    ] {
        let (file, kept) = (home.root().join(".git").join(name), home.beside("kept"));
        fs::rename(&file, &kept).ok();
        symlink(private.join(".git").join(target), &file).unwrap();
        let told = ask_all(&home.root()).await;
        assert!(!told.contains("hush") && !told.contains("diary"), "{name}: {told}");
        fs::remove_file(&file).unwrap();
        fs::rename(&kept, &file).ok();
    }
    // Its commit may be known; its objects are not read.
    fs::write(home.root().join(".git/refs/heads/master"), commit).unwrap();
    fs::write(home.root().join(".git/HEAD"), "ref: refs/heads/master\n").unwrap();
    let objects = home.root().join(".git/objects");
    fs::remove_dir_all(&objects).unwrap();
    symlink(private.join(".git/objects"), &objects).unwrap();
    assert!(matches!(
        home.diff(Changes::Staged).await,
        Err(GitError::Borrows { .. })
    ));
    fs::remove_file(&objects).unwrap();
    fs::create_dir_all(objects.join("info")).unwrap();
    for entry in fs::read_dir(private.join(".git/objects")).unwrap().flatten() {
        if entry.file_name().len() == 2 {
            symlink(entry.path(), objects.join(entry.file_name())).unwrap();
        }
    }
    assert!(matches!(
        home.diff(Changes::Staged).await,
        Err(GitError::Borrows { .. })
    ));
    for entry in fs::read_dir(&objects).unwrap().flatten() {
        fs::remove_file(entry.path()).ok();
    }
    assert_eq!(home.diff(Changes::Staged).await, Err(GitError::Missing));
    let own = home.root().join("own/objects");
    fs::create_dir_all(own.join("info")).unwrap();
    let private_objects = private.join(".git/objects");
    for (file, named) in [
        (objects.join("info/alternates"), private_objects.display().to_string()),
        (
            objects.join("info/alternates"),
            format!("\"{}\"", private_objects.display()),
        ),
        (
            objects.join("info/alternates"),
            "../../../private/.git/objects".to_owned(),
        ),
        (objects.join("info/alternates"), own.display().to_string()),
    ] {
        fs::write(own.join("info/alternates"), private_objects.display().to_string()).unwrap();
        fs::write(&file, format!("# so\n{named}\n")).unwrap();
        let told = home.diff(Changes::Staged).await;
        assert!(matches!(told, Err(GitError::Borrows { .. })), "{named}: {told:?}");
    }
}

#[tokio::test]
async fn objects_that_lie_within_the_project_may_be_borrowed() {
    let home = Home::new();
    home.git(&["clone", "--quiet", "--shared", ".", "inner"]);
    let inner = home.root().join("inner");
    assert!(matches!(
        diff_in(&inner, Changes::Staged).await,
        Err(GitError::Borrows { .. })
    ));
    fs::rename(home.root().join(".git/objects"), inner.join("lent")).unwrap();
    fs::write(inner.join(".git/objects/info/alternates"), "../../lent\n").unwrap();
    fs::write(inner.join("a.txt"), "two\n").unwrap();
    assert!(diff_in(&inner, Changes::Unstaged).await.unwrap().contains("+two"));
}

/// An index whose only file has this name.
fn index_naming(home: &Home, name: &[u8]) {
    let blob = home.git(&["rev-parse", "HEAD:a.txt"]);
    let mut bytes = b"DIRC\0\0\0\x02\0\0\0\x01".to_vec();
    let mut entry = vec![0; 24];
    entry.extend_from_slice(&0o100_644_u32.to_be_bytes());
    entry.extend_from_slice(&[0; 12]);
    let digits: Vec<u8> = blob.trim().bytes().collect();
    entry.extend(
        digits
            .chunks(2)
            .map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()),
    );
    entry.extend_from_slice(&u16::try_from(name.len()).unwrap().to_be_bytes());
    entry.extend_from_slice(name);
    entry.extend(vec![0; 8 - entry.len() % 8]);
    bytes.extend(entry);
    // All zeros: no sum was made (`index.skipHash`).
    bytes.extend([0; 20]);
    fs::write(home.root().join(".git/index"), bytes).unwrap();
}

#[tokio::test]
async fn an_index_that_names_a_file_outside_has_it_not_read() {
    let home = Home::new();
    fs::write(home.beside("hush.txt"), "hush\n").unwrap();
    home.write(".git/config.hush", "hush\n");
    let absolute = home.beside("hush.txt").display().to_string();
    for name in [
        "../hush.txt",
        "x/../../hush.txt",
        ".git/config.hush",
        ".GIT/config.hush",
        &absolute,
        "./../hush.txt",
        "..//hush.txt",
    ] {
        index_naming(&home, name.as_bytes());
        let told = ask_all(&home.root()).await;
        assert!(!told.contains("hush\n") || told.contains("OddName"), "{name}: {told}");
        assert!(!told.contains("+hush"), "{name}: {told}");
    }
    fs::create_dir(home.beside("folder")).unwrap();
    fs::write(home.beside("folder/hush.txt"), "hush\n").unwrap();
    symlink(home.beside("folder"), home.root().join("link")).unwrap();
    index_naming(&home, b"link/hush.txt");
    let told = ask_all(&home.root()).await;
    assert!(!told.contains("+hush"), "{told}");
}

#[tokio::test]
async fn a_git_that_hangs_is_ended_with_all_that_it_has_started() {
    let home = Home::new();
    let folder = home.beside("bin");
    fs::create_dir(&folder).unwrap();
    let pids = home.beside("pids");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *config*) exit 0;; esac\ntrap '' TERM HUP\n/bin/sleep 600 &\necho $! >{}\nwait\n",
        pids.display()
    );
    fs::write(folder.join("git"), script).unwrap();
    fs::set_permissions(folder.join("git"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = [("PATH", folder.into_os_string())];
    let environment = environment(&path);
    let repository = Repository::open_by(&home.root(), &environment).await.unwrap();
    let asked = tokio::spawn(async move { repository.diff(Changes::Staged, &[], 100).await });
    let pid = loop {
        match fs::read_to_string(&pids) {
            Ok(pid) if pid.ends_with('\n') => break pid.trim().to_owned(),
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    tokio::time::pause();
    tokio::time::advance(LIMIT).await;
    assert_eq!(asked.await.unwrap(), Err(GitError::Slow));
    tokio::time::resume();
    let state = || fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    while cfg!(target_os = "linux")
        && !matches!(
            state().rsplit(") ").next().and_then(|rest| rest.chars().next()),
            None | Some('Z')
        )
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn git_gets_no_key_and_none_of_the_users_variables_for_git() {
    let home = Home::new();
    let folder = home.beside("bin");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("git"), "#!/bin/sh\n/usr/bin/env\n").unwrap();
    fs::set_permissions(folder.join("git"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = [("PATH", folder.into_os_string())];
    let repository = Repository::open_by(&home.root(), &environment(&path)).await.unwrap();
    let printed = repository.run(&["x"], 1 << 20).await.unwrap();
    let printed = String::from_utf8(printed).unwrap();
    for line in printed.lines() {
        let name = line.split('=').next().unwrap();
        let known = [
            "PATH",
            "HOME",
            "USER",
            "LOGNAME",
            "LANG",
            "TZ",
            "TMPDIR",
            "TEMP",
            "TMP",
            "PWD",
            "SHLVL",
            "_",
            "XDG_CONFIG_HOME",
            "OLDPWD",
        ];
        assert!(
            known.contains(&name) || name.starts_with("LC_") || name.starts_with("GIT_"),
            "{line}"
        );
    }
    assert!(
        !printed.contains("CARGO") && printed.contains("GIT_ALLOW_PROTOCOL=\n"),
        "{printed}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_no_file_or_is_not_named_by_the_index_is_not_waited_for_nor_copied() {
    let home = Home::new();
    home.write("more.txt", "one\n");
    home.commit();
    home.git(&["pack-refs", "--all"]);
    for number in 0..6 {
        let shared = home.root().join(format!(".git/sharedindex.{number}"));
        fs::File::create(shared).unwrap().set_len(1 << 40).unwrap();
    }
    home.write("more.txt", "two\n");
    let diff = home.diff(Changes::Unstaged).await.unwrap();
    assert!(diff.contains("+two"));
    let packed = home.root().join(".git/packed-refs");
    fs::remove_file(&packed).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&packed).status().unwrap();
    assert!(made.success());
    let told = home.diff(Changes::Staged).await;
    assert!(matches!(told, Err(GitError::Failed(_))), "{told:?}");
}

#[tokio::test]
async fn git_is_not_started_where_it_would_wait_for_a_fifo() {
    for place in [
        ".gitattributes",
        "folder/.gitattributes",
        ".gitmodules",
        ".git/objects/pack/pack-1.idx",
        ".git/objects/pack/multi-pack-index",
        ".git/objects/info/commit-graph",
        ".git/objects/info/alternates",
        ".git/objects/ab/cdef",
        ".git/HEAD",
        ".git/index",
        ".git/packed-refs",
        ".git/shallow",
        ".git/info/sparse-checkout",
    ] {
        let home = Home::new();
        home.write("folder/within.txt", "one\n");
        home.commit();
        home.write("folder/within.txt", "two\n");
        home.write("a.txt", "two\n");
        let path = home.root().join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::remove_file(&path).ok();
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let begun = std::time::Instant::now();
        for changes in [Changes::Unstaged, Changes::Staged] {
            let told = diff_in(&home.root(), changes).await;
            // Packed refs are only read where HEAD's branch is among them.
            let is_unread = place == ".git/packed-refs" && told.is_ok();
            assert!(
                is_unread || !matches!(told, Ok(_) | Err(GitError::Slow)),
                "{place}: {told:?}"
            );
        }
        assert!(begun.elapsed() < LIMIT / 2, "{place}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_fifo_in_place_of_a_file_or_within_a_submodule_is_not_waited_for() {
    let home = Home::new();
    let path = home.root().join("a.txt");
    fs::remove_file(&path).unwrap();
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    let begun = std::time::Instant::now();
    for changes in [Changes::Unstaged, Changes::Staged] {
        let told = diff_in(&home.root(), changes).await;
        assert!(!matches!(told, Err(GitError::Slow)), "{told:?}");
    }
    for place in ["HEAD", "packed-refs", "refs/heads/x", "config"] {
        let home = Home::new();
        let other = home.beside("other");
        fs::create_dir(&other).unwrap();
        git_in(&other, &["init", "--quiet"]);
        git_in(&other, &["commit", "--quiet", "--allow-empty", "-m", "c"]);
        home.git(&["submodule", "--quiet", "add", "../other", "sub"]);
        home.commit();
        let fifo = home.root().join(".git/modules/sub").join(place);
        fs::remove_file(&fifo).ok();
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        home.write("a.txt", "two\n");
        let told = diff_in(&home.root(), Changes::Unstaged).await;
        assert!(matches!(told, Err(GitError::OddFile { .. })), "{place}: {told:?}");
    }
    assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_very_large_file_of_attributes_is_not_handed_to_git() {
    let home = Home::new();
    home.write("a.txt", "two\n");
    let large = fs::File::create(home.root().join(".gitattributes")).unwrap();
    large.set_len(64 << 20).unwrap();
    let told = home.diff(Changes::Unstaged).await;
    assert!(matches!(told, Err(GitError::OddFile { .. })), "{told:?}");
}

#[tokio::test]
async fn an_index_that_cannot_be_taken_is_told_and_nothing_seems_deleted() {
    for to in ["../../beside.idx", "/dev/zero", "none"] {
        let home = Home::new();
        changed(&home);
        let index = home.root().join(".git/index");
        fs::rename(&index, home.beside("beside.idx")).unwrap();
        symlink(to, &index).unwrap();
        for changes in [Changes::Unstaged, Changes::Staged] {
            let told = diff_in(home.root().as_path(), changes).await;
            assert!(
                matches!(&told, Err(GitError::OddFile { path }) if path.ends_with("index")),
                "{to}: {told:?}"
            );
        }
    }
}
