//! Which users a list shows, and in which order.

use std::str::FromStr;

use roster_kernel::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::User;

/// Which users; a user must match all that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UserFilter {
    /// A text within username, display name or email, whatever the case.
    pub text: Option<String>,
    /// Administrators, or others.
    pub is_admin: Option<bool>,
    /// Disabled users, or others.
    pub disabled: Option<bool>,
    /// Users who never signed in, or others.
    pub never_signed_in: Option<bool>,
    /// Created at this time or later.
    pub created_from: Option<Timestamp>,
    /// Created before this time.
    pub created_before: Option<Timestamp>,
    /// Signed in last at this time or later.
    pub signed_in_from: Option<Timestamp>,
    /// Signed in last before this time.
    pub signed_in_before: Option<Timestamp>,
}

/// What users are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum OrderKey {
    /// When the account was created.
    Created,
    /// The username.
    Username,
    /// When the user signed in last; never counts as before everything else.
    SignedIn,
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Direction {
    /// The smallest, or oldest.
    Ascending,
    /// The largest, or newest.
    Descending,
}

/// The order of a list. Users that are equal in it are ordered by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct UserOrder {
    /// What is compared.
    pub key: OrderKey,
    /// Which end comes first.
    pub direction: Direction,
}

impl Default for UserOrder {
    fn default() -> Self {
        Self { key: OrderKey::Created, direction: Direction::Descending }
    }
}

/// An order that is not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be create_time, username or last_login_time, alone or followed by ` desc`")]
pub struct InvalidOrder;

impl FromStr for UserOrder {
    type Err = InvalidOrder;

    /// Reads an order; an empty text is the default one.
    fn from_str(text: &str) -> Result<Self, InvalidOrder> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let (name, direction) = match text.strip_suffix(" desc") {
            Some(name) => (name, Direction::Descending),
            None => (text, Direction::Ascending),
        };
        let key = match name {
            "create_time" => OrderKey::Created,
            "username" => OrderKey::Username,
            "last_login_time" => OrderKey::SignedIn,
            _ => return Err(InvalidOrder),
        };
        Ok(Self { key, direction })
    }
}

/// The value of what a user is ordered by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SortValue {
    /// A time, or never.
    Time(Option<Timestamp>),
    /// A text.
    Text(String),
}

/// The user that a page ends with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Where the user stands in the order.
    pub value: SortValue,
    /// Which one, among equals.
    pub id: UserId,
}

impl UserOrder {
    /// The place of `user` in this order.
    #[must_use]
    pub fn place(self, user: &User) -> Cursor {
        let value = match self.key {
            OrderKey::Created => SortValue::Time(Some(user.created_at)),
            OrderKey::Username => SortValue::Text(user.username.to_string()),
            OrderKey::SignedIn => SortValue::Time(user.last_login_at),
        };
        Cursor { value, id: user.id() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_a_closed_list() {
        let newest: UserOrder = "".parse().unwrap();
        assert_eq!(newest, "create_time desc".parse().unwrap());
        assert_eq!("username".parse::<UserOrder>().unwrap().direction, Direction::Ascending);
        for odd in ["persona_count", "username asc", "username  desc", " desc", "USERNAME", "a;b"] {
            assert_eq!(odd.parse::<UserOrder>(), Err(InvalidOrder), "{odd}");
        }
    }
}
