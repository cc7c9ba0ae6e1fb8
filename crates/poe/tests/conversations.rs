//! Clients send the whole conversation with each turn; its chat goes on where there is one.

mod support;

use std::time::Duration;

use lenore_provider::{ChatRequest, Earlier, ErrorKind, Event, Message, Provider, Transcript};
use lenore_sim::{Edition, LogEntry, Options, Seen};
use support::{Answer, WAIT, World, ask};

/// A conversation as a client holds it.
#[derive(Clone)]
struct Client {
    model: &'static str,
    messages: Vec<Message>,
}

impl Client {
    fn new() -> Self {
        Self { model: "gpt-4", messages: Vec::new() }
    }

    /// Says something, and takes the answer into the conversation.
    async fn says(&mut self, world: &World, text: &str) {
        self.messages.push(Message::user(text));
        let request = ChatRequest::new(self.model, self.messages.clone());
        let answer = ask(&world.poe, request).await;
        assert_eq!(answer.complete(), world.site_text());
        self.messages.push(Message::assistant(answer.complete()));
    }
}

/// The chats and prompts that the site has taken, in order.
fn turns(world: &World) -> Vec<(String, String)> {
    let turn = |entry: LogEntry| match entry.what {
        Seen::Send { chat: Some(chat), query, status, .. } if status == "success" => {
            Some((chat, query))
        }
        _ => None,
    };
    world.sim.log().into_iter().filter_map(turn).collect()
}

#[tokio::test]
async fn each_turn_goes_into_the_chat_and_only_what_is_new_is_typed() {
    let world = World::new().await;
    let mut client = Client::new();
    for text in ["Who was Poe?", "When was that? [[sim: echo]]", "And where?"] {
        client.says(&world, text).await;
    }
    let turns = turns(&world);
    let prompts: Vec<_> = turns.iter().map(|(_, prompt)| prompt.as_str()).collect();
    assert_eq!(prompts, ["Who was Poe?", "When was that? [[sim: echo]]", "And where?"]);
    assert!(turns.iter().all(|(chat, _)| *chat == turns[0].0), "one chat");
    world.end().await;
}

#[tokio::test]
async fn a_conversation_that_goes_on_keeps_its_tab_beside_other_questions() {
    let world = World::new().await;
    let mut client = Client::new();
    for text in ["Who was Poe?", "When was that?"] {
        client.says(&world, text).await;
    }
    for _ in 0..3 {
        Client::new().says(&world, "A title for that, please.").await;
    }
    client.says(&world, "And where?").await;
    let is_chat =
        |entry: &LogEntry| matches!(&entry.what, Seen::Page { path } if path.starts_with("/chat/"));
    assert!(!world.sim.log().iter().any(is_chat), "no chat was loaded again");
    world.end().await;
}

#[tokio::test]
async fn what_is_no_plain_continuation_gets_a_chat_of_its_own() {
    let world = World::new().await;
    let mut client = Client::new();
    client.says(&world, "Who was Poe?").await;
    let beginning = client.clone();

    // Two branches of one beginning: the first goes on, the second does not mix with it.
    client.says(&world, "When was that?").await;
    let mut branch = beginning.clone();
    branch.says(&world, "Where was that?").await;

    // An edited history.
    let mut edited = client.clone();
    edited.messages[0] = Message::user("Who was Poe, really?");
    edited.says(&world, "And then?").await;

    // Another bot.
    let mut other = client.clone();
    other.model = "gpt-3.5-turbo";
    other.says(&world, "And then?").await;

    // Asked not to.
    let mut messages = client.messages.clone();
    messages.push(Message::user("And then?"));
    let request = ChatRequest { resume: false, ..ChatRequest::new("gpt-4", messages) };
    assert_eq!(ask(&world.poe, request).await.complete(), world.site_text());

    // After all that the conversation itself still goes on.
    client.says(&world, "Thank you.").await;

    let turns = turns(&world);
    let chats: Vec<_> = turns.iter().map(|(chat, _)| chat).collect();
    let first = chats[0];
    assert_eq!(
        chats.iter().map(|chat| *chat == first).collect::<Vec<_>>(),
        [true, true, false, false, false, false, true]
    );
    for (_, prompt) in &turns[2..6] {
        assert!(prompt.starts_with("User: Who was Poe"), "the whole of it: {prompt}");
        assert!(prompt.ends_with("\nAssistant:"));
    }
    world.end().await;
}

