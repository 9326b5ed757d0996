//! The network is cut between any two processes. Nobody is told anything that is
//! not so, whoever needs the link is told that in time, everybody else notices
//! nothing, and what was begun meanwhile comes to its end once it has healed.

mod installation;
mod probe;

use std::{collections::BTreeSet, time::Duration};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, join_all},
};
use roster_kernel::Env;
use roster_proto::identity::v1::{
    CreateUserRequest, DeleteUserRequest, DeletionState, GetDeletionRequest, ListUsersRequest,
    ReceiptState,
};
use roster_testkit::Way;

use crate::{client::Client, database, world::person};
use installation::{Between, Installation, SERVICES, WAIT, within};
use probe::{Probe, Refused, answered, is_due};

/// Shortly before nobody waits any more: what promises an effect says by then
/// that it does not know of it.
const LATE: Duration = WAIT.saturating_sub(Duration::from_millis(900));

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
        let named = answered(at.admin.users().list_users(within(request)).await).unwrap().users;
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

/// Whether somebody cannot be created, or deleted, without the link.
fn changes_need((from, to): Between) -> (bool, bool) {
    let created = Probe::User.needs((from, to));
    (created, created || to == "broker" && from != "persona")
}

/// Something that is asked for, by name, and what is answered.
type Call<'a> = BoxFuture<'a, (String, Result<(), Refused>)>;

/// Asks for everything at once. Who needs the link is refused, and late if the
/// time has passed for it, once everybody else has been answered.
async fn ask(at: &Installation, changes: &Changes, cut: (Between, Way), late: bool) {
    let (between, _) = cut;
    let needed = changes_need(between);
    let mut calls: Vec<(bool, Call<'_>)> = vec![
        (needed.0, async { ("creating".to_owned(), changes.create(at).await) }.boxed()),
        (needed.1, async { ("deleting".to_owned(), changes.delete(at).await.map(drop)) }.boxed()),
    ];
    for probe in Probe::ALL {
        let call = async move { (format!("{probe:?}"), probe.ask(at).await) };
        calls.push((probe.needs(between), call.boxed()));
    }
    let (needing, others): (Vec<_>, Vec<_>) = calls.into_iter().partition(|(needs, _)| *needs);
    let told = |calls: Vec<(_, _)>| join_all(calls.into_iter().map(|(_, call)| call));
    let (refused, answered) = tokio::join!(told(needing), async {
        let answered = told(others).await;
        if late {
            at.clock.advance(LATE);
        }
        answered
    });
    for (what, told) in answered {
        assert_eq!(told, Ok(()), "{what} does without {cut:?}");
    }
    for (what, told) in refused {
        let due = told.as_ref().is_err_and(|refused| is_due(between, late, refused));
        assert!(due, "{what} needs {cut:?}: {told:?}");
    }
}

async fn is_whole(at: &Installation) {
    for probe in Probe::ALL {
        at.converges(async || probe.ask(at).await.is_ok()).await;
    }
}

async fn cut(between: Between) {
    let at = Box::pin(Installation::start(between)).await;
    is_whole(&at).await;
    for way in [Way::Refused, Way::Swallowed] {
        let changes = Changes::prepare(&at).await;
        // All connections there are have been used a moment ago: nobody asks
        // whether they still are connections.
        join_all(Probe::ALL.map(|probe| probe.ask(&at))).await;
        at.link(between).set(way);
        // What is swallowed keeps callers waiting, as long as they like, until it
        // is noticed. For an effect they wait in any case.
        if way == Way::Swallowed || between.1 == "broker" {
            ask(&at, &changes, (between, way), true).await;
        }
        if between.1 != "broker" {
            ask(&at, &changes, (between, way), false).await;
        }
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
