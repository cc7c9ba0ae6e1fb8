//! `lenore sim`: the local site alone.

#![cfg(unix)]

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use rustix::process::Signal;
use support::{Program, WAIT, lenore};

/// The whole reply to a request for a path.
fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(WAIT)).expect("a plain socket");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
        .expect("written");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("UTF-8");
    reply
}

#[tokio::test(flavor = "multi_thread")]
async fn it_names_its_address_answers_there_and_ends_on_request() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut program = Program::start(lenore(&["sim", "--port", "0"]));
        let url = program.line().await;
        let address = url.strip_prefix("http://").expect("an address").to_owned();
        for (path, words) in [("/login", "<html"), ("/sim/inbox", "inbox"), ("/sim/log", "")] {
            let reply = get(&address, path);
            assert!(reply.starts_with("HTTP/1.1 200"), "{path}: {reply}");
            assert!(reply.to_lowercase().contains(words), "{path}: {reply}");
        }
        program.signal(signal);
        let ended = program.end().await.with_code(0);
        assert_eq!(ended.stdout, "", "the address is all");
        assert!(ended.stderr.contains("/sim/inbox"), "{}", ended.stderr);
        assert!(TcpStream::connect(&address).is_err(), "nobody listens any more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_said_to_be_so() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let ended = Program::start(lenore(&["sim", "--port", &port])).end().await.with_code(2);
    assert!(ended.error().contains("--port"), "{ended:#?}");
    assert!(ended.error().contains(&port) && ended.error().contains("in use"), "{ended:#?}");
    assert_eq!(ended.stdout, "");
}
