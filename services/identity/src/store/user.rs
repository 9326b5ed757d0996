//! The queries of the table `user`.

use roster_db::{DbError, Tx};
use roster_kernel::{Timestamp, UserId};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Order,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait, SelectTwo, Value,
    sea_query::{Expr, ExprTrait, LikeExpr, LockType, SelectStatement},
};

use super::{
    entity::{
        ledger,
        user::{Column, Entity, Model},
    },
    ledger::{state_name, subject_of},
};
use crate::domain::{
    Cursor, Direction, DisplayName, Email, OrderKey, Skeleton, SortValue, State, User, UserFilter,
    UserOrder, Username, folded,
};

/// Adds the profile of a user. A name that is taken is [`DbError::Unique`].
pub async fn insert(tx: &Tx, user: &User) -> Result<(), DbError> {
    row(user).into_active_model().insert(&**tx).await?;
    Ok(())
}

/// Stores the profile of a user as it is now.
pub async fn update(tx: &Tx, user: &User) -> Result<(), DbError> {
    row(user).into_active_model().reset_all().update(&**tx).await?;
    Ok(())
}

/// Notes that a user signed in.
pub async fn mark_login(tx: &Tx, user_id: UserId, now: Timestamp) -> Result<(), DbError> {
    Entity::update_many()
        .col_expr(Column::LastLoginAt, Expr::value(now))
        .filter(Column::Id.eq(user_id.uuid()))
        .exec(&**tx)
        .await?;
    Ok(())
}

/// Removes the profile of a user; answers how many rows that were.
pub async fn delete(tx: &Tx, user_id: UserId) -> Result<u64, DbError> {
    Ok(Entity::delete_by_id(user_id.uuid()).exec(&**tx).await?.rows_affected)
}

/// One user.
pub async fn find(
    connection: &impl ConnectionTrait,
    user_id: UserId,
) -> Result<Option<User>, DbError> {
    let found = users().filter(Column::Id.eq(user_id.uuid())).one(connection).await?;
    found.map(user_of).transpose()
}

/// The same, locked until the transaction ends: for whoever changes the account
/// or what belongs to it. What only refers to it may be added meanwhile.
pub async fn lock(tx: &Tx, user_id: UserId) -> Result<Option<User>, DbError> {
    let mut user = users().filter(Column::Id.eq(user_id.uuid()));
    // Not the entry in the ledger: the guard is the lock of that, and what an
    // outer join may not find cannot be locked.
    QuerySelect::query(&mut user).lock_with_tables(LockType::NoKeyUpdate, [Entity]);
    user.one(&**tx).await?.map(user_of).transpose()
}

/// The user who signs in with `username`.
pub async fn find_by_username(
    connection: &impl ConnectionTrait,
    username: &Username,
) -> Result<Option<User>, DbError> {
    let found = users().filter(Column::Username.eq(username.as_str())).one(connection).await?;
    found.map(user_of).transpose()
}

/// The usernames that look like a new one: usually none.
pub async fn find_lookalikes(tx: &Tx, skeleton: &Skeleton) -> Result<Vec<Username>, DbError> {
    let found: Vec<String> = Entity::find()
        .select_only()
        .column(Column::Username)
        .filter(Column::Skeleton.eq(skeleton.as_str()))
        .into_tuple()
        .all(&**tx)
        .await?;
    Ok(found.into_iter().map(Username::stored).collect())
}

/// Those of some users that exist.
pub async fn find_some(
    connection: &impl ConnectionTrait,
    users: &[UserId],
) -> Result<Vec<User>, DbError> {
    let ids = users.iter().map(|user| user.uuid());
    let found = self::users().filter(Column::Id.is_in(ids)).all(connection).await?;
    found.into_iter().map(user_of).collect()
}

/// Up to `limit` users that match, in `order`, behind `after`.
pub async fn list(
    connection: &impl ConnectionTrait,
    filter: &UserFilter,
    order: UserOrder,
    after: Option<Cursor>,
    limit: u64,
) -> Result<Vec<User>, DbError> {
    let found = listing(filter, order, after, limit).all(connection).await?;
    found.into_iter().map(user_of).collect()
}

fn listing(
    filter: &UserFilter,
    order: UserOrder,
    after: Option<Cursor>,
    limit: u64,
) -> SelectTwo<Entity, ledger::Entity> {
    let key = match order.key {
        OrderKey::Created => Column::CreatedAt,
        OrderKey::Username => Column::Username,
        OrderKey::SignedIn => Column::LastLoginAt,
    };
    let direction = match order.direction {
        Direction::Ascending => Order::Asc,
        Direction::Descending => Order::Desc,
    };
    let mut query = matching(filter)
        .order_by(key, direction.clone())
        .order_by(Column::Id, direction)
        .limit(limit);
    if let Some(after) = after {
        let row = Expr::tuple([Expr::col((Entity, key)), Expr::col((Entity, Column::Id))]);
        let last = Expr::tuple([Expr::val(sort_value(after.value)), Expr::val(after.id.uuid())]);
        query = query.filter(match order.direction {
            Direction::Ascending => row.gt(last),
            Direction::Descending => row.lt(last),
        });
    }
    query
}

/// Users with their entries in the ledger. A left join: the order of a list
/// comes from an index of this table, which must stay the one that is walked.
fn users() -> SelectTwo<Entity, ledger::Entity> {
    Entity::find().find_also_related(ledger::Entity)
}

