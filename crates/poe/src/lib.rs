//! lenore-poe
