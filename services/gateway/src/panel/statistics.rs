//! User Statistics.

mod chart;
mod scale;
mod sessions;

use axum::{Router, response::Response, routing::get};
use chrono::{Days, NaiveDate};
use futures_util::future;
use maud::{Markup, html};
use roster_proto::identity::v1::{DayStatistics, GetStatisticsRequest, Statistics};
use serde::Deserialize;

use self::chart::Chart;
use super::{
    Panel,
    edge::Edge,
    form::Query,
    link,
    stop::Stop,
    ui::{self, Column, Message, Page, Tab, Tone},
    visit::Admin,
};

const PATH: &str = "/admin/statistics";

/// How many days can be looked at, the usual number first.
const RANGES: [u32; 3] = [30, 7, 90];

/// The pages about statistics.
pub fn router() -> Router<Panel> {
    Router::new().route(PATH, get(show))
}

/// Which days are asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Range {
    days: String,
}

impl Range {
    fn days(&self) -> u32 {
        let asked = self.days.parse();
        RANGES.into_iter().find(|days| asked == Ok(*days)).unwrap_or(RANGES[0])
    }
}

async fn show(
    edge: Edge,
    Admin { visit, .. }: Admin,
    Query(range): Query<Range>,
) -> Result<Response, Stop> {
    let days = range.days();
    let (statistics, spread) =
        future::try_join(statistics(&edge, days), sessions::spread(&edge)).await?;
    Ok(Page::new(&visit, "Statistics").tab(Tab::Statistics).body(html! {
        div.heading {
            div {
                h1 { "User Statistics" }
                p.sub { "How many of everything there are now, and what happened day by day." }
            }
            (ranges(days))
        }
        (missing(&statistics))
        (tiles(&statistics))
        div.pair {
            (Chart {
                id: "sign-ups",
                title: "Sign-ups",
                what: ("sign-up", "sign-ups"),
                second: true,
                days: &by_day(&statistics.days, |day| day.sign_up_count),
            })
            (Chart {
                id: "logins",
                title: "Logins",
                what: ("login", "logins"),
                second: false,
                days: &by_day(&statistics.days, |day| day.login_count),
            })
        }
        (table(&statistics.days))
        (spread)
    }))
}

async fn statistics(edge: &Edge, days: u32) -> Result<Statistics, Stop> {
    let today = edge.now().date_naive();
    let first = today.checked_sub_days(Days::new((days - 1).into())).unwrap_or(today);
    let request = GetStatisticsRequest { start_day: first.to_string(), end_day: today.to_string() };
    let answer = edge.users().get_statistics(edge.call(request)).await?.into_inner();
    Ok(answer.statistics.unwrap_or_default())
}

fn ranges(current: u32) -> Markup {
    let mut ranges = RANGES;
    ranges.sort_unstable();
    html! {
        nav.ranges aria-label="Days" {
            @for days in ranges {
                a href=(link::with_query(PATH, &[("days", &days.to_string())]))
                    aria-current=[(days == current).then_some("true")] { (days) " days" }
            }
        }
    }
}

fn missing(statistics: &Statistics) -> Markup {
    let counts = [
        ("personas", statistics.persona_count),
        ("active sessions", statistics.active_session_count),
        ("API keys", statistics.api_key_count),
    ];
    let unset: Vec<_> =
        counts.iter().filter(|(_, count)| count.is_none()).map(|(name, _)| *name).collect();
    let text = html! {
        p { "A service did not answer in time, so it is not known how many there are of: "
            (unset.join(", ")) ". Load the page again to ask once more." }
    };
    html! {
        @if !unset.is_empty() { (Message::new(Tone::Attention, "Some figures are missing", text)) }
    }
}

fn tiles(statistics: &Statistics) -> Markup {
    html! {
        div.tiles {
            (tile("Users", Some(statistics.user_count)))
            (tile("Administrators", Some(statistics.admin_count)))
            (tile("Disabled", Some(statistics.disabled_count)))
            (tile("Active sessions", statistics.active_session_count))
            (tile("Personas", statistics.persona_count))
            (tile("API keys of users", statistics.api_key_count))
        }
    }
}

fn tile(name: &str, count: Option<i64>) -> Markup {
    html! { div.tile { p.value { (ui::count(count)) } p.name { (name) } } }
}

/// What happened on each day; a day that cannot be read is left out.
fn by_day(days: &[DayStatistics], of: impl Fn(&DayStatistics) -> i64) -> Vec<(NaiveDate, i64)> {
    days.iter().filter_map(|day| Some((day.day.parse().ok()?, of(day)))).collect()
}

fn table(days: &[DayStatistics]) -> Markup {
    html! {
        details.card.flush.more {
            summary { "The same numbers as a table" }
            table {
                (ui::columns(&[
                    Column::new("Day (UTC)"),
                    Column::number("Sign-ups"),
                    Column::number("Logins"),
                ]))
                tbody {
                    @for day in days.iter().rev() {
                        tr {
                            th scope="row" { (day.day) }
                            td.number { (ui::count(Some(day.sign_up_count))) }
                            td.number { (ui::count(Some(day.login_count))) }
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

    fn days(said: &str) -> u32 {
        Range { days: said.to_owned() }.days()
    }

    #[test]
    fn a_range_is_one_of_those_that_there_are() {
        assert_eq!((days(""), days("7"), days("90")), (30, 7, 90));
        assert_eq!((days("100000"), days("-1"), days("<b>")), (30, 30, 30));
    }

    #[test]
    fn what_nobody_knows_is_said() {
        let known = Statistics {
            persona_count: Some(0),
            active_session_count: Some(0),
            api_key_count: Some(0),
            ..Statistics::default()
        };
        assert!(missing(&known).into_string().is_empty());
        let unset = Statistics { persona_count: None, active_session_count: None, ..known };
        assert!(missing(&unset).into_string().contains("personas, active sessions"));
        assert!(tiles(&unset).into_string().contains("Not known"));
    }
}
