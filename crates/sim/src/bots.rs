//! The bots that the local site offers, and the page habits some of them stand for.

/// A bot of the site.
#[derive(Debug)]
pub(crate) struct Bot {
    /// As in the address of its page, in its proper case.
    pub(crate) handle: &'static str,
    /// The code name that its messages carry as `author`.
    pub(crate) author: &'static str,
    /// One line for the top of an empty chat.
    pub(crate) about: &'static str,
    /// How its page behaves.
    pub(crate) habit: PageHabit,
}

/// How a bot's page departs from the usual one. What the server does not see to itself, the
/// page's script knows by the name that [`PageHabit::name`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageHabit {
    Usual,
    NoBox,
    SlowBox,
    SlowHydration,
    SendDisabled,
    NeedsText,
    NoSend,
    Challenge,
    Popup,
    ContentEditable,
    NoFreeMessages,
    RenamedSend,
    Localised,
    Banner,
    Remount,
    Decoy,
    Alerts,
    Reroute,
    Paywall,
    Retired,
    Redirect,
    SlowPage,
    NoReply,
    Down,
    Empty,
}

impl PageHabit {
    pub(crate) fn name(self) -> &'static str {
        match self {
            PageHabit::Usual => "usual",
            PageHabit::NoBox => "no-box",
            PageHabit::SlowBox => "slow-box",
            PageHabit::SlowHydration => "slow-hydration",
            PageHabit::SendDisabled => "send-disabled",
            PageHabit::NeedsText => "needs-text",
            PageHabit::NoSend => "no-send",
            PageHabit::Challenge => "challenge",
            PageHabit::Popup => "popup",
            PageHabit::ContentEditable => "content-editable",
            PageHabit::NoFreeMessages => "no-free-messages",
            PageHabit::RenamedSend => "renamed-send",
            PageHabit::Localised => "localised",
            PageHabit::Banner => "banner",
            PageHabit::Remount => "remount",
            PageHabit::Decoy => "decoy",
            PageHabit::Alerts => "alerts",
            PageHabit::Reroute => "reroute",
            PageHabit::Paywall => "paywall",
            PageHabit::Retired => "retired",
            PageHabit::Redirect => "redirect",
            PageHabit::SlowPage => "slow-page",
            PageHabit::NoReply => "no-reply",
            PageHabit::Down => "down",
            PageHabit::Empty => "empty",
        }
    }
}

/// The bot that `/` leads to.
pub(crate) const DEFAULT: &str = "Assistant";

const fn bot(handle: &'static str, author: &'static str, about: &'static str) -> Bot {
    Bot { handle, author, about, habit: PageHabit::Usual }
}

const fn page(handle: &'static str, author: &'static str, habit: PageHabit) -> Bot {
    Bot { handle, author, about: "A page with a habit of its own, for tests.", habit }
}

