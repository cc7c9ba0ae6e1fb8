//! A [`Provider`](lenore_provider::Provider) across the processes of one user.
