//! Passwords that nobody chose.

use roster_kernel::Env;
use secrecy::SecretString;

use crate::domain::PasswordPolicy;

/// What they are made of: no characters that look alike. A power of two, so
/// that every random byte is as good as any other.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// How many characters of 5 bits are enough, where the policy does not ask
/// for more.
const LENGTH: usize = 24;

/// A password of at least 120 random bits that the policy accepts.
pub fn generate(env: &Env, policy: PasswordPolicy) -> SecretString {
    let length = LENGTH.max(policy.min_length);
    let random = std::iter::repeat_with(|| env.bytes::<LENGTH>()).flatten().take(length);
    let password: String =
        random.map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    password.into()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_strict_policy_accepts_it_too() {
        let (_, env) = roster_testkit::env(1);
        for (min_length, length) in [(6, 24), (24, 24), (25, 25), (1_024, 1_024)] {
            let policy = PasswordPolicy { min_length };
            let password = generate(&env, policy).expose_secret().to_owned();
            assert_eq!(password.len(), length);
            assert!(policy.accept(password.clone()).is_ok());
            assert_ne!(generate(&env, policy).expose_secret(), password);
        }
    }
}
