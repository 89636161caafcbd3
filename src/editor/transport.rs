//! Standard input and output as async streams.
//!
//! Neovim gives a job's standard streams as sockets up to 0.11 and as pipes on 0.12 (measured); both can be polled, which
//! takes half the time per call that blocking threads take. Anything else (a terminal, a file) goes through tokio's
//! blocking standard streams, so that the program can be tried by hand; and so does all on Windows, whose anonymous pipes
//! cannot be polled.

use tokio::io::{AsyncRead, AsyncWrite};

#[cfg(unix)]
pub use polled::{stdin, stdout};

/// Where messages come from.
pub type Reader = Box<dyn AsyncRead + Send + Unpin>;
/// Where messages go.
pub type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// Takes over standard input.
#[cfg(not(unix))]
pub fn stdin() -> std::io::Result<Reader> {
    Ok(Box::new(tokio::io::stdin()))
}

/// Takes over standard output.
#[cfg(not(unix))]
pub fn stdout() -> std::io::Result<Writer> {
    Ok(Box::new(tokio::io::stdout()))
}

#[cfg(unix)]
mod polled {
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::net::UnixStream as StdUnixStream;

    use rustix::fs::{FileType, fstat};
    use tokio::net::{UnixStream, unix::pipe};

    use super::{Reader, Writer};

    /// Takes over standard input.
    pub fn stdin() -> io::Result<Reader> {
        let fd = io::stdin().as_fd().try_clone_to_owned()?;
        Ok(match kind(&fd)? {
            FileType::Socket => Box::new(socket(fd)?),
            FileType::Fifo => Box::new(pipe::Receiver::from_owned_fd(fd)?),
            _ => Box::new(tokio::io::stdin()),
        })
    }

    /// Takes over standard output.
    pub fn stdout() -> io::Result<Writer> {
        let fd = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(match kind(&fd)? {
            FileType::Socket => Box::new(socket(fd)?),
            FileType::Fifo => Box::new(pipe::Sender::from_owned_fd(fd)?),
            _ => Box::new(tokio::io::stdout()),
        })
    }

    fn kind(fd: &OwnedFd) -> io::Result<FileType> {
        Ok(FileType::from_raw_mode(fstat(fd)?.st_mode))
    }

    fn socket(fd: OwnedFd) -> io::Result<UnixStream> {
        let stream = StdUnixStream::from(fd);
        stream.set_nonblocking(true)?;
        UnixStream::from_std(stream)
    }
}
