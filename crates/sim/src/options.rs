//! How a local site is started.

/// What can be chosen when a [`Sim`](crate::Sim) starts.
///
/// ```
/// let options = lenore_sim::Options::default().port(8765).seed(7);
/// assert_eq!(options.port, 8765);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// The page's port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// Decides the texts of the answers: same seed, bot and prompt, same answer.
    pub seed: u64,
}

impl Options {
    /// Sets the page's port; 0 takes any free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the seed of the answers' texts.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}
