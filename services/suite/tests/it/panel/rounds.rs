//! The guide's procedures about sessions and departures, step by step, in a browser,
//! and what people do with their own account.

use roster_testkit::browser::{Key, Page, Visitor};

use super::person::{admin_panel, both, open, sign_in, user};
use crate::world::{PASSWORD, World};

/// Answers a dialog, which only scripts open.
async fn confirm(page: &Page, visitor: &Visitor, button: &str, answer: &str) {
    if visitor.javascript {
        page.click("button", button).await;
        page.shows("button", answer).await;
        page.is_accessible().await;
        page.follow("button", answer).await;
    } else {
        page.follow("button", button).await;
    }
}

#[tokio::test]
async fn changing_passwords_best_practice() {
    for visitor in both() {
        let world = World::new().await;
        let client = world.create_signed_in("person").await;
        let other = world.create_signed_in("other").await;
        let page = admin_panel(&visitor, &world).await;
        page.follow("link", "Edit person").await;
        page.fill("Password", "another password").await;
        page.follow("button", "Save").await;
        page.reads("Changes saved").await;
        assert!(client.is_signed_in().await);
        // 1. Navigate to Sessions tab in Admin Panel
        page.follow("link", "Sessions").await;
        page.shows("heading", "Sessions").await;
        // 2. Find user's sessions
        page.fill("User", "person").await;
        page.follow("button", "Find sessions").await;
        page.shows("heading", "Sessions of person").await;
        page.reads("1 session on this page").await;
        // 3. Revoke all sessions
        page.follow("link", "Revoke all sessions").await;
        page.shows("heading", "Revoke all sessions of person").await;
        page.reads("1 session ends now.").await;
        assert!(client.is_signed_in().await);
        page.follow("button", "Revoke all sessions").await;
        page.reads("Sessions revoked.").await;
        page.reads("No active sessions").await;
        assert!(!client.is_signed_in().await && other.is_signed_in().await);
        assert_eq!(page.complaints().await, []);
    }
}

#[tokio::test]
async fn managing_sessions() {
    for visitor in both() {
        let world = World::new().await;
        let hostile = "Firefox/1.0 <img src=x onerror=alert(1)>".to_owned();
        let suspicious = Visitor { user_agent: Some(hostile.clone()), ..visitor.clone() };
        world.create_user("person").await;
        let theirs = user(&suspicious, &world, "person").await;
        theirs.shows("heading", "Profile").await;
        let client = world.sign_in("person").await;
        let page = admin_panel(&visitor, &world).await;
        // View all active sessions
        page.follow("link", "Sessions").await;
        page.reads("This session").await;
        // Monitor session activity
        page.click("DisclosureTriangle", "Firefox 1").await;
        page.reads(&hostile).await;
        page.is_accessible().await;
        // Filter by user
        page.fill("User", "person").await;
        page.press_and_follow(Key::Enter).await;
        page.reads("2 sessions on this page").await;
        // Revoke suspicious sessions
        confirm(&page, &visitor, "Revoke person: Firefox 1", "Revoke").await;
        page.reads("Session revoked.").await;
        page.reads("1 session on this page").await;
        assert!(client.is_signed_in().await);
        open(&theirs, &world, "/account").await;
        theirs.shows("heading", "Sign in").await;
        assert_eq!(page.complaints().await, []);
    }
}

#[tokio::test]
async fn managing_departures() {
    for visitor in both() {
        let world = World::new().await;
        let client = world.create_signed_in("leaver").await;
        let page = admin_panel(&visitor, &world).await;
        // 1. Immediate: Revoke all sessions
        page.follow("link", "Edit leaver").await;
        page.follow("link", "Their sessions").await;
        page.shows("heading", "Sessions of leaver").await;
        page.follow("link", "Revoke all sessions").await;
        page.follow("button", "Revoke all sessions").await;
        page.reads("Sessions revoked.").await;
        assert!(!client.is_signed_in().await);
        // The other steps begin at the user.
        page.follow("link", "Edit user").await;
        page.shows("link", "Review data").await;
        page.shows("link", "Transfer personas").await;
        page.shows("link", "Delete").await;
        assert_eq!(page.complaints().await, []);
    }
}

