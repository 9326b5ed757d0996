//! Figures about all users.

use chrono::NaiveDate;
use roster_proto::identity::v1 as pb;
use roster_server::{Refusal, Violations};

use crate::{
    domain::{DayActivity, DayRange, parse_day},
    op::get_statistics::Statistics,
};

/// Reads for which days figures are wanted.
pub fn days(request: &pb::GetStatisticsRequest, today: NaiveDate) -> Result<DayRange, Refusal> {
    let mut violations = Violations::new();
    let mut day = |field, text: &str| {
        (!text.is_empty()).then(|| violations.field(field, parse_day(text))).flatten()
    };
    let first = day("start_day", &request.start_day);
    let last = day("end_day", &request.end_day);
    violations.finish()?;
    let given = if last.is_some() { "end_day" } else { "start_day" };
    DayRange::new(first, last, today).map_err(|error| Refusal::invalid(given, error))
}

/// Figures as their reader sees them.
pub fn statistics(statistics: Statistics) -> pb::Statistics {
    let Statistics { users, kept, days } = statistics;
    pb::Statistics {
        user_count: users.users,
        admin_count: users.admins,
        disabled_count: users.disabled,
        persona_count: kept.personas,
        active_session_count: kept.sessions,
        api_key_count: kept.api_keys,
        days: days.iter().map(day).collect(),
    }
}

fn day(activity: &DayActivity) -> pb::DayStatistics {
    pb::DayStatistics {
        day: activity.day.to_string(),
        sign_up_count: activity.sign_ups,
        login_count: activity.logins,
    }
}