#[tokio::test]
async fn a_chat_that_is_gone_or_has_gone_on_elsewhere_is_left_alone() {
    let world = World::new().await;

    // Deleted after its answer.
    let mut client = Client::new();
    client.says(&world, "Who was Poe? [[sim: no-title]]").await;
    let gone = turns(&world)[0].0.clone();
    assert!(world.sim.delete_chat(&gone));
    client.says(&world, "When was that?").await;

    // Somebody asked something in it on another device.
    let mut client = Client::new();
    client.says(&world, "Who was Dupin?").await;
    let chat = turns(&world)[2].0.clone();
    let elsewhere = ChatRequest {
        chat: Some(chat.clone()),
        ..ChatRequest::new("gpt-4", vec![Message::user("Not your business")])
    };
    let other = lenore_poe::Poe::builder()
        .url(world.sim.url())
        .temporary_profile()
        .build()
        .expect("valid options");
    world.sign_in(&other).await;
    ask(&other, elsewhere).await.complete();
    other.close().await;
    client.says(&world, "When was that?").await;

    let turns = turns(&world);
    assert_ne!(turns[1].0, gone);
    assert_ne!(turns[4].0, chat);
    assert!(turns[1].1.starts_with("User: Who was Poe?"));
    assert!(turns[4].1.starts_with("User: Who was Dupin?"));
    world.end().await;
}

/// Where an answer stands, as who asked was told.
fn place(answer: &Answer, length: usize) -> Earlier {
    let started = answer.events.iter().find_map(|event| match event {
        Event::Started { chat, message, .. } => Some((chat.clone(), message.clone())),
        _ => None,
    });
    let (chat, message) = started.expect("it has begun");
    Earlier { chat, message, length }
}

/// A conversation whose answer the client has in another form, and what follows.
fn next_turn(words: &str, earlier: &Earlier) -> ChatRequest {
    let messages = vec![
        Message::user("Who was Poe?"),
        Message::assistant("not in the words of the bot"),
        Message::user(words),
    ];
    ChatRequest { earlier: Some(earlier.clone()), ..ChatRequest::new("gpt-4", messages) }
}

#[tokio::test]
async fn who_knows_the_place_of_an_answer_goes_on_there_once() {
    let world = World::new().await;
    let asked = |words: &str| ChatRequest::new("gpt-4", vec![Message::user(words)]);
    let first = ask(&world.poe, asked("Who was Poe?")).await;
    let earlier = place(&first, 2);
    let second = ask(&world.poe, next_turn("When was that?", &earlier)).await;
    assert_eq!(second.complete(), world.site_text());

    // Another branch of that beginning; a place that is none; and one who does not want to.
    ask(&world.poe, next_turn("Where was that?", &earlier)).await.complete();
    let nowhere = Earlier { message: "7".into(), ..place(&second, 2) };
    ask(&world.poe, next_turn("Why was that?", &nowhere)).await.complete();
    let mut anew = next_turn("How was that?", &place(&second, 2));
    anew.resume = false;
    ask(&world.poe, anew).await.complete();

    // The end of a chat that was named is a place like any.
    let chat = Some(earlier.chat.clone());
    let named = ask(&world.poe, ChatRequest { chat, ..asked("Again, please.") }).await;
    ask(&world.poe, next_turn("Thank you.", &place(&named, 2))).await.complete();

    let turns = turns(&world);
    let in_first: Vec<_> = turns.iter().map(|(chat, _)| *chat == earlier.chat).collect();
    assert_eq!(in_first, [true, true, false, false, false, true, true], "{turns:#?}");
    assert_eq!(turns[1].1, "When was that?");
    assert_eq!(turns[6].1, "Thank you.");
    for (_, prompt) in &turns[2..5] {
        assert!(prompt.starts_with("User: Who was Poe?\nAssistant: not in the words"), "{prompt}");
    }
    world.end().await;
}

