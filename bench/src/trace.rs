//! Where the time of one warm question goes, from hand-over to hand-over: our process, the page, the
//! site, and back.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lenore::{ChatRequest, Event, Message, Poe, Provider};
use tracing::field::{Field, Visit};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

use crate::figures::quantile;
use crate::heard::Heard;
use crate::runs::SHORT;
use crate::site::Site;
use crate::{Failure, Options, profile, table};

/// How many questions are traced.
const ROUNDS: usize = 40;
/// How long a prompt of the second table is, in characters.
const LONG: usize = 100 * 1024;

/// The hand-overs, in their order: from the one before, or from the question, to this.
const STEPS: [&str; 6] = [
    "the library to the page: turn, tab, pipe, the script's start",
    "the page takes the text",
    "the page's own handler of the button",
    "the page's call to the site, and the bot's first piece",
    "site, socket, page, tap, pipe: the piece is in the library's hands",
    "the last piece to the end of the answer",
];

/// The tables, printed and written.
pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let stamps = Stamps::default();
    let subscriber = tracing_subscriber::registry().with(stamps.clone());
    tracing::subscriber::set_global_default(subscriber)?;
    let site = Site::start(&options.edition, &options.habit).await?;
    let profile = profile::signed_in(&site, "trace").await?;
    let poe = Poe::builder().url(&site.url).user_data_dir(profile.path()).build()?;
    let short = SHORT.to_owned();
    let long = "0123456789abcde\n".repeat(LONG / 16) + SHORT;
    let mut text = String::new();
    for (name, prompt) in [("a short prompt", short), ("a prompt of 100 kB", long)] {
        let mut steps: [Vec<Duration>; STEPS.len()] = Default::default();
        for round in 0..=ROUNDS {
            poe.warm_up("gpt-4", 1).await?;
            tokio::time::sleep(Duration::from_millis(200)).await;
            let taken = traced(&poe, &prompt, &stamps).await?;
            // The first one pays for what is warm later on.
            if round > 0 {
                for (step, time) in steps.iter_mut().zip(taken) {
                    step.push(time);
                }
            }
        }
        let _ = write!(text, "| {name}: from the question on | median | 95 % |\n|---|---|---|\n");
        for (step, times) in STEPS.iter().zip(&steps) {
            let share = |share| quantile(times, share).map_or_else(|| "–".into(), table::time);
            let _ = writeln!(text, "| {step} | {} | {} |", share(0.5), share(0.95));
        }
        text.push('\n');
    }
    poe.close().await;
    println!("{text}");
    match &options.write {
        Some(file) => table::write(file, "traced", &text),
        None => Ok(()),
    }
}

/// Asks once, and tells how long each step took.
async fn traced(
    poe: &Poe,
    prompt: &str,
    stamps: &Stamps,
) -> Result<[Duration; STEPS.len()], Failure> {
    let begin = now();
    let mut completion =
        poe.create_completion(ChatRequest::new("gpt-4", vec![Message::user(prompt)]));
    let (mut heard, mut first, mut last) = (Heard::default(), None, begin);
    while let Some(event) = completion.next().await {
        if let Event::Delta(text) | Event::Replace { text, .. } = event? {
            last = now();
            first.get_or_insert(last);
            heard.take(&text);
        }
    }
    let end = now();
    let [begun, filled, pressed] = stamps.take().ok_or("the page told no times")?;
    let made = Duration::from_micros(heard.pieces.first().ok_or("no piece came")?.0);
    let first = first.unwrap_or(end);
    let times = [begin, begun, filled, pressed, made, first];
    let mut steps = [Duration::ZERO; STEPS.len()];
    for (step, pair) in steps.iter_mut().zip(times.windows(2)) {
        *step = pair[1].saturating_sub(pair[0]);
    }
    steps[STEPS.len() - 1] = end.saturating_sub(last);
    Ok(steps)
}

/// The time since the epoch.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The times that the page told last: typing begun, text taken, button pressed.
#[derive(Clone, Default)]
struct Stamps(Arc<Mutex<[Option<Duration>; 3]>>);

impl Stamps {
    fn take(&self) -> Option<[Duration; 3]> {
        let told = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        match told {
            [Some(begun), Some(filled), Some(pressed)] => Some([begun, filled, pressed]),
            _ => None,
        }
    }
}

impl<S: tracing::Subscriber> Layer<S> for Stamps {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        event.record(&mut Told(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)));
    }
}

/// Takes the times out of an event.
struct Told<'a>(&'a mut [Option<Duration>; 3]);

impl Visit for Told<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        let at = ["begun", "filled", "pressed"].iter().position(|name| *name == field.name());
        if let (Some(at), Ok(time)) = (at, Duration::try_from_secs_f64(value / 1e3)) {
            self.0[at] = Some(time);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
