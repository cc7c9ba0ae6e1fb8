//! Pages that are not as usual: worked with, or an error that names what is wrong.

mod support;

use std::time::{Duration, Instant};

use lenore_poe::Poe;
use lenore_provider::{ChatRequest, ErrorKind, Message};
use support::{World, ask};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn request(model: &str) -> ChatRequest {
    ChatRequest::new(model, vec![Message::user("Hi\nthere 🙂 [[sim: echo]]")])
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_and_odd_pages_are_worked_with() {
    let world = World::new().await;
    let odd = ["SlowBox", "SlowHydration", "SendDisabled", "NoSend", "Popup", "ContentEditable"];
    for (n, page) in odd.into_iter().enumerate() {
        let answer = ask(&world.poe, request(&format!("poe/Sim-{page}"))).await;
        assert_eq!(answer.complete(), "Hi\nthere 🙂 [[sim: echo]]", "{page}");
        assert_eq!(world.prompts().len(), n + 1, "{page}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named() {
    let world = World::new().await;
    let cases = [
        ("poe/Sim-NoBox", ErrorKind::SiteChanged, "prompt box"),
        ("poe/Sim-Challenge", ErrorKind::Challenge, "human"),
        ("poe/Sim-NoFreeMessages", ErrorKind::Quota, "free messages"),
        ("poe/NoSuchBotAnywhere", ErrorKind::UnsupportedModel, "NoSuchBotAnywhere"),
    ];
    for (model, kind, words) in cases {
        let error = ask(&world.poe, request(model)).await.failed();
        assert_eq!(error.kind(), kind, "{model}: {error}");
        assert!(error.to_string().contains(words), "{model}: {error}");
    }
    let nothing_was_sent = Vec::<String>::new();
    assert_eq!(world.prompts(), nothing_was_sent);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_does_not_load_is_not_waited_for_longer_than_silence_is_borne() {
    let world = World::with(|builder| builder.timeout(Duration::from_secs(5))).await;
    let begun = Instant::now();
    let error = ask(&world.poe, request("poe/Sim-NoReply")).await.failed();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(error.to_string().contains("/Sim-NoReply was not loaded within 5 s"), "{error}");
    // Half of what it would be else.
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_does_not_answer_is_named() {
    let world = World::signed_out(|builder| builder.url("http://127.0.0.1:1")).await;
    let error = world.ask("Hi").await.failed();
    assert_eq!(error.kind(), ErrorKind::Network, "{error}");
    assert!(error.to_string().starts_with("http://127.0.0.1:1/GPT-4: "), "{error}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_file_says_what_is_looked_for() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let wrong = "[selectors]\nprompt_box = ['#no-such-box']\n";
    std::fs::write(file.path(), wrong).expect("written");
    let site = lenore_poe::Site::from_file(file.path()).expect("valid");
    // The address is given after the site, and stays.
    let world = World::with(|builder| builder.site(site)).await;
    let error = world.ask("Hi").await.failed();
    assert_eq!(error.kind(), ErrorKind::SiteChanged, "{error}");
    assert!(error.to_string().contains("prompt box"), "{error}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_editable_box_takes_long_prompts_too() {
    let world = World::new().await;
    let text = "a line of text, ünïcode 🙂\n".repeat(4000) + "[[sim: echo, chunks=10, gap=0]]";
    let request = ChatRequest::new("poe/Sim-ContentEditable", vec![Message::user(&text)]);
    assert!(ask(&world.poe, request).await.complete() == text);
    for end in ["\n", "\n\n", " \n \n"] {
        let text = format!("one line [[sim: echo]]{end}");
        let request = ChatRequest::new("poe/Sim-ContentEditable", vec![Message::user(&text)]);
        assert_eq!(ask(&world.poe, request).await.complete(), text);
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selector_that_is_none_is_named_with_its_file() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    for key in ["prompt_box", "send_button", "file_input"] {
        std::fs::write(file.path(), format!("[selectors]\n{key} = ['[[bad']\n")).expect("written");
        let site = lenore_poe::Site::from_file(file.path()).expect("only a page knows");
        let world = World::signed_out(|builder| builder.site(site)).await;
        let error = world.ask("Hi").await.failed();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{key}: {error}");
        let path = file.path().display().to_string();
        for part in [&path, ", line 2", &format!("selectors.{key}"), "[[bad"] {
            assert!(error.to_string().contains(part), "{key}: {error}");
        }
        world.end().await;
    }
}

/// A site that leads whoever asks to the same path elsewhere: by its status, or by a script.
async fn leading_to(target: &str, by_script: bool) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let target = target.to_owned();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut head = [0; 8192];
            let count = client.read(&mut head).await.unwrap_or_default();
            let head = String::from_utf8_lossy(&head[..count]);
            let to = format!("{target}{}", head.split(' ').nth(1).unwrap_or("/"));
            let (status, fields, body) = if by_script {
                ("200 OK", String::new(), format!("<script>location.href = '{to}'</script>"))
            } else {
                ("302 Found", format!("location: {to}\r\n"), String::new())
            };
            let reply = format!(
                "HTTP/1.1 {status}\r\n{fields}content-type: text/html\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = client.write_all(reply.as_bytes()).await;
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_typed_on_the_page_of_another_site() {
    let world = World::new().await;
    world.poe.close().await;
    let other_name = world.sim.url().replace("127.0.0.1", "localhost");
    for (target, by_script) in
        [(world.sim.url(), false), (&*other_name, false), (world.sim.url(), true)]
    {
        let url = leading_to(target, by_script).await;
        let builder = || Poe::builder().url(&url).timeout(Duration::from_secs(10));
        // The session is the host's, so that the page there is as good as the right one.
        let poe = builder().user_data_dir(world.profile.path()).build().expect("valid options");
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "the contents").expect("written");
        let asked = ChatRequest {
            attachments: vec![file.path().to_owned()],
            ..request("poe/Sim-ContentEditable")
        };
        let error = ask(&poe, asked).await.failed();
        assert_eq!(error.kind(), ErrorKind::Network, "{target}: {error}");
        let is_told = |error: &lenore_provider::Error| {
            let words = error.to_string();
            words.contains(&format!("led to {target}")) && words.contains("is not the site that")
        };
        assert!(is_told(&error), "{error}");
        poe.close().await;
        // Nor is an address, and no code is asked for.
        let profile = tempfile::tempdir().expect("a directory");
        let poe = builder().user_data_dir(profile.path()).build().expect("valid options");
        let code = async { panic!("a code is asked for") };
        let error = poe.sign_in_with_code("eve@example.org", code).await;
        let error = error.expect_err("it is not the site");
        assert_eq!(error.kind(), ErrorKind::Network, "{target}: {error}");
        assert!(is_told(&error), "{error}");
        assert_eq!(world.sim.inbox("eve@example.org"), None);
        poe.close().await;
    }
    assert_eq!(world.prompts(), Vec::<String>::new());
    let uploads = world.sim.log().into_iter().filter(|seen| format!("{seen:?}").contains("Upload"));
    assert_eq!(uploads.count(), 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_file_names_further_origins_of_the_site() {
    let world = World::new().await;
    world.poe.close().await;
    let url = leading_to(world.sim.url(), false).await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), format!("origins = ['{}']\n", world.sim.url())).expect("written");
    let site = lenore_poe::Site::from_file(file.path()).expect("valid");
    let poe = Poe::builder().site(site).url(url).user_data_dir(world.profile.path()).build();
    let poe = poe.expect("valid options");
    let answer = ask(&poe, request("poe/Sim-ContentEditable")).await;
    assert_eq!(answer.complete(), "Hi\nthere 🙂 [[sim: echo]]");
    poe.close().await;
    world.end().await;
}
