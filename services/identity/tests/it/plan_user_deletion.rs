use std::{sync::atomic::Ordering, time::Duration};

use roster_kernel::{Actor, UserId};
use roster_proto::identity::v1::{DeleteUserRequest, DeletionPlan, PlanUserDeletionRequest};
use roster_testkit::eventually;
use tonic::{Code, Status};

use crate::{
    participant::Counts,
    world::{Setup, World, name, refusal, says},
};

async fn plan(world: &World, user_id: &str) -> Result<DeletionPlan, Status> {
    let request = PlanUserDeletionRequest { user_id: user_id.to_owned() };
    let answer = world.admin().plan_user_deletion(says(&world.root, request)).await?;
    Ok(answer.into_inner().plan.unwrap())
}

/// A service, whether it has answered, and how much it keeps of what.
type Erasure<'a> = (&'a str, bool, Vec<(&'a str, i64)>);

/// Who would erase how much of what.
fn erasures(plan: &DeletionPlan) -> Vec<Erasure<'_>> {
    let counts = plan.erasures.iter().map(|it| {
        let counts = it.counts.iter().map(|each| (each.kind.as_str(), each.count)).collect();
        (it.participant.as_str(), it.answered, counts)
    });
    counts.collect()
}

fn root_id(world: &World) -> String {
    let Actor::User(root) = &world.root.actor else { unreachable!() };
    root.user_id.to_string()
}

#[tokio::test]
async fn a_plan_says_what_each_service_would_erase() {
    // Neither the services nor their kinds come in order.
    let sessions = Counts::of(&[("sessions", 3)]);
    let personas = Counts::of(&[("personas", 7), ("annotations", 70)]);
    let participants =
        vec![(name("session"), sessions.upstream()), (name("persona"), personas.upstream())];
    let world = World::with(Setup { participants, ..Setup::default() }).await;
    let user = world.create("alice").await;
    let plan = plan(&world, &user.user_id).await.unwrap();
    assert_eq!(plan.user_id, user.user_id);
    assert_eq!(plan.blockers, []);
    let expected = [
        (
            "identity",
            true,
            vec![("api_keys", 0), ("credentials", 1), ("machine_tokens", 0), ("users", 1)],
        ),
        ("persona", true, vec![("annotations", 70), ("personas", 7)]),
        ("session", true, vec![("sessions", 3)]),
    ];
    assert_eq!(erasures(&plan), expected);
    // Nothing has changed, and the caller is known to the participants.
    assert_eq!(world.get(&user.user_id).await.unwrap(), user);
    assert_eq!(world.number("SELECT count(*) FROM outbox_event").await, 0);
    let asked = personas.asked.lock().unwrap().clone();
    assert_eq!(asked[0].0.correlation_id, world.root.correlation_id);
}

#[tokio::test]
async fn a_plan_foresees_what_the_deletion_then_counts() {
    let world = World::new().await;
    let user = world.create("alice").await;
    let plan = plan(&world, &user.user_id).await.unwrap();
    let request = DeleteUserRequest { user_id: user.user_id, ..Default::default() };
    let deleted = world.admin().delete_user(says(&world.root, request)).await.unwrap();
    let receipts = deleted.into_inner().deletion.unwrap().receipts;
    assert_eq!(plan.erasures[0].counts, receipts[0].counts);
}

#[tokio::test]
async fn a_plan_is_blocked_by_what_the_deletion_is_refused_with() {
    let world = World::new().await;
    let own = root_id(&world);
    let reasons = |plan: DeletionPlan| -> Vec<String> {
        assert!(plan.blockers.iter().all(|it| !it.message.is_empty()));
        plan.blockers.into_iter().map(|it| it.reason).collect()
    };
    let alone = reasons(plan(&world, &own).await.unwrap());
    assert_eq!(alone, ["CANNOT_DELETE_SELF", "LAST_ADMIN"]);
    let (other, _) = world.create_admin("alice").await;
    assert_eq!(reasons(plan(&world, &own).await.unwrap()), ["CANNOT_DELETE_SELF"]);
    assert_eq!(reasons(plan(&world, &other.user_id).await.unwrap()), [""; 0]);
    let request = DeleteUserRequest { user_id: own, ..Default::default() };
    let refused = world.admin().delete_user(says(&world.root, request)).await;
    assert_eq!(refusal(refused).1, alone[0]);
}

#[tokio::test]
async fn a_silent_participant_has_not_answered() {
    let sessions = Counts::of(&[("sessions", 3)]);
    sessions.mute.store(true, Ordering::SeqCst);
    let (absent, _never_connected) = roster_server::Upstream::in_process();
    let participants = vec![(name("persona"), absent), (name("session"), sessions.upstream())];
    let world = World::with(Setup { participants, ..Setup::default() }).await;
    let user = world.create("alice").await;
    let patience = async {
        eventually(async || !sessions.asked.lock().unwrap().is_empty()).await;
        world.clock.advance(Duration::from_secs(5));
    };
    let (plan, ()) = tokio::join!(plan(&world, &user.user_id), patience);
    let plan = plan.unwrap();
    let answered: Vec<_> =
        erasures(&plan).into_iter().map(|(who, answered, _)| (who.to_owned(), answered)).collect();
    let expected = [("identity", true), ("persona", false), ("session", false)];
    assert_eq!(answered, expected.map(|(who, answered)| (who.to_owned(), answered)));
    assert_eq!(plan.blockers, [], "the deletion would reach them later");
}

#[tokio::test]
async fn only_users_who_exist_have_a_plan_and_only_administrators_ask() {
    let world = World::new().await;
    let stranger = UserId::generate(&world.env).to_string();
    let not_found = (Code::NotFound, "USER_NOT_FOUND".to_owned());
    assert_eq!(refusal(plan(&world, &stranger).await), not_found);
    let user = world.create("alice").await;
    // The token may say more than the ledger.
    let demoted = world.caller_of(&user.user_id, true);
    let request = PlanUserDeletionRequest { user_id: root_id(&world) };
    let answer = world.admin().plan_user_deletion(says(&demoted, request)).await;
    assert_eq!(refusal(answer), (Code::PermissionDenied, "ADMIN_REQUIRED".to_owned()));
}
