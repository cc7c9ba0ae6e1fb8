//! lenore
