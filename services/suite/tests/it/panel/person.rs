//! Somebody in front of a real browser.

use roster_testkit::browser::{Page, Visitor};

use crate::world::{ADMIN_PASSWORD, PASSWORD, World};

/// With scripts and without: everything is to work either way.
pub fn both() -> [Visitor; 2] {
    [Visitor::default(), Visitor::without_javascript()]
}

/// Opens a page of the panel.
pub async fn open(page: &Page, world: &World, path: &str) {
    page.open(&format!("http://{}{path}", world.suite.address())).await;
}

/// Signs in, wherever that leads to.
pub async fn sign_in(visitor: &Visitor, world: &World, username: &str, password: &str) -> Page {
    let page = visitor.page().await;
    open(&page, world, "/").await;
    page.fill("Username", username).await;
    page.fill("Password", password).await;
    page.follow("button", "Sign in").await;
    page
}

/// "Accessing the Admin Panel": the three steps of the guide.
pub async fn admin_panel(visitor: &Visitor, world: &World) -> Page {
    // 1. Log in with admin credentials
    let page = sign_in(visitor, world, "admin", ADMIN_PASSWORD).await;
    // 2. Click the admin icon (shield) in the top-right corner
    page.click("DisclosureTriangle", "Admin menu admin").await;
    // 3. Select "Admin Panel" from the dropdown
    page.follow("link", "Admin Panel").await;
    page.shows("heading", "User Management").await;
    page
}

/// Somebody with the usual password.
pub async fn user(visitor: &Visitor, world: &World, username: &str) -> Page {
    sign_in(visitor, world, username, PASSWORD).await
}
