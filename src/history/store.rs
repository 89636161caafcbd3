//! The handle of the history, and the two threads behind it: SQLite blocks, so it has no place on the async runtime.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::pending::Pending;
use super::reader::Reader;
use super::writer::{Safety, Writer};
use super::{
    Aside, Chat, End, Found, HistoryError, Holder, Limits, Listed, Listing, MessageRef, Part, PartKind, Result,
    Retention, Saved, Search, Size, Turn, now, read, retention, search, write,
};

/// How long a piece of a stream waits for others before it is written. With the way to the file, no more than 250 ms of
/// an answer are missing, whoever dies.
pub const PIECE_EVERY: Duration = Duration::from_millis(200);
/// How often [`Changes`] looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How many jobs may wait for a thread. One that finds no room waits, and only itself.
const JOBS_WAITING: usize = 64;

type Job<T> = Box<dyn FnOnce(&mut T) + Send>;

/// The history. A clone is the same history. With the last one the threads end, after what waits has been written.
#[derive(Debug, Clone)]
pub struct History {
    writer: mpsc::Sender<Job<Writer>>,
    reader: mpsc::Sender<Job<Reader>>,
    pending: Arc<Pending>,
    trouble: watch::Sender<Option<HistoryError>>,
    replaced: watch::Sender<Option<Aside>>,
}

/// A history that has been opened.
#[derive(Debug)]
pub struct Opened {
    /// The history.
    pub history: History,
    /// What became of the file that was there, if it was damaged.
    pub set_aside: Option<Aside>,
    /// How many answers were found whose process had died; they are `interrupted` now.
    pub interrupted: usize,
}

impl History {
    /// Opens the file, and makes it if there is none. Nothing runs on the caller's thread.
    ///
    /// # Errors
    /// [`HistoryError::Newer`], [`HistoryError::ReadOnly`], [`HistoryError::Locked`], [`HistoryError::Full`] or
    /// [`HistoryError::Unreachable`]: the file is left as it is. A damaged one is no error: see [`Opened::set_aside`].
    pub async fn open(path: &Path, limits: Limits) -> Result<Opened> {
        let (told, opened) = oneshot::channel();
        let (writer, jobs) = mpsc::channel(JOBS_WAITING);
        let place = path.to_owned();
        start("history-writer", move || match Writer::open(place, limits) {
            Ok((writer, set_aside, interrupted)) => {
                told.send(Ok((set_aside, interrupted))).ok();
                serve(writer, jobs);
            }
            Err(error) => drop(told.send(Err(error))),
        })?;
        let (set_aside, interrupted) = opened.await.map_err(|_| HistoryError::Closed)??;
        let (reader, jobs) = mpsc::channel(JOBS_WAITING);
        let place = path.to_owned();
        start("history-reader", move || serve(Reader::new(place, limits), jobs))?;
        let history = Self {
            writer,
            reader,
            pending: Arc::default(),
            trouble: watch::Sender::new(None),
            replaced: watch::Sender::new(None),
        };
        Ok(Opened {
            history,
            set_aside,
            interrupted,
        })
    }

    /// Saves the beginning of a turn: it is on the disk when this returns, and the request may leave.
    ///
    /// # Errors
    /// [`HistoryError::NoMessage`] if the parent of the first message is not there: save the chat with
    /// [`Self::import`] first. Others by what is wrong with the file.
    pub async fn save_turn(&self, turn: Turn) -> Result<Saved> {
        self.write(move |writer| writer.run(Safety::Synced, |tx, owner| write::save_turn(tx, owner, &turn)))
            .await
    }

    /// Adds to an answer. Never waits: it is written after [`PIECE_EVERY`], with all that comes until then. What could
    /// not be written goes along with the next piece, or the end; [`Self::trouble`] says why.
    ///
    /// Has to be called on a tokio runtime.
    pub fn append(&self, message: &MessageRef, kind: PartKind, content: &str) {
        if self.pending.add(message, kind, content) {
            let (history, message) = (self.clone(), message.clone());
            tokio::spawn(async move {
                tokio::time::sleep(PIECE_EVERY).await;
                history.flush(&message).await
            });
        }
    }

