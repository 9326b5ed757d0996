//! Page tokens: nobody can make one, and what was sealed comes out again.

use std::sync::LazyLock;

use roster_kernel::PageTokens;

use crate::{input::Input, world::Ground};

static TOKENS: LazyLock<PageTokens> = LazyLock::new(|| PageTokens::new([7; 32]));

/// A query, a cursor, a token, and what one sealed byte becomes.
pub fn page_token(_ground: &mut Ground, data: &[u8]) {
    let mut input = Input::new(data);
    let (query, cursor, token) = (input.text(), input.text(), input.text());
    assert!(TOKENS.open(&query, &token).is_err(), "a forged token opens");
    if cursor.is_empty() {
        return;
    }
    let sealed = TOKENS.seal(&query, &cursor);
    // What is longer than any page token of Roster's does not open.
    if sealed.len() <= 1_024 {
        assert_eq!(TOKENS.open(&query, &sealed).as_deref(), Ok(&*cursor));
    }
    assert!(TOKENS.open(&format!("{query} "), &sealed).is_err(), "another query's token opens");
    let mut changed = sealed.clone().into_bytes();
    if let [at, byte, ..] = *input.bytes() {
        let at = usize::from(at) * changed.len() / 256;
        changed[at] = byte & 0x7F;
        let changed = String::from_utf8(changed).unwrap();
        assert!(
            changed == sealed || TOKENS.open(&query, &changed).is_err(),
            "a changed token opens"
        );
    }
}
