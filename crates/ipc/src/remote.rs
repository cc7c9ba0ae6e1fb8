//! The side that asks.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, SinkExt, StreamExt, stream};
use lenore_provider::{
    ChatRequest, Completion, Error, ErrorKind, Event, Health, Hold, Model, Provider, Result,
    Transcript,
};
use serde::de::DeserializeOwned;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_util::codec::Framed;

use crate::Address;
use crate::door::Connection;
use crate::wire::{About, Ask, Greeting, LINE, SILENCE, STOPPING, VERSION, line, lines};

type Lines = Framed<Box<dyn Connection>, tokio_util::codec::LinesCodec>;

/// A provider that another process of the same user [serves](crate::serve).
///
/// A completion asks when it is polled first, and runs in the task that polls it. Dropping it
/// closes the connection, by which the other process knows. What the request
/// [holds](ChatRequest::hold) is kept until that process says that the place is free.
#[derive(Debug)]
pub struct Remote {
    server: Server,
    about: About,
    health: RwLock<Health>,
}

impl Remote {
    /// Finds out who answers at `address`. Connecting may take `wait`, now and for each question;
    /// answers may take as long as they do.
    ///
    /// # Errors
    /// [`ErrorKind::Network`] where nobody listens there, or somebody who is none of ours;
    /// [`ErrorKind::Timeout`] where `wait` passes; [`ErrorKind::NoAccess`] where the token is not
    /// the right one; [`ErrorKind::InvalidRequest`] where the versions differ, or the address is
    /// not on this machine.
    pub async fn connect(address: impl Into<Address>, wait: Duration) -> Result<Self> {
        let address = address.into();
        if !address.is_near() {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                format!("{address} is not on this machine; a token is not sent elsewhere"),
            ));
        }
        let server = Server { address, wait };
        let about: About = server.tell(&Ask::About).await?;
        let health = RwLock::new(about.health.clone());
        Ok(Self { server, about, health })
    }

    /// Asks the other process how it is doing; [`health`](Provider::health) tells the same from
    /// then on.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn refresh_health(&self) -> Result<Health> {
        let health: Health = self.server.tell(&Ask::Health).await?;
        *self.health.write().unwrap_or_else(PoisonError::into_inner) = health.clone();
        Ok(health)
    }
}

impl Provider for Remote {
    fn name(&self) -> &str {
        &self.about.name
    }

    fn url(&self) -> &str {
        &self.about.url
    }

    fn working(&self) -> bool {
        self.about.working
    }

    fn needs_auth(&self) -> bool {
        self.about.needs_auth
    }

    fn supports_stream(&self) -> bool {
        self.about.supports_stream
    }

    fn default_model(&self) -> &str {
        &self.about.default_model
    }

    fn models(&self) -> Vec<Model> {
        self.about.models()
    }

    fn health(&self) -> Health {
        self.health.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// As [`refresh_health`](Remote::refresh_health); where that fails, the failure is the fault.
    fn check_health(&self) -> BoxFuture<'_, Health> {
        let asked = async {
            let asked = self.refresh_health().await;
            asked.unwrap_or_else(|error| Health {
                fault: Some(error.to_string()),
                ..Health::default()
            })
        };
        asked.boxed()
    }

    fn create_completion(&self, mut request: ChatRequest) -> Completion {
        // The other process has another working directory.
        for path in &mut request.attachments {
            match absolute(path) {
                Ok(found) => *path = found,
                Err(error) => return Completion::failed(error),
            }
        }
        // The text grows here in any case, so that what came of an answer that is lost is kept.
        let in_pieces = std::mem::replace(&mut request.stream, true);
        let state = State::Asking(self.server.clone(), Box::new(request));
        Completion::new(stream::unfold(state, State::step), in_pieces)
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    let found = std::path::absolute(path).map_err(|error| {
        let message = format!("the file {} cannot be named: {error}", path.display());
        Error::new(ErrorKind::Attachment, message)
    })?;
    if found.to_str().is_none() {
        let message = format!("the name of {} is no Unicode; rename the file", path.display());
        return Err(Error::new(ErrorKind::Attachment, message));
    }
    Ok(found)
}

/// Where the other process is.
#[derive(Clone, Debug)]
struct Server {
    address: Address,
    wait: Duration,
}

impl Server {
    /// Asks for something that is one line.
    async fn tell<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T> {
        let (_, reply) = self.ask(ask).await?;
        serde_json::from_str(&reply).map_err(|_| self.stranger())
    }