    /// Writes now what an answer has said until now.
    ///
    /// # Errors
    /// [`HistoryError::NoMessage`] if the answer is not there. Others by what is wrong with the file.
    pub async fn flush(&self, message: &MessageRef) -> Result<()> {
        let (pending, message) = (self.pending.clone(), message.clone());
        let flushed = self
            .write(move |writer| {
                let parts = pending.take(&message);
                if parts.is_empty() {
                    return Ok(());
                }
                let written = writer.run(Safety::Written, |tx, _| write::append(tx, &message, &parts));
                keep_unwritten(&pending, &message, parts, &written);
                written
            })
            .await;
        self.note(&flushed);
        flushed
    }

    /// Lets an answer consist of these parts from now on, whatever was appended; it is ended after that.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub async fn rewrite(&self, message: &MessageRef, parts: Vec<Part>) -> Result<()> {
        let (pending, message) = (self.pending.clone(), message.clone());
        let rewritten = self
            .write(move |writer| {
                pending.take(&message);
                writer.run(Safety::Written, |tx, _| write::rewrite(tx, &message, &parts))
            })
            .await;
        self.note(&rewritten);
        rewritten
    }

    /// Ends an answer. It is on the disk when this returns, and can be found.
    ///
    /// # Errors
    /// As [`Self::flush`]; it can then be tried again.
    pub async fn finish(&self, message: &MessageRef, end: End) -> Result<()> {
        let (pending, message) = (self.pending.clone(), message.clone());
        let finished = self
            .write(move |writer| {
                let parts = pending.take(&message);
                let written = writer.run(Safety::Synced, |tx, _| write::finish(tx, &message, &parts, &end));
                keep_unwritten(&pending, &message, parts, &written);
                written
            })
            .await;
        self.note(&finished);
        finished
    }

    /// Notes that this process has a chat open. Returns the other processes that have.
    ///
    /// # Errors
    /// [`HistoryError::NoChat`]. Others by what is wrong with the file.
    pub async fn claim(&self, chat: &str) -> Result<Vec<Holder>> {
        let chat = chat.to_owned();
        self.write(move |writer| writer.claim(&chat)).await
    }

    /// Notes that this process has closed a chat.
    ///
    /// # Errors
    /// By what is wrong with the file.
    pub async fn release(&self, chat: &str) -> Result<()> {
        let chat = chat.to_owned();
        self.change(move |tx, owner| write::release(tx, owner, &chat)).await
    }

    /// Shows another branch of a chat, if its head is still `expected`. `false`: another process was faster.
    ///
    /// # Errors
    /// [`HistoryError::NoChat`], [`HistoryError::NoMessage`]. Others by what is wrong with the file.
    pub async fn set_head(&self, chat: &str, expected: Option<u64>, head: u64) -> Result<bool> {
        let chat = chat.to_owned();
        self.change(move |tx, _| write::set_head(tx, &chat, expected, head))
            .await
    }

    /// Gives a chat another title.
    ///
    /// # Errors
    /// [`HistoryError::NoChat`]. Others by what is wrong with the file.
    pub async fn rename(&self, chat: &str, title: &str) -> Result<()> {
        let (chat, title) = (chat.to_owned(), title.to_owned());
        self.change(move |tx, _| write::rename(tx, &chat, &title)).await
    }

    /// Gives a chat another title if it still has `from`.
    ///
    /// # Errors
    /// By what is wrong with the file.
    pub async fn retitle(&self, chat: &str, from: &str, to: &str) -> Result<()> {
        let (chat, from, to) = (chat.to_owned(), from.to_owned(), to.to_owned());
        self.change(move |tx, _| write::retitle(tx, &chat, &from, &to)).await
    }

    /// Deletes a chat. A process that is writing an answer in it finds [`HistoryError::NoMessage`].
    ///
    /// # Errors
    /// [`HistoryError::NoChat`]. Others by what is wrong with the file.
    pub async fn delete(&self, chat: &str) -> Result<()> {
        let chat = chat.to_owned();
        self.change(move |tx, _| write::delete(tx, &chat)).await
    }

    /// Saves a whole chat. Its streaming messages are this process's. `false`: there is one of that id, and nothing
    /// changed.
    ///
    /// # Errors
    /// By what is wrong with the file.
    pub async fn import(&self, chat: Chat) -> Result<bool> {
        self.write(move |writer| writer.run(Safety::Synced, |tx, owner| write::import(tx, owner, &chat)))
            .await
    }

    /// Lists chats, the newest first.
    ///
    /// # Errors
    /// By what is wrong with the file.
    pub async fn list(&self, wanted: Listing) -> Result<Vec<Listed>> {
        self.read(move |reader| read::list(reader.connection()?, &wanted)).await
    }

    /// Searches titles and all that was said.
    ///
    /// # Errors
    /// By what is wrong with the file.
    pub async fn search(&self, wanted: Search) -> Result<Vec<Found>> {
        self.read(move |reader| {
            let (connection, snippets) = reader.connections()?;
            search::search(connection, snippets, &wanted)
        })
        .await
    }

    /// Loads a chat with its messages from number `from` on; 0: all.
    ///
    /// # Errors
    /// [`HistoryError::NoChat`]. Others by what is wrong with the file.
    pub async fn load(&self, chat: &str, from: u64) -> Result<Chat> {
        let chat = chat.to_owned();
        self.read(move |reader| read::load(reader.connection()?, &chat, from))
            .await
    }

    /// The highest number of a chat's messages; `None` if there is no such chat, or it has none.
    ///
    /// # Errors
    /// By what is wrong with the file.
    pub async fn newest(&self, chat: &str) -> Result<Option<u64>> {
        let chat = chat.to_owned();
        self.read(move |reader| read::newest(reader.connection()?, &chat)).await
    }

    /// The id of the newest chat of a project; of those without a project for `None`.
    ///
    /// # Errors
    /// By what is wrong with the file.
    pub async fn latest(&self, project: Option<&str>) -> Result<Option<String>> {
        let project = project.map(str::to_owned);
        self.read(move |reader| read::latest(reader.connection()?, project.as_deref()))
            .await
    }

    /// How large the history is.
    ///
    /// # Errors
    /// By what is wrong with the file.
    pub async fn size(&self) -> Result<Size> {
        self.read(|reader| retention::size(reader.connection()?)).await
    }

    /// Deletes what is too old or too much, and gives its space back; other writes go in between. Returns the number
    /// of chats that were deleted.
    ///
    /// # Errors
    /// By what is wrong with the file.
    pub async fn tidy(&self, kept: Retention) -> Result<usize> {
        let mut deleted = 0;
        loop {
            match self.change(move |tx, _| retention::prune(tx, kept, now())).await? {
                0 => break,
                more => deleted += more,
            }
            // Or what was deleted would seem to need its space still, and more would go.
            while self.change(|tx, _| retention::merge(tx)).await? {}
        }
        while self.write(|writer| retention::shrink(writer.connection()?)).await? {}
        self.write(|writer| retention::optimize(writer.connection()?)).await?;
        Ok(deleted)
    }

    /// Deletes everything, and leaves nothing of it in the file.
    ///
    /// # Errors
    /// By what is wrong with the file.
    pub async fn clear(&self) -> Result<()> {
        while self.change(|tx, _| retention::clear(tx)).await? > 0 {}
        self.compact().await
    }

    /// Writes the file anew, without what is free or deleted in it. Takes seconds where it is large.
    ///
    /// # Errors
    /// By what is wrong with the file.
    pub async fn compact(&self) -> Result<()> {
        self.write(|writer| retention::vacuum(writer.connection()?)).await
    }

    /// Reads all of the file, and puts it aside if it is damaged. Takes seconds where it is large.
    ///
    /// # Errors
    /// [`HistoryError::Corrupt`] says where it is now.
    pub async fn check(&self) -> Result<()> {
        self.write(Writer::check).await
    }

    /// What changes in the file from now on.
    pub fn changes(&self) -> Changes {
        Changes {
            history: self.clone(),
            seen: None,
        }
    }

    /// The last thing that kept a piece of a stream from being written; `None` once one has been written again.
    pub fn trouble(&self) -> watch::Receiver<Option<HistoryError>> {
        self.trouble.subscribe()
    }

    /// The last file that was put aside since this one was opened.
    pub fn replaced(&self) -> watch::Receiver<Option<Aside>> {
        self.replaced.subscribe()
    }

    /// Writes all that waits, says goodbye and closes the file: answers that are still streaming are interrupted from
    /// here on. Whatever is asked for afterwards opens it again.
    ///
    /// # Errors
    /// By what is wrong with the file.
    pub async fn close(&self) -> Result<()> {
        for message in self.pending.messages() {
            self.flush(&message).await.ok();
        }
        ask(&self.reader, Reader::close).await?;
        self.write(Writer::close).await
    }

    fn note(&self, outcome: &Result<()>) {
        let error = outcome.as_ref().err();
        if let Some(error) = error {
            tracing::warn!(%error, "a piece of an answer is not in the history yet");
        }
        self.trouble.send_if_modified(|trouble| {
            let is_new = trouble.as_ref() != error;
            *trouble = error.cloned();
            is_new
        });
    }

    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&rusqlite::Transaction<'_>, i64) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.write(move |writer| writer.run(Safety::Written, work)).await
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let outcome = ask(&self.writer, work).await;
        if let Err(HistoryError::Corrupt {
            set_aside: Some(aside), ..
        }) = &outcome
        {
            self.replaced.send_replace(Some(aside.clone()));
        }
        outcome
    }

    /// Reads. Where that shows damage, twice, the writer puts the file aside, and what took its place is read. The
    /// second look is for a file that was replaced in the middle of the first.
    async fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Reader) -> Result<T> + Clone + Send + 'static,
    ) -> Result<T> {
        for _ in 0..2 {
            match ask(&self.reader, work.clone()).await {
                Err(HistoryError::Corrupt { .. }) => ask(&self.reader, Reader::close).await?,
                outcome => return outcome,
            }
        }
        let reason = "found when it was read".to_owned();
        match self.write(move |writer| writer.damaged(reason)).await {
            Ok(()) | Err(HistoryError::Corrupt { .. }) => {}
            Err(error) => return Err(error),
        }
        ask(&self.reader, work).await
    }
}

