//! The tokens that clients show: random bits behind a prefix, of which only a
//! hash is kept.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::Env;

/// How many random bytes a token has: 256 bits cannot be guessed, so a fast
/// hash without salt is enough to store it by.
const BYTES: usize = 32;

/// What a token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A session.
    Session,
    /// What a program may do.
    Machine,
}

impl TokenKind {
    /// What every token of the kind begins with: it lets people and scanners
    /// for leaked secrets recognise one, and the edge tell whom to ask.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Session => "rst_",
            Self::Machine => "rmt_",
        }
    }

    /// The kind that a text would be of, if it were a token.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        [Self::Session, Self::Machine].into_iter().find(|kind| text.starts_with(kind.prefix()))
    }
}

/// A text that no token was ever given as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a token")]
pub struct MalformedToken;

/// The secret that a client shows to be let in.
#[derive(Clone, Debug)]
pub struct BearerToken(SecretString);

impl BearerToken {
    /// A new token: the prefix and 256 random bits.
    #[must_use]
    pub fn generate(kind: TokenKind, env: &Env) -> Self {
        let bits = URL_SAFE_NO_PAD.encode(env.bytes::<BYTES>());
        Self(format!("{}{bits}", kind.prefix()).into())
    }

    /// Reads a token in the one form that [`BearerToken::generate`] gives it.
    pub fn parse(kind: TokenKind, text: &str) -> Result<Self, MalformedToken> {
        let bits = text.strip_prefix(kind.prefix()).ok_or(MalformedToken)?;
        let mut bytes = [0; BYTES];
        match URL_SAFE_NO_PAD.decode_slice(bits, &mut bytes) {
            Ok(BYTES) => Ok(Self(text.into())),
            Ok(_) | Err(_) => Err(MalformedToken),
        }
    }

    /// The token itself, to be shown to its owner once.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is kept of the token.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.expose().as_bytes()).into())
    }
}

/// The SHA-256 of a token: finds what it opens and does not give the token away.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The bytes, as storage keeps them.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_256_random_bits_behind_its_prefix() {
        let env = Env::system();
        let first = BearerToken::generate(TokenKind::Session, &env);
        let second = BearerToken::generate(TokenKind::Session, &env);
        let bits = first.expose().strip_prefix("rst_").unwrap();
        assert_eq!(bits.len(), 43);
        assert_eq!(URL_SAFE_NO_PAD.decode(bits).unwrap().len(), 32);
        assert_ne!(first.expose(), second.expose());
        assert_ne!(first.hash(), second.hash());
    }

    #[test]
    fn a_token_read_back_has_the_same_hash() {
        let env = Env::system();
        let token = BearerToken::generate(TokenKind::Session, &env);
        let read = BearerToken::parse(TokenKind::Session, token.expose()).unwrap();
        assert_eq!(read.hash(), token.hash());
    }

    #[test]
    fn kinds_are_told_apart_by_how_they_begin() {
        let env = Env::system();
        for (kind, other) in
            [(TokenKind::Session, TokenKind::Machine), (TokenKind::Machine, TokenKind::Session)]
        {
            let token = BearerToken::generate(kind, &env);
            assert_eq!(TokenKind::of(token.expose()), Some(kind));
            assert!(BearerToken::parse(kind, token.expose()).is_ok());
            assert_eq!(BearerToken::parse(other, token.expose()).err(), Some(MalformedToken));
        }
        for text in ["", "rmt", "RMT_", " rmt_", "Bearer rmt_"] {
            assert_eq!(TokenKind::of(text), None, "{text}");
        }
    }

    #[test]
    fn every_other_form_is_refused() {
        let env = Env::system();
        let token = BearerToken::generate(TokenKind::Session, &env).expose().to_owned();
        // 43 characters carry 258 bits: the last two must be zero, or one
        // token would have four spellings.
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let last = alphabet.find(token.chars().last().unwrap()).unwrap();
        let sibling = alphabet.chars().nth(last + 1).unwrap();
        let respelt = format!("{}{sibling}", &token[..token.len() - 1]);
        for text in [
            "",
            "rst_",
            &token[4..],
            &token[..46],
            &format!("{token}="),
            &format!("{token}A"),
            &format!(" {token}"),
            &token.replace("rst_", "RST_"),
            &respelt,
            &format!("rst_{}", "\u{0}".repeat(43)),
            &format!("rst_{}", "+".repeat(43)),
            &"A".repeat(100_000),
        ] {
            assert_eq!(
                BearerToken::parse(TokenKind::Session, text).err(),
                Some(MalformedToken),
                "{text:.60}"
            );
        }
    }

    #[test]
    fn neither_token_nor_hash_is_printed() {
        let env = Env::system();
        let token = BearerToken::generate(TokenKind::Session, &env);
        let printed = format!("{token:?} {:?}", token.hash());
        assert!(!printed.contains(&token.expose()[4..]));
        assert_eq!(printed.matches("..").count(), 1);
        assert!(!printed.contains(char::is_numeric), "{printed}");
    }
}
