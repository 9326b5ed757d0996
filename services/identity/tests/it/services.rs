//! Services that administer users on their own account: what is listed for them
//! is decided before, and nobody's role is asked for.

use roster_kernel::Caller;
use roster_proto::identity::v1::{
    CreateUserRequest, DeleteUserRequest, DisableUserRequest, EnableUserRequest,
    ExportUserDataRequest, MachineTokenScope, PlanUserDeletionRequest, RetryDeletionRequest,
    UpdateUserRequest, User, export_user_data_response::Part,
};
use tonic::{Code, Status};

use crate::{
    machine_tokens, system_api_keys,
    world::{World, name, new_user, refusal, request_id, says},
};

fn service(called: &str) -> Caller {
    Caller::service(name(called))
}

async fn create(
    world: &World,
    caller: &Caller,
    request: CreateUserRequest,
) -> Result<User, Status> {
    let answer = world.admin().create_user(says(caller, request)).await?;
    Ok(answer.into_inner().user.unwrap())
}

#[tokio::test]
async fn a_service_administers_users() {
    let world = World::new().await;
    let crm = service("crm");
    let request = CreateUserRequest { is_admin: true, ..new_user("alice") };
    let alice = create(&world, &crm, request).await.unwrap();
    let user_id = || alice.user_id.clone();
    let update = UpdateUserRequest {
        user_id: user_id(),
        is_admin: Some(false),
        revoke_sessions: true,
        ..Default::default()
    };
    let updated = world.admin().update_user(says(&crm, update)).await.unwrap().into_inner();
    assert!(!updated.user.unwrap().is_admin);
    let disable = DisableUserRequest { user_id: user_id(), ..Default::default() };
    world.admin().disable_user(says(&crm, disable)).await.unwrap();
    let enable = EnableUserRequest { user_id: user_id(), ..Default::default() };
    world.admin().enable_user(says(&crm, enable)).await.unwrap();
    system_api_keys::create(&world, &crm, system_api_keys::new_key("acme")).await.unwrap();

    let plan = says(&crm, PlanUserDeletionRequest { user_id: user_id() });
    let plan = world.admin().plan_user_deletion(plan).await.unwrap().into_inner().plan.unwrap();
    assert_eq!(plan.blockers, []);
    let export = says(&crm, ExportUserDataRequest { user_id: user_id() });
    let mut parts = world.admin().export_user_data(export).await.unwrap().into_inner();
    let mut last = None;
    while let Some(part) = parts.message().await.unwrap() {
        last = part.part;
    }
    assert!(matches!(last, Some(Part::Manifest(_))));

    let delete = DeleteUserRequest { user_id: user_id(), ..Default::default() };
    let deleted = world.admin().delete_user(says(&crm, delete)).await.unwrap().into_inner();
    let deletion = deleted.deletion.unwrap();
    assert_eq!(deletion.requested_by, "", "nobody's id");
    let retry = RetryDeletionRequest { deletion_id: deletion.deletion_id, ..Default::default() };
    world.admin().retry_deletion(says(&crm, retry)).await.unwrap();
    let noted =
        "SELECT count(*) FROM audit_event WHERE actor_kind = 'service' AND actor_id = 'crm'";
    assert_eq!(world.number(noted).await, 8);
}

#[tokio::test]
async fn what_holds_for_everybody_holds_for_services() {
    let world = World::new().await;
    let crm = service("crm");
    let root = world.root.actor.user_id().unwrap().to_string();
    let delete = DeleteUserRequest { user_id: root, ..Default::default() };
    let last = world.admin().delete_user(says(&crm, delete)).await;
    assert_eq!(refusal(last), (Code::FailedPrecondition, "LAST_ADMIN".to_owned()));
    let issuing = says(&crm, machine_tokens::wanted(MachineTokenScope::Admin));
    let issuing = world.machine_tokens().issue_machine_token(issuing).await;
    assert_eq!(refusal(issuing), (Code::PermissionDenied, "USER_REQUIRED".to_owned()));
}

#[tokio::test]
async fn a_repeated_request_is_one_services_own() {
    let world = World::new().await;
    let request = CreateUserRequest { request_id: request_id(1), ..new_user("alice") };
    let crm = service("crm");
    let alice = create(&world, &crm, request.clone()).await.unwrap();
    assert_eq!(create(&world, &crm, request.clone()).await.unwrap(), alice);
    // A service may be called anything.
    for other in ["billing", "anonymous", "machine"] {
        let answer = create(&world, &service(other), request.clone()).await;
        assert_eq!(refusal(answer).1, "USERNAME_TAKEN", "{other}");
    }
}
