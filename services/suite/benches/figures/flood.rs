//! The process in a flood of logins, three times as many as there is room for:
//! what becomes of everything else, and how much memory it takes.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use futures_util::future::{join, join_all};
use roster_identity::IdentityConfig;
use roster_kernel::Env;
use roster_proto::{
    identity::v1::{GetProfileRequest, account_service_client::AccountServiceClient},
    session::v1::session_service_client::SessionServiceClient,
};
use tonic::{Code, metadata::AsciiMetadataValue, transport::Channel};
use tonic_types::StatusExt as _;

use crate::{
    client,
    measure::at,
    process::Process,
    table::{Row, Unit},
    world::credentials,
};

/// How often memory is looked at during the flood.
const LOOK: Duration = Duration::from_millis(20);

/// How long the others' calls are timed without a flood.
const CALM_CALLS: usize = 400;

/// A running process, and somebody who is signed in to it.
pub struct Flooded<'a> {
    pub process: &'a Process,
    pub channel: Channel,
    pub token: AsciiMetadataValue,
    /// How many logins there are in all.
    pub logins: usize,
}

/// What went on while others signed in.
struct Meanwhile {
    /// How long each of the calls without a password took, in milliseconds.
    calls: Vec<f64>,
    /// The most memory that the process held, in MiB.
    peak: f64,
    /// How many logins were computed, and how many refused.
    computed: usize,
    refused: usize,
}

impl Flooded<'_> {
    /// Floods the process, and answers what came of it.
    pub async fn measure(self, before: f64) -> Vec<Row> {
        let calm = self.calls(&AtomicBool::new(false), CALM_CALLS).await;
        let meanwhile = self.flood().await;
        let identity = IdentityConfig::default();
        let hash = f64::from(identity.hash_params().memory_kib) / 1024.0;
        let threads = f64::from(u32::try_from(identity.hash_threads()).unwrap());
        let bound = before + hash * threads;
        let share =
            format!("{} of {} refused", meanwhile.refused, meanwhile.refused + meanwhile.computed);
        vec![
            Row::new("GetProfile in a login flood, median", at(&meanwhile.calls, 50), Unit::Millis)
                .beside(at(&calm, 50), format!("without one; in it {share}")),
            Row::new(
                "GetProfile in a login flood, 99 of 100",
                at(&meanwhile.calls, 99),
                Unit::Millis,
            )
            .beside(at(&calm, 99), "without one"),
            Row::new("resident memory, at most in a login flood", meanwhile.peak, Unit::Mebibytes)
                .beside(bound, "before, and the pool's"),
        ]
    }

    async fn flood(&self) -> Meanwhile {
        let over = AtomicBool::new(false);
        let logins = async {
            let ends = logins(self.process.address, self.logins).await;
            over.store(true, Ordering::Relaxed);
            ends
        };
        let peak = async {
            let mut peak = 0.0_f64;
            while !over.load(Ordering::Relaxed) {
                peak = peak.max(self.process.resident());
                Env::system().sleep(LOOK).await;
            }
            peak
        };
        let calls = self.calls(&over, usize::MAX);
        let ((computed, refused), (peak, calls)) = join(logins, join(peak, calls)).await;
        Meanwhile { calls, peak, computed, refused }
    }

    /// Calls that need no hash, one after the other, until `over` or until
    /// there were `most`; sorted by how long they took.
    async fn calls(&self, over: &AtomicBool, most: usize) -> Vec<f64> {
        let mut took = Vec::new();
        let mut client = AccountServiceClient::new(self.channel.clone());
        while took.is_empty() || (!over.load(Ordering::Relaxed) && took.len() < most) {
            let begun = Instant::now();
            client.get_profile(client::signed(&self.token, GetProfileRequest {})).await.unwrap();
            took.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        took.sort_by(f64::total_cmp);
        took
    }
}

/// Signs in until `logins` were computed, three times as many at once as there
/// is room for. Who is refused tries again when told to.
async fn logins(address: SocketAddr, logins: usize) -> (usize, usize) {
    let room = IdentityConfig::default().password.hash_queue;
    let lanes = logins.min(3 * room);
    // A connection has fewer streams than the flood has lanes.
    let channels = join_all((0..4).map(|_| client::connect(address))).await;
    let ends = join_all((0..lanes).map(|lane| {
        let client = SessionServiceClient::new(channels[lane % channels.len()].clone());
        lane_of(client, logins / lanes)
    }))
    .await;
    ends.into_iter().fold((0, 0), |(computed, refused), end| (computed + end.0, refused + end.1))
}

async fn lane_of(mut client: SessionServiceClient<Channel>, logins: usize) -> (usize, usize) {
    let (mut computed, mut refused) = (0, 0);
    while computed < logins {
        match client.login(credentials("admin")).await {
            Ok(_) => computed += 1,
            Err(status) => {
                assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
                refused += 1;
                let delay = status.get_details_retry_info().unwrap().retry_delay.unwrap();
                Env::system().sleep(delay).await;
            }
        }
    }
    (computed, refused)
}
