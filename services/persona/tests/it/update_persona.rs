use std::time::Duration;

use prost_types::FieldMask;
use roster_kernel::{Caller, PersonaId, RequestId};
use roster_proto::{
    persona::v1::{GetPersonaRequest, Persona, UpdatePersonaRequest},
    time,
};
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::harness::{World, fields, named, refusal};

fn mask<const N: usize>(paths: [&str; N]) -> FieldMask {
    FieldMask { paths: paths.map(str::to_owned).to_vec() }
}

async fn update(
    world: &World,
    caller: &Caller,
    request: UpdatePersonaRequest,
) -> Result<Persona, Status> {
    let answer = world.personas(caller).update_persona(request).await?;
    Ok(answer.into_inner().persona.unwrap())
}

async fn read(world: &World, caller: &Caller, persona: &Persona) -> Persona {
    let request = GetPersonaRequest { persona_id: persona.persona_id.clone() };
    let answer = world.personas(caller).get_persona(request).await.unwrap();
    answer.into_inner().persona.unwrap()
}

/// A user with a persona that has something in every field.
async fn full(world: &World, owner: &Caller) -> Persona {
    let persona = Persona {
        role: Some("Role".to_owned()),
        information_need: Some("Need".to_owned()),
        details: Some("Details".to_owned()),
        hidden: Some(true),
        ..named("Name")
    };
    let created = world.create_with(owner, persona).await;
    world.clock.advance(Duration::from_mins(1));
    created
}

fn change(of: &Persona, to: Persona) -> UpdatePersonaRequest {
    UpdatePersonaRequest {
        persona_id: of.persona_id.clone(),
        persona: Some(to),
        ..Default::default()
    }
}

#[tokio::test]
async fn without_a_mask_what_is_set_changes() {
    let world = World::new().await;
    let user = world.user();
    let created = full(&world, &user).await;
    let new = Persona {
        role: Some(String::new()),
        hidden: Some(false),
        // Not for clients to say.
        persona_id: PersonaId::generate(&world.env).to_string(),
        user_id: "somebody".to_owned(),
        create_time: Some(time::to_proto(world.env.now())),
        ..named("New")
    };
    // A mask that names nothing is none.
    for update_mask in [None, Some(mask([]))] {
        let request = UpdatePersonaRequest { update_mask, ..change(&created, new.clone()) };
        let updated = update(&world, &user, request).await.unwrap();
        let expected = Persona {
            name: Some("New".to_owned()),
            role: Some(String::new()),
            hidden: Some(false),
            update_time: Some(time::to_proto(world.env.now())),
            etag: updated.etag.clone(),
            ..created.clone()
        };
        assert_eq!(updated, expected);
        assert_ne!(updated.etag, created.etag);
        assert_eq!(read(&world, &user, &created).await, updated);
    }
}

#[tokio::test]
async fn a_mask_selects_and_clears() {
    let world = World::new().await;
    let user = world.user();
    let created = full(&world, &user).await;
    let request = UpdatePersonaRequest {
        update_mask: Some(mask(["name", "role", "information_need", "details", "hidden", "name"])),
        ..change(&created, named("New"))
    };
    let updated = update(&world, &user, request).await.unwrap();
    let expected = Persona {
        name: Some("New".to_owned()),
        role: Some(String::new()),
        information_need: Some(String::new()),
        details: Some(String::new()),
        hidden: Some(false),
        update_time: updated.update_time,
        etag: updated.etag.clone(),
        ..created
    };
    assert_eq!(updated, expected);

    let new = Persona { role: Some("New role".to_owned()), ..named("Newer") };
    let request =
        UpdatePersonaRequest { update_mask: Some(mask(["role"])), ..change(&updated, new) };
    let again = update(&world, &user, request).await.unwrap();
    assert_eq!(again.role.as_deref(), Some("New role"));
    assert_eq!(again.name.as_deref(), Some("New"), "not named by the mask");
}

