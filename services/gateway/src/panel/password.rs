//! Passwords: choosing one, and changing one's own where that has to be done
//! before anything else.

use axum::{Router, response::Response, routing::get};
use http::StatusCode;
use maud::{Markup, html};
use roster_kernel::Env;
use roster_proto::identity::v1::{ChangePasswordRequest, GetSettingsRequest};
use serde::Deserialize;

use super::{
    Panel,
    edge::Edge,
    form::{Errors, Form, Label, Query},
    link,
    notice::Notice,
    stop::Stop,
    ui::{self, Checkbox, Field, Message, Page, Tone},
    visit::Visit,
};

/// The fields of a change.
pub const LABELS: &[Label] =
    &[("current_password", "Current password"), ("new_password", "New password")];

/// What generated passwords are made of: no characters that look alike. A power of
/// two, so that every random byte is as good as any other.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// How many characters of 5 bits are enough.
const LENGTH: usize = 24;

/// What the box is called that says that spaces at a password's ends are meant.
const SPACES: &str = "spaces";

/// Whether somebody has said that spaces at the ends of a password are meant.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Spaces(String);

impl Spaces {
    /// What has to be asked before `password` is taken, which stays as it is.
    pub fn question(&self, field: &'static str, password: &str) -> Option<Errors> {
        let text = "Password begins or ends with a space. Spaces count: confirm below that they are \
                    meant, or type it again";
        let asked = || {
            let mut errors = Errors::of_field(field, text);
            errors.spaces = true;
            errors
        };
        (self.0 != "on" && has_spaces(password)).then(asked)
    }

    /// Where the answer is given, once it was asked for.
    pub fn answer(&self, errors: &Errors) -> Markup {
        let said = self.0 == "on";
        html! {
            @if errors.spaces || said {
                (Checkbox::new(SPACES, "Keep the spaces at the ends of the password", said))
            }
        }
    }
}

/// Whether a password begins or ends with what people cannot see.
fn has_spaces(password: &str) -> bool {
    password.trim().len() != password.len()
}

/// A password of 120 random bits, which is longer than any policy that is in use
/// asks for, or as long as `least` characters.
pub fn generated(env: &Env, least: usize) -> String {
    let random = std::iter::repeat_with(|| env.bytes::<LENGTH>()).flatten();
    let letters = random.map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    letters.take(LENGTH.max(least)).collect()
}

/// How many characters a password has at least. What is not known is left to
/// whoever takes the password.
pub async fn least(edge: &Edge) -> Option<usize> {
    let settings = edge.account().get_settings(edge.call(GetSettingsRequest {})).await.ok()?;
    usize::try_from(settings.get_ref().password_min_length).ok()
}

/// What is asked of a password, in words.
pub async fn hint(edge: &Edge) -> String {
    match least(edge).await {
        Some(least) => format!("Minimum {least} characters."),
        None => String::new(),
    }
}

/// A field for a new password, which keeps what was typed.
pub fn new<'a>(
    name: &'a str,
    label: &'a str,
    value: &'a str,
    hint: &'a str,
    errors: &'a Errors,
) -> Field<'a> {
    let id = match name {
        "new_password" => "f-new_password",
        _ => "f-password",
    };
    let field = Field::password(name, label, "new-password").value(value).errors(errors);
    let field = if hint.is_empty() { field } else { field.hint(hint) };
    field.beside(html! { (ui::button("show", id, "Show")) })
}

/// What is sent.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    current_password: String,
    new_password: String,
    spaces: Spaces,
    request_id: String,
    to: String,
}

/// Where to go on.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Target {
    to: String,
}

/// The page for choosing another password.
pub fn router() -> Router<Panel> {
    Router::new().route("/change-password", get(show).post(change))
}

async fn show(
    edge: Edge,
    visit: Visit,
    Query(Target { to }): Query<Target>,
) -> Result<Response, Stop> {
    let fields = Fields { request_id: edge.request_id(), to, ..Fields::default() };
    page(&edge, &visit, &fields, &Errors::default()).await
}

