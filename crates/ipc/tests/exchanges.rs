//! What one process says arrives at the other, all of it, exactly.

mod support;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use lenore_provider::{
    Earlier, Error, ErrorKind, Event, FinishReason, Health, Message, Provider, Transcript,
};
use tokio::sync::Barrier;

use crate::support::{FINISHED, Fake, Served, delta, in_time, question};

#[tokio::test]
async fn a_provider_is_here_what_it_is_there() {
    let fake = Fake::saying(vec![FINISHED]);
    let served = Served::new(fake.clone()).await;
    let remote = served.remote().await;
    assert_eq!((remote.name(), remote.url()), ("fake", "https://fake.example"));
    assert_eq!(remote.default_model(), "raven");
    assert!(remote.working() && remote.needs_auth() && !remote.supports_stream());
    assert_eq!(remote.models(), fake.models());

    assert_eq!(remote.health(), Health::default());
    let now = Health { running: 3, fault: Some("no page".into()), ..Health::default() };
    *fake.health.lock().expect("no panic") = now.clone();
    assert_eq!(remote.health(), Health::default(), "it is told, not found out");
    assert_eq!(remote.refresh_health().await.expect("it serves"), now);
    assert_eq!(remote.health(), now);
    served.end().await;
}

#[tokio::test]
async fn the_request_arrives_as_it_was_made() {
    let fake = Fake::saying(vec![FINISHED]);
    let served = Served::new(fake.clone()).await;
    let mut request = question(&"Über 🙂\n\"\\\u{2028}\0".repeat(300_000));
    request.messages.insert(0, Message::system("Short."));
    request.chat = Some("abc".into());
    request.resume = false;
    request.earlier = Some(Earlier { chat: "abc".into(), message: "7".into(), length: 1 });
    request.timeout = Some(Duration::from_millis(1_234));
    request.deadline = Some(Duration::from_secs(99));
    request.linger = Duration::from_micros(7);
    request.attachments = vec![PathBuf::from("/tmp/a b.txt")];
    let answer = served.remote().await.create_completion(request.clone()).text();
    in_time("the answer", answer).await.expect("an end");
    assert_eq!(*fake.asked.lock().expect("no panic"), [request]);
    served.end().await;
}

#[tokio::test]
async fn a_file_is_named_from_the_root() {
    let fake = Fake::saying(vec![FINISHED]);
    let served = Served::new(fake.clone()).await;
    let remote = served.remote().await;
    let mut request = question("look");
    request.attachments = vec!["notes.txt".into()];
    in_time("the answer", remote.create_completion(request).text()).await.expect("an end");
    let here = std::env::current_dir().expect("a directory").join("notes.txt");
    assert_eq!(fake.asked.lock().expect("no panic")[0].attachments, [here]);

    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        let mut request = question("look");
        request.attachments = vec![std::ffi::OsString::from_vec(vec![b'/', 0xff]).into()];
        let error = remote.create_completion(request).text().await.expect_err("no Unicode");
        assert_eq!(error.kind(), ErrorKind::Attachment);
        assert_eq!(fake.times_asked(), 1);
    }
    served.end().await;
}

/// Events as a site that rewrites sends them, with their text.
fn rewritten(count: usize) -> (Vec<Event>, String) {
    let mut transcript = Transcript::default();
    let mut seed = 7_u64;
    let mut events = vec![
        Event::Started { chat: "c".into(), message: "1".into(), bot: "Raven-1".into() },
        Event::Status("Thinking…".into()),
        Event::Thought("Let me see.\n".into()),
    ];
    for number in 0..count {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let length = transcript.text().chars().count();
        let event = match seed >> 60 {
            0 => Event::Replace {
                keep: length.saturating_sub((seed >> 40 & 31) as usize),
                text: format!("→{number}\u{1f426}"),
            },
            _ => delta(&format!("{number} naïve\r\n\"🙂\u{0} ")),
        };
        transcript.apply(&event);
        events.push(event);
    }
    events.extend([Event::Title("Ravens".into()), Event::Cost { points: 3 }]);
    events.push(Event::Finished { reason: FinishReason::Length });
    (events, transcript.into_text())
}

