//! What the service counts: its users, and the tokens of programs.

use std::sync::Arc;

use roster_server::{
    Tasks,
    metrics::{KeyValue, Meters, keep_fresh},
};

use crate::{
    domain::State,
    op::Cx,
    store::{ledger, machine_token},
};

/// Keeps the numbers up to date in the background.
pub(crate) fn watch(cx: &Arc<Cx>, meters: &Meters, tasks: &Tasks) {
    let users = meters.gauge("roster.users", "{user}", "Users, by state");
    let description = "Machine tokens that have not ended";
    let tokens = meters.gauge("roster.machine_tokens.active", "{token}", description);
    let (cx, env) = (Arc::clone(cx), cx.env.clone());
    let look = move || {
        let (cx, users, tokens) = (Arc::clone(&cx), users.clone(), tokens.clone());
        async move {
            for (state, name) in [(State::Active, "active"), (State::Disabled, "disabled")] {
                match ledger::count(cx.db.read(), state).await {
                    Ok(count) => users.record(count, &[KeyValue::new("roster.state", name)]),
                    Err(error) => tracing::warn!(class = error.class(), "users not counted"),
                }
            }
            match machine_token::count_live(cx.db.read(), cx.env.now()).await {
                Ok(count) => tokens.record(count, &[]),
                Err(error) => tracing::warn!(class = error.class(), "machine tokens not counted"),
            }
        }
    };
    tasks.spawn("identity.gauges", keep_fresh(env, tasks.token(), look));
}
