use std::sync::Arc;

use roster_kernel::{
    Actor, Caller, Env, MachineActor, MachineTokenId, PersonaId, RequestId, ServiceName,
};
use roster_proto::persona::v1::{
    Annotation, GetPersonaRequest, ListUserAnnotationsRequest, ListUserOntologiesRequest,
    ListUserPersonasRequest, Persona, TransferPersonasRequest, TransferPersonasResponse,
};
use roster_testkit::StopAt;
use tonic::Code;

use crate::harness::{World, erased, fields, refusal, user_id};

fn all(from: &Caller, to: &Caller) -> TransferPersonasRequest {
    TransferPersonasRequest {
        from_user_id: user_id(from).to_string(),
        to_user_id: user_id(to).to_string(),
        all: true,
        ..Default::default()
    }
}

fn some(from: &Caller, to: &Caller, personas: &[&Persona]) -> TransferPersonasRequest {
    let persona_ids = personas.iter().map(|persona| persona.persona_id.clone()).collect();
    TransferPersonasRequest { all: false, persona_ids, ..all(from, to) }
}

/// How many personas, ontologies and annotations.
const fn counts(answer: &TransferPersonasResponse) -> [i64; 3] {
    [answer.persona_count, answer.ontology_count, answer.annotation_count]
}

/// What an administrator sees of a user.
async fn review(world: &World, user: &Caller) -> [usize; 3] {
    let mut client = world.personas_admin(&world.admin());
    let user_id = user_id(user).to_string();
    let request = ListUserPersonasRequest { user_id: user_id.clone(), ..Default::default() };
    let personas = client.list_user_personas(request).await.unwrap().into_inner().personas;
    let request = ListUserOntologiesRequest { user_id: user_id.clone(), ..Default::default() };
    let ontologies = client.list_user_ontologies(request).await.unwrap().into_inner().ontologies;
    let request = ListUserAnnotationsRequest { user_id: user_id.clone(), ..Default::default() };
    let annotations = client.list_user_annotations(request).await.unwrap().into_inner().annotations;
    let owners = personas.iter().map(|it| &it.user_id);
    let owners = owners.chain(ontologies.iter().map(|it| &it.user_id));
    assert!(owners.chain(annotations.iter().map(|it| &it.user_id)).all(|owner| *owner == user_id));
    [personas.len(), ontologies.len(), annotations.len()]
}

/// Two personas, of which the first holds something.
async fn prepare(world: &World, user: &Caller) -> (Persona, Persona, Annotation) {
    let (one, two) = (world.create(user, "One").await, world.create(user, "Two").await);
    world.classify(user, &one, "bird").await;
    let annotation = world.annotate(user, &one, "heron").await;
    world.annotate(user, &one, "stork").await;
    (one, two, annotation)
}

#[tokio::test]
async fn what_is_given_goes_with_all_that_it_holds() {
    let world = World::new().await;
    let (from, to, admin) = (world.user(), world.user(), world.admin());
    let (one, two, annotation) = prepare(&world, &from).await;
    let mut client = world.personas_admin(&admin);

    let checked = TransferPersonasRequest { validate_only: true, ..all(&from, &to) };
    let answer = client.transfer_personas(checked).await.unwrap().into_inner();
    assert_eq!(counts(&answer), [2, 1, 2]);
    assert_eq!(review(&world, &from).await, [2, 1, 2], "nothing was given");

    let request_id = RequestId::generate(&world.env).to_string();
    let request = TransferPersonasRequest { request_id, ..some(&from, &to, &[&one]) };
    for _ in 0..2 {
        let answer = client.transfer_personas(request.clone()).await.unwrap().into_inner();
        assert_eq!(counts(&answer), [1, 1, 2]);
    }
    assert_eq!(review(&world, &from).await, [1, 0, 0]);
    assert_eq!(review(&world, &to).await, [1, 1, 2]);
    let get = GetPersonaRequest { persona_id: one.persona_id.clone() };
    let lost = world.personas(&from).get_persona(get.clone()).await;
    assert_eq!(refusal(lost), (Code::NotFound, "PERSONA_NOT_FOUND".to_owned()));
    let got = world.personas(&to).get_persona(get).await.unwrap().into_inner().persona.unwrap();
    assert_ne!(got.etag, one.etag);
    let relabelled = world.annotate(&to, &got, "crane").await;
    assert_ne!(relabelled.etag, annotation.etag);

    let rest = client.transfer_personas(all(&from, &to)).await.unwrap().into_inner();
    assert_eq!(counts(&rest), [1, 0, 0]);
    assert_eq!(review(&world, &from).await, [0, 0, 0]);
    assert_ne!(two.persona_id, one.persona_id);
    assert_eq!(world.delete_user(&to).await, erased(3, 1, 2));
}

