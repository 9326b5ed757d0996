//! Who has how much of what there is: in total, and of one address.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    Limits,
    budget::{Budget, Share},
};
use crate::networks::client_of;

/// The places of a listener.
#[derive(Debug)]
pub struct Places {
    limits: Limits,
    connections: Arc<Budget>,
    calls: Arc<Budget>,
    memory: Arc<Budget>,
    addresses: Mutex<HashMap<IpAddr, Address>>,
}

/// One address that is connected.
#[derive(Debug)]
struct Address {
    connections: usize,
    /// Whether it has been told to the log that there are too many.
    told: bool,
    calls: Arc<Budget>,
}

/// What a connection has.
#[derive(Debug)]
pub struct Place {
    /// What its calls are counted in.
    pub calls: Arc<Budget>,
    /// What its calls may keep in memory.
    pub memory: Arc<Budget>,
    _connection: Share,
    address: Option<IpAddr>,
    places: Arc<Places>,
}

/// Why a connection gets no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// There are too many connections.
    Whole,
    /// The address has too many; whether nobody has been told of it yet.
    Address {
        /// Whether this is the first that is refused.
        first: bool,
    },
}

impl Places {
    /// All that `limits` allow.
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            connections: Budget::new(limits.max_connections),
            calls: Budget::new(limits.max_calls),
            memory: Budget::new(limits.max_memory_bytes),
            addresses: Mutex::default(),
            limits,
        })
    }

    /// The limits.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// A place for a connection from `peer`. One without an address comes
    /// from this machine, and a trusted proxy's are those of its clients:
    /// neither has bounds of its own.
    pub fn take(self: &Arc<Self>, peer: Option<SocketAddr>) -> Result<Place, Full> {
        let connection = self.connections.take(1).ok_or(Full::Whole)?;
        let bounded = peer.filter(|peer| !self.limits.trusted_proxies.contain(peer.ip()));
        let address = bounded.map(|peer| client_of(peer.ip()));
        let calls = match address {
            Some(address) => self.enter(address)?,
            None => Arc::clone(&self.calls),
        };
        Ok(Place {
            calls,
            memory: self.memory.part(self.limits.max_memory_bytes_per_connection),
            _connection: connection,
            address,
            places: Arc::clone(self),
        })
    }

    fn enter(&self, address: IpAddr) -> Result<Arc<Budget>, Full> {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = addresses.entry(address).or_insert_with(|| Address {
            connections: 0,
            told: false,
            calls: self.calls.part(self.limits.max_calls_per_address),
        });
        if entry.connections >= self.limits.max_connections_per_address {
            let first = !std::mem::replace(&mut entry.told, true);
            return Err(Full::Address { first });
        }
        entry.connections += 1;
        Ok(Arc::clone(&entry.calls))
    }

    fn leave(&self, address: IpAddr) {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = addresses.get_mut(&address) {
            entry.connections -= 1;
            if entry.connections == 0 {
                addresses.remove(&address);
            }
        }
    }
}

impl Place {
    /// What holds for the connection.
    pub fn limits(&self) -> &Limits {
        self.places.limits()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(address) = self.address {
            self.places.leave(address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Networks;

    fn places() -> Arc<Places> {
        Places::new(Limits {
            max_connections: 5,
            max_connections_per_address: 2,
            max_calls: 5,
            max_calls_per_address: 3,
            trusted_proxies: Networks::parse(&["192.0.2.99"]).unwrap(),
            ..Limits::default()
        })
    }

    fn peer(address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().unwrap(), 1)
    }

    #[test]
    fn an_address_has_its_own_bound_and_is_told_of_once() {
        let places = places();
        let first = places.take(Some(peer("192.0.2.1"))).unwrap();
        let _second = places.take(Some(peer("::ffff:192.0.2.1"))).unwrap();
        let refused = |at| places.take(Some(peer(at))).unwrap_err();
        assert_eq!(refused("192.0.2.1"), Full::Address { first: true });
        assert_eq!(refused("192.0.2.1"), Full::Address { first: false });
        // A refused connection takes no place of the whole.
        let _others: Vec<_> = ["192.0.2.2", "2001:db8::1", "2001:db8::2"]
            .map(|at| places.take(Some(peer(at))).unwrap())
            .into();
        assert_eq!(refused("192.0.2.3"), Full::Whole);
        drop(first);
        places.take(Some(peer("192.0.2.1"))).unwrap();
        assert_eq!(refused("2001:db8::3"), Full::Address { first: true });
    }

    #[test]
    fn the_calls_of_an_address_are_counted_over_all_its_connections() {
        let places = places();
        let (one, other) =
            (places.take(Some(peer("::1"))).unwrap(), places.take(Some(peer("::2"))).unwrap());
        let taken = [one.calls.take(1).unwrap(), one.calls.take(1).unwrap()];
        let last = other.calls.take(1).unwrap();
        assert!(other.calls.take(1).is_none());
        let third = places.take(Some(peer("192.0.2.1"))).unwrap();
        let _of_third = [third.calls.take(1).unwrap(), third.calls.take(1).unwrap()];
        drop((taken, last));
        assert!(other.calls.take(3).is_some());
    }

    #[test]
    fn the_bounds_of_an_address_do_not_hold_for_a_trusted_proxy() {
        let places = places();
        let of_proxy: Vec<_> =
            (0..5).map(|_| places.take(Some(peer("192.0.2.99"))).unwrap()).collect();
        assert!(of_proxy[0].calls.take(5).is_some());
        assert_eq!(places.take(Some(peer("192.0.2.99"))).unwrap_err(), Full::Whole);
    }

    #[test]
    fn an_address_that_has_gone_leaves_nothing_behind() {
        let places = places();
        drop(places.take(Some(peer("192.0.2.1"))).unwrap());
        assert!(places.addresses.lock().unwrap().is_empty());
    }
}
