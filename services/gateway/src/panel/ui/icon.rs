//! Icons: strokes on a field of 24 by 24. A page holds the shapes once.

use maud::{Markup, html};

/// What an icon shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// A shield: administrators.
    Shield,
    /// One person.
    Person,
    /// Several people.
    People,
    /// A pencil: edit.
    Pencil,
    /// A bin: delete.
    Bin,
    /// A plus: create.
    Plus,
    /// A magnifying glass.
    Search,
    /// Something opens below.
    Down,
    /// Back.
    Left,
    /// On.
    Right,
    /// A key.
    Key,
    /// A device that somebody is signed in with.
    Device,
    /// Bars.
    Chart,
    /// The way out.
    Out,
    /// An arrow down to a line.
    Download,
    /// Done.
    Check,
    /// A cross.
    Cross,
    /// Good to know.
    Info,
    /// Something needs attention.
    Warning,
    /// Two sheets.
    Copy,
    /// A circle that closes: again, or something new.
    Again,
    /// Not allowed in.
    Ban,
    /// From one to the other.
    Swap,
    /// An eye: look at it.
    Eye,
    /// A lock: passwords.
    Lock,
}

/// Each icon's name and the path that draws it.
const SHAPES: [(Icon, &str, &str); 25] = [
    (
        Icon::Shield,
        "shield",
        "M12 3l7 2.6v5.6c0 4.4-2.8 7.9-7 9.8-4.2-1.9-7-5.4-7-9.8V5.6zM9 11.8l2.2 2.2L15 10",
    ),
    (
        Icon::Person,
        "person",
        "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5c1-4 4-5.5 7.5-5.5s6.5 1.5 7.5 5.5",
    ),
    (
        Icon::People,
        "people",
        "M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c.8-3.8 3.3-5.2 6.5-5.2s5.7 1.4 6.5 5.2M16 4.8a3.5 3.5 0 0 1 0 6.4M18 15.2c1.9.8 3 2.4 3.5 4.8",
    ),
    (Icon::Pencil, "pencil", "M4 20l1-4.5L15.8 4.7l3.5 3.5L8.5 19zM13.5 7l3.5 3.5"),
    (Icon::Bin, "bin", "M4.5 7h15M9.5 7V4h5v3M6.5 7l1 13h9l1-13M10.2 11v5M13.8 11v5"),
    (Icon::Plus, "plus", "M12 5v14M5 12h14"),
    (Icon::Search, "search", "M11 17.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM20 20l-4.3-4.3"),
    (Icon::Down, "down", "M7 10l5 5 5-5"),
    (Icon::Left, "left", "M14 7l-5 5 5 5"),
    (Icon::Right, "right", "M10 7l5 5-5 5"),
    (Icon::Key, "key", "M8 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 12h9v4M17 12v3"),
    (Icon::Device, "device", "M5 5h14v10H5zM2.5 19h19"),
    (Icon::Chart, "chart", "M4 20h16M7 16.5v-5M12 16.5V6M17 16.5V9"),
    (Icon::Out, "out", "M10 4H5v16h5M15 8l4 4-4 4M19 12H9.5"),
    (Icon::Download, "download", "M12 4v11M7 10.5l5 4.5 5-4.5M5 20h14"),
    (Icon::Check, "check", "M5 12.5l4.5 4.5L19 7.5"),
    (Icon::Cross, "cross", "M6 6l12 12M18 6L6 18"),
    (Icon::Info, "info", "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5.5M12 7.5v.1"),
    (Icon::Warning, "warning", "M12 4l9 16H3zM12 10v4.5M12 17v.1"),
    (Icon::Copy, "copy", "M9 9h10v11H9zM6 15H5V4h10v2"),
    (Icon::Again, "again", "M19.5 12a7.5 7.5 0 1 1-2.3-5.4M19.5 3.5v4h-4"),
    (Icon::Ban, "ban", "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM5.7 5.7l12.6 12.6"),
    (Icon::Swap, "swap", "M4 8h15M15 4l4 4-4 4M20 16H5M9 12l-4 4 4 4"),
    (
        Icon::Eye,
        "eye",
        "M2.5 12C4.5 8 8 6 12 6s7.5 2 9.5 6c-2 4-5.5 6-9.5 6s-7.5-2-9.5-6zM12 14.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
    ),
    (Icon::Lock, "lock", "M6 11h12v9.5H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3M12 14.5v2.5"),
];

/// One icon, which says nothing by itself: what stands beside it does.
pub fn icon(which: Icon) -> Markup {
    let name = SHAPES.iter().find(|(icon, ..)| *icon == which).map_or("", |(_, name, _)| name);
    html! { svg.icon aria-hidden="true" { use href={ "#i-" (name) } {} } }
}

/// The shapes of all icons, out of sight.
pub fn sprite() -> Markup {
    html! {
        svg.sprite xmlns="http://www.w3.org/2000/svg" aria-hidden="true" {
            @for (_, name, path) in SHAPES {
                symbol id={ "i-" (name) } viewBox="0 0 24 24" { path d=(path) {} }
            }
        }
    }
}
