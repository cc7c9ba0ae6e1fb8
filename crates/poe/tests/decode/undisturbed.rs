//! The page is as if the tap were not there, and the account's other chats were quiet.

use proptest::prelude::*;

use serde_json::json;

use crate::page::{Ending, Page};
use crate::wire::{ANSWER, BOT, CHAT, Style, accepted, chat, frame, update};

#[test]
fn what_is_wrapped_is_used_as_before() {
    assert_eq!(Page::new().disturbed(), Vec::<String>::new());
}

#[test]
fn a_page_that_reads_its_replies_reads_all_of_them() {
    let page = Page::new();
    let bodies = [
        r#"{"queryName":"SendMessageMutation","variables":{"query":"?","clientNonce":"n"}}"#,
        r#"{"queryName":"ChatPageQuery","variables":{}}"#,
        r#"{"queryName":"AnyOtherQuery"}"#,
        "no JSON",
    ];
    let calls: Vec<_> =
        bodies.iter().flat_map(|body| [page.call(body), page.upload(body)]).collect();
    for call in calls {
        page.end_call(call, &Ending::ok(format!("the reply to call {call}")));
        assert_eq!(page.read(), [format!("the reply to call {call}")]);
    }
    let call = page.call(bodies[0]);
    page.end_call(call, &Ending::Fails);
    assert_eq!(page.failed(), ["TypeError: Failed to fetch"]);
    assert_eq!(page.read(), Vec::<String>::new());
}

#[test]
fn a_page_hears_all_that_the_site_sends_it() {
    let page = Page::new();
    let body = r#"{"queryName":"SendMessageMutation","variables":{"query":"?","clientNonce":"n"}}"#;
    let call = page.call(body);
    let answer = |chat: u64| {
        let node = json!({ "messageId": ANSWER, "author": BOT, "text": "so far" });
        frame(&[update("messageAdded", chat, node, &[], Style::Plain)], Style::Plain)
    };
    page.end_call(call, &Ending::ok(accepted(chat(), Some(ANSWER)).to_string()));
    for sent in [answer(47), answer(CHAT), r#"{"type":"pong"}"#.into(), "no JSON".into()] {
        page.deliver(&sent);
        assert_eq!(page.heard(), [sent]);
    }
}

proptest! {
    #![proptest_config(crate::cases(60))]

    #[test]
    fn listeners_of_the_page_get_every_message(
        urls in prop::collection::vec(".{0,20}", 1..4),
        frames in prop::collection::vec(".{0,20}", 0..6),
        code in any::<u16>(),
    ) {
        let page = Page::new();
        for url in urls {
            page.connect(&url);
            frames.iter().for_each(|frame| page.deliver(frame));
            page.close(code);
            prop_assert_eq!(&page.heard(), &frames);
            prop_assert_eq!(page.thrown(), Vec::<String>::new());
        }
    }
}
