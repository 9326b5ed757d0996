//! The parts of an input.

use std::borrow::Cow;

/// What stands between parts.
const SEPARATOR: u8 = 0xFF;

/// An input that is taken apart from its front.
pub struct Input<'a>(std::slice::Split<'a, u8, fn(&u8) -> bool>);

impl<'a> Input<'a> {
    /// The input in `data`.
    pub fn new(data: &'a [u8]) -> Self {
        let separates: fn(&u8) -> bool = |byte| *byte == SEPARATOR;
        Self(data.split(separates))
    }

    /// The next part; empty where there is none.
    pub fn bytes(&mut self) -> &'a [u8] {
        self.0.next().unwrap_or_default()
    }

    /// The next part as text.
    pub fn text(&mut self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.bytes())
    }

    /// The next part, if there is one, as text.
    pub fn more(&mut self) -> Option<Cow<'a, str>> {
        self.0.next().map(String::from_utf8_lossy)
    }
}