#[tokio::test]
async fn a_mask_names_nothing_else() {
    let world = World::new().await;
    let admin = world.admin();
    let created = full(&world, &admin).await;
    for path in [
        "*",
        "",
        "persona_id",
        "user_id",
        "create_time",
        "update_time",
        "etag",
        "persona.name",
        "Name",
        "informationNeed",
        "name,role",
        "nothing",
    ] {
        let request = UpdatePersonaRequest {
            update_mask: Some(mask(["name", path, path])),
            ..change(&created, named("New"))
        };
        assert_eq!(fields(update(&world, &admin, request).await), ["update_mask"], "{path}");
    }
    let request = UpdatePersonaRequest {
        update_mask: Some(mask(["name"])),
        ..change(&created, Persona::default())
    };
    assert_eq!(fields(update(&world, &admin, request).await), ["persona.name"]);
    assert_eq!(read(&world, &admin, &created).await, created);
}

#[tokio::test]
async fn what_a_mask_leaves_out_must_be_well_formed_all_the_same() {
    let world = World::new().await;
    let user = world.user();
    let created = full(&world, &user).await;
    let new = Persona { role: Some("x".repeat(201)), ..named("New") };
    let request =
        UpdatePersonaRequest { update_mask: Some(mask(["name"])), ..change(&created, new) };
    assert_eq!(fields(update(&world, &user, request).await), ["persona.role"]);
}

#[tokio::test]
async fn a_mask_of_any_size_gets_a_small_refusal() {
    let world = World::new().await;
    let user = world.user();
    let created = full(&world, &user).await;
    let paths: Vec<String> = (0..50_000).map(|number| format!("x{number}")).collect();
    let request = UpdatePersonaRequest {
        update_mask: Some(FieldMask { paths }),
        ..change(&created, named("New"))
    };
    let status = update(&world, &user, request).await.unwrap_err();
    assert!(status.details().len() + status.message().len() < 1_000);
    assert_eq!(fields::<()>(Err(status)), ["update_mask"]);
}

#[tokio::test]
async fn only_administrators_change_who_made_a_persona() {
    let world = World::new().await;
    let user = world.user();
    let created = full(&world, &user).await;
    let marked = Persona { is_system_generated: Some(true), ..named("New") };
    for update_mask in
        [None, Some(mask(["is_system_generated"])), Some(mask(["name", "is_system_generated"]))]
    {
        let request = UpdatePersonaRequest { update_mask, ..change(&created, marked.clone()) };
        let answer = update(&world, &user, request).await;
        assert_eq!(answer.as_ref().unwrap_err().message(), "Admin access required");
        assert_eq!(refusal(answer), (Code::PermissionDenied, "ADMIN_REQUIRED".to_owned()));
    }
    assert_eq!(read(&world, &user, &created).await, created);
    // A mask that leaves it out changes the rest.
    let request =
        UpdatePersonaRequest { update_mask: Some(mask(["name"])), ..change(&created, marked) };
    let updated = update(&world, &user, request).await.unwrap();
    assert_eq!(updated.is_system_generated, Some(false));

    let admin = world.admin();
    let own = full(&world, &admin).await;
    let marked = Persona { is_system_generated: Some(true), ..Persona::default() };
    let updated = update(&world, &admin, change(&own, marked)).await.unwrap();
    assert_eq!(updated.is_system_generated, Some(true));
    // The same person, an administrator no longer, cannot take it away.
    let mut demoted = admin.clone();
    if let roster_kernel::Actor::User(user) = &mut demoted.actor {
        user.is_admin = false;
    }
    for (value, update_mask) in [(Some(false), None), (None, Some(mask(["is_system_generated"])))] {
        let plain = Persona { is_system_generated: value, ..Persona::default() };
        let request = UpdatePersonaRequest { update_mask, ..change(&own, plain) };
        let answer = update(&world, &demoted, request).await;
        assert_eq!(refusal(answer), (Code::PermissionDenied, "ADMIN_REQUIRED".to_owned()));
    }
}

