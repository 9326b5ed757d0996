//! The identity service, driven through its own methods.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test whose preparation fails has failed"
)]

mod api_keys;
mod change_password;
mod create_user;
mod delete_user;
mod effect;
mod ensure_first_admin;
mod export_user_data;
mod get_statistics;
mod get_user;
mod layers;
mod list_deletions;
mod list_subject_states;
mod list_users;
mod lookalikes;
mod machine_tokens;
mod participant;
mod participants;
mod plan_user_deletion;
mod races;
mod recover_admin;
mod register;
mod resolve_api_key;
mod restore;
mod rotate_keys;
mod rules;
mod search_text;
mod services;
mod set_disabled;
mod system_api_keys;
mod unimplemented;
mod update_profile;
mod update_user;
mod verify_password;
mod watch_deletion;
mod world;
