//! Everything that is not an answer is one error, of the kind that the design's table names.

use std::time::Duration;

use lenore_poe::decode::TapMessage;
use lenore_provider::{ErrorKind, Event};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::page::{Ending, Page};
use crate::reader::Reader;
use crate::story::piece;
use crate::wire::{ANSWER, BOT, CHAT, CODE, Entry, Style, TEXT};
use crate::wire::{accepted, body, chat, question, update};

const STATUSES: &[(&str, ErrorKind)] = &[
    ("reached_limit", ErrorKind::Quota),
    ("rate_limit_exceeded", ErrorKind::RateLimited),
    ("concurrent_messages", ErrorKind::RateLimited),
    ("too_many_tokens", ErrorKind::TooLong),
    ("no_access", ErrorKind::NoAccess),
    ("unsupported_file_type", ErrorKind::Attachment),
    ("file_too_large", ErrorKind::Attachment),
];

const STATES: &[(&str, ErrorKind)] = &[
    ("error_user_message_too_long", ErrorKind::TooLong),
    ("cancelled", ErrorKind::Cancelled),
    ("error_bot", ErrorKind::Bot),
];

/// A name of the table, or one that nobody knows yet.
fn name(
    table: &'static [(&'static str, ErrorKind)],
    good: &'static [&'static str],
    beginning: &'static str,
) -> impl Strategy<Value = (String, ErrorKind)> {
    let unknown = prop_oneof![4 => "error_[a-z_]{0,12}", 1 => "[a-z_]{1,20}", 1 => ".{0,20}"];
    let unknown = unknown.prop_filter("is not known", move |name| {
        name.starts_with(beginning)
            && !good.contains(&name.as_str())
            && table.iter().all(|(known, _)| known != name)
    });
    prop_oneof![
        2 => prop::sample::select(table).prop_map(|(name, kind)| (name.to_owned(), kind)),
        1 => unknown.prop_map(|name| (name, ErrorKind::Bot)),
    ]
}

/// What the site may say to it, and what of it a person reads.
fn words() -> impl Strategy<Value = Value> {
    prop_oneof![Just(json!(null)), ".{1,12}".prop_map(Value::from), Just(json!("é🙂".repeat(200)))]
}

/// A value of `Retry-After`, and what it means.
fn retry() -> impl Strategy<Value = (Option<String>, Option<Duration>)> {
    prop_oneof![
        Just((None, None)),
        (0u64..10_000).prop_map(|wait| (Some(wait.to_string()), Some(Duration::from_secs(wait)))),
        // A date that has passed asks for no wait.
        prop::sample::select(vec!["Wed, 21 Oct 2015 07:28:00 GMT", "", "-3", "1e99", "Infinity"])
            .prop_map(|odd| (Some(odd.to_owned()), None)),
    ]
}

/// Asks, ends the call, and gives the only error. What the site sends after that changes nothing,
/// unless it is the echo of a question whose reply left it open whether it was taken.
fn refused(ending: &Ending, is_certain: bool) -> lenore_provider::Error {
    let mut reader = Reader::new();
    let call = reader.ask(None);
    reader.end_call(call, ending);
    assert_eq!(reader.exchange.is_refused(), is_certain);
    if is_certain {
        reader.frame(&[update("messageAdded", CHAT, question(), &[], Style::Plain)], Style::Plain);
    }
    reader.frame(&[state("complete", &json!(null), &[])], Style::Plain);
    assert_eq!((reader.failed.len(), reader.completed), (1, 0));
    assert!(reader.trouble.is_empty(), "{:?}", reader.trouble);
    reader.failed.pop().expect("one")
}

/// Our answer in a state.
fn state(state: &str, reason: &Value, text: &[u16]) -> Entry {
    let data = json!({
        "messageId": ANSWER, "author": BOT, "state": state, "messageStateText": reason,
        "text": TEXT,
    });
    update("messageAdded", CHAT, data, text, Style::Ascii)
}

fn reply(status: u16, retry: Option<String>, body: &Value) -> Ending {
    Ending::Reply { status, retry, body: body.to_string() }
}

/// What an HTTP status means where the body says nothing better.
fn of_http(status: u16, is_page: bool) -> ErrorKind {
    match status {
        401 => ErrorKind::NotSignedIn,
        403 if is_page => ErrorKind::Challenge,
        403 => ErrorKind::NoAccess,
        429 => ErrorKind::RateLimited,
        _ => ErrorKind::Bot,
    }
}

