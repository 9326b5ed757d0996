//! The tables of what personas hold: ontologies and annotations.
//!
//! Their rows name the owner besides the persona, so that counting, listing,
//! handing out and erasing what a user has needs neither a join nor the
//! persona. A transfer pays for it with one statement for each table.

use roster_db::column;
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, double_null, json, text, uuid},
};

/// Creates the tables `ontology` and `annotation`.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0002_content"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let ontology = Table::create()
            .table("ontology")
            .col(uuid("persona_id").primary_key())
            .col(uuid("user_id"))
            .col(json("content"))
            .col(big_integer("bytes"))
            .col(column::time("created_at"))
            .col(column::time("updated_at"))
            .col(uuid("etag"))
            .to_owned();
        manager.create_table(ontology).await?;
        let annotation = Table::create()
            .table("annotation")
            .col(uuid("id").primary_key())
            .col(uuid("user_id"))
            .col(uuid("persona_id"))
            .col(text("video_id"))
            .col(text("kind"))
            .col(text("label"))
            .col(json("frames"))
            .col(big_integer("bytes"))
            .col(double_null("confidence"))
            .col(text("source"))
            .col(column::time("created_at"))
            .col(column::time("updated_at"))
            .col(uuid("etag"))
            .to_owned();
        manager.create_table(annotation).await?;
        // Lists in their order, whole and filtered; the first two also serve
        // counts and erasure, the third deletions of a persona.
        for (name, table, columns) in [
            ("ontology_user", "ontology", &["user_id", "created_at", "persona_id"][..]),
            ("annotation_user", "annotation", &["user_id", "created_at", "id"]),
            ("annotation_persona", "annotation", &["persona_id", "created_at", "id"]),
            ("annotation_video", "annotation", &["user_id", "video_id", "created_at", "id"]),
        ] {
            let mut index = Index::create();
            index.name(name).table(table);
            for column in columns {
                index.col(*column);
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }
}
