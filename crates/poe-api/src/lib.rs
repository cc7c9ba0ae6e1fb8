//! Poe's official HTTP API as a [`Provider`](lenore_provider::Provider).
