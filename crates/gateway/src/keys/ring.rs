//! The keys that are valid now.

use std::fs::Permissions;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use axum::http::StatusCode;
use lenore_provider::{Error, ErrorKind, Result};
use subtle::ConstantTimeEq;

use super::file::{KeyFile, KeyRecord, hash};
use super::limit::{Limiter, Permit};
use crate::failure::Failure;
use crate::ids::hex;

/// How old what is known of the file may be.
const FRESH: Duration = Duration::from_millis(500);

/// How long a file that cannot be read is taken for one that is just being written.
const BEARABLE: Duration = Duration::from_secs(3);

/// All keys.
#[derive(Debug)]
pub(crate) struct KeyRing {
    single: Option<Arc<Key>>,
    file: Option<Mutex<Watched>>,
}

#[derive(Debug)]
struct Key {
    record: KeyRecord,
    limiter: Limiter,
}

/// What tells one state of a file from another: what is in it, and who may write it.
type Stamp = (SystemTime, u64, Permissions);

/// Which file has the keys.
#[derive(Debug)]
pub(crate) struct FileOfKeys {
    pub(crate) path: PathBuf,
    /// Whether keys are needed though it is not there.
    pub(crate) is_needed: bool,
}

/// A file, as it was when it was last looked at.
#[derive(Debug)]
struct Watched {
    path: PathBuf,
    /// Whether it was ever there, or must be: from then on nobody comes in without a key.
    is_needed: bool,
    stamp: Option<Stamp>,
    looked: Instant,
    /// Since when it cannot be read.
    failing: Option<Instant>,
    keys: Vec<Arc<Key>>,
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Caller(Option<Arc<Key>>);

impl Key {
    fn new(record: KeyRecord) -> Arc<Self> {
        Arc::new(Self { limiter: Limiter::new(&record.limits), record })
    }
}

impl KeyRing {
    pub(crate) fn new(single: Option<String>, file: Option<FileOfKeys>) -> Result<Self> {
        if single.as_ref().is_some_and(|key| key.trim().is_empty()) {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                "the key is empty; leave it out, or make one with `lenore keys add`",
            ));
        }
        let single = single.map(|key| {
            Key::new(KeyRecord {
                name: String::new(),
                sha256: hex(&hash(key.trim())),
                created: 0,
                limits: super::Limits::default(),
            })
        });
        let file = file.map(|FileOfKeys { path, is_needed }| {
            let looked = Instant::now();
            let mut watched = Watched {
                is_needed: is_needed || is_there(&path),
                path,
                stamp: None,
                looked,
                failing: None,
                keys: Vec::new(),
            };
            watched.read()?;
            Ok(Mutex::new(watched))
        });
        Ok(Self { single, file: file.transpose()? })
    }

    /// Whether clients must give a key, as is known now.
    pub(crate) fn is_needed(&self) -> bool {
        self.single.is_some() || self.listed().is_some()
    }

    /// The keys of the file, as it is now; `None` where it is not there and need not be.
    fn listed(&self) -> Option<Vec<Arc<Key>>> {
        let mut file = self.file.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        file.fresh();
        file.is_needed.then(|| file.keys.clone())
    }

    /// Who gives no key, where none is needed.
    pub(crate) fn nobody(&self) -> Caller {
        Caller(None)
    }

    /// Whose key this is. All keys are compared, each in constant time.
    pub(crate) fn caller(&self, key: Option<&str>) -> Result<Caller, Failure> {
        let listed = self.listed();
        if self.single.is_none() && listed.is_none() {
            return Ok(self.nobody());
        }
        let refused =
            |message| Err(Failure::new(StatusCode::UNAUTHORIZED, "invalid_api_key", message));
        let Some(key) = key else {
            return refused(
                "a key is needed, as Authorization: Bearer KEY or x-api-key: KEY; \
                 `lenore keys add` makes one",
            );
        };
        let sha256 = hex(&hash(key));
        let mut found = None;
        for known in self.single.iter().chain(listed.iter().flatten()) {
            if bool::from(known.record.sha256.as_bytes().ct_eq(sha256.as_bytes())) {
                found = Some(known.clone());
            }
        }
        match found {
            Some(key) => Ok(Caller(Some(key))),
            None => refused("the key is not valid; it may have been revoked"),
        }
    }
}