/// Leaves an answer once some of it has come, and says where it stands and what has come.
async fn leave(world: &World, request: ChatRequest, length: usize) -> (Earlier, String) {
    let mut completion = world.poe.create_completion(request);
    let (mut place, mut text) = (None, Transcript::default());
    loop {
        let event = completion.next().await.expect("an event").expect("no failure");
        text.apply(&event);
        if let Event::Started { chat, message, .. } = event {
            place = Some(Earlier { chat, message, length });
        }
        if let Some(place) = place.take_if(|_| text.text().len() > 100) {
            return (place, text.into_text());
        }
    }
}

#[tokio::test]
async fn who_leaves_an_answer_goes_on_in_its_chat() {
    let world = World::new().await;
    let long = "Who was Poe? [[sim: length=4000, chunks=100, gap=30]]";
    // At once, by the place of the answer, though the client has less of it.
    let first = vec![Message::user(long)];
    let (earlier, text) = leave(&world, ChatRequest::new("gpt-4", first.clone()), 2).await;
    let mut messages = first.clone();
    messages.extend([Message::assistant(&text[..20]), Message::user("When was that?")]);
    let request = ChatRequest { earlier: Some(earlier), ..ChatRequest::new("gpt-4", messages) };
    let second = ask(&world.poe, request).await;
    assert_eq!(second.complete(), world.site_text());

    // By its words, for who has them all; a beginning of them is another conversation here.
    let (earlier, text) = leave(&world, ChatRequest::new("gpt-4", first.clone()), 2).await;
    let stopped = |entry: &LogEntry| matches!(&entry.what, Seen::Answer { chat, .. } if *chat == earlier.chat);
    let stopped = world.sim.wait_for(stopped, WAIT).await.expect("it is stopped");
    assert!(matches!(&stopped.what, Seen::Answer { state, .. } if state == "cancelled"));
    for (said, is_known) in [(&text[..20], false), (&*text, true)] {
        let mut messages = first.clone();
        messages.extend([Message::assistant(said), Message::user("And where?")]);
        let answer = ask(&world.poe, ChatRequest::new("gpt-4", messages)).await;
        assert_eq!(answer.complete(), world.site_text());
        assert_eq!(answer.chat() == Some(&*earlier.chat), is_known, "{said}");
    }

    let turns = turns(&world);
    assert_eq!(turns[1], (turns[0].0.clone(), "When was that?".into()));
    assert!(turns[3].1.starts_with("User: Who was Poe?"), "{turns:#?}");
    assert_eq!(turns[4], (turns[2].0.clone(), "And where?".into()));
    world.end().await;
}

#[tokio::test]
async fn a_place_in_a_chat_that_is_gone_is_left_alone() {
    let world = World::new().await;
    let words = vec![Message::user("Who was Poe? [[sim: no-title]]")];
    let first = ask(&world.poe, ChatRequest::new("gpt-4", words)).await;
    let earlier = place(&first, 2);
    assert!(world.sim.delete_chat(&earlier.chat));
    ask(&world.poe, next_turn("When was that?", &earlier)).await.complete();
    let turns = turns(&world);
    assert_ne!(turns[1].0, earlier.chat);
    assert!(turns[1].1.starts_with("User: Who was Poe?"), "{turns:#?}");
    world.end().await;
}

#[tokio::test]
async fn after_a_restart_the_conversation_goes_as_one_prompt() {
    let mut world = World::new().await;
    let mut client = Client::new();
    client.says(&world, "Who was Poe?").await;
    world.poe.close().await;
    // Only the browser was closed: the chat is still known, and goes on in a new tab.
    client.says(&world, "When was that?").await;
    world.poe.close().await;
    world.poe = lenore_poe::Poe::builder()
        .url(world.sim.url())
        .user_data_dir(world.profile.path())
        .timeout(Duration::from_secs(20))
        .build()
        .expect("valid options");
    client.says(&world, "Where was that?").await;
    let turns = turns(&world);
    assert_eq!(turns[0].0, turns[1].0);
    assert_eq!(turns[1].1, "When was that?");
    assert_ne!(turns[2].0, turns[0].0);
    assert!(turns[2].1.starts_with("User: Who was Poe?\nAssistant: "));
    world.end().await;
}

