//! An ontology: the types that a persona sees the world in.

use std::collections::HashSet;

use roster_kernel::{Env, Etag, PersonaId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::Text;

/// The most types in one list.
pub const MOST_TYPES: usize = 500;

/// The most references of one type to others.
pub const MOST_REFERENCES: usize = 100;

/// What names a type within its list.
pub type TypeId = Text<1, 100>;
/// What people call a type.
pub type TypeName = Text<1, 200>;
/// What a type means.
pub type Gloss = Text<0, 4_000>;
/// The Wikidata item that a type corresponds to; empty for none.
pub type WikidataId = Text<0, 50>;
/// The type that another is a special case of; empty for none.
pub type ParentId = Text<0, 100>;

/// The ontology of a persona, which names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ontology {
    /// The persona.
    pub persona_id: PersonaId,
    /// Whose the persona is.
    pub owner: UserId,
    /// Its types.
    pub content: OntologyContent,
    /// What has become of it; `None` as long as it never had content.
    pub history: Option<History>,
}

/// When an ontology was given content, and its present state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// When it was first given content.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// Names its present state.
    pub etag: Etag,
}

/// The lists of an ontology.
#[expect(clippy::struct_field_names, reason = "the names of the contract")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OntologyContent {
    /// Kinds of things.
    pub entity_types: Vec<EntityType>,
    /// Kinds of happenings.
    pub event_types: Vec<EventType>,
    /// Kinds of parts that things play in happenings.
    pub role_types: Vec<RoleType>,
    /// Kinds of relations between things.
    pub relation_types: Vec<RelationType>,
}

/// A kind of thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityType {
    /// Names it within its list.
    pub id: TypeId,
    /// What people call it.
    pub name: TypeName,
    /// What it means.
    pub gloss: Gloss,
    /// The Wikidata item that it corresponds to.
    pub wikidata_id: WikidataId,
}

/// A kind of happening.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventType {
    /// Names it within its list.
    pub id: TypeId,
    /// What people call it.
    pub name: TypeName,
    /// What it means.
    pub gloss: Gloss,
    /// The parts that it has.
    pub roles: Vec<EventRole>,
    /// The kind of happening that it is a special case of.
    pub parent_id: ParentId,
    /// The Wikidata item that it corresponds to.
    pub wikidata_id: WikidataId,
}

/// A part in a kind of happening.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRole {
    /// The kind of part.
    pub role_id: TypeId,
    /// Whether it may be left empty.
    pub is_optional: bool,
}

/// A kind of part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleType {
    /// Names it within its list.
    pub id: TypeId,
    /// What people call it.
    pub name: TypeName,
    /// What it means.
    pub gloss: Gloss,
    /// The entity types that can play it; none for any.
    pub fillers: Vec<TypeId>,
}

/// A kind of relation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelationType {
    /// Names it within its list.
    pub id: TypeId,
    /// What people call it.
    pub name: TypeName,
    /// What it means.
    pub gloss: Gloss,
    /// The entity types that it can start from; none for any.
    pub sources: Vec<TypeId>,
    /// The entity types that it can lead to; none for any.
    pub targets: Vec<TypeId>,
    /// Whether it holds in both directions whenever it holds in one.
    pub is_symmetric: bool,
    /// Whether it leads on from what it leads to.
    pub is_transitive: bool,
}

/// New lists; `None` leaves a list as it is.
#[expect(clippy::struct_field_names, reason = "the names of the contract")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OntologyChanges {
    /// Kinds of things.
    pub entity_types: Option<Vec<EntityType>>,
    /// Kinds of happenings.
    pub event_types: Option<Vec<EventType>>,
    /// Kinds of parts that things play in happenings.
    pub role_types: Option<Vec<RoleType>>,
    /// Kinds of relations between things.
    pub relation_types: Option<Vec<RelationType>>,
}

impl Ontology {
    /// The ontology of a persona that never had content.
    #[must_use]
    pub fn empty(persona_id: PersonaId, owner: UserId) -> Self {
        Self { persona_id, owner, content: OntologyContent::default(), history: None }
    }

    /// Whether this is the state that a client means; without an `expected`
    /// one, any is. One that never had content has no state to name.
    #[must_use]
    pub fn matches(&self, expected: &str) -> bool {
        self.history.map_or(expected.is_empty(), |history| history.etag.matches(expected))
    }

    /// Notes that it has just changed; answers what has become of it.
    pub fn touch(&mut self, env: &Env) -> History {
        let now = env.now();
        let created_at = self.history.map_or(now, |history| history.created_at);
        let etag = Etag::generate(env);
        *self.history.insert(History { created_at, updated_at: now, etag })
    }
}

impl OntologyContent {
    /// Takes the new lists in; answers the names of those that are others than
    /// before.
    pub fn change(&mut self, changes: OntologyChanges) -> Vec<&'static str> {
        [
            set("entity_types", &mut self.entity_types, changes.entity_types),
            set("event_types", &mut self.event_types, changes.event_types),
            set("role_types", &mut self.role_types, changes.role_types),
            set("relation_types", &mut self.relation_types, changes.relation_types),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn set<T: PartialEq>(name: &'static str, list: &mut T, new: Option<T>) -> Option<&'static str> {
    let new = new.filter(|new| new != list)?;
    *list = new;
    Some(name)
}

/// The places in a list of what stood in it before.
#[must_use]
pub fn repeated<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<usize> {
    let mut seen = HashSet::new();
    ids.enumerate().filter(|(_, id)| !seen.insert(*id)).map(|(place, _)| place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vessel() -> EntityType {
        EntityType {
            id: Text::parse("vessel").unwrap(),
            name: Text::parse("Vessel").unwrap(),
            gloss: Text::default(),
            wikidata_id: Text::parse("Q11446").unwrap(),
        }
    }

    #[test]
    fn only_lists_that_differ_count_as_changes() {
        let mut content = OntologyContent { entity_types: vec![vessel()], ..Default::default() };
        let changes = OntologyChanges {
            entity_types: Some(vec![vessel()]),
            event_types: Some(Vec::new()),
            ..Default::default()
        };
        assert_eq!(content.change(changes), Vec::<&str>::new());
        let emptied = OntologyChanges { entity_types: Some(Vec::new()), ..Default::default() };
        assert_eq!(content.change(emptied), ["entity_types"]);
        assert_eq!(content, OntologyContent::default());
    }

    #[test]
    fn what_was_there_before_is_found() {
        assert_eq!(repeated(["a", "b", "a", "A", "b"].into_iter()), [2, 4]);
        assert_eq!(repeated([].into_iter()), Vec::<usize>::new());
    }

    #[test]
    fn the_first_change_begins_the_history() {
        let (clock, env) = roster_testkit::env(1);
        let mut ontology = Ontology::empty(PersonaId::generate(&env), UserId::generate(&env));
        assert!(ontology.matches("") && !ontology.matches("x"));
        let first = ontology.touch(&env);
        assert_eq!(first.created_at, first.updated_at);
        clock.advance(std::time::Duration::from_secs(1));
        let second = ontology.touch(&env);
        assert_eq!(second.created_at, first.created_at);
        assert!(second.updated_at > first.updated_at && second.etag != first.etag);
        assert!(ontology.matches(&second.etag.to_string()));
        assert!(!ontology.matches(&first.etag.to_string()));
    }
}
