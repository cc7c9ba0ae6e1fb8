//! What a client is told whose request never came as far as the routes: the head was none, too
//! large or too slow, or there was no place. In the form of its wire, as every other refusal.

use std::time::Duration;

use axum::http::StatusCode;

use crate::failure::{Failure, Wire};
use crate::ids;
use crate::limits::{HEAD_BYTES, HEAD_FIELDS, Limit};

/// So much of a head is kept, to know whose wire it speaks.
const KEPT: usize = 2048;

/// The beginning of a request's head.
#[derive(Debug, Default)]
pub(crate) struct Head {
    bytes: Vec<u8>,
    /// How many bytes there were.
    length: usize,
}

impl Head {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        let room = KEPT - self.bytes.len().min(KEPT);
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Whose wire it speaks.
    pub(crate) fn wire(&self) -> Wire {
        let path = self.bytes.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        let named = self.bytes.to_ascii_lowercase();
        let is_named = named.windows(18).any(|window| window == b"\nanthropic-version");
        Wire::of(&String::from_utf8_lossy(path), is_named)
    }

    /// Whether the address is no text.
    fn is_not_utf8(&self) -> bool {
        let line = self.bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        std::str::from_utf8(line).is_err_and(|error| error.error_len().is_some())
    }

    /// What is wrong with a head that was answered so by the HTTP layer.
    fn failure(&self, status: StatusCode) -> Failure {
        match status {
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE if self.length < HEAD_BYTES => {
                let what = format!("the head has more than {HEAD_FIELDS} fields");
                Limit::HeadFields.failure(status, "request_header_fields_too_large", &what)
            }
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
                let what = format!("the head is larger than {HEAD_BYTES} bytes");
                Limit::HeadBytes.failure(status, "request_header_fields_too_large", &what)
            }
            StatusCode::URI_TOO_LONG => {
                let what = format!("the address is longer than a head may be, {HEAD_BYTES} bytes");
                Limit::HeadBytes.failure(status, "uri_too_long", &what)
            }
            _ if self.is_not_utf8() => Failure::invalid("the address of the request is not UTF-8"),
            _ => Failure::invalid("that is no HTTP/1.1 request"),
        }
    }
}

/// What is to be sent in the place of a refusal that the HTTP layer made by itself, which has no
/// body; `None` where these bytes are something else. Beside it stands the limit that was met.
pub(crate) fn instead_of(bytes: &[u8], head: &Head) -> Option<(Vec<u8>, Option<Limit>)> {
    let rest = bytes.strip_prefix(b"HTTP/1.1 ")?;
    let status = [400, 414, 431].into_iter().find(|status: &u16| {
        rest.strip_prefix(status.to_string().as_bytes()).is_some_and(|rest| rest.starts_with(b" "))
    })?;
    let text = std::str::from_utf8(bytes).ok()?;
    // Whatever passed the routes has a name.
    let is_bare = text.ends_with("\r\n\r\n") && !text.contains("x-request-id");
    if !is_bare {
        return None;
    }
    let failure = head.failure(StatusCode::from_u16(status).ok()?);
    Some((response(&failure, head.wire()), failure.limit()))
}

/// The head did not come in time.
pub(crate) fn too_slow(wait: Duration, head: &Head) -> Vec<u8> {
    let what = format!("the head did not come within {wait:?}");
    let failure = Limit::HeadTime.failure(StatusCode::REQUEST_TIMEOUT, "request_timeout", &what);
    response(&failure.with_retry_after(Duration::from_secs(1)), head.wire())
}

/// There is no place for a connection.
pub(crate) fn no_place(limit: Limit, room: usize) -> Vec<u8> {
    let what = match limit {
        Limit::ConnectionsPerAddress => {
            format!("{room} connections of this address are open, as many as may be")
        }
        _ => format!("{room} connections are open, as many as may be"),
    };
    response(&limit.busy("too_many_connections", &what), Wire::OpenAi)
}

/// A whole response, after which the connection ends.
fn response(failure: &Failure, wire: Wire) -> Vec<u8> {
    let id = ids::new("req_");
    let body = failure.body(wire, &id).to_string();
    let mut head = format!(
        "HTTP/1.1 {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\nx-request-id: {id}\r\nrequest-id: {id}\r\n",
        failure.status,
        body.len(),
    );
    for (name, value) in failure.headers().iter() {
        let value = value.to_str().unwrap_or_default();
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    format!("{head}\r\n{body}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(bytes: &[u8]) -> Head {
        let mut head = Head::default();
        head.add(bytes);
        head
    }

    #[test]
    fn a_bare_refusal_gets_a_body_in_the_form_of_its_wire() {
        let bare = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n";
        let (bytes, limit) =
            instead_of(bare, &head(b"POST /v1/messages HTTP/1.1\r\nx: y")).expect("it is replaced");
        let text = String::from_utf8(bytes).expect("UTF-8");
        assert!(text.contains("\"type\":\"error\"") && text.contains("head_fields"), "{text}");
        assert_eq!(limit, Some(Limit::HeadFields));
        let large = head(&[b'x'; 70_000]);
        let (bytes, limit) = instead_of(bare, &large).expect("it is replaced");
        assert_eq!(limit, Some(Limit::HeadBytes));
        assert!(String::from_utf8_lossy(&bytes).contains("65536"));
        assert!(large.bytes.len() <= KEPT);
    }

    #[test]
    fn an_address_that_is_no_text_is_told_as_that() {
        let bare = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        let (bytes, _) = instead_of(bare, &head(b"GET /\xff HTTP/1.1\r\n")).expect("replaced");
        let text = String::from_utf8(bytes).expect("UTF-8");
        assert!(
            text.contains("not UTF-8") && text.contains("\"code\":\"invalid_value\""),
            "{text}"
        );
    }

    #[test]
    fn what_passed_the_routes_stays() {
        for bytes in [
            &b"HTTP/1.1 400 Bad Request\r\nx-request-id: a\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 4000 x\r\n\r\n",
            b"HTTP/1.1 400 Bad Request\r\ncontent-le",
            b"data: x\n\n",
            b"",
        ] {
            assert!(instead_of(bytes, &Head::default()).is_none());
        }
    }

    #[test]
    fn the_wire_is_known_by_the_path_or_by_the_clients_header() {
        for (bytes, wire) in [
            (&b"POST /v1/messages HTTP/1.1\r\n"[..], Wire::Anthropic),
            (b"GET /v1/models HTTP/1.1\r\nAnthropic-Version: 2023-06-01\r\n", Wire::Anthropic),
            (b"GET /v1/models HTTP/1.1\r\n", Wire::OpenAi),
            (b"", Wire::OpenAi),
            (b"\xff\xfe", Wire::OpenAi),
        ] {
            assert_eq!(head(bytes).wire(), wire);
        }
    }
}
