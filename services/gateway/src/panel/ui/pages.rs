//! The way through a long list. A page is found by where the one before ended,
//! so that there is a next one and a first one, and none of a number.

use maud::{Markup, Render, html};

use super::{Icon, icon};

/// Where the list goes on.
#[derive(Clone, Debug)]
pub struct Pages {
    /// How many lines this page has, and of what: names the way, too, so that no two
    /// on a page say the same.
    pub shown: String,
    /// The first page, where this is another one.
    pub first: Option<String>,
    /// The page behind this one, if there is one.
    pub next: Option<String>,
}

impl Render for Pages {
    fn render(&self) -> Markup {
        html! {
            nav.pages aria-label={ "Pages: " (self.shown) } {
                p { (self.shown) }
                @if let Some(first) = &self.first {
                    a.button href=(first) { "First page" }
                }
                @if let Some(next) = &self.next {
                    a.button href=(next) rel="next" { "Next page" (icon(Icon::Right)) }
                }
            }
        }
    }
}
