//! What a backup does not know, and the other services do.

use std::collections::BTreeMap;

use roster_kernel::UserId;

use super::{Role, State, Subject, Version};

/// What the other services know of a user, put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    newest: Option<Subject>,
    session_epoch: i64,
    deleted: bool,
}

/// What is to become of a user, by what is known elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing: the ledger knows as much.
    None,
    /// The user was deleted after the backup.
    Deleted,
    /// The user was created after the backup.
    Unknown,
    /// The user has got this state after the backup.
    Changed(Subject),
}

impl Sighting {
    /// Adds what one service knows; nothing but the id where `subject` is none.
    pub fn add(&mut self, subject: Option<Subject>) {
        let Some(subject) = subject else { return };
        self.session_epoch = self.session_epoch.max(subject.session_epoch);
        self.deleted |= subject.state == State::Deleted;
        if self.newest.is_none_or(|newest| newest.version < subject.version) {
            self.newest = Some(subject);
        }
    }

    /// The highest session epoch that anybody knows.
    #[must_use]
    pub const fn session_epoch(&self) -> i64 {
        self.session_epoch
    }

    /// Whether it may tell anything about a user of whom the ledger has
    /// `recorded`: what is as old as that tells nothing, whatever others know.
    #[must_use]
    pub fn is_ahead(&self, recorded: Option<&Subject>) -> bool {
        recorded.is_none_or(|recorded| {
            self.deleted
                || self.session_epoch > recorded.session_epoch
                || self.newest.is_some_and(|newest| newest.version > recorded.version)
        })
    }

    /// Whether it is newer than what the ledger has `recorded`, whatever it says.
    #[must_use]
    pub fn is_newer(&self, recorded: Option<&Subject>) -> bool {
        recorded.is_none_or(|recorded| {
            self.newest.is_some_and(|newest| newest.version > recorded.version)
        })
    }

    /// What it tells about a user of whom the ledger has `recorded`.
    #[must_use]
    pub fn tells(&self, recorded: Option<&Subject>) -> News {
        let Some(recorded) = recorded else { return News::Unknown };
        if recorded.state == State::Deleted {
            return News::None;
        }
        if self.deleted {
            return News::Deleted;
        }
        let mut after = *recorded;
        // Sessions that were over stay over, and no new one could be opened
        // under an epoch that others are ahead of.
        after.session_epoch = after.session_epoch.max(self.session_epoch);
        if let Some(newest) = self.newest.filter(|newest| newest.version > recorded.version) {
            after.role = newest.role;
            after.state = newest.state;
            // The password is that of the backup: whoever had to change it then
            // has to again, though it has been done.
            after.password_change_required |= newest.password_change_required;
        }
        if after == *recorded { News::None } else { News::Changed(after) }
    }

    /// The state of a user who is unknown to the ledger, and is no more.
    #[must_use]
    pub fn buried(&self, user_id: UserId, version: Version) -> Subject {
        let role = self.newest.map_or(Role::User, |newest| newest.role);
        let mut subject = Subject::new(user_id, version, role, false);
        subject.session_epoch = self.session_epoch;
        subject.delete();
        subject
    }
}

/// What the participants know and the ledger does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// The users whom there is something about, in the order of their ids.
    pub users: BTreeMap<UserId, Sighting>,
    /// The latest incarnation that anybody knows of.
    pub incarnation: i64,
    /// Whether any of it is newer than the ledger, even if it says the same.
    pub newer: bool,
}

/// A user whose state was taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amended {
    /// The user.
    pub user_id: UserId,
    /// What has changed of it.
    pub fields: Vec<&'static str>,
}

/// What taking in the others' knowledge has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// What versions begin with from now on.
    pub incarnation: i64,
    /// Who had been deleted after the backup, and is again.
    pub deleted: Vec<UserId>,
    /// Who had been created after the backup: nobody can sign in as them any
    /// more, and what was kept of them is erased.
    pub unknown: Vec<UserId>,
    /// Whose role, state or sessions had changed after the backup.
    pub amended: Vec<Amended>,
    /// How many machine tokens of the backup have ended.
    pub machine_tokens: u64,
    /// How many users can administer others.
    pub admins: u64,
}

