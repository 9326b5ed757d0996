//! Where there is nothing.

use maud::{Markup, html};

use super::{Icon, icon};

/// Says that there is nothing, why, and what to do about it.
pub fn empty(symbol: Icon, title: &str, text: &str, action: Option<&Markup>) -> Markup {
    html! {
        div.empty {
            (icon(symbol))
            p.empty-title { (title) }
            p { (text) }
            @if let Some(action) = action { p { (action) } }
        }
    }
}
