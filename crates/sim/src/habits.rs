//! The habits of the site: in what the editions differ, each to be asked for by itself.

use std::fmt;
use std::str::FromStr;

use crate::edition::Edition;
use table::habits;

mod table;

habits! {
    /// How operations are named; `other` names tell nothing.
    operations: Operations { Upper = "upper", Lower = "lower", Other = "other" }
        [Upper, Lower] (Upper, Lower, Other);
    /// Where a call says which operation it is.
    operation_place: OperationPlace { Body = "body", Header = "header", Both = "both" }
        [Both, Both] (Body, Header, Both);
    /// How many of the `poe-…` headers a call carries.
    headers: Headers { Few = "few", All = "all" } [Few, All] (Few, All);
    /// How the page sends its calls: `fetch(url, …)`, `fetch(new Request(…))`, `XMLHttpRequest`.
    transport: Transport { Fetch = "fetch", Request = "request", Xhr = "xhr" }
        [Fetch, Request] (Fetch, Request, Xhr);
    /// What the variable `bot` of a question has.
    asked_bot: AskedBot { Code = "code", Handle = "handle" } [Code, Handle] (Code, Handle);
    /// The variables of a question, the fields of messages, chats, jobs and replies.
    shape: Shape { Y2023 = "2023", Y2025 = "2025" } [Y2023, Y2025] (Y2023, Y2025);
    /// What the reply says of the answer.
    bot_message: BotMessage { Node = "node", Null = "null", Absent = "absent" }
        [Node, Null] (Node, Null, Absent);
    /// The `author` of a bot's message; an `unrelated` name stands nowhere else.
    author: Author {
        Code = "code", Nickname = "nickname", Handle = "handle", Null = "null",
        Unrelated = "unrelated",
    } [Code, Nickname] (Code, Nickname, Handle, Null, Unrelated);
    /// The numbers of messages, chats and jobs.
    ids: Ids { Number = "number", Text = "string" } [Number, Number] (Number, Text);
    /// How many entries are put into one frame; `some` is as many as come about together.
    frame: FrameSize { Some = "some", One = "1", Two = "2", Four = "4", Nine = "9" }
        [Some, One] (Some, One, Two, Four, Nine);
    /// Which entries go around an answer.
    entries: Entries { Few = "few", All = "all" } [Few, All] (Few, All);
    /// Whether the entries of no chat in particular have one in their `unique_id`.
    unique_ids: UniqueIds { Chat = "chat", Bare = "bare" } [Chat, Bare] (Chat, Bare);
    /// Whether entries carry the random key `_`.
    padding: Padding { No = "no", Yes = "yes" } [No, Yes] (No, Yes);
    /// Where suggested replies come: in the message, or in an entry of their own.
    follow_ups: FollowUps { Inside = "inside", Own = "own" } [Inside, Own] (Inside, Own);
    /// How many copies of a complete answer come after its end.
    copies: Copies { None = "0", One = "1", Five = "5" } [None, Five] (None, One, Five);
    /// What tells the end of an answer.
    end: End { Message = "message", Job = "job", Both = "both" } [Both, Both] (Message, Job, Both);
    /// Whether a page pings over its socket; a `watched` one connects anew without a pong.
    ping: Ping { No = "no", Page = "page", Watched = "watched" }
        [No, Watched] (No, Page, Watched);
    /// Whose chats a page's socket carries: the account's, or those that were read on that page.
    channel: ChannelOf { Account = "account", Page = "page" } [Account, Account] (Account, Page);
    /// The call that stops an answer.
    stop_call: StopCall { Message = "message", Jobs = "jobs" } [Message, Jobs] (Message, Jobs);
    /// How files come: each ahead of the question, with it, or ahead as a token.
    files: Files { Ahead = "ahead", With = "with", Token = "token" }
        [Ahead, With] (Ahead, With, Token);
    /// The classes and the order of elements.
    markup: Markup { Y2023 = "2023", Y2025 = "2025" } [Y2023, Y2025] (Y2023, Y2025);
    /// What marks the send button.
    send_button: SendButton { Both = "both", Data = "data", Class = "class", Nothing = "nothing" }
        [Both, Data] (Both, Data, Class, Nothing);
    /// Where the stop button is while an answer runs: beside send, or in its place.
    stop_button: StopButton { Beside = "beside", Instead = "instead" }
        [Beside, Instead] (Beside, Instead);
    /// The language of the labels.
    labels: Labels { English = "en", German = "de" } [English, English] (English, German);
    /// Where the document has its data: the chat nowhere, in `pageProps`, or deep inside it.
    inline: Inline { None = "none", Props = "props", Deep = "deep" }
        [Props, Deep] (None, Props, Deep);
    /// Whether `/_next/data/…` is served, and read on soft navigation.
    next_data: NextData { Off = "off", On = "on" } [Off, On] (Off, On);
    /// How the page reads a chat again after it lost its socket.
    reread: Reread { Call = "call", NextData = "next-data", Reload = "reload", None = "none" }
        [Call, Call] (Call, NextData, Reload, None);
    /// What becomes of a handle in the wrong case.
    handle_case: HandleCase { Any = "any", Redirect = "redirect" } [Any, Redirect] (Any, Redirect);
    /// The form for signing in.
    login: Login { Y2023 = "2023", Y2025 = "2025" } [Y2023, Y2025] (Y2023, Y2025);
    /// Whether the chat's bot answers by itself.
    responds: Responds { Yes = "yes", No = "no" } [Yes, Yes] (Yes);
    /// Whether the page asks before it sends what costs much.
    price: Price { No = "no", Asked = "asked" } [No, No] (No);
    /// Whether another bot answers the same question.
    rival: Rival { No = "no", Yes = "yes" } [No, No] (No, No, Yes);
    /// What lies over the page.
    overlay: Overlay { No = "no", OneTap = "one-tap", Cookies = "cookies" }
        [No, No] (No, OneTap, Cookies);
    /// Whether older messages are edited and deleted while an answer comes.
    edits: Edits { No = "no", Yes = "yes" } [No, No] (No, Yes);
    /// Whether the page's scripts take long, at the start and with every update.
    heavy: Heavy { No = "no", Yes = "yes" } [No, No] (No, No, Yes);
}