/// Tells when the file has changed, by this process or another.
#[derive(Debug)]
pub struct Changes {
    history: History,
    seen: Option<i64>,
}

impl Changes {
    /// Waits until something has been written since the last time; the first call notes how things stand, and waits
    /// from there. May be dropped at any time.
    ///
    /// # Errors
    /// By what is wrong with the file.
    pub async fn changed(&mut self) -> Result<()> {
        loop {
            let version = self.history.read(|reader| read::version(reader.connection()?)).await?;
            let seen = self.seen.replace(version);
            if seen.is_some_and(|seen| seen != version) {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// What failed for a passing reason is tried again with the next piece.
fn keep_unwritten(pending: &Pending, message: &MessageRef, parts: Vec<super::Part>, written: &Result<()>) {
    if written.as_ref().is_err_and(HistoryError::is_passing) {
        pending.give_back(message, parts);
    }
}

async fn ask<S, T: Send + 'static>(
    jobs: &mpsc::Sender<Job<S>>,
    work: impl FnOnce(&mut S) -> Result<T> + Send + 'static,
) -> Result<T> {
    let (told, answer) = oneshot::channel();
    let job = Box::new(move |owner: &mut S| drop(told.send(work(owner))));
    jobs.send(job).await.map_err(|_| HistoryError::Closed)?;
    answer.await.map_err(|_| HistoryError::Closed)?
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work)?;
    Ok(())
}

fn serve<S>(mut owner: S, mut jobs: mpsc::Receiver<Job<S>>) {
    while let Some(job) = jobs.blocking_recv() {
        job(&mut owner);
    }
}
