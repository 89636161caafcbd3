//! The files of a project, for the completion of `#file:`: walked in the background, kept in memory, found by what is
//! typed of their names.
//!
//! What `.gitignore` and `.ignore` name is left out, and so are the folders of version control. Hidden files are known,
//! but offered only to who types a dot: most of them are nobody's context, and some hold secrets.

mod rank;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use tree::Listing;

/// How many projects are kept in memory.
const KEPT: usize = 4;
/// For how long a list is good, at least.
const FRESH: Duration = Duration::from_secs(3);
/// A list is also good for this many times what its walk took: a slow disk is not walked all the time.
const FRESH_TIMES: u32 = 20;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Wanted {
    /// The project's root.
    pub root: PathBuf,
    /// What has been typed of the path.
    #[serde(default)]
    pub typed: String,
    /// The paths that are open in the editor, relative to the root: of equals they come first.
    #[serde(default)]
    pub open: Vec<String>,
    /// How many are wanted.
    pub limit: usize,
}

/// What there is of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Paths relative to the root, with `/` between their parts, the best first.
    pub paths: Vec<String>,
    /// Whether there are more than were wanted.
    pub more: bool,
}

/// The lists of files, by project. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct FileIndex {
    /// The one used last is the first.
    projects: Arc<Mutex<Vec<Arc<Project>>>>,
}

#[derive(Debug)]
struct Project {
    root: PathBuf,
    /// `None` until the first walk is done.
    listing: watch::Sender<Option<Arc<Listing>>>,
    is_walking: AtomicBool,
}

impl FileIndex {
    /// The files that fit what is typed. Waits only for a project's first walk: an old list answers, and is made anew in
    /// the background.
    pub async fn find(&self, wanted: Wanted) -> Found {
        let project = self.project(&wanted.root);
        let listing = project.listing().await;
        let ranked = tokio::task::spawn_blocking(move || {
            listing.map_or_else(Found::default, |listing| rank::best(&listing, &wanted))
        });
        ranked.await.unwrap_or_default()
    }

    fn project(&self, root: &Path) -> Arc<Project> {
        let mut projects = self.projects.lock().unwrap_or_else(PoisonError::into_inner);
        let known = projects.iter().position(|project| project.root == root);
        let project = known.map_or_else(|| Arc::new(Project::new(root)), |at| projects.remove(at));
        projects.insert(0, project.clone());
        projects.truncate(KEPT);
        project
    }
}

impl Project {
    fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            listing: watch::Sender::new(None),
            is_walking: AtomicBool::new(false),
        }
    }

    fn is_fresh(&self) -> bool {
        self.listing.borrow().as_ref().is_some_and(|listing| {
            let good_for = FRESH.max(listing.took.saturating_mul(FRESH_TIMES));
            listing.made.elapsed() < good_for
        })
    }

    /// The list that there is, else that of the first walk.
    async fn listing(self: &Arc<Self>) -> Option<Arc<Listing>> {
        let kept = self.listing.borrow().clone();
        self.refresh();
        if kept.is_some() {
            return kept;
        }
        let mut listed = self.listing.subscribe();
        listed.wait_for(Option::is_some).await.ok()?.clone()
    }

    /// Walks the project unless its list is fresh, or is being made.
    fn refresh(self: &Arc<Self>) {
        if self.is_fresh() || self.is_walking.swap(true, Ordering::AcqRel) {
            return;
        }
        let project = self.clone();
        tokio::task::spawn_blocking(move || {
            let start = Instant::now();
            let listing = tree::walk(&project.root, start);
            tracing::debug!(files = listing.entries.len(), took = ?listing.took, "walked the project");
            // At once for whoever sees it: one who finds the list old begins the next walk.
            project.listing.send_modify(|kept| {
                *kept = Some(Arc::new(listing));
                project.is_walking.store(false, Ordering::Release);
            });
        });
    }
}

#[cfg(test)]
mod tests;
