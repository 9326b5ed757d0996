//! What pages are built from. Each part is a small value that renders itself.

mod badge;
mod button;
mod data;
mod empty;
mod field;
mod icon;
mod message;
mod page;
mod pages;
mod pending;
mod table;
mod time;

pub use badge::{Tone, admin_badge, badge, disabled_badge};
pub use button::{button, enter, link_button, submit, submit_as};
pub use data::{clipped, count, facts, grouped, initials, kind};
pub use empty::empty;
pub use field::{Checkbox, Choice, Field, hidden};
pub use icon::{Icon, icon, sprite};
pub use message::{Message, summary};
pub use page::{Page, Tab};
pub use pages::Pages;
pub use pending::pending;
pub use table::{Column, Order, cell, columns, long_cell, number_cell, time_cell};
pub use time::time;
