//! Which sessions an administrator means.

use std::net::IpAddr;

use roster_kernel::{Timestamp, UserId};
use serde::Serialize;

/// A text that is not an IP address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an IPv4 or IPv6 address")]
pub struct InvalidAddress;

/// Reads an address in any notation. An IPv4 address that is written as an
/// IPv6 one means the same machine and becomes the IPv4 address.
pub fn parse_address(text: &str) -> Result<IpAddr, InvalidAddress> {
    text.parse::<IpAddr>().map(|address| address.to_canonical()).map_err(|_| InvalidAddress)
}

/// Narrows the active sessions down: a session must match all that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SessionFilter {
    /// Sessions of this user.
    pub user_id: Option<UserId>,
    /// Sessions opened from this address, in canonical form.
    pub address: Option<IpAddr>,
    /// Sessions opened at this time or later.
    pub created_from: Option<Timestamp>,
    /// Sessions opened before this time.
    pub created_before: Option<Timestamp>,
}

impl SessionFilter {
    /// The sessions of one user.
    #[must_use]
    pub fn of_user(user_id: UserId) -> Self {
        Self { user_id: Some(user_id), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notations_of_one_address_are_one_address() {
        let address = parse_address("192.0.2.1").unwrap();
        assert_eq!(parse_address("::ffff:192.0.2.1").unwrap(), address);
        assert_eq!(parse_address("::FFFF:c000:0201").unwrap(), address);
        assert_eq!(
            parse_address("2001:DB8:0:0:0:0:0:1").unwrap(),
            parse_address("2001:db8::1").unwrap()
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "localhost", "192.0.2", "192.0.2.1:80", "192.0.2.0/24", "fe80::1%eth0"] {
            assert_eq!(parse_address(text), Err(InvalidAddress), "{text}");
        }
    }
}
