//! The socket in a directory: who gets in, how long its path may be, and who may be silent there.

#![cfg(unix)]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lenore_ipc::{Address, Listener, Remote, serve};
use lenore_provider::Provider;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use crate::support::{FINISHED, Fake, WAIT, delta, in_time, question};

/// A server on a socket in a directory, until it is aborted.
async fn served(directory: &Path, provider: Arc<dyn Provider>) -> (Address, JoinHandle<()>) {
    let listener = Listener::in_directory(directory).expect("a socket");
    let address = listener.address().expect("it is bound");
    let served = tokio::spawn(serve(listener, provider, std::future::pending()));
    (address, served)
}

fn socket(directory: &Path) -> PathBuf {
    directory.join("lenore.sock")
}

#[tokio::test]
async fn a_question_goes_over_the_socket_and_nothing_is_left() {
    let directory = tempfile::tempdir().expect("a directory");
    for _ in 0..2 {
        let provider = Fake::saying(vec![delta("Nevermore"), FINISHED]);
        let (address, served) = served(directory.path(), provider).await;
        let announced = address.to_announcement();
        assert_eq!(announced, "lenore.sock", "it holds no secret");
        let address = Address::announced(&announced, directory.path()).expect("it reads back");
        let mode = std::fs::metadata(socket(directory.path())).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let remote = in_time("connecting", Remote::connect(address, WAIT)).await.expect("served");
        let text = in_time("an answer", remote.create_completion(question("?")).text()).await;
        assert_eq!(text.expect("an answer"), "Nevermore");
        served.abort();
        let _ = served.await;
        assert!(!socket(directory.path()).exists());
    }
}

#[tokio::test]
async fn what_a_killed_server_left_is_in_nobodys_way() {
    let directory = tempfile::tempdir().expect("a directory");
    drop(std::os::unix::net::UnixListener::bind(socket(directory.path())).expect("bound"));
    assert!(socket(directory.path()).exists(), "the standard library leaves it");
    let address = Address::announced("lenore.sock", directory.path()).expect("an address");
    let nobody = Remote::connect(address.clone(), WAIT).await.expect_err("nobody listens");
    assert_eq!(nobody.kind(), lenore_provider::ErrorKind::Network);
    let (_, served) = served(directory.path(), Fake::saying(vec![FINISHED])).await;
    in_time("connecting", Remote::connect(address, WAIT)).await.expect("served");
    served.abort();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_path_may_be_longer_than_an_address_of_a_socket() {
    let directory = tempfile::tempdir().expect("a directory");
    let deep = directory.path().join("x".repeat(120)).join("日本語".repeat(10));
    std::fs::create_dir_all(&deep).expect("made");
    let (address, served) = served(&deep, Fake::saying(vec![FINISHED])).await;
    in_time("connecting", Remote::connect(address, WAIT)).await.expect("served");
    assert!(socket(&deep).exists());
    served.abort();
}

#[tokio::test]
async fn clients_that_say_nothing_are_in_nobodys_way() {
    let directory = tempfile::tempdir().expect("a directory");
    let (address, served) = served(directory.path(), Fake::saying(vec![FINISHED])).await;
    let mut silent = Vec::new();
    for _ in 0..400 {
        silent.push(UnixStream::connect(socket(directory.path())).await.expect("it listens"));
    }
    let begin = Instant::now();
    in_time("connecting", Remote::connect(address, WAIT)).await.expect("served");
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    // The oldest have gone, and the others go after a while.
    let mut said = Vec::new();
    in_time("the end", silent[0].read_to_end(&mut said)).await.expect("closed");
    assert!(said.is_empty());
    in_time("the end", silent[399].read_to_end(&mut said)).await.expect("closed");
    assert!(String::from_utf8_lossy(&said).contains("in time"), "{said:?}");
    served.abort();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn another_user_is_not_heard() {
    const SOMEBODY: u32 = 54_321;
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can be somebody else");
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let provider = Fake::saying(vec![FINISHED]);
    let (_, served) = served(directory.path(), provider.clone()).await;
    // Even where the rights would let him.
    for place in [directory.path().to_owned(), socket(directory.path())] {
        std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o777)).expect("ours");
    }
    let script = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); \
        s.settimeout(20)\ntry:\n s.sendall(b'{\"token\":\"\",\"version\":1}\\n\"about\"\\n'); \
        print(len(s.recv(999)))\nexcept (BrokenPipeError, ConnectionResetError): print(0)";
    let asked = |user: u32| {
        let mut python = std::process::Command::new("python3");
        python.args(["-c", script]).arg(socket(directory.path())).uid(user);
        tokio::task::spawn_blocking(move || python.output())
    };
    let Ok(own) = in_time("python", asked(0)).await.expect("no panic") else {
        eprintln!("skipped: python3 is not installed");
        return;
    };
    assert_ne!(String::from_utf8_lossy(&own.stdout).trim(), "0", "{own:?}");
    let others = in_time("python", asked(SOMEBODY)).await.expect("no panic").expect("it runs");
    assert_eq!(String::from_utf8_lossy(&others.stdout).trim(), "0", "{others:?}");
    assert_eq!(provider.times_asked(), 0);
    served.abort();
}
