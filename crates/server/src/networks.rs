//! Addresses, and ranges of them.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// How much of an IPv6 address tells one client from another: whoever has one
/// address has all of its /64 (RFC 6177).
const IPV6_CLIENT_BITS: u32 = 64;

/// Ranges of addresses, such as those of an operator's proxies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

/// A text that is neither an address nor a range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither an address nor a range such as 10.0.0.0/8")]
pub struct NotANetwork(String);

impl Networks {
    /// Reads addresses and ranges, as in `192.0.2.1` and `2001:db8::/32`.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, NotANetwork> {
        texts.iter().map(|text| network(text.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether `address` is in one of the ranges. An IPv4 address that came
    /// in the clothes of IPv6 counts as what it is.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

fn network(text: &str) -> Result<IpNet, NotANetwork> {
    let refused = || NotANetwork(text.to_owned());
    match IpAddr::from_str(text) {
        Ok(address) => Ok(IpNet::from(address.to_canonical())),
        Err(_) => IpNet::from_str(text).map_err(|_| refused()),
    }
}

/// What stands for a client whose address this is: the address itself, or the
/// network that an IPv6 client can take any address of.
#[must_use]
pub fn client_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let kept = u128::MAX << (Ipv6Addr::BITS - IPV6_CLIENT_BITS);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & kept))
        }
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&texts.join(", "))
    }
}

impl Serialize for Networks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ToString::to_string))
    }
}

impl<'de> Deserialize<'de> for Networks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        Self::parse(&texts).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_and_ranges_are_read() {
        let networks = Networks::parse(&["192.0.2.1", "10.0.0.0/8", "2001:db8::/32"]).unwrap();
        for (text, contained) in [
            ("192.0.2.1", true),
            ("192.0.2.2", false),
            ("10.255.0.1", true),
            ("::ffff:10.1.2.3", true),
            ("11.0.0.1", false),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
        ] {
            assert_eq!(networks.contain(address(text)), contained, "{text}");
        }
        assert!(!Networks::default().contain(address("127.0.0.1")));
        let mapped = Networks::parse(&["::ffff:192.0.2.1"]).unwrap();
        assert!(mapped.contain(address("192.0.2.1")));
    }

    #[test]
    fn what_is_no_network_is_named() {
        for text in ["", "localhost", "10.0.0.0/33", "10.0.0", "10.0.0.0/-1"] {
            assert_eq!(Networks::parse(&[text]), Err(NotANetwork(text.to_owned())));
        }
    }

    #[test]
    fn all_of_a_clients_addresses_are_one_client() {
        for (one, other, same) in [
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
        ] {
            assert_eq!(client_of(address(one)) == client_of(address(other)), same, "{one} {other}");
        }
    }
}
