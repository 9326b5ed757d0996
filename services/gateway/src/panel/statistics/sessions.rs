//! Sessions per user. The contract sorts users by nothing that is counted, so the
//! page looks at those who signed in last: one call, however many users there are.

use std::cmp::Reverse;

use maud::{Markup, html};
use roster_proto::identity::v1::{ListUsersRequest, User};

use super::super::{
    edge::Edge,
    link,
    stop::Stop,
    ui::{self, Column},
};

/// How many users are looked at.
const MOST: i32 = 200;

/// How many of them are named.
const NAMED: usize = 8;

/// From this many sessions on, users are counted together.
const MANY: i64 = 4;

/// How many sessions users have, and who has the most.
pub async fn spread(edge: &Edge) -> Result<Markup, Stop> {
    let request = ListUsersRequest {
        order_by: "last_login_time desc".to_owned(),
        page_size: MOST,
        ..ListUsersRequest::default()
    };
    let answer = edge.users().list_users(edge.call(request)).await?.into_inner();
    let all = answer.next_page_token.is_empty();
    let mut users: Vec<_> = answer.users.into_iter().filter_map(counted).collect();
    users.sort_by_key(|(_, sessions)| Reverse(*sessions));
    let among = if all {
        "Among all users.".to_owned()
    } else {
        format!("Among the {MOST} users who signed in last.")
    };
    Ok(html! {
        div.pair {
            section.card.flush {
                header { h2 { "Sessions per user" } p.soft { (among) } }
                (distribution(&users))
            }
            section.card.flush {
                header {
                    h2 { "Most sessions" }
                    p.soft { "Several devices or browser windows, or sessions not yet expired." }
                }
                (most(&users))
            }
        }
    })
}

/// A user and their sessions, where these are known.
fn counted(user: User) -> Option<(User, i64)> {
    let sessions = user.statistics?.active_session_count?;
    Some((user, sessions))
}

/// How many users have no session, one, two …
fn groups(users: &[(User, i64)]) -> Vec<(String, usize)> {
    let label = |sessions| match sessions {
        0 => "No session".to_owned(),
        1 => "1 session".to_owned(),
        MANY => format!("{MANY} or more"),
        _ => format!("{sessions} sessions"),
    };
    let having = |sessions| users.iter().filter(|(_, count)| *count.min(&MANY) == sessions).count();
    (0..=MANY).map(|sessions| (label(sessions), having(sessions))).collect()
}

fn distribution(users: &[(User, i64)]) -> Markup {
    if users.is_empty() {
        return unknown();
    }
    html! {
        table {
            (ui::columns(&[
                Column::new("Active sessions"),
                Column::new("Share"),
                Column::number("Users"),
            ]))
            tbody {
                @for (label, count) in groups(users) {
                    tr {
                        th scope="row" { (label) }
                        td.wide { (bar(count, users.len())) }
                        td.number { (count) }
                    }
                }
            }
        }
    }
}

fn bar(count: usize, of: usize) -> Markup {
    let percent = count * 100 / of.max(1);
    html! {
        svg.share role="img" aria-label={ (percent) " percent" } {
            rect.track width="100%" height="8" rx="4" {}
            @if count > 0 { rect.bar width={ (percent.max(1)) "%" } height="8" rx="4" {} }
        }
    }
}

fn most(users: &[(User, i64)]) -> Markup {
    let named = || users.iter().filter(|(_, sessions)| *sessions > 0).take(NAMED);
    if users.is_empty() {
        return unknown();
    }
    html! {
        @if named().next().is_none() {
            p.note { "Nobody is signed in." }
        } @else {
            table {
                (ui::columns(&[Column::new("User"), Column::number("Sessions")]))
                tbody {
                    @for (user, sessions) in named() {
                        tr {
                            th scope="row" {
                                div.who {
                                    span.names {
                                        a href=(link::with_query("/admin/sessions",
                                            &[("user", &user.user_id)])) { (user.username) }
                                    }
                                    span.sub { (user.display_name) }
                                }
                            }
                            td.number { (ui::grouped(*sessions)) }
                        }
                    }
                }
            }
        }
    }
}

fn unknown() -> Markup {
    html! {
        p.note { "Not known: the service that keeps sessions did not answer in time." }
    }
}

#[cfg(test)]
mod tests {
    use roster_proto::identity::v1::UserStatistics;

    use super::*;

    fn users(counts: &[i64]) -> Vec<(User, i64)> {
        let user = |sessions: &i64| {
            let username = format!("<b>{sessions}");
            (User { username, ..User::default() }, *sessions)
        };
        counts.iter().map(user).collect()
    }

    #[test]
    fn every_user_is_in_one_group() {
        let counts: Vec<_> =
            groups(&users(&[0, 1, 1, 3, 4, 70])).into_iter().map(|(_, count)| count).collect();
        assert_eq!(counts, [1, 2, 0, 1, 2]);
    }

    #[test]
    fn who_is_not_known_to_have_sessions_is_not_counted_as_without() {
        assert!(counted(User::default()).is_none());
        let statistics = Some(UserStatistics::default());
        assert!(counted(User { statistics, ..User::default() }).is_none());
        assert!(distribution(&[]).into_string().contains("Not known"));
        assert!(most(&[]).into_string().contains("Not known"));
    }

    #[test]
    fn only_who_is_signed_in_is_named() {
        let html = most(&users(&[2, 0])).into_string();
        assert!(html.contains("&lt;b&gt;2") && !html.contains("&lt;b&gt;0"), "{html}");
        assert!(most(&users(&[0])).into_string().contains("Nobody"));
    }
}
