//! Answers that go on.

use std::time::Duration;

use http::Method;
use http_body_util::BodyExt as _;
use serde_json::Value as Json;

use super::http::Http;
use crate::world::World;

fn lines(text: &str) -> Vec<Json> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn export_of(user_id: &str) -> String {
    format!("/api/admin/users/{user_id}:export")
}

#[tokio::test]
async fn a_stream_is_a_line_of_json_for_each_message() {
    let world = World::new().await;
    let grace = world.create_signed_in("grace").await;
    let admin = Http::of(&world).bearer(&world.admin);
    let exported = admin.get(&export_of(&grace.user_id)).await;
    assert_eq!(exported.status, 200);
    assert_eq!(exported.header("content-type"), "application/x-ndjson");
    let lines = lines(std::str::from_utf8(&exported.body).unwrap());
    assert!(lines.len() > 2, "{lines:?}");
    assert!(lines.last().unwrap().get("manifest").is_some(), "{lines:?}");
}

#[tokio::test]
async fn a_browser_gets_events_and_is_told_their_end() {
    let world = World::new().await;
    let grace = world.create_signed_in("grace").await;
    let browser = Http::of(&world).bearer(&world.admin).with("accept", "text/event-stream");
    let exported = browser.get(&export_of(&grace.user_id)).await;
    assert_eq!(exported.header("content-type"), "text/event-stream");
    let text = String::from_utf8(exported.body.to_vec()).unwrap();
    let events: Vec<_> = text.split_terminator("\n\n").collect();
    assert_eq!(events.last(), Some(&"event: end\ndata: {}"));
    for event in &events[..events.len() - 1] {
        let json = event.strip_prefix("data: ").unwrap();
        serde_json::from_str::<Json>(json).unwrap();
    }
}

#[tokio::test]
async fn what_fails_before_it_begins_has_a_status() {
    let world = World::new().await;
    let admin = Http::of(&world).bearer(&world.admin);
    let unknown = admin.get(&export_of("01890a5d-ac96-774b-bcce-b302099a8057")).await;
    assert_eq!(unknown.status, 404, "{unknown:?}");
    assert_eq!(unknown.header("content-type"), "application/json");
    let user = Http::of(&world).bearer(&world.create_signed_in("grace").await);
    assert_eq!(user.get(&export_of(&world.admin.user_id)).await.status, 403);
}

#[tokio::test]
async fn what_fails_on_the_way_is_the_last_line() {
    let world = World::new().await;
    let ada = world.create_admin("ada").await;
    let grace = world.create_user("grace").await;
    // Nobody confirms, so the deletion goes on.
    world.suite.hold_events().await;
    let browser = Http::of(&world).bearer(&ada);
    let deletion = world.drive(async {
        let refused = browser.delete(&format!("/api/admin/users/{}", grace.user_id)).await;
        assert_eq!(refused.reason(), "EFFECT_PENDING");
        let listed = browser.get("/api/admin/deletions").await.json();
        listed["deletions"][0]["deletionId"].as_str().unwrap().to_owned()
    });
    let path = format!("/api/admin/deletions/{}:watch", deletion.await);
    let mut watched = browser.open(Method::GET, &path, "").await.into_body();
    let first = watched.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(lines(std::str::from_utf8(&first).unwrap())[0].get("deletion").is_some());
    browser.post("/api/auth/logout", &serde_json::json!({})).await;
    world.clock.advance(Duration::from_secs(2));
    let rest = watched.collect().await.unwrap().to_bytes();
    let rest = lines(std::str::from_utf8(&rest).unwrap());
    assert_eq!(rest.last().unwrap()["error"]["status"], "UNAUTHENTICATED", "{rest:?}");
    world.suite.release_events().await;
}
