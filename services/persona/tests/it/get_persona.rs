use roster_kernel::{Actor, Caller, Origin, PersonaId};
use roster_proto::persona::v1::{GetPersonaRequest, Persona};
use tonic::Code;

use crate::harness::{World, fields, named, refusal};

#[tokio::test]
async fn an_owner_reads_what_was_created() {
    let world = World::new().await;
    let user = world.user();
    let hidden = Persona { hidden: Some(true), ..named("Hidden") };
    for persona in [named("Ecologist"), hidden] {
        let created = world.create_with(&user, persona).await;
        let request = GetPersonaRequest { persona_id: created.persona_id.clone() };
        let read = world.personas(&user).get_persona(request).await.unwrap();
        assert_eq!(read.into_inner().persona, Some(created));
    }
}

#[tokio::test]
async fn what_is_not_ones_own_does_not_exist() {
    let world = World::new().await;
    let created = world.create(&world.user(), "Ecologist").await;
    let unknown = PersonaId::generate(&world.env).to_string();
    for caller in [world.user(), world.admin()] {
        for persona_id in [&created.persona_id, &unknown] {
            let request = GetPersonaRequest { persona_id: persona_id.clone() };
            let answer = world.personas(&caller).get_persona(request).await;
            assert_eq!(refusal(answer), (Code::NotFound, "PERSONA_NOT_FOUND".to_owned()));
        }
    }
}

#[tokio::test]
async fn another_spelling_of_an_id_is_no_id() {
    let world = World::new().await;
    let user = world.user();
    let created = world.create(&user, "Ecologist").await;
    for persona_id in [created.persona_id.to_uppercase(), created.persona_id.replace('-', "")] {
        let answer = world.personas(&user).get_persona(GetPersonaRequest { persona_id }).await;
        assert_eq!(fields(answer), ["persona_id"]);
    }
}

#[tokio::test]
async fn nobody_reads_nothing() {
    let world = World::new().await;
    let created = world.create(&world.user(), "Ecologist").await;
    let nobody = Caller {
        actor: Actor::Anonymous,
        origin: Origin::default(),
        correlation_id: String::new(),
    };
    let request = GetPersonaRequest { persona_id: created.persona_id };
    let answer = world.personas(&nobody).get_persona(request).await;
    assert_eq!(refusal(answer), (Code::Unauthenticated, "UNAUTHENTICATED".to_owned()));
}