/// The names of what differs between two states of a user.
#[must_use]
pub fn changed_fields(before: &Subject, after: &Subject) -> Vec<&'static str> {
    [
        ("is_admin", before.role != after.role),
        ("disabled", before.state != after.state),
        (
            "password_change_required",
            before.password_change_required != after.password_change_required,
        ),
        ("revoke_sessions", before.session_epoch != after.session_epoch),
    ]
    .into_iter()
    .filter_map(|(field, differs)| differs.then_some(field))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(number: i64, change: impl FnOnce(&mut Subject)) -> Subject {
        let (_, env) = roster_testkit::env(1);
        let version = Version { incarnation: 1, number };
        let mut subject = Subject::new(UserId::generate(&env), version, Role::Admin, false);
        change(&mut subject);
        subject
    }

    fn told(recorded: &Subject, known: &[Subject]) -> News {
        let mut sighting = Sighting::default();
        for subject in known {
            sighting.add(Some(*subject));
        }
        sighting.tells(Some(recorded))
    }

    #[test]
    fn the_newest_state_counts_and_the_highest_epoch() {
        let recorded = subject(3, |_| {});
        assert_eq!(told(&recorded, &[recorded, subject(2, |it| it.role = Role::User)]), News::None);
        let demoted = subject(5, |it| it.role = Role::User);
        let reset = subject(4, Subject::end_sessions);
        let expected =
            Subject { role: Role::User, session_epoch: 1, version: recorded.version, ..demoted };
        assert_eq!(told(&recorded, &[demoted, reset]), News::Changed(expected));
        assert_eq!(told(&recorded, &[reset, demoted]), News::Changed(expected));
        assert_eq!(changed_fields(&recorded, &expected), ["is_admin", "revoke_sessions"]);
        // What was changed and changed back is nothing new, and was the last.
        assert_eq!(told(&recorded, &[subject(9, |_| {})]), News::None);
        assert_eq!(told(&recorded, &[demoted, subject(9, |_| {})]), News::None);
    }

    #[test]
    fn what_is_as_old_as_the_ledger_tells_nothing() {
        let recorded = subject(3, |_| {});
        let ahead = |known: Subject| {
            let mut sighting = Sighting::default();
            sighting.add(Some(known));
            sighting.is_ahead(Some(&recorded))
        };
        assert!(!ahead(subject(3, |it| it.role = Role::User)));
        assert!(ahead(subject(4, |_| {})), "what others know is older than this");
        assert!(ahead(subject(1, Subject::end_sessions)));
        assert!(Sighting::default().is_ahead(None));
    }

    #[test]
    fn a_deletion_counts_whoever_knows_of_it() {
        let recorded = subject(3, |_| {});
        let gone = subject(2, Subject::delete);
        assert_eq!(told(&recorded, &[subject(9, |_| {}), gone]), News::Deleted);
        assert_eq!(told(&gone, &[gone, subject(9, |_| {})]), News::None);
    }

    #[test]
    fn a_password_that_had_to_be_changed_at_the_time_of_the_backup_has_to_be_again() {
        let recorded = subject(3, |it| it.password_change_required = true);
        assert_eq!(told(&recorded, &[subject(4, |_| {})]), News::None);
        let News::Changed(after) = told(&recorded, &[subject(4, Subject::disable)]) else {
            panic!("a disabled user is news");
        };
        assert!(after.password_change_required && after.state == State::Disabled);
    }

    #[test]
    fn whoever_the_ledger_never_heard_of_is_buried_behind_all_sessions() {
        let mut sighting = Sighting::default();
        sighting.add(None);
        assert_eq!(sighting.tells(None), News::Unknown);
        sighting.add(Some(subject(4, Subject::end_sessions)));
        assert_eq!(sighting.tells(None), News::Unknown);
        let version = Version { incarnation: 2, number: 7 };
        let buried = sighting.buried(subject(1, |_| {}).user_id, version);
        assert_eq!((buried.state, buried.session_epoch), (State::Deleted, 2));
        assert_eq!((buried.version, buried.role), (version, Role::Admin));
    }
}
