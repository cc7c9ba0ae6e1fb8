//! Bodies of requests: each read within bounds of size, time and pieces, all together within a
//! budget of bytes, and parsed within a small multiple of their size.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::failure::Failure;
use crate::limits::{
    BODIES_BYTES, BODY_CHUNKS, BODY_VALUES_BYTES, CHUNK_BYTES, Limit, SMALL_BODY_BYTES,
    VALUES_PER_BYTE,
};

/// Bytes of a value, and of an object beside its values, as they are held once they are parsed.
const VALUE: usize = 48;
const OBJECT: usize = 640;

/// Larger bodies are parsed where they hold nobody up, so many at once.
const QUICK: usize = 64 * 1024;
const AT_ONCE: usize = 2;

/// What bounds a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Its bytes.
    pub(crate) size: usize,
    /// How long it may take.
    pub(crate) time: Duration,
}

/// Bytes for the bodies of all requests, and of what is made of them.
#[derive(Debug)]
pub(crate) struct Budget {
    all: usize,
    taken: Mutex<Taken>,
    parsing: Semaphore,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// By whose they are.
    each: HashMap<Option<String>, usize>,
}

/// Bytes of the budget, until they are dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    owner: Option<String>,
    bytes: usize,
}

impl Budget {
    /// A budget for bodies of which the largest has so many bytes.
    pub(crate) fn new(all: Option<usize>, largest: usize) -> Arc<Self> {
        let all = all.unwrap_or_else(|| BODIES_BYTES.max(largest.saturating_mul(8)));
        let parsing = Semaphore::new(AT_ONCE);
        Arc::new(Self { all, taken: Mutex::default(), parsing })
    }

