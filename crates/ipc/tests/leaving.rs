//! Whoever leaves, in whatever way, leaves nothing running at the other end.

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use lenore_ipc::{Remote, Token};
use lenore_provider::{ChatRequest, ErrorKind, Hold, Provider};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::oneshot::{self, error::TryRecvError};

use crate::support::{FINISHED, Fake, Served, WAIT, delta, in_time, question};

#[tokio::test]
async fn a_completion_that_is_dropped_stops_the_answer() {
    for events in [vec![], vec![delta("so far")]] {
        let fake = Fake::stuck_after(events.clone());
        let served = Served::new(fake.clone()).await;
        let mut completion = served.remote().await.create_completion(question("go on"));
        let polled = async {
            for _ in &events {
                in_time("an event", completion.next()).await.expect("one").expect("no error");
            }
            completion.next().await
        };
        tokio::select! {
            event = polled => panic!("the provider says nothing, yet there is {event:?}"),
            () = fake.alive(1) => {}
        }
        drop(completion);
        fake.alive(0).await;
        served.end().await;
    }
}

#[tokio::test]
async fn a_place_is_kept_until_the_provider_has_freed_it() {
    for (events, is_dropped) in
        [(vec![], true), (vec![delta("so far")], true), (vec![FINISHED], false)]
    {
        let place = Arc::new(Mutex::new(Hold::default()));
        let fake = Fake::new({
            let (events, place) = (events.clone(), place.clone());
            move |request| {
                *place.lock().expect("no panic") = request.hold.clone();
                stream::iter(events.clone().into_iter().map(Ok)).chain(stream::pending()).boxed()
            }
        });
        let served = Served::new(fake.clone()).await;
        let remote = served.remote().await;
        let (kept, mut is_free) = oneshot::channel::<()>();
        let request = ChatRequest { hold: Hold::new(Arc::new(kept)), ..question("go on") };
        let mut completion = remote.create_completion(request);
        for _ in &events {
            in_time("an event", completion.next()).await.expect("one").expect("no error");
        }
        if is_dropped {
            tokio::select! {
                event = completion.next() => panic!("the provider says nothing, yet {event:?}"),
                () = fake.alive(1) => {}
            }
        }
        drop(completion);
        fake.alive(0).await;
        remote.refresh_health().await.expect("it is there");
        assert_eq!(is_free.try_recv(), Err(TryRecvError::Empty), "{events:?}");
        *place.lock().expect("no panic") = Hold::default();
        in_time("the place", is_free).await.expect_err("it was dropped");
        served.end().await;
    }
}

#[tokio::test]
async fn a_server_that_ends_keeps_no_place() {
    let places = Arc::new(Mutex::new(Vec::new()));
    let fake = Fake::new({
        let places = places.clone();
        move |request| {
            places.lock().expect("no panic").push(request.hold.clone());
            stream::iter([Ok(delta("so far"))]).chain(stream::pending()).boxed()
        }
    });
    let served = Served::new(fake.clone()).await;
    let (kept, is_free) = oneshot::channel::<()>();
    let request = ChatRequest { hold: Hold::new(Arc::new(kept)), ..question("go on") };
    let mut completion = served.remote().await.create_completion(request);
    in_time("an event", completion.next()).await.expect("one").expect("no error");
    drop(completion);
    fake.alive(0).await;
    served.end().await;
    in_time("the place", is_free).await.expect_err("it was dropped");
}

#[tokio::test]
async fn nothing_is_asked_for_a_completion_that_is_never_read() {
    let fake = Fake::saying(vec![FINISHED]);
    let served = Served::new(fake.clone()).await;
    drop(served.remote().await.create_completion(question("never mind")));
    served.end().await;
    assert_eq!(fake.times_asked(), 0);
}

#[tokio::test]
async fn a_client_that_dies_stops_the_answer() {
    // A socket that closes in order, one that is reset, and one that closes its sending end only.
    for how in ["close", "reset", "half"] {
        let fake = Fake::stuck_after(vec![delta("so far")]);
        let served = Served::new(fake.clone()).await;
        let mut socket = served.socket().await;
        let ask = format!(
            "{}{{\"complete\":{}}}\n",
            served.greeting(),
            serde_json::to_string(&question("go on")).expect("plain data")
        );
        socket.write_all(ask.as_bytes()).await.expect("it reads");
        fake.alive(1).await;
        match how {
            "close" => drop(socket),
            "reset" => {
                socket.set_zero_linger().expect("a socket");
                drop(socket);
            }
            _ => {
                socket.shutdown().await.expect("a socket");
                let mut rest = String::new();
                in_time("the end", socket.read_to_string(&mut rest)).await.expect("text");
            }
        }
        fake.alive(0).await;
        served.end().await;
    }
}

#[tokio::test]
async fn a_client_that_takes_nothing_stops_the_answer_when_it_dies() {
    let piece = delta(&"x".repeat(1 << 20));
    let fake = Fake::saying(vec![piece; 100]);
    let served = Served::new(fake.clone()).await;
    let mut completion = served.remote().await.create_completion(question("much"));
    in_time("an event", completion.next()).await.expect("one").expect("no error");
    drop(completion);
    fake.alive(0).await;
    served.end().await;
}

