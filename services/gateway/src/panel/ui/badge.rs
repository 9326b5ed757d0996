//! Badges: a word about something.

use maud::{Markup, html};

use super::{Icon, icon};

/// How a badge looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    Plain,
    /// The one that is meant.
    Accent,
    /// All is well.
    Good,
    /// Something to look at.
    Attention,
    /// Something is wrong, or gone.
    Bad,
}

impl Tone {
    /// The class of the stylesheet.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Accent => "accent",
            Self::Good => "good",
            Self::Attention => "attention",
            Self::Bad => "bad",
        }
    }
}

/// A word in a badge.
pub fn badge(tone: Tone, text: &str) -> Markup {
    html! { span class={ "badge " (tone.class()) } { (text) } }
}

/// Of administrators.
pub fn admin_badge() -> Markup {
    html! { span.badge.accent { (icon(Icon::Shield)) "Admin" } }
}

/// Of who cannot sign in.
pub fn disabled_badge() -> Markup {
    html! { span.badge.bad { (icon(Icon::Ban)) "Disabled" } }
}