fn http_status() -> impl Strategy<Value = u16> {
    prop_oneof![prop::sample::select(vec![200u16, 401, 403, 429, 500, 502, 503, 504]), 200u16..600,]
}

proptest! {
    #![proptest_config(crate::cases(150))]

    #[test]
    fn a_refused_question_is_one_error(
        (status, kind) in name(STATUSES, &["success"], ""),
        words in words(),
        (header, wait) in retry(),
    ) {
        let created = json!({ "status": status, "statusMessage": words, "chat": null });
        let body = json!({ "data": { "messageEdgeCreate": created } });
        let error = refused(&reply(200, header, &body), true);
        prop_assert_eq!(error.kind(), kind);
        prop_assert_eq!(error.retry_after(), wait);
        prop_assert_eq!((error.partial(), error.is_in_doubt()), (None, false));
        let words = words.as_str().unwrap_or_default().trim().chars().take(40).collect::<String>();
        prop_assert!(error.to_string().contains(&words), "{}: {}", error, words);
        prop_assert!(error.to_string().len() < 600, "{}", error);
    }

    #[test]
    fn a_reply_without_data_is_one_error(
        status in http_status(),
        (header, wait) in retry(),
        words in prop::collection::vec(words(), 0..3),
        data in prop::sample::select(vec![json!(null), json!({}), json!({ "messageEdgeCreate": null }), json!([])]),
    ) {
        let errors: Vec<_> = words.iter().map(|words| json!({ "message": words })).collect();
        let reply = reply(status, header, &json!({ "data": data, "errors": errors }));
        let error = refused(&reply, false);
        prop_assert_eq!(error.kind(), of_http(status, false));
        prop_assert_eq!((error.retry_after(), error.is_in_doubt()), (wait, true));
    }

    #[test]
    fn a_page_instead_of_a_reply_is_one_error(
        status in http_status(),
        (header, wait) in retry(),
        page in prop::sample::select(vec!["<!doctype html><title>Oops</title>", "", "null", "7", "{", "\"\""]),
    ) {
        let page = page.to_owned();
        let error = refused(&Ending::Reply { status, retry: header, body: page }, false);
        prop_assert_eq!(error.kind(), of_http(status, true));
        prop_assert_eq!((error.retry_after(), error.is_in_doubt()), (wait, true));
    }

    #[test]
    fn an_answer_that_fails_is_one_error_with_what_was_received(
        (name, kind) in name(STATES, &[], "error"),
        texts in prop::collection::vec(piece(), 0..4),
        last in piece(),
        reason in words(),
        replied_late in any::<bool>(),
    ) {
        let mut reader = Reader::new();
        let call = reader.ask(Some(CHAT));
        let accepted = Ending::ok(body(&accepted(chat(), Some(ANSWER)), &[]));
        if !replied_late {
            reader.end_call(call, &accepted);
        }
        for text in texts {
            reader.frame(&[state("incomplete", &json!(null), &text)], Style::Plain);
        }
        // It is told more than once.
        for _ in 0..2 {
            reader.frame(&[state(&name, &reason, &last)], Style::Plain);
        }
        if replied_late {
            reader.end_call(call, &accepted);
        }
        prop_assert_eq!((reader.failed.len(), reader.completed), (1, 0));
        let error = &reader.failed[0];
        prop_assert_eq!(error.kind(), kind);
        let text = String::from_utf16_lossy(&last);
        prop_assert_eq!(error.partial().unwrap_or_default(), text.as_str());
        prop_assert_eq!(reader.text(), text.as_str());
    }
}

#[test]
fn a_stopped_answer_is_cancelled_once() {
    for data in [json!({ "messageId": ANSWER }), json!({ "id": "x" }), json!({ "messageId": null })]
    {
        let mut reader = Reader::new();
        let call = reader.ask(None);
        reader.end_call(call, &Ending::ok(body(&accepted(chat(), None), &[])));
        let text: Vec<u16> = "Once upon".encode_utf16().collect();
        reader.frame(&[state("incomplete", &json!(null), &text)], Style::Plain);
        let cancelled = update("messageCancelled", CHAT, data, &[], Style::Plain);
        reader.frame(&[cancelled, state("cancelled", &json!(null), &text)], Style::Plain);
        assert_eq!((reader.failed.len(), reader.completed), (1, 0));
        assert_eq!(reader.failed[0].kind(), ErrorKind::Cancelled);
        assert_eq!(reader.failed[0].partial(), Some("Once upon"));
    }
}

