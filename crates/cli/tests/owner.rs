//! One process owns the profile; others of the same user ask through it, or wait.

mod support;

use std::time::{Duration, Instant};

use lenore::Poe;
use rustix::process::Signal;
use serde_json::{Value, json};
use support::{Program, World, in_time};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn serve(world: &World) -> Program {
    world.serving(&[]).await.0
}

/// Asks a server for a completion, and gives what it says.
async fn post(address: &str, prompt: &str) -> String {
    let messages = json!([{ "role": "user", "content": prompt }]);
    post_body(address, &json!({ "model": "gpt-4", "messages": messages })).await
}

async fn post_body(address: &str, body: &Value) -> String {
    let body = body.to_string();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("it listens");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    in_time("an answer", stream.read_to_string(&mut answer)).await.expect("UTF-8");
    answer
}

async fn get(address: &str, path: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut reply = String::new();
    in_time("a response", stream.read_to_string(&mut reply)).await.expect("UTF-8");
    reply
}

#[tokio::test]
async fn a_running_owner_answers_for_others() {
    let world = World::new().await;
    let served = serve(&world).await;
    let owner = Poe::owner(&world.profile()).expect("owned");
    assert_eq!(owner.pid, served.pid());
    assert!(owner.announced.is_some());
    for n in 0..3 {
        let ended = world.ask(&["-m", "gpt-4", &format!("[[sim: say=answer {n}]]")]).await;
        assert_eq!(ended.stdout, format!("answer {n}\n"));
    }
    // Another site is not mixed up with the owner's.
    let mut elsewhere =
        support::lenore(&["ask", "--site", "http://127.0.0.1:9", "--user-data-dir"]);
    elsewhere.arg(world.profile()).arg("Hi");
    let ended = Program::start(elsewhere).end().await;
    assert_eq!(ended.code, Some(11), "{ended:?}");
    assert!(ended.stderr.contains(world.sim.url()), "{ended:?}");
    served.signal(Signal::TERM);
    assert_eq!(served.end().await.code, Some(0));
    assert_eq!(Poe::owner(&world.profile()), None);
    world.end().await;
}

#[tokio::test]
async fn who_asks_by_the_owner_is_as_well_as_the_owner() {
    let world = World::new().await;
    let (first, owner) = world.serving(&[]).await;
    let (second, address) = world.serving(&[]).await;
    assert!(post(&address, "[[sim: say=hi]]").await.contains("hi"));
    for address in [&owner, &address] {
        let reply = get(address, "/health/ready").await;
        assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
        assert!(reply.contains("\"browser\":\"open\"") && reply.contains("\"signed_in\":true"));
    }
    // The owner is there, but does not say how it is doing.
    first.signal(Signal::STOP);
    let reply = get(&address, "/health/ready").await;
    assert!(reply.starts_with("HTTP/1.1 503"), "{reply}");
    first.signal(Signal::CONT);
    for served in [second, first] {
        served.signal(Signal::TERM);
        assert_eq!(served.end().await.code, Some(0));
    }
    world.end().await;
}

#[tokio::test]
async fn leaving_stops_the_answer_in_the_owners_browser() {
    let world = World::new().await;
    let served = serve(&world).await;
    let mut command = world.lenore("ask");
    command.arg("[[sim: length=9000, chunks=300, gap=50]]");
    let mut asking = Program::start(command);
    asking.bytes(1).await;
    asking.signal(Signal::INT);
    assert_eq!(asking.end().await.code, Some(130));
    world.stopped().await;
    served.signal(Signal::TERM);
    assert_eq!(served.end().await.code, Some(0));
    world.end().await;
}

