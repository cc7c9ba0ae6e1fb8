//! Faults of what the site tells: odd texts, odd shapes, lost replies, lost updates.

use lenore_provider::ErrorKind::*;

use super::case::Outcome::{Exact, ExactOr, Fails, Stopped};
use super::case::{Case, fault, later};

/// What the answer's text does.
pub(crate) const TEXTS: &[Case] = &[
    fault("a placeholder that is the answer", "say=Thinking...", Exact),
    fault("dots that are the answer", "placeholder, say=...", Exact),
    fault("a placeholder and then nothing", "placeholder, empty", Exact),
    fault("a text that shrinks to nothing", "shrink=4", Exact),
    fault("a text that shrinks at once", "shrink=1, rewrite, placeholder", Exact),
    fault("an answer of one character", "say=x, no-title", Exact),
    fault("a long answer in few updates", "length=1000000, chunks=12, gap=0", Exact),
    fault(
        "two thousand updates in one frame",
        "chunks=2000, length=4000, batch=2000, gap=0",
        Exact,
    ),
    fault("two thousand frames at once", "chunks=2000, length=4000, gap=0", Exact),
    fault("a long silence before the answer", "delay=2500", Exact),
];

/// What shape the updates have.
pub(crate) const SHAPES: &[Case] = &[
    fault("every update twice", "twice, rewrite, placeholder", Exact),
    fault("older copies among the updates", "reorder, rewrite", Exact),
    fault("an older copy after the end", "late-copy", Exact),
    fault("the end twice", "end-twice, completed", Exact),
    fault("an older copy after a second end", "end-twice, late-copy, twice", Exact),
    fault("updates without a text", "textless, rewrite", Exact),
    fault("ids that are strings", "string-ids, others", Exact),
    fault("fields that nobody knows", "extra-fields, noise", Exact),
    fault("strings, strangers and pairs", "string-ids, extra-fields, twice, early", Exact),
    fault("a title after the end", "late-title", Exact),
    fault("no title", "no-title", Exact),
    fault("twenty suggestions after the end", "suggestions=20", Exact),
    fault("older messages of the chat", "stale, twice, reorder", Exact),
    fault("everything at once", "batch=5, twice, reorder, textless, noise, others, stale", Exact),
    fault("a growing state that is new", "growing=in_progress", Exact),
    fault("the default bot is asked", "default-bot", Fails(Bot, "answers instead of")),
];

/// What becomes of the reply to the question.
pub(crate) const REPLIES: &[Case] = &[
    fault("a reply that does not name the answer", "no-answer-id", Exact),
    fault("nor is there an echo", "no-answer-id, no-echo", Exact),
    fault("a reply that says nothing but yes", "slow-take=300, bare-reply", Exact),
    fault("a reply after the end", "slow-reply=2500, gap=0, length=100", Exact),
    fault("a reply after the end, no echo", "slow-reply=2500, gap=0, length=100, no-echo", Exact),
    fault("a reply that never comes", "slow-take=300, slow-reply=40_000_000", Exact),
    fault("a connection closed without a reply", "slow-take=300, lost-reply", Exact),
    fault("a reply lost late", "slow-take=300, lost-reply, slow-reply=1500, rewrite", Exact),
    fault("a reply cut in the middle", "slow-take=300, cut-reply", Exact),
    fault("a 502 though the question was taken", "slow-take=300, http=502, taken", Exact),
    fault("a page in place of the reply", "slow-take=300, html, taken, others", Exact),
    fault("no reply and no echo", "lost-reply, no-echo", ExactOr(AnswerLost, "look at the site")),
    fault("a cut reply and no echo", "cut-reply, no-echo", ExactOr(AnswerLost, "look at the")),
    fault("a 502 and no echo", "http=502, taken, no-echo", ExactOr(Bot, "look at the site")),
    fault(
        "a cut reply, and the bot's page moves to the chat",
        "address, cut-reply",
        ExactOr(AnswerLost, "may have it or not"),
    ),
    fault("a 429 though the question was taken", "slow-take=300, http=429, taken", Exact),
    fault("a 403 though the question was taken", "slow-take=300, http=403, taken", Exact),
    fault("a 401 though the question was taken", "slow-take=300, http=401, taken", Exact),
    fault("an error though the question was taken", "slow-take=300, errors, taken", Exact),
    fault("a human check though it was taken", "slow-take=300, challenge, taken", Exact),
    fault("a human check in place of the reply", "challenge", Fails(Challenge, "human")),
    fault(
        "a 429 and no echo",
        "http=429, taken, no-echo, retry-after=1",
        Fails(RateLimited, "look at the site"),
    ),
    fault("a 403 and no echo", "http=403, taken, no-echo", Fails(NoAccess, "look at the site")),
    fault("an error and no echo", "errors, taken, no-echo", Fails(Bot, "may have the question")),
    fault(
        "neither reply nor echo, ever",
        "slow-reply=40_000_000, no-echo",
        ExactOr(Timeout, "may have it or not"),
    ),
];

