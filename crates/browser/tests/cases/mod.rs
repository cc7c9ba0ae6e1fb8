//! What every engine must do.

mod forging;
mod navigation;
mod tap;
mod trouble;
mod vocabulary;
mod windows;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use lenore_browser::{Browser, Page, PageOptions, Tap, TapEvent};

/// One thing that an engine must do, in a browser that other cases have used before.
type Case = fn(Arc<Browser>) -> BoxFuture<'static, ()>;

const WAIT: Duration = Duration::from_secs(20);

/// Names a case by its function.
macro_rules! cases {
    ($($module:ident::$name:ident),* $(,)?) => {
        &[$((stringify!($name), |browser| Box::pin($module::$name(browser)))),*]
    };
}

pub(crate) const CASES: &[(&str, Case)] = cases![
    tap::the_preload_script_runs_before_the_pages_own_and_is_heard_in_order,
    tap::two_documents_in_turn_are_told_apart,
    tap::any_text_is_heard_exactly,
    tap::several_pages_at_once_are_heard_each_by_itself,
    vocabulary::a_box_is_filled_exactly_and_at_once,
    vocabulary::any_value_comes_back_exactly,
    vocabulary::files_are_chosen,
    vocabulary::pictures_are_taken,
    vocabulary::a_page_that_waits_for_animation_frames_gets_them,
    vocabulary::dialogs_are_dismissed_and_a_page_may_be_left,
    trouble::waits_go_on_over_a_change_of_document_and_end_at_their_deadline,
    trouble::a_script_is_told_that_its_document_is_gone,
    trouble::a_crashed_page_is_told_from_a_closed_one_and_others_live_on,
    trouble::what_cannot_be_reached_is_a_network_error_with_its_reason,
    trouble::a_page_is_used_again_after_what_could_not_be_reached,
    forging::no_frame_finds_or_forges_the_taps_way_out,
    forging::a_page_that_changes_the_builtins_does_not_change_what_is_told,
    navigation::what_the_site_answers_is_told,
    windows::what_a_page_opens_is_closed,
];

fn selectors(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn open(browser: &Browser) -> (Page, Tap) {
    browser.open_page(&PageOptions::default(), WAIT).await.expect("opened")
}

/// A page on whose tap its scripts speak by `say`.
async fn open_speaking(browser: &Browser) -> (Page, Tap) {
    let options = PageOptions { preload: "(emit) => { window.say = emit; }".into() };
    browser.open_page(&options, WAIT).await.expect("opened")
}

/// What the tap yields, up to one message.
async fn hear_until(tap: &mut Tap, last: &str) -> Vec<String> {
    let mut heard = Vec::new();
    while heard.last().is_none_or(|heard| heard != last) {
        let event = tokio::time::timeout(WAIT, tap.next()).await;
        heard.push(match event.unwrap_or_else(|_| panic!("{heard:?}")).expect("open") {
            TapEvent::Opened => "opened".to_owned(),
            TapEvent::Message(message) => message.get().to_owned(),
            other => panic!("{other:?}"),
        });
    }
    heard
}
