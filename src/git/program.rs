//! Finds the git program on the search path: absolute entries only, and none inside of the project.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// git's program, and the search path that it may have.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub file: PathBuf,
    pub path: OsString,
}

/// Looks git up in `path` (the variable's value) for a project. An entry that is relative, or lies in one of these
/// folders, is passed by: what stands there is not the user's own.
pub(super) fn find(path: &OsStr, projects: &[&Path]) -> Option<Program> {
    let name = if cfg!(windows) { "git.exe" } else { "git" };
    let is_outside = |folder: &PathBuf| {
        let real = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        let is_within = |project: &&Path| real.starts_with(project) || folder.starts_with(project);
        folder.is_absolute() && !projects.iter().any(is_within)
    };
    let safe: Vec<PathBuf> = env::split_paths(path).filter(is_outside).collect();
    let file = safe.iter().map(|folder| folder.join(name)).find(|file| {
        let is_outside = |real: PathBuf| !projects.iter().any(|project| real.starts_with(project));
        is_program(file) && file.canonicalize().is_ok_and(is_outside)
    })?;
    let path = env::join_paths(&safe).unwrap_or_default();
    Some(Program { file, path })
}

fn is_program(file: &Path) -> bool {
    let Ok(found) = file.metadata() else { return false };
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o111 == 0 {
        return false;
    }
    found.is_file()
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn git_is_never_taken_from_the_project_nor_from_a_relative_place() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for folder in ["p/bin", "good", "plain"] {
            fs::create_dir_all(root.join(folder)).unwrap();
            fs::write(root.join(folder).join("git"), "").unwrap();
            let mode = if folder == "plain" { 0o644 } else { 0o755 };
            fs::set_permissions(root.join(folder).join("git"), fs::Permissions::from_mode(mode)).unwrap();
        }
        symlink(root.join("p/bin"), root.join("link")).unwrap();
        fs::create_dir(root.join("to")).unwrap();
        symlink(root.join("p/bin/git"), root.join("to/git")).unwrap();
        let r = root.display();
        let path = format!("bin:.::{r}/p/bin:{r}/link:{r}/to:{r}/plain:{r}/absent:{r}/good");
        let found = find(path.as_ref(), &[&root.join("p")]).unwrap();
        assert_eq!(found.file, root.join("good/git"));
        let kept = found.path.into_string().unwrap();
        assert!(
            !kept.contains("/p/bin") && !kept.contains("link") && !kept.starts_with("bin"),
            "{kept}"
        );
        assert!(find(format!("{r}/p/bin").as_ref(), &[&root.join("p")]).is_none());
    }
}