async fn change(edge: Edge, visit: Visit, Form(fields): Form<Fields>) -> Result<Response, Stop> {
    if let Some(errors) = fields.spaces.question("new_password", &fields.new_password) {
        return page(&edge, &visit, &fields, &errors).await;
    }
    let request = ChangePasswordRequest {
        current_password: fields.current_password.clone(),
        new_password: fields.new_password.clone(),
        revoke_sessions: false,
        request_id: fields.request_id.clone(),
    };
    match edge.account().change_password(edge.call(request)).await {
        Ok(_) => Ok(link::see_other(&after(&fields.to))),
        Err(status) => {
            let errors = Errors::of_call(status, LABELS)?;
            page(&edge, &visit, &fields, &errors).await
        }
    }
}

/// Where to go on, and what is said there; the start page says nothing, because it
/// only leads on.
fn after(to: &str) -> String {
    match link::target_of(to) {
        to if to == "/" || to.contains('?') => to.to_owned(),
        to => Notice::PASSWORD_CHANGED.on(to),
    }
}

async fn page(
    edge: &Edge,
    visit: &Visit,
    fields: &Fields,
    errors: &Errors,
) -> Result<Response, Stop> {
    // The page is open to those who can do nothing else yet.
    let user = visit.user.as_ref().ok_or(Stop::SignIn)?;
    let hint = hint(edge).await;
    let status = if errors.is_empty() { StatusCode::OK } else { errors.status() };
    // Waiting for a confirmation takes the very same words, and so does an answer.
    let kept = |typed| if errors.pending || errors.spaces { typed } else { "" };
    let text = html! { p { "Your password was given to you. Until you have chosen your own, you can \
    do nothing else." } };
    Ok(Page::new(visit, "Change password").narrow().status(status).body(html! {
        @if user.password_change_required && errors.is_empty() {
            (Message::new(Tone::Attention, "Choose a new password", text))
        }
        (ui::summary(errors, "/change-password"))
        section.card {
            h1 { "Change password" }
            form.fields method="post" action="/change-password" novalidate {
                (ui::hidden("request_id", &fields.request_id))
                (ui::hidden(link::TARGET, link::target_of(&fields.to)))
                (Field::text("username", "Username").value(&user.username).required()
                    .autocomplete("username"))
                (Field::password("current_password", "Current password", "current-password")
                    .value(kept(&fields.current_password)).required().errors(errors))
                (new("new_password", "New password", kept(&fields.new_password), &hint, errors)
                    .required())
                (fields.spaces.answer(errors))
                div.actions.wide { (ui::submit("Change password").primary()) }
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_at_the_ends_are_asked_about_once() {
        let unsaid = Spaces::default();
        for password in [" secret", "secret ", "secret\t", "secret\u{a0}"] {
            let errors = unsaid.question("password", password).unwrap();
            assert!(errors.of("password").unwrap().contains("space"), "{password:?}");
            assert!(unsaid.answer(&errors).into_string().contains("name=\"spaces\""));
            assert!(Spaces("on".to_owned()).question("password", password).is_none());
        }
        assert!(unsaid.question("password", "correct horse").is_none());
        assert!(unsaid.answer(&Errors::default()).into_string().is_empty());
    }

    #[test]
    fn a_generated_password_is_long_and_never_the_same() {
        let (_, env) = roster_testkit::env(1);
        let one = generated(&env, 6);
        assert_eq!((one.len(), generated(&env, 40).len()), (24, 40));
        assert!(one.bytes().all(|byte| LETTERS.contains(&byte)) && one != generated(&env, 6));
    }

    #[test]
    fn what_was_done_is_said_where_it_is_seen() {
        assert_eq!(after("/account"), "/account?done=password-changed");
        assert_eq!(after("https://example.org"), "/");
    }
}
