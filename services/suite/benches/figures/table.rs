//! The table.

use std::fmt;

/// What a figure is measured in.
#[derive(Clone, Copy, Debug)]
pub enum Unit {
    /// Processor time of one operation, in microseconds.
    CpuMicros,
    /// Elapsed time, in milliseconds.
    Millis,
    /// Elapsed time, in seconds.
    Seconds,
    /// Resident memory, in MiB.
    Mebibytes,
    /// How many there were in a second.
    PerSecond,
}

/// A line.
#[derive(Clone, Debug)]
pub struct Row {
    what: String,
    floor: Option<(f64, String)>,
    figure: f64,
    unit: Unit,
    goal: Option<f64>,
}

impl Row {
    /// A figure alone.
    pub fn new(what: impl Into<String>, figure: f64, unit: Unit) -> Self {
        Self { what: what.into(), floor: None, figure, unit, goal: None }
    }

    /// Beside `floor`, which is the cost of `of`.
    #[must_use]
    pub fn beside(self, floor: f64, of: impl Into<String>) -> Self {
        Self { floor: Some((floor, of.into())), ..self }
    }

    /// At the most so many times the floor or, where there is none, so much.
    #[must_use]
    pub fn goal(self, goal: f64) -> Self {
        Self { goal: Some(goal), ..self }
    }

    fn ratio(&self) -> Option<f64> {
        self.floor.as_ref().map(|(floor, _)| self.figure / floor)
    }

    fn verdict(&self) -> &'static str {
        match self.goal {
            None => "",
            Some(goal) if self.ratio().unwrap_or(self.figure) <= goal => "met",
            Some(_) => "MISSED",
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::CpuMicros => "µs CPU",
            Unit::Millis => "ms",
            Unit::Seconds => "s",
            Unit::Mebibytes => "MiB",
            Unit::PerSecond => "/s",
        };
        let (floor, of) = match &self.floor {
            Some((floor, of)) => (format!("{floor:.1}"), of.as_str()),
            None => (String::new(), ""),
        };
        let ratio = self.ratio().map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
        let goal = match (self.goal, &self.floor) {
            (Some(goal), Some(_)) => format!("≤ {goal:.2}"),
            (Some(goal), None) => format!("≤ {goal:.0}"),
            (None, _) => String::new(),
        };
        let (what, figure, verdict) = (&self.what, self.figure, self.verdict());
        write!(
            f,
            "{what:<54} {figure:>10.1} {unit:<6} {floor:>10} {ratio:>7} {goal:>7} {verdict:<7} {of}"
        )
    }
}

/// All lines, in their order.
#[derive(Clone, Debug, Default)]
pub struct Table(Vec<Row>);

impl Table {
    /// Adds lines, and says so: the whole takes minutes.
    pub fn add(&mut self, rows: Vec<Row>) {
        use std::io::{Write as _, stderr};

        for row in &rows {
            writeln!(stderr().lock(), "{row}").unwrap();
        }
        self.0.extend(rows);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, figure, floor, ratio, goal) = ("what", "figure", "floor", "ratio", "goal");
        writeln!(
            f,
            "\n{what:<54} {figure:>10} {:<6} {floor:>10} {ratio:>7} {goal:>7} {:<7} floor is",
            "", ""
        )?;
        for row in &self.0 {
            writeln!(f, "{}", row.to_string().trim_end())?;
        }
        let missed = self.0.iter().filter(|row| row.verdict() == "MISSED").count();
        let goals = self.0.iter().filter(|row| row.goal.is_some()).count();
        writeln!(f, "\n{missed} of {goals} goals missed")
    }
}
