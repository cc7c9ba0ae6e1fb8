//! The official clients, unchanged, against the real program with a real browser on the local
//! site: what they do with a provider that is made up, they do with this one.

#![cfg(unix)]

#[path = "../../gateway/tests/gateway/support/clients.rs"]
mod clients;
mod support;

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use lenore_sim::{LogEntry, Seen};
use rustix::process::Signal;
use tokio::process::Command;

use clients::{installed, node_modules, output, script_path};
use support::World;

/// All that is typed where a call's result goes on in the call's chat.
const RAIN: &str = "<tool_result call=\"1\">\nrain [[sim: say=It is raining.]]\n</tool_result>";

/// What the site has seen of a question that it has taken.
struct Question {
    chat: String,
    words: String,
    files: Vec<String>,
}

fn questions(world: &World) -> Vec<Question> {
    let question = |entry: LogEntry| match entry.what {
        Seen::Send { chat: Some(chat), query, attachments, status, .. } if status == "success" => {
            Some(Question { chat, words: query, files: attachments })
        }
        _ => None,
    };
    world.sim.log().into_iter().filter_map(question).collect()
}

/// Runs a client's checks, the last of which leaves in the middle of an answer, and looks at what
/// the site has seen of them: the results of so many calls, each in the chat of its call.
async fn passes(world: &World, program: &Path, arguments: &[&str], calls: usize) {
    let (stops, asked) = (world.stops(), questions(world).len());
    let mut command = Command::new(program);
    command.args(arguments);
    let Output { status, stdout, stderr } = output(command).await;
    let (said, errors) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "after:\n{said}\n{errors}");
    assert!(said.trim_end().ends_with("leaving"), "{said}");
    let left = Instant::now();
    while world.stops() == stops {
        assert!(left.elapsed() < Duration::from_secs(1), "the answer is not stopped");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let questions = &questions(world)[asked..];
    let results: Vec<_> =
        questions.windows(2).filter(|pair| pair[1].words.contains("rain")).collect();
    assert_eq!(results.len(), calls, "{arguments:?}");
    for pair in results {
        let (call, result) = (&pair[0], &pair[1]);
        assert_eq!(result.words, RAIN, "all that is new");
        assert_eq!(result.chat, call.chat, "{}", call.words);
    }
    // What goes on is typed alone, and pictures are uploaded.
    let after = |words: &str| {
        let at = questions.iter().position(|question| question.words.contains(words));
        &questions[at.unwrap_or_else(|| panic!("{words} was not asked"))]
    };
    assert!(!after("say=Never.").words.contains("Nevermore"), "{}", after("say=Never.").words);
    assert_eq!(after("say=A raven.").files.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_clients_are_at_home() {
    let (python, modules) = (installed("py/bin/python"), node_modules());
    let aichat = installed("aichat/bin/aichat");
    let world = World::new().await;
    let (program, address) = world.serving(&[]).await;
    let url = format!("http://{address}");
    let script = |name: &str| script_path(name).into_os_string().into_string().expect("Unicode");
    if let Some(python) = python {
        passes(&world, &python, &[&script("openai_client.py"), &url], 4).await;
        passes(&world, &python, &[&script("anthropic_client.py"), &url], 2).await;
    }
    if let Some(modules) = modules {
        let modules = modules.into_os_string().into_string().expect("Unicode");
        passes(&world, "node".as_ref(), &[&script("openai_client.mjs"), &url, &modules], 2).await;
    }
    if let Some(aichat) = aichat {
        in_the_terminal(&world, &aichat, &url).await;
    }
    program.signal(Signal::TERM);
    program.end().await.with_code(0);
    world.end().await;
}

async fn in_the_terminal(world: &World, aichat: &Path, url: &str) {
    let config = format!(
        "model: lenore:gpt-4\nsave: false\nclients:\n- type: openai-compatible\n  name: lenore\n  \
         api_base: {url}/v1\n  api_key: anything\n  models:\n  - name: gpt-4\n"
    );
    std::fs::write(world.directory.path().join("config.yaml"), config).expect("written");
    let run = async |arguments: &[&str]| {
        let mut command = Command::new(aichat);
        command.env("AICHAT_CONFIG_DIR", world.directory.path()).args(arguments);
        output(command).await
    };
    for arguments in [&["aichat? [[sim: code]]"][..], &["--no-stream", "aichat? [[sim: emoji]]"]] {
        let ended = run(arguments).await;
        let said = String::from_utf8_lossy(&ended.stdout);
        assert_eq!(said.trim_end(), world.site_text().trim_end(), "{ended:?}");
    }
    let ended = run(&["aichat? [[sim: status=reached_limit]]"]).await;
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && errors.contains("insufficient_quota"), "{errors}");
}
