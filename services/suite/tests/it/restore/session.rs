//! The database of sessions is put back.

use std::sync::Arc;

use futures_util::future::LocalBoxFuture;
use roster_proto::{
    identity::v1::ListUsersRequest,
    session::v1::{
        ListSessionsRequest, LogoutRequest, RevokeSessionRequest,
        SessionAdminServiceRevokeSessionRequest,
    },
};
use roster_testkit::StopAt;
use tonic::Code;

use super::{Cast, NEW_PASSWORD, back_up, complete_deletions, offline, offline_watched, put_back};
use crate::{
    cascade::orphans,
    client::{Client, reason},
    world::World,
};

/// A world in which a lot has happened since sessions were backed up, and whose
/// sessions have ended since one by one.
fn since_the_backup() -> LocalBoxFuture<'static, (World, Cast, [Client; 3])> {
    Box::pin(async {
        let world = World::new().await;
        let cast = Cast::sign_up(&world).await;
        let [signed_out, own, by_admin] = ["signed-out", "own", "by-admin"];
        let ended = [
            world.create_signed_in(signed_out).await,
            world.create_signed_in(own).await,
            world.create_signed_in(by_admin).await,
        ];
        let world = back_up(world, "session").await;
        let cast = cast.at(&world);
        cast.meet_their_fate(&world).await;
        let ended = ended.map(|client| world.same_token(&client));
        let [signed_out, own, by_admin] = &ended;
        signed_out.sessions().logout(LogoutRequest::default()).await.unwrap();
        let revoke = async |client: &Client| {
            let answer =
                client.sessions().list_sessions(ListSessionsRequest::default()).await.unwrap();
            let session_id = answer.into_inner().sessions[0].session_id.clone();
            RevokeSessionRequest { session_id, ..RevokeSessionRequest::default() }
        };
        own.sessions().revoke_session(revoke(own).await).await.unwrap();
        let RevokeSessionRequest { session_id, .. } = revoke(by_admin).await;
        let request = SessionAdminServiceRevokeSessionRequest { session_id, ..Default::default() };
        world.admin.all_sessions().revoke_session(request).await.unwrap();
        (world, cast, ended)
    })
}

async fn assert_nobody_is_back(world: &World, cast: &Cast, ended: &[Client; 3]) {
    let cast = cast.at(world);
    for client in cast.all().into_iter().chain(ended) {
        assert!(!world.same_token(client).is_signed_in().await);
    }
    cast.stay_where_they_are(world, NEW_PASSWORD).await;
    assert_eq!(complete_deletions(world).await.len(), 1);
    assert_eq!(orphans(world).await, 0);
}

#[tokio::test]
async fn no_session_comes_back_with_a_restored_session_service() {
    let (world, cast, ended) = since_the_backup().await;
    let world = world
        .restart_around(async |config, env| {
            put_back(config, "session");
            let suite = offline(config, env).await;
            // Those of the cast, of the three others and of the administrator,
            // who has signed in twice.
            assert_eq!(suite.end_all_sessions().await.unwrap(), 10);
            suite.stop().await;
        })
        .await;
    assert_nobody_is_back(&world, &cast, &ended).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ending_all_sessions_can_be_cut_short_and_run_again() {
    let (world, cast, ended) = since_the_backup().await;
    let world = world
        .restart_around(async |config, env| {
            put_back(config, "session");
            let stop = Arc::new(StopAt::new("end_all_sessions.batch", 0));
            let suite = offline_watched(config, env, stop.clone()).await;
            tokio::select! {
                ended = suite.end_all_sessions() => panic!("{ended:?}"),
                () = stop.stopped() => {}
            }
            suite.crash().await;
            let suite = offline(config, env).await;
            assert_eq!(suite.end_all_sessions().await.unwrap(), 0);
            suite.stop().await;
        })
        .await;
    assert_nobody_is_back(&world, &cast, &ended).await;
}

/// What is known elsewhere holds even if nobody runs the command: it comes from
/// the ledger, before the first client.
#[tokio::test]
async fn what_the_ledger_knows_holds_in_a_session_service_that_was_only_put_back() {
    let (world, cast, _ended) = since_the_backup().await;
    let world = world
        .restart_around(async |config, _env| {
            put_back(config, "session");
        })
        .await;
    let cast = cast.at(&world);
    let demoted = cast.demoted.users().list_users(ListUsersRequest::default()).await;
    assert_eq!(reason(demoted), (Code::PermissionDenied, "ADMIN_REQUIRED".to_owned()));
    assert!(cast.staying.is_signed_in().await);
    cast.stay_where_they_are(&world, NEW_PASSWORD).await;
    assert_eq!(orphans(&world).await, 0);
}
