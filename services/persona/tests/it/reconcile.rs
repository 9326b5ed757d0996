use roster_proto::persona::v1::CreatePersonaRequest;
use tonic::Code;

use crate::harness::{World, deleted, named, refusal};

#[tokio::test]
async fn what_the_ledger_says_is_deleted_is_erased() {
    let world = World::new().await;
    let (gone, stays) = (world.user(), world.user());
    for user in [&gone, &stays] {
        world.create(user, "Ecologist").await;
    }
    world.ledger.states.lock().unwrap().push(deleted(&gone));
    let report = world.service.reconcile().await.unwrap();
    assert_eq!((report.states, report.deleted), (1, 1));
    assert_eq!(world.counts(&[&gone, &stays]).await, [0, 1]);
    let request = CreatePersonaRequest { persona: Some(named("Late")), request_id: String::new() };
    let answer = world.personas(&gone).create_persona(request).await;
    assert_eq!(refusal(answer), (Code::Unauthenticated, "TOKEN_INVALID".to_owned()));
    assert!((world.service.probe().check)().await);
}
