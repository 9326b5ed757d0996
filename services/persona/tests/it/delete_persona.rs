use roster_kernel::{PersonaId, RequestId};
use roster_proto::persona::v1::{DeletePersonaRequest, GetPersonaRequest};
use tonic::Code;

use crate::harness::{World, refusal};

#[tokio::test]
async fn a_deleted_persona_is_gone() {
    let world = World::new().await;
    let user = world.user();
    let created = world.create(&user, "Ecologist").await;
    let kept = world.create(&user, "Kept").await;
    let mut client = world.personas(&user);
    let request =
        DeletePersonaRequest { persona_id: created.persona_id.clone(), ..Default::default() };
    let deleted = client.delete_persona(request.clone()).await.unwrap().into_inner();
    assert_eq!(deleted.persona, Some(created.clone()));

    let not_found = (Code::NotFound, "PERSONA_NOT_FOUND".to_owned());
    let get = GetPersonaRequest { persona_id: created.persona_id };
    assert_eq!(refusal(client.get_persona(get).await), not_found);
    assert_eq!(refusal(client.delete_persona(request).await), not_found);
    let get = GetPersonaRequest { persona_id: kept.persona_id.clone() };
    assert_eq!(client.get_persona(get).await.unwrap().into_inner().persona, Some(kept));
}

#[tokio::test]
async fn what_is_not_ones_own_is_not_deleted() {
    let world = World::new().await;
    let owner = world.user();
    let created = world.create(&owner, "Ecologist").await;
    let unknown = PersonaId::generate(&world.env).to_string();
    for caller in [world.user(), world.admin()] {
        for persona_id in [created.persona_id.clone(), unknown.clone()] {
            let request = DeletePersonaRequest { persona_id, ..Default::default() };
            let answer = world.personas(&caller).delete_persona(request).await;
            assert_eq!(refusal(answer), (Code::NotFound, "PERSONA_NOT_FOUND".to_owned()));
        }
    }
    assert_eq!(world.counts(&[&owner]).await, [1]);
}

#[tokio::test]
async fn a_stale_etag_aborts() {
    let world = World::new().await;
    let user = world.user();
    let created = world.create(&user, "Ecologist").await;
    let stale = world.create(&user, "Other").await.etag;
    let request = |etag| DeletePersonaRequest {
        persona_id: created.persona_id.clone(),
        etag,
        ..Default::default()
    };
    let mut client = world.personas(&user);
    let answer = client.delete_persona(request(stale)).await;
    assert_eq!(refusal(answer), (Code::Aborted, "ETAG_MISMATCH".to_owned()));
    client.delete_persona(request(created.etag.clone())).await.unwrap();
    assert_eq!(world.counts(&[&user]).await, [1]);
}

#[tokio::test]
async fn a_repeated_deletion_gets_the_first_answer() {
    let world = World::new().await;
    let user = world.user();
    let created = world.create(&user, "Ecologist").await;
    let request = DeletePersonaRequest {
        persona_id: created.persona_id.clone(),
        request_id: RequestId::generate(&world.env).to_string(),
        ..Default::default()
    };
    let mut client = world.personas(&user);
    for _ in 0..2 {
        let answer = client.delete_persona(request.clone()).await.unwrap().into_inner();
        assert_eq!(answer.persona.as_ref(), Some(&created));
    }
}
