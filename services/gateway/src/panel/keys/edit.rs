//! Adding a key, and changing one.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use roster_proto::identity::v1::{ApiKey, CreateApiKeyRequest, UpdateApiKeyRequest};
use serde::Deserialize;

use super::{
    super::{
        edge::Edge,
        form::{Errors, Form, Id, is_checked},
        link,
        notice::Notice,
        stop::Stop,
        ui::{self, Checkbox, Field, Icon, Page},
    },
    Keeper, LABELS, Owner,
};

/// What is sent. The key itself goes no other way than into a call.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    provider: String,
    name: String,
    secret: String,
    active: Option<String>,
    etag: String,
    request_id: String,
}

impl Fields {
    fn of(key: &ApiKey, request_id: String) -> Self {
        Self {
            provider: key.provider.clone(),
            name: key.name.clone(),
            active: key.active.then(|| "on".to_owned()),
            etag: key.etag.clone(),
            request_id,
            ..Self::default()
        }
    }

    fn is_active(&self) -> bool {
        is_checked(self.active.as_ref())
    }
}

pub async fn begin(edge: Edge, keeper: Keeper) -> Response {
    let active = Some("on".to_owned());
    let fields = Fields { active, request_id: edge.request_id(), ..Fields::default() };
    page(&keeper, None, &fields, &Errors::default())
}

pub async fn create(
    edge: Edge,
    keeper: Keeper,
    Form(mut fields): Form<Fields>,
) -> Result<Response, Stop> {
    let owner = keeper.owner;
    let request = CreateApiKeyRequest {
        provider: fields.provider.clone(),
        name: fields.name.clone(),
        secret: std::mem::take(&mut fields.secret),
        inactive: !fields.is_active(),
        request_id: fields.request_id.clone(),
    };
    match owner.create(&edge, request).await {
        Ok(()) => Ok(link::see_other(&Notice::KEY_CREATED.on(owner.path()))),
        Err(status) => Ok(page(&keeper, None, &fields, &Errors::of_call(status, LABELS)?)),
    }
}

pub async fn show(edge: Edge, keeper: Keeper, Id(id): Id) -> Result<Response, Stop> {
    let key = keeper.owner.find(&edge, &id).await?;
    let fields = Fields::of(&key, edge.request_id());
    Ok(page(&keeper, Some(&key), &fields, &Errors::default()))
}

pub async fn save(
    edge: Edge,
    keeper: Keeper,
    Id(id): Id,
    Form(mut fields): Form<Fields>,
) -> Result<Response, Stop> {
    let owner = keeper.owner;
    let request = UpdateApiKeyRequest {
        api_key_id: id.clone(),
        name: Some(fields.name.clone()),
        active: Some(fields.is_active()),
        secret: std::mem::take(&mut fields.secret),
        update_mask: None,
        etag: fields.etag.clone(),
        request_id: fields.request_id.clone(),
    };
    match owner.update(&edge, request).await {
        Ok(()) => Ok(link::see_other(&Notice::KEY_SAVED.on(owner.path()))),
        Err(status) => {
            let errors = Errors::of_call(status, LABELS)?;
            let key = owner.find(&edge, &id).await?;
            Ok(page(&keeper, Some(&key), &fields, &errors))
        }
    }
}

/// The form, for a new key where there is none yet.
fn page(
    Keeper { owner, visit }: &Keeper,
    key: Option<&ApiKey>,
    fields: &Fields,
    errors: &Errors,
) -> Response {
    let status = if errors.is_empty() { StatusCode::OK } else { errors.status() };
    let title = key.map_or("Add API key".to_owned(), |key| format!("Edit {}", key.provider));
    let path = key.map_or(format!("{}/new", owner.path()), |key| owner.key(&key.api_key_id));
    Page::new(visit, &title).tab(owner.tab()).medium().status(status).body(html! {
        a.back href=(owner.path()) { (ui::icon(Icon::Left)) "All keys" }
        div.heading {
            div {
                h1 { (title) }
                @if let Some(key) = key { p.sub { bdi { (key.name) } " · " code { (key.mask) } } }
            }
        }
        (ui::summary(errors, &path))
        @match key {
            Some(key) => div.split { (form(*owner, Some(key), &path, fields, errors)) (facts(key)) },
            None => (form(*owner, None, &path, fields, errors)),
        }
    })
}

fn form(
    owner: Owner,
    key: Option<&ApiKey>,
    path: &str,
    fields: &Fields,
    errors: &Errors,
) -> Markup {
    let secret = Field::password("secret", "Key", "off")
        .errors(errors)
        .beside(html! { (ui::button("show", "f-secret", "Show")) });
    let (secret, label) = match key {
        Some(_) => (
            secret.hint(
                "Leave blank to keep the current one. A new one replaces it at \
            once, and neither can be shown again.",
            ),
            "Save",
        ),
        None => (secret.required().hint("Stored encrypted, and never shown again."), "Add key"),
    };
    html! {
        form.card.fields method="post" action=(path) novalidate {
            (ui::hidden("request_id", &fields.request_id))
            @if key.is_some() {
                (ui::hidden("etag", &fields.etag))
            } @else {
                (Field::text("provider", "Provider").value(&fields.provider).required()
                    .hint("Such as anthropic: lower-case letters, digits, hyphens and underscores. \
                        There is one key for each.").errors(errors))
            }
            (Field::text("name", "Name").value(&fields.name).required()
                .hint("What to call the key.").errors(errors))
            (secret)
            (Checkbox::new("active", "Active", fields.is_active())
                .hint("Calls are never made with an inactive key."))
            div.actions {
                (ui::submit(label).primary())
                (ui::link_button(owner.path(), "Cancel").quiet())
            }
        }
    }
}

fn facts(key: &ApiKey) -> Markup {
    html! {
        section.card {
            header { h2 { "Key" } }
            (ui::facts(&[
                ("Provider", html! { (key.provider) }),
                ("Key", html! { code { (key.mask) } }),
                ("Uses", ui::count(Some(key.use_count))),
                ("Last use", ui::time(key.last_use_time, "Never used")),
                ("Created", ui::time(key.create_time, "Not known")),
                ("Changed", ui::time(key.update_time, "Not known")),
            ]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_kept_and_the_key_is_not() {
        let fields = Fields {
            provider: "anthropic".to_owned(),
            name: "Team".to_owned(),
            secret: "sk-not-to-be-seen".to_owned(),
            ..Fields::default()
        };
        let errors = Errors::of_field("provider", "There is one already");
        let html = form(Owner::System, None, "/x", &fields, &errors).into_string();
        assert!(html.contains("anthropic") && html.contains("Team"), "{html}");
        assert!(html.contains("There is one already") && !html.contains("sk-not"), "{html}");
    }
}
