//! Which account somebody wants to sign in to.

use std::borrow::Cow;

use precis_core::profile::PrecisFastInvocation;
use precis_profiles::UsernameCaseMapped;

/// The form that all spellings of a username have in common: the one that
/// identity looks it up in, or each spelling could be tried on its own. What
/// cannot be a username stays as it is.
pub fn account(username: &str) -> Cow<'_, str> {
    UsernameCaseMapped::enforce(username).unwrap_or(Cow::Borrowed(username))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_a_username_are_one_account() {
        for spelling in ["alice", "Alice", "ALICE", "ＡＬＩＣＥ"] {
            assert_eq!(account(spelling), "alice");
        }
        assert_eq!(account("a\u{308}sa"), account("ÄSA"));
        assert_eq!(account("a b"), "a b");
        assert_eq!(account(""), "");
    }
}
