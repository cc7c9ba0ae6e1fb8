//! lenore-cli
