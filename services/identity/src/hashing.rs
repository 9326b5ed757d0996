//! Turning passwords into what is stored of them, and checking them, without
//! letting a flood of logins eat the memory or slow down other calls.

mod argon;
mod measure;
mod pool;
mod workspace;

pub use argon::{HashParams, Verified};
pub use pool::{HashPool, HashStatistics, Lane};

use std::sync::Arc;

use measure::HashMeter;
use roster_kernel::Env;
use roster_server::metrics::Meters;
use workspace::Workspace;

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
    /// What is stored is no hash that this version computes: imported, or
    /// damaged.
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

    /// The pool that it works on.
    #[must_use]
    pub fn pool(&self) -> &HashPool {
        &self.pool
    }

    /// What is to be stored of `password`, as a PHC string.
    pub async fn hash(&self, lane: Lane, password: &Password) -> Result<String, HashError> {
        let (params, salt, password) = (self.params, self.env.bytes(), password.clone());
        let job = move |workspace: &mut _| argon::hash(params, password.expose(), &salt, workspace);
        self.run(lane, job).await?
    }

    /// Whether `password` is the one that `stored` was made of. Without a
    /// `stored` one, or with one that no password can be checked against, it
    /// is not, after the same work.
    ///
    /// The same work: a hash that is cheaper than hashes are now is topped up
    /// to what they cost now, so that time does not tell the users who have
    /// not signed in since from those who do not exist.
    pub async fn verify(
        &self,
        lane: Lane,
        password: &Password,
        stored: Option<&str>,
    ) -> Result<Verified, HashError> {
        let (params, password) = (self.params, password.clone());
        let (stored, nobody) = (stored.map(str::to_owned), self.nobody.clone());
        let job = move |workspace: &mut _| {
            if let Some(stored) = stored {
                match argon::verify(params, password.expose(), &stored, workspace) {
                    Ok(checked) => return Ok(checked),
                    Err(error) => {
                        let error: &dyn std::error::Error = &error;
                        tracing::error!(error, "a stored password hash cannot be used");
                    }
                }
            }
            let checked = argon::verify(params, password.expose(), &nobody, workspace)?;
            Ok(Verified { matches: false, ..checked })
        };
        self.run(lane, job).await?
    }

    /// Computes `job` on a thread of the pool, timed.
    async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        job: impl FnOnce(&mut Workspace) -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let done = self.pool.run(lane, self.meter.timed(job)).await;
        if let Err(HashError::QueueFull) = done {
            self.meter.refused();
        }
        done
    }
}