#[tokio::test]
async fn a_persona_can_be_sent_back_as_it_was_read() {
    let world = World::new().await;
    let (user, admin) = (world.user(), world.admin());
    let plain = full(&world, &user).await;
    let marked = Persona { is_system_generated: Some(true), ..named("Default") };
    let marked = world.create_with(&admin, marked).await;
    for (owner, created) in [(&user, plain), (&admin, marked)] {
        let edited = Persona { name: Some("Edited".to_owned()), ..created.clone() };
        let updated = update(&world, owner, change(&created, edited.clone())).await.unwrap();
        assert_eq!(updated.name.as_deref(), Some("Edited"));
        // Its etag came along, and now is stale.
        let again = Persona { name: Some("Again".to_owned()), ..edited };
        let answer = update(&world, owner, change(&created, again)).await;
        assert_eq!(refusal(answer), (Code::Aborted, "ETAG_MISMATCH".to_owned()));
    }
}

#[tokio::test]
async fn a_stale_etag_aborts() {
    let world = World::new().await;
    let user = world.user();
    let created = full(&world, &user).await;
    let with = |etag: &str, name| UpdatePersonaRequest {
        etag: etag.to_owned(),
        ..change(&created, named(name))
    };
    let updated = update(&world, &user, with(&created.etag, "First")).await.unwrap();
    for stale in [created.etag.as_str(), "*", "x", "\"", &updated.etag.to_uppercase()] {
        let answer = update(&world, &user, with(stale, "Second")).await;
        assert_eq!(refusal(answer), (Code::Aborted, "ETAG_MISMATCH".to_owned()), "{stale}");
    }
    assert_eq!(read(&world, &user, &created).await, updated);
    let second = update(&world, &user, with(&updated.etag, "Second")).await.unwrap();
    assert_eq!(second.name.as_deref(), Some("Second"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_changes_of_one_state_one_succeeds() {
    let world = World::new().await;
    let user = world.user();
    let created = full(&world, &user).await;
    let mut writers = JoinSet::new();
    for writer in 0..16 {
        let mut client = world.personas(&user);
        let request = UpdatePersonaRequest {
            etag: created.etag.clone(),
            ..change(&created, named(&format!("Writer {writer}")))
        };
        writers.spawn(async move { client.update_persona(request).await });
    }
    let mut winners = Vec::new();
    while let Some(answer) = writers.join_next().await {
        match answer.unwrap() {
            Ok(updated) => winners.push(updated.into_inner().persona.unwrap()),
            refused @ Err(_) => {
                assert_eq!(refusal(refused), (Code::Aborted, "ETAG_MISMATCH".to_owned()));
            }
        }
    }
    assert_eq!(winners, [read(&world, &user, &created).await]);
}

#[tokio::test]
async fn a_change_that_changes_nothing_leaves_etag_and_time() {
    let world = World::new().await;
    let user = world.user();
    let created = full(&world, &user).await;
    for to in [Persona::default(), created.clone()] {
        let updated = update(&world, &user, change(&created, to)).await.unwrap();
        assert_eq!(updated, created);
    }
}

#[tokio::test]
async fn what_is_not_ones_own_does_not_change() {
    let world = World::new().await;
    let owner = world.user();
    let created = full(&world, &owner).await;
    for caller in [world.user(), world.admin()] {
        let answer = update(&world, &caller, change(&created, named("Stolen"))).await;
        assert_eq!(refusal(answer), (Code::NotFound, "PERSONA_NOT_FOUND".to_owned()));
    }
    assert_eq!(read(&world, &owner, &created).await, created);
}

#[tokio::test]
async fn a_repeated_change_gets_the_first_answer() {
    let world = World::new().await;
    let user = world.user();
    let created = full(&world, &user).await;
    let request = UpdatePersonaRequest {
        etag: created.etag.clone(),
        request_id: RequestId::generate(&world.env).to_string(),
        ..change(&created, named("First"))
    };
    let first = update(&world, &user, request.clone()).await.unwrap();
    update(&world, &user, change(&created, named("Second"))).await.unwrap();
    assert_eq!(update(&world, &user, request.clone()).await.unwrap(), first);
    assert_eq!(read(&world, &user, &created).await.name.as_deref(), Some("Second"));
    let other = UpdatePersonaRequest { etag: String::new(), ..request };
    let expected = (Code::InvalidArgument, "REQUEST_ID_REUSED".to_owned());
    assert_eq!(refusal(update(&world, &user, other).await), expected);
}
