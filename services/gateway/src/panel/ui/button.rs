//! Buttons, and links that look like one.

use maud::{Markup, Render, html};

use super::{Icon, icon};

/// What happens on a press.
#[derive(Clone, Debug)]
enum Does<'a> {
    Send,
    SendAs(&'a str, &'a str),
    GoTo(&'a str),
    /// Something that only a script can: out of sight without one.
    Script(&'a str, &'a str),
}

/// A button.
#[derive(Clone, Debug)]
pub struct Button<'a> {
    does: Does<'a>,
    label: &'a str,
    of: Option<&'a str>,
    symbol: Option<Icon>,
    class: &'static str,
    icon_only: bool,
}

impl<'a> Button<'a> {
    const fn new(does: Does<'a>, label: &'a str) -> Self {
        Self { does, label, of: None, symbol: None, class: "", icon_only: false }
    }

    /// The one that most people are here for.
    pub const fn primary(mut self) -> Self {
        self.class = "primary";
        self
    }

    /// One that cannot be taken back.
    pub const fn danger(mut self) -> Self {
        self.class = "danger";
        self
    }

    /// One that does not stand out.
    pub const fn quiet(mut self) -> Self {
        self.class = "quiet";
        self
    }

    /// With an icon in front.
    pub const fn icon(mut self, symbol: Icon) -> Self {
        self.symbol = Some(symbol);
        self
    }

    /// Says to those who do not see what it stands beside, which of several such
    /// buttons it is.
    pub const fn of(mut self, of: &'a str) -> Self {
        self.of = Some(of);
        self
    }

    /// With an icon, and the label for those who do not see it. `of` says which of
    /// several such buttons it is.
    pub const fn icon_only(mut self, symbol: Icon, of: &'a str) -> Self {
        self.of = Some(of);
        self.icon_only = true;
        self.icon(symbol)
    }

    fn classes(&self) -> String {
        let square = if self.icon_only { "square" } else { "" };
        ["button", self.class, square].join(" ").trim_end().replace("  ", " ")
    }

    fn inside(&self) -> Markup {
        html! {
            @if let Some(symbol) = self.symbol { (icon(symbol)) }
            @if self.icon_only {
                span.hidden { (self.label) @if let Some(of) = self.of { " " (of) } }
            } @else {
                (self.label)
                @if let Some(of) = self.of { span.hidden { " " (of) } }
            }
        }
    }
}

impl Render for Button<'_> {
    fn render(&self) -> Markup {
        let (classes, inside) = (self.classes(), self.inside());
        let title = self.icon_only.then_some(self.label);
        html! {
            @match self.does {
                Does::GoTo(to) => a class=(classes) href=(to) title=[title] { (inside) },
                Does::Send => button class=(classes) title=[title] { (inside) },
                Does::SendAs(name, value) => {
                    button class=(classes) name=(name) value=(value) title=[title] { (inside) }
                }
                Does::Script(action, on) => {
                    button class=(classes) type="button" data-do=(action) data-on=(on) title=[title] hidden {
                        (inside)
                    }
                }
            }
        }
    }
}

/// Sends the form that it stands in.
pub const fn submit(label: &str) -> Button<'_> {
    Button::new(Does::Send, label)
}

/// Sends the form, which then says that `name` is `value`.
pub const fn submit_as<'a>(name: &'a str, value: &'a str, label: &'a str) -> Button<'a> {
    Button::new(Does::SendAs(name, value), label)
}

/// What the Enter key presses, where another button stands before the one that
/// sends the form.
pub fn enter() -> Markup {
    html! { button.hidden tabindex="-1" aria-hidden="true" { "Send" } }
}

/// Leads to a page.
pub const fn link_button<'a>(to: &'a str, label: &'a str) -> Button<'a> {
    Button::new(Does::GoTo(to), label)
}

/// Does something with the element of the id `on`, where scripts run: `copy`,
/// `show` or `generate`.
pub const fn button<'a>(action: &'a str, on: &'a str, label: &'a str) -> Button<'a> {
    Button::new(Does::Script(action, on), label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_button_of_an_icon_has_a_name() {
        let button = link_button("/admin/users/1", "Edit").icon_only(Icon::Pencil, "<b>");
        let html = button.render().into_string();
        assert!(
            html.contains(r#"class="button square" href="/admin/users/1" title="Edit""#),
            "{html}"
        );
        assert!(html.contains(r#"<span class="hidden">Edit &lt;b&gt;</span>"#), "{html}");
    }
}
