//! What keeps a page from being made, and the page that is shown instead.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use maud::{Markup, html};
use roster_transcode::Failure;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{
    link, ui,
    ui::{Icon, Page, icon},
    visit::Visit,
};

/// Why there is no such page.
#[derive(Clone, Debug)]
pub enum Stop {
    /// Nobody is signed in.
    SignIn,
    /// The password has to be changed before anything else.
    ChangePassword,
    /// The page is for administrators.
    AdminRequired,
    /// There is no such page, or nothing that it could show.
    Missing,
    /// A form that no page of this panel sends.
    Unreadable,
    /// A call failed.
    Failed(Box<Status>),
}

/// What a page of this kind says.
struct Words<'a> {
    status: StatusCode,
    title: &'a str,
    text: &'a str,
    retry: bool,
}

impl From<Status> for Stop {
    fn from(status: Status) -> Self {
        match (status.code(), reason(&status).as_deref()) {
            (Code::Unauthenticated, _) => Self::SignIn,
            (_, Some("PASSWORD_CHANGE_REQUIRED")) => Self::ChangePassword,
            (_, Some("ADMIN_REQUIRED")) => Self::AdminRequired,
            (Code::NotFound, _) => Self::Missing,
            _ => Self::Failed(Box::new(status)),
        }
    }
}

/// The reason that a call gave for failing.
pub fn reason(status: &Status) -> Option<String> {
    status.get_details_error_info().map(|info| info.reason)
}

/// The status of HTTP that a call's failure has.
pub fn http_status(status: &Status) -> StatusCode {
    Failure::from(status).status
}

/// How long to wait before trying again, in words.
pub fn wait(status: &Status) -> Option<String> {
    let delay = status.get_details_retry_info().and_then(|retry| retry.retry_delay)?;
    Some(in_words(delay))
}

/// In the largest unit that says it without loss of sense, and never too short.
fn in_words(delay: Duration) -> String {
    let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
    let (count, unit) = match seconds {
        0..=1 => (1, "second"),
        2..=90 => (seconds, "second"),
        91..=5_400 => (seconds.div_ceil(60), "minute"),
        _ => (seconds.div_ceil(3_600), "hour"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

impl IntoResponse for Stop {
    /// The page is made where it is known who looks at it: [`super::visit::layer`].
    fn into_response(self) -> Response {
        let mut answer = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        answer.extensions_mut().insert(self);
        answer
    }
}

impl Stop {
    /// What is shown instead. A page that changes nothing, `is_safe`, can be asked
    /// for again.
    pub fn answer(&self, visit: &Visit, is_safe: bool) -> Response {
        match self {
            Self::SignIn if is_safe => {
                link::see_other(&link::with_target("/sign-in", &visit.asked))
            }
            Self::ChangePassword => {
                let target = if is_safe { visit.asked.as_str() } else { "/" };
                link::see_other(&link::with_target("/change-password", target))
            }
            Self::Failed(status) => failed(visit, status, is_safe),
            Self::SignIn | Self::AdminRequired | Self::Missing | Self::Unreadable => {
                page(visit, &self.words(), &html! {})
            }
        }
    }

    const fn words(&self) -> Words<'static> {
        let (status, title, text) = match self {
            Self::SignIn => (
                StatusCode::UNAUTHORIZED,
                "You are signed out",
                "Your session has ended, so nothing was changed. Sign in and try again.",
            ),
            Self::AdminRequired => (
                StatusCode::FORBIDDEN,
                "Admin access required",
                "This page is for administrators. If you are one, sign in with that account: an \
                 admin badge in the user menu shows it.",
            ),
            Self::Unreadable => (
                StatusCode::BAD_REQUEST,
                "The form could not be read",
                "Nothing was changed. Go back, reload the page and try again.",
            ),
            Self::Missing | Self::ChangePassword | Self::Failed(_) => (
                StatusCode::NOT_FOUND,
                "There is nothing here",
                "The page does not exist, or what it showed has been deleted.",
            ),
        };
        Words { status, title, text, retry: false }
    }
}

fn failed(visit: &Visit, status: &Status, is_safe: bool) -> Response {
    let code = status.code();
    let busy = code == Code::ResourceExhausted;
    let down = matches!(code, Code::Unavailable | Code::DeadlineExceeded);
    let title = if busy {
        "Too much at once"
    } else if down {
        "Not available right now"
    } else if code == Code::PermissionDenied {
        "This is not allowed"
    } else if code == Code::InvalidArgument {
        "The address is not valid"
    } else {
        "Something went wrong"
    };
    let words = Words {
        status: http_status(status),
        title,
        text: status.message(),
        retry: is_safe && (busy || down),
    };
    let wait = wait(status);
    let mut answer = page(
        visit,
        &words,
        &html! {
            @if let Some(wait) = &wait { p { "Try again in " (wait) "." } }
        },
    );
    let delay = status.get_details_retry_info().and_then(|retry| retry.retry_delay);
    if let Some(delay) = delay {
        let seconds = HeaderValue::from(delay.as_secs().max(1));
        answer.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    answer
}

fn page(visit: &Visit, words: &Words<'_>, more: &Markup) -> Response {
    let symbol = if words.status == StatusCode::FORBIDDEN { Icon::Shield } else { Icon::Warning };
    let (label, to) = match &visit.user {
        Some(_) => ("Start page", "/".to_owned()),
        None => ("Sign in", link::with_target("/sign-in", &visit.asked)),
    };
    Page::new(visit, words.title).status(words.status).narrow().body(html! {
        section.card.stop {
            (icon(symbol))
            h1 { (words.title) }
            p { (words.text) }
            (more)
            p.actions {
                @if words.retry { (ui::link_button(&visit.asked, "Try again").primary()) }
                (ui::link_button(&to, label))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_never_said_too_short() {
        let words = |millis| in_words(Duration::from_millis(millis));
        assert_eq!(words(0), "1 second");
        assert_eq!(words(1_001), "2 seconds");
        assert_eq!(words(90_000), "90 seconds");
        assert_eq!(words(90_001), "2 minutes");
        assert_eq!(words(5_400_001), "2 hours");
    }
}
