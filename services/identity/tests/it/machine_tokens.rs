//! Tokens for programs: what they open, and what ends them.

use std::time::Duration;

use chrono::TimeDelta;
use roster_kernel::{Actor, Caller, MachineActor, MachineTokenId, UserId};
use roster_proto::{
    identity::v1::{
        AuthenticateMachineTokenRequest, AuthenticateMachineTokenResponse, ChangePasswordRequest,
        CreateUserRequest, DeleteUserRequest, DisableUserRequest, EnableUserRequest,
        ExportUserDataRequest, IssueMachineTokenRequest, IssueMachineTokenResponse,
        ListMachineTokensRequest, MachineToken, MachineTokenScope, PlanUserDeletionRequest,
        RetryDeletionRequest, RevokeMachineTokenRequest, SystemApiKeyServiceListApiKeysRequest,
        UpdateUserRequest, export_user_data_response::Part,
    },
    time::from_proto,
};
use roster_testkit::eventually;
use tonic::{Code, Status};

use crate::{
    system_api_keys,
    world::{PASSWORD, World, new_user, peer, refusal, request_id, says},
};

pub fn wanted(scope: MachineTokenScope) -> IssueMachineTokenRequest {
    IssueMachineTokenRequest { name: "CI".to_owned(), scope: scope.into(), lifetime_days: 0 }
}

pub async fn issue(
    world: &World,
    issuer: &Caller,
    scope: MachineTokenScope,
) -> IssueMachineTokenResponse {
    world
        .machine_tokens()
        .issue_machine_token(says(issuer, wanted(scope)))
        .await
        .unwrap()
        .into_inner()
}

fn id(issued: &IssueMachineTokenResponse) -> String {
    issued.machine_token.as_ref().unwrap().machine_token_id.clone()
}

async fn authenticate(
    world: &World,
    token: &str,
) -> Result<AuthenticateMachineTokenResponse, Status> {
    let request = AuthenticateMachineTokenRequest { token: token.to_owned() };
    let mut client = world.machine_authentication();
    Ok(client.authenticate_machine_token(says(&peer(), request)).await?.into_inner())
}

async fn opens(world: &World, issued: &IssueMachineTokenResponse) -> bool {
    match authenticate(world, &issued.token).await {
        Ok(_) => true,
        Err(status) => {
            let invalid = (Code::Unauthenticated, "TOKEN_INVALID".to_owned());
            assert_eq!(refusal(Err::<(), _>(status)), invalid);
            false
        }
    }
}

/// The caller that the edge makes of a token.
async fn machine(world: &World, issued: &IssueMachineTokenResponse) -> Caller {
    let found = authenticate(world, &issued.token).await.unwrap();
    let actor = Actor::Machine(MachineActor {
        token_id: MachineTokenId::parse(&found.machine_token_id).unwrap(),
        issuer_id: UserId::parse(&found.issued_by).unwrap(),
        read_only: found.scope() == MachineTokenScope::ReadOnly,
        is_admin: found.is_admin,
        password_change_required: found.password_change_required,
    });
    Caller { actor, ..world.root.clone() }
}

async fn list(world: &World) -> Vec<MachineToken> {
    let request = says(&world.root, ListMachineTokensRequest::default());
    world.machine_tokens().list_machine_tokens(request).await.unwrap().into_inner().machine_tokens
}

async fn revoke(world: &World, request: RevokeMachineTokenRequest) -> Result<MachineToken, Status> {
    let answer = world.machine_tokens().revoke_machine_token(says(&world.root, request)).await?;
    Ok(answer.into_inner().machine_token.unwrap())
}

async fn update(world: &World, request: UpdateUserRequest) {
    world.admin().update_user(says(&world.root, request)).await.unwrap();
}

