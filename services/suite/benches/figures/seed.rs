//! Many users in seconds: one is made through the services, and its rows are
//! copied inside the databases, with other ids.
//!
//! All columns that are not named here are copied as they are, so a column
//! that is added to a table needs nothing here unless it has to be unique.

use roster_db::{Db, DbConfig};
use roster_kernel::UserId;
use roster_proto::{
    identity::v1::user_admin_service_client::UserAdminServiceClient,
    persona::v1::{CreatePersonaRequest, Persona, persona_service_client::PersonaServiceClient},
    session::v1::session_service_client::SessionServiceClient,
};
use sea_orm::{ConnectionTrait as _, DatabaseBackend, Statement};

use crate::{
    client,
    world::{World, credentials, id_of, person},
};

/// The `i`th copy's id: a UUID of version 7 of a moment before all others.
const ID: &str = "unhex(printf('018000000000700080%014x', i))";

/// The times of copies, a second apart.
const TIME: &str = "strftime('%Y-%m-%dT%H:%M:%S+00:00', 1767225600 + i, 'unixepoch')";

/// The place of the `i`th copy in the ledger, which is also its version.
const PLACE: &str = "1000000 + i";

/// A table whose rows are copied.
struct Copied {
    service: &'static str,
    table: &'static str,
    /// The column that says whose the row is.
    owner: &'static str,
    /// What differs from copy to copy.
    different: &'static [(&'static str, &'static str)],
}

const COPIED: [Copied; 7] = [
    Copied {
        service: "identity",
        table: "user",
        owner: "id",
        different: &[
            ("username", "printf('user-%d', i)"),
            ("search_text", "printf('user-%d', i)"),
            ("created_at", TIME),
            ("updated_at", TIME),
        ],
    },
    Copied {
        service: "identity",
        table: "ledger",
        owner: "user_id",
        different: &[("sequence", PLACE), ("number", PLACE)],
    },
    Copied { service: "identity", table: "credential", owner: "user_id", different: &[] },
    Copied {
        service: "session",
        table: "subject",
        owner: "user_id",
        different: &[("number", PLACE)],
    },
    Copied {
        service: "session",
        table: "session",
        owner: "user_id",
        different: &[("id", ID), ("token_hash", "randomblob(32)"), ("created_at", TIME)],
    },
    Copied {
        service: "persona",
        table: "subject",
        owner: "user_id",
        different: &[("number", PLACE)],
    },
    Copied {
        service: "persona",
        table: "persona",
        owner: "user_id",
        different: &[("id", ID), ("created_at", TIME), ("updated_at", TIME)],
    },
];

/// Gives the installation `users` users named `user-1` and so on, each with a
/// session and a persona. The one that they are copied from is `template`.
pub async fn users(world: &World, users: usize) {
    let created = UserAdminServiceClient::new(world.upstream("identity"))
        .create_user(world.inside(person("template".to_owned())))
        .await;
    let template = id_of(created.unwrap().into_inner());
    let mut sessions = SessionServiceClient::new(world.channel.clone());
    let login = sessions.login(credentials("template")).await.unwrap().into_inner();
    let persona = Persona { name: Some("A persona".to_owned()), ..Persona::default() };
    let request =
        CreatePersonaRequest { persona: Some(persona), ..CreatePersonaRequest::default() };
    PersonaServiceClient::new(world.channel.clone())
        .create_persona(client::signed(&client::bearer(&login.token), request))
        .await
        .unwrap();
    for service in ["identity", "session", "persona"] {
        let db = Db::open(&DbConfig::new(world.database(service))).await.unwrap();
        let tx = db.begin().await.unwrap();
        for copied in COPIED.iter().filter(|copied| copied.service == service) {
            let columns = columns(&tx, copied.table).await;
            tx.execute_unprepared(&copied.sql(&columns, template, users)).await.unwrap();
        }
        if service == "identity" {
            // The places have been taken.
            let taken = format!("UPDATE guard SET ledger_sequence = 1000000 + {users}");
            tx.execute_unprepared(&taken).await.unwrap();
        }
        tx.commit().await.unwrap();
        db.close().await.unwrap();
    }
}

impl Copied {
    fn sql(&self, columns: &[String], template: UserId, copies: usize) -> String {
        let value = |column: &String| {
            let different = self.different.iter().find(|(name, _)| name == column);
            match different {
                Some((_, value)) => (*value).to_owned(),
                None if column == self.owner => ID.to_owned(),
                None => format!("t.\"{column}\""),
            }
        };
        let values: Vec<_> = columns.iter().map(value).collect();
        let names: Vec<_> = columns.iter().map(|column| format!("\"{column}\"")).collect();
        let (table, owner) = (self.table, self.owner);
        format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {copies}) \
             INSERT INTO \"{table}\" ({}) SELECT {} FROM n, \
             (SELECT * FROM \"{table}\" WHERE \"{owner}\" = x'{}' LIMIT 1) AS t",
            names.join(", "),
            values.join(", "),
            template.uuid().simple(),
        )
    }
}

async fn columns(tx: &roster_db::Tx, table: &str) -> Vec<String> {
    let ask = format!("SELECT name FROM pragma_table_info('{table}')");
    let rows = tx.query_all_raw(Statement::from_string(DatabaseBackend::Sqlite, ask)).await;
    let rows = rows.unwrap();
    rows.iter().map(|row| row.try_get::<String>("", "name").unwrap()).collect()
}