#[tokio::test]
async fn it_is_all_or_nothing() {
    let world = World::new().await;
    let (from, to, other) = (world.user(), world.user(), world.user());
    let (one, ..) = prepare(&world, &from).await;
    let foreign = world.create(&other, "Foreign").await;
    let unknown =
        Persona { persona_id: PersonaId::generate(&world.env).to_string(), ..Default::default() };
    let mut client = world.personas_admin(&world.admin());
    for strange in [&foreign, &unknown] {
        let answer = client.transfer_personas(some(&from, &to, &[&one, strange])).await;
        assert_eq!(refusal(answer), (Code::NotFound, "PERSONA_NOT_FOUND".to_owned()));
    }
    assert_eq!(review(&world, &from).await, [2, 1, 2]);
    assert_eq!(review(&world, &other).await, [1, 0, 0]);
    assert_eq!(review(&world, &to).await, [0, 0, 0]);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let world = World::new().await;
    let (from, to) = (world.user(), world.user());
    let (one, ..) = prepare(&world, &from).await;
    let mut client = world.personas_admin(&world.admin());
    for (request, named) in [
        (all(&from, &from), "to_user_id"),
        (TransferPersonasRequest { all: false, ..all(&from, &to) }, "all"),
        (TransferPersonasRequest { all: true, ..some(&from, &to, &[&one]) }, "all"),
        (some(&from, &to, &[&one, &one]), "persona_ids"),
    ] {
        assert_eq!(fields(client.transfer_personas(request).await), [named]);
    }
}

#[tokio::test]
async fn the_receiver_exists_and_is_not_deleted() {
    let world = World::new().await;
    let (from, stranger, doomed) = (world.user(), world.user(), world.user());
    prepare(&world, &from).await;
    let mut client = world.personas_admin(&world.admin());
    let not_found = (Code::NotFound, "USER_NOT_FOUND".to_owned());
    world.users.unknown.lock().unwrap().push(user_id(&stranger));
    assert_eq!(refusal(client.transfer_personas(all(&from, &stranger)).await), not_found);
    // Deleted a moment ago, and identity answered before that.
    world.delete_user(&doomed).await;
    assert_eq!(refusal(client.transfer_personas(all(&from, &doomed)).await), not_found);
    // Nor is anything rescued from a deletion.
    world.delete_user(&from).await;
    let to = world.user();
    assert_eq!(refusal(client.transfer_personas(all(&from, &to)).await), not_found);
    assert_eq!(review(&world, &to).await, [0, 0, 0]);

    *world.users.silent.lock().unwrap() = true;
    let answer = client.transfer_personas(all(&world.user(), &to)).await;
    assert_eq!(refusal(answer), (Code::Unavailable, "UNAVAILABLE".to_owned()));
}

#[tokio::test]
async fn an_end_before_the_commit_has_given_nothing() {
    let world = World::new().await;
    let (from, to, admin) = (world.user(), world.user(), world.admin());
    prepare(&world, &from).await;
    let env = world.env.clone();
    let stop = Arc::new(StopAt::new("transfer_personas.prepared", 0));
    let world = world.restart(Env { steps: Some(stop.clone()), ..env.clone() }).await;
    let mut client = world.personas_admin(&admin);
    tokio::select! {
        _ = client.transfer_personas(all(&from, &to)) => panic!("it should have been stopped"),
        () = stop.stopped() => {}
    }
    let world = world.restart(env).await;
    assert_eq!(review(&world, &from).await, [2, 1, 2]);
    assert_eq!(review(&world, &to).await, [0, 0, 0]);
}

#[tokio::test]
async fn whatever_comes_first_a_deletion_leaves_nothing_behind() {
    let world = World::new().await;
    let (mut given, mut refused) = (0, 0);
    for round in 0..40 {
        let (from, to, admin) = (world.user(), world.user(), world.admin());
        prepare(&world, &from).await;
        let doomed = if round % 2 == 0 { &to } else { &from };
        let mut client = world.personas_admin(&admin);
        let transfer = async {
            // Now before the deletion, now in the middle of it.
            for _ in 0..round / 2 {
                tokio::task::yield_now().await;
            }
            client.transfer_personas(all(&from, &to)).await
        };
        let (answer, _receipt) = tokio::join!(transfer, world.delete_user(doomed));
        let after = [review(&world, &from).await, review(&world, &to).await];
        let kept = match (answer.is_ok(), round % 2 == 0) {
            // Given to whom was deleted, or deleted with the giver.
            (true, true) | (false, false) => [[0, 0, 0], [0, 0, 0]],
            (true, false) => [[0, 0, 0], [2, 1, 2]],
            (false, true) => [[2, 1, 2], [0, 0, 0]],
        };
        assert_eq!(after, kept, "round {round}");
        *if answer.is_ok() { &mut given } else { &mut refused } += 1;
    }
    assert!(given > 0 && refused > 0, "both came first: {given} given, {refused} refused");
}

#[tokio::test]
async fn a_program_gives_as_its_issuer_and_a_service_on_its_own_account() {
    let world = World::new().await;
    let (from, to, admin) = (world.user(), world.user(), world.admin());
    prepare(&world, &from).await;
    let actor = Actor::Machine(MachineActor {
        token_id: MachineTokenId::generate(&world.env),
        issuer_id: user_id(&admin),
        read_only: false,
        is_admin: true,
        password_change_required: false,
    });
    let machine = world.personas_admin(&Caller { actor, ..admin.clone() });
    let answer = machine.clone().transfer_personas(all(&from, &to)).await.unwrap();
    assert_eq!(counts(answer.get_ref()), [2, 1, 2]);
    // This service knows better than a call that has begun before.
    world.delete_user(&admin).await;
    let refused = machine.clone().transfer_personas(all(&to, &from)).await;
    assert_eq!(refusal(refused), (Code::PermissionDenied, "ADMIN_REQUIRED".to_owned()));
    let crm = Caller::service(ServiceName::from_static("crm"));
    let answer = world.personas_admin(&crm).transfer_personas(all(&to, &from)).await.unwrap();
    assert_eq!(counts(answer.get_ref()), [2, 1, 2]);
}
