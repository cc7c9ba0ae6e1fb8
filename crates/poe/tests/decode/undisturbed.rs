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
        r#"{"queryName":"SendMessageMutation","variables":{"clientNonce":"n"}}"#,
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

/// Where many answers run at once, a tab would do little else than read those of the others.
#[test]
fn of_other_chats_a_page_hears_no_messages_and_titles() {
    let page = Page::new();
    let call = page.call(r#"{"queryName":"SendMessageMutation","variables":{"clientNonce":"n"}}"#);
    let answer = |chat: u64| {
        let node = json!({ "messageId": ANSWER, "author": BOT, "text": "so far" });
        update("messageAdded", chat, node, &[], Style::Plain)
    };
    // Which chat is ours is not known yet.
    let both = frame(&[answer(47), answer(CHAT)], Style::Plain);
    page.deliver(&both);
    page.end_call(call, &Ending::ok(accepted(chat(), Some(ANSWER)).to_string()));
    assert_eq!(page.heard(), std::slice::from_ref(&both));

    let title = json!({ "title": "What is messageAdded: in \\\"unique_id\\\": ?" });
    let title = update("chatTitleUpdated", 47, title, &[], Style::Plain);
    let points = update("viewerStateUpdated", 9, json!({ "points": 7 }), &[], Style::Plain);
    let points = frame(&[points, answer(47)], Style::Plain);
    let ours = frame(&[answer(CHAT)], Style::Plain);
    for heard in [&both, &points, &ours] {
        page.deliver(heard);
        page.deliver(&frame(&[answer(47)], Style::Plain));
        page.deliver(&frame(&[title.clone(), answer(47)], Style::Plain));
        assert_eq!(page.heard(), std::slice::from_ref(heard));
    }
    // The page may have to read all again after these.
    for lost in [
        r#"{"error":"missed_messages"}"#,
        r#"{"messages":["{\"message_type\":\"refetchChannel\"}"]}"#,
    ] {
        page.deliver(lost);
        assert_eq!(page.heard(), [lost]);
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
