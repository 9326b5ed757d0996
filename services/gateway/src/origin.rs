//! Where a call comes from, as far as the edge can see.

use std::net::{IpAddr, SocketAddr};

use http::{Extensions, HeaderMap, HeaderName, header::USER_AGENT, request::Parts};
use roster_kernel::Origin;
use roster_server::{Encrypted, Networks, PeerAddr};

/// The longest user agent that is kept, in characters.
const USER_AGENT_CHARS: usize = 512;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The most proxies that a call has come through, each of them trusted.
const MOST_HOPS: usize = 16;

/// The client's address and what it calls itself.
///
/// The address is the connection's, unless a trusted proxy is at its other
/// end: then it is what the proxy says in `X-Forwarded-For`. From anybody
/// else the header is just something a client says; so is `Forwarded`
/// (RFC 7239), always.
pub fn of(head: &Parts, proxies: &Networks) -> Origin {
    let peer = head.extensions.get::<PeerAddr>().map(|peer| peer.0.ip().to_canonical());
    let address = peer.map(|peer| client(peer, &head.headers, proxies));
    let user_agent = head
        .headers
        .get(USER_AGENT)
        .map(|value| {
            String::from_utf8_lossy(value.as_bytes()).chars().take(USER_AGENT_CHARS).collect()
        })
        .unwrap_or_default();
    Origin { address, user_agent }
}

/// Whether nobody between the client and here can read along: the connection is
/// encrypted, or ends at a trusted proxy that says that the client's is.
pub fn is_encrypted(headers: &HeaderMap, extensions: &Extensions, proxies: &Networks) -> bool {
    if extensions.get::<Encrypted>().is_some() {
        return true;
    }
    let peer = extensions.get::<PeerAddr>();
    let trusted = peer.is_some_and(|peer| proxies.contain(peer.0.ip()));
    let said = headers.get_all(FORWARDED_PROTO).iter().next_back();
    trusted && said.is_some_and(|said| said.as_bytes().eq_ignore_ascii_case(b"https"))
}

/// The nearest hop that no trusted proxy is: each proxy adds, at the end, the
/// address that it was called from, so what stands further left was said by
/// somebody who need not tell the truth. Where an entry cannot be read, the
/// last one that could is as far as can be seen.
fn client(peer: IpAddr, headers: &HeaderMap, proxies: &Networks) -> IpAddr {
    let mut nearest = peer;
    let values: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
    let entries = values.iter().rev().flat_map(|value| value.as_bytes().rsplit(|b| *b == b','));
    for entry in entries.take(MOST_HOPS) {
        if !proxies.contain(nearest) {
            break;
        }
        let Some(address) = address(entry) else { break };
        nearest = address;
    }
    nearest
}

/// An address, as proxies write it: with a port or without, IPv6 with
/// brackets or without.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse().ok().map(|it: SocketAddr| it.ip());
    let plain = text.parse().ok();
    plain.or_else(bracketed).or_else(with_port).map(|it: IpAddr| it.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, headers: &[&str]) -> String {
        let proxies = Networks::parse(&["10.0.0.0/8", "2001:db8:5::/48"]).unwrap();
        let mut map = HeaderMap::new();
        for value in headers {
            map.append(FORWARDED_FOR, value.parse().unwrap());
        }
        client(peer.parse().unwrap(), &map, &proxies).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        assert_eq!(seen("192.0.2.1", &["198.51.100.1"]), "192.0.2.1");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn only_a_trusted_proxy_can_say_that_a_connection_is_encrypted() {
        let proxies = Networks::parse(&["10.0.0.0/8"]).unwrap();
        let encrypted = |peer: &str, said: &str| {
            let headers = HeaderMap::from_iter([(FORWARDED_PROTO, said.parse().unwrap())]);
            let mut extensions = Extensions::new();
            extensions.insert(PeerAddr(peer.parse().unwrap()));
            is_encrypted(&headers, &extensions, &proxies)
        };
        assert!(encrypted("10.0.0.1:1", "https"));
        assert!(!encrypted("10.0.0.1:1", "http"));
        assert!(!encrypted("192.0.2.1:1", "https"));
        let mut extensions = Extensions::new();
        extensions.insert(Encrypted);
        assert!(is_encrypted(&HeaderMap::new(), &extensions, &Networks::default()));
    }

    #[test]
    fn the_nearest_hop_that_is_not_trusted_is_the_client() {
        // The client claims to be somebody else.
        assert_eq!(seen("10.0.0.1", &["203.0.113.9, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(seen("10.0.0.1", &["10.0.0.3,10.0.0.2"]), "10.0.0.3");
        // Several headers are one list.
        assert_eq!(seen("10.0.0.1", &["203.0.113.9", "198.51.100.1", "10.9.9.9"]), "198.51.100.1");
    }

    #[test]
    fn what_cannot_be_read_ends_what_can_be_seen() {
        for value in ["", "unknown", "198.51.100.1, ", "198.51.100.1, _hidden", "1.2.3", "[::1"] {
            assert_eq!(seen("10.0.0.1", &[value]), "10.0.0.1", "{value:?}");
        }
        assert_eq!(seen("10.0.0.1", &["198.51.100.1, nonsense, 10.0.0.2"]), "10.0.0.2");
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        for (value, expected) in [
            (" 198.51.100.1 ", "198.51.100.1"),
            ("198.51.100.1:4711", "198.51.100.1"),
            ("::ffff:198.51.100.1", "198.51.100.1"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:4711", "2001:db8::7"),
        ] {
            assert_eq!(seen("10.0.0.1", &[value]), expected, "{value:?}");
        }
        assert_eq!(seen("2001:db8:5::1", &["192.0.2.1"]), "192.0.2.1");
    }

    #[test]
    fn a_list_without_end_is_not_read_to_its_end() {
        let long = ["10.0.0.2"; 100].join(",");
        assert_eq!(seen("10.0.0.1", &[&format!("198.51.100.1,{long}")]), "10.0.0.2");
    }
}
