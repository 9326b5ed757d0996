//! What a page has to say before everything else.

use maud::{Markup, Render, html};

use super::{Icon, Tone, icon};
use crate::panel::form::Errors;

/// A message in a box.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    tone: Tone,
    title: &'a str,
    text: Markup,
    focus: bool,
}

impl<'a> Message<'a> {
    /// A message with a title and what follows it.
    pub const fn new(tone: Tone, title: &'a str, text: Markup) -> Self {
        Self { tone, title, text, focus: false }
    }

    /// Read first, by those who do not see it, too.
    pub const fn focused(mut self) -> Self {
        self.focus = true;
        self
    }
}

impl Render for Message<'_> {
    fn render(&self) -> Markup {
        let symbol = match self.tone {
            Tone::Good => Icon::Check,
            Tone::Plain | Tone::Accent => Icon::Info,
            Tone::Attention | Tone::Bad => Icon::Warning,
        };
        let role = if self.tone == Tone::Bad { "alert" } else { "status" };
        html! {
            div class={ "message " (self.tone.class()) } role=(role)
                tabindex=[self.focus.then_some("-1")] autofocus[self.focus] {
                (icon(symbol))
                div {
                    p.message-title { (self.title) }
                    (self.text)
                }
            }
        }
    }
}

/// What is wrong with a form, above it; each line leads to its field. `reload`
/// is where to see what the form is about as it is now.
pub fn summary(errors: &Errors, reload: &str) -> Markup {
    if errors.is_empty() {
        return html! {};
    }
    let (tone, title) = match (errors.pending, errors.outdated) {
        (true, _) => (Tone::Attention, "Saved, but not confirmed yet"),
        (_, true) => (Tone::Bad, "Changed by somebody else"),
        _ => (Tone::Bad, "There is a problem"),
    };
    let text = html! {
        @if let Some(general) = &errors.general { p { (general) } }
        @if !errors.fields.is_empty() {
            ul { @for error in &errors.fields { li { a href={ "#f-" (error.field) } { (error.text) } } } }
        }
        @if errors.outdated { p { a href=(reload) { "Load it again" } } }
    };
    Message::new(tone, title, text).focused().render()
}
