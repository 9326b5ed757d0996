//! The pages about sessions, keys, statistics and one's own account, on small and
//! large screens, in light and dark, for everybody.

use roster_proto::{
    identity::v1::{
        CreateApiKeyRequest, CreateUserRequest, SystemApiKeyServiceCreateApiKeyRequest,
    },
    persona::v1::{CreatePersonaRequest, Persona},
};
use roster_testkit::browser::Visitor;

use super::{
    super::person::{admin_panel, open},
    SCREENS, is_fit,
};
use crate::world::{World, person};

/// An installation in use, with what does not break where it is too long.
async fn populated() -> (World, [String; 3]) {
    let world = World::new().await;
    let display_name = "Maximiliana-Theodora ".repeat(5).trim_end().chars().take(100).collect();
    world
        .create(CreateUserRequest { username: "person".to_owned(), display_name, ..person() })
        .await;
    let client = world.sign_in("person").await;
    for username in ["member-1", "member-2"] {
        world.create_signed_in(username).await;
    }
    let key = SystemApiKeyServiceCreateApiKeyRequest {
        provider: "a-provider-of-fifty-characters-which-is-the-most-1".to_owned(),
        name: "x".repeat(100),
        secret: "sk-secret-9x2f".to_owned(),
        ..SystemApiKeyServiceCreateApiKeyRequest::default()
    };
    let key = world.admin.system_api_keys().create_api_key(key).await.unwrap().into_inner();
    let own = CreateApiKeyRequest {
        provider: "anthropic".to_owned(),
        name: "Mine".to_owned(),
        secret: "sk-secret-own1".to_owned(),
        ..CreateApiKeyRequest::default()
    };
    world.admin.api_keys().create_api_key(own).await.unwrap();
    let persona = Persona {
        name: Some("y".repeat(100)),
        role: Some("Wildlife ecologist".to_owned()),
        information_need: Some("What moves where? ".repeat(50)),
        hidden: Some(true),
        ..Persona::default()
    };
    let request =
        CreatePersonaRequest { persona: Some(persona), ..CreatePersonaRequest::default() };
    let persona = world.admin.personas().create_persona(request).await.unwrap().into_inner();
    let key_id = key.api_key.unwrap().api_key_id;
    let ids = [client.user_id.clone(), key_id, persona.persona.unwrap().persona_id];
    (world, ids)
}

fn pages([user, key, persona]: &[String; 3]) -> Vec<(&'static str, String)> {
    [
        ("sessions", "/admin/sessions".to_owned()),
        ("sessions-user", format!("/admin/sessions?user={user}")),
        ("sessions-choice", "/admin/sessions?q=member".to_owned()),
        ("sessions-revoke", format!("/admin/sessions/revoke?user={user}")),
        ("keys", "/admin/system-keys".to_owned()),
        ("keys-new", "/admin/system-keys/new".to_owned()),
        ("keys-edit", format!("/admin/system-keys/{key}")),
        ("keys-delete", format!("/admin/system-keys/{key}/delete")),
        ("statistics", "/admin/statistics?days=90".to_owned()),
        ("account", "/account".to_owned()),
        ("account-password", "/account/password".to_owned()),
        ("account-sessions", "/account/sessions".to_owned()),
        ("account-keys", "/account/keys".to_owned()),
        ("personas", "/account/personas".to_owned()),
        ("personas-edit", format!("/account/personas/{persona}")),
        ("personas-delete", format!("/account/personas/{persona}/delete")),
    ]
    .into()
}

#[tokio::test]
async fn every_page_fits_every_screen() {
    let (world, ids) = populated().await;
    for (width, scheme) in SCREENS {
        let visitor = Visitor { width, scheme, ..Visitor::default() };
        let page = admin_panel(&visitor, &world).await;
        for (name, path) in pages(&ids) {
            open(&page, &world, &path).await;
            is_fit(&page, &format!("{name}-{width}-{scheme:?}")).await;
            assert_eq!(page.complaints().await, [], "{name}");
            assert!(page.received().await < 100 * 1024, "{name}");
        }
    }
}

#[tokio::test]
async fn letters_in_a_chart_keep_their_size() {
    let (world, _) = populated().await;
    for width in [360, 2560] {
        let visitor = Visitor { width, ..Visitor::without_javascript() };
        let page = admin_panel(&visitor, &world).await;
        open(&page, &world, "/admin/statistics").await;
        let heights = "Math.min(...[...document.querySelectorAll('.chart text')].map(
            (text) => text.getBoundingClientRect().height))";
        let least = page.evaluate(heights).await.as_f64().unwrap();
        assert!(least >= 11.0, "{width}: {least}");
        // The numbers are there without the drawing, too.
        page.click("DisclosureTriangle", "The same numbers as a table").await;
        page.shows("columnheader", "Sign-ups").await;
        page.is_accessible().await;
    }
}
