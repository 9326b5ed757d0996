//! How much is measured.

/// Sizes and numbers of repetitions.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// How many turns everything that is compared has; the figure is the
    /// median of them.
    pub turns: usize,
    /// Operations in a turn, where one takes microseconds.
    pub calls: usize,
    /// Operations in a turn, where each is durable.
    pub commits: usize,
    /// Operations in a turn, where each hashes a password.
    pub hashes: usize,
    /// Users of the small installation.
    pub few_users: usize,
    /// Users of the large one.
    pub many_users: usize,
    /// The page of the large installation that is far away.
    pub far_page: usize,
    /// How many users with annotations are deleted.
    pub deletions: usize,
    /// How many annotations each of them has.
    pub annotations: usize,
    /// How often the process is started.
    pub starts: usize,
    /// Calls before the memory is looked at again.
    pub process_calls: usize,
    /// Logins of the flood that are computed.
    pub flood: usize,
    /// Connections that say nothing; none where there is no time for that.
    pub silent: usize,
    /// Users of the services that run apart, beside the administrator.
    pub apart_users: usize,
    /// How many users of theirs are deleted, one after the other, and then
    /// several at a time.
    pub apart_deletions: usize,
}

impl Effort {
    /// Enough for figures.
    pub const fn full() -> Self {
        Self {
            turns: 15,
            calls: 1_000,
            commits: 200,
            hashes: 20,
            few_users: 1_000,
            many_users: 100_000,
            far_page: 1_000,
            deletions: 15,
            annotations: 1_000,
            starts: 15,
            process_calls: 10_000,
            flood: 576,
            silent: 2_000,
            apart_users: 60,
            apart_deletions: 300,
        }
    }

    /// Whether the figures mean nothing.
    pub const fn is_quick(&self) -> bool {
        self.turns == 1
    }

    /// Enough to see that it works.
    pub const fn quick() -> Self {
        Self {
            turns: 1,
            calls: 4,
            commits: 2,
            hashes: 1,
            few_users: 60,
            many_users: 200,
            far_page: 3,
            deletions: 1,
            annotations: 20,
            starts: 1,
            process_calls: 20,
            flood: 4,
            silent: 0,
            apart_users: 1,
            apart_deletions: 2,
        }
    }
}
