//! The frame of every page.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use roster_proto::identity::v1::User;

use super::{Icon, Message, Tone, admin_badge, icon, initials, sprite};
use crate::panel::{assets, visit::Visit};

/// A page loads what is ours, and runs nothing that stands in itself.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// A part of the Admin Panel, or of one's own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// User Management.
    Users,
    /// Session Monitoring.
    Sessions,
    /// System API Keys.
    SystemKeys,
    /// User Statistics.
    Statistics,
    /// One's own name and email.
    Profile,
    /// One's own password.
    Password,
    /// One's own sessions.
    OwnSessions,
    /// One's own API keys.
    OwnKeys,
    /// One's own personas.
    Personas,
}

/// The parts that stand side by side: which, with what icon, called what, where.
type Tabs = [(Tab, Icon, &'static str, &'static str)];

const ADMIN: &Tabs = &[
    (Tab::Users, Icon::People, "Users", "/admin/users"),
    (Tab::Sessions, Icon::Device, "Sessions", "/admin/sessions"),
    (Tab::SystemKeys, Icon::Key, "System API Keys", "/admin/system-keys"),
    (Tab::Statistics, Icon::Chart, "Statistics", "/admin/statistics"),
];

const ACCOUNT: &Tabs = &[
    (Tab::Profile, Icon::Person, "Profile", "/account"),
    (Tab::Password, Icon::Lock, "Password", "/account/password"),
    (Tab::OwnSessions, Icon::Device, "Sessions", "/account/sessions"),
    (Tab::OwnKeys, Icon::Key, "API Keys", "/account/keys"),
    (Tab::Personas, Icon::Eye, "Personas", "/account/personas"),
];

/// A page that is being made.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    visit: &'a Visit,
    title: &'a str,
    tab: Option<Tab>,
    status: StatusCode,
    width: &'static str,
    again: bool,
}

impl<'a> Page<'a> {
    /// A page of this title, which stands in the browser's bar.
    pub const fn new(visit: &'a Visit, title: &'a str) -> Self {
        Self { visit, title, tab: None, status: StatusCode::OK, width: "", again: false }
    }

    /// A page of the Admin Panel, or of one's own account.
    pub const fn tab(mut self, tab: Tab) -> Self {
        self.tab = Some(tab);
        self
    }

    /// A page that is no success.
    pub const fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// A page of one column, as for signing in.
    pub const fn narrow(mut self) -> Self {
        self.width = "narrow";
        self
    }

    /// A page for reading and filling out.
    pub const fn medium(mut self) -> Self {
        self.width = "medium";
        self
    }

    /// Asks for itself again after some seconds, while `what` lasts. With scripts,
    /// only the parts that are marked with `data-again` are replaced.
    pub const fn again_while(mut self, what: bool) -> Self {
        self.again = what;
        self
    }

    /// The page, with this in the middle.
    #[expect(clippy::needless_pass_by_value, reason = "what is made for a page ends with it")]
    pub fn body(&self, content: Markup) -> Response {
        let markup = html! {
            (DOCTYPE)
            html lang="en" {
                (self.head())
                body data-again[self.again] {
                    a.skip href="#main" { "Skip to the content" }
                    (header(self.visit))
                    @if let Some(tab) = self.tab { (tabs(tab)) }
                    main id="main" tabindex="-1" class=[Some(self.width).filter(|it| !it.is_empty())] {
                        @if let Some(notice) = self.visit.notice {
                            (Message::new(Tone::Good, notice.text(), html! {}))
                        }
                        (content)
                    }
                    (sprite())
                }
            }
        };
        let html = [(header::CONTENT_SECURITY_POLICY, POLICY)];
        (self.status, html, markup).into_response()
    }

    fn head(&self) -> Markup {
        html! {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (self.title) " · Roster" }
                link rel="stylesheet" href=(assets::STYLE.path());
                link rel="icon" href=(assets::ICON.path()) type="image/svg+xml";
                script type="module" src=(assets::SCRIPT.path()) {}
                @if self.again {
                    noscript { meta http-equiv="refresh" content="3"; }
                }
            }
        }
    }
}

fn header(visit: &Visit) -> Markup {
    html! {
        header.top {
            a.brand href="/" { (mark()) "Roster" }
            @if let Some(user) = &visit.user { (menu(user)) }
        }
    }
}

/// The product's sign.
fn mark() -> PreEscaped<&'static str> {
    PreEscaped(
        r#"<svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8"/><circle cx="16" cy="12.5" r="4.5"/><path d="M7.5 25c1.2-5 4.5-7 8.5-7s7.3 2 8.5 7"/></svg>"#,
    )
}

/// Who is signed in, and where they can go.
fn menu(user: &User) -> Markup {
    let (symbol, kind) =
        if user.is_admin { (Icon::Shield, "Admin menu") } else { (Icon::Person, "User menu") };
    html! {
        details.menu {
            summary {
                span.menu-icon title=(kind) { (icon(symbol)) }
                span.hidden { (kind) }
                span.menu-name { (user.username) }
                (icon(Icon::Down))
            }
            div.menu-body {
                div.menu-head {
                    span.avatar aria-hidden="true" { (initials(&user.display_name)) }
                    div {
                        p.menu-display { (user.display_name) }
                        p.menu-user { (user.username) @if user.is_admin { " " (admin_badge()) } }
                    }
                }
                ul {
                    @if user.is_admin && !user.password_change_required {
                        li { a href="/admin/users" { (icon(Icon::Shield)) "Admin Panel" } }
                    }
                    @if !user.password_change_required {
                        li { a href="/account" { (icon(Icon::Person)) "My account" } }
                    }
                    li {
                        form method="post" action="/sign-out" {
                            button { (icon(Icon::Out)) "Sign out" }
                        }
                    }
                }
            }
        }
    }
}

fn tabs(current: Tab) -> Markup {
    let stands_in = |tabs: &Tabs| tabs.iter().any(|(tab, ..)| *tab == current);
    let (name, tabs) =
        if stands_in(ACCOUNT) { ("My account", ACCOUNT) } else { ("Admin Panel", ADMIN) };
    html! {
        nav.tabs aria-label=(name) {
            ul {
                @for (tab, symbol, label, to) in tabs {
                    li {
                        a href=(to) aria-current=[(*tab == current).then_some("page")] {
                            (icon(*symbol)) (label)
                        }
                    }
                }
            }
        }
    }
}
