//! The full one: a conversation with GPT-4 through a proxy, in a window that one can watch, with
//! everything that comes along.
//!
//! `cargo run -p lenore --example full -- http://127.0.0.1:8888`

use std::time::Duration;

use lenore::{ChatRequest, Event, Message, PoeBuilder, Provider, Result, Transcript};

#[tokio::main]
async fn main() -> Result<()> {
    let mut options = PoeBuilder::from_env()?.headless(false);
    if let Some(proxy) = std::env::args().nth(1) {
        options = options.proxy(proxy);
    }
    let poe = options.build()?;
    println!("{} at {} (working: {})", poe.name(), poe.url(), poe.working());

    let mut request = ChatRequest::new(
        "gpt-4",
        vec![
            Message::system("You answer in one short paragraph."),
            Message::user("What is a raven?"),
            Message::assistant("A large black bird of the crow family."),
            Message::user("And what does it say?"),
        ],
    );
    request.timeout = Some(Duration::from_secs(60));
    request.linger = Duration::from_secs(2);

    let mut text = Transcript::default();
    let mut completion = poe.create_completion(request);
    while let Some(event) = completion.next().await {
        let event = event?;
        text.apply(&event);
        match event {
            Event::Started { chat, bot, .. } => println!("[{bot} answers in chat {chat}]"),
            Event::Status(status) => println!("[{status}]"),
            Event::Title(title) => println!("[the chat is called {title:?}]"),
            Event::Suggestion(reply) => println!("[suggested: {reply}]"),
            Event::Finished { reason } => println!("[{}]\n{}", reason.as_str(), text.text()),
            _ => {}
        }
    }
    poe.close().await;
    Ok(())
}
