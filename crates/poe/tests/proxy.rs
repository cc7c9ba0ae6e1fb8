//! A real forward proxy stands between the browser and the site. Skipped without tinyproxy, or
//! microsocks.

#[path = "support/microsocks.rs"]
mod microsocks;
mod support;
#[path = "support/tinyproxy.rs"]
mod tinyproxy;

use lenore_provider::{ChatRequest, ErrorKind, Message, Provider};
use microsocks::MicroSocks;
use support::{World, ask};
use tinyproxy::TinyProxy;

#[tokio::test(flavor = "multi_thread")]
async fn everything_goes_through_the_proxy() {
    let Some(proxy) = TinyProxy::start("").await else { return };
    let address = format!("http://{}", proxy.address);
    let world = World::with(|builder| builder.proxy(address)).await;
    let answer = world.ask("Hi [[sim: rewrite, others]]").await;
    assert_eq!(answer.complete(), world.site_text());
    let log = proxy.log();
    assert!(log.contains("/GPT-4"), "the page went through it: {log}");
    assert!(log.contains("CONNECT"), "so did the socket: {log}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_gets_its_password_and_nobody_sees_it() {
    let Some(proxy) = TinyProxy::start("BasicAuth ann s3cret-word").await else { return };
    let address = format!("http://ann:s3cret-word@{}", proxy.address);
    let world = World::with(|builder| builder.proxy(address)).await;
    let answer = world.ask("Hi").await;
    assert_eq!(answer.complete(), world.site_text());
    assert!(proxy.log().contains("/GPT-4"));
    for process in support::processes_of(world.profile.path()) {
        assert!(!process.contains("s3cret"), "the password is in a process list");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_a_dead_proxy_are_network_errors() {
    let hi = || ChatRequest::new("gpt-4", vec![Message::user("Hi")]);
    if let Some(proxy) = TinyProxy::start("BasicAuth ann s3cret-word").await {
        for credentials in ["ann:wr0ng@", ""] {
            let address = format!("http://{credentials}{}", proxy.address);
            let world = World::signed_out(|builder| builder.proxy(address)).await;
            let error = ask(&world.poe, hi()).await.failed();
            assert_eq!(error.kind(), ErrorKind::Network, "{credentials} {error}");
            assert!(error.to_string().contains("password"), "{credentials} {error}");
            assert!(!format!("{error:?}").contains("wr0ng"));
            world.end().await;
        }
    }
    let world = World::signed_out(|builder| builder.proxy("http://127.0.0.1:1")).await;
    assert!(world.poe.needs_auth());
    let error = ask(&world.poe, hi()).await.failed();
    assert_eq!(error.kind(), ErrorKind::Network, "{error}");
    assert!(error.to_string().contains("proxy"), "{error}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socks_proxy_carries_whole_answers_and_its_password_is_nowhere() {
    let Some(socks) = MicroSocks::start("s3cret-word").await else { return };
    let address = format!("socks5://ann:s3cret-word@{}", socks.address);
    let world = World::with(|builder| builder.proxy(&address)).await;
    let answer = world.ask("Hi [[sim: rewrite, others]]").await;
    assert_eq!(answer.complete(), world.site_text());
    let host = world.sim.url().trim_start_matches("http://");
    let log = socks.log();
    assert!(log.matches(&format!("connected to {host}")).count() > 1, "page and socket: {log}");
    for process in support::processes_of(world.profile.path()) {
        assert!(!process.contains("s3cret"), "the password is in a process list");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socks_proxy_that_refuses_or_is_dead_is_a_network_error() {
    let mut cases = vec![("127.0.0.1:1".to_owned(), "the proxy cannot be reached")];
    let socks = MicroSocks::start("another-word").await;
    cases
        .extend(socks.as_ref().map(|socks| (socks.address.clone(), "check its user and password")));
    for (address, said) in cases {
        let address = format!("socks5://ann:s3cret-word@{address}");
        let world = World::signed_out(|builder| builder.proxy(&address)).await;
        let hi = ChatRequest::new("gpt-4", vec![Message::user("Hi")]);
        let error = ask(&world.poe, hi).await.failed();
        assert_eq!(error.kind(), ErrorKind::Network, "{error}");
        assert!(error.to_string().contains(said), "{error}");
        assert!(!format!("{error:?}").contains("s3cret"));
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_can_be_asked_past_the_proxy_and_no_proxy_can_be_named() {
    for (proxy, hosts) in [("http://127.0.0.1:1", "127.0.0.1"), ("direct", ""), ("", "")] {
        let world = World::with(|builder| builder.proxy(proxy).proxy_bypass(hosts)).await;
        assert_eq!(world.ask("Hi").await.complete(), world.site_text());
        world.end().await;
    }
}
