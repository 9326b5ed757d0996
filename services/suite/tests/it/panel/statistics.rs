//! User Statistics, request by request.

use std::time::Duration;

use http::StatusCode;

use super::visitor::Visitor;
use crate::world::World;

const PATH: &str = "/admin/statistics";

#[tokio::test]
async fn totals_and_days_are_shown() {
    let world = World::new().await;
    for username in ["one", "two"] {
        world.create_signed_in(username).await;
    }
    world.sign_in("two").await;
    let admin = Visitor::admin(&world).await;
    let page = admin.get(PATH).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.page.contains("<p class=\"value\">3</p><p class=\"name\">Users</p>"));
    assert!(page.page.contains("<p class=\"value\">5</p><p class=\"name\">Active sessions</p>"));
    // The day is the same in the drawing, for those who do not see it, and in the table.
    let today = world.env.now();
    let long = today.format("%-d %B %Y");
    assert!(page.page.contains(&format!("<title>{long}: 5 logins</title>")), "{}", page.page);
    assert!(page.says(&format!("3 sign-ups, the most on {long}: 3.")), "{}", page.page);
    assert!(page.page.contains(&format!("<th scope=\"row\">{}</th>", today.format("%Y-%m-%d"))));
    assert_eq!(page.page.matches("<th scope=\"row\">20").count(), 30);
    // Who has how many sessions.
    assert!(page.says("Among all users.") && page.says("2 sessions"), "{}", page.page);
}

#[tokio::test]
async fn other_days_are_shown() {
    let world = World::new().await;
    world.clock.advance(Duration::from_hours(24 * 8));
    let world = world.sign_in_again().await;
    let admin = Visitor::admin(&world).await;
    // The first administrator was made before the last seven days began.
    for (query, days, sign_ups) in [("?days=7", 7, 0), ("?days=90", 90, 1), ("?days=400", 30, 1)] {
        let page = admin.get(&format!("{PATH}{query}")).await;
        let said = if sign_ups == 1 { "1 sign-up" } else { "0 sign-ups" };
        assert!(page.says(&format!("{said} in {days} days")), "{query}: {}", page.page);
        assert!(page.page.len() < 100 * 1024, "{query}: {}", page.page.len());
    }
}

#[tokio::test]
async fn statistics_are_for_administrators() {
    let world = World::new().await;
    world.create_user("person").await;
    let user = Visitor::user(&world, "person").await;
    assert_eq!(user.get(PATH).await.status, StatusCode::FORBIDDEN);
}
