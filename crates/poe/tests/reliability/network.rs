//! The network between the browser and the site goes, for a while or for ever.

use std::time::Duration;

use lenore_poe::Poe;
use lenore_provider::{ChatRequest, Error, ErrorKind, Event, Message, Provider, Transcript};
use lenore_sim::Seen;
use tokio::time::{sleep, timeout};

use crate::cable::{Cable, Line};
use crate::case::HANG;
use crate::support::{WAIT, World, ask};

const SLOW: &str = "Tell me of ravens. [[sim: length=3000, chunks=60, gap=40]]";
const BLINK: Duration = Duration::from_millis(1500);

async fn world(silence: u64) -> (Cable, World) {
    let cable = Cable::new().await;
    let address = cable.address.clone();
    let options = |builder: lenore_poe::PoeBuilder| {
        builder.proxy(address).timeout(Duration::from_secs(silence))
    };
    let world = World::with(options).await;
    (cable, world)
}

/// Asks, and does something to the line once some text has come.
async fn ask_and(world: &World, amid: impl AsyncFnOnce()) -> (String, Option<Error>) {
    let request = ChatRequest::new("gpt-4", vec![Message::user(SLOW)]);
    let mut completion = world.poe.create_completion(request);
    let (mut text, mut end, mut amid) = (Transcript::default(), None, Some(amid));
    let followed = async {
        while let Some(event) = completion.next().await {
            match event {
                Ok(event) => {
                    text.apply(&event);
                    if matches!(event, Event::Delta(_))
                        && let Some(amid) = amid.take()
                    {
                        amid().await;
                    }
                }
                Err(error) => end = Some(error),
            }
        }
    };
    timeout(HANG, followed).await.expect("no hang");
    (text.into_text(), end)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut_for_a_while_loses_nothing() {
    let (cable, world) = world(20).await;
    for line in [Line::Cut, Line::Dead] {
        let (text, error) = ask_and(&world, async || {
            cable.set(line);
            sleep(BLINK).await;
            cable.set(Line::Up);
        })
        .await;
        assert!(error.is_none(), "{line:?}: {error:?}");
        assert_eq!(text, world.site_text(), "{line:?}");
    }
    assert_eq!(world.prompts().len(), 2);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut_for_ever_keeps_what_came() {
    let (cable, world) = world(2).await;
    for (n, line) in [Line::Cut, Line::Dead].into_iter().enumerate() {
        let (text, error) = ask_and(&world, async || cable.set(line)).await;
        let error = error.expect("the end cannot be known");
        assert_eq!(error.kind(), ErrorKind::AnswerLost, "{line:?}: {error}");
        assert_eq!(error.partial(), Some(&*text), "{line:?}");
        cable.set(Line::Up);
        world.ask("Are you there again?").await.complete();
        assert_eq!(world.prompts().len(), 2 * (n + 1), "{line:?}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut_amid_the_send_does_not_send_again() {
    let (cable, world) = world(20).await;
    let prompt = "Tell me of ravens. [[sim: slow-reply=1000, chunks=60, gap=40]]";
    let (answer, ()) = tokio::join!(world.ask(prompt), async {
        let sent = world.sim.wait_for(|entry| matches!(entry.what, Seen::Send { .. }), WAIT).await;
        assert!(sent.is_some());
        cable.set(Line::Cut);
        sleep(BLINK).await;
        cable.set(Line::Up);
    });
    // The echo may have passed before the line was cut, or not.
    match &answer.error {
        None => assert_eq!(answer.text, world.site_text()),
        Some(error) => assert_eq!(error.kind(), ErrorKind::AnswerLost, "{error}"),
    }
    let anew =
        |entry: &lenore_sim::LogEntry| matches!(entry.what, Seen::Send { duplicate: false, .. });
    assert_eq!(world.sim.log().iter().filter(|entry| anew(entry)).count(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_dead_before_the_question_is_a_network_error() {
    let (cable, world) = world(20).await;
    cable.set(Line::Cut);
    let error = world.ask("Hi").await.failed();
    assert_eq!(error.kind(), ErrorKind::Network, "{error}");
    cable.set(Line::Dead);
    let deadline = Some(Duration::from_secs(3));
    let request = ChatRequest { deadline, ..ChatRequest::new("gpt-4", vec![Message::user("Hi")]) };
    let error = ask(&world.poe, request).await.failed();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert_eq!(world.prompts(), Vec::<String>::new());
    cable.set(Line::Up);
    world.ask("Hi").await.complete();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_no_site_is_a_network_error() {
    let world = World::signed_out(|builder| builder).await;
    let https = world.sim.url().replace("http:", "https:");
    let closed = "http://127.0.0.1:1".to_owned();
    let unknown = "http://no-such-host.invalid".to_owned();
    let bare = world.sim.url().replace("http://", "");
    for url in [https, closed, unknown, bare] {
        let poe = Poe::builder().url(&url).temporary_profile().build().expect("valid options");
        let request = ChatRequest::new("gpt-4", vec![Message::user("Hi")]);
        let error = ask(&poe, request).await.failed();
        assert_eq!(error.kind(), ErrorKind::Network, "{url}: {error}");
        let says_so = error.to_string().contains("https was assumed");
        assert_eq!(says_so, !url.contains("://"), "{url}: {error}");
        poe.close().await;
    }
    world.end().await;
}