#[tokio::test]
async fn a_question_through_the_owner_takes_one_of_its_places() {
    let world = World::new().await;
    let (served, address) = world.serving(&["--max-chats", "1"]).await;
    let mut command = world.lenore("ask");
    command.arg("[[sim: length=9000, chunks=300, gap=50]]");
    let mut first = Program::start(command);
    first.bytes(1).await;
    let second = tokio::spawn({
        let address = address.clone();
        async move { post(&address, "[[sim: say=my turn]]").await }
    });
    let waits = async {
        loop {
            let counts = get(&address, "/metrics").await;
            let is = |name: &str| {
                counts.lines().any(|line| {
                    line.starts_with(&format!("lenore_provider_{name}")) && line.ends_with("} 1")
                })
            };
            if is("running") && is("waiting") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    in_time("the second to wait", waits).await;
    first.signal(Signal::INT);
    assert_eq!(first.end().await.code, Some(130));
    assert!(second.await.expect("no panic").contains("my turn"));
    served.signal(Signal::TERM);
    assert_eq!(served.end().await.code, Some(0));
    world.end().await;
}

#[tokio::test]
async fn an_owner_that_is_killed_leaves_nothing_in_the_way() {
    let world = World::new().await;
    let served = serve(&world).await;
    world.ask(&["[[sim: say=one]]"]).await;
    let killed = Instant::now();
    served.signal(Signal::KILL);
    served.end().await;
    world.browser_gone().await;
    assert!(killed.elapsed() < Duration::from_secs(2), "an orphan");
    assert_eq!(Poe::owner(&world.profile()), None, "the lock is stale");
    let ended = world.ask(&["[[sim: say=two]]"]).await;
    assert_eq!(ended.stdout, "two\n");
    world.end().await;
}

#[tokio::test]
async fn who_takes_the_profile_over_is_asked_from_then_on() {
    let world = World::new().await;
    let first = serve(&world).await;
    let (second, address) = world.serving(&[]).await;
    assert!(post(&address, "[[sim: say=by the first]]").await.contains("by the first"));
    assert_eq!(Poe::owner(&world.profile()).map(|owner| owner.pid), Some(first.pid()));
    first.signal(Signal::TERM);
    assert_eq!(first.end().await.code, Some(0));
    assert!(post(&address, "[[sim: say=by the second]]").await.contains("by the second"));
    assert_eq!(Poe::owner(&world.profile()).map(|owner| owner.pid), Some(second.pid()));
    let ended = world.ask(&["[[sim: say=through it]]"]).await;
    assert_eq!(ended.stdout, "through it\n", "{ended:?}");
    second.signal(Signal::TERM);
    assert_eq!(second.end().await.code, Some(0));
    world.end().await;
}

#[tokio::test]
async fn a_conversation_goes_on_in_its_chat_through_the_owner() {
    let world = World::new().await;
    let (first, _) = world.serving(&[]).await;
    let (second, address) = world.serving(&[]).await;
    // The client has this call in another form than the bot wrote it.
    let prompt = "[[sim: say=<tool_call>{\"name\":\"clock\"}</tool_call>]]";
    let tool = json!({ "type": "function", "function": { "name": "clock" } });
    let mut body = json!({
        "model": "gpt-4", "tools": [tool], "messages": [{ "role": "user", "content": prompt }],
    });
    for result in ["three", "four"] {
        let answer = post_body(&address, &body).await;
        let (_, answer) = answer.split_once("\r\n\r\n").expect("a body");
        let answer: Value = serde_json::from_str(answer).expect("JSON");
        let message = &answer["choices"][0]["message"];
        let call = &message["tool_calls"][0]["id"];
        assert!(call.is_string(), "{answer:#}");
        let again = format!("{result} {prompt}");
        let result = json!({ "role": "tool", "tool_call_id": call, "content": again });
        body["messages"].as_array_mut().expect("a list").extend([message.clone(), result]);
    }
    post_body(&address, &body).await;
    let prompts = world.prompts();
    assert_eq!(prompts.len(), 3);
    for (prompt, result) in prompts[1..].iter().zip(["three", "four"]) {
        assert!(prompt.starts_with(&format!("<tool_result call=\"1\">\n{result} [[")), "{prompt}");
    }
    for program in [second, first] {
        program.signal(Signal::TERM);
        assert_eq!(program.end().await.code, Some(0));
    }
    world.end().await;
}

#[tokio::test]
async fn two_at_once_take_turns() {
    let world = World::new().await;
    let asks = (0..2).map(|n| {
        let mut command = world.lenore("ask");
        command.arg(format!("[[sim: say=answer {n}, delay=500]]"));
        Program::start(command)
    });
    let asks: Vec<_> = asks.collect();
    for (n, ask) in asks.into_iter().enumerate() {
        let ended = ask.end().await;
        assert_eq!(ended.stdout, format!("answer {n}\n"), "{ended:?}");
    }
    world.end().await;
}

#[tokio::test]
async fn who_waits_too_long_is_told_by_whom_the_profile_is_used() {
    let world = World::new().await;
    let poe = world.poe();
    poe.own_profile(None).expect("free");
    let ended = world.ask(&["--timeout", "1", "Hi"]).await;
    assert_eq!(ended.code, Some(11), "{ended:?}");
    assert!(ended.stderr.contains(&format!("process {}", std::process::id())), "{ended:?}");
    poe.close().await;
    world.end().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_way_in_is_a_socket_in_the_profile_that_goes_with_its_owner() {
    use std::os::unix::fs::FileTypeExt;
    let world = World::new().await;
    let (server, _) = world.serving(&[]).await;
    let socket = world.profile().join("lenore.sock");
    assert!(std::fs::metadata(&socket).expect("it is there").file_type().is_socket());
    let ended = world.ask(&["Hi [[sim: say=Nevermore.]]"]).await.with_code(0);
    assert_eq!(ended.stdout, "Nevermore.\n");
    let lock = std::fs::read_to_string(world.profile().join("lenore.lock")).expect("there");
    assert!(!lock.contains("127.0.0.1") && lock.contains("lenore.sock"), "{lock}");
    server.signal(rustix::process::Signal::TERM);
    server.end().await;
    assert!(!socket.exists());
    world.end().await;
}
