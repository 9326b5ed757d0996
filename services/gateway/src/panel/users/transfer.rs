//! Giving personas of one user to another: to whom, which, and whether it is meant.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use roster_proto::{
    identity::v1::{ListUsersRequest, User},
    persona::v1::{
        ListUserPersonasRequest, Persona, TransferPersonasRequest, TransferPersonasResponse,
    },
};
use serde::Deserialize;

use super::{
    super::{
        edge::Edge,
        form::{Errors, Form, Id, Label, Query},
        link,
        notice::Notice,
        stop::Stop,
        ui::{self, Icon, Page, Tab, Tone},
        visit::{Admin, Visit},
    },
    find, heading, path,
};

const LABELS: &[Label] = &[("persona_ids", "Personas"), ("to_user_id", "Receiver")];

/// How many users are offered for a name.
const MOST_RECEIVERS: i32 = 20;

/// How many personas can be chosen one by one.
const MOST_PERSONAS: i32 = 200;

/// Who is to get them: searched for by name, then chosen.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Receiver {
    q: String,
    to: String,
}

/// What is sent.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    to_user_id: String,
    persona_ids: Vec<String>,
    all: String,
    sure: String,
    request_id: String,
}

impl Fields {
    fn request(&self, from_user_id: String, validate_only: bool) -> TransferPersonasRequest {
        let all = self.all == "yes";
        TransferPersonasRequest {
            from_user_id,
            to_user_id: self.to_user_id.clone(),
            persona_ids: if all { Vec::new() } else { self.persona_ids.clone() },
            all,
            validate_only,
            request_id: if validate_only { String::new() } else { self.request_id.clone() },
        }
    }
}

pub async fn show(
    edge: Edge,
    Admin { visit, .. }: Admin,
    Id(user_id): Id,
    Query(receiver): Query<Receiver>,
) -> Result<Response, Stop> {
    let from = find(&edge, &user_id).await?;
    if receiver.to.is_empty() {
        return search(&edge, &visit, &from, &receiver.q).await;
    }
    let fields = Fields { to_user_id: receiver.to, ..Fields::default() };
    choice(&edge, &visit, &from, &fields, &Errors::default()).await
}

pub async fn transfer(
    edge: Edge,
    Admin { visit, .. }: Admin,
    Id(user_id): Id,
    Form(fields): Form<Fields>,
) -> Result<Response, Stop> {
    let from = find(&edge, &user_id).await?;
    if fields.all != "yes" && fields.persona_ids.is_empty() {
        let errors = Errors::of_field("persona_ids", "Choose at least one persona, or all of them");
        return choice(&edge, &visit, &from, &fields, &errors).await;
    }
    let is_sure = fields.sure == "yes";
    let request = fields.request(user_id.clone(), !is_sure);
    match edge.all_personas().transfer_personas(edge.call(request)).await {
        Ok(_) if is_sure => {
            Ok(link::see_other(&Notice::TRANSFERRED.on(&format!("{}/data", path(&user_id)))))
        }
        Ok(answer) => question(&edge, &visit, &from, &fields, *answer.get_ref()).await,
        Err(status) => {
            let errors = Errors::of_call(status, LABELS)?;
            choice(&edge, &visit, &from, &fields, &errors).await
        }
    }
}

fn here(user: &User) -> String {
    format!("{}/transfer", path(&user.user_id))
}

/// To whom?
async fn search(edge: &Edge, visit: &Visit, from: &User, q: &str) -> Result<Response, Stop> {
    let request = ListUsersRequest {
        query: q.to_owned(),
        order_by: "username".to_owned(),
        page_size: MOST_RECEIVERS,
        ..ListUsersRequest::default()
    };
    let mut found = edge.users().list_users(edge.call(request)).await?.into_inner();
    found.users.retain(|user| user.user_id != from.user_id);
    let more = !found.next_page_token.is_empty();
    Ok(Page::new(visit, "Transfer personas").tab(Tab::Users).medium().body(html! {
        (heading(from, "Transfer personas", (&path(&from.user_id), &from.username)))
        form.filters action=(here(from)) role="search" {
            div.field.search {
                label for="f-q" { "Who gets them?" }
                input id="f-q" name="q" type="search" value=(q) autocomplete="off"
                    placeholder="Username, display name or email";
            }
            div.actions { (ui::submit("Search").icon(Icon::Search)) }
        }
        section.card.flush aria-label="Users" {
            @if found.users.is_empty() {
                (ui::empty(Icon::People, "No users found", "Try less of the name.", None))
            } @else {
                (receivers(from, &found.users))
                @if more { p.pages { "There are more: type more of the name." } }
            }
        }
    }))
}

