//! What usernames look like.

use sea_orm_migration::{
    prelude::*,
    schema::string,
    sea_orm::{QueryResult, prelude::Uuid},
};

use crate::domain::Skeleton;

/// How many users are looked at in one go.
const BATCH: u64 = 1_000;

/// Adds the column `user.skeleton`, with the skeletons of the usernames that
/// there are.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0002_skeleton"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column =
            Table::alter().table("user").add_column(string("skeleton").default("")).to_owned();
        manager.alter_table(column).await?;
        let mut after = Uuid::nil();
        while let Some(last) = fill(manager, after).await? {
            after = last;
        }
        // Not unique: names that look alike may have been given before.
        let index = Index::create().name("user_skeleton").table("user").col("skeleton").to_owned();
        manager.create_index(index).await
    }
}

/// Fills in the next batch behind a user; answers the last of it.
async fn fill(manager: &SchemaManager<'_>, after: Uuid) -> Result<Option<Uuid>, DbErr> {
    let connection = manager.get_connection();
    let batch = Query::select()
        .columns(["id", "username"])
        .from("user")
        .and_where(Expr::col("id").gt(after))
        .order_by("id", Order::Asc)
        .limit(BATCH)
        .to_owned();
    let mut last = None;
    for row in connection.query_all(&batch).await? {
        let (id, skeleton) = filled(&row)?;
        let update = Query::update()
            .table("user")
            .value("skeleton", skeleton.as_str())
            .and_where(Expr::col("id").eq(id))
            .to_owned();
        connection.execute(&update).await?;
        last = Some(id);
    }
    Ok(last)
}

fn filled(row: &QueryResult) -> Result<(Uuid, Skeleton), DbErr> {
    let username: String = row.try_get("", "username")?;
    Ok((row.try_get("", "id")?, Skeleton::of(&username)))
}

#[cfg(test)]
mod tests {
    use roster_db::Db;
    use roster_testkit::TempDb;
    use sea_orm_migration::MigratorTrait;

    use super::*;
    use crate::Migrator;

    struct Before;

    impl MigratorTrait for Before {
        fn migrations() -> Vec<Box<dyn MigrationTrait>> {
            let all = Migrator::migrations().into_iter();
            all.take_while(|migration| migration.name() != Migration.name()).collect()
        }
    }

    #[tokio::test]
    async fn users_from_before_get_their_skeletons_and_keep_their_names() {
        // More than a batch; the last two look alike.
        let mut names: Vec<_> = (0..=BATCH).map(|number| format!("user{number}")).collect();
        names.extend(["paypal", "раураl"].map(str::to_owned));
        let temp = TempDb::new::<Before>().await;
        let (_, env) = roster_testkit::env(1);
        let tx = temp.db.begin().await.unwrap();
        for name in &names {
            let at = || env.now().into();
            let insert = Query::insert()
                .into_table("user")
                .columns([
                    "id",
                    "username",
                    "display_name",
                    "email",
                    "search_text",
                    "etag",
                    "created_at",
                    "updated_at",
                    "last_login_at",
                ])
                .values_panic([
                    env.uuid().into(),
                    name.into(),
                    "".into(),
                    "".into(),
                    "".into(),
                    env.uuid().into(),
                    at(),
                    at(),
                    at(),
                ])
                .to_owned();
            tx.execute(&insert).await.unwrap();
        }
        tx.commit().await.unwrap();

        let applied = Db::migrate::<Migrator>(&temp.config).await.unwrap();
        assert!(applied.contains(&Migration.name().to_owned()), "{applied:?}");
        let query = Query::select().columns(["username", "skeleton"]).from("user").to_owned();
        let migrated = Db::open(&temp.config).await.unwrap();
        let rows = migrated.read().query_all(&query).await.unwrap();
        assert_eq!(rows.len(), names.len());
        for row in rows {
            let (name, skeleton): (String, String) =
                (row.try_get("", "username").unwrap(), row.try_get("", "skeleton").unwrap());
            assert_eq!(skeleton, Skeleton::of(&name).as_str());
        }
        assert!(Db::migrate::<Migrator>(&temp.config).await.unwrap().is_empty());
    }
}
