//! What searches look at, folded as they are now.

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::prelude::*;
use uuid::Uuid;

use crate::store::user::search_text;

/// How many users are read together.
const BATCH: u64 = 500;

/// Folds the column `user.search_text` again.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0002_search_text"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let mut after = Uuid::nil();
        loop {
            let batch = Query::select()
                .columns(["id", "username", "display_name", "email"])
                .from("user")
                .and_where(Expr::col("id").gt(after))
                .order_by("id", Order::Asc)
                .limit(BATCH)
                .to_owned();
            let rows = connection.query_all(&batch).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                after = row.try_get("", "id")?;
                let text = |column| row.try_get::<String>("", column);
                let text = search_text(&text("username")?, &text("display_name")?, &text("email")?);
                let fold = Query::update()
                    .table("user")
                    .value("search_text", text)
                    .and_where(Expr::col("id").eq(after))
                    .to_owned();
                connection.execute(&fold).await?;
            }
        }
    }
}
