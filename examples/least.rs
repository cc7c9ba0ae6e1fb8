//! The least: a model, a message, and the answer as it comes.
//!
//! `lenore login` once, then `cargo run -p lenore --example least`.

use std::io::{Write, stdout};

use lenore::{ChatRequest, Event, Message, PoeBuilder, Provider, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let poe = PoeBuilder::from_env()?.build()?;
    let messages = vec![Message::user("Once upon a midnight dreary — go on.")];
    let mut completion = poe.create_completion(ChatRequest::new("gpt-3.5-turbo", messages));
    while let Some(event) = completion.next().await {
        if let Event::Delta(text) = event? {
            print!("{text}");
            let _ = stdout().flush();
        }
    }
    println!();
    poe.close().await;
    Ok(())
}
