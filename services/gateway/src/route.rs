//! Which method a call is for, and who serves it.

use std::{collections::HashMap, sync::Arc};

use roster_server::{AccessTable, Level, MethodAccess, Streams, Upstream};

/// A public service of the contract that nobody serves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no upstream serves {0}")]
pub struct UnroutedService(String);

/// A method that can be called from outside.
#[derive(Clone, Debug)]
pub struct Route {
    /// Who may call it.
    pub access: MethodAccess,
    /// Who serves it.
    pub upstream: Upstream,
}

/// Every method that can be called through an entrance, by its exact path. In
/// that of the edge INTERNAL methods are not: to the outside they do not exist.
#[derive(Clone, Debug)]
pub struct RouteTable {
    routes: Arc<HashMap<String, Arc<Route>>>,
}

impl RouteTable {
    /// The methods of `access` that are not INTERNAL, served by the upstream
    /// of their package, and those of `open`: full names of methods that
    /// stand outside the contract and are open to anyone.
    pub fn new(
        access: &AccessTable,
        packages: &HashMap<&str, Upstream>,
        open: &[(&str, Streams, Upstream)],
    ) -> Result<Self, UnroutedService> {
        let mut routes = HashMap::new();
        for (path, rule) in access.iter().filter(|(_, rule)| rule.level != Level::Internal) {
            let upstream = package_of(path).and_then(|package| packages.get(package));
            let upstream = upstream.ok_or_else(|| UnroutedService(path.to_owned()))?.clone();
            routes.insert(path.to_owned(), Arc::new(Route { access: rule, upstream }));
        }
        Ok(Self::with_open(routes, open))
    }

    /// The methods of `paths` and no others, whatever their level, all served
    /// by `upstream`, and those of `open`.
    pub fn of_methods(
        access: &AccessTable,
        paths: &[&str],
        upstream: &Upstream,
        open: &[(&str, Streams, Upstream)],
    ) -> Result<Self, UnroutedService> {
        let mut routes = HashMap::new();
        for path in paths {
            let rule = access.find(path).ok_or_else(|| UnroutedService((*path).to_owned()))?;
            let route = Route { access: rule, upstream: upstream.clone() };
            routes.insert((*path).to_owned(), Arc::new(route));
        }
        Ok(Self::with_open(routes, open))
    }

    fn with_open(
        mut routes: HashMap<String, Arc<Route>>,
        open: &[(&str, Streams, Upstream)],
    ) -> Self {
        for (path, streams, upstream) in open {
            let (access, upstream) = (MethodAccess::public(*streams), upstream.clone());
            let route = Route { access, upstream };
            routes.insert((*path).to_owned(), Arc::new(route));
        }
        Self { routes: Arc::new(routes) }
    }

    /// The route of a path, compared byte for byte: what is decided upon is
    /// what is called.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Arc<Route>> {
        self.routes.get(path)
    }
}

/// `roster.identity.v1` of `/roster.identity.v1.UserAdminService/GetUser`.
fn package_of(path: &str) -> Option<&str> {
    let (service, _method) = path.strip_prefix('/')?.split_once('/')?;
    service.rsplit_once('.').map(|(package, _service)| package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_what_stands_before_the_service() {
        assert_eq!(
            package_of("/roster.identity.v1.UserAdminService/GetUser"),
            Some("roster.identity.v1")
        );
        assert_eq!(package_of("/NoPackage/Method"), None);
        assert_eq!(package_of("no path"), None);
    }
}