#[test]
fn a_reply_that_is_lost_is_made_up_for_by_the_echo() {
    let failure = |status| reply(status, None, &json!({ "errors": [{ "message": "Oops" }] }));
    for (ending, kind) in [
        (Ending::Fails, ErrorKind::AnswerLost),
        (Ending::BreaksOff { status: 200 }, ErrorKind::AnswerLost),
        (failure(502), ErrorKind::Bot),
        (failure(200), ErrorKind::Bot),
        (failure(401), ErrorKind::NotSignedIn),
        (failure(403), ErrorKind::NoAccess),
        (failure(429), ErrorKind::RateLimited),
    ] {
        let error = refused(&ending, false);
        assert_eq!(error.kind(), kind, "{ending:?}");
        // Those words are the browser's.
        assert!(!error.to_string().contains("TypeError"), "{error}");
        let mut reader = Reader::new();
        let call = reader.ask(None);
        reader.end_call(call, &ending);
        let echo = update("messageAdded", CHAT, question(), &[], Style::Plain);
        reader.frame(&[echo, state("complete", &json!(null), &[0x61])], Style::Plain);
        assert_eq!((reader.text(), reader.completed, reader.failed.len()), ("a", 1, 0));
    }
}

#[test]
fn the_reply_to_another_question_is_not_ours() {
    let mut reader = Reader::new();
    let call = reader.ask(None);
    let other = reader.ask_with(None, json!("the nonce of a second question"), false);
    reader.end_call(other, &reply(429, None, &json!({ "errors": [] })));
    assert!(reader.failed.is_empty());
    reader.end_call(call, &Ending::ok(body(&accepted(chat(), Some(ANSWER)), &[])));
    reader.frame(&[state("complete", &json!(null), &[0x61])], Style::Plain);
    assert_eq!((reader.text(), reader.completed), ("a", 1));
}

