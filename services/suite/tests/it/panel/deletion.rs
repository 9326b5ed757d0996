//! Deleting a user, and what becomes of what they kept.

use http::StatusCode;
use roster_proto::persona::v1::{CreatePersonaRequest, Persona};

use super::visitor::{Answer, Visitor};
use crate::{client::Client, world::World};

const REFRESH: &str = "http-equiv=\"refresh\"";

async fn create_persona(client: &Client, name: &str) -> String {
    let persona = Persona { name: Some(name.to_owned()), ..Persona::default() };
    let request =
        CreatePersonaRequest { persona: Some(persona), ..CreatePersonaRequest::default() };
    let answer = client.personas().create_persona(request).await.unwrap();
    answer.into_inner().persona.unwrap().persona_id
}

fn delete(form: &Answer) -> [(&'static str, String); 2] {
    [("etag", form.hidden("etag")), ("request_id", form.hidden("request_id"))]
}

#[tokio::test]
async fn what_will_be_deleted_is_said_first_and_followed_afterwards() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    create_persona(&client, "Ecologist").await;
    create_persona(&client, "Analyst").await;
    let admin = Visitor::admin(&world).await;
    let path = format!("/admin/users/{}/delete", client.user_id);
    let form = admin.get(&path).await;
    for line in ["Personas2", "Sessions1", "API keys0", "Ontologies0", "Annotations0"] {
        assert!(form.says(line), "{line}: {}", form.page);
    }
    let fields = delete(&form);
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    world.suite.hold_events().await;
    let answer = world.drive(admin.post(&path, &fields)).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.says("Not confirmed yet") && answer.says("The user is deleted"));

    // The page follows by itself while services are erasing.
    let list = admin.get("/admin/deletions").await;
    let deletion = list.page.split('"').find(|part| part.starts_with("/admin/deletions/")).unwrap();
    let running = admin.get(deletion).await;
    assert!(running.says("Running") && running.page.contains(REFRESH), "{}", running.page);

    world.suite.release_events().await;
    assert_eq!(admin.post(&path, &fields).await.leads_to(), deletion);
    world.settle().await;
    let complete = admin.get(deletion).await;
    assert!(complete.says("Everything has been erased") && complete.says("Personas: 2"));
    assert!(!complete.page.contains(REFRESH), "it has ended");
    assert!(!client.is_signed_in().await);
}

#[tokio::test]
async fn personas_are_reviewed_and_handed_on() {
    let world = World::new().await;
    let (from, to) = (world.create_signed_in("leaver").await, world.create_signed_in("heir").await);
    let id = create_persona(&from, "<b>Ecologist</b>").await;
    create_persona(&from, "Analyst").await;
    let admin = Visitor::admin(&world).await;
    let user = format!("/admin/users/{}", from.user_id);
    let data = admin.get(&format!("{user}/data")).await;
    assert!(data.says("<b>Ecologist</b>") && data.says("Analyst") && !data.page.contains("<b>"));

    let path = format!("{user}/transfer");
    let search = admin.get(&format!("{path}?q=heir")).await;
    assert!(search.page.contains(&format!("{path}?to={}", to.user_id)), "{}", search.page);
    let choice = admin.get(&format!("{path}?to={}", to.user_id)).await;
    assert!(choice.says("To heir") && choice.page.contains(&id));
    let receiver = ("to_user_id", to.user_id.as_str());
    let none = admin.post(&path, &[receiver]).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(none.says("Choose at least one persona"));

    let question = admin.post(&path, &[receiver, ("persona_ids", &id)]).await;
    assert!(
        question.says("From leaver to heir") && question.says("Personas1"),
        "{}",
        question.page
    );
    assert!(admin.get(&format!("{user}/data")).await.says("Ecologist"), "nothing has moved yet");
    let request_id = question.hidden("request_id");
    let sure = [receiver, ("persona_ids", &id), ("sure", "yes"), ("request_id", &request_id)];
    for _ in 0..2 {
        let done = admin.post(&path, &sure).await;
        assert_eq!(done.leads_to(), format!("{user}/data?done=transferred"));
    }
    let theirs = admin.get(&format!("/admin/users/{}/data", to.user_id)).await;
    assert!(theirs.says("Ecologist") && !theirs.says("Analyst"));
}

#[tokio::test]
async fn an_export_is_a_file_of_all_that_is_kept() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    create_persona(&client, "Ecologist").await;
    let admin = Visitor::admin(&world).await;
    let page = admin.get(&format!("/admin/users/{}", client.user_id)).await;
    let export = format!("/api/admin/users/{}:export", client.user_id);
    assert!(page.page.contains(&format!("href=\"{export}\" download=")), "{}", page.page);
    let file = admin.get(&export).await;
    assert_eq!(file.status, StatusCode::OK);
    assert!(file.page.contains("Ecologist") && file.page.trim_end().lines().count() > 2);
}
