//! What the provider says of itself, through the seam that every provider has.

use std::sync::Arc;

use lenore_poe::Poe;
use lenore_provider::{ErrorKind, Provider};

#[test]
fn the_facts_are_the_original_providers() {
    let poe = Poe::builder().temporary_profile().build().expect("valid options");
    let provider: Arc<dyn Provider> = Arc::new(poe);
    assert_eq!(provider.name(), "poe");
    assert_eq!(provider.url(), "https://poe.com");
    assert!(provider.working() && provider.needs_auth() && provider.supports_stream());
    assert_eq!(provider.default_model(), "gpt-3.5-turbo");
    assert_eq!(provider.models().len(), 10);
    let gpt = provider.models().into_iter().find(|model| model.name == "gpt-4");
    assert_eq!(gpt.map(|model| model.bot).as_deref(), Some("GPT-4"));
}

#[test]
fn bad_options_are_refused_at_once() {
    let builder = || Poe::builder().temporary_profile();
    let bad = [
        builder().url("ftp://poe.com"),
        builder().proxy("gopher://proxy"),
        builder().cdp("http://127.0.0.1:9222"),
    ];
    for options in bad {
        let error = options.build().expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    }
}
