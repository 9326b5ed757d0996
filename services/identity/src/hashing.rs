//! Turning passwords into what is stored of them, and checking them, without
//! letting a flood of logins eat the memory or slow down other calls.

mod argon;
mod measure;
mod pool;

pub use argon::{HashParams, Verified};
pub use pool::HashPool;

use std::sync::Arc;

use argon2::Block;
use measure::HashMeter;
use roster_kernel::Env;
use roster_server::metrics::Meters;

use crate::domain::Password;

/// Why a password could be neither hashed nor checked.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// More is waiting to be hashed than the queue holds.
    #[error("the hash queue is full")]
    QueueFull,
    /// The work was lost: a defect.
    #[error("a hash was not computed")]
    Lost,
    /// What is stored is no hash: a defect, or a damaged database.
    #[error("a stored password hash is malformed")]
    Malformed(#[source] argon2::password_hash::Error),
    /// The parameters do not suit the algorithm.
    #[error("argon2 refuses its parameters")]
    Argon(#[from] argon2::Error),
}

/// Hashes passwords under the parameters of the moment.
#[derive(Debug)]
pub struct Hasher {
    params: HashParams,
    pool: Arc<HashPool>,
    meter: HashMeter,
    env: Env,
    /// What the passwords of unknown users are checked against, so that they
    /// cost what others cost. Made of random bytes: no password fits.
    nobody: String,
}

impl Hasher {
    /// A hasher that works on the threads of `pool`.
    pub fn new(
        params: HashParams,
        pool: HashPool,
        env: Env,
        meters: &Meters,
    ) -> Result<Self, HashError> {
        let nobody = argon::random_hash(params, &env.bytes(), &env.bytes())?;
        let pool = Arc::new(pool);
        let meter = HashMeter::new(meters, &pool);
        Ok(Self { params, pool, meter, env, nobody })
    }

    /// How many passwords wait for a thread.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.pool.waiting()
    }

    /// What is to be stored of `password`, as a PHC string.
    pub async fn hash(&self, password: &Password) -> Result<String, HashError> {
        let (params, salt, password) = (self.params, self.env.bytes(), password.clone());
        self.run(move |memory| argon::hash(params, password.expose(), &salt, memory)).await?
    }

    /// Whether `password` is the one that `stored` was made of. Without a
    /// `stored` one it is not, after the same work.
    pub async fn verify(
        &self,
        password: &Password,
        stored: Option<&str>,
    ) -> Result<Verified, HashError> {
        let (params, password) = (self.params, password.clone());
        let known = stored.is_some();
        let stored = stored.unwrap_or(&self.nobody).to_owned();
        let verified = self
            .run(move |memory| argon::verify(params, password.expose(), &stored, memory))
            .await??;
        Ok(Verified { matches: verified.matches && known, ..verified })
    }

    /// Computes `job` on a thread of the pool, timed.
    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let done = self.pool.run(self.meter.timed(job)).await;
        if let Err(HashError::QueueFull) = done {
            self.meter.refused();
        }
        done
    }
}
