//! Finds the user whose sessions are asked for.

use axum::response::Response;
use maud::{Markup, html};
use roster_proto::identity::v1::{ListUsersRequest, User};

use super::{
    super::{
        edge::Edge,
        form::Errors,
        link,
        stop::Stop,
        ui::{self, Column, Icon, Page, Tab},
        visit::Admin,
    },
    Filter, PATH, list,
};

/// From how many users one can choose.
const MOST: i32 = 20;

/// The sessions of the one user who is meant, or a choice of those who may be.
pub async fn show(edge: &Edge, admin: &Admin, filter: &Filter, q: &str) -> Result<Response, Stop> {
    let request = ListUsersRequest {
        query: q.to_owned(),
        order_by: "username".to_owned(),
        page_size: MOST,
        ..ListUsersRequest::default()
    };
    let answer = edge.users().list_users(edge.call(request)).await?.into_inner();
    let of = |user: &User| Filter { user: user.user_id.clone(), ..filter.clone() };
    if let Some(user) = meant(&answer.users, q) {
        return Ok(link::see_other(&of(user).at(PATH, &[])));
    }
    let anybody = Filter { user: String::new(), ..filter.clone() };
    let more = !answer.next_page_token.is_empty();
    Ok(Page::new(&admin.visit, "Sessions").tab(Tab::Sessions).body(html! {
        a.back href=(PATH) { (ui::icon(Icon::Left)) "All sessions" }
        div.heading { div { h1 { "Whose sessions?" } p.sub { "Several users may be meant." } } }
        (list::filters(&anybody, q, &Errors::default()))
        section.card.flush aria-label="Users" {
            @if answer.users.is_empty() {
                (ui::empty(Icon::People, "No users found",
                    "Nobody matches what was searched for. Try less of a name.", None))
            } @else {
                (choice(&answer.users, of))
                @if more {
                    p.pages { "There are more: search for more of the name to see them." }
                }
            }
        }
    }))
}

/// The user of exactly this name, or the only one that was found.
fn meant<'a>(users: &'a [User], q: &str) -> Option<&'a User> {
    let named = users.iter().find(|user| user.username.to_lowercase() == q.to_lowercase());
    named.or(match users {
        [user] => Some(user),
        _ => None,
    })
}

fn choice(users: &[User], of: impl Fn(&User) -> Filter) -> Markup {
    html! {
        div.scroll {
            table.cards {
                (ui::columns(&[
                    Column::new("User"),
                    Column::new("Last login"),
                    Column::number("Sessions"),
                ]))
                tbody {
                    @for user in users {
                        tr {
                            th scope="row" {
                                div.who {
                                    span.names {
                                        a href=(of(user).at(PATH, &[])) { (user.username) }
                                    }
                                    span.sub { (user.display_name) }
                                }
                            }
                            (ui::time_cell("Last login", user.last_login_time, "Never signed in"))
                            (ui::number_cell("Sessions", &ui::count(
                                user.statistics.and_then(|kept| kept.active_session_count))))
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(names: &[&str]) -> Vec<User> {
        let user = |name: &&str| User { username: (*name).to_owned(), ..User::default() };
        names.iter().map(user).collect()
    }

    #[test]
    fn who_is_named_exactly_is_meant_though_others_match() {
        let users = users(&["amara", "mara", "maran"]);
        assert_eq!(meant(&users, "Mara").unwrap().username, "mara");
        assert!(meant(&users, "ar").is_none());
    }

    #[test]
    fn the_only_one_found_is_meant() {
        assert_eq!(meant(&users(&["mara"]), "Ilves").unwrap().username, "mara");
        assert!(meant(&[], "x").is_none());
    }
}