#[tokio::test]
async fn a_server_that_dies_loses_the_answer_and_not_what_was_heard() {
    let fake = Fake::stuck_after(vec![delta("so far "), delta("so good")]);
    let served = Served::new(fake.clone()).await;
    let mut completion = served.remote().await.create_completion(question("go on"));
    for _ in 0..2 {
        in_time("an event", completion.next()).await.expect("one").expect("no error");
    }
    served.kill().await;
    let error = in_time("the loss", completion.next()).await.expect("an end").expect_err("lost");
    assert_eq!(error.kind(), ErrorKind::AnswerLost);
    assert_eq!(error.partial(), Some("so far so good"));
    assert!(completion.next().await.is_none());
    fake.alive(0).await;
}

#[tokio::test]
async fn a_server_that_ends_before_it_takes_the_question_is_no_reason_to_ask_again() {
    let served = Served::new(Fake::saying(vec![FINISHED])).await;
    let remote = served.remote().await;
    let address = served.address;
    served.end().await;
    let nobody = in_time("the refusal", remote.create_completion(question("?")).text()).await;
    assert_eq!(nobody.expect_err("nobody listens").kind(), ErrorKind::Network);

    let listener = TcpListener::bind(address).await.expect("the port is free again");
    let (asked, ()) = tokio::join!(remote.create_completion(question("?")).text(), async {
        let (socket, _) = listener.accept().await.expect("a client");
        let mut lines = BufReader::new(socket).lines();
        for _ in 0..2 {
            lines.next_line().await.expect("text").expect("a line");
        }
    });
    assert_eq!(asked.expect_err("it ended").kind(), ErrorKind::AnswerLost);
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let token = Token::random().expect("randomness");
    let mute = Remote::connect((address, token), Duration::from_millis(200)).await;
    assert_eq!(mute.expect_err("it says nothing").kind(), ErrorKind::Timeout);
}

/// The clock runs ahead here whenever nobody has anything to do.
#[tokio::test]
async fn a_server_that_hangs_in_an_answer_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let server = tokio::spawn(async move {
        let about = r#"{"name":"","url":"","working":true,"needs_auth":false,"supports_stream":true,"default_model":"","models":[],"health":{"fault":null,"signed_in":null,"running":0,"waiting":0,"limit":null,"pages":0,"restarts":0}}"#;
        let mut open = Vec::new();
        for reply in [about, "\n{\"type\":\"delta\",\"text\":\"so far\"}"] {
            let (mut socket, _) = listener.accept().await.expect("a client");
            socket.write_all(format!("{reply}\n").as_bytes()).await.expect("it reads");
            open.push(socket);
        }
        std::future::pending::<()>().await;
    });
    let token = Token::random().expect("randomness");
    let remote = in_time("connecting", Remote::connect((address, token), WAIT)).await;
    let mut completion = remote.expect("it answers").create_completion(question("go on"));
    in_time("an event", completion.next()).await.expect("one").expect("no error");
    tokio::time::pause();
    let error = completion.next().await.expect("an end").expect_err("it hangs");
    assert_eq!((error.kind(), error.partial()), (ErrorKind::AnswerLost, Some("so far")));
    server.abort();
}

/// An answer may be silent for longer than a dead server: the live one says so.
#[tokio::test]
async fn a_provider_that_thinks_for_long_is_waited_for() {
    let fake = Fake::new(|_| {
        use futures_util::StreamExt;
        let thought = async {
            tokio::time::sleep(Duration::from_secs(600)).await;
            Ok(delta("42"))
        };
        futures_util::stream::once(thought)
            .chain(futures_util::stream::iter([Ok(FINISHED)]))
            .boxed()
    });
    let served = Served::new(fake.clone()).await;
    let answer = served.remote().await.create_completion(question("everything")).text();
    let answer = tokio::spawn(answer);
    fake.alive(1).await;
    tokio::time::pause();
    assert_eq!(answer.await.expect("no panic").expect("an end"), "42");
    served.end().await;
}

#[tokio::test]
async fn a_server_that_ends_tells_all_who_wait() {
    let fake = Fake::stuck_after(vec![delta(&"x".repeat(8 << 20))]);
    let served = Served::new(fake.clone()).await;
    let remote = served.remote().await;
    // One who listens, one who takes nothing, one who has not asked yet.
    let mut listening = remote.create_completion(question("go on"));
    in_time("an event", listening.next()).await.expect("one").expect("no error");
    let mut deaf = served.socket().await;
    let ask = serde_json::to_string(&question("go on")).expect("plain data");
    let ask = format!("{}{{\"complete\":{ask}}}\n", served.greeting());
    deaf.write_all(ask.as_bytes()).await.expect("it reads");
    let mut mute = served.socket().await;
    fake.alive(2).await;
    let heard = async {
        let error = listening.next().await.expect("an end").expect_err("it ends");
        let mut last = String::new();
        mute.read_to_string(&mut last).await.expect("text");
        (error.kind(), last)
    };
    let ((), (kind, last)) = tokio::join!(served.end(), in_time("the end", heard));
    assert_eq!(kind, ErrorKind::Cancelled);
    assert!(last.contains("\"cancelled\""), "{last}");
    fake.alive(0).await;
    drop(deaf);
}
