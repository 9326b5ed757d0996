//! Letting services join the cascade that are no part of Roster, and leave it.
//!
//! From the commit of [`Registry::add`] on everything that is announced waits
//! for the newcomer. Whatever was changed before that has committed before
//! that (`Outbox::register` sees to it) and stands in the ledger, which
//! [`Registry::replay`] then tells the newcomer, user by user. What is changed
//! while it does may be told twice, in any order: states carry versions.

use roster_db::{Db, DbError};
use roster_events::{
    Outbox,
    audit::{self, OperatorRecord},
};
use roster_kernel::{Env, ServiceName};

use crate::{
    announce,
    domain::{InvalidParticipantName, Participant, State},
    store::{deletion, ledger, participant},
};

/// Who does it, as the audit trail has it: whoever can run commands on the
/// machine. Their name is not known here.
const OPERATOR: &str = "participants";

/// What the audit trail calls it.
const ADD: &str = "roster.identity/AddParticipant";
const RETIRE: &str = "roster.identity/RetireParticipant";

/// How many users a newcomer is told of in one transaction.
const BATCH: u64 = 200;

/// Why something could not be done about a participant.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The name is none.
    #[error("the name of a participant {0}")]
    Name(#[from] InvalidParticipantName),
    /// It would be asked nowhere.
    #[error("a participant has one address at least")]
    NoAddress,
    /// There is none of this name, or not any more.
    #[error("there is no participant {0}")]
    Unknown(ServiceName),
    /// The database failed.
    #[error("the participants could not be read or changed")]
    Db(#[from] DbError),
}

/// What adding a participant has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is new.
    New,
    /// It was there; it is somewhere else now.
    Moved,
    /// It was there, at the same addresses.
    Known,
}

/// What has happened of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many users the participant has been told of by this replay.
    pub told: u64,
    /// Whether these are all.
    pub complete: bool,
}

/// A participant and what is waited for from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The participant.
    pub participant: Participant,
    /// How many events it has not confirmed.
    pub waiting: u64,
}

/// The participants that are no part of Roster. Works on identity's database,
/// while identity runs or not.
#[derive(Debug)]
pub struct Registry {
    db: Db,
    outbox: Outbox,
    env: Env,
}

impl Registry {
    /// The registry of the service `name`, whose database is `db`.
    pub(crate) fn new(name: ServiceName, db: Db, env: Env) -> Self {
        let outbox = Outbox::new(name, Vec::new(), db.clone(), env.clone());
        Self { db, outbox, env }
    }

    /// Reads the name of a participant.
    pub fn name(text: &str) -> Result<ServiceName, RegistryError> {
        Ok(Participant::parse_name(text)?)
    }

    /// Lets everything that is announced from now on wait for `name`, and lets
    /// it be asked at `addresses`. It has to be told of what was before: see
    /// [`Registry::replay`], which begins anew if `again` says so.
    pub async fn add(
        &self,
        name: &ServiceName,
        addresses: Vec<String>,
        again: bool,
    ) -> Result<Added, RegistryError> {
        Participant::parse_name(name.as_str())?;
        if addresses.is_empty() {
            return Err(RegistryError::NoAddress);
        }
        let tx = self.db.begin().await?;
        // Before the row, as everywhere: two that come at once take turns.
        self.outbox.register(&tx, name).await?;
        let now = self.env.now();
        let (added, fields) = match participant::lock(&tx, name).await? {
            None => {
                participant::insert(&tx, &Participant::new(name.clone(), addresses, now)).await?;
                (Added::New, vec!["addresses"])
            }
            Some(before) => {
                let moved = before.addresses != addresses;
                let begun = Participant { addresses, ..before };
                let (replayed_to, replayed_at) = (0, None);
                let after =
                    if again { Participant { replayed_to, replayed_at, ..begun } } else { begun };
                participant::update(&tx, &after).await?;
                let fields = [("addresses", moved), ("replay", again)];
                let fields = fields.iter().filter(|(_, changed)| *changed).map(|it| it.0).collect();
                (if moved { Added::Moved } else { Added::Known }, fields)
            }
        };
        if !fields.is_empty() {
            let (method, target) = (ADD, name.to_string());
            let record = OperatorRecord { operator: OPERATOR, method, target, fields };
            audit::append_operator(&tx, &self.env, record).await?;
        }
        tx.commit().await?;
        Ok(added)
    }

