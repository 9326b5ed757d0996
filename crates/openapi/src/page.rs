//! The page that people read: one file of HTML with its style in it, and nothing
//! else that a browser would have to fetch or run.

mod method;
mod text;
mod types;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use crate::api::{Api, Service};

const STYLE: &str = include_str!("page/style.css");

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    /// All of it.
    pub html: String,
    /// What a browser may do with it: the header `Content-Security-Policy`.
    pub policy: String,
}

impl Api<'_> {
    /// The page; `document` is where the document is.
    #[must_use]
    pub fn page(&self, document: &str) -> Page {
        let style = STANDARD.encode(Sha256::digest(STYLE));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'"
        );
        Page { html: self.html(document).into_string(), policy }
    }

    fn html(&self, document: &str) -> Markup {
        let about = &self.about;
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (about.title) " over HTTP" }
                    // A browser would ask for one otherwise.
                    link rel="icon" href="data:,";
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    a.skip href="#content" { "Skip to the content" }
                    header {
                        h1 { (about.title) " over HTTP" }
                        (text::paragraphs(about.description))
                        p { "Version " (about.version) " · " a href=(document) { "OpenAPI 3.1" } }
                    }
                    div.columns {
                        nav aria-label="Contents" { (self.contents()) }
                        main #content tabindex="-1" {
                            (first_steps())
                            @for service in &self.services { (self.service(service)) }
                            (self.types())
                        }
                    }
                }
            }
        }
    }

    fn contents(&self) -> Markup {
        html! {
            ul {
                @for service in &self.services {
                    li {
                        a href={ "#" (service.name) } { (service.name) }
                        ul {
                            @for method in &service.methods {
                                li {
                                    a href={ "#" (service.name) "." (method.name) } { (method.name) }
                                }
                            }
                        }
                    }
                }
                li { a href="#types" { "Types" } }
            }
        }
    }

    fn service(&self, service: &Service) -> Markup {
        html! {
            section aria-labelledby=(service.name) {
                h2 id=(service.name) { (service.name) }
                (text::paragraphs(&service.description))
                @for method in &service.methods { (self.method(service, method)) }
            }
        }
    }
}

/// What holds for every method.
fn first_steps() -> Markup {
    html! {
        section aria-labelledby="first-steps" {
            h2 id="first-steps" { "First steps" }
            p {
                "The examples are for a shell in which " code { "SERVER" } " is where this page \
                 comes from, without a path, and " code { "TOKEN" } " the token of a session or a \
                 machine token. Browsers send a cookie instead of a token."
            }
            p {
                "Bodies and answers are JSON. An answer holds every field that is not unset, an \
                 empty text, 0, false and an empty list included; in a body they need not be sent. \
                 Numbers of 64 bits are answered as texts. Fields that are unknown are refused."
            }
            p {
                "What fails is answered with a status from 400 on and an " code { "Error" } ": \
                 what to tell a person, a code, and details for programs, an " code { "ErrorInfo" }
                " with a " code { "reason" } " among them. " code { "Retry-After" } " says when there \
                 is a point in trying again, and " code { "X-Request-Id" } " is what a call is called \
                 in logs."
            }
        }
    }
}
