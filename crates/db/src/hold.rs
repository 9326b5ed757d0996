//! Who works on a service's tables, where there is no folder to lock.

use std::fmt;

use sea_orm::sqlx::PgConnection;
use tokio::sync::Mutex;

use crate::{
    Db, DbConfig, DbError, PostgresConfig,
    engine::postgres::hold::{self, Own},
};

/// How often is looked, ten times a second, whether others have let go: the
/// server needs a moment to see that a process is gone.
const TRIES: usize = 30;

/// How tables are claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// By one of several processes that run the service.
    Shared,
    /// By one process, beside which there is to be no other.
    Alone,
}

/// The right to work on the tables of a service, until it is dropped or the
/// process ends, however it ends: the lock belongs to a connection. Of SQLite
/// there is nothing to claim; its files are locked with their folder.
pub struct Hold(Option<Held>);

struct Held {
    config: PostgresConfig,
    claim: Claim,
    state: Mutex<State>,
}

struct State {
    own: Own,
    /// Whether calls are answered.
    serving: bool,
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hold").field(&self.0.as_ref().map(|held| held.claim)).finish()
    }
}

impl Db {
    /// Claims the tables at `config`; nothing where others have claimed them and
    /// do not let go within some seconds.
    pub async fn claim(config: &DbConfig, claim: Claim) -> Result<Option<Hold>, DbError> {
        let DbConfig::Postgres(config) = config else { return Ok(Some(Hold(None))) };
        let config = config.clone();
        let mut own = hold::connect(&config).await?;
        if !take(&mut own.connection, &config.schema, claim).await? {
            return Ok(None);
        }
        let state = Mutex::new(State { own, serving: false });
        Ok(Some(Hold(Some(Held { config, claim, state }))))
    }
}

async fn take(connection: &mut PgConnection, schema: &str, claim: Claim) -> Result<bool, DbError> {
    for _ in 0..TRIES {
        if hold::hold(connection, schema, claim).await? {
            return Ok(true);
        }
        hold::rest(connection).await?;
    }
    Ok(false)
}

impl Hold {
    /// Waits, for some seconds, until there is no other connection to the tables,
    /// and answers whether that has come. Who claims them alone asks this before
    /// the first connection of its own: a process may have lost its claim with
    /// one connection, and not know it yet.
    pub async fn is_undisturbed(&self) -> Result<bool, DbError> {
        let Some(held) = &self.0 else { return Ok(true) };
        let connection = &mut held.state.lock().await.own.connection;
        for _ in 0..TRIES {
            if !hold::is_shared(connection).await? {
                return Ok(true);
            }
            hold::rest(connection).await?;
        }
        Ok(false)
    }

    /// Sees to it that the claim lasts: where its connection was lost, claims
    /// again. Answers whether it could; who has lost the claim has to stop.
    pub async fn keep(&self) -> Result<bool, DbError> {
        let Some(held) = &self.0 else { return Ok(true) };
        let mut state = held.state.lock().await;
        if hold::ping(&mut state.own.connection).await.is_ok() {
            return Ok(true);
        }
        let mut own = hold::connect(&held.config).await?;
        hold::end(&mut own.connection, &state.own).await?;
        if !take(&mut own.connection, &held.config.schema, held.claim).await? {
            return Ok(false);
        }
        if state.serving {
            hold::serve(&mut own.connection, &held.config.schema).await?;
        }
        state.own = own;
        Ok(true)
    }

    /// Says that calls are answered from now on.
    pub async fn serve(&self) -> Result<(), DbError> {
        let Some(held) = &self.0 else { return Ok(()) };
        let mut state = held.state.lock().await;
        // Whoever looks at this moment excludes it for as long as that takes.
        while !hold::serve(&mut state.own.connection, &held.config.schema).await? {
            hold::rest(&mut state.own.connection).await?;
        }
        state.serving = true;
        Ok(())
    }

    /// Whether another process of the service answers calls, as far as it can be
    /// told: two that look at the same moment each see the other.
    pub async fn is_served(&self) -> Result<bool, DbError> {
        let Some(held) = &self.0 else { return Ok(false) };
        let connection = &mut held.state.lock().await.own.connection;
        hold::is_served(connection, &held.config.schema).await
    }
}
