//! OpenAI- and Anthropic-compatible HTTP over any [`Provider`](lenore_provider::Provider).
