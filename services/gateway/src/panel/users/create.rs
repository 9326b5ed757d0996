//! Creating a user.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use roster_proto::identity::v1::{CreateUserRequest, User};
use serde::Deserialize;

use super::{
    super::{
        edge::Edge,
        form::{Errors, Form, is_checked},
        password::{self, Spaces},
        stop::Stop,
        ui::{self, Checkbox, Field, Icon, Message, Page, Tab, Tone},
        visit::{Admin, Visit},
    },
    LABELS, path,
};

const PATH: &str = "/admin/users/new";

/// What is sent.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    username: String,
    display_name: String,
    email: String,
    password: String,
    is_admin: Option<String>,
    password_change_required: Option<String>,
    spaces: Spaces,
    request_id: String,
    action: String,
}

impl Fields {
    fn request(&self) -> CreateUserRequest {
        CreateUserRequest {
            username: self.username.clone(),
            display_name: self.display_name.clone(),
            email: self.email.clone(),
            password: self.password.clone(),
            is_admin: is_checked(self.is_admin.as_ref()),
            password_change_required: is_checked(self.password_change_required.as_ref()),
            request_id: self.request_id.clone(),
        }
    }
}

pub async fn show(edge: Edge, Admin { visit, .. }: Admin) -> Response {
    let fields = Fields { request_id: edge.request_id(), ..Fields::default() };
    page(&edge, &visit, &fields, &Errors::default()).await
}

pub async fn create(
    edge: Edge,
    Admin { visit, .. }: Admin,
    Form(mut fields): Form<Fields>,
) -> Result<Response, Stop> {
    if fields.action == "generate" {
        let least = password::least(&edge).await.unwrap_or_default();
        fields.password = password::generated(edge.env(), least);
        return Ok(page(&edge, &visit, &fields, &Errors::default()).await);
    }
    if let Some(errors) = fields.spaces.question("password", &fields.password) {
        return Ok(page(&edge, &visit, &fields, &errors).await);
    }
    match edge.users().create_user(edge.call(fields.request())).await {
        Ok(answer) => {
            let user = answer.into_inner().user.ok_or(Stop::Missing)?;
            Ok(created(&visit, &user, &fields.password))
        }
        Err(status) => {
            let errors = Errors::of_call(status, LABELS)?;
            Ok(page(&edge, &visit, &fields, &errors).await)
        }
    }
}

async fn page(edge: &Edge, visit: &Visit, fields: &Fields, errors: &Errors) -> Response {
    let hint = password::hint(edge).await;
    let status = if errors.is_empty() { StatusCode::OK } else { errors.status() };
    Page::new(visit, "Create User").tab(Tab::Users).medium().status(status).body(html! {
        a.back href="/admin/users" { (ui::icon(Icon::Left)) "All users" }
        div.heading { div { h1 { "Create User" } } }
        (ui::summary(errors, PATH))
        form.card.fields method="post" action=(PATH) novalidate {
            (ui::enter())
            (ui::hidden("request_id", &fields.request_id))
            (inputs(fields, &hint, errors))
            div.actions {
                (ui::submit("Create").primary())
                (ui::link_button("/admin/users", "Cancel").quiet())
            }
        }
    })
}

fn inputs(fields: &Fields, hint: &str, errors: &Errors) -> Markup {
    let generated = fields.action == "generate";
    let beside = html! {
        (ui::button("show", "f-password", if generated { "Hide" } else { "Show" }))
        (ui::submit_as("action", "generate", "Generate").icon(Icon::Again))
    };
    html! {
        (Field::text("username", "Username").value(&fields.username).required()
            .hint("3-50 characters, unique. It cannot be changed later.")
            .focused(errors.is_empty() && !generated).errors(errors))
        (Field::text("display_name", "Display Name").value(&fields.display_name).required()
            .hint("User's full name.").errors(errors))
        (Field::email("email", "Email").value(&fields.email)
            .hint("For contact purposes.").errors(errors))
        (password::new("password", "Password", &fields.password, hint, errors).required()
            .readable(generated).focused(generated).beside(beside))
        (fields.spaces.answer(errors))
        (Checkbox::new("is_admin", "Admin Role", is_checked(fields.is_admin.as_ref()))
            .hint("Administrators manage users, sessions and the keys of the system.").errors(errors))
        (Checkbox::new("password_change_required", "Must change password at first sign-in",
                is_checked(fields.password_change_required.as_ref()))
            .hint("For a temporary password. Until it is changed, the user can do nothing else."))
    }
}

/// What to hand over. The page is kept by nobody, and shows the password because
/// it cannot be read again.
fn created(visit: &Visit, user: &User, password: &str) -> Response {
    let then = if user.password_change_required {
        "They will be asked to choose another password when they sign in."
    } else {
        "They can sign in right away."
    };
    let text = html! { p { (then) } };
    Page::new(visit, "User created").tab(Tab::Users).medium().status(StatusCode::CREATED).body(html! {
        a.back href="/admin/users" { (ui::icon(Icon::Left)) "All users" }
        div.heading { div { h1 { "User created" } p.sub { (user.display_name) } } }
        (Message::new(Tone::Good, &format!("{} has an account", user.username), text).focused())
        section.card {
            header { h2 { "To hand over" } p { "The password is shown this once. Share it securely, \
                not by email." } }
            h3 { "Username" }
            p.secret {
                code id="created-username" { (user.username) }
                (ui::button("copy", "created-username", "Copy"))
            }
            h3 { "Password" }
            p.secret {
                code id="created-password" { (password) }
                (ui::button("copy", "created-password", "Copy"))
            }
            h3 { "Where to sign in" }
            p { a href="/sign-in" { "Sign-in page" } }
            div.actions {
                (ui::link_button("/admin/users", "Done").primary())
                (ui::link_button(PATH, "Create another"))
                (ui::link_button(&path(&user.user_id), "Edit").quiet().icon(Icon::Pencil))
            }
        }
    })
}
