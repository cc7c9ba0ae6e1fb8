//! The server as its clients see it, over a provider that does as it is told.

mod answers;
mod bodies;
mod chat;
mod clients;
mod crowd;
mod doors;
mod forms;
mod front_ends;
mod going_on;
mod hostile;
mod leaving;
mod load;
mod mending;
mod messages;
mod page;
mod random;
mod requests;
mod responses;
mod schemas;
mod shutdown;
mod side;
mod support;
mod waiting;