fn matching(filter: &UserFilter) -> SelectTwo<Entity, ledger::Entity> {
    let mut all = Condition::all();
    if let Some(text) = &filter.text {
        let pattern = format!("%{}%", escaped(&searched(text)));
        all = all
            .add(Expr::col((Entity, Column::SearchText)).like(LikeExpr::new(pattern).escape('\\')));
    }
    if let Some(is_admin) = filter.is_admin {
        all = all.add(in_ledger(ledger::Column::IsAdmin.eq(true), is_admin));
    }
    if let Some(disabled) = filter.disabled {
        let state = ledger::Column::State.eq(state_name(State::Disabled));
        all = all.add(in_ledger(state, disabled));
    }
    if let Some(never) = filter.never_signed_in {
        let at = Column::LastLoginAt;
        all = all.add(if never { at.eq(Timestamp::UNIX_EPOCH) } else { signed_in() });
    }
    if filter.signed_in_before.is_some() {
        all = all.add(signed_in());
    }
    for (column, from, before) in [
        (Column::CreatedAt, filter.created_from, filter.created_before),
        (Column::LastLoginAt, filter.signed_in_from, filter.signed_in_before),
    ] {
        all = all
            .add_option(from.map(|from| column.gte(from)))
            .add_option(before.map(|before| column.lt(before)));
    }
    users().filter(all)
}

fn signed_in() -> Expr {
    Column::LastLoginAt.gt(Timestamp::UNIX_EPOCH)
}

/// Users whose entry in the ledger is, or is not, one of a few: those are
/// looked up by their own index, instead of looking at the entry of every
/// user that the list passes.
fn in_ledger(few: Expr, among: bool) -> Expr {
    let few: SelectStatement = ledger::Entity::find()
        .select_only()
        .column(ledger::Column::UserId)
        .filter(few)
        .into_query();
    if among { Column::Id.in_subquery(few) } else { Column::Id.not_in_subquery(few) }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

fn sort_value(value: SortValue) -> Value {
    match value {
        SortValue::Time(at) => at.unwrap_or(Timestamp::UNIX_EPOCH).into(),
        SortValue::Text(text) => text.into(),
    }
}

fn row(user: &User) -> Model {
    let search_text =
        search_text(user.username.as_str(), user.display_name.as_str(), user.email.as_str());
    Model {
        id: user.id().uuid(),
        username: user.username.to_string(),
        skeleton: user.username.skeleton().as_str().to_owned(),
        display_name: user.display_name.as_str().to_owned(),
        email: user.email.as_str().to_owned(),
        search_text,
        etag: user.etag.uuid(),
        created_at: user.created_at,
        updated_at: user.updated_at,
        last_login_at: user.last_login_at.unwrap_or(Timestamp::UNIX_EPOCH),
    }
}

/// What searches look at, folded here: no engine's own comparison does so for
/// all scripts.
pub fn search_text(username: &str, display_name: &str, email: &str) -> String {
    [username, display_name, email].map(searched).join("\n")
}

/// A text without what stands between texts.
fn searched(text: &str) -> String {
    folded(text).replace('\n', " ")
}

fn user_of((row, ledger): (Model, Option<ledger::Model>)) -> Result<User, DbError> {
    let ledger = ledger.ok_or(DbError::Unexpected("ledger"))?;
    let signed_in = row.last_login_at != Timestamp::UNIX_EPOCH;
    Ok(User {
        subject: subject_of(&ledger)?,
        username: Username::stored(row.username),
        display_name: DisplayName::stored(row.display_name),
        email: Email::stored(row.email),
        created_at: row.created_at,
        updated_at: row.updated_at,
        last_login_at: signed_in.then_some(row.last_login_at),
        etag: row.etag.into(),
    })
}

#[cfg(test)]
mod tests {
    use roster_testkit::TempDb;

    use super::*;
    use crate::Migrator;

    /// How the engine goes about a list.
    async fn plan(db: &TempDb, filter: &UserFilter, order: UserOrder, after: bool) -> String {
        let (_, env) = roster_testkit::env(1);
        let value = match order.key {
            OrderKey::Created | OrderKey::SignedIn => SortValue::Time(Some(env.now())),
            OrderKey::Username => SortValue::Text("m".to_owned()),
        };
        let after = after.then(|| Cursor { value, id: UserId::generate(&env) });
        let listing = listing(filter, order, after, 51).build(db.db.read().get_database_backend());
        db.plan(&listing.to_string()).await
    }

    #[tokio::test]
    async fn every_page_is_read_off_an_index() {
        let db = TempDb::new::<Migrator>().await;
        for (key, index) in [
            ("create_time", "user_newest"),
            ("username", "user_username"),
            ("last_login_time", "user_last_login"),
        ] {
            for direction in ["", " desc"] {
                for after in [false, true] {
                    let order = format!("{key}{direction}").parse().unwrap();
                    let plan = plan(&db, &UserFilter::default(), order, after).await;
                    assert!(plan.contains(index), "{plan}");
                    // Within one name PostgreSQL would sort: there is but one user.
                    assert!(!plan.contains("TEMP B-TREE") && !plan.contains("->  Sort"), "{plan}");
                    let sought = plan.starts_with("SEARCH user") || plan.contains("(ROW(");
                    assert_eq!(sought, after, "a later page is sought, not counted: {plan}");
                }
            }
        }
    }

    #[test]
    fn a_searched_text_is_no_pattern() {
        assert_eq!(escaped(r"50%_of\all"), r"50\%\_of\\all");
    }
}
