//! Where the server is reached: a socket in a directory of the user's, or, where there are none of
//! that kind, a port of this machine with a token.

use std::fmt;
use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::{Path, PathBuf};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use crate::Token;

/// A connection, of either kind.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Connection for S {}

/// The socket's name in its directory.
#[cfg(unix)]
const NAME: &str = "lenore.sock";

/// The longest path of a socket that every system takes, in bytes.
#[cfg(unix)]
const MAX_SOCKET_PATH: usize = 100;

/// Where clients come in.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Port(TcpListener, Token),
    #[cfg(unix)]
    Socket(Socket),
}

/// A socket that goes with the value.
#[cfg(unix)]
#[derive(Debug)]
struct Socket {
    listener: tokio::net::UnixListener,
    path: PathBuf,
}

#[cfg(unix)]
impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Where a server is.
#[derive(Clone, Debug)]
pub struct Address(Way);

#[derive(Clone, Debug)]
enum Way {
    Port(SocketAddr, Token),
    #[cfg(unix)]
    Socket(PathBuf),
}

impl Listener {
    /// A socket in a directory, which must be the user's alone and in nobody else's use: what an
    /// earlier server left there is removed. Its path may be of any length on Linux.
    ///
    /// # Errors
    /// The socket cannot be made there.
    #[cfg(unix)]
    pub fn in_directory(directory: &Path) -> io::Result<Self> {
        use std::os::unix::fs::{FileTypeExt, PermissionsExt};
        let path = directory.join(NAME);
        if std::fs::symlink_metadata(&path).is_ok_and(|found| found.file_type().is_socket()) {
            std::fs::remove_file(&path)?;
        }
        let short = Short::of(&path)?;
        let listener = std::os::unix::net::UnixListener::bind(&short.path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        let listener = tokio::net::UnixListener::from_std(listener)?;
        Ok(Self(Kind::Socket(Socket { listener, path })))
    }

    /// A free port of this machine, with a new token.
    ///
    /// # Errors
    /// No port is free, or there is no source of randomness.
    pub async fn on_loopback() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        Ok(Self(Kind::Port(listener, Token::random()?)))
    }

    /// Where clients find it.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn address(&self) -> io::Result<Address> {
        Ok(Address(match &self.0 {
            Kind::Port(listener, token) => Way::Port(listener.local_addr()?, token.clone()),
            #[cfg(unix)]
            Kind::Socket(socket) => Way::Socket(socket.path.clone()),
        }))
    }

    /// What a client must show; nothing where the system tells who it is.
    pub(crate) fn token(&self) -> Option<Token> {
        match &self.0 {
            Kind::Port(_, token) => Some(token.clone()),
            #[cfg(unix)]
            Kind::Socket(_) => None,
        }
    }

    /// The next client; `None` for one that is not let in.
    pub(crate) async fn accept(&self) -> io::Result<Option<Box<dyn Connection>>> {
        match &self.0 {
            Kind::Port(listener, _) => {
                let (client, from) = listener.accept().await?;
                if !from.ip().is_loopback() {
                    tracing::warn!(%from, "a connection from elsewhere was closed");
                    return Ok(None);
                }
                let _ = client.set_nodelay(true);
                Ok(Some(Box::new(client)))
            }
            #[cfg(unix)]
            Kind::Socket(socket) => {
                let (client, _) = socket.listener.accept().await?;
                let user = client.peer_cred()?.uid();
                if !is_trusted(user) {
                    tracing::warn!(user, "a connection of another user was closed");
                    return Ok(None);
                }
                Ok(Some(Box::new(client)))
            }
        }
    }
}

impl From<(TcpListener, Token)> for Listener {
    fn from((listener, token): (TcpListener, Token)) -> Self {
        Self(Kind::Port(listener, token))
    }
}

impl Address {
    /// Reads what [`Address::to_announcement`] told of a server of a directory.
    #[cfg(unix)]
    pub fn announced(text: &str, directory: &Path) -> Option<Self> {
        if text == NAME { Some(Self(Way::Socket(directory.join(NAME)))) } else { port(text) }
    }

    /// Reads what [`Address::to_announcement`] told of a server of a directory.
    #[cfg(not(unix))]
    pub fn announced(text: &str, _: &std::path::Path) -> Option<Self> {
        port(text)
    }

    /// A text for a file that the user's processes alone can read. It may hold the token.
    pub fn to_announcement(&self) -> String {
        match &self.0 {
            Way::Port(address, token) => format!("{address} {}", token.to_hex()),
            #[cfg(unix)]
            Way::Socket(_) => NAME.to_owned(),
        }
    }

    /// Whether it is on this machine.
    pub(crate) fn is_near(&self) -> bool {
        match &self.0 {
            Way::Port(address, _) => address.ip().is_loopback(),
            #[cfg(unix)]
            Way::Socket(_) => true,
        }
    }

    /// What to show there, as text.
    pub(crate) fn shown(&self) -> String {
        match &self.0 {
            Way::Port(_, token) => token.to_hex(),
            #[cfg(unix)]
            Way::Socket(_) => String::new(),
        }
    }

    pub(crate) async fn connect(&self) -> io::Result<Box<dyn Connection>> {
        match &self.0 {
            Way::Port(address, _) => {
                let socket = TcpStream::connect(address).await?;
                let _ = socket.set_nodelay(true);
                Ok(Box::new(socket))
            }
            #[cfg(unix)]
            Way::Socket(path) => {
                let short = Short::of(path)?;
                let socket = tokio::net::UnixStream::connect(&short.path).await?;
                let own = rustix::process::geteuid();
                if !own.is_root() && !is_trusted(socket.peer_cred()?.uid()) {
                    return Err(io::Error::new(
                        io::ErrorKind::PermissionDenied,
                        "the socket is another user's",
                    ));
                }
                Ok(Box::new(socket))
            }
        }
    }
}

impl From<(SocketAddr, Token)> for Address {
    fn from((address, token): (SocketAddr, Token)) -> Self {
        Self(Way::Port(address, token))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Way::Port(address, _) => address.fmt(f),
            #[cfg(unix)]
            Way::Socket(path) => path.display().fmt(f),
        }
    }
}

fn port(text: &str) -> Option<Address> {
    let (address, token) = text.split_once(' ')?;
    Some(Address(Way::Port(address.parse().ok()?, token.parse().ok()?)))
}

/// The user of this process, and the one who may do everything anyway.
#[cfg(unix)]
fn is_trusted(user: u32) -> bool {
    user == 0 || user == rustix::process::geteuid().as_raw()
}

/// A path that fits into a socket's address, as long as this lives.
#[cfg(unix)]
struct Short {
    path: PathBuf,
    /// The directory that the path begins at, open.
    _directory: Option<std::fs::File>,
}

#[cfg(unix)]
impl Short {
    fn of(path: &Path) -> io::Result<Self> {
        use std::os::fd::AsRawFd;
        if path.as_os_str().len() <= MAX_SOCKET_PATH {
            return Ok(Self { path: path.to_owned(), _directory: None });
        }
        let directory = path.parent().unwrap_or(Path::new("."));
        let directory = std::fs::File::open(directory)?;
        let open = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd()));
        if !open.exists() {
            let message = "the directory's path is too long for a socket";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let path = open.join(path.file_name().unwrap_or_default());
        Ok(Self { path, _directory: Some(directory) })
    }
}
