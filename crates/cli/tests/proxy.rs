//! Which proxy counts: the option, the variable, the file, then what the environment says to every
//! program.

mod support;

use serde_json::Value;
use support::{Home, Program, World};

/// The variables that name a proxy to every program.
const USUAL: [&str; 7] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
];

/// The proxy and its origin, by `lenore config --json`.
async fn proxy(home: &Home, options: &[&str], environment: &[(&str, &str)]) -> (Value, String) {
    let mut command = home.lenore(&[options, &["config", "--json"]].concat());
    for name in USUAL {
        command.env_remove(name);
    }
    command.env_remove("no_proxy").envs(environment.iter().copied());
    let ended = Program::start(command).end().await.with_code(0);
    assert!(!format!("{ended:?}").contains("s3cret"), "{ended:#?}");
    let parsed = |line| serde_json::from_str::<Value>(line).expect("JSON");
    let line = ended.stdout.lines().map(parsed).find(|line| line["key"] == "proxy");
    let line = line.expect("it is a setting");
    (line["value"].clone(), line["origin"].as_str().expect("a word").to_owned())
}

#[tokio::test]
async fn each_proxy_says_where_it_comes_from() {
    let home = Home::new();
    let told = |value: &str, origin: &str| (Value::from(value), origin.to_owned());
    let usual = [("HTTPS_PROXY", "http://ann:s3cret@h:1"), ("http_proxy", "h:2")];
    let http = ["--site", "http://site.example"];
    assert_eq!(proxy(&home, &[], &[]).await, (Value::Null, "default".to_owned()));
    assert_eq!(proxy(&home, &[], &usual).await, told("http://h:1", "HTTPS_PROXY"));
    assert_eq!(proxy(&home, &http, &usual).await, told("http://h:2", "http_proxy"));
    assert_eq!(proxy(&home, &http, &usual[..1]).await, (Value::Null, "default".to_owned()));
    let own = [usual[0], ("LENORE_PROXY", "h:3")];
    assert_eq!(proxy(&home, &[], &own).await, told("h:3", "LENORE_PROXY"));
    assert_eq!(proxy(&home, &["--proxy", "h:4"], &own).await, told("h:4", "--proxy"));
    let none = [usual[0], ("LENORE_PROXY", "direct")];
    assert_eq!(proxy(&home, &[], &none).await, told("direct", "LENORE_PROXY"));
    let unset = [usual[0], ("LENORE_PROXY", "")];
    assert_eq!(proxy(&home, &[], &unset).await, told("http://h:1", "HTTPS_PROXY"));
    assert_eq!(proxy(&home, &["--proxy", "direct"], &own).await, told("direct", "--proxy"));
    home.set("config.toml", "proxy = 'socks5://ann:s3cret@h'");
    assert_eq!(proxy(&home, &[], &usual).await, told("socks5://***@h", "file"));
}

#[tokio::test]
async fn a_variable_that_names_no_proxy_is_told() {
    let home = Home::new();
    for (name, value) in [("HTTPS_PROXY", "ftp://ann:s3cret@h"), ("NO_PROXY", "a..b")] {
        let mut command = home.lenore(&["ask", "Hi"]);
        for name in USUAL {
            command.env_remove(name);
        }
        command.env("ALL_PROXY", "h:1").env(name, value);
        let ended = Program::start(command).end().await.with_code(2);
        assert!(ended.error().starts_with(&format!("{name}: ")), "{ended:#?}");
        assert!(!ended.error().contains("s3cret"), "{ended:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn this_machine_is_asked_past_a_proxy_of_the_environment_alone() {
    let world = World::new().await;
    let dead = "http://127.0.0.1:1";
    for (options, environment, code) in [
        (&[][..], ("http_proxy", dead), 0),
        (&[][..], ("LENORE_PROXY", dead), 10),
        (&["--proxy-bypass", "127.0.0.1"][..], ("LENORE_PROXY", dead), 0),
        (&["--proxy", "direct"][..], ("LENORE_PROXY", dead), 0),
    ] {
        let mut command = world.lenore("ask");
        command.args(options).arg("Hi [[sim: gap=0, length=20]]");
        command.env(environment.0, environment.1);
        let ended = Program::start(command).end().await.with_code(code);
        assert_eq!(ended.stdout.is_empty(), code != 0, "{ended:#?}");
        world.assert_tidy();
    }
    world.end().await;
}