#[tokio::test]
async fn system_keys() {
    for visitor in both() {
        let world = World::new().await;
        let page = admin_panel(&visitor, &world).await;
        page.follow("link", "System API Keys").await;
        page.reads("user keys override system keys").await;
        page.follow("link", "Add key").await;
        page.fill("Provider", "anthropic").await;
        page.fill("Name", "Team").await;
        page.fill("Key", "sk-secret-9x2f").await;
        page.follow("button", "Add key").await;
        page.reads("API key added.").await;
        page.reads("...9x2f").await;
        page.follow("button", "Deactivate anthropic").await;
        page.reads("API key deactivated.").await;
        page.follow("link", "Edit anthropic").await;
        page.fill("Key", "sk-secret-7777").await;
        page.click("checkbox", "Active").await;
        page.follow("button", "Save").await;
        page.reads("...7777").await;
        page.follow("link", "Delete anthropic").await;
        page.follow("button", "Delete").await;
        page.reads("API key deleted.").await;
        assert_eq!(page.complaints().await, []);
    }
}

#[tokio::test]
async fn user_onboarding() {
    for visitor in both() {
        let world = World::new().await;
        world.create_user("person").await;
        let page = user(&visitor, &world, "person").await;
        // 3. User changes password on first login
        page.follow("link", "Password").await;
        page.fill("Current password", PASSWORD).await;
        page.fill("New password", "a password of my own").await;
        page.follow("button", "Change password").await;
        page.reads("Your password has been changed.").await;
        // 4. User configures display name and email
        page.follow("link", "Profile").await;
        page.fill("Display Name", "Mara Stein").await;
        page.fill("Email", "mara@example.org").await;
        page.follow("button", "Save").await;
        page.reads("Profile saved.").await;
        // 5. User adds personal API keys if needed
        page.follow("link", "API Keys").await;
        page.follow("link", "Add key").await;
        page.fill("Provider", "anthropic").await;
        page.fill("Name", "Mine").await;
        page.fill("Key", "sk-secret-own1").await;
        page.follow("button", "Add key").await;
        page.reads("...own1").await;
        assert_eq!(page.complaints().await, []);
        sign_in(&visitor, &world, "person", "a password of my own").await;
    }
}

#[tokio::test]
async fn own_personas() {
    for visitor in both() {
        let world = World::new().await;
        world.create_user("person").await;
        let page = user(&visitor, &world, "person").await;
        page.follow("link", "Personas").await;
        page.follow("link", "Create persona").await;
        page.follow("button", "Create").await;
        page.reads("There is a problem").await;
        page.is_accessible().await;
        page.fill("Name", "<b>Ecologist</b>").await;
        page.fill("Information need", "Where did the herons nest?").await;
        page.follow("button", "Create").await;
        page.reads("Persona created.").await;
        page.reads("<b>Ecologist</b>").await;
        page.follow("link", "Delete <b>Ecologist</b>").await;
        page.reads("no annotations").await;
        page.follow("button", "Delete").await;
        page.reads("No personas yet").await;
        // The one complaint is of the answer that says what was wrong.
        let complaints = page.complaints().await;
        assert!(complaints.iter().all(|it| it.source == "network"), "{complaints:?}");
    }
}

#[tokio::test]
async fn ending_the_session_in_use_leads_to_the_way_in() {
    for visitor in both() {
        let world = World::new().await;
        world.create_user("person").await;
        let agent = Some("curl/8.5.0".to_owned());
        let visitor = Visitor { user_agent: agent, ..visitor };
        let page = user(&visitor, &world, "person").await;
        page.follow("link", "Sessions").await;
        page.reads("This session").await;
        confirm(&page, &visitor, "Revoke curl", "Revoke").await;
        page.shows("heading", "Sign in").await;
        assert_eq!(page.complaints().await, []);
    }
}
