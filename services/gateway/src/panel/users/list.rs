//! The list of users.

use axum::response::Response;
use maud::{Markup, html};
use roster_proto::identity::v1::{ListUsersRequest, ListUsersResponse, User};
use serde::Deserialize;

use super::{
    super::{
        edge::Edge,
        form::Query,
        link,
        stop::Stop,
        ui::{self, Choice, Column, Icon, Order, Page, Pages, Tab},
        visit::Admin,
    },
    badges, path,
};

const PATH: &str = "/admin/users";

const ROLES: &[(&str, &str)] =
    &[("", "Any role"), ("admin", "Administrators"), ("user", "Regular users")];
const STATES: &[(&str, &str)] =
    &[("", "Any state"), ("enabled", "Enabled"), ("disabled", "Disabled")];
const LOGINS: &[(&str, &str)] =
    &[("", "Any login"), ("never", "Never signed in"), ("once", "Signed in before")];
const SIZES: &[(&str, &str)] = &[("20", "20"), ("50", "50"), ("100", "100"), ("200", "200")];

/// What the list is sorted by where nobody says: newest first.
const NEWEST: &str = "create_time desc";

/// Which part of the list is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct List {
    q: String,
    role: String,
    state: String,
    login: String,
    order: String,
    size: String,
    page: String,
}

impl List {
    fn request(&self) -> ListUsersRequest {
        let either = |value: &str, yes, no| match value {
            it if it == yes => Some(true),
            it if it == no => Some(false),
            _ => None,
        };
        ListUsersRequest {
            query: self.q.clone(),
            is_admin: either(&self.role, "admin", "user"),
            disabled: either(&self.state, "disabled", "enabled"),
            never_signed_in: either(&self.login, "never", "once"),
            order_by: self.order.clone(),
            page_size: self.size().parse().unwrap_or(0),
            page_token: self.page.clone(),
            ..ListUsersRequest::default()
        }
    }

    fn size(&self) -> &str {
        SIZES.iter().find(|(size, _)| *size == self.size).map_or("50", |(size, _)| size)
    }

    fn order(&self) -> &str {
        if self.order.is_empty() { NEWEST } else { &self.order }
    }

    fn is_narrowed(&self) -> bool {
        [&self.q, &self.role, &self.state, &self.login].iter().any(|filter| !filter.is_empty())
    }

    /// The same list, with another order and from another place.
    fn at(&self, order: &str, page: &str) -> String {
        let order = if order == NEWEST { "" } else { order };
        let size = if self.size() == "50" { "" } else { self.size() };
        let parameters = [
            ("q", self.q.as_str()),
            ("role", &self.role),
            ("state", &self.state),
            ("login", &self.login),
            ("order", order),
            ("size", size),
            ("page", page),
        ];
        link::with_query(PATH, &parameters)
    }

    /// A column that the list can be sorted by: the other way round where it is.
    /// Names are read from the front, times from the latest.
    fn sorted<'a>(&self, label: &'a str, field: &str) -> Column<'a> {
        let down = format!("{field} desc");
        let order = match self.order() {
            it if it == field => Order::Up,
            it if it == down => Order::Down,
            _ => Order::Not,
        };
        let next = match order {
            Order::Up => &down,
            Order::Not if field != "username" => &down,
            Order::Down | Order::Not => field,
        };
        Column::new(label).sorted(order, self.at(next, ""))
    }
}

pub async fn show(
    edge: Edge,
    Admin { visit, .. }: Admin,
    Query(list): Query<List>,
) -> Result<Response, Stop> {
    let answer = edge.users().list_users(edge.call(list.request())).await?.into_inner();
    Ok(Page::new(&visit, "User Management").tab(Tab::Users).body(html! {
        div.heading {
            div {
                h1 { "User Management" }
                p.sub { "Who can sign in, and what the services keep for them." }
            }
            div.actions {
                (ui::link_button("/admin/deletions", "Deletions").quiet().icon(Icon::Bin))
                (ui::link_button("/admin/users/new", "Create User").primary().icon(Icon::Plus))
            }
        }
        (filters(&list))
        section.card.flush aria-label="Users" { (content(&list, &answer)) }
    }))
}

fn filters(list: &List) -> Markup {
    html! {
        form.filters action=(PATH) role="search" {
            div.field.search {
                label for="f-q" { "Search" }
                input id="f-q" name="q" type="search" value=(list.q) autocomplete="off"
                    placeholder="Username, display name or email";
            }
            (Choice { name: "role", label: "Role", value: &list.role, options: ROLES })
            (Choice { name: "state", label: "State", value: &list.state, options: STATES })
            (Choice { name: "login", label: "Login", value: &list.login, options: LOGINS })
            (Choice { name: "size", label: "Per page", value: list.size(), options: SIZES })
            @if !list.order.is_empty() { (ui::hidden("order", &list.order)) }
            div.actions {
                (ui::submit("Search").icon(Icon::Search))
                @if list.is_narrowed() { (ui::link_button(PATH, "Clear").quiet()) }
            }
        }
    }
}

