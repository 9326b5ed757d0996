//! Every page on small and large screens, in light and dark, for everybody.

mod oversight;

use roster_proto::persona::v1::{CreatePersonaRequest, Persona};
use roster_testkit::browser::{Page, Scheme, Visitor};

use super::person::{admin_panel, open};
use crate::world::{World, person};

const SCREENS: [(u32, Scheme); 4] =
    [(360, Scheme::Light), (360, Scheme::Dark), (1280, Scheme::Dark), (2560, Scheme::Light)];

/// A few people, one of whom has given a hundred characters where that is allowed.
async fn populated() -> (World, String) {
    let world = World::new().await;
    for number in 0..12 {
        world.create_user(&format!("member{number:02}")).await;
    }
    let long = person();
    let username = "a-username-of-fifty-characters-which-is-the-longest".chars().take(50).collect();
    let display_name = "Maximiliana-Theodora ".repeat(5).trim_end().chars().take(100).collect();
    let email = format!("{}@example.org", "long".repeat(50));
    world
        .create(roster_proto::identity::v1::CreateUserRequest {
            username,
            display_name,
            email,
            ..long
        })
        .await;
    let client = world.create_signed_in("person").await;
    let persona = Persona {
        name: Some("Ecologist".to_owned()),
        information_need: Some("What moves where? ".repeat(50)),
        ..Persona::default()
    };
    let request =
        CreatePersonaRequest { persona: Some(persona), ..CreatePersonaRequest::default() };
    client.personas().create_persona(request).await.unwrap();
    (world, client.user_id)
}

/// Nothing sticks out, nothing fails, and nobody is kept out.
async fn is_fit(page: &Page, name: &str) {
    page.is_accessible().await;
    let room = "[document.documentElement.scrollWidth, innerWidth]";
    let room = page.evaluate(room).await;
    assert!(room[0].as_u64() <= room[1].as_u64(), "{name}: {room}");
    page.screenshot(name).await;
}

#[tokio::test]
async fn every_page_fits_every_screen() {
    let (world, user_id) = populated().await;
    let deleted = world.create_user("leaver").await.user_id;
    let request = roster_proto::identity::v1::DeleteUserRequest {
        user_id: deleted,
        ..roster_proto::identity::v1::DeleteUserRequest::default()
    };
    let answer = world.admin.users().delete_user(request).await.unwrap().into_inner();
    let deletion_id = answer.deletion.unwrap().deletion_id;
    world.settle().await;
    let user = format!("/admin/users/{user_id}");
    let pages = [
        ("users", "/admin/users".to_owned()),
        ("create", "/admin/users/new".to_owned()),
        ("edit", user.clone()),
        ("delete", format!("{user}/delete")),
        ("data", format!("{user}/data")),
        ("transfer", format!("{user}/transfer")),
        ("deletions", "/admin/deletions".to_owned()),
        ("deletion", format!("/admin/deletions/{deletion_id}")),
        ("nobody-found", "/admin/users?q=nobody-is-called-so".to_owned()),
    ];
    for (width, scheme) in SCREENS {
        let visitor = Visitor { width, scheme, ..Visitor::default() };
        let page = visitor.page().await;
        open(&page, &world, "/sign-in").await;
        is_fit(&page, &format!("sign-in-{width}-{scheme:?}")).await;
        assert_eq!(page.complaints().await, []);
        let page = admin_panel(&visitor, &world).await;
        for (name, path) in &pages {
            open(&page, &world, path).await;
            is_fit(&page, &format!("{name}-{width}-{scheme:?}")).await;
            assert_eq!(page.complaints().await, [], "{name}");
            assert!(page.received().await < 100 * 1024, "{name}");
        }
        open(&page, &world, "/nowhere").await;
        is_fit(&page, &format!("nothing-{width}-{scheme:?}")).await;
    }
}

#[tokio::test]
async fn pages_without_scripts_are_for_everybody_too() {
    let (world, user_id) = populated().await;
    let page = admin_panel(&Visitor::without_javascript(), &world).await;
    for path in ["/admin/users".to_owned(), format!("/admin/users/{user_id}")] {
        open(&page, &world, &path).await;
        page.is_accessible().await;
    }
    page.click("DisclosureTriangle", "Admin menu admin").await;
    page.is_accessible().await;
}
