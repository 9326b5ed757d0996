//! One's own personas, request by request.

use http::StatusCode;
use roster_proto::persona::v1::{
    Annotation, CreateAnnotationRequest, CreatePersonaRequest, ListPersonasRequest, Persona,
};

use super::visitor::{Answer, Visitor};
use crate::{client::Client, world::World};

const PATH: &str = "/account/personas";

const HOSTILE: &str = "<script>alert(1)</script>\"'&";

async fn personas(client: &Client) -> Vec<Persona> {
    let request = ListPersonasRequest { include_hidden: true, ..ListPersonasRequest::default() };
    client.personas().list_personas(request).await.unwrap().into_inner().personas
}

async fn create(user: &Visitor<'_>, fields: &[(&str, &str)]) -> Answer {
    let path = format!("{PATH}/new");
    let request_id = user.get(&path).await.hidden("request_id");
    let fields: Vec<_> =
        [("request_id", &*request_id)].into_iter().chain(fields.to_vec()).collect();
    user.post(&path, &fields).await
}

#[tokio::test]
async fn a_persona_is_created_changed_and_deleted() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    let user = Visitor::user(&world, "person").await;
    assert!(user.get(PATH).await.says("No personas yet"));
    let long = "長".repeat(10_000);
    let fields = [
        ("name", HOSTILE),
        ("role", "Ecologist"),
        ("information_need", "\r\nWhere?\r\nWhen?"),
        ("details", &long),
    ];
    assert_eq!(create(&user, &fields).await.leads_to(), format!("{PATH}?done=persona-created"));
    let created = personas(&client).await.remove(0);
    assert_eq!(created.information_need(), "\nWhere?\nWhen?");
    assert_eq!((created.name(), created.details()), (HOSTILE, long.as_str()));
    let list = user.get(PATH).await;
    assert!(!list.page.contains("<script>alert") && list.page.contains("&lt;script&gt;alert"));

    let page = format!("{PATH}/{}", created.persona_id);
    let form = user.get(&page).await;
    assert!(!form.page.contains("<script>alert"), "{}", form.page);
    let fields = [("name", "Botanist"), ("hidden", "on"), ("etag", &*created.etag)];
    assert_eq!(user.post(&page, &fields).await.leads_to(), format!("{PATH}?done=persona-saved"));
    let changed = personas(&client).await.remove(0);
    assert!(changed.hidden() && changed.name() == "Botanist" && changed.details().is_empty());
    assert!(user.get(PATH).await.says("Hidden"));
    let late = user.post(&page, &fields).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.says("Changed by somebody else"), "{}", late.page);

    let annotation = Annotation {
        persona_id: Some(created.persona_id),
        video_id: Some("heron-1".to_owned()),
        r#type: Some("bird".to_owned()),
        label: Some("Heron".to_owned()),
        ..Annotation::default()
    };
    let request = CreateAnnotationRequest {
        annotation: Some(annotation),
        ..CreateAnnotationRequest::default()
    };
    client.annotations().create_annotation(request).await.unwrap();
    let asked = user.get(&format!("{page}/delete")).await;
    assert!(asked.says("Delete Botanist?") && asked.says("1 annotation"), "{}", asked.page);
    let fields = [("etag", &*asked.hidden("etag"))];
    let deleted = user.post(&format!("{page}/delete"), &fields).await;
    assert_eq!(deleted.leads_to(), format!("{PATH}?done=persona-deleted"));
    assert_eq!(personas(&client).await, []);
    assert_eq!(user.get(&page).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    let user = Visitor::user(&world, "person").await;
    let wrong = [("name", ""), ("role", &*"r".repeat(201)), ("details", "What was typed")];
    let answer = create(&user, &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for field in ["name", "role"] {
        assert!(answer.page.contains(&format!("id=\"e-{field}\"")), "{field}: {}", answer.page);
    }
    assert!(answer.says("What was typed"));
    assert_eq!(personas(&client).await, []);
}

#[tokio::test]
async fn a_persona_that_the_platform_made_is_marked_and_stays_so() {
    let world = World::new().await;
    let persona = Persona {
        name: Some("Platform".to_owned()),
        is_system_generated: Some(true),
        ..Persona::default()
    };
    let request =
        CreatePersonaRequest { persona: Some(persona), ..CreatePersonaRequest::default() };
    let created = world.admin.personas().create_persona(request).await.unwrap().into_inner();
    let created = created.persona.unwrap();
    let admin = Visitor::admin(&world).await;
    assert!(admin.get(PATH).await.says("System-generated"));
    let page = format!("{PATH}/{}", created.persona_id);
    admin.post(&page, &[("name", "Renamed"), ("etag", &created.etag)]).await.leads_to();
    assert!(personas(&world.admin).await[0].is_system_generated());
}

#[tokio::test]
async fn personas_of_others_are_not_there() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    let user = Visitor::user(&world, "person").await;
    create(&user, &[("name", "Ecologist")]).await.leads_to();
    let id = personas(&client).await[0].persona_id.clone();
    let admin = Visitor::admin(&world).await;
    for path in [format!("{PATH}/{id}"), format!("{PATH}/{id}/delete")] {
        assert_eq!(admin.get(&path).await.status, StatusCode::NOT_FOUND);
        let answer = admin.post(&path, &[("name", "Mine")]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(personas(&client).await[0].name(), "Ecologist");
}
