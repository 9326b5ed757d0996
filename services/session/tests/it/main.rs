//! The session service, driven through its own routes.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

mod authenticate;
mod identity;
mod last_seen;
mod list_sessions;
mod login;
mod login_throttle;
mod logout;
mod revoke_session;
mod revoke_sessions;
mod subject_data;
mod sweep;
mod world;

#[test]
fn the_import_table_holds() {
    roster_testkit::layers::check(std::path::Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src"
    )));
}
