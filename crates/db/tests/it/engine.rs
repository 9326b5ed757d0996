//! The engine, as it is built.

use roster_testkit::TempDb;
use sea_orm::{ConnectionTrait as _, DatabaseBackend, Statement};

use crate::Migrator;

/// Otherwise a statement is prepared anew each time that a value is bound
/// which a plan might depend on, which costs more than the query itself.
#[tokio::test]
async fn plans_do_not_depend_on_what_is_asked_for() {
    let temp = TempDb::sqlite::<Migrator>().await;
    let asked = Statement::from_string(DatabaseBackend::Sqlite, "PRAGMA compile_options");
    let rows = temp.db.read().query_all_raw(asked).await.unwrap();
    let options: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    assert!(options.iter().any(|option| option == "ENABLE_QPSG"), "{options:?}");
}
