//! Files go along through the page's own input.

mod support;

use lenore_provider::{ChatRequest, ErrorKind, Message};
use lenore_sim::{Edition, Options, Seen};
use support::{World, ask};

/// The names of the files that went with the newest question.
fn sent_with(world: &World) -> Option<Vec<String>> {
    world.sim.log().into_iter().rev().find_map(|entry| match entry.what {
        Seen::Send { attachments, .. } => Some(attachments),
        _ => None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn files_reach_a_page_that_wakes_up_late_or_starts_anew() {
    let world = World::new().await;
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("notes.txt");
    std::fs::write(&file, "text").expect("written");
    for bot in ["Sim-SlowHydration", "Sim-Remount", "Sim-SlowBox"] {
        let request = ChatRequest {
            attachments: vec![file.clone()],
            ..ChatRequest::new(format!("poe/{bot}"), vec![Message::user("What does it say?")])
        };
        assert_eq!(ask(&world.poe, request).await.complete(), world.site_text(), "{bot}");
        assert_eq!(sent_with(&world), Some(vec!["notes.txt".to_owned()]), "{bot}: once");
    }
    world.end().await;
}

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
    assert_eq!(sent_with(&world), Some(names.map(str::to_owned).to_vec()));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_alone_are_asked_where_the_page_lets_one() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("notes.txt");
    std::fs::write(&file, "text").expect("written");
    let request = |model: &str| ChatRequest {
        attachments: vec![file.clone()],
        ..ChatRequest::new(model, vec![Message::user(" ")])
    };
    for edition in [Edition::Y2023, Edition::Y2025] {
        let world = World::at(Options::default().edition(edition), |builder| builder).await;
        world.sign_in(&world.poe).await;
        for model in ["gpt-4", "poe/Sim-ContentEditable", "poe/Sim-NoSend"] {
            let answer = ask(&world.poe, request(model)).await;
            assert_eq!(answer.complete(), world.site_text(), "{edition} {model}");
            assert_eq!(sent_with(&world), Some(vec!["notes.txt".to_owned()]), "{model}");
        }
        let error = ask(&world.poe, request("poe/Sim-NeedsText")).await.failed();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
        assert!(error.to_string().contains("without a text"), "{error}");
        assert_eq!(world.prompts().len(), 3, "{edition}: nothing more was sent");
        world.end().await;
    }
}
