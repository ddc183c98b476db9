//! Which commit a program was run from, read from the files of the repository: no `git` is needed.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Longest file of a repository that is read; `packed-refs` of large ones have megabytes.
const MAX_FILE: u64 = 16 << 20;

/// The tags of MLflow on the repository at or above `folder`, those that can be told.
pub(crate) fn tags(folder: &Path) -> Vec<(String, String)> {
    let Some(git) = folder.ancestors().find_map(git_folder) else {
        return Vec::new();
    };
    // A work tree of its own keeps branches and settings in the main one.
    let common = read(&git.join("commondir")).map_or_else(|| git.clone(), |path| git.join(path.trim()));
    let head = read(&git.join("HEAD")).unwrap_or_default();
    let mut found = Vec::new();
    let mut tag = |name: &str, value: String| found.push((format!("mlflow.source.git.{name}"), value));
    match head.trim().strip_prefix("ref: ") {
        Some(reference) => {
            if let Some(commit) = commit_of(reference, &git, &common) {
                tag("commit", commit);
            }
            tag("branch", reference.strip_prefix("refs/heads/").unwrap_or(reference).to_owned());
        }
        None if is_commit(head.trim()) => tag("commit", head.trim().to_owned()),
        None => {}
    }
    if let Some(url) = read(&common.join("config")).as_deref().and_then(origin) {
        tag("repoURL", url);
    }
    found
}

/// The folder `.git` of `folder`, or the one that a file `.git` there names.
fn git_folder(folder: &Path) -> Option<PathBuf> {
    let path = folder.join(".git");
    if path.is_dir() {
        return Some(path);
    }
    let named = read(&path)?;
    Some(folder.join(named.trim().strip_prefix("gitdir: ")?))
}

fn commit_of(reference: &str, git: &Path, common: &Path) -> Option<String> {
    let loose = [git, common].into_iter().find_map(|folder| read(&folder.join(reference)));
    if let Some(commit) = loose {
        return Some(commit.trim().to_owned()).filter(|commit| is_commit(commit));
    }
    let packed = read(&common.join("packed-refs"))?;
    let line = packed.lines().find(|line| line.split_once(' ').is_some_and(|(_, name)| name == reference))?;
    line.split_once(' ').map(|(commit, _)| commit.to_owned())
}

fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The address of the remote `origin`, without user and password.
fn origin(config: &str) -> Option<String> {
    let section = config.lines().skip_while(|line| line.trim() != r#"[remote "origin"]"#).skip(1);
    let url = section.take_while(|line| !line.trim_start().starts_with('[')).find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "url").then(|| value.trim().to_owned())
    })?;
    Some(match url.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            format!("{scheme}://{host}/{path}")
        }
        None => url,
    })
}

fn read(path: &Path) -> Option<String> {
    let short = fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() <= MAX_FILE);
    short.then(|| fs::read_to_string(path).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn repository(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn found(folder: &Path) -> Vec<String> {
        let short = |(key, value): (String, String)| format!("{}={value}", key.rsplit_once('.').unwrap().1);
        tags(folder).into_iter().map(short).collect()
    }

    #[test]
    fn commit_branch_and_address_are_read() {
        let config =
            "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = https://ann:secret@host/a/b.git\n[x]\n\turl = no\n";
        let repository = repository(&[
            (".git/HEAD", "ref: refs/heads/topic/x\n"),
            (".git/refs/heads/topic/x", &format!("{COMMIT}\n")),
            (".git/config", config),
            ("src/deep/file", ""),
        ]);
        let expected =
            [format!("commit={COMMIT}"), "branch=topic/x".to_owned(), "repoURL=https://host/a/b.git".to_owned()];
        assert_eq!(found(&repository.path().join("src/deep")), expected);
    }

    #[test]
    fn packed_branches_detached_heads_and_linked_work_trees_are_understood() {
        let packed = format!("# pack-refs with: peeled\n{COMMIT} refs/heads/main\n");
        let main = repository(&[(".git/HEAD", "ref: refs/heads/main"), (".git/packed-refs", &packed)]);
        assert_eq!(found(main.path()), [format!("commit={COMMIT}"), "branch=main".to_owned()]);
        let detached = repository(&[(".git/HEAD", COMMIT)]);
        assert_eq!(found(detached.path()), [format!("commit={COMMIT}")]);
        let linked = repository(&[
            ("main/.git/packed-refs", &packed),
            ("main/.git/worktrees/w/HEAD", "ref: refs/heads/main"),
            ("main/.git/worktrees/w/commondir", "../..\n"),
            ("w/.git", "gitdir: ../main/.git/worktrees/w\n"),
        ]);
        assert_eq!(found(&linked.path().join("w")), [format!("commit={COMMIT}"), "branch=main".to_owned()]);
    }

    #[test]
    fn what_is_no_repository_has_no_tags() {
        let odd = repository(&[(".git/HEAD", "garbage"), ("file/.git", "garbage")]);
        assert_eq!(found(odd.path()), [""; 0]);
        assert_eq!(found(&odd.path().join("file")), [""; 0]);
    }
}