/// Whether there is a file of keys. Where nobody can tell, there may be.
fn is_there(path: &Path) -> bool {
    path.try_exists().unwrap_or(true)
}

impl Watched {
    /// Follows the file. One that cannot be read may be half written by hand, so what was known
    /// stays for a moment; then nobody comes in, as with one that is gone.
    fn fresh(&mut self) {
        if self.looked.elapsed() < FRESH {
            return;
        }
        self.looked = Instant::now();
        if !self.is_needed {
            if !is_there(&self.path) {
                return;
            }
            self.is_needed = true;
            tracing::warn!("there is a file of keys now; from now on clients must give a key");
        }
        if self.failing.is_none() && self.stamp == self.stamp_now() {
            return;
        }
        match self.read() {
            Ok(()) => self.failing = None,
            Err(error) => {
                let since = *self.failing.get_or_insert_with(Instant::now);
                if since.elapsed() >= BEARABLE && !self.keys.is_empty() {
                    tracing::error!(%error, "nobody comes in until the keys can be read");
                    self.keys.clear();
                }
            }
        }
    }

    fn stamp_now(&self) -> Option<Stamp> {
        let found = std::fs::metadata(&self.path).ok()?;
        Some((found.modified().ok()?, found.len(), found.permissions()))
    }

    /// A key that is as it was goes on with what it has used of its limits.
    fn read(&mut self) -> Result<()> {
        let stamp = self.stamp_now();
        let file = KeyFile::open(&self.path)?;
        let keys = file.keys().iter().map(|record| {
            let same = self.keys.iter().find(|key| key.record == *record);
            same.cloned().unwrap_or_else(|| Key::new(record.clone()))
        });
        self.keys = keys.collect();
        self.stamp = stamp;
        Ok(())
    }
}

impl Caller {
    /// What tells this caller from others.
    pub(crate) fn name(&self) -> Option<&str> {
        self.0.as_ref().map(|key| key.record.sha256.as_str())
    }

    /// Whether this model may be asked.
    pub(crate) fn check_model(&self, model: &str) -> Result<(), Failure> {
        let Some(key) = &self.0 else { return Ok(()) };
        let allowed = &key.record.limits.models;
        let fits = |allowed: &String| match allowed.strip_suffix('*') {
            Some(beginning) => model.starts_with(beginning),
            None => allowed == model,
        };
        if allowed.is_empty() || allowed.iter().any(fits) {
            return Ok(());
        }
        Err(Failure::new(
            StatusCode::FORBIDDEN,
            "model_not_allowed",
            "this key may not ask that model; /v1/models lists those that it may",
        )
        .of_param("model"))
    }

    /// Whether chats may be named. Nobody knows whose bot answers in one before it is asked there.
    pub(crate) fn check_chats(&self) -> Result<(), Failure> {
        match &self.0 {
            Some(key) if !key.record.limits.models.is_empty() => Err(Failure::new(
                StatusCode::FORBIDDEN,
                "chat_not_allowed",
                "this key may ask some models only, and so cannot name a chat; leave out \
                 x-lenore-chat, and send the conversation",
            )),
            _ => Ok(()),
        }
    }

    /// Counts one more question of a request that was let in.
    pub(crate) fn ask_again(&self) -> Result<(), Failure> {
        self.0.as_ref().map_or(Ok(()), |key| key.limiter.ask_again())
    }

    /// Lets a question for so many answers in, or says when to come back.
    pub(crate) fn enter(&self, count: usize) -> Result<Permit, Failure> {
        match &self.0 {
            Some(key) => key.limiter.enter(count),
            None => Ok(Permit::free()),
        }
    }
}
