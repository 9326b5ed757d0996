//! A persona and how it changes.

use roster_kernel::{Env, Etag, PersonaId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::Text;

/// What a persona is called.
pub type Name = Text<1, 100>;
/// What a persona does.
pub type Role = Text<0, 200>;
/// What a persona needs to find out.
pub type InformationNeed = Text<0, 2_000>;
/// Whatever else is worth knowing.
pub type Details = Text<0, 10_000>;

/// The point of view from which its owner works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Persona {
    /// The persona's id.
    pub id: PersonaId,
    /// Whose it is.
    pub owner: UserId,
    /// What can be changed.
    pub content: PersonaContent,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// Names its present state.
    pub etag: Etag,
}

/// What can be changed of a persona.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonaContent {
    /// What it is called.
    pub name: Name,
    /// What it does.
    pub role: Role,
    /// What it needs to find out.
    pub information_need: InformationNeed,
    /// Whatever else is worth knowing.
    pub details: Details,
    /// Whether its owner's lists leave it out unless asked for it.
    pub hidden: bool,
    /// Whether the platform made it: for administrators to say.
    pub is_system_generated: bool,
}

/// New values of what can be changed; `None` leaves a value as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonaChanges {
    /// What it is called.
    pub name: Option<Name>,
    /// What it does.
    pub role: Option<Role>,
    /// What it needs to find out.
    pub information_need: Option<InformationNeed>,
    /// Whatever else is worth knowing.
    pub details: Option<Details>,
    /// Whether its owner's lists leave it out unless asked for it.
    pub hidden: Option<bool>,
    /// Whether the platform made it.
    pub is_system_generated: Option<bool>,
}

impl PersonaContent {
    /// How many bytes its texts have.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.name.as_str().len()
            + self.role.as_str().len()
            + self.information_need.as_str().len()
            + self.details.as_str().len()
    }

    /// Whether a change to `self` from `before` is one that only an
    /// administrator may make.
    #[must_use]
    pub const fn needs_admin(&self, before: Option<&Self>) -> bool {
        let was = match before {
            Some(before) => before.is_system_generated,
            None => false,
        };
        self.is_system_generated != was
    }

    /// Takes the new values in; answers the names of the fields whose values
    /// are others than before.
    pub fn change(&mut self, changes: PersonaChanges) -> Vec<&'static str> {
        let flag = "is_system_generated";
        [
            set("name", &mut self.name, changes.name),
            set("role", &mut self.role, changes.role),
            set("information_need", &mut self.information_need, changes.information_need),
            set("details", &mut self.details, changes.details),
            set("hidden", &mut self.hidden, changes.hidden),
            set(flag, &mut self.is_system_generated, changes.is_system_generated),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn set<T: PartialEq>(field: &'static str, value: &mut T, new: Option<T>) -> Option<&'static str> {
    let new = new.filter(|new| new != value)?;
    *value = new;
    Some(field)
}

impl Persona {
    /// A persona of `owner` that begins now.
    #[must_use]
    pub fn new(env: &Env, owner: UserId, content: PersonaContent) -> Self {
        let now = env.now();
        Self {
            id: PersonaId::generate(env),
            owner,
            content,
            created_at: now,
            updated_at: now,
            etag: Etag::generate(env),
        }
    }

    /// Notes that it has just changed.
    pub fn touch(&mut self, env: &Env) {
        self.updated_at = env.now();
        self.etag = Etag::generate(env);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> PersonaContent {
        PersonaContent {
            name: Text::parse("Ecologist").unwrap(),
            role: Text::parse("Field work").unwrap(),
            information_need: Text::default(),
            details: Text::default(),
            hidden: false,
            is_system_generated: false,
        }
    }

    #[test]
    fn only_new_values_count_as_changes() {
        let mut persona = content();
        let changes = PersonaChanges {
            name: Some(Text::parse("Ecologist").unwrap()),
            role: Some(Text::default()),
            hidden: Some(true),
            ..PersonaChanges::default()
        };
        assert_eq!(persona.change(changes.clone()), ["role", "hidden"]);
        assert_eq!(persona, PersonaContent { role: Text::default(), hidden: true, ..content() });
        assert_eq!(persona.change(changes), Vec::<&str>::new());
    }

    #[test]
    fn only_the_mark_of_the_platform_needs_an_administrator() {
        let plain = content();
        let marked = PersonaContent { is_system_generated: true, ..content() };
        let hidden = PersonaContent { hidden: true, ..content() };
        assert!(!plain.needs_admin(None));
        assert!(marked.needs_admin(None));
        assert!(marked.needs_admin(Some(&plain)));
        assert!(plain.needs_admin(Some(&marked)));
        assert!(!marked.needs_admin(Some(&marked)));
        assert!(!hidden.needs_admin(Some(&plain)));
    }
}
