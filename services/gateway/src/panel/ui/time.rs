//! Times. Pages say them in UTC; where scripts run, in the reader's zone and
//! language.

use chrono::SecondsFormat;
use maud::{Markup, html};
use prost_types::Timestamp;
use roster_proto::time::from_proto;

/// A time to the minute, with the exact one on hover. A dash where there is none,
/// with `otherwise` for what that means.
pub fn time(at: Option<Timestamp>, otherwise: &str) -> Markup {
    let Some(at) = at.and_then(from_proto) else {
        return html! {
            span.unset title=(otherwise) {
                span aria-hidden="true" { "–" } span.hidden { (otherwise) }
            }
        };
    };
    when(at)
}

/// The same of a time that there is.
fn when(at: roster_kernel::Timestamp) -> Markup {
    let machine = at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let exact = at.format("%-d %B %Y, %H:%M:%S UTC");
    html! { time datetime=(machine) title=(exact) { (at.format("%-d %b %Y, %H:%M")) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_readable_by_people_and_programs() {
        let html =
            time(Some(Timestamp { seconds: 1_790_000_000, nanos: 5 }), "Never").into_string();
        assert_eq!(
            html,
            r#"<time datetime="2026-09-21T14:13:20Z" title="21 September 2026, 14:13:20 UTC">21 Sep 2026, 14:13</time>"#,
        );
    }

    #[test]
    fn no_time_says_what_it_means() {
        let html = time(None, "Never signed in").into_string();
        assert!(html.contains("title=\"Never signed in\"") && html.contains('–'), "{html}");
    }
}
