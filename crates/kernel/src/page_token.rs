//! Page tokens (AIP-158): opaque, tamper-proof and bound to their query.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use pasetors::{
    Local,
    keys::SymmetricKey,
    token::UntrustedToken,
    version4::{LocalToken, V4},
};

const PREFIX: &str = "v4.local.";

/// A page token that this installation did not give out for this query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the next_page_token of an earlier page of the same list")]
pub struct InvalidPageToken;

/// Seals and opens page tokens.
///
/// A token is a PASETO v4.local without its header: what it says is encrypted,
/// so clients cannot come to rely on it, and the query takes part in the
/// authentication, so a token of one list, filter or order opens no other.
pub struct PageTokens {
    key: SymmetricKey<V4>,
}

impl std::fmt::Debug for PageTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PageTokens").finish_non_exhaustive()
    }
}

impl PageTokens {
    /// Tokens under a secret key; the same key on every replica.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        #[expect(clippy::expect_used, reason = "32 bytes is the length of every v4 key")]
        let key = SymmetricKey::from(&key).expect("a v4.local key has 32 bytes");
        Self { key }
    }

    /// A token that continues `query` behind `cursor`. `query` is any
    /// encoding of what was asked for; the token opens only under the same.
    #[must_use]
    pub fn seal(&self, query: &str, cursor: &str) -> String {
        let token = LocalToken::encrypt(&self.key, cursor.as_bytes(), None, Some(query.as_bytes()));
        #[expect(
            clippy::expect_used,
            reason = "fails only without an operating system's randomness"
        )]
        let token = token.expect("sealing needs randomness only");
        token[PREFIX.len()..].to_owned()
    }

    /// The cursor that was sealed into `token` for `query`.
    pub fn open(&self, query: &str, token: &str) -> Result<String, InvalidPageToken> {
        // The bound is far above any token given out; it keeps the work that
        // a stranger can cause small.
        if token.len() > 1_024 || URL_SAFE_NO_PAD.decode(token).is_err() {
            return Err(InvalidPageToken);
        }
        let untrusted = UntrustedToken::<Local, V4>::try_from(&format!("{PREFIX}{token}"))
            .map_err(|_| InvalidPageToken)?;
        let opened = LocalToken::decrypt(&self.key, &untrusted, None, Some(query.as_bytes()))
            .map_err(|_| InvalidPageToken)?;
        Ok(opened.payload().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_under_its_key_and_query_only() {
        let tokens = PageTokens::new([7; 32]);
        let token = tokens.seal("users?order=create_time", "cursor");
        assert_eq!(tokens.open("users?order=create_time", &token).unwrap(), "cursor");
        assert_eq!(tokens.open("users?order=username", &token), Err(InvalidPageToken));
        let others = PageTokens::new([8; 32]);
        assert_eq!(others.open("users?order=create_time", &token), Err(InvalidPageToken));
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let tokens = PageTokens::new([7; 32]);
        let token = tokens.seal("q", "cursor");
        for at in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(tokens.open("q", &forged), Err(InvalidPageToken), "{at}");
        }
    }

    #[test]
    fn rubbish_is_refused() {
        let tokens = PageTokens::new([7; 32]);
        for text in ["", "x", "....", "v4.local.", &"A".repeat(100_000)] {
            assert_eq!(tokens.open("q", text), Err(InvalidPageToken));
        }
    }
}