fn of(user_id: &str) -> UpdateUserRequest {
    UpdateUserRequest { user_id: user_id.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn a_token_is_shown_once_and_kept_as_a_hash() {
    let world = World::new().await;
    let issued = issue(&world, &world.root, MachineTokenScope::ReadOnly).await;
    let token = issued.machine_token.clone().unwrap();
    assert!(issued.token.starts_with("rmt_") && issued.token.len() == 47, "{}", token.name);
    let root = world.root.actor.user_id().unwrap().to_string();
    assert_eq!((token.name.as_str(), &token.issued_by), ("CI", &root));
    assert_eq!((token.scope(), token.last_use_time), (MachineTokenScope::ReadOnly, None));
    let [created, expires] =
        [token.create_time, token.expire_time].map(|it| from_proto(it.unwrap()).unwrap());
    assert_eq!((created, expires - created), (world.env.now(), TimeDelta::days(30)));
    assert_eq!(list(&world).await, std::slice::from_ref(&token));

    let found = authenticate(&world, &issued.token).await.unwrap();
    let expected = AuthenticateMachineTokenResponse {
        machine_token_id: token.machine_token_id.clone(),
        issued_by: root,
        scope: MachineTokenScope::ReadOnly.into(),
        is_admin: true,
        password_change_required: false,
        expire_time: token.expire_time,
    };
    assert_eq!(found, expected);
    let kept = "SELECT count(*) FROM machine_token WHERE length(token_hash) = 32";
    assert_eq!(world.number(kept).await, 1);
    let noted = format!(
        "SELECT count(*) FROM audit_event WHERE target = '{}' AND actor_kind = 'user' \
         AND method = 'roster.identity.v1.MachineTokenService/IssueMachineToken'",
        token.machine_token_id,
    );
    assert_eq!(world.number(&noted).await, 1);
}

#[tokio::test]
async fn nothing_but_the_token_opens_anything() {
    let world = World::new().await;
    let issued = issue(&world, &world.root, MachineTokenScope::Admin).await;
    let altered =
        format!("{}{}", &issued.token[..46], if issued.token.ends_with('A') { 'E' } else { 'A' });
    for text in [
        &issued.token[4..],
        &issued.token[..46],
        &issued.token.replace("rmt_", "rst_"),
        &format!(" {}", issued.token),
        &altered,
        &id(&issued),
        "rmt_",
        "x",
    ] {
        let answer = authenticate(&world, text).await;
        assert_eq!(refusal(answer), (Code::Unauthenticated, "TOKEN_INVALID".to_owned()), "{text}");
    }
    assert!(opens(&world, &issued).await);
}

#[tokio::test]
async fn a_token_ends_when_its_time_is_over() {
    let world = World::new().await;
    let request =
        IssueMachineTokenRequest { lifetime_days: 90, ..wanted(MachineTokenScope::Admin) };
    let request = says(&world.root, request);
    let issued = world.machine_tokens().issue_machine_token(request).await.unwrap().into_inner();
    let machine = machine(&world, &issued).await;
    world.clock.advance(Duration::from_hours(90 * 24) - Duration::from_micros(1));
    assert!(opens(&world, &issued).await);
    world.clock.advance(Duration::from_micros(1));
    assert!(!opens(&world, &issued).await && list(&world).await.is_empty());
    // Also for a call that was let in a moment before.
    let late = world.admin().create_user(says(&machine, new_user("late"))).await;
    assert_eq!(refusal(late), (Code::Unauthenticated, "TOKEN_INVALID".to_owned()));
}

#[tokio::test]
async fn a_revoked_token_opens_nothing_and_its_revocation_can_be_repeated() {
    let world = World::new().await;
    let (_, other) = world.create_admin("other").await;
    let issued = issue(&world, &other, MachineTokenScope::Admin).await;
    let kept = issue(&world, &other, MachineTokenScope::Admin).await;
    let machine = machine(&world, &issued).await;
    let named =
        RevokeMachineTokenRequest { machine_token_id: id(&issued), request_id: request_id(1) };
    // Anybody who administers may do it.
    let revoked = revoke(&world, named.clone()).await.unwrap();
    assert_eq!(Some(&revoked), issued.machine_token.as_ref());
    assert!(!opens(&world, &issued).await && opens(&world, &kept).await);
    assert_eq!(revoke(&world, named).await.unwrap(), revoked);
    let again = RevokeMachineTokenRequest { machine_token_id: id(&issued), ..Default::default() };
    let unknown = (Code::NotFound, "MACHINE_TOKEN_NOT_FOUND".to_owned());
    assert_eq!(refusal(revoke(&world, again).await), unknown);
    assert_eq!(list(&world).await, [kept.machine_token.unwrap()]);
    // A call that it was let in with before ends without having done anything.
    let late = world.admin().create_user(says(&machine, new_user("late"))).await;
    assert_eq!(refusal(late), (Code::Unauthenticated, "TOKEN_INVALID".to_owned()));
}

#[tokio::test]
async fn a_token_never_exceeds_its_issuers_role_of_the_moment() {
    let world = World::new().await;
    let (owner, caller) = world.create_admin("issuer").await;
    let issued = issue(&world, &caller, MachineTokenScope::Admin).await;
    let machine = machine(&world, &issued).await;
    update(&world, UpdateUserRequest { is_admin: Some(false), ..of(&owner.user_id) }).await;
    assert!(!authenticate(&world, &issued.token).await.unwrap().is_admin);
    assert_eq!(list(&world).await.len(), 1, "it has not ended");
    // What the edge knew a moment before does not count.
    for answer in [
        world.admin().create_user(says(&machine, new_user("late"))).await.map(drop),
        world
            .admin()
            .plan_user_deletion(says(
                &machine,
                PlanUserDeletionRequest { user_id: owner.user_id.clone() },
            ))
            .await
            .map(drop),
        system_api_keys::create(&world, &machine, system_api_keys::new_key("acme")).await.map(drop),
    ] {
        let expected = (Code::PermissionDenied, "ADMIN_REQUIRED".to_owned());
        assert_eq!(refusal(answer), expected);
    }
    let issuing = wanted(MachineTokenScope::Admin);
    let issuing = world.machine_tokens().issue_machine_token(says(&caller, issuing)).await;
    assert_eq!(refusal(issuing).1, "ADMIN_REQUIRED");
    update(&world, UpdateUserRequest { is_admin: Some(true), ..of(&owner.user_id) }).await;
    assert!(authenticate(&world, &issued.token).await.unwrap().is_admin);
    let flagged = UpdateUserRequest { password_change_required: Some(true), ..of(&owner.user_id) };
    update(&world, flagged).await;
    assert!(authenticate(&world, &issued.token).await.unwrap().password_change_required);
}

#[tokio::test]
async fn what_ends_all_sessions_ends_the_tokens_for_good() {
    let world = World::new().await;
    let (owner, caller) = world.create_admin("issuer").await;
    let other = issue(&world, &world.root, MachineTokenScope::Admin).await;
    let user_id = || owner.user_id.clone();

    // A password reset alone ends nothing.
    let issued = issue(&world, &caller, MachineTokenScope::Admin).await;
    let reset = UpdateUserRequest { password: "another one".to_owned(), ..of(&user_id()) };
    update(&world, reset).await;
    assert!(opens(&world, &issued).await);
    update(&world, UpdateUserRequest { revoke_sessions: true, ..of(&user_id()) }).await;
    assert!(!opens(&world, &issued).await);

    let issued = issue(&world, &caller, MachineTokenScope::Admin).await;
    let change = ChangePasswordRequest {
        current_password: "another one".to_owned(),
        new_password: PASSWORD.to_owned(),
        revoke_sessions: true,
        ..Default::default()
    };
    world.account().change_password(says(&caller, change)).await.unwrap();
    assert!(!opens(&world, &issued).await);

    let issued = issue(&world, &caller, MachineTokenScope::ReadOnly).await;
    let disable = DisableUserRequest { user_id: user_id(), ..Default::default() };
    world.admin().disable_user(says(&world.root, disable)).await.unwrap();
    assert!(!opens(&world, &issued).await);
    let enable = EnableUserRequest { user_id: user_id(), ..Default::default() };
    world.admin().enable_user(says(&world.root, enable)).await.unwrap();
    assert!(!opens(&world, &issued).await, "it does not come back");

    let issued = issue(&world, &caller, MachineTokenScope::Admin).await;
    world.service.recover_admin("issuer", false).await.unwrap();
    assert!(!opens(&world, &issued).await);

    assert!(opens(&world, &other).await, "nobody else's has ended");
    assert_eq!(list(&world).await, [other.machine_token.unwrap()]);
}

#[tokio::test]
async fn tokens_are_erased_with_their_issuer_and_counted() {
    let world = World::new().await;
    let (owner, caller) = world.create_admin("issuer").await;
    let first = issue(&world, &caller, MachineTokenScope::Admin).await;
    let second = issue(&world, &caller, MachineTokenScope::ReadOnly).await;
    let user_id = || owner.user_id.clone();
    let plan = says(&world.root, PlanUserDeletionRequest { user_id: user_id() });
    let plan = world.admin().plan_user_deletion(plan).await.unwrap().into_inner().plan.unwrap();
    let planned = plan.erasures[0].counts.iter().find(|it| it.kind == "machine_tokens").unwrap();
    assert_eq!(planned.count, 2);

    let export = says(&world.root, ExportUserDataRequest { user_id: user_id() });
    let mut parts = world.admin().export_user_data(export).await.unwrap().into_inner();
    let mut exported = Vec::new();
    while let Some(part) = parts.message().await.unwrap() {
        if let Some(Part::Record(record)) = part.part
            && record.kind == "machine_tokens"
        {
            exported.push(record.record.unwrap().to_msg::<MachineToken>().unwrap());
        }
    }
    assert_eq!(exported, [first.machine_token.clone().unwrap(), second.machine_token.unwrap()]);

    let request = DeleteUserRequest { user_id: user_id(), ..Default::default() };
    let deleted = world.admin().delete_user(says(&world.root, request)).await.unwrap();
    let receipt = deleted.into_inner().deletion.unwrap().receipts.remove(0);
    let erased = receipt.counts.iter().find(|it| it.kind == "machine_tokens").unwrap();
    assert_eq!(erased.count, 2);
    assert!(!opens(&world, &first).await);
    assert_eq!(world.number("SELECT count(*) FROM machine_token").await, 0);
}

#[tokio::test]
async fn what_a_machine_does_is_its_issuers_doing_and_noted_as_both() {
    let world = World::new().await;
    let issued = issue(&world, &world.root, MachineTokenScope::Admin).await;
    let machine = machine(&world, &issued).await;
    let root = world.root.actor.user_id().unwrap();
    let created = world.admin().create_user(says(&machine, new_user("alice"))).await.unwrap();
    let alice = created.into_inner().user.unwrap();
    let noted = format!(
        "SELECT count(*) FROM audit_event WHERE target = '{}' AND actor_kind = 'machine' \
         AND actor_id = '{}' AND issuer_id IS NOT NULL AND session_id IS NULL",
        alice.user_id,
        id(&issued),
    );
    assert_eq!(world.number(&noted).await, 1);
    let request = DeleteUserRequest { user_id: alice.user_id, ..Default::default() };
    let deleted = world.admin().delete_user(says(&machine, request)).await.unwrap();
    let deletion = deleted.into_inner().deletion.unwrap();
    assert_eq!(deletion.requested_by, root.to_string());
    let retry = RetryDeletionRequest { deletion_id: deletion.deletion_id, ..Default::default() };
    world.admin().retry_deletion(says(&machine, retry)).await.unwrap();

    // Whoever cannot delete themselves cannot do it through a machine either.
    let (_, second) = world.create_admin("second").await;
    let user_id = root.to_string();
    let request = DeleteUserRequest { user_id: user_id.clone(), ..Default::default() };
    let itself = (Code::PermissionDenied, "CANNOT_DELETE_SELF".to_owned());
    assert_eq!(refusal(world.admin().delete_user(says(&machine, request.clone())).await), itself);
    let plan = says(&machine, PlanUserDeletionRequest { user_id });
    let plan = world.admin().plan_user_deletion(plan).await.unwrap().into_inner().plan.unwrap();
    assert_eq!(plan.blockers[0].reason, "CANNOT_DELETE_SELF");
    world.admin().delete_user(says(&second, request)).await.unwrap();
    assert!(!opens(&world, &issued).await);
}

#[tokio::test]
async fn a_machine_neither_issues_nor_revokes_and_looks_as_far_as_its_scope() {
    let world = World::new().await;
    let admin = issue(&world, &world.root, MachineTokenScope::Admin).await;
    let reader = issue(&world, &world.root, MachineTokenScope::ReadOnly).await;
    let [admin, reader] = [machine(&world, &admin).await, machine(&world, &reader).await];
    for caller in [&admin, &reader] {
        let user_required = (Code::PermissionDenied, "USER_REQUIRED".to_owned());
        let issuing = says(caller, wanted(MachineTokenScope::ReadOnly));
        let issuing = world.machine_tokens().issue_machine_token(issuing).await;
        assert_eq!(refusal(issuing), user_required);
        let itself = list(&world).await[0].machine_token_id.clone();
        let revoking = RevokeMachineTokenRequest { machine_token_id: itself, ..Default::default() };
        let revoking = world.machine_tokens().revoke_machine_token(says(caller, revoking)).await;
        assert_eq!(refusal(revoking), user_required);
        let listing = says(caller, ListMachineTokensRequest::default());
        world.machine_tokens().list_machine_tokens(listing).await.unwrap();
        let keys = says(caller, SystemApiKeyServiceListApiKeysRequest::default());
        world.system_api_keys().list_api_keys(keys).await.unwrap();
    }
    let creating = world.admin().create_user(says(&reader, new_user("alice"))).await;
    assert_eq!(refusal(creating), (Code::PermissionDenied, "READ_ONLY_TOKEN".to_owned()));
    world.admin().create_user(says(&admin, new_user("alice"))).await.unwrap();
}

#[tokio::test]
async fn one_token_does_not_see_what_another_was_answered() {
    let world = World::new().await;
    let first = issue(&world, &world.root, MachineTokenScope::Admin).await;
    let second = issue(&world, &world.root, MachineTokenScope::Admin).await;
    let [first, second] = [machine(&world, &first).await, machine(&world, &second).await];
    let request = CreateUserRequest { request_id: request_id(1), ..new_user("alice") };
    let create = async |caller| {
        let answer = world.admin().create_user(says(caller, request.clone())).await?;
        Ok::<_, Status>(answer.into_inner().user.unwrap())
    };
    let alice = create(&first).await.unwrap();
    assert_eq!(create(&first).await.unwrap(), alice);
    for other in [&second, &world.root] {
        assert_eq!(refusal(create(other).await).1, "USERNAME_TAKEN");
    }
}

#[tokio::test]
async fn there_is_a_bound_and_what_has_ended_makes_room() {
    let world = World::new().await;
    let mut issued = Vec::new();
    for _ in 0..100 {
        issued.push(issue(&world, &world.root, MachineTokenScope::ReadOnly).await);
    }
    let more = says(&world.root, wanted(MachineTokenScope::ReadOnly));
    let more = world.machine_tokens().issue_machine_token(more).await;
    assert_eq!(refusal(more), (Code::ResourceExhausted, "MACHINE_TOKEN_LIMIT".to_owned()));
    // Another administrator's are counted apart.
    let (_, other) = world.create_admin("other").await;
    issue(&world, &other, MachineTokenScope::ReadOnly).await;
    let request =
        RevokeMachineTokenRequest { machine_token_id: id(&issued[0]), ..Default::default() };
    revoke(&world, request).await.unwrap();
    issue(&world, &world.root, MachineTokenScope::ReadOnly).await;
    world.clock.advance(Duration::from_hours(31 * 24));
    issue(&world, &world.root, MachineTokenScope::ReadOnly).await;
    assert_eq!(list(&world).await.len(), 1);
}

#[tokio::test]
async fn a_list_is_of_everybody_newest_first_and_paged() {
    let world = World::new().await;
    let (_, other) = world.create_admin("other").await;
    let mut expected = Vec::new();
    for number in 0..5 {
        world.clock.advance(Duration::from_secs(number % 2));
        let by = if number % 2 == 0 { &world.root } else { &other };
        let issued = issue(&world, by, MachineTokenScope::Admin).await;
        expected.push((world.env.now(), id(&issued)));
    }
    // Of those of one moment, the one with the greater id comes first.
    expected.sort_by(|one, other| other.cmp(one));
    let expected: Vec<_> = expected.into_iter().map(|(_, id)| id).collect();
    let mut request = ListMachineTokensRequest { page_size: 2, ..Default::default() };
    let (mut found, mut pages) = (Vec::new(), 0);
    loop {
        let page = says(&world.root, request.clone());
        let page = world.machine_tokens().list_machine_tokens(page).await.unwrap().into_inner();
        found.extend(page.machine_tokens.into_iter().map(|it| it.machine_token_id));
        pages += 1;
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!((found, pages), (expected, 3));
    let odd = ListMachineTokensRequest { page_token: "x".to_owned(), ..Default::default() };
    let odd = world.machine_tokens().list_machine_tokens(says(&world.root, odd)).await;
    assert_eq!(refusal(odd).0, Code::InvalidArgument);
}

#[tokio::test]
async fn uses_are_stored_later_and_at_most_once_a_minute() {
    let world = World::new().await;
    let issued = issue(&world, &world.root, MachineTokenScope::Admin).await;
    let used = async || list(&world).await[0].last_use_time.map(|it| from_proto(it).unwrap());
    let first = world.env.now();
    assert!(opens(&world, &issued).await);
    assert_eq!(used().await, None, "never on the call's own path");
    // What waits for the time has begun to wait before it goes on.
    eventually(async || {
        world.clock.advance(Duration::from_secs(1));
        used().await.is_some()
    })
    .await;
    assert_eq!(used().await, Some(first));
    assert!(opens(&world, &issued).await);
    world.clock.advance(Duration::from_mins(1));
    let second = world.env.now();
    assert!(opens(&world, &issued).await);
    eventually(async || {
        world.clock.advance(Duration::from_secs(1));
        used().await != Some(first)
    })
    .await;
    assert_eq!(used().await, Some(second), "the use in between was not due");
}

#[tokio::test]
async fn what_has_ended_is_cleared_away() {
    let world = World::new().await;
    let (owner, caller) = world.create_admin("issuer").await;
    issue(&world, &caller, MachineTokenScope::Admin).await;
    let kept = IssueMachineTokenRequest { lifetime_days: 90, ..wanted(MachineTokenScope::Admin) };
    let kept = says(&world.root, kept);
    let kept = world.machine_tokens().issue_machine_token(kept).await.unwrap().into_inner();
    issue(&world, &world.root, MachineTokenScope::Admin).await;
    update(&world, UpdateUserRequest { revoke_sessions: true, ..of(&owner.user_id) }).await;
    world.clock.advance(Duration::from_hours(40 * 24));
    eventually(async || {
        world.clock.advance(Duration::from_hours(1));
        world.number("SELECT count(*) FROM machine_token").await == 1
    })
    .await;
    assert!(opens(&world, &kept).await);
}

#[tokio::test]
async fn tokens_of_a_backup_do_not_come_back() {
    let world = World::new().await;
    let issued = issue(&world, &world.root, MachineTokenScope::Admin).await;
    assert_eq!(world.service.restore(true).await.unwrap().machine_tokens, 1);
    assert!(opens(&world, &issued).await, "it was only planned");
    assert_eq!(world.service.restore(false).await.unwrap().machine_tokens, 1);
    assert!(!opens(&world, &issued).await);
    let issued = issue(&world, &world.root, MachineTokenScope::Admin).await;
    assert!(opens(&world, &issued).await);
}
