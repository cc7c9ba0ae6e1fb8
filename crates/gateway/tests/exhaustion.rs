//! A process that can open no file more goes on serving once it can. It takes all that belongs to
//! the process, so it is the only test in it.

#![cfg(target_os = "linux")]

#[allow(dead_code, unused_imports, reason = "not all of it is used here")]
#[path = "gateway/support/mod.rs"]
mod support;

use std::fs::File;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use support::{Server, Wire, get, in_time};

const FILES: u64 = 256;

#[tokio::test]
async fn a_server_without_files_lives_on() {
    // The hard limit is higher than the soft one: the server may raise it so far, no farther.
    let limit = Rlimit { current: Some(FILES / 2), maximum: Some(FILES) };
    setrlimit(Resource::Nofile, limit).expect("lower");
    let server = Server::scripted().await;
    get(server.address, "/health/live", &[]).await.with_status(200);
    assert_eq!(getrlimit(Resource::Nofile).current, Some(FILES), "it is raised at the start");
    // More connections than there are files, half of them this process's own ends.
    let mut crowd = Vec::new();
    let mut files = Vec::new();
    for _ in 0..FILES / 8 {
        crowd.push(Wire::open(server.address).await);
    }
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    // One for this end, none for the server's: whatever it does, it cannot accept.
    drop(files.pop());
    let late = Wire::open(server.address).await;
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(12) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        while let Ok(file) = File::open("/dev/null") {
            files.push(file);
        }
    }
    drop((files, late, crowd));
    let served = in_time("a good client", get(server.address, "/health/live", &[])).await;
    served.with_status(200);
    server.end().await;
}
