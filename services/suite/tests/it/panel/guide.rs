//! The guide's procedures, step by step, in a browser.

use roster_testkit::browser::{Key, Visitor};

use super::person::{admin_panel, both, open, sign_in, user};
use crate::world::{PASSWORD, World};

/// Waits until somebody is signed in who is called so.
async fn is_signed_in(page: &roster_testkit::browser::Page, username: &str) {
    page.shows("DisclosureTriangle", &format!("User menu {username}")).await;
}

#[tokio::test]
async fn creating_users() {
    for visitor in both() {
        let world = World::new().await;
        let page = admin_panel(&visitor, &world).await;
        page.follow("link", "Create User").await;
        page.fill("Username", "mara").await;
        page.fill("Display Name", "Mara Stein").await;
        page.fill("Email", "mara@example.org").await;
        page.fill("Password", PASSWORD).await;
        page.click("checkbox", "Admin Role").await;
        page.follow("button", "Create").await;
        page.shows("heading", "User created").await;
        page.follow("link", "Done").await;
        page.reads("Mara Stein").await;
        page.reads("mara@example.org").await;
        assert_eq!(page.complaints().await, []);

        // New users can log in immediately with provided credentials.
        let theirs = sign_in(&visitor, &world, "mara", PASSWORD).await;
        theirs.shows("heading", "User Management").await;
    }
}

#[tokio::test]
async fn a_password_is_generated() {
    for visitor in both() {
        let world = World::new().await;
        let page = admin_panel(&visitor, &world).await;
        page.follow("link", "Create User").await;
        page.fill("Username", "mara").await;
        page.fill("Display Name", "Mara Stein").await;
        if visitor.javascript {
            page.click("button", "Generate").await;
        } else {
            page.follow("button", "Generate").await;
        }
        let field = "document.getElementById('f-password')";
        assert_eq!(page.evaluate(&format!("{field}.type")).await, "text");
        let password = page.evaluate(&format!("{field}.value")).await;
        let password = password.as_str().unwrap().to_owned();
        assert_eq!(password.len(), 24);
        // The Enter key creates: it does not ask for another password.
        page.click("textbox", "Username").await;
        page.press_and_follow(Key::Enter).await;
        page.shows("heading", "User created").await;
        page.reads(&password).await;
        is_signed_in(&sign_in(&visitor, &world, "mara", &password).await, "mara").await;
    }
}

#[tokio::test]
async fn editing_users() {
    for visitor in both() {
        let world = World::new().await;
        let client = world.create_signed_in("person").await;
        let page = admin_panel(&visitor, &world).await;
        page.follow("link", "Edit person").await;
        page.fill("Display Name", "Another Name").await;
        page.fill("Email", "another@example.org").await;
        page.follow("button", "Save").await;
        page.reads("Changes saved. They are in effect now.").await;
        page.follow("link", "Users").await;
        page.reads("Another Name").await;
        assert_eq!(page.complaints().await, []);
        // Active sessions remain valid, and a blank password keeps the current one.
        assert!(client.is_signed_in().await);
        world.sign_in("person").await;
    }
}

#[tokio::test]
async fn granting_admin_access() {
    for visitor in both() {
        let world = World::new().await;
        world.create_user("person").await;
        let theirs = user(&visitor, &world, "person").await;
        open(&theirs, &world, "/admin/users").await;
        theirs.reads("Admin access required").await;

        let page = admin_panel(&visitor, &world).await;
        page.follow("link", "Edit person").await;
        page.click("checkbox", "Admin Role").await;
        page.follow("button", "Save").await;
        page.reads("Changes saved").await;

        // The user gains admin privileges on next request.
        open(&theirs, &world, "/admin/users").await;
        theirs.shows("heading", "User Management").await;
        theirs.click("DisclosureTriangle", "Admin menu person").await;
        theirs.shows("link", "Admin Panel").await;
    }
}

#[tokio::test]
async fn changing_passwords() {
    for visitor in both() {
        let world = World::new().await;
        let client = world.create_signed_in("person").await;
        let page = admin_panel(&visitor, &world).await;
        page.follow("link", "Edit person").await;
        page.fill("Password", "another password").await;
        page.follow("button", "Save").await;
        page.reads("Changes saved").await;
        // Existing sessions are not automatically revoked.
        assert!(client.is_signed_in().await);
        // The user must log in with the new password.
        let theirs = sign_in(&visitor, &world, "person", PASSWORD).await;
        theirs.reads("The username or the password is wrong").await;
        world.sign_in_with("person", "another password").await;

        page.click("checkbox", "Revoke all sessions").await;
        page.follow("button", "Save").await;
        page.reads("all sessions of the user revoked").await;
        assert!(!client.is_signed_in().await);
    }
}

