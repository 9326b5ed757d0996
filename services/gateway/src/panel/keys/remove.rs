//! Deleting a key, which is asked about first.

use axum::response::Response;
use maud::{Markup, html};
use roster_proto::identity::v1::{ApiKey, DeleteApiKeyRequest};
use serde::Deserialize;

use super::{
    super::{
        edge::Edge,
        form::{Errors, Form, Id},
        link,
        notice::Notice,
        stop::Stop,
        ui::{self, Icon, Page},
    },
    Keeper, LABELS, Owner,
};

/// What is sent.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    etag: String,
    request_id: String,
}

pub async fn ask(edge: Edge, keeper: Keeper, Id(id): Id) -> Result<Response, Stop> {
    let key = keeper.owner.find(&edge, &id).await?;
    Ok(page(&keeper, &key, &edge.request_id(), &Errors::default()))
}

pub async fn delete(
    edge: Edge,
    keeper: Keeper,
    Id(id): Id,
    Form(Fields { etag, request_id }): Form<Fields>,
) -> Result<Response, Stop> {
    let owner = keeper.owner;
    let request =
        DeleteApiKeyRequest { api_key_id: id.clone(), etag, request_id: request_id.clone() };
    match owner.delete(&edge, request).await {
        Ok(()) => Ok(link::see_other(&Notice::KEY_DELETED.on(owner.path()))),
        Err(status) => {
            let errors = Errors::of_call(status, LABELS)?;
            let key = owner.find(&edge, &id).await?;
            Ok(page(&keeper, &key, &request_id, &errors))
        }
    }
}

fn page(
    Keeper { owner, visit }: &Keeper,
    key: &ApiKey,
    request_id: &str,
    errors: &Errors,
) -> Response {
    let path = format!("{}/delete", owner.key(&key.api_key_id));
    let page = Page::new(visit, "Delete API key").tab(owner.tab()).medium();
    page.status(errors.status()).body(html! {
        a.back href=(owner.path()) { (ui::icon(Icon::Left)) "All keys" }
        div.heading { div { h1 { "Delete the key for " (key.provider) "?" } } }
        (ui::summary(errors, &path))
        section.card {
            (ui::facts(&[
                ("Name", html! { (key.name) }),
                ("Key", html! { code { (key.mask) } }),
                ("Uses", ui::count(Some(key.use_count))),
                ("Last use", ui::time(key.last_use_time, "Never used")),
            ]))
            p { (consequence(*owner)) }
            form method="post" action=(path) {
                (ui::hidden("request_id", request_id))
                (ui::hidden("etag", &key.etag))
                div.actions {
                    (ui::submit("Delete").danger().icon(Icon::Bin))
                    (ui::link_button(owner.path(), "Cancel").quiet())
                }
            }
        }
    })
}

fn consequence(owner: Owner) -> Markup {
    let text = match owner {
        Owner::System => {
            "Users without a key of their own can no longer ask this provider. To pause it \
             instead, deactivate it. Deleting cannot be undone."
        }
        Owner::User => {
            "From now on the key of the system is used for this provider, if there is one. Deleting \
             cannot be undone."
        }
    };
    html! { (text) }
}
