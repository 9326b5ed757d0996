//! What became of the deletion of a user.

use axum::{
    Router,
    response::Response,
    routing::{get, post},
};
use maud::{Markup, html};
use roster_proto::identity::v1::{
    Deletion, DeletionReceipt, DeletionState, GetDeletionRequest, ListDeletionsRequest,
    ReceiptState, RetryDeletionRequest,
};
use serde::Deserialize;

use super::{
    Panel,
    edge::Edge,
    form::{Form, Id, Query},
    link,
    notice::Notice,
    stop::Stop,
    ui::{self, Column, Icon, Page, Pages, Tab, Tone},
    visit::Admin,
};

/// The pages about deletions.
pub fn router() -> Router<Panel> {
    Router::new()
        .route("/admin/deletions", get(list))
        .route("/admin/deletions/{id}", get(show))
        .route("/admin/deletions/{id}/retry", post(retry))
}

/// The page of a deletion.
pub fn path(deletion_id: &str) -> String {
    format!("/admin/deletions/{deletion_id}")
}

/// Which part of the list is asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
struct List {
    page: String,
}

/// What is sent to ask again.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Retry {
    request_id: String,
}

async fn list(
    edge: Edge,
    Admin { visit, .. }: Admin,
    Query(List { page }): Query<List>,
) -> Result<Response, Stop> {
    let request =
        ListDeletionsRequest { page_token: page.clone(), ..ListDeletionsRequest::default() };
    let answer = edge.users().list_deletions(edge.call(request)).await?.into_inner();
    let at = |page: &str| link::with_query("/admin/deletions", &[("page", page)]);
    let pages = Pages {
        shown: format!("Deletions on this page: {}", answer.deletions.len()),
        first: (!page.is_empty()).then(|| at("")),
        next: (!answer.next_page_token.is_empty()).then(|| at(&answer.next_page_token)),
    };
    Ok(Page::new(&visit, "Deletions").tab(Tab::Users).medium().body(html! {
        a.back href="/admin/users" { (ui::icon(Icon::Left)) "All users" }
        div.heading {
            div { h1 { "Deletions" } p.sub { "Users who were deleted: ids and counts, no names." } }
        }
        section.card.flush aria-label="Deletions" {
            @if answer.deletions.is_empty() {
                (ui::empty(Icon::Bin, "No deletions", "Nobody has been deleted yet.", None))
            } @else {
                (table(&answer.deletions))
                (pages)
            }
        }
    }))
}

fn table(deletions: &[Deletion]) -> Markup {
    html! {
        div.scroll {
            table.cards {
                (ui::columns(&[
                    Column::new("User ID"),
                    Column::new("State"),
                    Column::new("Deleted"),
                    Column::new("Completed"),
                ]))
                tbody {
                    @for deletion in deletions {
                        tr {
                            th scope="row" {
                                a href=(path(&deletion.deletion_id)) { code { (deletion.user_id) } }
                            }
                            (ui::cell("State", &state_badge(deletion.state())))
                            (ui::time_cell("Deleted", deletion.create_time, "Not known"))
                            (ui::time_cell("Completed", deletion.complete_time, "Not complete yet"))
                        }
                    }
                }
            }
        }
    }
}

async fn show(edge: Edge, Admin { visit, .. }: Admin, Id(id): Id) -> Result<Response, Stop> {
    let request = GetDeletionRequest { deletion_id: id };
    let answer = edge.users().get_deletion(edge.call(request)).await?.into_inner();
    let deletion = answer.deletion.ok_or(Stop::Missing)?;
    let runs = deletion.state() == DeletionState::Running;
    let page = Page::new(&visit, "Deletion").tab(Tab::Users).medium().again_while(runs);
    Ok(page.body(html! {
        a.back href="/admin/deletions" { (ui::icon(Icon::Left)) "Deletions" }
        div.heading { div { h1 { "Deletion of a user" } p.sub { code { (deletion.user_id) } } } }
        div.split {
            section.card {
                header { h2 { "Progress" } p { "What each service has erased." } }
                div data-part="progress" aria-live="polite" { (progress(&edge, &deletion)) }
            }
            section.card {
                header { h2 { "Deletion" } }
                div data-part="facts" { (facts(&deletion)) }
            }
        }
    }))
}

