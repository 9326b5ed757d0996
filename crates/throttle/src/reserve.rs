//! Counting an attempt before it is made.

use std::{collections::HashMap, time::Duration};

use roster_db::{Db, DbError, Tx};
use roster_kernel::Timestamp;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set,
    sea_query::OnConflict,
};

use crate::{
    Key, Limit,
    entity::{ActiveModel, Column, Entity, Model},
    limit::Count,
};

/// Something that an attempt counts against.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// What.
    pub key: Key,
    /// How its failures are answered.
    pub limit: Limit,
}

/// An attempt that has been counted as if it had failed.
#[derive(Clone, Debug)]
pub struct Reservation {
    /// What it counts against, with the time that it has blocked it until.
    counted: Vec<(Counted, Option<Timestamp>)>,
}

/// Why an attempt must not be made.
#[derive(Debug, thiserror::Error)]
pub enum ThrottleError {
    /// There were too many failures. Carries how long there will be no
    /// further attempt, in whole seconds.
    #[error("too many failed attempts")]
    Throttled(Duration),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Counts an attempt against everything in `counted`, or against nothing
/// where one of them has to wait. Who has to wait costs a read, and no more.
pub async fn reserve(
    db: &Db,
    now: Timestamp,
    mut counted: Vec<Counted>,
) -> Result<Reservation, ThrottleError> {
    // In one order everywhere: two attempts never wait for each other.
    counted.sort_by_key(|each| each.key);
    counted.dedup_by_key(|each| each.key);
    let seen = rows(db.read(), &counted, false).await?;
    admit(&counted, &seen, now)?;

    let (tx, found) = locked(db, &counted, now).await?;
    let remembered = admit(&counted, &found, now)?;
    let mut reservation = Reservation { counted: Vec::with_capacity(counted.len()) };
    let mut changed = Vec::with_capacity(counted.len());
    for (each, count) in counted.into_iter().zip(remembered) {
        let count = each.limit.add(count, now);
        changed.push(row_of(&each, count));
        reservation.counted.push((each, count.blocked_until));
    }
    store(&tx, changed).await?;
    tx.commit().await?;
    Ok(reservation)
}

/// Takes an attempt back that was no failure, in the transaction in which that
/// is known. What others have failed in stays.
pub async fn give_back(tx: &Tx, now: Timestamp, reservation: &Reservation) -> Result<(), DbError> {
    let counted: Vec<_> = reservation.counted.iter().map(|(each, _)| *each).collect();
    let found = rows(&**tx, &counted, true).await?;
    let (mut gone, mut changed) = (Vec::new(), Vec::new());
    for (each, blocked_until) in &reservation.counted {
        // What was forgotten meanwhile needs not be given back.
        let Some(count) = found.get(each.key.as_bytes().as_slice()) else { continue };
        let mut count = each.limit.remembered(*count, now);
        count.failures = count.failures.saturating_sub(1);
        // It was let in, so nothing was blocked before it; whoever came
        // after it has set another time.
        if count.blocked_until == *blocked_until {
            count.blocked_until = None;
        }
        if count.failures == 0 {
            gone.push(each.key);
        } else {
            changed.push(row_of(each, count));
        }
    }
    delete(tx, &gone).await?;
    store(tx, changed).await
}

/// Forgets all failures of `keys`.
pub async fn forget(tx: &Tx, keys: &[Key]) -> Result<(), DbError> {
    delete(tx, keys).await
}

/// What is remembered of each of `counted`, where none of them has to wait.
fn admit(
    counted: &[Counted],
    found: &HashMap<Vec<u8>, Count>,
    now: Timestamp,
) -> Result<Vec<Count>, ThrottleError> {
    let remembered: Vec<_> = counted
        .iter()
        .map(|each| {
            let count = found.get(each.key.as_bytes().as_slice()).copied();
            each.limit.remembered(count.unwrap_or(Count::none(now)), now)
        })
        .collect();
    let waits =
        counted.iter().zip(&remembered).filter_map(|(each, count)| each.limit.wait(*count, now));
    match waits.max() {
        None => Ok(remembered),
        Some(wait) => {
            // Rounded up: whoever comes back then is let in.
            let micros = wait.num_microseconds().unwrap_or(i64::MAX).unsigned_abs();
            Err(ThrottleError::Throttled(Duration::from_secs(micros.div_ceil(1_000_000))))
        }
    }
}

/// A transaction that has what is counted locked. A row that is not there
/// cannot be, so it is made.
async fn locked(
    db: &Db,
    counted: &[Counted],
    now: Timestamp,
) -> Result<(Tx, HashMap<Vec<u8>, Count>), DbError> {
    loop {
        let tx = db.begin().await?;
        insert_missing(&tx, counted, now).await?;
        let found = rows(&*tx, counted, true).await?;
        // One that was being deleted was there, and is not any more. To make it
        // now would lock it after those that come behind it.
        if found.len() == counted.len() {
            return Ok((tx, found));
        }
    }
}

async fn rows(
    connection: &impl ConnectionTrait,
    counted: &[Counted],
    lock: bool,
) -> Result<HashMap<Vec<u8>, Count>, DbError> {
    if counted.is_empty() {
        return Ok(HashMap::new());
    }
    let keys = counted.iter().map(|each| each.key.as_bytes().to_vec());
    let mut query = Entity::find().filter(Column::Key.is_in(keys)).order_by_asc(Column::Key);
    if lock {
        query = query.lock_exclusive();
    }
    let rows = query.all(connection).await?;
    rows.into_iter().map(|row| Ok((row.key.clone(), count_of(&row)?))).collect()
}

async fn insert_missing(tx: &Tx, counted: &[Counted], now: Timestamp) -> Result<(), DbError> {
    let missing = counted.iter().map(|each| row_of(each, Count::none(now)));
    Entity::insert_many(missing)
        .on_conflict(OnConflict::column(Column::Key).do_nothing().to_owned())
        .exec_without_returning(&**tx)
        .await?;
    Ok(())
}

async fn store(tx: &Tx, rows: Vec<ActiveModel>) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    let values = [Column::Failures, Column::Since, Column::BlockedUntil, Column::ForgottenAt];
    Entity::insert_many(rows)
        .on_conflict(OnConflict::column(Column::Key).update_columns(values).to_owned())
        .exec_without_returning(&**tx)
        .await?;
    Ok(())
}

async fn delete(tx: &Tx, keys: &[Key]) -> Result<(), DbError> {
    if keys.is_empty() {
        return Ok(());
    }
    let keys = keys.iter().map(|key| key.as_bytes().to_vec());
    Entity::delete_many().filter(Column::Key.is_in(keys)).exec(&**tx).await?;
    Ok(())
}

fn row_of(counted: &Counted, count: Count) -> ActiveModel {
    ActiveModel {
        key: Set(counted.key.as_bytes().to_vec()),
        failures: Set(i64::from(count.failures)),
        since: Set(count.since),
        blocked_until: Set(count.blocked_until),
        forgotten_at: Set(counted.limit.forgotten_at(count)),
    }
}

fn count_of(row: &Model) -> Result<Count, DbError> {
    let failures =
        u32::try_from(row.failures).map_err(|_| DbError::Unexpected("throttle.failures"))?;
    Ok(Count { failures, since: row.since, blocked_until: row.blocked_until })
}
