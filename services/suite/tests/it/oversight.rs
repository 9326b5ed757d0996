//! What an administrator looks at before, during and after a deletion, and
//! the figures about everybody.

use std::time::Duration;

use prost::{Message, Name};
use roster_proto::{
    identity::v1::{
        DeleteUserRequest, Deletion, DeletionState, ExportManifest, ExportUserDataRequest,
        ExportedRecord, GetStatisticsRequest, ListDeletionsRequest, MachineTokenScope,
        PlanUserDeletionRequest, RevokeMachineTokenRequest, Statistics, WatchDeletionRequest,
        WatchDeletionResponse, export_user_data_response::Part,
    },
    persona::v1::{CreatePersonaRequest, Persona},
    session::v1::Session,
};
use tonic::{Code, Streaming};

use crate::{
    binary::PATIENCE,
    client::{Client, reason},
    strangers::wire,
    world::World,
};

pub async fn create_persona(client: &Client, name: &str) -> Persona {
    let persona = Persona { name: Some(name.to_owned()), ..Persona::default() };
    let request = CreatePersonaRequest { persona: Some(persona), ..Default::default() };
    client.personas().create_persona(request).await.unwrap().into_inner().persona.unwrap()
}

#[tokio::test]
async fn a_plan_shows_what_a_deletion_would_erase() {
    let world = World::new().await;
    let mara = world.create_signed_in("mara").await;
    world.sign_in("mara").await;
    create_persona(&mara, "Field ecologist").await;
    let request = PlanUserDeletionRequest { user_id: mara.user_id.clone() };
    let plan = world.admin.users().plan_user_deletion(request.clone()).await.unwrap();
    let plan = plan.into_inner().plan.unwrap();
    assert_eq!(plan.blockers, []);
    assert!(plan.erasures.iter().all(|erasure| erasure.answered));
    let count = |participant: &str, kind: &str| {
        let erasure = plan.erasures.iter().find(|it| it.participant == participant).unwrap();
        erasure.counts.iter().find(|it| it.kind == kind).unwrap().count
    };
    assert_eq!((count("identity", "users"), count("identity", "credentials")), (1, 1));
    assert_eq!((count("persona", "personas"), count("session", "sessions")), (1, 2));
    // She is still there, and no administrator.
    assert_eq!(reason(mara.users().plan_user_deletion(request).await).1, "ADMIN_REQUIRED");
}

async fn watch(world: &World, deletion_id: &str) -> Streaming<WatchDeletionResponse> {
    let request = WatchDeletionRequest { deletion_id: deletion_id.to_owned() };
    world.admin.users().watch_deletion(request).await.unwrap().into_inner()
}

/// A deletion that no service hears of.
async fn begin_deletion(world: &World) -> Deletion {
    let mara = world.create_signed_in("mara").await;
    create_persona(&mara, "Field ecologist").await;
    world.suite.hold_events().await;
    let request = DeleteUserRequest { user_id: mara.user_id.clone(), ..Default::default() };
    let pending = world.drive(world.admin.users().delete_user(request)).await;
    assert_eq!(reason(pending).1, "EFFECT_PENDING");
    let list = world.admin.users().list_deletions(ListDeletionsRequest::default()).await;
    list.unwrap().into_inner().deletions.remove(0)
}

#[tokio::test]
async fn a_deletion_is_watched_until_it_is_complete() {
    let world = World::new().await;
    let deletion = begin_deletion(&world).await;
    let mut stream = watch(&world, &deletion.deletion_id).await;
    let first = stream.message().await.unwrap().unwrap().deletion.unwrap();
    assert_eq!(first.state(), DeletionState::Running);
    world.suite.release_events().await;
    let mut last = first;
    while let Some(message) = stream.message().await.unwrap() {
        last = message.deletion.unwrap();
    }
    assert_eq!(last.state(), DeletionState::Complete);
    assert_eq!(last.receipts.len(), 3);
}

#[tokio::test]
async fn a_watch_ends_with_the_machine_token_that_opened_it() {
    let world = World::new().await;
    let deletion = begin_deletion(&world).await;
    let request = || WatchDeletionRequest { deletion_id: deletion.deletion_id.clone() };
    let issuer = world.create_admin("issuer").await;
    let (machine_token_id, machine) = issuer.issue(MachineTokenScope::ReadOnly).await;
    let mut stream = machine.users().watch_deletion(request()).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    let revoke = RevokeMachineTokenRequest { machine_token_id, ..Default::default() };
    world.admin.machine_tokens().revoke_machine_token(revoke).await.unwrap();
    // Until the next look, which takes no time: its own would run out.
    world.clock.advance(Duration::from_secs(1));
    let ended = loop {
        let next = tokio::time::timeout(PATIENCE, stream.message()).await;
        match next.expect("an end of the stream") {
            // The deletion is tried again, which is seen.
            Ok(message) => drop(message.expect("a deletion that goes on")),
            Err(ended) => break ended,
        }
    };
    let invalid = (Code::Unauthenticated, "TOKEN_INVALID".to_owned());
    assert_eq!((ended.code(), wire::reason(&ended)), invalid);
    assert_eq!(reason(machine.users().watch_deletion(request()).await), invalid);
}

