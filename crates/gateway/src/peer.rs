//! Whose a connection from this machine is: on Linux the kernel tells the user of each socket.
//!
//! A server without keys answers with its owner's account, so that it must not answer every user of
//! the machine. The lists of the kernel are read for each connection once, before its first request
//! that needs it; connections that wait at the same time share a reading.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::failure::Failure;

/// Where the kernel lists the sockets of this network.
const LISTS: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// The two ends of a connection, as its client has them: its own, and the other.
pub(crate) type Ends = (SocketAddr, SocketAddr);

/// Whose a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Our own user's, or the administrator's, who can do all that we can.
    Ours,
    /// This user's.
    Another(u32),
    /// Nobody's whom the kernel lists: it has ended.
    Unlisted,
    /// Nobody can tell: it comes from another machine, or this system has no such lists.
    Unknown,
}

/// What the kernel lists, as it was read last.
#[derive(Debug, Default)]
pub(crate) struct Peers(Mutex<Option<(Instant, Arc<Users>)>>);

type Users = HashMap<Ends, u32>;

impl Peers {
    /// Whose the connection is with these ends, which is there since `since`.
    pub(crate) async fn owner(&self, (client, server): Ends, since: Instant) -> Owner {
        let client = plain(client);
        if !client.ip().is_loopback() {
            return Owner::Unknown;
        }
        let mut known = self.0.lock().await;
        let users = match &*known {
            Some((read, users)) if *read > since => users.clone(),
            _ => {
                let begin = Instant::now();
                let port = server.port();
                let read = tokio::task::spawn_blocking(move || read(port)).await;
                let Ok(Ok(users)) = read else { return Owner::Unknown };
                let users = Arc::new(users);
                *known = Some((begin, users.clone()));
                users
            }
        };
        drop(known);
        match users.get(&(client, plain(server))) {
            Some(0) => Owner::Ours,
            Some(user) if Some(*user) == own_user() => Owner::Ours,
            Some(user) => Owner::Another(*user),
            None => Owner::Unlisted,
        }
    }
}

impl Owner {
    /// Why this one needs a key, where he does.
    pub(crate) fn refused(self) -> Option<Failure> {
        let who = match self {
            Self::Ours | Self::Unknown => return None,
            Self::Another(user) => format!("the user {user} of this machine is not the server's"),
            Self::Unlisted => "nobody can tell whose this connection is".to_owned(),
        };
        let message = format!(
            "{who}, and without keys it answers its own user alone; that user makes one with \
             `lenore keys add NAME`, and it is given as Authorization: Bearer KEY or x-api-key: KEY"
        );
        Some(Failure::new(axum::http::StatusCode::UNAUTHORIZED, "invalid_api_key", message))
    }
}

/// Our own user.
fn own_user() -> Option<u32> {
    #[cfg(unix)]
    return Some(rustix::process::geteuid().as_raw());
    #[cfg(not(unix))]
    None
}

/// The users of the sockets whose other end has this port.
fn read(port: u16) -> io::Result<Users> {
    let mut users = Users::new();
    let mut failed = None;
    for list in LISTS {
        match std::fs::read_to_string(list) {
            Ok(text) => users.extend(text.lines().filter_map(|line| user(line, port))),
            // A system without IPv6 has one list.
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) if users.is_empty() => Err(error),
        _ => Ok(users),
    }
}

/// The ends of a socket, and its user, where its other end has this port.
fn user(line: &str, port: u16) -> Option<(Ends, u32)> {
    let mut fields = line.split_ascii_whitespace();
    let (own, other) = (fields.nth(1)?, fields.next()?);
    if u16::from_str_radix(other.rsplit(':').next()?, 16).ok()? != port {
        return None;
    }
    let user = fields.nth(4)?.parse().ok()?;
    Some(((end(own)?, end(other)?), user))
}

/// An end: the address in words of the machine's own order, and the port.
fn end(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| {
        let word = u32::from_str_radix(address.get(at * 8..at * 8 + 8)?, 16).ok()?;
        Some(word.to_ne_bytes())
    };
    let ip: IpAddr = match address.len() {
        8 => Ipv4Addr::from(word(0)?).into(),
        32 => {
            let mut bytes = [0; 16];
            for at in 0..4 {
                bytes[at * 4..at * 4 + 4].copy_from_slice(&word(at)?);
            }
            Ipv6Addr::from(bytes).into()
        }
        _ => return None,
    };
    Some(plain(SocketAddr::new(ip, port)))
}

/// An address without what is told apart nowhere.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn lines_of_the_kernel_are_read() {
        let line = "   1: 0100007F:9C4E 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  \
                    1000        0 31337 1 0000000000000000 20 4 30 10 -1";
        let ends: Ends = (
            "127.0.0.1:40014".parse().expect("an address"),
            "127.0.0.1:8080".parse().expect("an address"),
        );
        assert_eq!(user(line, 8080), Some((ends, 1000)));
        assert_eq!(user(line, 8081), None);
        let six = "0: 00000000000000000000000001000000:9C4E 0000000000000000FFFF00000100007F:1F90 \
                   01 00000000:00000000 00:00000000 00000000 65534 0 1 1 0 20 4 30 10 -1";
        let (ends, user_of) = user(six, 8080).expect("a line");
        assert_eq!(ends.0, "[::1]:40014".parse().expect("an address"));
        assert_eq!(ends.1, "127.0.0.1:8080".parse().expect("an address"));
        assert_eq!(user_of, 65534);
        for bad in ["", "sl local_address", "1: x:y z:1F90 01 a b c d", "1: 01:02 03:1F90"] {
            assert_eq!(user(bad, 8080), None);
        }
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn our_own_connection_is_ours_and_one_that_is_not_there_is_unlisted() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = listener.local_addr().expect("bound");
        let client = tokio::net::TcpStream::connect(server).await.expect("it listens");
        let ends = (client.local_addr().expect("bound"), server);
        let peers = Peers::default();
        assert_eq!(peers.owner(ends, Instant::now()).await, Owner::Ours);
        let other = (SocketAddr::new(ends.0.ip(), 1), server);
        assert_eq!(peers.owner(other, Instant::now()).await, Owner::Unlisted);
        assert!(Owner::Unlisted.refused().is_some() && Owner::Ours.refused().is_none());
        let far = ("192.0.2.1:1".parse().expect("an address"), server);
        assert_eq!(peers.owner(far, Instant::now()).await, Owner::Unknown);
    }
}