#[tokio::test]
async fn a_chat_of_another_bot_is_not_spoken_to() {
    let world = World::new().await;
    let chat = world.ask("Who was Poe?").await.chat().map(str::to_owned);
    let to = |model: &str| ChatRequest {
        chat: chat.clone(),
        ..ChatRequest::new(model, vec![Message::user("And why?")])
    };
    // On the tab that was left there, and on a page that is loaded anew.
    for _ in 0..2 {
        let error = ask(&world.poe, to("poe/Claude-3-Opus")).await.failed();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
        assert!(error.to_string().contains("this chat is with GPT-4"), "{error}");
        world.poe.close().await;
    }
    assert_eq!(world.prompts().len(), 1, "nothing was sent");
    for model in ["poe/gpt-4", ""] {
        assert_eq!(ask(&world.poe, to(model)).await.complete(), world.site_text());
    }
    assert!(turns(&world).iter().all(|turn| Some(&turn.0) == chat.as_ref()), "one chat");
    world.poe.close().await;
    world.end().await;
}

/// The chats that the site has deleted.
fn deleted(world: &World) -> Vec<String> {
    let chat = |entry: LogEntry| match entry.what {
        Seen::Delete { chat } => Some(chat),
        _ => None,
    };
    world.sim.log().into_iter().filter_map(chat).collect()
}

#[tokio::test]
async fn a_temporary_chat_is_deleted_however_its_answer_ends() {
    for edition in [Edition::Y2023, Edition::Y2025] {
        let world = World::at(Options::default().edition(edition), |builder| builder).await;
        world.sign_in(&world.poe).await;
        let kept = world.ask("Who was Poe?").await;
        let words = |words: &str| vec![Message::user(words)];
        // By the model's name, and by the request; complete, failed, and left.
        let first =
            ask(&world.poe, ChatRequest::new("gpt-4:temporary", words("A title, please."))).await;
        assert_eq!(first.complete(), world.site_text(), "{edition}");
        let request = ChatRequest {
            temporary: true,
            ..ChatRequest::new("gpt-4", words("[[sim: length=90, chunks=3, state=error_x]]"))
        };
        let second = ask(&world.poe, request).await;
        let (second, _) = (second.chat().expect("a chat").to_owned(), second.failed());
        let long = words("[[sim: length=4000, chunks=100, gap=50]]");
        let (third, _) = leave(&world, ChatRequest::new("gpt-4:temporary", long), 2).await;
        let is_deleted =
            |entry: &LogEntry| matches!(&entry.what, Seen::Delete { chat } if *chat == third.chat);
        world.sim.wait_for(is_deleted, WAIT).await.expect("it is deleted");
        let chats = [first.chat().expect("a chat").to_owned(), second, third.chat.clone()];
        assert_eq!(deleted(&world), chats, "{edition}");
        let is_notice =
            |event: &Event| matches!(event, Event::Status(notice) if notice.contains("deleted"));
        assert!(!first.events.iter().any(is_notice), "{:?}", first.events);
        // A chat that somebody named is left alone.
        let chat = kept.chat().map(str::to_owned);
        let named = ChatRequest { chat, ..ChatRequest::new("gpt-4:temporary", words("And?")) };
        assert_eq!(ask(&world.poe, named).await.failed().kind(), ErrorKind::InvalidRequest);
        world.end().await;
    }
}

#[tokio::test]
async fn a_temporary_chat_that_cannot_be_deleted_is_told() {
    for (fact, edition) in [
        ("element:chatMenu=missing", Edition::Y2023),
        ("element:menuDelete=missing", Edition::Y2025),
        ("element:modalDelete=missing", Edition::Y2023),
    ] {
        let options = Options::default().edition(edition).drift(fact.parse().expect("a drift"));
        let world = World::at(options, |builder| builder).await;
        world.sign_in(&world.poe).await;
        let words = vec![Message::user("A title, please.")];
        let answer = ask(&world.poe, ChatRequest::new("gpt-4:temporary", words)).await;
        assert_eq!(answer.complete(), world.site_text(), "{fact}");
        let is_told = |event: &Event| matches!(event, Event::Status(notice) if notice.contains("the chat was not deleted"));
        assert!(answer.events.iter().any(is_told), "{edition} {fact}: {:?}", answer.events);
        world.end().await;
    }
}
