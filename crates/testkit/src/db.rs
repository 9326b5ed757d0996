//! Databases that vanish with the test.

use roster_db::{Db, DbConfig};
use sea_orm_migration::MigratorTrait;
use tempfile::TempDir;

/// A migrated database in a folder of its own, removed when dropped.
#[derive(Debug)]
pub struct TempDb {
    /// The open database.
    pub db: Db,
    /// Where it is.
    pub config: DbConfig,
    _folder: TempDir,
}

impl TempDb {
    /// A new database with the schema of `M`.
    ///
    /// # Panics
    ///
    /// When there is no room for it, or the migrations fail.
    pub async fn new<M: MigratorTrait>() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = DbConfig::new(folder.path().join("test.db"));
        Db::migrate::<M>(&config).await.expect("migrations that run");
        let db = Db::open(&config).await.expect("a database that opens");
        Self { db, config, _folder: folder }
    }
}
