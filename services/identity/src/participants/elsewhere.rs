//! Participants that are no part of Roster: who there are is read anew each
//! time, as they come and go while this service runs.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use roster_db::{Db, DbError};
use roster_kernel::ServiceName;
use roster_server::Upstream;

use super::Known;
use crate::store::participant;

type Connect = dyn Fn(ServiceName, Vec<String>) -> Upstream + Send + Sync;

/// How services are reached that join while this one runs. Cheap to clone.
#[derive(Clone, Default)]
pub struct Ways(Option<Arc<Connect>>);

impl Ways {
    /// On the way that `connect` makes to a name and its addresses.
    pub fn new(
        connect: impl Fn(ServiceName, Vec<String>) -> Upstream + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(connect)))
    }

    /// Not at all: they do not answer.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    fn to(&self, name: &ServiceName, addresses: &[String]) -> Upstream {
        let connect = |connect: &Arc<Connect>| connect(name.clone(), addresses.to_vec());
        self.0.as_ref().map(connect).unwrap_or_default()
    }
}

impl fmt::Debug for Ways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ways").field("some", &self.0.is_some()).finish()
    }
}

/// Those that have joined, and the ways to them that have been gone.
#[derive(Debug)]
pub struct Joined {
    db: Db,
    ways: Ways,
    gone: Mutex<HashMap<ServiceName, (Vec<String>, Upstream)>>,
}

impl Joined {
    pub fn new(db: Db, ways: Ways) -> Self {
        Self { db, ways, gone: Mutex::default() }
    }

    /// Those of this moment. Their connections are kept for as long as they stay
    /// where they are.
    pub async fn all(&self) -> Result<Vec<Known>, DbError> {
        let participants = participant::list(self.db.read()).await?;
        let mut gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        gone.retain(|name, _| participants.iter().any(|it| it.name == *name));
        let known = participants.into_iter().map(|it| {
            let way = match gone.get(&it.name) {
                Some((addresses, way)) if *addresses == it.addresses => way.clone(),
                Some(_) | None => {
                    let way = self.ways.to(&it.name, &it.addresses);
                    gone.insert(it.name.clone(), (it.addresses, way.clone()));
                    way
                }
            };
            (it.name, way)
        });
        Ok(known.collect())
    }
}
