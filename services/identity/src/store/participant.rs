//! The queries of the table `participant`.

use roster_db::{DbError, Tx};
use roster_kernel::ServiceName;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryOrder, QuerySelect,
};

use super::entity::participant::{Column, Entity, Model};
use crate::domain::Participant;

/// Adds a participant.
pub async fn insert(tx: &Tx, participant: &Participant) -> Result<(), DbError> {
    row(participant)?.into_active_model().insert(&**tx).await?;
    Ok(())
}

/// Changes whatever there is of a participant.
pub async fn update(tx: &Tx, participant: &Participant) -> Result<(), DbError> {
    row(participant)?.into_active_model().reset_all().update(&**tx).await?;
    Ok(())
}

/// Removes a participant; answers whether there was one.
pub async fn remove(tx: &Tx, name: &ServiceName) -> Result<bool, DbError> {
    let removed = Entity::delete_by_id(name.to_string()).exec(&**tx).await?;
    Ok(removed.rows_affected > 0)
}

/// A participant, locked until the transaction ends.
pub async fn lock(tx: &Tx, name: &ServiceName) -> Result<Option<Participant>, DbError> {
    let row = Entity::find_by_id(name.to_string()).lock_exclusive().one(&**tx).await?;
    row.map(participant_of).transpose()
}

/// All participants, by name.
pub async fn list(connection: &impl ConnectionTrait) -> Result<Vec<Participant>, DbError> {
    let rows = Entity::find().order_by_asc(Column::Name).all(connection).await?;
    rows.into_iter().map(participant_of).collect()
}

fn row(participant: &Participant) -> Result<Model, DbError> {
    let addresses = serde_json::to_value(&participant.addresses);
    Ok(Model {
        name: participant.name.to_string(),
        addresses: addresses.map_err(|_| DbError::Unexpected("participant.addresses"))?,
        added_at: participant.added_at,
        replayed_to: participant.replayed_to,
        replayed_at: participant.replayed_at,
    })
}

fn participant_of(row: Model) -> Result<Participant, DbError> {
    let addresses = serde_json::from_value(row.addresses);
    Ok(Participant {
        name: ServiceName::parse(&row.name).ok_or(DbError::Unexpected("participant.name"))?,
        addresses: addresses.map_err(|_| DbError::Unexpected("participant.addresses"))?,
        added_at: row.added_at,
        replayed_to: row.replayed_to,
        replayed_at: row.replayed_at,
    })
}