    /// Nothing yet, for this caller. Where no keys are needed, there is one for all.
    pub(crate) fn share(self: &Arc<Self>, owner: Option<&str>) -> Share {
        Share { budget: self.clone(), owner: owner.map(str::to_owned), bytes: 0 }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Takes more bytes.
    ///
    /// # Errors
    /// 429 where there are not so many; 413 where there never are.
    fn grow(&mut self, more: usize) -> Result<(), Failure> {
        let Budget { all, .. } = *self.budget;
        // What is small may still come in when large ones have taken their part.
        let wanted = self.bytes.saturating_add(more);
        let reserve = |bytes: usize| if wanted <= SMALL_BODY_BYTES { 0 } else { bytes / 8 };
        let each = if self.owner.is_some() { all / 2 } else { all };
        let (of_all, of_each) = (all - reserve(all), each - reserve(each));
        if wanted > of_all.min(of_each) {
            let what = format!("the body needs more than the {all} bytes for all bodies allow");
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return Err(Limit::BodiesBytes.failure(status, "request_too_large", &what));
        }
        let mut taken = self.budget.taken();
        if taken.all + more > of_all {
            let what = format!("the bodies of other requests have the {all} bytes for all of them");
            return Err(Limit::BodiesBytes.busy("rate_limit_exceeded", &what));
        }
        let each = taken.each.entry(self.owner.clone()).or_default();
        if *each + more > of_each {
            let what = format!("the bodies of this key have the {of_each} bytes for all of them");
            return Err(Limit::BodiesBytesPerKey.busy("rate_limit_exceeded", &what));
        }
        *each += more;
        taken.all += more;
        drop(taken);
        self.bytes += more;
        Ok(())
    }

    /// Gives back what is beyond so many bytes.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let less = self.bytes.saturating_sub(bytes);
        self.bytes -= less;
        let mut taken = self.budget.taken();
        taken.all -= less;
        if let Some(each) = taken.each.get_mut(&self.owner) {
            *each -= less;
            if *each == 0 {
                taken.each.remove(&self.owner);
            }
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

/// Reads a body.
///
/// # Errors
/// 413 where it is too large, 408 where it does not come, 429 where others have the budget.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    bounds: Bounds,
    share: &mut Share,
) -> Result<Vec<u8>, Failure> {
    let Bounds { size, time } = bounds;
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let length = length.and_then(|length| length.parse::<usize>().ok());
    if length.is_some_and(|length| length > size) {
        return Err(too_large(size));
    }
    let read = async {
        // Memory that nothing was written to is not held yet.
        let mut bytes = Vec::with_capacity(length.unwrap_or_default());
        let mut chunks = body.into_data_stream();
        let mut count = 0;
        while let Some(chunk) = chunks.next().await {
            let chunk: Bytes = chunk.map_err(|error| broken(&error, size))?;
            if bytes.len() + chunk.len() > size {
                return Err(too_large(size));
            }
            count += 1;
            if count > BODY_CHUNKS + bytes.len() / CHUNK_BYTES {
                let what = format!("the body comes in {count} pieces, most of them tiny");
                let status = StatusCode::PAYLOAD_TOO_LARGE;
                return Err(Limit::BodyChunks.failure(status, "request_too_large", &what));
            }
            share.grow(chunk.len())?;
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    };
    tokio::time::timeout(time, read).await.unwrap_or_else(|_| {
        let what = format!("the body did not come within {time:?}");
        let failure =
            Limit::BodyTime.failure(StatusCode::REQUEST_TIMEOUT, "request_timeout", &what);
        Err(failure.with_retry_after(Duration::from_secs(1)))
    })
}

fn too_large(most: usize) -> Failure {
    let what = format!("the body is larger than the {most} bytes that this server takes");
    Limit::BodyBytes.failure(StatusCode::PAYLOAD_TOO_LARGE, "request_too_large", &what)
}

/// Either a limit on the way, or a connection that broke, which nobody will read about.
fn broken(error: &axum::Error, size: usize) -> Failure {
    let source = std::error::Error::source(error);
    if source.is_some_and(|source| source.to_string().contains("length limit")) {
        return too_large(size);
    }
    Failure::invalid("the body broke off")
}

/// Parses a body. What it was read into is given back; `Err` has it, and what is wrong.
///
/// # Errors
/// 413 where it has too many values for its size.
pub(crate) async fn parse(
    bytes: Vec<u8>,
    share: &mut Share,
) -> Result<Result<Value, (Vec<u8>, serde_json::Error)>, Failure> {
    let length = bytes.len();
    let work = move || {
        let weight = weigh(&bytes);
        let most = VALUES_PER_BYTE * length + BODY_VALUES_BYTES;
        if weight > most {
            let what = format!(
                "the values of the body need about {weight} bytes once they are parsed, and {most} \
                 is what a body of its size may need"
            );
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return Err(Limit::BodyValues.failure(status, "request_too_large", &what));
        }
        Ok((weight, bytes))
    };
    let parse = |bytes: Vec<u8>| match serde_json::from_slice(&bytes) {
        Ok(value) => Ok(value),
        Err(error) => Err((bytes, error)),
    };
    if length <= QUICK {
        let (weight, bytes) = work()?;
        share.grow(length + weight)?;
        let parsed = parse(bytes);
        share.shrink_to(length + weight);
        return Ok(parsed);
    }
    let budget = share.budget.clone();
    let _turn = budget.parsing.acquire().await;
    let broke_off = |_| Failure::invalid("the body cannot be parsed");
    let (weight, bytes) = tokio::task::spawn_blocking(work).await.map_err(broke_off)??;
    share.grow(length + weight)?;
    let parsed = tokio::task::spawn_blocking(move || parse(bytes)).await.map_err(broke_off)?;
    share.shrink_to(length + weight);
    Ok(parsed)
}

/// About how many bytes the values of a JSON text need, beside its texts. What is no JSON has some
/// weight, too.
fn weigh(bytes: &[u8]) -> usize {
    let (mut values, mut objects) = (1, 0);
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => {
                while let Some(byte) = rest.next() {
                    match byte {
                        b'\\' => drop(rest.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            b',' | b'[' => values += 1,
            b'{' => {
                values += 1;
                objects += 1;
            }
            _ => {}
        }
    }
    values * VALUE + objects * OBJECT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_outside_of_texts() {
        assert_eq!(weigh(b"7"), VALUE);
        assert_eq!(weigh(br#"{"a, [{": "\"[,{", "b": [1, 2]}"#), 5 * VALUE + OBJECT);
        assert_eq!(weigh(br#""never ends\"#), VALUE);
        assert!(weigh("[],".repeat(1000).as_bytes()) >= 2000 * VALUE);
    }

    #[test]
    fn a_budget_is_taken_and_given_back() {
        const MB: usize = 1024 * 1024;
        let budget = Budget::new(Some(80 * MB), 0);
        let mut ada = budget.share(Some("ada"));
        ada.grow(35 * MB).expect("half of it, less what is for small ones");
        let failure = ada.grow(1).expect_err("no more for one key");
        assert_eq!(failure.status, StatusCode::PAYLOAD_TOO_LARGE, "of one body");
        let mut small = budget.share(Some("ada"));
        small.grow(MB).expect("a small one of the same key");
        let failure = budget.share(Some("ada")).grow(5 * MB).expect_err("not another large one");
        assert_eq!(failure.limit(), Some(Limit::BodiesBytesPerKey));
        assert_eq!(failure.status, StatusCode::TOO_MANY_REQUESTS);
        let mut bob = budget.share(Some("bob"));
        bob.grow(34 * MB).expect("for others there is");
        let failure = bob.grow(MB).expect_err("the rest is for small ones");
        assert_eq!(failure.limit(), Some(Limit::BodiesBytes));
        let mut eve = budget.share(None);
        eve.grow(MB).expect("a small one");
        ada.shrink_to(MB);
        bob.grow(MB).expect("there is room again");
        drop((ada, small, bob, eve));
        let taken = budget.taken();
        assert!(taken.all == 0 && taken.each.is_empty(), "{taken:?}");
    }
}
