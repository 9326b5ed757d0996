//! The network is cut between any two processes. Nobody is told anything that is
//! not so, whoever needs the link is told that in time, everybody else notices
//! nothing, and what was begun meanwhile comes to its end once it has healed.

mod installation;
mod probe;

use std::collections::BTreeSet;

use futures_util::future::join_all;
use roster_kernel::Env;
use roster_proto::identity::v1::{
    CreateUserRequest, DeleteUserRequest, DeletionState, GetDeletionRequest, ListUsersRequest,
    ReceiptState,
};
use roster_testkit::Way;

use crate::{client::Client, database, world::person};
use installation::{Between, Installation, SERVICES};
use probe::{Probe, Refused, answered, is_due, within};

const CUTS: [Way; 2] = [Way::Refused, Way::Swallowed];

/// A change that is asked for while a link is cut, and again afterwards.
struct Changes {
    create: CreateUserRequest,
    delete: DeleteUserRequest,
    /// Who is deleted.
    leaver: Client,
}

impl Changes {
    async fn prepare(at: &Installation) -> Self {
        let id = |env: &Env| env.uuid().to_string();
        let leaver = at.somebody(&at.new_username()).await;
        let user_id = leaver.user_id.clone();
        Self {
            create: CreateUserRequest {
                username: at.new_username(),
                request_id: id(&at.env),
                ..person()
            },
            delete: DeleteUserRequest { user_id, request_id: id(&at.env), ..Default::default() },
            leaver,
        }
    }

    /// Creates somebody; answers nothing that is not so.
    async fn create(&self, at: &Installation) -> Result<(), Refused> {
        let asked = at.admin.users().create_user(within(self.create.clone())).await;
        let user = answered(asked)?.user.unwrap();
        assert_eq!(user.username, self.create.username);
        Ok(())
    }

    /// Deletes somebody, who can do nothing from then on.
    async fn delete(&self, at: &Installation) -> Result<String, Refused> {
        let asked = at.admin.users().delete_user(within(self.delete.clone())).await;
        let deletion = answered(asked)?.deletion.unwrap();
        assert!(!self.leaver.is_signed_in().await, "the answer was that nobody is");
        Ok(deletion.deletion_id)
    }

    /// Waits until what was asked for has happened, all of it and once.
    async fn happen(&self, at: &Installation) {
        at.converges(async || self.create(at).await.is_ok()).await;
        let query = self.create.username.clone();
        let request = ListUsersRequest { query, ..Default::default() };
        let named = answered(at.admin.users().list_users(request).await).unwrap().users;
        assert_eq!(named.len(), 1, "{named:?}");
        let mut deleted = None;
        at.converges(async || {
            deleted = self.delete(at).await.ok();
            deleted.is_some()
        })
        .await;
        let request = GetDeletionRequest { deletion_id: deleted.unwrap() };
        at.converges(async || {
            let asked = at.admin.users().get_deletion(within(request.clone())).await;
            let Ok(answer) = answered(asked) else { return false };
            let deletion = answer.deletion.unwrap();
            if deletion.state() != DeletionState::Complete {
                return false;
            }
            let done = deletion.receipts.iter().filter(|it| it.state() == ReceiptState::Done);
            let done: BTreeSet<_> = done.map(|it| &it.participant[..]).collect();
            assert_eq!(done, BTreeSet::from(["identity", "persona", "session"]));
            true
        })
        .await;
        assert_eq!(self.left(at).await, 0);
    }

    /// How much is kept of who was deleted.
    async fn left(&self, at: &Installation) -> i64 {
        let mut left = 0;
        for (service, table) in
            [("identity", "credential"), ("session", "session"), ("persona", "persona")]
        {
            let tables = at.config.database.of(&at.config.data_dir, service);
            let user = &self.leaver.user_id;
            let count = format!("SELECT count(*) FROM {table} WHERE user_id = '{user}'");
            left += database::count_of(&tables, &count).await;
        }
        left
    }
}

/// Whether somebody who is created, or deleted, has to be told that it cannot be
/// said to have happened.
fn needed_for_changes((from, to): Between) -> (bool, bool) {
    let created = Probe::User.needs((from, to));
    (created, created || to == "broker" && from != "persona")
}

fn assert_told<T: std::fmt::Debug>(
    what: &str,
    cut: (Between, Way),
    needed: bool,
    told: &Result<T, Refused>,
) {
    match told {
        Ok(answer) => assert!(!needed, "{what} without {cut:?}: {answer:?}"),
        Err(refused) => {
            assert!(needed && is_due(cut.0, refused), "{what} without {cut:?}: {refused:?}");
        }
    }
}

async fn is_whole(at: &Installation) {
    for probe in Probe::ALL {
        at.converges(async || probe.ask(at).await.is_ok()).await;
    }
}

async fn cut(between: Between) {
    let at = Box::pin(Installation::start()).await;
    is_whole(&at).await;
    for way in CUTS {
        let changes = Changes::prepare(&at).await;
        at.link(between).set(way);
        let (told, created, deleted) = tokio::join!(
            join_all(Probe::ALL.map(|probe| probe.ask(&at))),
            changes.create(&at),
            changes.delete(&at),
        );
        for (probe, told) in Probe::ALL.into_iter().zip(told) {
            assert_told(&format!("{probe:?}"), (between, way), probe.needs(between), &told);
        }
        let needed = needed_for_changes(between);
        assert_told("a creation", (between, way), needed.0, &created);
        assert_told("a deletion", (between, way), needed.1, &deleted);
        at.link(between).set(Way::Open);
        is_whole(&at).await;
        changes.happen(&at).await;
    }
    at.stop().await;
}

async fn cut_each(links: impl IntoIterator<Item = Between>) {
    join_all(links.into_iter().map(cut)).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL and a broker: cargo xtask test has them"]
async fn between_services() {
    cut_each(SERVICES).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL and a broker: cargo xtask test has them"]
async fn between_a_service_and_its_database() {
    cut_each(["identity", "session", "persona"].map(|service| (service, "database"))).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL and a broker: cargo xtask test has them"]
async fn between_a_service_and_the_broker() {
    cut_each(["identity", "session", "persona"].map(|service| (service, "broker"))).await;
}
