//! One user: what can be changed, and the ways to everything else.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use roster_proto::identity::v1::{UpdateUserRequest, User};
use serde::Deserialize;

use super::{
    super::{
        edge::Edge,
        form::{Errors, Form, Id, is_checked},
        link,
        notice::Notice,
        password::{self, Spaces},
        stop::Stop,
        ui::{self, Checkbox, Field, Icon, Page, Tab},
        visit::{Admin, Visit},
    },
    LABELS, badges, find, path,
};

/// What is sent.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    display_name: String,
    email: String,
    password: String,
    is_admin: Option<String>,
    password_change_required: Option<String>,
    revoke_sessions: Option<String>,
    spaces: Spaces,
    etag: String,
    request_id: String,
    action: String,
}

impl Fields {
    fn of(user: &User, request_id: String) -> Self {
        let checked = |it: bool| it.then(|| "on".to_owned());
        Self {
            display_name: user.display_name.clone(),
            email: user.email.clone(),
            is_admin: checked(user.is_admin),
            password_change_required: checked(user.password_change_required),
            etag: user.etag.clone(),
            request_id,
            ..Self::default()
        }
    }

    fn request(&self, user_id: String) -> UpdateUserRequest {
        UpdateUserRequest {
            user_id,
            display_name: Some(self.display_name.clone()),
            email: Some(self.email.clone()),
            is_admin: Some(is_checked(self.is_admin.as_ref())),
            password_change_required: Some(is_checked(self.password_change_required.as_ref())),
            password: self.password.clone(),
            revoke_sessions: is_checked(self.revoke_sessions.as_ref()),
            update_mask: None,
            etag: self.etag.clone(),
            request_id: self.request_id.clone(),
        }
    }
}

pub async fn show(
    edge: Edge,
    Admin { visit, .. }: Admin,
    Id(user_id): Id,
) -> Result<Response, Stop> {
    let user = find(&edge, &user_id).await?;
    let fields = Fields::of(&user, edge.request_id());
    Ok(page(&edge, &visit, &user, &fields, &Errors::default()).await)
}

pub async fn save(
    edge: Edge,
    Admin { visit, .. }: Admin,
    Id(user_id): Id,
    Form(mut fields): Form<Fields>,
) -> Result<Response, Stop> {
    if fields.action == "generate" {
        let least = password::least(&edge).await.unwrap_or_default();
        fields.password = password::generated(edge.env(), least);
        let user = find(&edge, &user_id).await?;
        return Ok(page(&edge, &visit, &user, &fields, &Errors::default()).await);
    }
    if let Some(errors) = fields.spaces.question("password", &fields.password) {
        let user = find(&edge, &user_id).await?;
        return Ok(page(&edge, &visit, &user, &fields, &errors).await);
    }
    match edge.users().update_user(edge.call(fields.request(user_id.clone()))).await {
        Ok(_) if is_checked(fields.revoke_sessions.as_ref()) => {
            Ok(link::see_other(&Notice::SAVED_AND_REVOKED.on(&path(&user_id))))
        }
        Ok(_) => Ok(link::see_other(&Notice::SAVED.on(&path(&user_id)))),
        Err(status) => {
            let errors = Errors::of_call(status, LABELS)?;
            let user = find(&edge, &user_id).await?;
            Ok(page(&edge, &visit, &user, &fields, &errors).await)
        }
    }
}

async fn page(
    edge: &Edge,
    visit: &Visit,
    user: &User,
    fields: &Fields,
    errors: &Errors,
) -> Response {
    let hint = match password::least(edge).await {
        Some(least) => format!("Leave blank to keep current. Minimum {least} characters."),
        None => "Leave blank to keep current.".to_owned(),
    };
    let status = if errors.is_empty() { StatusCode::OK } else { errors.status() };
    let title = format!("Edit {}", user.username);
    Page::new(visit, &title).tab(Tab::Users).medium().status(status).body(html! {
        a.back href="/admin/users" { (ui::icon(Icon::Left)) "All users" }
        div.heading {
            div {
                div.title { h1 { (user.username) } (badges(user)) }
                p.sub { (user.display_name) }
            }
        }
        (ui::summary(errors, &path(&user.user_id)))
        div.split {
            (form(user, fields, &hint, errors))
            div.stack {
                (account(user))
                (more(edge, user))
            }
        }
    })
}

