//! A visible window, in which a person signs in. Skipped without Xvfb.

mod support;

#[path = "support/display.rs"]
mod display;
#[path = "support/hands.rs"]
mod hands;

use display::Display;
use hands::Hands;
use lenore_sim::Seen;
use support::{EMAIL, Program, World};
use tokio::process::Command;

/// A command on a display, whose window a test can take hold of.
fn shown(world: &World, display: &Display, command: &str) -> Command {
    let mut command = world.lenore(command);
    command.env("DISPLAY", &display.name).arg("--browser-arg=--remote-debugging-port=0");
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_waits_for_the_sign_in_and_then_goes_on() {
    let Some(display) = Display::start() else { return };
    let world = World::signed_out().await;
    let mut ask = shown(&world, &display, "ask");
    ask.args(["-m", "gpt-4", "Hi [[sim: echo]]"]);
    let ask = Program::start(ask);
    let mut hands = Hands::on(&world.profile(), world.sim.url()).await;
    hands.sign_in(EMAIL, || world.sim.inbox(EMAIL)).await;
    let ended = ask.end().await.with_code(0);
    assert_eq!(ended.stdout, "Hi [[sim: echo]]\n");
    assert!(ended.stderr.contains("sign in in the window"), "{}", ended.stderr);
    let asked = world.seen("the question", |seen| matches!(seen, Seen::Send { .. })).await;
    let Seen::Send { bot, .. } = asked.what else { unreachable!("it was looked for") };
    assert_eq!(bot, "GPT-4", "the form had led to another bot's page");
    assert_eq!(world.prompts().len(), 1);
    // The session is kept: the next time no window is needed.
    let again = world.ask(&["Hi again [[sim: echo]]"]).await.with_code(0);
    assert_eq!(again.stdout, "Hi again [[sim: echo]]\n");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_is_closed_instead_is_not_signed_in() {
    let Some(display) = Display::start() else { return };
    let world = World::signed_out().await;
    let mut ask = shown(&world, &display, "ask");
    ask.arg("Hi");
    let ask = Program::start(ask);
    Hands::on(&world.profile(), world.sim.url()).await.close().await;
    let ended = ask.end().await.with_code(4);
    assert!(ended.stderr.contains("closed before the sign-in"), "{}", ended.stderr);
    assert!(world.prompts().is_empty());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn login_opens_a_window_and_keeps_the_session() {
    let Some(display) = Display::start() else { return };
    let world = World::signed_out().await;
    let login = Program::start(shown(&world, &display, "login"));
    let mut hands = Hands::on(&world.profile(), world.sim.url()).await;
    hands.sign_in(EMAIL, || world.sim.inbox(EMAIL)).await;
    let ended = login.end().await.with_code(0);
    assert_eq!(ended.stderr.lines().last(), Some(&*format!("signed in as {EMAIL}")), "{ended:#?}");
    world.assert_tidy();
    let ended = world.ask(&["Hi [[sim: echo]]"]).await.with_code(0);
    assert_eq!(ended.stdout, "Hi [[sim: echo]]\n");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_is_closed_just_after_the_sign_in_has_signed_in() {
    let Some(display) = Display::start() else { return };
    let cookie = lenore::Site::poe().session_cookie;
    for command in ["login", "ask"] {
        let world = World::signed_out().await;
        let mut program = shown(&world, &display, command);
        if command == "ask" {
            program.arg("Hi [[sim: echo]]");
        }
        let program = Program::start(program);
        let mut hands = Hands::on(&world.profile(), world.sim.url()).await;
        hands.sign_in(EMAIL, || world.sim.inbox(EMAIL)).await;
        hands.close_once_signed_in(&cookie).await;
        let ended = program.end().await.with_code(0);
        if command == "login" {
            let last = ended.stderr.lines().last();
            assert_eq!(last, Some(&*format!("signed in as {EMAIL}")), "{ended:#?}");
        } else {
            assert_eq!(ended.stdout, "Hi [[sim: echo]]\n", "{ended:#?}");
        }
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_through_a_visible_window_too() {
    let Some(display) = Display::start() else { return };
    let world = World::new().await;
    let mut ask = shown(&world, &display, "ask");
    ask.args(["--headed", "Hi [[sim: others, placeholder]]"]);
    let ask = Program::start(ask);
    let ended = ask.end().await.with_code(0);
    assert_eq!(ended.stdout, format!("{}\n", world.site_text()));
    world.end().await;
}