fn content(list: &List, answer: &ListUsersResponse) -> Markup {
    if answer.users.is_empty() {
        let clear = html! { (ui::link_button(PATH, "Show all users")) };
        let text = "Nobody matches what was searched for. Try less of a name, or fewer filters.";
        return ui::empty(Icon::People, "No users found", text, Some(&clear));
    }
    let next = &answer.next_page_token;
    let pages = Pages {
        shown: match answer.users.len() {
            1 => "1 user on this page".to_owned(),
            count => format!("{count} users on this page"),
        },
        first: (!list.page.is_empty()).then(|| list.at(list.order(), "")),
        next: (!next.is_empty()).then(|| list.at(list.order(), next)),
    };
    html! {
        div.scroll {
            table.cards {
                (ui::columns(&[
                    list.sorted("User", "username"),
                    Column::new("Email"),
                    list.sorted("Created", "create_time"),
                    list.sorted("Last login", "last_login_time"),
                    Column::number("Personas"),
                    Column::number("Sessions"),
                    Column::number("API keys"),
                    Column::actions(),
                ]))
                tbody { @for user in &answer.users { (row(user)) } }
            }
        }
        (pages)
    }
}

fn row(user: &User) -> Markup {
    let kept = user.statistics.unwrap_or_default();
    let page = path(&user.user_id);
    html! {
        tr {
            th scope="row" {
                div.who {
                    span.names { a href=(page) { (user.username) } (badges(user)) }
                    span.sub { (user.display_name) }
                }
            }
            (ui::cell("Email", &email(user)))
            (ui::time_cell("Created", user.create_time, "Not known"))
            (ui::time_cell("Last login", user.last_login_time, "Never signed in"))
            (ui::number_cell("Personas", &ui::count(kept.persona_count)))
            (ui::number_cell("Sessions", &ui::count(kept.active_session_count)))
            (ui::number_cell("API keys", &ui::count(kept.api_key_count)))
            td.actions {
                (ui::link_button(&page, "Edit").icon_only(Icon::Pencil, &user.username))
                (ui::link_button(&format!("{page}/delete"), "Delete").danger()
                    .icon_only(Icon::Bin, &user.username))
            }
        }
    }
}

fn email(user: &User) -> Markup {
    html! {
        @if user.email.is_empty() {
            span.unset title="No email" { span aria-hidden="true" { "–" } span.hidden { "none" } }
        } @else {
            (user.email)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> List {
        List { q: "a&b".to_owned(), role: "admin".to_owned(), ..List::default() }
    }

    #[test]
    fn the_next_page_is_of_the_same_list() {
        let list = List { order: "username".to_owned(), size: "20".to_owned(), ..list() };
        let expected = "/admin/users?q=a%26b&role=admin&order=username&size=20&page=T%3D";
        assert_eq!(list.at(list.order(), "T="), expected);
    }

    #[test]
    fn sorting_by_the_same_column_turns_the_order_round() {
        let to = |order: &str, field| {
            let list = List { order: order.to_owned(), ..List::default() };
            let html = ui::columns(&[list.sorted("X", field)]).into_string();
            let sorted = html.split("aria-sort=\"").nth(1).and_then(|it| it.split('"').next());
            let to = html.split("href=\"").nth(1).and_then(|it| it.split('"').next()).unwrap();
            (sorted.map(str::to_owned), to.to_owned())
        };
        let descending = Some("descending".to_owned());
        assert_eq!(to("", "create_time"), (descending, format!("{PATH}?order=create_time")));
        assert_eq!(to("create_time", "create_time").1, PATH);
        assert_eq!(to("", "username"), (None, format!("{PATH}?order=username")));
        assert_eq!(to("username", "username").1, format!("{PATH}?order=username+desc"));
        assert_eq!(to("", "last_login_time").1, format!("{PATH}?order=last_login_time+desc"));
    }

    #[test]
    fn filters_are_those_of_the_contract() {
        let request =
            List { state: "enabled".to_owned(), size: "7".to_owned(), ..list() }.request();
        assert_eq!((request.is_admin, request.disabled), (Some(true), Some(false)));
        assert_eq!((request.never_signed_in, request.page_size), (None, 50));
    }

    #[test]
    fn what_users_call_themselves_stays_text() {
        let name = "<img src=x onerror=alert(1)>".to_owned();
        let user = User {
            username: name.clone(),
            display_name: name.clone(),
            email: name,
            ..User::default()
        };
        let html = row(&user).into_string();
        assert!(!html.contains("<img") && html.matches("&lt;img").count() >= 5, "{html}");
    }
}