#[tokio::test]
async fn deleting_users() {
    for visitor in both() {
        let world = World::new().await;
        let client = world.create_signed_in("person").await;
        let page = admin_panel(&visitor, &world).await;
        page.follow("link", "Delete person").await;
        page.shows("heading", "Delete person?").await;
        page.reads("Deletion is permanent and cannot be undone.").await;
        page.follow("button", "Delete").await;
        page.shows("heading", "Deletion of a user").await;
        // All user sessions are logged out immediately.
        assert!(!client.is_signed_in().await);
        world.settle().await;
        page.reads("Complete. Everything has been erased.").await;
        page.follow("link", "Deletions").await;
        page.follow("link", "Users").await;
        assert_eq!(page.count("link", "Edit person").await, 0);
    }
}

#[tokio::test]
async fn troubleshooting_cannot_create_user() {
    for visitor in both() {
        let world = World::new().await;
        world.create_user("person").await;
        let page = admin_panel(&visitor, &world).await;
        page.follow("link", "Create User").await;
        page.fill("Username", "person").await;
        page.fill("Display Name", "A person").await;
        page.fill("Password", PASSWORD).await;
        page.follow("button", "Create").await;
        page.shows("link", "Username already exists").await;
        page.is_accessible().await;
        // Solution: Choose a different username.
        page.fill("Username", "somebody").await;
        page.follow("button", "Create").await;
        page.shows("heading", "User created").await;

        let theirs = user(&visitor, &world, "person").await;
        open(&theirs, &world, "/admin/users/new").await;
        theirs.shows("heading", "Admin access required").await;
        // Check the admin badge in the user menu.
        theirs.click("DisclosureTriangle", "User menu person").await;
        let badges = "document.querySelectorAll('.menu .badge').length";
        assert_eq!(theirs.evaluate(badges).await, 0);
        page.click("DisclosureTriangle", "Admin menu admin").await;
        assert_eq!(page.evaluate(badges).await, 1);
    }
}

#[tokio::test]
async fn signing_out() {
    for visitor in both() {
        let world = World::new().await;
        let page = admin_panel(&visitor, &world).await;
        let cookie = page.cookies().await.into_iter().next().unwrap();
        assert!(cookie.http_only && cookie.same_site == "Lax" && cookie.path == "/");
        page.click("DisclosureTriangle", "Admin menu admin").await;
        page.follow("button", "Sign out").await;
        page.reads("You are signed out.").await;
        assert_eq!(page.cookies().await, []);
        open(&page, &world, "/admin/users").await;
        page.shows("heading", "Sign in").await;
    }
}

#[tokio::test]
async fn scripts_add_comfort() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    let page = admin_panel(&Visitor::default(), &world).await;
    // A menu closes with the Escape key, and the cursor is back where it was.
    page.click("DisclosureTriangle", "Admin menu admin").await;
    page.press(Key::Escape).await;
    assert_eq!(page.focused().await.1, "Admin menu admin");
    assert_eq!(page.count("link", "My account").await, 0);
    // Times are as the reader writes them.
    let time = page.evaluate("document.querySelector('time').textContent").await;
    let title = page.evaluate("document.querySelector('time').title").await;
    assert!(title.as_str().unwrap().contains("UTC"), "{title}");
    assert!(!time.as_str().unwrap().contains("AM"), "{time}");
    // Spaces are pointed out while somebody types.
    page.follow("link", "Edit person").await;
    page.fill("Password", "secret ").await;
    page.reads("Begins or ends with a space").await;
    page.fill("Password", "").await;
    // What ends sessions is asked about.
    page.click("button", "Disable").await;
    page.click("button", "Cancel").await;
    assert!(client.is_signed_in().await);
    page.click("button", "Disable").await;
    page.reads("Nothing is deleted.").await;
    page.is_accessible().await;
    page.press(Key::Tab).await;
    page.press_and_follow(Key::Enter).await;
    page.reads("User disabled.").await;
    assert!(!client.is_signed_in().await);
    // What was done is said once.
    assert!(!page.url().await.contains("done="));
    assert_eq!(page.complaints().await, []);
}
