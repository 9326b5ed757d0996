//! Bars, one for each day, drawn by the server. Places across are shares of the
//! width and heights are pixels, so that letters keep their size on any screen.

use chrono::NaiveDate;
use maud::{Markup, Render, html};

use super::{super::ui, scale};

/// Where the greatest number is, and where nought is: the stylesheet knows the
/// height of all.
const TOP: f64 = 10.0;
const BOTTOM: f64 = 190.0;

/// Where the days stand.
const BELOW: f64 = 210.0;

/// How much of its place a bar fills.
const FILLED: f64 = 0.72;

/// So many days have their name below, at most.
const NAMES: usize = 4;

/// A chart.
#[derive(Clone, Debug)]
pub struct Chart<'a> {
    /// What names it in the page.
    pub id: &'a str,
    /// What it is called.
    pub title: &'a str,
    /// What is counted: one, and several.
    pub what: (&'a str, &'a str),
    /// Whether it has the second colour.
    pub second: bool,
    /// The days, oldest first.
    pub days: &'a [(NaiveDate, i64)],
}

impl Render for Chart<'_> {
    fn render(&self) -> Markup {
        let all = self.days.iter().map(|(_, count)| count).sum();
        html! {
            section.card {
                header {
                    h2 { (self.title) }
                    p { (self.counted(all)) " in " (self.days.len()) " days" }
                }
                (self.drawing())
            }
        }
    }
}

impl Chart<'_> {
    fn drawing(&self) -> Markup {
        let most = self.days.iter().map(|(_, count)| *count).max().unwrap_or_default();
        let ticks = scale::ticks(most);
        let end = ticks.last().copied().unwrap_or(1);
        let class = if self.second { "bar second" } else { "bar" };
        html! {
            svg.chart.days role="img" aria-labelledby={ "t-" (self.id) " d-" (self.id) } {
                title id={ "t-" (self.id) } { (self.title) " per day" }
                desc id={ "d-" (self.id) } { (self.described()) }
                @for tick in &ticks {
                    @let y = height(*tick, end);
                    line.axis x1="0" x2="100%" y1=(y) y2=(y) {}
                    text x="0" y=(y) dx="-8" dy="4" text-anchor="end" { (ui::grouped(*tick)) }
                }
                @for (index, (day, count)) in self.days.iter().enumerate() {
                    @let (x, width) = self.place(index);
                    @let y = height(*count, end);
                    g {
                        title { (long(*day)) ": " (self.counted(*count)) }
                        rect.day x=(share(x)) y=(TOP) width=(share(width)) height=(BOTTOM - TOP) {}
                        @if *count > 0 {
                            rect class=(class) y=(y) height=(BOTTOM - y)
                                x=(share(x + width * (1.0 - FILLED) / 2.0))
                                width=(share(width * FILLED)) {}
                        }
                    }
                }
                @for index in named(self.days.len()) {
                    @let (x, width) = self.place(index);
                    text x=(share(x + width / 2.0)) y=(BELOW) text-anchor="middle" {
                        (self.days[index].0.format("%-d %b"))
                    }
                }
            }
        }
    }

    /// Where the place of a day begins, and how wide it is.
    #[expect(clippy::cast_precision_loss, reason = "there are some hundred days at most")]
    fn place(&self, index: usize) -> (f64, f64) {
        let width = 1.0 / self.days.len().max(1) as f64;
        (index as f64 * width, width)
    }

    fn counted(&self, count: i64) -> String {
        let (one, several) = self.what;
        format!("{} {}", ui::grouped(count), if count == 1 { one } else { several })
    }

    /// What the drawing shows, for those who do not see it.
    fn described(&self) -> String {
        let (Some((first, _)), Some((last, _))) = (self.days.first(), self.days.last()) else {
            return "No days.".to_owned();
        };
        let all = self.days.iter().map(|(_, count)| count).sum();
        let period = format!("From {} to {}: {}", long(*first), long(*last), self.counted(all));
        match self.days.iter().max_by_key(|(_, count)| *count) {
            Some((day, count)) if *count > 0 => {
                format!("{period}, the most on {}: {}.", long(*day), ui::grouped(*count))
            }
            _ => format!("{period}."),
        }
    }
}

/// How far down a number is, where the axis ends at `end`.
#[expect(clippy::cast_precision_loss, reason = "a pixel is coarser than that")]
fn height(count: i64, end: i64) -> f64 {
    let share = count.max(0) as f64 / end.max(1) as f64;
    ((BOTTOM - share * (BOTTOM - TOP)) * 10.0).round() / 10.0
}

fn share(of: f64) -> String {
    format!("{:.2}%", of * 100.0)
}

/// The days that have their name below, counted back from the last.
fn named(days: usize) -> impl Iterator<Item = usize> {
    (0..days).rev().step_by(days.div_ceil(NAMES).max(1))
}

fn long(day: NaiveDate) -> String {
    day.format("%-d %B %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(counts: &[i64]) -> Vec<(NaiveDate, i64)> {
        let first = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
        first.iter_days().zip(counts.iter().copied()).collect()
    }

    fn chart(days: &[(NaiveDate, i64)]) -> Chart<'_> {
        let what = ("login", "logins");
        Chart { id: "logins", title: "Logins", what, second: false, days }
    }

    #[test]
    fn the_greatest_number_is_within_the_axis() {
        let heights = [0, 10, 20].map(|count| height(count, 20).to_string());
        assert_eq!(heights, ["190", "100", "10"]);
        let html = chart(&days(&[0, 1, 17])).drawing().into_string();
        assert_eq!(html.matches("class=\"bar\"").count(), 2);
        assert!(html.contains(">20</text>") && html.contains(">3 Nov</text>"), "{html}");
    }

    #[test]
    fn it_can_be_read_without_being_seen() {
        let some = days(&[0, 3, 1]);
        let expected =
            "From 1 November 2026 to 3 November 2026: 4 logins, the most on 2 November 2026: 3.";
        assert_eq!(chart(&some).described(), expected);
        assert!(chart(&days(&[0])).described().ends_with("0 logins."));
        assert!(chart(&some).drawing().into_string().contains("2 November 2026: 3 logins"));
        assert_eq!(chart(&[]).described(), "No days.");
    }

    #[test]
    fn few_days_are_named_and_the_last_is_one_of_them() {
        let named = |days| named(days).collect::<Vec<_>>();
        assert_eq!(named(7), [6, 4, 2, 0]);
        assert_eq!(named(30), [29, 21, 13, 5]);
        assert_eq!((named(90).len(), named(0).len()), (4, 0));
    }
}
