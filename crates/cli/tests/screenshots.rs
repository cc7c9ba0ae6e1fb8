//! The pictures of the guide, made from a real session: `scripts/screenshots.sh`.

#![cfg(unix)]

mod support;

#[path = "support/picture.rs"]
mod picture;
#[path = "support/terminal.rs"]
mod terminal;

use std::path::Path;

use support::{Home, World};
use terminal::Terminal;

/// What the bot of the pictures says. The site reads no comma in it.
const ANSWER: &str = "\
## The longest line

An iterator has *all* you need. `max_by_key` keeps the **last** of equals:

```rust
/// The longest line of a text - in characters and not in bytes.
fn longest(text: &str) -> Option<&str> {
    text.lines().max_by_key(|line| line.chars().count())
}

fn main() {
    let text = \"once upon\\na midnight dreary\";
    println!(\"{text}\"); // all of it
}
```

| Counts | with | naïve 🐦 |
|:-------|:-----|---------:|
| bytes | `len` | 11 |
| characters | `chars().count()` | 7 |
| cells | a crate | 8 |

- [x] borrows and copies nothing
- [ ] knows nothing of joined emoji";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes docs/images"]
async fn a_session_of_chat() {
    let (world, home) = (World::new().await, Home::new());
    let mut command = world.lenore("chat");
    home.adopt(&mut command);
    // The site is told what its bot says where nobody looks.
    let system = format!("[[sim: say={ANSWER}, title=Longest line, cost=21, suggestions=2]]");
    command.args(["-m", "gpt-4", "--system", &system]);
    let mut terminal = Terminal::start(&command, 44, 84);
    terminal.waits_at("gpt-4 ›").await;
    terminal.keys("How do I find the longest line of a text in Rust?\r");
    terminal.shows("  2 ").await;
    terminal.waits_at("gpt-4 ›").await;
    terminal.keys("And the shortest?");
    // What comes after an answer may be printed above the line at any moment: the line is drawn
    // anew then, and the picture is taken once it stands there again.
    let picture = loop {
        terminal.waits_at("gpt-4 › And the shortest?").await;
        let picture = terminal.look(picture::svg);
        if picture.contains("And the shortest?") && picture.contains(">2 ") {
            break picture;
        }
    };
    draw(&picture, "chat.svg");
    terminal.keys("\x15\x04");
    assert_eq!(terminal.end().await, 0);
    world.end().await;
}

fn draw(picture: &str, name: &str) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/images");
    std::fs::create_dir_all(&directory).expect("made");
    std::fs::write(directory.join(name), picture).expect("written");
}
