//! Files go along through the page's own input.

mod support;

use lenore_provider::{ChatRequest, Message};
use lenore_sim::Seen;
use support::{World, ask};

#[tokio::test(flavor = "multi_thread")]
async fn files_are_uploaded_before_the_prompt_is_sent() {
    let world = World::new().await;
    let dir = tempfile::tempdir().expect("a directory");
    let names = ["notes.txt", "größe 🙂 und Leerzeichen.md"];
    let files = names.map(|name| {
        let path = dir.path().join(name);
        std::fs::write(&path, "text\n".repeat(1000)).expect("written");
        path
    });
    let request = ChatRequest {
        attachments: files.to_vec(),
        ..ChatRequest::new("gpt-4", vec![Message::user("What do these say?")])
    };
    assert_eq!(ask(&world.poe, request).await.complete(), world.site_text());
    let sent = world.sim.log().into_iter().find_map(|entry| match entry.what {
        Seen::Send { attachments, .. } => Some(attachments),
        _ => None,
    });
    assert_eq!(sent.as_deref(), Some(&names.map(str::to_owned)[..]));
    world.end().await;
}