impl Habits {
    /// The habits of an edition, with some that were asked for.
    pub(crate) fn of(edition: Edition, wanted: &[Habit]) -> Habits {
        let mut habits = match edition {
            Edition::Y2023 => Habits::y2023(),
            Edition::Y2025 => Habits::y2025(),
            Edition::Mix(seed) => Habits::mixed(seed),
        };
        for Habit { name, value } in wanted {
            habits.set(name, value);
        }
        habits
    }

    fn mixed(seed: u64) -> Habits {
        let mut habits = Habits::drawn(&mut fastrand::Rng::with_seed(seed));
        // Nothing would relate such a job to its answer.
        if habits.shape == Shape::Y2023 && habits.end == End::Job {
            habits.end = End::Both;
        }
        if habits.next_data == NextData::Off && habits.reread == Reread::NextData {
            habits.reread = Reread::Call;
        }
        habits
    }
}

fn same(name: &str, field: &str) -> bool {
    name == spelled(field)
}

fn spelled(field: &str) -> String {
    field.replace('_', "-")
}

impl Edition {
    /// The value of each habit in this edition, by name.
    #[must_use]
    pub fn habits(self) -> Vec<(String, &'static str)> {
        Habits::of(self, &[]).words()
    }
}

/// One habit that is asked for, as `NAME=VALUE`.
///
/// ```
/// use lenore_sim::Habit;
/// let habit: Habit = "author=handle".parse().expect("there is such a habit");
/// assert_eq!(habit.to_string(), "author=handle");
/// let error = "author=nobody".parse::<Habit>().expect_err("there is no such value");
/// assert!(error.to_string().contains("nickname"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Habit {
    name: String,
    value: String,
}

/// A habit, or a value of one, that the site does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownHabit(String);

impl fmt::Display for UnknownHabit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for UnknownHabit {}

impl Habit {
    /// Every habit of the site: its name, and the values that it can have.
    #[must_use]
    pub fn known() -> Vec<(String, Vec<&'static str>)> {
        known()
    }
}

impl FromStr for Habit {
    type Err = UnknownHabit;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = known();
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let Some((_, values)) = known.iter().find(|(known, _)| known == name) else {
            let names: Vec<_> = known.iter().map(|(name, _)| name.as_str()).collect();
            let names = names.join(", ");
            return Err(UnknownHabit(format!("the site has no habit `{name}`; there are {names}")));
        };
        if values.contains(&value) {
            return Ok(Habit { name: name.to_owned(), value: value.to_owned() });
        }
        let values = values.join(", ");
        Err(UnknownHabit(format!("`{value}` is no value of the habit {name}; there are {values}")))
    }
}

impl fmt::Display for Habit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}={}", self.name, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_every_habit_can_be_asked_for() {
        for (name, values) in known() {
            for value in values {
                let habit: Habit = format!("{name}={value}").parse().expect("a known value");
                let habits = Habits::of(Edition::Y2023, &[habit]);
                assert!(habits.words().contains(&(name.clone(), value)), "{name}={value}");
            }
        }
    }

    #[test]
    fn a_mixture_is_that_of_its_seed() {
        let mix = |seed| Habits::of(Edition::Mix(seed), &[]);
        assert_eq!(mix(3), mix(3));
        assert_ne!(mix(3), mix(4));
        for seed in 0..500 {
            let habits = mix(seed);
            assert!(habits.shape == Shape::Y2025 || habits.end != End::Job, "{seed}");
            assert!(habits.reread != Reread::NextData || habits.next_data == NextData::On);
        }
    }

    #[test]
    fn what_is_asked_for_amiss_is_told_with_what_there_is() {
        let error = "tempo=fast".parse::<Habit>().expect_err("no such habit").to_string();
        assert!(error.contains("tempo") && error.contains("operations"), "{error}");
        let error = "ids".parse::<Habit>().expect_err("no value").to_string();
        assert!(error.contains("number, string"), "{error}");
    }
}
