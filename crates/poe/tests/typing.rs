//! The prompt is typed exactly, once, whatever it holds: what the site has received says so.

mod support;

use lenore_provider::{ChatRequest, Message};
use support::{World, ask};

#[tokio::test(flavor = "multi_thread")]
async fn any_text_arrives_exactly_and_comes_back_exactly() {
    let world = World::new().await;
    let long =
        "Zwölf Boxkämpfer \"jagen\" 'Viktor' quer über\tden Deich. 🥊👩‍👩‍👧‍👦 שלום עולם مرحبا 漢字 \n";
    let texts = [
        "one line".to_owned(),
        "several\nlines\n\nand a line break at the end\n".to_owned(),
        "  space at both ends \t ".to_owned(),
        "\"double\" 'single' `back` \\ slash \\n </textarea><script>alert(1)</script> ${x} &amp;"
            .to_owned(),
        "𝒳 non-BMP 🙂 🏳️‍🌈 👨🏽‍🚀 e\u{301} \u{1F1EB}\u{1F1F7} \u{10FFFF}".to_owned(),
        "right to left: שלום, مرحبا \u{202E}override\u{202C} \u{200F}".to_owned(),
        "line separators \u{2028} \u{2029} \u{85}, a no-break\u{a0}space, \u{feff}BOM".to_owned(),
        format!("{}[[sim: echo, chunks=20, gap=0]]", long.repeat(100_000 / long.len() + 1)),
    ];
    for text in texts {
        let text = if text.contains("[[sim") { text } else { text + "[[sim: echo, gap=0]]" };
        let answer = world.ask(&text).await;
        assert_eq!(world.prompts().last(), Some(&text));
        assert_eq!(answer.complete(), text);
    }
    assert_eq!(world.prompts().len(), 8, "each was sent once");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_box_has_one_kind_of_line_break() {
    let world = World::new().await;
    world.ask("one\r\ntwo\rthree\n[[sim: length=100, gap=0]]").await.complete();
    assert_eq!(world.prompts(), ["one\ntwo\nthree\n[[sim: length=100, gap=0]]"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_of_a_megabyte_is_sent_whole() {
    let world = World::new().await;
    let text = "0123456789abcdef\n".repeat(1024 * 1024 / 17) + "[[sim: length=100, gap=0]]";
    world.ask(&text).await.complete();
    assert!(world.prompts() == [text], "it arrived as it was");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_of_very_many_lines_is_sent_whole() {
    let world = World::new().await;
    let text = "a\n".repeat(900_000) + "[[sim: length=100, gap=0]]";
    world.ask(&text).await.complete();
    assert!(world.prompts() == [text], "it arrived as it was");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_becomes_one_prompt() {
    let world = World::new().await;
    let messages = vec![
        Message::system("Be brief. [[sim: echo]]"),
        Message::user("Hi\nthere"),
        Message::assistant("Hello."),
        Message::user("Why?"),
    ];
    let answer = ask(&world.poe, ChatRequest::new("gpt-4", messages)).await;
    let prompt = "System: Be brief. [[sim: echo]]\nUser: Hi\nthere\nAssistant: Hello.\nUser: Why?\nAssistant:";
    assert_eq!(answer.complete(), prompt);
    assert_eq!(world.prompts(), [prompt]);
    world.end().await;
}
