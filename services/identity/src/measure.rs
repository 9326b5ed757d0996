//! What the service counts: its users.

use std::sync::Arc;

use roster_server::{
    Tasks,
    metrics::{KeyValue, Meters, keep_fresh},
};

use crate::{domain::State, op::Cx, store::ledger};

/// Keeps the number of users up to date in the background.
pub(crate) fn watch(cx: &Arc<Cx>, meters: &Meters, tasks: &Tasks) {
    let users = meters.gauge("roster.users", "{user}", "Users, by state");
    let (cx, env) = (Arc::clone(cx), cx.env.clone());
    let look = move || {
        let (cx, users) = (Arc::clone(&cx), users.clone());
        async move {
            for (state, name) in [(State::Active, "active"), (State::Disabled, "disabled")] {
                match ledger::count(cx.db.read(), state).await {
                    Ok(count) => users.record(count, &[KeyValue::new("roster.state", name)]),
                    Err(error) => tracing::warn!(class = error.class(), "users not counted"),
                }
            }
        }
    };
    tasks.spawn("identity.gauges", keep_fresh(env, tasks.token(), look));
}
