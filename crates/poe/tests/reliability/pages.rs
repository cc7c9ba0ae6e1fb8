//! Faults of the pages: what is elsewhere, late, covered, or not there at all.

use lenore_provider::ErrorKind::*;

use super::case::Outcome::{Exact, Unsent};
use super::case::{Case, page};

/// Pages that are worked with.
pub(crate) const ODD: &[Case] = &[
    page("a send button of another name", "Sim-RenamedSend", Exact),
    page("labels in another language", "Sim-Localised", Exact),
    page("a banner over the page", "Sim-Banner", Exact),
    page("a box that is made anew", "Sim-Remount", Exact),
    page("a hidden box before the real one", "Sim-Decoy", Exact),
    page("dialogs of the browser", "Sim-Alerts", Exact),
    page("a page after three seconds", "Sim-SlowPage", Exact),
];

/// Pages on which nothing can be asked.
pub(crate) const USELESS: &[Case] = &[
    page("a redirection to another bot", "Sim-Redirect", Unsent(UnsupportedModel, "led to")),
    page("a page that goes to another bot", "Sim-Reroute", Unsent(UnsupportedModel, "led to")),
    page("a page for subscribers", "Sim-Paywall", Unsent(NoAccess, "subscription")),
    page("a retired bot", "Sim-Retired", Unsent(SiteChanged, "prompt box")),
    page("a page with status 500", "Sim-Down", Unsent(Bot, "HTTP 500")),
    page("an empty page", "Sim-Empty", Unsent(SiteChanged, "prompt box")),
];
