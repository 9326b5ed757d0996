//! Whom a service knows is told page by page.

use prost_types::Any;
use roster_kernel::UserId;
use roster_participant::{State, Subject, subjects};
use roster_proto::subject::v1::{
    KnownSubject, ListSubjectsRequest, subject_data_service_server::SubjectDataService as _,
};
use tonic::{Code, Request, Status};

use crate::notes::World;

async fn list(
    world: &World,
    after_user_id: &str,
    page_size: i32,
) -> Result<Vec<KnownSubject>, Status> {
    let rpc = world.participant.rpc(|_| Any::default());
    let message = ListSubjectsRequest { after_user_id: after_user_id.to_owned(), page_size };
    Ok(rpc.list_subjects(Request::new(message)).await?.into_inner().subjects)
}

#[tokio::test]
async fn everybody_is_told_once_deleted_or_only_heard_of() {
    let world = World::new().await;
    let mut users: Vec<_> = (0..7).map(|_| UserId::generate(&world.env)).collect();
    let tx = world.db().begin().await.unwrap();
    // Not in the order of their ids.
    for (at, user) in users.iter().rev().enumerate() {
        let state = [State::Active, State::Disabled, State::Deleted][at % 3];
        let subject = World::subject(*user, 3, state);
        subjects::merge(&tx, subject, world.env.now()).await.unwrap();
    }
    tx.commit().await.unwrap();
    users.push(UserId::generate(&world.env));
    assert!(world.create_note(users[7]).await);
    users.sort_unstable();

    let mut told = Vec::new();
    loop {
        let after = told.last().map(|it: &KnownSubject| it.user_id.clone()).unwrap_or_default();
        let page = list(&world, &after, 3).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 3);
        told.extend(page);
    }
    assert_eq!(told, list(&world, "", 0).await.unwrap());
    let ids: Vec<_> = told.iter().map(|it| UserId::parse(&it.user_id).unwrap()).collect();
    assert_eq!(ids, users);
    for each in told {
        let known = subjects::find(world.db().read(), UserId::parse(&each.user_id).unwrap()).await;
        let known = known.unwrap().unwrap();
        match each.state {
            Some(state) => assert_eq!(Subject::try_from(state).unwrap(), known),
            None => assert_eq!(known.version, roster_participant::Version::default()),
        }
    }
}

#[tokio::test]
async fn a_place_that_is_none_is_refused() {
    let world = World::new().await;
    for (after, size) in [("nobody", 0), ("", -1)] {
        let refused = list(&world, after, size).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{after} {size}");
    }
}