fn receivers(from: &User, users: &[User]) -> Markup {
    html! {
        table.cards {
            (ui::columns(&[ui::Column::new("User"), ui::Column::new("Email"), ui::Column::actions()]))
            tbody {
                @for user in users {
                    tr {
                        th scope="row" {
                            div.who {
                                span.names { strong { (user.username) } (super::badges(user)) }
                                span.sub { (user.display_name) }
                            }
                        }
                        (ui::cell("Email", &html! { (user.email) }))
                        td.actions {
                            a.button href=(link::with_query(&here(from), &[("to", &user.user_id)])) {
                                "Choose" span.hidden { " " (user.username) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Which?
async fn choice(
    edge: &Edge,
    visit: &Visit,
    from: &User,
    fields: &Fields,
    errors: &Errors,
) -> Result<Response, Stop> {
    let to = find(edge, &fields.to_user_id).await?;
    let request = ListUserPersonasRequest {
        user_id: from.user_id.clone(),
        page_size: MOST_PERSONAS,
        page_token: String::new(),
    };
    let personas = edge.all_personas().list_user_personas(edge.call(request)).await?.into_inner();
    let status = if errors.is_empty() { StatusCode::OK } else { errors.status() };
    Ok(Page::new(visit, "Transfer personas").tab(Tab::Users).medium().status(status).body(html! {
        (heading(from, "Transfer personas", (&here(from), "Choose somebody else")))
        (ui::summary(errors, &here(from)))
        section.card {
            header {
                h2 { "To " (to.username) }
                p { "Personas go with their ontologies and annotations. " (from.username)
                    " can neither read nor change them from then on." }
            }
            @if personas.personas.is_empty() {
                (ui::empty(Icon::Swap, "No personas", "The user has none to give.", None))
            } @else {
                (which(from, fields, &personas.personas, errors))
            }
        }
    }))
}

fn which(from: &User, fields: &Fields, personas: &[Persona], errors: &Errors) -> Markup {
    html! {
        form.fields method="post" action=(here(from)) novalidate {
            (ui::hidden("to_user_id", &fields.to_user_id))
            (ui::enter())
            fieldset.boxes id="f-persona_ids" tabindex="-1" {
                legend { "Personas" }
                @if let Some(error) = errors.of("persona_ids") { p.error { (ui::icon(Icon::Warning)) (error) } }
                @for persona in personas {
                    label.check {
                        input type="checkbox" name="persona_ids" value=(persona.persona_id)
                            checked[fields.persona_ids.contains(&persona.persona_id)];
                        span {
                            bdi { (persona.name()) } " "
                            @if persona.hidden() { (ui::badge(Tone::Plain, "Hidden")) }
                            @if !persona.role().is_empty() { span.soft { " · " bdi { (persona.role()) } } }
                        }
                    }
                }
            }
            div.actions {
                (ui::submit("Continue").primary())
                (ui::submit_as("all", "yes", "Continue with all"))
                (ui::link_button(&path(&from.user_id), "Cancel").quiet())
            }
        }
    }
}

/// Is it meant?
async fn question(
    edge: &Edge,
    visit: &Visit,
    from: &User,
    fields: &Fields,
    counted: TransferPersonasResponse,
) -> Result<Response, Stop> {
    let to = find(edge, &fields.to_user_id).await?;
    let choose = link::with_query(&here(from), &[("to", &fields.to_user_id)]);
    let counts = [
        ("Personas", counted.persona_count),
        ("Ontologies", counted.ontology_count),
        ("Annotations", counted.annotation_count),
    ];
    Ok(Page::new(visit, "Transfer personas?").tab(Tab::Users).medium().body(html! {
        (heading(from, "Transfer personas?", (&choose, "Choose others")))
        section.card {
            header {
                h2 { "From " (from.username) " to " (to.username) }
                p { "All of them go, or none. " bdi { (to.display_name) } " is their owner from then on." }
            }
            ul.tally {
                @for (name, count) in counts { li { span { (name) } strong { (ui::grouped(count)) } } }
            }
            form method="post" action=(here(from)) {
                (ui::hidden("to_user_id", &fields.to_user_id))
                (ui::hidden("request_id", &edge.request_id()))
                (ui::hidden("sure", "yes"))
                @if fields.all == "yes" { (ui::hidden("all", "yes")) }
                @else { @for id in &fields.persona_ids { (ui::hidden("persona_ids", id)) } }
                div.actions {
                    (ui::submit("Transfer").primary().icon(Icon::Swap))
                    (ui::link_button(&path(&from.user_id), "Cancel").quiet())
                }
            }
        }
    }))
}
