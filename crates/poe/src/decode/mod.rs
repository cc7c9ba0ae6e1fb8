//! From what the tap tells to the events of one answer. Pure: no page, no clock, no I/O.

mod answer_text;
mod answerer;
mod candidates;
mod exchange;
mod refusal;
mod tap_message;

pub use exchange::{Exchange, Step};
pub use tap_message::{ChatInfo, TapMessage};

pub(crate) use exchange::MessageId;
pub(crate) use refusal::of_upload;
