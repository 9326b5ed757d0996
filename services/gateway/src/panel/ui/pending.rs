//! A change that stands, and is not confirmed yet.

use axum::response::Response;
use http::StatusCode;
use maud::html;

use super::{Icon, Page, Tab, hidden, icon, submit};
use crate::panel::visit::Visit;

/// Offers to send the same to `action` once more, which waits for the confirmation
/// and changes nothing twice.
pub fn pending(visit: &Visit, done: &str, action: &str, fields: &[(&str, &str)]) -> Response {
    Page::new(visit, "Not confirmed yet")
        .tab(Tab::Users)
        .narrow()
        .status(StatusCode::SERVICE_UNAVAILABLE)
        .body(html! {
            section.card.stop {
                (icon(Icon::Warning))
                h1 { "Not confirmed yet" }
                p { (done) " What is missing is the confirmation that this is in effect everywhere: \
                    a service does not answer in time." }
                form method="post" action=(action) {
                    @for (name, value) in fields { (hidden(name, value)) }
                    p.actions { (submit("Check again").primary().icon(Icon::Again)) }
                }
            }
        })
}