#[tokio::test]
async fn a_long_answer_with_rewrites_is_exact() {
    let (events, text) = rewritten(3_000);
    let served = Served::new(Fake::saying(events.clone())).await;
    let remote = served.remote().await;
    let heard: Vec<_> =
        in_time("the answer", remote.create_completion(question("sing")).collect()).await;
    let heard: Vec<_> = heard.into_iter().map(|event| event.expect("no error")).collect();
    assert_eq!(heard, events);

    let mut request = question("sing");
    request.stream = false;
    let heard: Vec<_> = in_time("the answer", remote.create_completion(request).collect()).await;
    let heard: Vec<_> = heard.into_iter().map(|event| event.expect("no error")).collect();
    let whole = heard.iter().filter(|event| matches!(event, Event::Delta(_)));
    assert_eq!(whole.collect::<Vec<_>>(), [&Event::Delta(text)]);
    assert_eq!(heard.last(), events.last());
    served.end().await;
}

#[tokio::test]
async fn an_error_arrives_with_all_that_it_knows() {
    let fake = Fake::new(|_| {
        let error = Error::new(ErrorKind::RateLimited, "slower")
            .with_retry_after(Duration::from_millis(2_500))
            .with_partial("half")
            .with_doubt();
        stream::iter([Ok(delta("hal")), Err(error)]).boxed()
    });
    let served = Served::new(fake).await;
    let answer = served.remote().await.create_completion(question("quick")).text();
    let error = in_time("the answer", answer).await.expect_err("too quick");
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::RateLimited, "slower".into()));
    assert_eq!(error.retry_after(), Some(Duration::from_millis(2_500)));
    assert_eq!((error.partial(), error.is_in_doubt()), (Some("half"), true));
    served.end().await;
}

#[tokio::test]
async fn a_hundred_answers_come_at_once() {
    // No answer comes before all questions are there.
    let all = Arc::new(Barrier::new(100));
    let fake = Fake::new(move |request| {
        let (all, prompt) = (Arc::clone(&all), request.messages[0].content.clone());
        let first = stream::once(async move {
            all.wait().await;
            Ok(Event::Delta(prompt))
        });
        let rest = (0..50).map(|number| Ok(delta(&format!(" {number}"))));
        first.chain(stream::iter(rest.chain([Ok(FINISHED)]))).boxed()
    });
    let served = Served::new(fake.clone()).await;
    let remote = served.remote().await;
    let answers = (0..100)
        .map(|number| remote.create_completion(question(&format!("question {number}"))).text());
    let tail: String = (0..50).map(|number| format!(" {number}")).collect();
    let answers = in_time("the answers", futures_util::future::join_all(answers)).await;
    for (number, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.expect("an end"), format!("question {number}{tail}"));
    }
    fake.alive(0).await;
    served.end().await;
}

#[tokio::test]
async fn a_reader_who_is_slow_holds_up_the_provider_alone_and_loses_nothing() {
    const PIECES: usize = 1_500;
    const PIECE: usize = 64 << 10;
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let fake = Fake::new(move |request| {
        if request.messages[0].content != "much" {
            return stream::iter([Ok(delta("quick")), Ok(FINISHED)]).boxed();
        }
        let count = Arc::clone(&count);
        let pieces = stream::iter(0..PIECES).map(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(delta(&"x".repeat(PIECE)))
        });
        pieces.chain(stream::iter([Ok(FINISHED)])).boxed()
    });
    let served = Served::new(fake).await;
    let remote = served.remote().await;
    let mut slow = remote.create_completion(question("much"));
    let first = in_time("the first piece", slow.next()).await.expect("an event").expect("no error");
    assert!(matches!(first, Event::Delta(_)));

    // Nothing tells that the server waits; it does when nothing is taken for a while.
    let stalled = in_time("the stall", async {
        loop {
            let before = taken.load(Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(300)).await;
            if taken.load(Ordering::Relaxed) == before {
                return before;
            }
        }
    });
    let stalled = stalled.await;
    assert!(stalled < PIECES / 2, "{stalled} pieces are held somewhere");
    let quick = remote.create_completion(question("little")).text();
    assert_eq!(in_time("the other answer", quick).await.expect("an end"), "quick");

    let mut length = PIECE;
    while let Some(event) = in_time("the rest", slow.next()).await {
        if let Event::Delta(text) = event.expect("no error") {
            length += text.len();
        }
    }
    assert_eq!(length, PIECES * PIECE);
    served.end().await;
}
