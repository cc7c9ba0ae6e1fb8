//! What stands in the way before anything is asked: profile, program, proxy, session.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use lenore_poe::{Poe, PoeBuilder};
use lenore_provider::{ChatRequest, Error, ErrorKind, Message};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{World, ask, processes_of};

fn hi() -> ChatRequest {
    ChatRequest::new("gpt-4", vec![Message::user("Hi")])
}

async fn fails(options: PoeBuilder) -> Error {
    let poe = options.build().expect("valid options");
    let error = ask(&poe, hi()).await.failed();
    poe.close().await;
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_cannot_be_is_named() {
    let world = World::signed_out(|builder| builder).await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    let below = file.path().join("profile");
    for path in [file.path(), &below, Path::new("/proc/lenore")] {
        let error = fails(Poe::builder().url(world.sim.url()).user_data_dir(path)).await;
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
        assert!(error.to_string().contains(path.to_str().expect("a plain name")), "{error}");
    }
    assert!(world.sim.log().is_empty());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_no_browser_is_named_and_ended() {
    let world = World::signed_out(|builder| builder).await;
    let directory = tempfile::tempdir().expect("a directory");
    let script = |name: &str, text: &str, mode: u32| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("its mode");
        path
    };
    let programs = [
        script("no-program", "just a text", 0o600),
        script("no-interpreter", "#!/no/such/shell\n", 0o700),
        script("fails", "#!/bin/sh\necho no display >&2\nexit 3\n", 0o700),
        script("babbles", "#!/bin/sh\necho hello >&4\nsleep 1\nexit 1\n", 0o700),
        script("is-silent", "#!/bin/sh\nwhile sleep 1; do :; done\n", 0o700),
        directory.path().to_owned(),
    ];
    for program in programs {
        let builder = Poe::builder().url(world.sim.url()).user_data_dir(world.profile.path());
        let error = fails(builder.browser_binary(&program)).await;
        let kinds = [ErrorKind::Browser, ErrorKind::Timeout];
        assert!(kinds.contains(&error.kind()), "{program:?}: {error}");
        assert_eq!(processes_of(world.profile.path()), Vec::<String>::new(), "{program:?}");
    }
    assert!(world.sim.log().is_empty());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_none_is_a_network_error() {
    let world = World::signed_out(|builder| builder).await;
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let nobody = free.local_addr().expect("bound");
    drop(free);
    let babbler = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let babble = babbler.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut client, _)) = babbler.accept().await {
            let _ = client.read(&mut [0; 1024]).await;
            let _ = client.write_all(b"220 mail.example.org ESMTP\r\n").await;
        }
    });
    for proxy in [
        format!("http://{nobody}"),
        format!("socks5://{nobody}"),
        format!("socks5://{babble}"),
        format!("https://{babble}"),
    ] {
        let builder = Poe::builder().url(world.sim.url()).temporary_profile();
        let error = fails(builder.proxy(&proxy)).await;
        assert_eq!(error.kind(), ErrorKind::Network, "{proxy}: {error}");
    }
    assert!(world.sim.log().is_empty());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_never_comes_ends_at_the_deadline() {
    let world = World::new().await;
    let deadline = Some(Duration::from_secs(2));
    let request =
        ChatRequest { deadline, ..ChatRequest::new("poe/Sim-NoReply", vec![Message::user("Hi")]) };
    let error = ask(&world.poe, request).await.failed();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(error.to_string().contains("deadline"), "{error}");
    world.ask("Hi").await.complete();
    assert_eq!(world.prompts(), ["Hi"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_between_two_questions_is_said_to_have_ended() {
    let world = World::new().await;
    world.ask("Hi").await.complete();
    world.sim.sign_out_all();
    let error = world.ask("Are you there?").await.failed();
    assert_eq!(error.kind(), ErrorKind::NotSignedIn, "{error}");
    world.sign_in(&world.poe).await;
    world.ask("And now?").await.complete();
    assert_eq!(world.prompts(), ["Hi", "And now?"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_amid_an_answer_keeps_what_came() {
    let world = World::with(|builder| builder.timeout(Duration::from_secs(2))).await;
    let answer = world.ask("Hi [[sim: expire=4]]").await;
    let text = answer.text.clone();
    let error = answer.failed();
    assert_eq!(error.kind(), ErrorKind::NotSignedIn, "{error}");
    assert!(!text.is_empty());
    assert_eq!(error.partial(), Some(&*text));
    assert_eq!(world.prompts().len(), 1);
    world.sign_in(&world.poe).await;
    world.ask("And now?").await.complete();
    world.end().await;
}