async fn retry(
    edge: Edge,
    _: Admin,
    Id(deletion_id): Id,
    Form(Retry { request_id }): Form<Retry>,
) -> Result<Response, Stop> {
    let page = path(&deletion_id);
    let request = RetryDeletionRequest { deletion_id, request_id };
    edge.users().retry_deletion(edge.call(request)).await?;
    Ok(link::see_other(&Notice::RETRIED.on(&page)))
}

fn progress(edge: &Edge, deletion: &Deletion) -> Markup {
    let text = match deletion.state() {
        DeletionState::Complete => "Complete. Everything has been erased.",
        DeletionState::Stalled => {
            "A service has not confirmed after many attempts. It is still asked every hour; ask it \
             again now once it is back."
        }
        DeletionState::Running | DeletionState::Unspecified => {
            "The user is deleted and signed out. The services are erasing what they keep; this page \
             follows by itself."
        }
    };
    html! {
        p { (state_badge(deletion.state())) " " (text) }
        ol.steps { @for receipt in &deletion.receipts { (step(receipt)) } }
        @if deletion.state() == DeletionState::Stalled {
            form method="post" action={ (path(&deletion.deletion_id)) "/retry" } {
                (ui::hidden("request_id", &edge.request_id()))
                div.actions { (ui::submit("Ask again now").primary().icon(Icon::Again)) }
            }
        }
    }
}

fn step(receipt: &DeletionReceipt) -> Markup {
    let (tone, state) = match receipt.state() {
        ReceiptState::Done => (Tone::Good, "Erased"),
        ReceiptState::Waived => (Tone::Plain, "Retired before it confirmed"),
        ReceiptState::Parked => (Tone::Bad, "Does not confirm"),
        ReceiptState::Pending | ReceiptState::Unspecified => (Tone::Attention, "Waiting"),
    };
    html! {
        li {
            span class={ "dot " (tone.class()) } {}
            span.name { (ui::kind(&receipt.participant)) }
            (ui::badge(tone, state))
            span.what {
                @if receipt.state() == ReceiptState::Done { (erased(receipt)) }
                @if receipt.state() != ReceiptState::Done && receipt.attempts > 0 {
                    "asked " (ui::grouped(receipt.attempts.into())) " times"
                }
                @if !receipt.failure.is_empty() { " · " (receipt.failure) }
            }
        }
    }
}

/// How much of what, without what there was none of.
fn erased(receipt: &DeletionReceipt) -> String {
    let some = receipt.counts.iter().filter(|counted| counted.count > 0);
    let texts: Vec<_> = some
        .map(|counted| format!("{}: {}", ui::kind(&counted.kind), ui::grouped(counted.count)))
        .collect();
    if texts.is_empty() { "Nothing was kept".to_owned() } else { texts.join(", ") }
}

fn facts(deletion: &Deletion) -> Markup {
    let by = html! {
        @if deletion.requested_by.is_empty() { span.soft { "A service" } }
        @else { a href={ "/admin/users/" (deletion.requested_by) } { "An administrator" } }
    };
    ui::facts(&[
        ("Deleted", ui::time(deletion.create_time, "Not known")),
        ("Completed", ui::time(deletion.complete_time, "Not complete yet")),
        ("By", by),
    ])
}

fn state_badge(state: DeletionState) -> Markup {
    match state {
        DeletionState::Complete => ui::badge(Tone::Good, "Complete"),
        DeletionState::Stalled => ui::badge(Tone::Bad, "Stalled"),
        DeletionState::Running | DeletionState::Unspecified => {
            ui::badge(Tone::Attention, "Running")
        }
    }
}
