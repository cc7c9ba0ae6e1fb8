//! From what the tap tells to the events of one answer. Pure: no page, no clock, no I/O.

mod answer_text;
mod answerer;
mod candidates;
mod exchange;
mod facts;
mod page_view;
mod refusal;
mod tap_message;

pub use exchange::{Exchange, Step};
pub use facts::WireFacts;
pub use page_view::PageView;
pub use tap_message::{ChatInfo, MessageUpdate, Reply, TapMessage};

pub(crate) use exchange::MessageId;
pub(crate) use refusal::of_upload;
