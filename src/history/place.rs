//! Files of the history: for their owner only, and locked by whoever has to be alone. All that differs between systems
//! is in here.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::{HistoryError, Result};

/// How long to wait before a lock is tried again.
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// A lock on a file. The system lets go of it when this is dropped, or the process ends in whatever way.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Locks a file, which is made if `create` says so. `None`: somebody else has it.
pub(super) fn try_lock(path: &Path, create: bool) -> io::Result<Option<Lock>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(create).truncate(false);
    system::try_lock(&private(options), path)
}

/// Locks a file, and waits for it, though not for longer than `limit`.
pub(super) fn lock(path: &Path, limit: Duration) -> Result<Lock> {
    let start = Instant::now();
    loop {
        if let Some(lock) = try_lock(path, true)? {
            return Ok(lock);
        }
        if start.elapsed() >= limit {
            return Err(HistoryError::Locked);
        }
        thread::sleep(LOCK_PAUSE);
    }
}

/// Makes the folder of a file, if there is none.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    system::private_folder(&mut builder);
    builder.create(folder)
}

/// Makes the file, empty, if there is none, and sees to it that nobody else may read it. SQLite gives the files beside
/// it the same mode.
pub(super) fn make_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    match private(options).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            system::keep_private(path);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// What tells a file from another one that takes its place; `None` where the system has no such thing.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().and_then(|metadata| system::identity(&metadata))
}

/// What went wrong with a file, after a look at its disk: one that is full fails in ways that do not say so, such as a
/// file that cannot be mapped.
pub(super) fn judged(error: HistoryError, path: &Path) -> HistoryError {
    match error {
        HistoryError::Unreachable { .. } if path.parent().is_some_and(system::is_full) => HistoryError::Full,
        error => error,
    }
}

fn private(mut options: OpenOptions) -> OpenOptions {
    system::private_file(&mut options);
    options
}

#[cfg(unix)]
mod system {
    use std::fs::{self, DirBuilder, Metadata, OpenOptions, Permissions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
    use std::path::Path;

    use rustix::fs::{FlockOperation, flock};
    use rustix::io::Errno;

    use super::Lock;

    pub(super) fn try_lock(options: &OpenOptions, path: &Path) -> io::Result<Option<Lock>> {
        let file = options.open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn private_folder(builder: &mut DirBuilder) {
        builder.mode(0o700);
    }

    pub(super) fn private_file(options: &mut OpenOptions) {
        options.mode(0o600);
    }

    pub(super) fn keep_private(path: &Path) {
        let open_to_others = |metadata: &Metadata| metadata.permissions().mode() & 0o077 != 0;
        if fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && open_to_others(&metadata)) {
            fs::set_permissions(path, Permissions::from_mode(0o600)).ok();
        }
    }

    /// Whether there is no room for even a few pages.
    pub(super) fn is_full(folder: &Path) -> bool {
        const ROOM: u64 = 64 << 10;
        rustix::fs::statvfs(folder).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < ROOM)
    }

    pub(super) fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
        Some((metadata.dev(), metadata.ino()))
    }
}

#[cfg(not(unix))]
mod system {
    use std::fs::{DirBuilder, Metadata, OpenOptions};
    use std::io;
    use std::os::windows::fs::OpenOptionsExt;
    use std::path::Path;

    use super::Lock;

    /// `ERROR_SHARING_VIOLATION`.
    const SHARING_VIOLATION: i32 = 32;

    pub(super) fn try_lock(options: &OpenOptions, path: &Path) -> io::Result<Option<Lock>> {
        match options.clone().share_mode(0).open(path) {
            Ok(file) => Ok(Some(Lock { _file: file })),
            Err(error) if error.raw_os_error() == Some(SHARING_VIOLATION) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The user's folders are private by themselves.
    pub(super) fn private_folder(_: &mut DirBuilder) {}
    pub(super) fn private_file(_: &mut OpenOptions) {}
    pub(super) fn keep_private(_: &Path) {}
    pub(super) fn is_full(_: &Path) -> bool {
        false
    }

    /// An open file cannot be replaced.
    pub(super) fn identity(_: &Metadata) -> Option<(u64, u64)> {
        None
    }
}
