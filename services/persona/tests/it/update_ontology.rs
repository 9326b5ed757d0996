use roster_kernel::RequestId;
use roster_proto::persona::v1::{
    EventRole, EventType, GetOntologyRequest, ListUserOntologiesRequest, Ontology, RoleType,
    UpdateOntologyRequest,
};
use tonic::Code;

use crate::harness::{World, fields, kind, refusal, user_id};

fn update(persona_id: &str, ontology: Ontology, paths: &[&str]) -> UpdateOntologyRequest {
    UpdateOntologyRequest {
        persona_id: persona_id.to_owned(),
        ontology: Some(ontology),
        update_mask: (!paths.is_empty()).then(|| prost_types::FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        ..Default::default()
    }
}

#[tokio::test]
async fn lists_are_replaced_one_by_one() {
    let world = World::new().await;
    let user = world.user();
    let persona = world.create(&user, "Ecologist").await;
    let id = persona.persona_id.as_str();
    let mut client = world.ontologies(&user);
    let get = GetOntologyRequest { persona_id: id.to_owned() };
    let empty = client.get_ontology(get.clone()).await.unwrap().into_inner().ontology.unwrap();
    let expected = Ontology {
        persona_id: id.to_owned(),
        user_id: user_id(&user).to_string(),
        ..Default::default()
    };
    assert_eq!(empty, expected);

    let arrival = EventType {
        type_id: "arrival".to_owned(),
        name: "Arrival".to_owned(),
        roles: vec![EventRole { role_type_id: "agent".to_owned(), is_optional: true }],
        ..Default::default()
    };
    let both = Ontology {
        entity_types: vec![kind("bird"), kind("nest")],
        event_types: vec![arrival.clone()],
        ..Default::default()
    };
    let request_id = RequestId::generate(&world.env).to_string();
    let request = UpdateOntologyRequest { request_id, ..update(id, both, &[]) };
    let first = client.update_ontology(request.clone()).await.unwrap().into_inner();
    let first = first.ontology.unwrap();
    assert_eq!(first.create_time, first.update_time);
    let again = client.update_ontology(request).await.unwrap().into_inner().ontology;
    assert_eq!(again.as_ref(), Some(&first));
    assert_eq!(client.get_ontology(get).await.unwrap().into_inner().ontology, again);

    // Without a mask an empty list stays as it is; with one it is emptied.
    let same = update(id, Ontology::default(), &[]);
    let same = client.update_ontology(same).await.unwrap().into_inner().ontology.unwrap();
    assert_eq!(same, first);
    let emptied = update(id, Ontology::default(), &["entity_types"]);
    let emptied = client.update_ontology(emptied).await.unwrap().into_inner().ontology.unwrap();
    assert_eq!((emptied.entity_types.len(), emptied.event_types), (0, vec![arrival]));
    assert_eq!(emptied.create_time, first.create_time);

    let stale = UpdateOntologyRequest {
        etag: first.etag,
        ..update(id, Ontology { entity_types: vec![kind("bird")], ..Default::default() }, &[])
    };
    let answer = client.update_ontology(stale).await;
    assert_eq!(refusal(answer), (Code::Aborted, "ETAG_MISMATCH".to_owned()));
}

#[tokio::test]
async fn what_is_wrong_is_named_to_its_place() {
    let world = World::new().await;
    let user = world.user();
    let persona = world.create(&user, "Ecologist").await;
    let twice = RoleType {
        type_id: "agent".to_owned(),
        name: "Agent".to_owned(),
        filler_type_ids: vec!["bird".to_owned(), "bird".to_owned()],
        ..Default::default()
    };
    let roles = Ontology { role_types: vec![twice], ..Default::default() };
    let types = |types| Ontology { entity_types: types, ..Default::default() };
    for (ontology, paths, named) in [
        (
            types(vec![kind("bird"), kind("nest"), kind("bird")]),
            &[][..],
            "ontology.entity_types[2].type_id",
        ),
        (types(vec![kind("bird"); 501]), &[], "ontology.entity_types"),
        (roles, &[], "ontology.role_types[0].filler_type_ids"),
        (Ontology::default(), &["persona_id"], "update_mask"),
    ] {
        let request = update(&persona.persona_id, ontology, paths);
        assert_eq!(fields(world.ontologies(&user).update_ontology(request).await), [named]);
    }
}

#[tokio::test]
async fn only_the_owner_has_it_and_administrators_can_review_it() {
    let world = World::new().await;
    let (owner, admin) = (world.user(), world.admin());
    let (one, two) = (world.create(&owner, "One").await, world.create(&owner, "Two").await);
    world.create(&owner, "Empty").await;
    let first = world.classify(&owner, &one, "bird").await;
    world.clock.advance(std::time::Duration::from_secs(1));
    let second = world.classify(&owner, &two, "nest").await;
    let not_found = (Code::NotFound, "PERSONA_NOT_FOUND".to_owned());
    let get = GetOntologyRequest { persona_id: one.persona_id.clone() };
    assert_eq!(refusal(world.ontologies(&admin).get_ontology(get).await), not_found);
    let request = update(&one.persona_id, Ontology::default(), &["entity_types"]);
    assert_eq!(refusal(world.ontologies(&admin).update_ontology(request).await), not_found);

    let mut client = world.personas_admin(&admin);
    let request = ListUserOntologiesRequest {
        user_id: user_id(&owner).to_string(),
        page_size: 1,
        ..Default::default()
    };
    let page = client.list_user_ontologies(request.clone()).await.unwrap().into_inner();
    assert_eq!(page.ontologies, [second]);
    let request = ListUserOntologiesRequest { page_token: page.next_page_token, ..request };
    let page = client.list_user_ontologies(request).await.unwrap().into_inner();
    assert_eq!((page.ontologies, page.next_page_token.as_str()), (vec![first], ""));
}