    /// Connects, asks, and waits for the first line in reply, which is no error.
    async fn ask(&self, ask: &Ask) -> Result<(Line, String)> {
        let (is_question, hold) = match ask {
            Ask::Complete(request) => (true, request.hold.clone()),
            _ => (false, Hold::default()),
        };
        let ask = line(ask);
        if ask.len() > LINE {
            return Err(Error::new(
                ErrorKind::TooLong,
                format!("the question is longer than {} MB; send a shorter prompt", LINE >> 20),
            ));
        }
        timeout(self.wait, self.reply(ask, is_question, hold)).await.unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::Timeout,
                format!(
                    "the process at {} does not answer within {:?}; try again, or end it",
                    self.address, self.wait
                ),
            ))
        })
    }

    async fn reply(&self, ask: String, is_question: bool, hold: Hold) -> Result<(Line, String)> {
        let socket = self.address.connect().await.map_err(|error| {
            let message = format!("nobody answers at {}: {error}", self.address);
            Error::new(ErrorKind::Network, message).with_source(error)
        })?;
        let mut connected = Line { lines: Framed::new(socket, lines()), hold };
        let lines = &mut connected.lines;
        let greeting = line(&Greeting { token: self.address.shown(), version: VERSION });
        // A server that refuses may do so before it has read everything; what it says counts.
        if lines.feed(greeting).await.is_ok() {
            let _ = lines.send(ask).await;
        }
        match lines.next().await {
            Some(Ok(reply)) => match serde_json::from_str(&reply) {
                Ok(error) => Err(error),
                Err(_) => Ok((connected, reply)),
            },
            // Whoever asks again where nobody answers must not do so with this question.
            _ if is_question => Err(Error::new(
                ErrorKind::AnswerLost,
                "the process that answers ended when it was asked; look at the site, or ask again",
            )),
            _ => Err(self.stranger()),
        }
    }

    fn stranger(&self) -> Error {
        let message = format!("the process at {} is not one that answers questions", self.address);
        Error::new(ErrorKind::Network, message)
    }
}

/// A connection, and what is kept until the other process closes it.
struct Line {
    lines: Lines,
    hold: Hold,
}

impl Drop for Line {
    fn drop(&mut self) {
        let hold = std::mem::take(&mut self.hold);
        if hold.is_empty() {
            return;
        }
        // Where no runtime runs any more, nobody asks either.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let nobody: Box<dyn Connection> = Box::new(tokio::io::empty());
        let mut lines = std::mem::replace(&mut self.lines, Framed::new(nobody, lines()));
        runtime.spawn(async move {
            let end = async {
                let connection = lines.get_mut();
                let _ = connection.shutdown().await;
                let _ = tokio::io::copy(connection, &mut tokio::io::sink()).await;
            };
            let _ = timeout(STOPPING, end).await;
            drop(hold);
        });
    }
}

/// An answer on its way.
enum State {
    Asking(Server, Box<ChatRequest>),
    Hearing(Hearing),
    Ended,
}

struct Hearing {
    line: Line,
    heard: Transcript,
}

impl State {
    /// The next event, and what follows it.
    async fn step(self) -> Option<(Result<Event>, Self)> {
        let mut hearing = match self {
            Self::Asking(server, request) => match server.ask(&Ask::Complete(request)).await {
                Ok((line, taken)) if taken.is_empty() => {
                    Hearing { line, heard: Transcript::default() }
                }
                Ok(_) => return Some((Err(server.stranger()), Self::Ended)),
                Err(error) => return Some((Err(error), Self::Ended)),
            },
            Self::Hearing(hearing) => hearing,
            Self::Ended => return None,
        };
        match hearing.event().await {
            Ok(event @ Event::Finished { .. }) => Some((Ok(event), Self::Ended)),
            Ok(event) => Some((Ok(event), Self::Hearing(hearing))),
            Err(error) => Some((Err(error), Self::Ended)),
        }
    }
}

impl Hearing {
    async fn event(&mut self) -> Result<Event> {
        loop {
            let line = match timeout(SILENCE, self.line.lines.next()).await {
                Ok(Some(Ok(line))) => line,
                Ok(_) => return Err(self.lost("ended")),
                Err(_) => return Err(self.lost("does not respond any more")),
            };
            if line.is_empty() {
                continue;
            }
            return match serde_json::from_str(&line) {
                Ok(event) => {
                    self.heard.apply(&event);
                    Ok(event)
                }
                Err(_) => Err(serde_json::from_str(&line)
                    .unwrap_or_else(|_| self.lost("said what this version does not understand"))),
            };
        }
    }

    fn lost(&mut self, what: &str) -> Error {
        let error = Error::new(
            ErrorKind::AnswerLost,
            format!("the process that answers {what}; look at the chat on the site, or ask again"),
        );
        match std::mem::take(&mut self.heard).into_text() {
            text if text.is_empty() => error,
            text => error.with_partial(text),
        }
    }
}
