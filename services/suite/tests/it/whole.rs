//! All services, in one process or apart.

use std::{env, net::SocketAddr};

use roster_events::{Faults, Subscription};
use roster_participant::{ReconcileError, ReconcileReport};
use roster_suite::Suite;

use crate::cluster::Cluster;

/// The variable that says how the services run: `distributed` for apart.
const MODE: &str = "ROSTER_TEST_MODE";

/// Whether the services are to run apart.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests themselves")]
pub fn is_distributed() -> bool {
    env::var(MODE).is_ok_and(|mode| mode == "distributed")
}

pub enum Whole {
    One(Box<Suite>),
    Apart(Box<Cluster>),
}

impl Whole {
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::One(suite) => suite.address(),
            Self::Apart(cluster) => cluster.address(),
        }
    }

    /// Where the identity service is called directly.
    pub fn identity(&self) -> SocketAddr {
        match self {
            Self::One(_) => panic!("in one process nothing listens for services"),
            Self::Apart(cluster) => cluster.address_of("identity"),
        }
    }

    pub async fn settle(&self) {
        match self {
            Self::One(suite) => suite.settle().await.unwrap(),
            Self::Apart(cluster) => cluster.settle().await,
        }
    }

    pub async fn stop(self) {
        match self {
            Self::One(suite) => suite.stop().await,
            Self::Apart(cluster) => cluster.stop().await,
        }
    }

    pub async fn crash(self) {
        match self {
            Self::One(suite) => suite.crash().await,
            Self::Apart(cluster) => cluster.crash().await,
        }
    }

    /// What there is of services that run apart only.
    pub fn apart(&self) -> &Cluster {
        match self {
            Self::One(_) => panic!("this test is about services that run apart"),
            Self::Apart(cluster) => cluster,
        }
    }

    pub fn apart_mut(&mut self) -> &mut Cluster {
        match self {
            Self::One(_) => panic!("this test is about services that run apart"),
            Self::Apart(cluster) => cluster,
        }
    }

    /// Keeps back the events that the services have not received yet, until
    /// [`Whole::release_events`].
    pub async fn hold_events(&self) {
        match self {
            Self::One(suite) => {
                suite.bus().hold(|what| matches!(what, Subscription::Events { .. }));
            }
            Self::Apart(cluster) => cluster.events.hold().await,
        }
    }

    pub async fn release_events(&self) {
        match self {
            Self::One(suite) => suite.bus().release(),
            Self::Apart(cluster) => cluster.events.release().await,
        }
    }

    /// From now on events get lost, come twice, and come in any order: as they are
    /// published in one process, and on a broker what it had to keep back until
    /// [`Whole::end_disorder`].
    pub async fn begin_disorder(&self) {
        match self {
            Self::One(suite) => {
                suite.bus().inject(Faults { loss: 100, duplication: 100, reordering: 128 });
            }
            Self::Apart(cluster) => cluster.events.hold().await,
        }
    }

    /// Delivers what a broker has kept back, in disorder. In one process the
    /// disorder goes on.
    pub async fn end_disorder(&self, seed: u64) {
        if let Self::Apart(cluster) = self {
            cluster.events.disturb(seed).await;
            cluster.events.release().await;
        }
    }

    /// What has been measured, as scrapes find it.
    pub fn scrape(&self) -> String {
        match self {
            Self::One(suite) => suite.scraper().text().unwrap(),
            Self::Apart(cluster) => cluster.scrape(),
        }
    }

    pub async fn reconcile(&self) -> Vec<(&'static str, Result<ReconcileReport, ReconcileError>)> {
        match self {
            Self::One(suite) => suite.reconcile().await,
            Self::Apart(cluster) => cluster.reconcile().await,
        }
    }
}
