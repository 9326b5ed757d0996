//! Two administrators at the same moment.

use std::{sync::Arc, time::Duration};

use roster_proto::{
    identity::v1::{
        DeleteUserRequest, DisableUserRequest, UpdateProfileRequest, UpdateUserRequest, User,
    },
    subject::v1::{Role, State},
};
use tokio::task::JoinSet;
use tonic::Status;

use crate::world::{PASSWORD, World, new_user, refusal, says};

#[derive(Clone, Copy, Debug)]
enum Attack {
    Delete,
    Demote,
    Disable,
}

async fn attack(
    world: &World,
    attack: Attack,
    by: &roster_kernel::Caller,
    victim: &User,
) -> Result<(), Status> {
    let user_id = victim.user_id.clone();
    let mut client = world.admin();
    match attack {
        Attack::Delete => {
            let request = DeleteUserRequest { user_id, ..Default::default() };
            client.delete_user(says(by, request)).await.map(drop)
        }
        Attack::Demote => {
            let is_admin = Some(false);
            let request = UpdateUserRequest { user_id, is_admin, ..Default::default() };
            client.update_user(says(by, request)).await.map(drop)
        }
        Attack::Disable => {
            let request = DisableUserRequest { user_id, ..Default::default() };
            client.disable_user(says(by, request)).await.map(drop)
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_administrators_never_remove_each_other() {
    let attacks = [Attack::Delete, Attack::Demote, Attack::Disable];
    for first in attacks {
        for second in attacks {
            let world = Arc::new(World::new().await);
            let (alice, as_alice) = world.create_admin("alice").await;
            let (bob, as_bob) = world.create_admin("bob").await;
            // The one who made them steps back.
            let root = world.ledger_from(0).await.remove(0).user_id;
            let request =
                UpdateUserRequest { user_id: root, is_admin: Some(false), ..Default::default() };
            world.admin().update_user(says(&as_alice, request)).await.unwrap();

            let (one, other) = tokio::join!(
                attack(&world, first, &as_alice, &bob),
                attack(&world, second, &as_bob, &alice),
            );
            let refused: Vec<_> = [one, other].into_iter().filter(Result::is_err).collect();
            assert_eq!(refused.len(), 1, "{first:?} against {second:?}");
            for refused in refused {
                assert_eq!(refusal(refused).1, "ADMIN_REQUIRED");
            }
            let admins = world
                .ledger_from(0)
                .await
                .into_iter()
                .filter(|state| state.role() == Role::Admin && state.state() == State::Active);
            assert_eq!(admins.count(), 1, "{first:?} against {second:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_want_a_name_one_gets_it() {
    let world = Arc::new(World::new().await);
    let mut calls = JoinSet::new();
    for _ in 0..16 {
        let world = Arc::clone(&world);
        calls.spawn(async move {
            world.admin().create_user(says(&world.root, new_user("alice"))).await.map(drop)
        });
    }
    let answers = calls.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for refused in answers.into_iter().filter(Result::is_err) {
        assert_eq!(refusal(refused).1, "USERNAME_TAKEN");
    }
}

/// Each writes what it was not asked to change as it has read it, so nobody may
/// read before another is done.
#[tokio::test(flavor = "multi_thread")]
async fn what_many_change_at_once_is_all_there() {
    let world = Arc::new(World::new().await);
    let alice = world.create("alice").await;
    let caller = world.caller_of(&alice.user_id, false);
    for round in 0..20 {
        world.clock.advance(Duration::from_secs(1));
        let (name, email) = (format!("Alice {round}"), format!("alice{round}@example.org"));
        let own = UpdateProfileRequest { display_name: Some(name.clone()), ..Default::default() };
        let other = UpdateUserRequest {
            user_id: alice.user_id.clone(),
            email: Some(email.clone()),
            ..Default::default()
        };
        let mut changes = JoinSet::new();
        let (at, caller) = (Arc::clone(&world), caller.clone());
        changes.spawn(async move {
            at.account().update_profile(says(&caller, own)).await.unwrap();
        });
        let at = Arc::clone(&world);
        changes.spawn(async move {
            at.admin().update_user(says(&at.root, other)).await.unwrap();
        });
        let at = Arc::clone(&world);
        changes.spawn(async move {
            at.verify("alice", PASSWORD).await.unwrap();
        });
        changes.join_all().await;
        let after = world.get(&alice.user_id).await.unwrap();
        assert_eq!((after.display_name, after.email), (name, email), "round {round}");
        let signed_in = after.last_login_time.unwrap().seconds;
        assert_eq!(signed_in, world.env.now().timestamp(), "round {round}");
    }
}