static BOTS: &[Bot] = &[
    bot("Assistant", "capybara", "General-purpose help with writing, questions and code."),
    bot("GPT-3.5-Turbo", "chinchilla", "Quick answers for everyday questions."),
    bot("GPT-3.5-Turbo-Instruct", "chinchilla_instruct", "Follows one instruction at a time."),
    bot("GPT-4", "beaver", "Careful reasoning on harder questions."),
    bot("GPT-4o", "gpt4_o", "Fast and careful at once."),
    bot("GPT-4o-Mini", "gpt4_o_mini", "Small, quick and cheap."),
    bot("Claude-instant", "a2", "Short answers, quickly."),
    bot("Claude-3-Opus", "claude_2_1_cedar", "Long and thoughtful answers."),
    bot("Claude-3.5-Sonnet", "claude_3_igloo", "Writing and code in balance."),
    bot("Claude-3-Haiku", "claude_3_haiku", "Brief and prompt."),
    bot("Gemini-1.5-Pro", "gemini_1_5_pro", "Reads long documents."),
    bot("Gemini-1.5-Flash", "gemini_1_5_flash", "Reads long documents quickly."),
    bot("Google-PaLM", "acouchy", "A general model of the older kind."),
    bot("Llama-2-7b", "llama_2_7b_chat", "Open weights, small."),
    bot("Llama-2-13b", "llama_2_13b_chat", "Open weights, middle-sized."),
    bot("Llama-2-70b", "llama_2_70b_chat", "Open weights, large."),
    bot("Llama-3-70B", "llama_3_70b", "Open weights, newer."),
    bot("Code-Llama-7b", "code_llama_7b_instruct", "Writes code, small."),
    bot("Code-Llama-13b", "code_llama_13b_instruct", "Writes code, middle-sized."),
    bot("Code-Llama-34b", "code_llama_34b_instruct", "Writes code, large."),
    bot("Mixtral-8x7B", "mixtral8x7bchat", "A mixture of experts."),
    bot("Mistral-Large", "mistral_large", "Many languages."),
    bot("Web-Search", "web_search", "Looks things up before it answers."),
    bot("Solar-Mini", "upstage_solar", "Small and bright."),
    page("Sim-NoBox", "sim_no_box", PageHabit::NoBox),
    page("Sim-SlowBox", "sim_slow_box", PageHabit::SlowBox),
    page("Sim-SlowHydration", "sim_slow_hydration", PageHabit::SlowHydration),
    page("Sim-SendDisabled", "sim_send_disabled", PageHabit::SendDisabled),
    page("Sim-NeedsText", "sim_needs_text", PageHabit::NeedsText),
    page("Sim-NoSend", "sim_no_send", PageHabit::NoSend),
    page("Sim-Challenge", "sim_challenge", PageHabit::Challenge),
    page("Sim-Popup", "sim_popup", PageHabit::Popup),
    page("Sim-ContentEditable", "sim_content_editable", PageHabit::ContentEditable),
    page("Sim-NoFreeMessages", "sim_no_free_messages", PageHabit::NoFreeMessages),
    page("Sim-RenamedSend", "sim_renamed_send", PageHabit::RenamedSend),
    page("Sim-Localised", "sim_localised", PageHabit::Localised),
    page("Sim-Banner", "sim_banner", PageHabit::Banner),
    page("Sim-Remount", "sim_remount", PageHabit::Remount),
    page("Sim-Decoy", "sim_decoy", PageHabit::Decoy),
    page("Sim-Alerts", "sim_alerts", PageHabit::Alerts),
    page("Sim-Reroute", "sim_reroute", PageHabit::Reroute),
    page("Sim-Paywall", "sim_paywall", PageHabit::Paywall),
    page("Sim-Retired", "sim_retired", PageHabit::Retired),
    page("Sim-Redirect", "sim_redirect", PageHabit::Redirect),
    page("Sim-SlowPage", "sim_slow_page", PageHabit::SlowPage),
    page("Sim-NoReply", "sim_no_reply", PageHabit::NoReply),
    page("Sim-Down", "sim_down", PageHabit::Down),
    page("Sim-Empty", "sim_empty", PageHabit::Empty),
];

impl Bot {
    /// The handle in small letters, with `_` for all else.
    pub(crate) fn nickname(&self) -> String {
        let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
        self.handle.chars().map(plain).collect::<String>().to_ascii_lowercase()
    }

    /// A name that has nothing to do with the bot's other ones.
    pub(crate) fn unrelated_name(&self) -> String {
        const ANIMALS: &[&str] = &["quokka", "tapir", "ibex", "lemur", "marten", "egret", "newt"];
        let number = self.number();
        format!("{}_{}", ANIMALS[number as usize % ANIMALS.len()], number * 7 % 97)
    }

    pub(crate) fn number(&self) -> u64 {
        let place = BOTS.iter().position(|bot| std::ptr::eq(bot, self));
        1000 + 13 * place.unwrap_or(BOTS.len()) as u64
    }
}

/// The bot of a handle, whatever its case; also by its code name or its nickname, which the
/// page's own calls carry.
pub(crate) fn find(name: &str) -> Option<&'static Bot> {
    BOTS.iter()
        .find(|bot| bot.handle.eq_ignore_ascii_case(name))
        .or_else(|| find_by_code(name))
        .or_else(|| BOTS.iter().find(|bot| bot.nickname() == name))
}

/// The bot that the database has as an author.
pub(crate) fn find_by_code(author: &str) -> Option<&'static Bot> {
    BOTS.iter().find(|bot| bot.author == author)
}

/// The bots for the sidebar: those without a habit.
pub(crate) fn offered() -> impl Iterator<Item = &'static Bot> {
    BOTS.iter().filter(|bot| bot.habit == PageHabit::Usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_have_no_case_and_are_unique() {
        assert_eq!(find("gpt-4").map(|bot| bot.handle), Some("GPT-4"));
        assert_eq!(find("chinchilla").map(|bot| bot.handle), Some("GPT-3.5-Turbo"));
        assert!(find("GPT-5000").is_none());
        for bot in BOTS {
            for name in [bot.handle, bot.author, &bot.nickname()] {
                assert!(find(name).is_some_and(|found| std::ptr::eq(found, bot)), "{name}");
            }
        }
    }
}
