//! Tables. On a narrow screen each row becomes a card, whose values carry the
//! names of their columns.

use maud::{Markup, html};
use prost_types::Timestamp;

use super::{Icon, icon, time};

/// How a list is sorted by a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// It is not.
    Not,
    /// The least first.
    Up,
    /// The greatest first.
    Down,
}

/// The head of a column.
#[derive(Clone, Debug)]
pub struct Column<'a> {
    label: &'a str,
    class: &'static str,
    sort: Option<(Order, String)>,
}

impl<'a> Column<'a> {
    /// A column of texts.
    pub const fn new(label: &'a str) -> Self {
        Self { label, class: "", sort: None }
    }

    /// A column of numbers.
    pub const fn number(label: &'a str) -> Self {
        Self { label, class: "number", sort: None }
    }

    /// A column of buttons, whose name is not shown.
    pub const fn actions() -> Self {
        Self { label: "Actions", class: "actions", sort: None }
    }

    /// A column that the list can be sorted by, at `to`.
    pub fn sorted(mut self, order: Order, to: String) -> Self {
        self.sort = Some((order, to));
        self
    }

    fn head(&self) -> Markup {
        let sorted = self.sort.as_ref().and_then(|(order, _)| match order {
            Order::Not => None,
            Order::Up => Some("ascending"),
            Order::Down => Some("descending"),
        });
        let class = Some(self.class).filter(|class| !class.is_empty());
        html! {
            th scope="col" class=[class] aria-sort=[sorted] {
                @match &self.sort {
                    Some((order, to)) => {
                        a.sort href=(to) {
                            (self.label)
                            @if *order != Order::Not { (icon(Icon::Down)) }
                        }
                    }
                    None if self.class == "actions" => span.hidden { (self.label) },
                    None => (self.label),
                }
            }
        }
    }
}

/// The head of a table.
pub fn columns(columns: &[Column<'_>]) -> Markup {
    html! { thead { tr { @for column in columns { (column.head()) } } } }
}

/// A value, with the name of its column for narrow screens.
pub fn cell(column: &str, value: &Markup) -> Markup {
    html! { td data-label=(column) { (value) } }
}

/// A text that may be long.
pub fn long_cell(column: &str, value: &Markup) -> Markup {
    html! { td.long data-label=(column) { (value) } }
}

/// A number.
pub fn number_cell(column: &str, value: &Markup) -> Markup {
    html! { td.number data-label=(column) { (value) } }
}

/// A time, or a dash that means `otherwise`.
pub fn time_cell(column: &str, at: Option<Timestamp>, otherwise: &str) -> Markup {
    html! { td.time data-label=(column) { (time(at, otherwise)) } }
}
