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
    pub(crate) habit: Habit,
}

/// How a bot's page departs from the usual one. What the server does not see to itself, the
/// page's script knows by the name that [`Habit::name`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    Usual,
    NoBox,
    SlowBox,
    SlowHydration,
    SendDisabled,
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

impl Habit {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Habit::Usual => "usual",
            Habit::NoBox => "no-box",
            Habit::SlowBox => "slow-box",
            Habit::SlowHydration => "slow-hydration",
            Habit::SendDisabled => "send-disabled",
            Habit::NoSend => "no-send",
            Habit::Challenge => "challenge",
            Habit::Popup => "popup",
            Habit::ContentEditable => "content-editable",
            Habit::NoFreeMessages => "no-free-messages",
            Habit::RenamedSend => "renamed-send",
            Habit::Localised => "localised",
            Habit::Banner => "banner",
            Habit::Remount => "remount",
            Habit::Decoy => "decoy",
            Habit::Alerts => "alerts",
            Habit::Reroute => "reroute",
            Habit::Paywall => "paywall",
            Habit::Retired => "retired",
            Habit::Redirect => "redirect",
            Habit::SlowPage => "slow-page",
            Habit::NoReply => "no-reply",
            Habit::Down => "down",
            Habit::Empty => "empty",
        }
    }
}

/// The bot that `/` leads to.
pub(crate) const DEFAULT: &str = "Assistant";

const fn bot(handle: &'static str, author: &'static str, about: &'static str) -> Bot {
    Bot { handle, author, about, habit: Habit::Usual }
}

const fn page(handle: &'static str, author: &'static str, habit: Habit) -> Bot {
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
    page("Sim-NoBox", "sim_no_box", Habit::NoBox),
    page("Sim-SlowBox", "sim_slow_box", Habit::SlowBox),
    page("Sim-SlowHydration", "sim_slow_hydration", Habit::SlowHydration),
    page("Sim-SendDisabled", "sim_send_disabled", Habit::SendDisabled),
    page("Sim-NoSend", "sim_no_send", Habit::NoSend),
    page("Sim-Challenge", "sim_challenge", Habit::Challenge),
    page("Sim-Popup", "sim_popup", Habit::Popup),
    page("Sim-ContentEditable", "sim_content_editable", Habit::ContentEditable),
    page("Sim-NoFreeMessages", "sim_no_free_messages", Habit::NoFreeMessages),
    page("Sim-RenamedSend", "sim_renamed_send", Habit::RenamedSend),
    page("Sim-Localised", "sim_localised", Habit::Localised),
    page("Sim-Banner", "sim_banner", Habit::Banner),
    page("Sim-Remount", "sim_remount", Habit::Remount),
    page("Sim-Decoy", "sim_decoy", Habit::Decoy),
    page("Sim-Alerts", "sim_alerts", Habit::Alerts),
    page("Sim-Reroute", "sim_reroute", Habit::Reroute),
    page("Sim-Paywall", "sim_paywall", Habit::Paywall),
    page("Sim-Retired", "sim_retired", Habit::Retired),
    page("Sim-Redirect", "sim_redirect", Habit::Redirect),
    page("Sim-SlowPage", "sim_slow_page", Habit::SlowPage),
    page("Sim-NoReply", "sim_no_reply", Habit::NoReply),
    page("Sim-Down", "sim_down", Habit::Down),
    page("Sim-Empty", "sim_empty", Habit::Empty),
];

/// The bot of a handle, whatever its case; also by its code name, which the
/// page's own calls carry.
pub(crate) fn find(name: &str) -> Option<&'static Bot> {
    BOTS.iter()
        .find(|bot| bot.handle.eq_ignore_ascii_case(name))
        .or_else(|| BOTS.iter().find(|bot| bot.author == name))
}

/// The bots for the sidebar: those without a habit.
pub(crate) fn offered() -> impl Iterator<Item = &'static Bot> {
    BOTS.iter().filter(|bot| bot.habit == Habit::Usual)
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
            for name in [bot.handle, bot.author] {
                assert!(find(name).is_some_and(|found| std::ptr::eq(found, bot)), "{name}");
            }
        }
    }
}