    /// Tells a participant the last state of every user there is or was, in
    /// batches, each of which is told to `progress`. Goes on where it was cut
    /// short, and has nothing to do where it was not.
    pub async fn replay(
        &self,
        name: &ServiceName,
        mut progress: impl FnMut(Progress),
    ) -> Result<u64, RegistryError> {
        let mut told = 0;
        loop {
            let batch = self.replay_some(name).await?;
            told += batch.told;
            progress(Progress { told, ..batch });
            if batch.complete {
                return Ok(told);
            }
            self.env.step("participants.replayed").await;
        }
    }

    async fn replay_some(&self, name: &ServiceName) -> Result<Progress, RegistryError> {
        let tx = self.db.begin().await?;
        // Whoever is retired meanwhile is not told anything that would wait
        // for ever.
        let retired = !self.outbox.consumers(&tx).await?.contains(name);
        let unknown = || RegistryError::Unknown(name.clone());
        let newcomer = participant::lock(&tx, name).await?.filter(|_| !retired);
        let mut newcomer = newcomer.ok_or_else(unknown)?;
        if newcomer.replayed_at.is_some() {
            return Ok(Progress { told: 0, complete: true });
        }
        let states = ledger::list(&*tx, newcomer.replayed_to, BATCH).await?;
        let deleted: Vec<_> = states
            .iter()
            .filter(|(_, subject)| subject.state == State::Deleted)
            .map(|(_, subject)| subject.user_id)
            .collect();
        let deletions = deletion::ids_of(&*tx, &deleted).await?;
        for (place, subject) in &states {
            newcomer.replayed_to = *place;
            if subject.state == State::Deleted {
                let deletion = deletions.get(&subject.user_id);
                let deletion = *deletion.ok_or(DbError::Unexpected("deletion"))?;
                announce::deleted_for(&self.outbox, &tx, name, subject, deletion).await?;
            } else {
                announce::state_for(&self.outbox, &tx, name, subject).await?;
            }
        }
        let complete = states.is_empty();
        newcomer.replayed_at = complete.then(|| self.env.now());
        participant::update(&tx, &newcomer).await?;
        tx.commit().await?;
        Ok(Progress { told: states.len() as u64, complete })
    }

    /// Lets nothing wait for a participant any more: neither what is announced
    /// from now on nor what it has not confirmed; answers how much that was.
    /// Goes on where it was cut short.
    pub async fn retire(&self, name: &ServiceName) -> Result<u64, RegistryError> {
        Participant::parse_name(name.as_str())?;
        let tx = self.db.begin().await?;
        let registered = self.outbox.unregister(&tx, name).await?;
        let known = participant::remove(&tx, name).await?;
        if registered || known {
            let (method, target) = (RETIRE, name.to_string());
            let fields = Vec::new();
            let record = OperatorRecord { operator: OPERATOR, method, target, fields };
            audit::append_operator(&tx, &self.env, record).await?;
        } else if self.outbox.waiting_for(&*tx, name).await? == 0 {
            return Err(RegistryError::Unknown(name.clone()));
        }
        tx.commit().await?;
        self.env.step("participants.unregistered").await;
        Ok(self.outbox.waive(name).await?)
    }

    /// The participants, by name.
    pub async fn list(&self) -> Result<Vec<Listed>, RegistryError> {
        let mut listed = Vec::new();
        for participant in participant::list(self.db.read()).await? {
            let waiting = self.outbox.waiting_for(self.db.read(), &participant.name).await?;
            listed.push(Listed { participant, waiting });
        }
        Ok(listed)
    }
}
