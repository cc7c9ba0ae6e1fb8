//! `lenore models`: the names that are known here, and those that the site's page tells.

mod support;

use serde_json::{Value, json};
use support::{Home, Program, World, lenore};

#[tokio::test]
async fn the_names_are_a_table() {
    let ended = Program::start(lenore(&["models"])).end().await.with_code(0);
    let rows: Vec<Vec<&str>> =
        ended.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(rows.contains(&vec!["gpt-4", "GPT-4"]), "{}", ended.stdout);
    assert!(rows.contains(&vec!["gpt-3.5-turbo", "GPT-3.5-Turbo", "(default)"]));
    assert_eq!(rows.len(), 10);
    assert!(ended.stderr.contains("poe/<Handle>"), "{}", ended.stderr);
}

#[tokio::test]
async fn the_names_are_objects_for_programs() {
    let ended = Program::start(lenore(&["models", "--json"])).end().await.with_code(0);
    let parsed = |line| serde_json::from_str(line).expect("JSON");
    let models: Vec<Value> = ended.stdout.lines().map(parsed).collect();
    assert_eq!(models.len(), 10);
    let default: Vec<_> = models.iter().filter(|model| model["default"] == true).collect();
    let [default] = default[..] else { panic!("one is the default: {models:#?}") };
    assert_eq!(
        (&default["name"], &default["bot"]),
        (&"gpt-3.5-turbo".into(), &"GPT-3.5-Turbo".into())
    );
    assert_eq!(ended.stderr, "");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_file_in_the_configuration_directory_counts() {
    let home = tempfile::tempdir().expect("a directory");
    let directory = home.path().join("lenore");
    std::fs::create_dir(&directory).expect("made");
    let file = "[models]\nraven = \"Raven-1\"\n";
    std::fs::write(directory.join("site.toml"), file).expect("written");
    let mut command = lenore(&["models"]);
    command.env("XDG_CONFIG_HOME", home.path());
    let ended = Program::start(command).end().await.with_code(0);
    let added = ended.stdout.lines().any(|line| line.split_whitespace().eq(["raven", "Raven-1"]));
    assert!(added, "{}", ended.stdout);
    assert!(ended.stdout.contains("gpt-4"), "the others stay: {}", ended.stdout);
}

fn parsed(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The names from a source.
fn from(models: &[Value], source: &str) -> Vec<String> {
    let found = models.iter().filter(|model| model["source"] == source);
    found.map(|model| model["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_accounts_bots_are_those_that_the_page_names() {
    let world = World::new().await;
    // No list has it; a chat does.
    world.ask(&["-m", "poe/Sim-Popup", "Hi [[sim: gap=0, length=20]]"]).await.with_code(0);
    let seen = world.sim.log().len();
    let plain = Program::start(world.lenore("models")).end().await.with_code(0);
    assert!(!plain.stdout.contains("poe/"), "{}", plain.stdout);
    assert_eq!(world.sim.log().len(), seen, "the table needs no browser");
    let mut look = world.lenore("models");
    look.args(["--account", "--json"]);
    let models = parsed(&Program::start(look).end().await.with_code(0).stdout);
    let named = from(&models, "account");
    for bot in ["poe/Claude-3-Opus", "poe/Web-Search", "poe/Sim-Popup"] {
        assert!(named.contains(&bot.to_owned()), "{bot}: {named:?}");
    }
    assert!(!named.iter().any(|name| name == "poe/GPT-4"), "it has a name of its own: {named:?}");
    assert!(!named.iter().any(|name| name == "poe/Sim-NoBox"), "not every bot there is: {named:?}");
    assert_eq!(from(&models, "table").len(), 10);
    // Where the data tells nothing, the links do.
    let facts = world.directory.path().join("site.toml");
    std::fs::write(&facts, "[account]\ndata = '#nothing'\n").expect("written");
    let mut look = world.lenore("models");
    look.args(["--account", "--json", "--site-file"]).arg(facts);
    let models = parsed(&Program::start(look).end().await.with_code(0).stdout);
    let named = from(&models, "account");
    assert!(named.contains(&"poe/Assistant".to_owned()), "{named:?}");
    world.sim.sign_out_all();
    let mut look = world.lenore("models");
    look.arg("--account");
    let ended = Program::start(look).end().await.with_code(4);
    assert!(ended.error().contains("`lenore login`"), "{ended:#?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bots_that_were_asked_before_are_listed() {
    let (world, home) = (World::new().await, Home::new());
    let run = async |command: &str, arguments: &[&str]| {
        let mut command = world.lenore(command);
        home.adopt(&mut command);
        command.args(arguments);
        Program::start(command).end().await.with_code(0)
    };
    let short = "Hi [[sim: gap=0, length=20]]";
    run("ask", &["-m", "poe/Web-Search", short]).await;
    run("ask", &["-m", "poe/GPT-4", short]).await;
    let models = parsed(&run("models", &["--json"]).await.stdout);
    assert_eq!(from(&models, "log"), ["poe/Web-Search"]);
    world.end().await;
}

#[tokio::test]
async fn names_of_ones_own_stand_for_what_is_asked() {
    let home = Home::new();
    let aliases = "[aliases]\nfirst = 'second'\nsecond = 'palm'\nnowhere = 'nosuchmodel'\n\
        gpt-4 = 'poe/Raven-1'\n";
    home.set("config.toml", aliases);
    let models = parsed(&home.run(&["models", "--json"]).await.with_code(0).stdout);
    let named = |name: &str| -> Vec<&Value> {
        models.iter().filter(|model| model["name"] == name).collect()
    };
    let [first] = named("first")[..] else { panic!("{models:#?}") };
    assert_eq!((&first["bot"], &first["alias_of"]), (&json!("Google-PaLM"), &json!("palm")));
    let [gpt] = named("gpt-4")[..] else { panic!("one of the name: {models:#?}") };
    assert_eq!(gpt["bot"], "Raven-1");
    let [nowhere] = named("nowhere")[..] else { panic!("{models:#?}") };
    assert_eq!((&nowhere["bot"], &nowhere["alias_of"]), (&Value::Null, &json!("nosuchmodel")));
    let ended = home.run(&["models"]).await.with_code(0);
    assert!(ended.stdout.contains("(alias of nosuchmodel, which is no model)"), "{ended:#?}");
    for (name, bot) in [("first", "Google-PaLM"), ("gpt-4", "Raven-1")] {
        let ended = home.run(&["ask", "--dry-run", "-m", name, "Hi"]).await.with_code(0);
        assert!(ended.stdout.contains(&format!("bot       {bot} ")), "{ended:#?}");
    }
    home.run(&["ask", "--dry-run", "-m", "nowhere", "Hi"]).await.with_code(3);
}
