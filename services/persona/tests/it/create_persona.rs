use roster_kernel::RequestId;
use roster_proto::{
    persona::v1::{CreatePersonaRequest, Persona},
    time,
};
use tokio::task::JoinSet;
use tonic::Code;

use crate::harness::{World, fields, named, refusal, user_id};

#[tokio::test]
async fn a_persona_is_what_was_asked_for() {
    let world = World::new().await;
    let user = world.user();
    let asked = Persona {
        name: Some(" <b>Ecologist</b>\u{202e} ".to_owned()),
        role: Some("Field work".to_owned()),
        information_need: Some("Which species are there?".to_owned()),
        details: Some("Line 1\nLine 2".to_owned()),
        hidden: Some(true),
        // What only the service says is ignored.
        persona_id: "mine".to_owned(),
        user_id: user_id(&world.user()).to_string(),
        ..Default::default()
    };
    let created = world.create_with(&user, asked.clone()).await;
    let now = Some(time::to_proto(world.env.now()));
    assert_eq!(
        created,
        Persona {
            persona_id: created.persona_id.clone(),
            user_id: user_id(&user).to_string(),
            is_system_generated: Some(false),
            create_time: now,
            update_time: now,
            etag: created.etag.clone(),
            ..asked
        }
    );
    assert!(!created.etag.is_empty());
}

#[tokio::test]
async fn all_but_the_name_has_a_default() {
    let world = World::new().await;
    let created = world.create(&world.user(), "Ecologist").await;
    for text in [created.role, created.information_need, created.details] {
        assert_eq!(text.as_deref(), Some(""));
    }
    assert_eq!((created.hidden, created.is_system_generated), (Some(false), Some(false)));
    let nameless =
        CreatePersonaRequest { persona: Some(Persona::default()), request_id: String::new() };
    let answer = world.personas(&world.user()).create_persona(nameless).await;
    assert_eq!(fields(answer), ["persona.name"]);
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let world = World::new().await;
    let request = CreatePersonaRequest {
        persona: Some(Persona {
            name: Some(String::new()),
            role: Some("x".repeat(201)),
            details: Some("a\0b".to_owned()),
            ..Default::default()
        }),
        request_id: "1".to_owned(),
    };
    let answer = world.personas(&world.user()).create_persona(request).await;
    assert_eq!(fields(answer), ["request_id", "persona.name", "persona.role", "persona.details"]);
}

#[tokio::test]
async fn only_administrators_make_system_generated_personas() {
    let world = World::new().await;
    let marked = Persona { is_system_generated: Some(true), ..named("Default") };
    let request = CreatePersonaRequest { persona: Some(marked.clone()), request_id: String::new() };
    let user = world.user();
    let status = world.personas(&user).create_persona(request).await.unwrap_err();
    assert_eq!(status.message(), "Admin access required");
    assert_eq!(refusal::<()>(Err(status)), (Code::PermissionDenied, "ADMIN_REQUIRED".to_owned()));
    assert_eq!(world.counts(&[&user]).await, [0]);
    let created = world.create_with(&world.admin(), marked).await;
    assert_eq!(created.is_system_generated, Some(true));
    // Saying that it is not is no privilege.
    let plain = Persona { is_system_generated: Some(false), ..named("Own") };
    world.create_with(&user, plain).await;
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let world = World::new().await;
    let user = world.user();
    let request = CreatePersonaRequest {
        persona: Some(named("Ecologist")),
        request_id: RequestId::generate(&world.env).to_string(),
    };
    let create = async |request: &CreatePersonaRequest| {
        let answer = world.personas(&user).create_persona(request.clone()).await;
        answer.map(|answer| answer.into_inner().persona.unwrap())
    };
    let first = create(&request).await.unwrap();
    world.clock.advance(std::time::Duration::from_mins(1));
    assert_eq!(create(&request).await.unwrap(), first);
    assert_eq!(world.counts(&[&user]).await, [1]);

    let other = CreatePersonaRequest { persona: Some(named("Other")), ..request.clone() };
    let expected = (Code::InvalidArgument, "REQUEST_ID_REUSED".to_owned());
    assert_eq!(refusal(create(&other).await), expected);
    // A request id is its caller's own.
    let stranger = world.user();
    let answer = world.personas(&stranger).create_persona(other).await.unwrap();
    assert_eq!(answer.into_inner().persona.unwrap().name.as_deref(), Some("Other"));

    world.clock.advance(std::time::Duration::from_hours(24));
    assert_ne!(create(&request).await.unwrap().persona_id, first.persona_id);
}

#[tokio::test]
async fn nothing_is_created_for_a_deleted_user() {
    let world = World::new().await;
    let user = world.user();
    world.delete_user(&user).await;
    let request = CreatePersonaRequest { persona: Some(named("Late")), request_id: String::new() };
    let answer = world.personas(&user).create_persona(request).await;
    assert_eq!(refusal(answer), (Code::Unauthenticated, "TOKEN_INVALID".to_owned()));
    assert_eq!(world.counts(&[&user]).await, [0]);
}

#[tokio::test]
async fn a_repetition_behind_a_deletion_brings_nothing_back() {
    let world = World::new().await;
    let user = world.user();
    let request = CreatePersonaRequest {
        persona: Some(named("Ecologist")),
        request_id: RequestId::generate(&world.env).to_string(),
    };
    world.personas(&user).create_persona(request.clone()).await.unwrap();
    world.delete_user(&user).await;
    let answer = world.personas(&user).create_persona(request).await;
    assert_eq!(refusal(answer), (Code::Unauthenticated, "TOKEN_INVALID".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn creations_that_race_with_a_deletion_leave_nothing() {
    let world = World::new().await;
    for _ in 0..5 {
        let user = world.user();
        let mut receipts = world.receipts().await;
        let mut writers = JoinSet::new();
        for writer in 0..32 {
            let mut client = world.personas(&user);
            writers.spawn(async move {
                let persona = Some(named(&format!("Persona {writer}")));
                let request = CreatePersonaRequest { persona, request_id: String::new() };
                client.create_persona(request).await
            });
        }
        world.announce_deletion(&user).await;
        let mut created = 0;
        while let Some(answer) = writers.join_next().await {
            match answer.unwrap() {
                Ok(_) => created += 1,
                refused @ Err(_) => {
                    let expected = (Code::Unauthenticated, "TOKEN_INVALID".to_owned());
                    assert_eq!(refusal(refused), expected);
                }
            }
        }
        let erased = crate::harness::done(&mut *receipts).await;
        assert_eq!(erased, crate::harness::erased(0, 0, created));
        assert_eq!(world.counts(&[&user]).await, [0]);
    }
}
