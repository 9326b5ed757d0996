//! The list of keys: never more than a mask of each.

use axum::response::Response;
use maud::{Markup, html};
use roster_proto::identity::v1::{ApiKey, UpdateApiKeyRequest};
use serde::Deserialize;

use super::{
    super::{
        edge::Edge,
        form::{Errors, Form, Id},
        link,
        notice::Notice,
        stop::Stop,
        ui::{self, Column, Icon, Page, Tone},
        visit::Visit,
    },
    Keeper, LABELS, Owner,
};

/// What is sent to take a key into use, or out of it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Switch {
    active: String,
    etag: String,
    request_id: String,
}

pub async fn show(edge: Edge, Keeper { owner, visit }: Keeper) -> Result<Response, Stop> {
    page(&edge, owner, &visit, &Errors::default()).await
}

pub async fn switch(
    edge: Edge,
    Keeper { owner, visit }: Keeper,
    Id(api_key_id): Id,
    Form(sent): Form<Switch>,
) -> Result<Response, Stop> {
    let active = sent.active == "on";
    let request = UpdateApiKeyRequest {
        api_key_id,
        active: Some(active),
        etag: sent.etag,
        request_id: sent.request_id,
        ..UpdateApiKeyRequest::default()
    };
    match owner.update(&edge, request).await {
        Ok(()) => {
            let notice = if active { Notice::KEY_ACTIVATED } else { Notice::KEY_DEACTIVATED };
            Ok(link::see_other(&notice.on(owner.path())))
        }
        Err(status) => page(&edge, owner, &visit, &Errors::of_call(status, LABELS)?).await,
    }
}

async fn page(edge: &Edge, owner: Owner, visit: &Visit, errors: &Errors) -> Result<Response, Stop> {
    let keys = owner.list(edge).await?;
    let page = Page::new(visit, owner.title()).tab(owner.tab()).status(errors.status());
    let page = if owner == Owner::User { page.medium() } else { page };
    let add = format!("{}/new", owner.path());
    Ok(page.body(html! {
        (ui::summary(errors, owner.path()))
        div.heading {
            div {
                h1 { (owner.title()) }
                p.sub { (about(owner)) }
            }
            div.actions { (ui::link_button(&add, "Add key").primary().icon(Icon::Plus)) }
        }
        section.card.flush aria-label="API keys" {
            @if keys.is_empty() { (nothing(owner)) } @else { (table(edge, owner, &keys)) }
        }
    }))
}

const fn about(owner: Owner) -> &'static str {
    match owner {
        Owner::System => {
            "What calls to model services are made with, for everybody. User keys override system \
             keys."
        }
        Owner::User => "Your own keys. For their providers they override the keys of the system.",
    }
}

fn nothing(owner: Owner) -> Markup {
    let (title, text) = match owner {
        Owner::System => (
            "No system keys yet",
            "A system key is used for all users who have no key of their own for its provider: user \
             keys override system keys. Without either, a model service cannot be asked.",
        ),
        Owner::User => (
            "No keys of your own",
            "Without one, calls to a model service are made with the key of the system, if there is \
             one. A key of your own overrides it: user keys override system keys.",
        ),
    };
    ui::empty(Icon::Key, title, text, None)
}

fn table(edge: &Edge, owner: Owner, keys: &[ApiKey]) -> Markup {
    html! {
        div.scroll {
            table.cards {
                (ui::columns(&[
                    Column::new("Provider"),
                    Column::new("Key"),
                    Column::new("State"),
                    Column::number("Uses"),
                    Column::new("Last use"),
                    Column::new("Created"),
                    Column::actions(),
                ]))
                tbody { @for key in keys { (row(owner, key, &edge.request_id())) } }
            }
        }
    }
}

fn row(owner: Owner, key: &ApiKey, request_id: &str) -> Markup {
    let page = owner.key(&key.api_key_id);
    let state = if key.active {
        ui::badge(Tone::Good, "Active")
    } else {
        ui::badge(Tone::Plain, "Inactive")
    };
    let (label, active) = if key.active { ("Deactivate", "off") } else { ("Activate", "on") };
    html! {
        tr {
            th scope="row" {
                div.who {
                    span.names { a href=(page) { (key.provider) } }
                    span.sub { (key.name) }
                }
            }
            (ui::cell("Key", &html! { code { (key.mask) } }))
            (ui::cell("State", &state))
            (ui::number_cell("Uses", &ui::count(Some(key.use_count))))
            (ui::time_cell("Last use", key.last_use_time, "Never used"))
            (ui::time_cell("Created", key.create_time, "Not known"))
            td.actions {
                form.inline method="post" action={ (page) "/active" } {
                    (ui::hidden("request_id", request_id))
                    (ui::hidden("etag", &key.etag))
                    (ui::hidden("active", active))
                    (ui::submit(label).quiet().of(&key.provider))
                }
                (ui::link_button(&page, "Edit").icon_only(Icon::Pencil, &key.provider))
                (ui::link_button(&format!("{page}/delete"), "Delete").danger()
                    .icon_only(Icon::Bin, &key.provider))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_by_its_mask_and_its_name_as_text() {
        let key = ApiKey {
            provider: "anthropic".to_owned(),
            name: "<b>Team</b>".to_owned(),
            mask: "...9x<i".to_owned(),
            active: true,
            ..ApiKey::default()
        };
        let html = row(Owner::System, &key, "r").into_string();
        assert!(html.contains("&lt;b&gt;Team") && html.contains("<code>...9x&lt;i</code>"));
        assert!(html.contains("Deactivate") && html.contains("name=\"active\" value=\"off\""));
        let html = row(Owner::User, &ApiKey { active: false, ..key }, "r").into_string();
        assert!(html.contains("Inactive") && html.contains("name=\"active\" value=\"on\""));
    }
}
