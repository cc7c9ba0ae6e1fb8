//! Who is not let in, and what is not understood.

mod support;

use std::sync::{Arc, LazyLock};

use lenore_ipc::{Remote, Token};
use lenore_provider::{Error, ErrorKind};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::support::{FINISHED, Fake, Served, WAIT, in_time};

/// What the server says to these bytes and the end after them.
async fn said_to(served: &Served, bytes: &[u8]) -> Vec<u8> {
    let mut socket = served.socket().await;
    let (mut reader, mut writer) = socket.split();
    let mut reply = Vec::new();
    let write = async {
        // A server that has heard enough may close.
        let _ = writer.write_all(bytes).await;
        let _ = writer.shutdown().await;
    };
    let both = async { tokio::join!(write, reader.read_to_end(&mut reply)).1 };
    in_time("the end", both).await.expect("the server closes in order");
    reply
}

/// The error that the server says to these bytes.
async fn refusal(served: &Served, bytes: &[u8]) -> Error {
    let reply = said_to(served, bytes).await;
    serde_json::from_slice(&reply)
        .unwrap_or_else(|_| panic!("no error: {}", String::from_utf8_lossy(&reply)))
}

#[tokio::test]
async fn a_wrong_token_is_refused() {
    let fake = Fake::saying(vec![FINISHED]);
    let served = Served::new(fake.clone()).await;
    let wrong = Token::random().expect("randomness");
    let error = Remote::connect((served.address, wrong.clone()), WAIT).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::NoAccess);
    assert!(!format!("{error:?}").contains(&wrong.to_hex()));

    let good = served.token.to_hex();
    let ask = "{\"complete\":{}}\n";
    for token in ["", &good[1..], &format!("{good}0"), &wrong.to_hex(), "ä"] {
        let greeting = format!("{{\"token\":\"{token}\",\"version\":1}}\n{ask}");
        assert_eq!(refusal(&served, greeting.as_bytes()).await.kind(), ErrorKind::NoAccess);
    }
    assert_eq!(fake.times_asked(), 0);
    served.end().await;
}

#[tokio::test]
async fn another_version_is_told_so() {
    let served = Served::new(Fake::saying(vec![FINISHED])).await;
    let token = served.token.to_hex();
    let line = format!("{{\"token\":\"{token}\",\"version\":2,\"more\":[]}}\n\"sing\"\n");
    let error = refusal(&served, line.as_bytes()).await;
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.to_string().contains("another version"), "{error}");
    served.end().await;
}

#[tokio::test]
async fn nobody_and_strangers_are_told_apart_from_the_owner() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let connect = || Remote::connect((address, Token::random().expect("randomness")), WAIT);
    for words in ["", "HTTP/1.1 400 Bad Request\r\n\r\n", "\n\n", "{}\n", "\u{1}", "null\n"] {
        let (error, ()) = tokio::join!(connect(), async {
            let (mut socket, _) = listener.accept().await.expect("a client");
            socket.write_all(words.as_bytes()).await.expect("it reads");
        });
        assert_eq!(error.expect_err("a stranger").kind(), ErrorKind::Network, "{words:?}");
    }
    drop(listener);
    assert_eq!(connect().await.expect_err("nobody").kind(), ErrorKind::Network);
    let far: std::net::SocketAddr = "192.0.2.1:80".parse().expect("an address");
    let error = Remote::connect((far, Token::random().expect("randomness")), WAIT).await;
    assert_eq!(error.expect_err("too far").kind(), ErrorKind::InvalidRequest);
}

#[tokio::test]
async fn a_line_that_is_too_long_is_refused() {
    let served = Served::new(Fake::saying(vec![FINISHED])).await;
    // A stranger may send little, a client much.
    let error = refusal(&served, &[b'x'; 1 << 20]).await;
    assert_eq!(error.kind(), ErrorKind::TooLong);
    let mut long = served.greeting().into_bytes();
    long.resize((64 << 20) + 1_000, b'x');
    assert_eq!(refusal(&served, &long).await.kind(), ErrorKind::TooLong);
    served.end().await;
}

#[tokio::test]
async fn who_leaves_before_the_line_ends_is_not_answered() {
    let fake = Fake::saying(vec![FINISHED]);
    let served = Served::new(fake.clone()).await;
    let whole = format!("{}\"about\"", served.greeting());
    assert!(said_to(&served, b"").await.is_empty());
    // The end of the stream ends the line too.
    assert!(said_to(&served, whole.as_bytes()).await.starts_with(b"{\"name\":\"fake\""));
    assert_eq!(refusal(&served, &whole.as_bytes()[..20]).await.kind(), ErrorKind::InvalidRequest);
    served.end().await;
}

/// The clock runs ahead here whenever nobody has anything to do.
#[tokio::test]
async fn a_client_that_asks_nothing_is_sent_away() {
    let served = Served::new(Fake::saying(vec![FINISHED])).await;
    for words in [String::new(), "{\"tok".into(), served.greeting()] {
        let mut socket = served.socket().await;
        socket.write_all(words.as_bytes()).await.expect("it reads");
        // A whole exchange after it: the server has heard the words by now.
        served.remote().await;
        tokio::time::pause();
        let mut reply = String::new();
        socket.read_to_string(&mut reply).await.expect("text");
        tokio::time::resume();
        let error: Error = serde_json::from_str(&reply).expect("an error");
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.to_string().contains("in time"), "{error}");
    }
    served.end().await;
}

/// A server for all the cases of a property.
static SERVER: LazyLock<(Runtime, Arc<Fake>, Served)> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("a runtime");
    let fake = Fake::saying(vec![FINISHED]);
    let served = runtime.block_on(Served::new(fake.clone()));
    (runtime, fake, served)
});

/// Nothing that such bytes hold is ever asked or said back, and the server lives on.
fn check_garbage(bytes: &[u8]) -> Result<(), TestCaseError> {
    let (runtime, fake, served) = &*SERVER;
    let reply = runtime.block_on(said_to(served, bytes));
    if !reply.is_empty() {
        let text = String::from_utf8_lossy(&reply);
        let error = serde_json::from_slice::<Error>(&reply);
        let kind = error.map_err(|_| TestCaseError::fail(format!("{text:?} is no error")))?.kind();
        let expected = [ErrorKind::InvalidRequest, ErrorKind::NoAccess, ErrorKind::TooLong];
        prop_assert!(expected.contains(&kind), "{}", text);
    }
    prop_assert_eq!(fake.times_asked(), 0);
    runtime.block_on(served.remote());
    Ok(())
}

/// Bytes, and text that comes close to what is right.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let close =
        r#"(\{|\}|"|token|version|complete|model|messages|:|,|\[|\]|1|null|\n|\r|é|\\u0000){0,40}"#;
    prop_oneof![prop::collection::vec(any::<u8>(), 0..600), close.prop_map(String::into_bytes),]
}

proptest! {
    #![proptest_config(ProptestConfig {
        // As many as `PROPTEST_CASES` says, where it does.
        cases: ProptestConfig::default().cases.max(200),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_first_line_is_survived(bytes in garbage()) {
        check_garbage(&bytes)?;
    }

    #[test]
    fn any_question_is_survived(bytes in garbage()) {
        let mut whole = SERVER.2.greeting().into_bytes();
        whole.extend(bytes);
        check_garbage(&whole)?;
    }
}