fn form(user: &User, fields: &Fields, hint: &str, errors: &Errors) -> Markup {
    let generated = fields.action == "generate";
    let beside = html! {
        (ui::button("show", "f-password", if generated { "Hide" } else { "Show" }))
        (ui::submit_as("action", "generate", "Generate").icon(Icon::Again))
    };
    html! {
        form.card.fields method="post" action=(path(&user.user_id)) novalidate {
            (ui::enter())
            (ui::hidden("request_id", &fields.request_id))
            (ui::hidden("etag", &fields.etag))
            (Field::text("display_name", "Display Name").value(&fields.display_name).required()
                .errors(errors))
            (Field::email("email", "Email").value(&fields.email).errors(errors))
            (Checkbox::new("is_admin", "Admin Role", is_checked(fields.is_admin.as_ref()))
                .hint("Administrators manage users, sessions and the keys of the system. In effect \
                    on the user's next request.").errors(errors))
            (password::new("password", "Password", &fields.password, hint, errors)
                .readable(generated).focused(generated).beside(beside))
            (fields.spaces.answer(errors))
            (Checkbox::new("password_change_required", "Must change password at next sign-in",
                    is_checked(fields.password_change_required.as_ref()))
                .hint("For a temporary password. Until it is changed, the user can do nothing else."))
            (Checkbox::new("revoke_sessions", "Revoke all sessions",
                    is_checked(fields.revoke_sessions.as_ref()))
                .hint("Signs the user out everywhere. Recommended with a new password; otherwise \
                    active sessions remain valid."))
            div.actions {
                (ui::submit("Save").primary())
                (ui::link_button("/admin/users", "Cancel").quiet())
            }
        }
    }
}

fn account(user: &User) -> Markup {
    let kept = user.statistics.unwrap_or_default();
    html! {
        section.card {
            header { h2 { "Account" } }
            (ui::facts(&[
                ("Created", ui::time(user.create_time, "Not known")),
                ("Changed", ui::time(user.update_time, "Not known")),
                ("Last login", ui::time(user.last_login_time, "Never signed in")),
                ("Personas", ui::count(kept.persona_count)),
                ("Active sessions", ui::count(kept.active_session_count)),
                ("API keys", ui::count(kept.api_key_count)),
            ]))
            p.small.soft { "ID " code { (user.user_id) } }
        }
    }
}

fn more(edge: &Edge, user: &User) -> Markup {
    let page = path(&user.user_id);
    let sessions = link::with_query("/admin/sessions", &[("user", &user.user_id)]);
    html! {
        section.card {
            header { h2 { "More" } }
            div.choices {
                (ui::link_button(&sessions, "Their sessions").icon(Icon::Device))
                (ui::link_button(&format!("{page}/data"), "Review data").icon(Icon::Eye))
                (ui::link_button(&format!("{page}/transfer"), "Transfer personas").icon(Icon::Swap))
                (export(&user.user_id))
                (toggle(user, &edge.request_id()))
                (ui::link_button(&format!("{page}/delete"), "Delete").danger().icon(Icon::Bin))
            }
        }
    }
}

/// Everything that the services keep of a user, as a file.
pub fn export(user_id: &str) -> Markup {
    let file = format!("roster-{user_id}.ndjson");
    html! {
        a.button href={ "/api/admin/users/" (user_id) ":export" } download=(file) {
            (ui::icon(Icon::Download)) "Export data"
        }
    }
}

fn toggle(user: &User, request_id: &str) -> Markup {
    let page = path(&user.user_id);
    html! {
        @if user.disabled {
            form method="post" action={ (page) "/enable" } {
                (ui::hidden("request_id", request_id))
                (ui::submit("Enable").icon(Icon::Check))
            }
        } @else {
            form method="post" action={ (page) "/disable" } data-yes="Disable"
                data-confirm={ "Disable " (user.username) "? All their sessions end, and they \
                    cannot sign in until you enable them again. Nothing is deleted." } {
                (ui::hidden("request_id", request_id))
                (ui::submit("Disable").icon(Icon::Ban))
            }
        }
    }
}