#[tokio::test]
async fn who_watches_does_not_hold_up_the_end() {
    let world = World::new().await;
    let deletion = begin_deletion(&world).await;
    let mut stream = watch(&world, &deletion.deletion_id).await;
    stream.message().await.unwrap().unwrap();
    let world = world.restart().await;
    let ended = stream.message().await.unwrap_err();
    assert_eq!((ended.code(), wire::reason(&ended).as_str()), (Code::Unavailable, "DRAINING"));
    // Afterwards it can be watched again.
    let mut stream = watch(&world, &deletion.deletion_id).await;
    assert!(stream.message().await.unwrap().is_some());
}

async fn statistics(world: &World, start_day: &str) -> Statistics {
    let request = GetStatisticsRequest { start_day: start_day.to_owned(), ..Default::default() };
    let answer = world.admin.users().get_statistics(request).await.unwrap();
    answer.into_inner().statistics.unwrap()
}

#[tokio::test]
async fn figures_follow_what_happens_over_days() {
    let world = World::new().await;
    world.create_user("mara").await;
    for _ in 0..3 {
        world.sign_in("mara").await;
    }
    world.clock.advance(Duration::from_hours(48));
    let june = world.create_signed_in("june").await;
    create_persona(&june, "Field ecologist").await;
    let figures = statistics(&world, "2026-01-01").await;
    let days: Vec<_> =
        figures.days.iter().map(|it| (it.day.as_str(), it.sign_up_count, it.login_count)).collect();
    // The first administrator counts, too, and so does her sign-in.
    assert_eq!(days, [("2026-01-01", 2, 4), ("2026-01-02", 0, 0), ("2026-01-03", 1, 1)]);
    assert_eq!((figures.user_count, figures.admin_count, figures.disabled_count), (3, 1, 0));
}

/// The records of one kind, read as the messages that they are.
pub fn decoded<M: Message + Name + Default>(
    records: &[ExportedRecord],
    participant: &str,
    kind: &str,
) -> Vec<M> {
    let its = |it: &&ExportedRecord| it.participant == participant && it.kind == kind;
    let read = |it: &ExportedRecord| {
        let any = it.record.as_ref().unwrap();
        assert_eq!(any.type_url, format!("type.googleapis.com/{}", M::full_name()));
        M::decode(&*any.value).unwrap()
    };
    records.iter().filter(its).map(read).collect()
}

/// All that is exported of a user, and the manifest that ends it.
pub async fn export(world: &World, user_id: &str) -> (Vec<ExportedRecord>, ExportManifest) {
    let request = ExportUserDataRequest { user_id: user_id.to_owned() };
    let mut stream = world.admin.users().export_user_data(request).await.unwrap().into_inner();
    let (mut records, mut manifest) = (Vec::new(), None);
    while let Some(message) = stream.message().await.unwrap() {
        assert!(manifest.is_none(), "the manifest is the last part");
        match message.part.unwrap() {
            Part::Record(record) => records.push(record),
            Part::Manifest(last) => manifest = Some(last),
        }
    }
    (records, manifest.unwrap())
}

#[tokio::test]
async fn an_export_holds_what_every_service_keeps() {
    let world = World::new().await;
    let mara = world.create_signed_in("mara").await;
    create_persona(&mara, "Field ecologist").await;
    create_persona(&world.create_signed_in("june").await, "Somebody else's").await;
    let (records, manifest) = export(&world, &mara.user_id).await;
    let users: Vec<roster_proto::identity::v1::User> = decoded(&records, "identity", "users");
    assert_eq!((users.len(), users[0].username.as_str()), (1, "mara"));
    let personas: Vec<Persona> = decoded(&records, "persona", "personas");
    assert_eq!((personas.len(), personas[0].name()), (1, "Field ecologist"));
    let sessions: Vec<Session> = decoded(&records, "session", "sessions");
    assert_eq!((sessions.len(), &sessions[0].user_id), (1, &mara.user_id));
    let counted: i64 = manifest.kinds.iter().map(|kind| kind.count).sum();
    assert_eq!(usize::try_from(counted).unwrap(), records.len());
}

#[tokio::test]
async fn totals_count_what_every_service_keeps() {
    let world = World::new().await;
    let mara = world.create_signed_in("mara").await;
    create_persona(&mara, "Field ecologist").await;
    create_persona(&world.create_signed_in("june").await, "Botanist").await;
    let figures = statistics(&world, "").await;
    // The administrator is signed in, too.
    assert_eq!((figures.persona_count, figures.active_session_count), (Some(2), Some(3)));
}
