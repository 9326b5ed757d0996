//! All services, in one process or apart.

use std::{env, net::SocketAddr, sync::Arc};

use roster_events::InProcessBus;
use roster_participant::{ReconcileError, ReconcileReport};
use roster_server::metrics::Scraper;
use roster_suite::Suite;
use tonic::service::Routes;

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
    Apart(Cluster),
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

    /// What there is in one process only; tests that look at it run there.
    fn one(&self) -> &Suite {
        match self {
            Self::One(suite) => suite,
            Self::Apart(_) => panic!("this test is about one process"),
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

    pub fn bus(&self) -> &Arc<InProcessBus> {
        self.one().bus()
    }

    pub fn scraper(&self) -> Scraper {
        self.one().scraper()
    }

    pub fn routes(&self) -> [(&'static str, Routes); 3] {
        self.one().routes()
    }

    pub async fn reconcile(&self) -> Vec<(&'static str, Result<ReconcileReport, ReconcileError>)> {
        self.one().reconcile().await
    }
}
