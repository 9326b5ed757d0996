//! Programs with machine tokens, through the edge.

use roster_proto::{
    identity::v1::{
        CreateUserRequest, DeleteUserRequest, GetProfileRequest, ListMachineTokensRequest,
        ListUsersRequest, MachineTokenScope, SystemApiKeyServiceListApiKeysRequest,
        UpdateUserRequest,
    },
    persona::v1::{ListUserPersonasRequest, TransferPersonasRequest},
    session::v1::{
        ListSessionsRequest, RevokeSessionsRequest, SessionAdminServiceListSessionsRequest,
    },
};
use tonic::Code;

use crate::{
    client::reason,
    oversight::create_persona,
    world::{World, person},
};

fn denied(reason: &str) -> (Code, String) {
    (Code::PermissionDenied, reason.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_administers_what_every_service_keeps() {
    let world = World::new().await;
    let issuer = world.create_admin("issuer").await;
    let (_, machine) = issuer.issue(MachineTokenScope::Admin).await;
    let request = CreateUserRequest { username: "mara".to_owned(), ..person() };
    machine.users().create_user(request).await.unwrap();
    let mara = world.sign_in("mara").await;
    let heir = world.create_user("heir").await.user_id;
    create_persona(&mara, "Field ecologist").await;
    let transfer = TransferPersonasRequest {
        from_user_id: mara.user_id.clone(),
        to_user_id: heir,
        all: true,
        ..Default::default()
    };
    let given = machine.all_personas().transfer_personas(transfer).await.unwrap();
    assert_eq!(given.into_inner().persona_count, 1);
    let sessions = SessionAdminServiceListSessionsRequest {
        user_id: mara.user_id.clone(),
        ..Default::default()
    };
    let listed = machine.all_sessions().list_sessions(sessions).await.unwrap().into_inner();
    assert!(listed.sessions.len() == 1 && !listed.sessions[0].is_current);
    let request = RevokeSessionsRequest { user_id: mara.user_id.clone(), ..Default::default() };
    let revoked = machine.all_sessions().revoke_sessions(request).await.unwrap();
    assert_eq!(revoked.into_inner().revoked_count, 1);
    assert!(!mara.is_signed_in().await);
    let request = DeleteUserRequest { user_id: mara.user_id.clone(), ..Default::default() };
    let deleted = machine.users().delete_user(request).await.unwrap().into_inner();
    assert_eq!(deleted.deletion.unwrap().requested_by, issuer.user_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_looks_sees_everything_and_changes_nothing() {
    let world = World::new().await;
    let (_, machine) = world.admin.issue(MachineTokenScope::ReadOnly).await;
    let user_id = world.create_user("mara").await.user_id;
    machine.users().list_users(ListUsersRequest::default()).await.unwrap();
    let tokens = ListMachineTokensRequest::default();
    machine.machine_tokens().list_machine_tokens(tokens).await.unwrap();
    let keys = SystemApiKeyServiceListApiKeysRequest::default();
    machine.system_api_keys().list_api_keys(keys).await.unwrap();
    let personas = ListUserPersonasRequest { user_id: user_id.clone(), ..Default::default() };
    machine.all_personas().list_user_personas(personas).await.unwrap();
    let sessions = SessionAdminServiceListSessionsRequest::default();
    machine.all_sessions().list_sessions(sessions).await.unwrap();

    let update = UpdateUserRequest { user_id: user_id.clone(), ..Default::default() };
    assert_eq!(reason(machine.users().update_user(update).await), denied("READ_ONLY_TOKEN"));
    let revoke = RevokeSessionsRequest { user_id, validate_only: true, ..Default::default() };
    let revoke = machine.all_sessions().revoke_sessions(revoke).await;
    assert_eq!(reason(revoke), denied("READ_ONLY_TOKEN"));
    // An account of its own it has none.
    let profile = machine.account().get_profile(GetProfileRequest {}).await;
    assert_eq!(reason(profile), denied("USER_REQUIRED"));
    let sessions = machine.sessions().list_sessions(ListSessionsRequest::default()).await;
    assert_eq!(reason(sessions), denied("USER_REQUIRED"));
}