#[test]
fn what_became_of_files_is_told_as_the_site_says_it() {
    let told = |ending: &Ending| {
        let page = Page::new();
        let call = page.upload(r#"{"queryName":"UploadAttachmentMutation","variables":{}}"#);
        page.end_call(call, ending);
        page.emitted().last().map(|told| serde_json::from_str(told).expect("of the tap"))
    };
    let upload = |http, taken, status: Option<&str>, words: Option<&str>| {
        let (status, words) = (status.map(str::to_owned), words.map(str::to_owned));
        Some(TapMessage::Upload { http, taken, status, words })
    };
    let taken = json!({ "data": { "attachmentUpload": { "status": "success" } } });
    assert_eq!(told(&reply(200, None, &taken)), upload(200, true, Some("success"), None));
    let refused = json!({ "status": "file_too_large", "statusMessage": "50 MB" });
    let refused = json!({ "data": { "attachmentUpload": refused } });
    let expected = upload(200, false, Some("file_too_large"), Some("50 MB"));
    assert_eq!(told(&reply(200, None, &refused)), expected);
    let failed = json!({ "data": null, "errors": [{ "message": "Oops" }] });
    assert_eq!(told(&reply(500, None, &failed)), upload(500, false, None, Some("Oops")));
    // A place for files alone need not say more than that it has them.
    assert_eq!(told(&Ending::ok("")), upload(200, true, None, None));
    for lost in [Ending::Fails, Ending::BreaksOff { status: 200 }] {
        assert_eq!(told(&lost), upload(0, false, None, None), "{lost:?}");
    }
}

#[test]
fn a_wait_can_be_told_as_a_date() {
    let date = "Thu, 01 Jan 2099 00:00:00 GMT".to_owned();
    let error = refused(&reply(429, Some(date), &json!({ "errors": [] })), false);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let due = 4_070_908_800 - now.expect("a clock").as_secs();
    let wait = error.retry_after().expect("told").as_secs();
    assert!(wait.abs_diff(due) < 60, "{wait} instead of {due}");
}

/// Our answer, complete, by a bot of this inner name.
fn complete_by(author: &str) -> Entry {
    let data =
        json!({ "messageId": ANSWER, "author": author, "state": "complete", "text": "Once." });
    update("messageAdded", CHAT, data, &[], Style::Plain)
}

/// What the page reads of chats, among them ours, whose bot is called so.
fn list(handle: &str) -> Ending {
    let other = json!({ "chatId": 7, "chatCode": "x", "defaultBotObject": { "handle": "Other" } });
    let bot = json!({ "handle": handle, "nickname": BOT });
    let ours = json!({ "chatId": CHAT, "chatCode": CODE, "defaultBotObject": bot });
    Ending::ok(json!({ "data": { "chats": [other, { "node": ours }] } }).to_string())
}

#[test]
fn an_answer_under_an_unknown_name_is_the_answer() {
    let bare = json!({ "data": { "messageEdgeCreate": { "status": "success" } } }).to_string();
    let echo = || update("messageAdded", CHAT, question(), &[], Style::Plain);
    for author in [BOT, "beaver", "claude_3_igloo"] {
        let mut reader = Reader::of_bot("GPT-4");
        reader.page.open("/GPT-4");
        let call = reader.ask(None);
        reader.end_call(call, &Ending::ok(bare.clone()));
        reader.frame(&[echo(), complete_by(author)], Style::Plain);
        assert_eq!((reader.text(), reader.completed), ("Once.", 1));
    }
    // That is the name of another bot.
    let mut reader = Reader::of_bot("GPT-4");
    let call = reader.ask(None);
    reader.end_call(call, &Ending::ok(bare));
    reader.frame(&[echo(), complete_by("llama_2_70b")], Style::Plain);
    assert_eq!((reader.completed, reader.failed.len()), (0, 1));
}

#[test]
fn a_chat_that_is_read_elsewhere_tells_its_address_and_its_bot() {
    let bare = json!({ "data": { "messageEdgeCreate": { "status": "success" } } }).to_string();
    for (handle, fails) in [("GPT-4", 0), ("Sage", 1)] {
        let mut reader = Reader::of_bot("GPT-4");
        reader.page.open("/GPT-4");
        let call = reader.ask(None);
        reader.end_call(call, &Ending::ok(bare.clone()));
        let echo = update("messageAdded", CHAT, question(), &[], Style::Plain);
        reader.frame(&[echo, state("incomplete", &json!(null), &[0x61])], Style::Plain);
        let call = reader.page.call(r#"{"queryName":"SomeList","variables":{}}"#);
        reader.end_call(call, &list(handle));
        assert_eq!(reader.failed.len(), fails, "{handle}");
        assert_eq!(reader.exchange.chat_code(), Some(CODE));
        assert_eq!(reader.count(|event| matches!(event, Event::Started { .. })), 1);
    }
}

#[test]
fn the_address_is_told_by_the_page_that_moves_there() {
    let mut reader = Reader::of_bot("GPT-4");
    reader.page.open("/GPT-4");
    reader.ask(None);
    let echo = update("messageAdded", CHAT, question(), &[], Style::Plain);
    reader.frame(&[echo, complete_by(BOT)], Style::Plain);
    assert_eq!((reader.text(), reader.completed), ("Once.", 1));
    reader.page.open("/chat/3abcodexyz");
    reader.frame(&[update("messageAdded", CHAT, question(), &[], Style::Plain)], Style::Plain);
    assert_eq!(reader.exchange.chat_code(), Some(CODE));
    assert_eq!(reader.count(|event| matches!(event, Event::Started { .. })), 1);
}

#[test]
fn an_answer_of_another_bot_is_one_error() {
    let chat = |handle: &str| {
        let bot = json!({ "handle": handle, "nickname": BOT });
        json!({ "chatId": CHAT, "chatCode": CODE, "defaultBotObject": bot })
    };
    for (asked, handle, fails) in
        [("GPT-4", "GPT-4", false), ("gpt-4", "GPT-4", false), ("GPT-4", "Sage", true)]
    {
        let mut reader = Reader::of_bot(asked);
        let call = reader.ask(None);
        reader.frame(&[state("incomplete", &json!(null), &[0x61])], Style::Plain);
        let body = accepted(chat(handle), Some(ANSWER));
        reader.end_call(call, &Ending::ok(body.to_string()));
        reader.frame(&[state("complete", &json!(null), &[0x61, 0x62])], Style::Plain);
        let kinds: Vec<_> = reader.failed.iter().map(lenore_provider::Error::kind).collect();
        let (expected, text) = if fails { (vec![ErrorKind::Bot], "") } else { (vec![], "ab") };
        assert_eq!(kinds, expected, "{asked} {handle}");
        assert_eq!(reader.text(), text, "{asked} {handle}");
        assert_eq!(reader.completed, usize::from(!fails), "{asked} {handle}");
    }
}
