//! What bots write, and what is read of it.

use super::*;

fn toolbox(choice: Choice, parallel: bool) -> Toolbox {
    let parameters = json!({
        "type": "object",
        "properties": { "city": { "type": "string" } },
        "required": ["city"],
    });
    let tool = Tool::new("weather".into(), Some("Tells it.".into()), Some(parameters), "x");
    let tools =
        vec![tool.expect("valid"), Tool::new("time".into(), None, None, "x").expect("valid")];
    Toolbox::new(tools, choice, parallel).expect("valid").expect("some")
}

fn names(calls: &[Call]) -> Vec<(&str, &str)> {
    calls.iter().map(|call| (call.name.as_str(), call.arguments.as_str())).collect()
}

#[test]
fn calls_are_read_in_the_ways_that_bots_write_them() {
    let toolbox = toolbox(Choice::Auto, true);
    let answer = "I look.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \
        \"Köln </tool_call> 🐦\"}}\n</tool_call>\n<tool_call>{\"name\":\"time\"}";
    let (text, calls) = toolbox.read(answer).expect("valid");
    assert_eq!(text, "I look.");
    let expected = [("weather", "{\"city\": \"Köln </tool_call> 🐦\"}"), ("time", "{}")];
    assert_eq!(names(&calls), expected);
    let quoted = r#"<tool_call>{"name":"weather","arguments":"{\"city\":\"a\"}"}</tool_call>"#;
    let (_, calls) = toolbox.read(quoted).expect("valid");
    assert_eq!(names(&calls), [("weather", "{\"city\":\"a\"}")]);
    assert_eq!(toolbox.read("No need.").expect("valid"), ("No need.".to_owned(), vec![]));
}

#[test]
fn what_does_not_fit_is_told_without_its_words_in_the_outline() {
    let toolbox = toolbox(Choice::Auto, false);
    for answer in [
        "<tool_call>{\"name\":\"weather\",\"arguments\":{\"city\":[\"secret\"]}}</tool_call>",
        "<tool_call>{\"name\":\"secret\"}</tool_call>",
        "<tool_call>secret",
        "<tool_call>{\"name\":\"time\"}</tool_call><tool_call>{\"name\":\"time\"}</tool_call>",
        "<tool_call> is how one calls, as in {\"name\":\"time\"}",
    ] {
        let fault = toolbox.read(answer).expect_err(answer);
        assert!(!fault.outline.contains("secret"), "{}", fault.outline);
    }
}

#[test]
fn what_is_quoted_calls_nothing() {
    let toolbox = toolbox(Choice::Auto, true);
    let call = "<tool_call>{\"name\":\"time\",\"arguments\":{}}</tool_call>";
    for answer in [
        format!("The file has ```x``` and `{call}` in it."),
        format!("It says:\n```xml\n{call}\n```"),
        format!("One writes {call} for it."),
    ] {
        assert_eq!(toolbox.read(&answer).expect("text"), (answer.clone(), vec![]));
    }
}

#[test]
fn text_after_a_call_is_kept() {
    let toolbox = toolbox(Choice::Auto, true);
    let call = "<tool_call>```json\n{\"name\":\"time\",\"arguments\":null}\n```\n</tool_call>";
    let (text, calls) =
        toolbox.read(&format!("One.\n{call}\nTwo.\n{call}{call}\nThree.\n")).expect("calls");
    assert_eq!(text, "One.\n\nTwo.\n\nThree.");
    assert_eq!(names(&calls), [("time", "{}"); 3]);
}

#[test]
fn a_result_names_a_call_that_the_bot_knows() {
    let toolbox = toolbox(Choice::Auto, true);
    let call = "<tool_call>{\"name\": \"time\", \"arguments\": {}}</tool_call>";
    let (_, calls) = toolbox.read(&call.repeat(2)).expect("calls");
    assert_eq!(written(&calls[1].id, "time", "{}"), call, "as the bot wrote it");
    assert_eq!(said("", &calls), format!("{call}\n{call}"));
    assert_eq!(said("I look.", &calls[..1]), format!("I look.\n{call}"));
    assert!(result(&calls[1].id, "x", false).starts_with("<tool_result call=\"2\">"));
    assert!(result(&calls[0].id, "x", true).starts_with("<tool_result call=\"1\" error=\"true\">"));
    // Another service's call is told with its id.
    for id in ["toolu_1", "call_abc", "call_0_1"] {
        assert!(written(id, "time", "").contains(&format!("\"id\": \"{id}\"")), "{id}");
        assert!(result(id, "x", false).starts_with(&format!("<tool_result id=\"{id}\">")), "{id}");
    }
}

#[test]
fn arguments_have_one_form_whoever_wrote_them() {
    let expected = written("", "f", r#"{"a":[1,2.5,{"c":-3}],"b":"ü"}"#);
    for same in [
        "{ \"b\": \"\\u00fc\",\n \"a\": [1.0, 2.50, {\"c\": -3e0}] }",
        "{\"a\":[1e0,25e-1,{\"c\":-3}],\"b\":\"ü\"}",
    ] {
        assert_eq!(written("", "f", same), expected, "{same}");
    }
    assert_ne!(written("", "f", r#"{"a":[1,2.5,{"c":-3}],"b":"u"}"#), expected);
    for large in ["9007199254740993", "1.5e+300", "18446744073709551615", "0.1"] {
        assert!(written("", "f", large).contains(&format!(" {large}}}")), "{large}");
    }
    assert!(written("", "f", "{\"half").contains("{\"half}"), "what is no JSON stays as it is");
}

#[test]
fn a_choice_is_kept() {
    let time = "<tool_call>{\"name\":\"time\",\"arguments\":{}}</tool_call>";
    assert!(toolbox(Choice::Required, true).read("No.").is_err());
    assert!(toolbox(Choice::Required, true).read(time).is_ok());
    assert!(toolbox(Choice::Named("weather".into()), true).read(time).is_err());
    assert!(Toolbox::new(vec![], Choice::Auto, true).expect("valid").is_none());
    assert!(Toolbox::new(vec![], Choice::Named("x".into()), true).is_err());
}

#[test]
fn the_bot_is_told_the_tools() {
    let text = toolbox(Choice::Auto, true).instructions();
    for words in ["\"weather\"", "Tells it.", "\"city\"", MARK, MARK_END] {
        assert!(text.contains(words), "{words}");
    }
}
