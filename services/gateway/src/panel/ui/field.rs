//! Fields of a form: label, hint, error, and the words that tie them together for
//! those who do not see them.

use maud::{Markup, Render, html};

use super::{Icon, icon};
use crate::panel::form::Errors;

/// A field for text.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    name: &'a str,
    label: &'a str,
    kind: &'static str,
    value: &'a str,
    hint: Option<&'a str>,
    error: Option<&'a str>,
    autocomplete: &'static str,
    required: bool,
    focus: bool,
    lines: u8,
    beside: Option<Markup>,
}

impl<'a> Field<'a> {
    /// One line of text.
    pub const fn text(name: &'a str, label: &'a str) -> Self {
        Self {
            name,
            label,
            kind: "text",
            value: "",
            hint: None,
            error: None,
            autocomplete: "off",
            required: false,
            focus: false,
            lines: 1,
            beside: None,
        }
    }

    /// Text that may go over several lines, of which so many show at first.
    pub const fn lines(name: &'a str, label: &'a str, lines: u8) -> Self {
        let mut field = Self::text(name, label);
        field.lines = lines;
        field
    }

    /// An address for mail.
    pub fn email(name: &'a str, label: &'a str) -> Self {
        Self { kind: "email", ..Self::text(name, label) }
    }

    /// A password: `new-password` or `current-password`.
    pub fn password(name: &'a str, label: &'a str, autocomplete: &'static str) -> Self {
        Self { kind: "password", autocomplete, ..Self::text(name, label) }
    }

    /// What it holds.
    pub const fn value(mut self, value: &'a str) -> Self {
        self.value = value;
        self
    }

    /// What helps to fill it out.
    pub const fn hint(mut self, hint: &'a str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// What browsers may fill it with.
    pub const fn autocomplete(mut self, what: &'static str) -> Self {
        self.autocomplete = what;
        self
    }

    /// It cannot be left empty.
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Where one begins to type.
    pub const fn focused(mut self, focus: bool) -> Self {
        self.focus = focus;
        self
    }

    /// What it holds can be read, as where it was made up by the server.
    pub const fn readable(mut self, readable: bool) -> Self {
        if readable {
            self.kind = "text";
        }
        self
    }

    /// What is wrong with it.
    pub fn errors(mut self, errors: &'a Errors) -> Self {
        self.error = errors.of(self.name);
        self
    }

    /// Buttons beside it.
    pub fn beside(mut self, buttons: Markup) -> Self {
        self.beside = Some(buttons);
        self
    }
}

impl Render for Field<'_> {
    fn render(&self) -> Markup {
        let name = self.name;
        let described = described_by(name, self.hint, self.error);
        let spaces = (self.autocomplete == "new-password").then_some("");
        html! {
            div.field {
                div {
                    label for={ "f-" (name) } { (self.label) }
                    @if !self.required { " " span.optional { "optional" } }
                }
                (hint(name, self.hint))
                (error(name, self.error))
                div.input {
                    @if self.lines > 1 {
                        textarea id={ "f-" (name) } name=(name) rows=(self.lines)
                            required[self.required] autofocus[self.focus]
                            aria-describedby=[described]
                            aria-invalid=[self.error.map(|_| "true")] {
                            // The first line break in a field is not taken for a part of it.
                            "\n" (self.value)
                        }
                    } @else {
                        input id={ "f-" (name) } name=(name) type=(self.kind) value=(self.value)
                            autocomplete=(self.autocomplete) required[self.required]
                            spellcheck="false" autocapitalize="none" autofocus[self.focus]
                            aria-describedby=[described] aria-invalid=[self.error.map(|_| "true")]
                            data-spaces=[spaces];
                    }
                    @if let Some(beside) = &self.beside { (beside) }
                }
            }
        }
    }
}

/// A box to check.
#[derive(Clone, Debug)]
pub struct Checkbox<'a> {
    name: &'a str,
    label: &'a str,
    hint: Option<&'a str>,
    error: Option<&'a str>,
    checked: bool,
}

impl<'a> Checkbox<'a> {
    /// A box that is `checked`, or not.
    pub const fn new(name: &'a str, label: &'a str, checked: bool) -> Self {
        Self { name, label, hint: None, error: None, checked }
    }

    /// What checking it means.
    pub const fn hint(mut self, hint: &'a str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// What is wrong with it.
    pub fn errors(mut self, errors: &'a Errors) -> Self {
        self.error = errors.of(self.name);
        self
    }
}

impl Render for Checkbox<'_> {
    fn render(&self) -> Markup {
        let name = self.name;
        let described = described_by(name, self.hint, self.error);
        html! {
            div.field.check {
                input id={ "f-" (name) } name=(name) type="checkbox" value="on" checked[self.checked]
                    aria-describedby=[described] aria-invalid=[self.error.map(|_| "true")];
                div {
                    label for={ "f-" (name) } { (self.label) }
                    (hint(name, self.hint))
                    (error(name, self.error))
                }
            }
        }
    }
}

/// One of several values.
#[derive(Clone, Debug)]
pub struct Choice<'a> {
    /// The name of the field.
    pub name: &'a str,
    /// What people call it.
    pub label: &'a str,
    /// The value that is chosen.
    pub value: &'a str,
    /// Each value and what people call it.
    pub options: &'a [(&'a str, &'a str)],
}

impl Render for Choice<'_> {
    fn render(&self) -> Markup {
        html! {
            div.field {
                label for={ "f-" (self.name) } { (self.label) }
                select id={ "f-" (self.name) } name=(self.name) {
                    @for (value, label) in self.options {
                        option value=(value) selected[*value == self.value] { (label) }
                    }
                }
            }
        }
    }
}

/// A value that goes along.
pub fn hidden(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(name) value=(value); }
}

fn described_by(name: &str, hint: Option<&str>, error: Option<&str>) -> Option<String> {
    let hint = hint.map(|_| format!("h-{name}"));
    let error = error.map(|_| format!("e-{name}"));
    let ids: Vec<_> = error.into_iter().chain(hint).collect();
    (!ids.is_empty()).then(|| ids.join(" "))
}

fn hint(name: &str, text: Option<&str>) -> Markup {
    html! { @if let Some(text) = text { p.hint id={ "h-" (name) } { (text) } } }
}

fn error(name: &str, text: Option<&str>) -> Markup {
    html! {
        @if let Some(text) = text { p.error id={ "e-" (name) } { (icon(Icon::Warning)) (text) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_tied_to_its_hint_and_its_error() {
        let errors = Errors::of_field("username", "Username already exists");
        let field = Field::text("username", "Username").hint("3 to 50").required().errors(&errors);
        let html = field.render().into_string();
        assert!(
            html.contains(r#"aria-describedby="e-username h-username" aria-invalid="true""#),
            "{html}"
        );
        assert!(html.contains(r#"<p class="hint" id="h-username">3 to 50</p>"#), "{html}");
        assert!(html.contains("Username already exists") && !html.contains("optional"), "{html}");
    }

    #[test]
    fn what_people_typed_stays_text() {
        let typed = r#""><script>alert(1)</script>"#;
        let html = Field::text("display_name", "Display Name").value(typed).render().into_string();
        assert!(!html.contains("<script>"), "{html}");
        assert!(
            html.contains("value=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\""),
            "{html}"
        );
    }
}
