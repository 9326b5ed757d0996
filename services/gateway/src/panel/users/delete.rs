//! Deleting a user, after saying what that erases.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use roster_proto::identity::v1::{
    DeleteUserRequest, DeletionPlan, PlanUserDeletionRequest, PlannedErasure, User,
};
use serde::Deserialize;

use super::{
    super::{
        deletions,
        edge::Edge,
        form::{Errors, Form, Id},
        link,
        stop::Stop,
        ui::{self, Icon, Message, Page, Tab, Tone},
        visit::{Admin, Visit},
    },
    LABELS, edit, find, heading, path,
};

/// What is sent.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    etag: String,
    request_id: String,
}

pub async fn ask(
    edge: Edge,
    Admin { visit, .. }: Admin,
    Id(user_id): Id,
) -> Result<Response, Stop> {
    confirmation(&edge, &visit, &user_id, &Errors::default()).await
}

pub async fn delete(
    edge: Edge,
    Admin { visit, .. }: Admin,
    Id(user_id): Id,
    Form(Fields { etag, request_id }): Form<Fields>,
) -> Result<Response, Stop> {
    let request = DeleteUserRequest {
        user_id: user_id.clone(),
        etag: etag.clone(),
        request_id: request_id.clone(),
        validate_only: false,
    };
    let status = match edge.users().delete_user(edge.call(request)).await {
        Ok(answer) => {
            let deletion = answer.into_inner().deletion.ok_or(Stop::Missing)?;
            return Ok(link::see_other(&deletions::path(&deletion.deletion_id)));
        }
        Err(status) => status,
    };
    let errors = Errors::of_call(status, LABELS)?;
    if errors.pending {
        let done = "The user is deleted, and what the services keep of them is being erased.";
        let action = format!("{}/delete", path(&user_id));
        let fields = [("etag", etag.as_str()), ("request_id", request_id.as_str())];
        return Ok(ui::pending(&visit, done, &action, &fields));
    }
    confirmation(&edge, &visit, &user_id, &errors).await
}

async fn confirmation(
    edge: &Edge,
    visit: &Visit,
    user_id: &str,
    errors: &Errors,
) -> Result<Response, Stop> {
    let user = find(edge, user_id).await?;
    let request = PlanUserDeletionRequest { user_id: user_id.to_owned() };
    let plan = edge.users().plan_user_deletion(edge.call(request)).await?.into_inner().plan;
    let plan = plan.ok_or(Stop::Missing)?;
    let status = if errors.is_empty() { StatusCode::OK } else { errors.status() };
    let title = format!("Delete {}?", user.username);
    let here = format!("{}/delete", path(user_id));
    Ok(Page::new(visit, &title).tab(Tab::Users).medium().status(status).body(html! {
        (heading(&user, &title, ("/admin/users", "All users")))
        (ui::summary(errors, &here))
        (blockers(&plan))
        section.card {
            header {
                h2 { "What gets deleted" }
                p { "The account, at once, and what the services keep for it." }
            }
            (erasures(&plan.erasures))
        }
        (decision(edge, &user, &plan, &here))
    }))
}

fn blockers(plan: &DeletionPlan) -> Markup {
    html! {
        @for blocker in &plan.blockers {
            (Message::new(Tone::Bad, "This user cannot be deleted", html! { p { (blocker.message) } }))
        }
    }
}

fn erasures(erasures: &[PlannedErasure]) -> Markup {
    html! {
        ul.tally {
            @for erasure in erasures {
                @for counted in &erasure.counts {
                    li { span { (ui::kind(&counted.kind)) } strong { (ui::grouped(counted.count)) } }
                }
                @if !erasure.answered {
                    li {
                        span { "Whatever the " (erasure.participant) " service keeps" }
                        span.soft { "not known: it did not answer" }
                    }
                }
            }
        }
    }
}

fn decision(edge: &Edge, user: &User, plan: &DeletionPlan, here: &str) -> Markup {
    let review = format!("{}/data", path(&user.user_id));
    html! {
        section.card {
            header {
                h2 { "Before you delete" }
                p { "Deletion is permanent and cannot be undone. The user is signed out \
                    immediately. Consider exporting their data, or handing personas on." }
            }
            div.actions {
                (edit::export(&user.user_id))
                (ui::link_button(&review, "Review data").icon(Icon::Eye))
                (ui::link_button(&format!("{}/transfer", path(&user.user_id)), "Transfer personas")
                    .icon(Icon::Swap))
            }
            form method="post" action=(here) {
                (ui::hidden("etag", &user.etag))
                (ui::hidden("request_id", &edge.request_id()))
                div.actions {
                    @if plan.blockers.is_empty() { (ui::submit("Delete").danger().icon(Icon::Bin)) }
                    (ui::link_button("/admin/users", "Cancel").quiet())
                }
            }
        }
    }
}
