//! The end: nothing new, running answers finish or are told, and then it is over.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::net::TcpStream;

use crate::support::{
    Fake, Server, Step, Wire, delta, finished, in_time, request, script, started,
};

const PATH: &str = "/v1/chat/completions";

fn ask(words: &str, stream: bool) -> String {
    let messages = json!([{ "role": "user", "content": words }]);
    request("POST", PATH, &[], &json!({ "messages": messages, "stream": stream }).to_string())
}

#[tokio::test]
async fn a_running_answer_may_finish() {
    let pause = Step::Wait(Duration::from_millis(300));
    let mut server =
        Server::start([started(), delta("one "), pause, delta("two"), finished()]).await;
    let mut streamed = Wire::open(server.address).await;
    streamed.send(ask("hi", true)).await;
    streamed.until("one ").await;
    let mut whole = Wire::open(server.address).await;
    whole.send(ask("hi", false)).await;
    server.fake.until_running(2).await;
    let idle = Wire::open(server.address).await;
    server.shut_down();
    let rest = String::from_utf8(streamed.rest().await).expect("UTF-8");
    assert!(rest.contains("two") && rest.contains("[DONE]"), "{rest}");
    let whole = whole.reply().await.with_status(200).json();
    assert_eq!(whole["choices"][0]["message"]["content"], "one two");
    drop(idle);
    let address = server.address;
    server.ended().await;
    TcpStream::connect(address).await.expect_err("nobody listens any more");
}

#[tokio::test]
async fn what_does_not_finish_is_told_and_stopped() {
    let grace = Duration::from_millis(200);
    let mut server = Server::graceful(Fake::new(script), |builder| builder, grace).await;
    let mut streamed = Wire::open(server.address).await;
    streamed.send(ask("[endless]", true)).await;
    streamed.until("quoth").await;
    let mut whole = Wire::open(server.address).await;
    whole.send(ask("[endless]", false)).await;
    server.fake.until_running(2).await;
    let begin = Instant::now();
    server.shut_down();
    let rest = String::from_utf8(streamed.rest().await).expect("UTF-8");
    assert!(rest.contains("server_ending") && !rest.contains("[DONE]"), "{rest}");
    let whole = whole.reply().await.with_status(503);
    assert_eq!(whole.header("x-should-retry"), Some("false"), "the bot was asked");
    assert_eq!(whole.json()["error"]["code"], "server_ending");
    let fake = server.ended().await;
    assert_eq!(fake.running(), 0);
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn who_is_still_sending_is_not_cut_off_at_once() {
    let mut server = Server::with(Fake::new(script), |builder| builder.largest_body(1000)).await;
    let mut wire = Wire::open(server.address).await;
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n\
        content-type: application/json\r\ncontent-length: 1000000\r\n\r\n";
    wire.send(head).await;
    in_time("the refusal", wire.0.readable()).await.expect("it comes");
    server.shut_down();
    for _ in 0..5 {
        wire.send("x".repeat(1000)).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    wire.reply().await.with_status(413);
    server.ended().await;
}

#[tokio::test]
async fn who_is_silent_does_not_hold_up_the_end() {
    let grace = Duration::from_millis(200);
    let mut server = Server::graceful(Fake::new(script), |builder| builder, grace).await;
    let mut half = Wire::open(server.address).await;
    half.send("POST / HTTP/1.1\r\nho").await;
    let _silent = Wire::open(server.address).await;
    let begin = Instant::now();
    server.shut_down();
    server.ended().await;
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
}
