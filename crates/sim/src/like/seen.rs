//! Which habits of a site a recording shows. What it does not show is left to the edition.

use serde_json::Value;

use super::shapes::{Entry, Fields, Shapes, inside, same, word};

/// The habits, by name and value.
pub(super) fn habits(shapes: &Shapes) -> Vec<(&'static str, &'static str)> {
    let mut seen = Vec::new();
    let entries = shapes.entries();
    if let Some(question) = shapes.question() {
        call(question, &mut seen);
        next_data(shapes, &mut seen);
        let reply = shapes.reply_to(question).map(|reply| &reply["shape"]);
        if let Some(reply) = reply {
            of_reply(question, reply, &mut seen);
            author(question, reply, &entries, &mut seen);
        }
    }
    if !entries.is_empty() {
        socket(shapes, &entries, &mut seen);
        end(&entries, &mut seen);
    }
    page(shapes, &mut seen);
    seen
}

type Seen = Vec<(&'static str, &'static str)>;

/// How the question was sent.
fn call(question: &Value, seen: &mut Seen) {
    match question["by"].as_str() {
        Some("fetch") => seen.push(("transport", "fetch")),
        Some("request") => seen.push(("transport", "request")),
        Some("xhr") => seen.push(("transport", "xhr")),
        _ => {}
    }
    let headers: Vec<&str> =
        question["headers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let has = |name: &str| headers.contains(&name);
    seen.push(("headers", if has("poe-formkey") && has("poe-revision") { "all" } else { "few" }));
    let in_body = question["shape"].get("queryName").is_some();
    seen.push((
        "operation-place",
        match (in_body, has("poe-queryname")) {
            (true, false) => "body",
            (false, true) => "header",
            _ => "both",
        },
    ));
    let name = word(&question["shape"]["queryName"]).or(question["operation"].as_str());
    seen.push((
        "operations",
        match name.and_then(|name| name.chars().next()) {
            Some(first) if first.is_ascii_uppercase() => "upper",
            Some(first) if first.is_ascii_lowercase() => "lower",
            _ => "other",
        },
    ));
    if let Some(variables) = variables(question) {
        let is_new = variables.contains_key("chatNonce");
        seen.push(("shape", if is_new { "2025" } else { "2023" }));
    }
}

fn variables(question: &Value) -> Option<&Fields> {
    question["shape"]["variables"].as_object()
}

fn next_data(shapes: &Shapes, seen: &mut Seen) {
    let reads =
        |call: &Value| call["path"].as_str().is_some_and(|path| path.starts_with("/_next/data"));
    seen.push(("next-data", if shapes.of_kind("call").any(reads) { "on" } else { "off" }));
}

/// The bot that a reply tells of.
fn bot(reply: &Value) -> Option<&Fields> {
    inside(reply, &|fields| fields.contains_key("handle") && fields.contains_key("nickname"))
}

fn of_reply(question: &Value, reply: &Value, seen: &mut Seen) {
    if let Some(told) = reply["data"]["messageEdgeCreate"].as_object() {
        seen.push((
            "bot-message",
            match told.get("botMessage") {
                None => "absent",
                Some(Value::Object(_)) => "node",
                Some(_) => "null",
            },
        ));
    }
    let asked = variables(question).and_then(|variables| variables.get("bot"));
    if let (Some(asked), Some(bot)) = (asked.and_then(same), bot(reply)) {
        let is_handle = bot.get("handle").and_then(same) == Some(asked);
        seen.push(("asked-bot", if is_handle { "handle" } else { "code" }));
    }
}

/// Whether an entry tells of a message of a bot's.
fn is_answer(entry: &Entry<'_>) -> bool {
    let is_human = |data: &Fields| data.get("author").and_then(word) == Some("human");
    entry.name == "messageAdded" && entry.data.is_some_and(|data| !is_human(data))
}

fn author(question: &Value, reply: &Value, entries: &[Entry<'_>], seen: &mut Seen) {
    let answer = entries.iter().find(|entry| is_answer(entry)).and_then(|entry| entry.data);
    let (Some(answer), Some(bot)) = (answer, bot(reply)) else { return };
    let Some(author) = answer.get("author") else { return };
    let asked = variables(question).and_then(|variables| variables.get("bot")).and_then(same);
    let is = |key: &str| bot.get(key).and_then(same).is_some_and(|it| same(author) == Some(it));
    seen.push((
        "author",
        match author.as_str() {
            Some("null") => "null",
            _ if is("handle") => "handle",
            _ if asked.is_some() && same(author) == asked => "code",
            _ if is("nickname") => "nickname",
            _ => "unrelated",
        },
    ));
}

fn socket(shapes: &Shapes, entries: &[Entry<'_>], seen: &mut Seen) {
    let has = |name: &str| entries.iter().any(|entry| entry.name == name);
    seen.push(("entries", if has("messageCreated") { "all" } else { "few" }));
    seen.push(("edits", if has("messageEdited") { "yes" } else { "no" }));
    let is_one = shapes.frame_sizes().into_iter().all(|entries| entries == 1);
    seen.push(("frame", if is_one { "1" } else { "some" }));
    let padded = |entry: &Entry<'_>| entry.whole.values().any(|value| value == "padding");
    seen.push(("padding", if entries.iter().any(padded) { "yes" } else { "no" }));
    let of_none = entries.iter().find(|entry| entry.name == "messageCreated");
    if let Some(unique) = of_none.and_then(|entry| entry.payload.get("unique_id")?.as_str()) {
        seen.push(("unique-ids", if unique.contains('#') { "chat" } else { "bare" }));
    }
    let answers = || entries.iter().filter(|entry| is_answer(entry)).filter_map(|entry| entry.data);
    let inside = answers().any(|data| data.contains_key("followupActions"));
    if inside {
        seen.push(("follow-ups", "inside"));
    } else if has("messageFollowupActionUpdated") {
        seen.push(("follow-ups", "own"));
    }
    if let Some(id) = answers().find_map(|data| data.get("messageId")?.as_str()) {
        seen.push(("ids", if id.starts_with("digits") { "string" } else { "number" }));
    }
    let pings = shapes.of_kind("socket").any(|socket| {
        let parameters = socket["parameters"].as_array();
        parameters.is_some_and(|names| names.iter().any(|name| name == "generation"))
    });
    seen.push(("ping", if pings { "watched" } else { "no" }));
}

/// The state that an entry tells.
fn state<'a>(entry: &Entry<'a>) -> Option<&'a str> {
    word(entry.data?.get("state")?)
}

/// What told the end, and how often the answer came again after it.
fn end(entries: &[Entry<'_>], seen: &mut Seen) {
    let is_complete = |entry: &&Entry<'_>| {
        is_answer(entry) && matches!(state(entry), Some("complete" | "completed"))
    };
    let complete: u64 = entries.iter().filter(is_complete).map(|entry| entry.times).sum();
    let job = entries.iter().any(|entry| {
        entry.name == "jobUpdated"
            && matches!(state(entry), Some("completed" | "complete" | "finished"))
    });
    seen.push((
        "end",
        match (complete > 0, job) {
            (true, true) => "both",
            (true, false) => "message",
            (false, true) => "job",
            // It did not end while it was recorded.
            (false, false) => return,
        },
    ));
    if complete > 0 {
        seen.push((
            "copies",
            match complete - 1 {
                0 => "0",
                1 => "1",
                _ => "5",
            },
        ));
    }
}

/// The document and its elements.
fn page(shapes: &Shapes, seen: &mut Seen) {
    if let Some(inline) = shapes.of_kind("inline").find(|line| line["element"] == "__NEXT_DATA__") {
        let props = &inline["shape"]["props"]["pageProps"];
        if inside(&props["data"], &|fields| fields.contains_key("mainQuery")).is_some() {
            seen.push(("inline", "deep"));
        } else if props.get("bot").is_some() {
            seen.push(("inline", "props"));
        }
    }
    let elements = shapes.elements();
    let parts = |key: &str, name: &str| {
        elements[key].as_array().is_some_and(|parts| parts.iter().any(|part| part == name))
    };
    if parts("question_parts", "Message_humanMessageBubble__") {
        seen.push(("markup", "2023"));
    } else if parts("question_parts", "Message_rightSideMessageBubble__") {
        seen.push(("markup", "2025"));
    }
    let send = &elements["send_button"];
    if send.is_object() {
        let data = send["attributes"].get("data-button-send").is_some();
        let class = send["classes"].as_array().is_some_and(|classes| {
            classes.iter().any(|class| class == "ChatMessageSendButton_sendButton__")
        });
        seen.push((
            "send-button",
            match (data, class) {
                (true, true) => "both",
                (true, false) => "data",
                (false, true) => "class",
                (false, false) => "nothing",
            },
        ));
    }
    if let Some(beside) = elements["running"]["send"].as_bool() {
        seen.push(("stop-button", if beside { "beside" } else { "instead" }));
    }
}
