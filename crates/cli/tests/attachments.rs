//! Files that go along with the prompt.

mod support;

use lenore_sim::{LogEntry, Seen};
use support::World;

#[tokio::test(flavor = "multi_thread")]
async fn files_arrive_with_their_names() {
    let world = World::new().await;
    let names = ["Übersicht – naïve 🐦.txt", "日本語 'notes' & more.md"];
    let paths = names.map(|name| world.directory.path().join(name));
    std::fs::write(&paths[0], "Once upon a midnight dreary").expect("written");
    std::fs::write(&paths[1], vec![b'#'; 100_000]).expect("written");
    let prompt = "What is in these? [[sim: gap=0, length=40]]";
    let mut command = world.lenore("ask");
    // The second is too long to go into the prompt.
    command.arg("--attach").arg(&paths[0]).arg("--file").arg(&paths[1]).arg(prompt);
    let ended = support::Program::start(command).end().await.with_code(0);
    assert_eq!(ended.stdout, world.site_text() + "\n");
    let sent = |entry: LogEntry| match entry.what {
        Seen::Send { query, attachments, .. } => Some((query, attachments)),
        _ => None,
    };
    let sent: Vec<_> = world.sim.log().into_iter().filter_map(sent).collect();
    // Those of --file go first.
    let [first, second] = names.map(str::to_owned);
    assert_eq!(sent, [(prompt.to_owned(), vec![second, first])]);
    let uploaded = |entry: LogEntry| match entry.what {
        Seen::Upload { name, size, .. } => Some((name, size)),
        _ => None,
    };
    let mut uploads: Vec<_> = world.sim.log().into_iter().filter_map(uploaded).collect();
    uploads.sort();
    assert_eq!(uploads, [(names[0].to_owned(), 27), (names[1].to_owned(), 100_000)]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_site_refuses_is_said_to_be_so() {
    let world = World::new().await;
    let path = world.directory.path().join("raven.exe");
    std::fs::write(&path, "MZ").expect("written");
    let mut command = world.lenore("ask");
    command.arg("-a").arg(&path).arg("What is this?");
    let ended = support::Program::start(command).end().await.with_code(6);
    assert_eq!((ended.stdout.as_str(), ended.remarks().len()), ("", 1), "{ended:#?}");
    assert!(ended.error().contains("file"), "{ended:#?}");
    assert!(world.prompts().len() <= 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_from_a_pipe_is_sent_with_its_type() {
    let world = World::new().await;
    let picture = [b"\x89PNG\r\n\x1a\n".as_slice(), &[0; 200_000]].concat();
    let mut command = world.lenore("ask");
    command.args(["-a", "-", "What is this? [[sim: gap=0, length=40]]"]);
    let ended = support::Program::start_with(command, picture).end().await.with_code(0);
    assert_eq!(ended.stdout, world.site_text() + "\n");
    let uploaded = |entry: LogEntry| match entry.what {
        Seen::Upload { name, size, .. } => Some((name, size)),
        _ => None,
    };
    let uploads: Vec<_> = world.sim.log().into_iter().filter_map(uploaded).collect();
    assert_eq!(uploads, [("stdin.png".to_owned(), 200_008)]);
    world.end().await;
}