/// The same in a chat that exists, which is read again where there is doubt.
pub(crate) const REPLIES_LATER: &[Case] = &[
    later("a reply that says nothing but yes, later", "slow-take=300, bare-reply", Exact),
    later("no reply and no echo, later", "lost-reply, no-echo", Exact),
    later("a cut reply and no echo, later", "cut-reply, no-echo", Exact),
    later("a 502 and no echo, later", "http=502, taken, no-echo", Exact),
    later("a 429 and no echo, later", "http=429, taken, no-echo, retry-after=1", Exact),
    later("an error and no echo, later", "errors, taken, no-echo", Exact),
    later("neither reply nor echo, later", "slow-reply=40_000_000, no-echo", Exact),
    later("a 502 alone, later", "http=502, slow-take=300", Fails(Bot, "was not found in the chat")),
    later("a 429 alone, later", "http=429, retry-after=1", Fails(RateLimited, "was not found")),
];

/// Who answers, where the reply does not tell.
pub(crate) const WHOSE: &[Case] = &[
    fault("an author of an unknown name", "author=raven_of_1845", Exact),
    fault("the same behind a bare reply", "slow-take=300, bare-reply, author=raven_of_1845", Exact),
    fault("the same behind a lost reply", "slow-take=300, lost-reply, author=raven_of_1845", Exact),
    later("the same in a chat that exists", "bare-reply, author=raven_of_1845", Exact),
    later("the same there behind a lost reply", "lost-reply, author=raven_of_1845", Exact),
    fault("the default bot, as the reply says", "default-bot", Fails(Bot, "answers instead of")),
    fault("a chat whose address alone is known", "slow-take=300, lost-reply, address", Exact),
    fault("a chat that is nowhere told of", "slow-take=300, lost-reply, no-title", Exact),
];

/// Failures that leave an answer running, unless it is stopped.
pub(crate) const RUNNING: &[Case] = &[
    fault(
        "a long answer of another bot",
        "default-bot, length=20000, chunks=400, gap=50",
        Stopped(Bot, "answers instead of"),
    ),
    fault("silence amid an answer", "silent=3", Stopped(AnswerLost, "said nothing")),
];

/// What the socket loses, on a site whose silence is borne for two seconds.
pub(crate) const SOCKET: &[Case] = &[
    fault("the socket stays away for ever", "drop-socket=3, away=15_000", Exact),
    fault("updates are lost without a word", "lost=3, lose=2", Exact),
    fault("the end is lost without a word", "lost=3, lose=100_000", Exact),
    fault("everything is lost without a word", "lost=0, lose=100_000", Exact),
    fault("everything after a notice is lost", "missed=3, lose=100_000", Exact),
    fault("the channel is changed at once", "refetch=0", Exact),
    fault("one loss after another", "refetch=1, drop-socket=2, missed=4", Exact),
    fault("a loss amid odd shapes", "drop-socket=5, twice, reorder, textless, string-ids", Exact),
    fault("the page loads itself again", "reload=3", Exact),
    fault("and again, amid a rewrite", "reload=5, rewrite, placeholder", Exact),
    fault("a reload after lost updates", "lost=2, lose=3, reload=5", Exact),
    fault(
        "a reload before the reply",
        "slow-reply=3000, reload=2, length=1000, gap=60",
        ExactOr(Timeout, "may have it or not"),
    ),
    fault("the end never comes", "no-complete", Fails(AnswerLost, "look at the chat")),
    fault("a stop that has no effect", "silent=3, stop-ignored", Fails(AnswerLost, "said nothing")),
    fault("stopped from another tab", "cancel=3", Fails(Cancelled, "stopped on the site")),
    fault("stopped before the first word", "cancel=0", Fails(Cancelled, "stopped on the site")),
    fault("deleted from another tab", "delete=3", Fails(AnswerLost, "deleted")),
    fault(
        "deleted while the socket is away",
        "delete=3, drop-socket=3",
        Fails(AnswerLost, "deleted"),
    ),
];
