//! Ontologies between messages and domain values.

use prost_types::FieldMask;
use roster_db::replay::Repetition;
use roster_kernel::{PersonaId, UserId};
use roster_proto::{persona::v1 as pb, time};
use roster_server::{Refusal, Violations};

use super::{etag, etag_of, page, text};
use crate::{
    domain::{
        EntityType, EventRole, EventType, MOST_REFERENCES, MOST_TYPES, Ontology, OntologyChanges,
        RelationType, RoleType, TypeId, repeated,
    },
    op::{
        page::{Page, PageRequest},
        update_ontology::UpdateOntology,
    },
};

const LISTS: [&str; 4] = ["entity_types", "event_types", "role_types", "relation_types"];

const MASK: &str =
    "may name entity_types, event_types, role_types and relation_types, and nothing else";

/// Reads whose ontology is asked for.
pub fn get(request: &pb::GetOntologyRequest) -> Result<PersonaId, Refusal> {
    PersonaId::parse(&request.persona_id).map_err(|error| Refusal::invalid("persona_id", error))
}

/// Reads whose ontologies are asked for, and which page.
pub fn user_list(
    request: &pb::ListUserOntologiesRequest,
) -> Result<(UserId, PageRequest), Refusal> {
    let mut violations = Violations::new();
    let owner = violations.field("user_id", UserId::parse(&request.user_id));
    let page = page(&mut violations, request.page_size, &request.page_token);
    let Some(asked) = owner.zip(page) else { return Err(violations.into_refusal()) };
    violations.finish()?;
    Ok(asked)
}

/// Reads which lists of an ontology are replaced.
pub fn update(
    request: &pb::UpdateOntologyRequest,
    repetition: &Repetition<'_>,
) -> Result<UpdateOntology, Refusal> {
    let mut violations = Violations::new();
    let replay = repetition.key(&mut violations, &request.request_id, request);
    let persona_id = violations.field("persona_id", PersonaId::parse(&request.persona_id));
    let mut etag = etag(&mut violations, &request.etag);
    let mut changes = OntologyChanges::default();
    match &request.ontology {
        Some(ontology) => {
            etag_of(&mut violations, "ontology.etag", &ontology.etag, &mut etag);
            changes = selected(&mut violations, ontology, request.update_mask.as_ref());
        }
        None => violations.add("ontology", "must be set"),
    }
    let Some(persona_id) = persona_id else { return Err(violations.into_refusal()) };
    violations.finish()?;
    Ok(UpdateOntology { persona_id, changes, etag, replay })
}

/// A page of ontologies.
pub fn ontologies(page: Page<Ontology>) -> (Vec<pb::Ontology>, String) {
    (page.items.into_iter().map(ontology).collect(), page.next_page_token)
}

/// The lists that a request replaces. All that it holds must be well-formed,
/// whether a mask names it or not.
fn selected(
    violations: &mut Violations,
    ontology: &pb::Ontology,
    mask: Option<&FieldMask>,
) -> OntologyChanges {
    let entity_types = entity_types(violations, &ontology.entity_types);
    let event_types = event_types(violations, &ontology.event_types);
    let role_types = role_types(violations, &ontology.role_types);
    let relation_types = relation_types(violations, &ontology.relation_types);
    // A mask that names nothing is one that was not given.
    let mask = mask.filter(|mask| !mask.paths.is_empty());
    if mask.is_some_and(|mask| !mask.paths.iter().all(|path| LISTS.contains(&path.as_str()))) {
        violations.add("update_mask", MASK);
    }
    let named = |list: &str, empty: bool| match mask {
        Some(mask) => mask.paths.iter().any(|path| path == list),
        None => !empty,
    };
    let [entity, event, role, relation] = LISTS;
    OntologyChanges {
        entity_types: named(entity, ontology.entity_types.is_empty()).then_some(entity_types),
        event_types: named(event, ontology.event_types.is_empty()).then_some(event_types),
        role_types: named(role, ontology.role_types.is_empty()).then_some(role_types),
        relation_types: named(relation, ontology.relation_types.is_empty())
            .then_some(relation_types),
    }
}

/// Checks what all lists have to satisfy; answers what is to be read of one.
fn bounded<'a, T>(
    violations: &mut Violations,
    list: &str,
    types: &'a [T],
    id: impl Fn(&'a T) -> &'a str,
) -> &'a [T] {
    if types.len() > MOST_TYPES {
        violations.add(list, format!("must have at most {MOST_TYPES} items"));
        return &[];
    }
    for place in repeated(types.iter().map(id)) {
        let what = "must be another one than those before it in the list";
        violations.add(&format!("{list}[{place}].type_id"), what);
    }
    types
}

fn entity_types(violations: &mut Violations, types: &[pb::EntityType]) -> Vec<EntityType> {
    let list = "ontology.entity_types";
    let types = bounded(violations, list, types, |it| &it.type_id).iter().enumerate();
    let read = types.filter_map(|(place, it)| {
        let at = |field: &str| format!("{list}[{place}].{field}");
        let id = text(violations, &at("type_id"), Some(&it.type_id));
        let name = text(violations, &at("name"), Some(&it.name));
        let gloss = text(violations, &at("gloss"), Some(&it.gloss));
        let wikidata_id = text(violations, &at("wikidata_id"), Some(&it.wikidata_id));
        Some(EntityType { id: id?, name: name?, gloss: gloss?, wikidata_id: wikidata_id? })
    });
    read.collect()
}

fn event_types(violations: &mut Violations, types: &[pb::EventType]) -> Vec<EventType> {
    let list = "ontology.event_types";
    let types = bounded(violations, list, types, |it| &it.type_id).iter().enumerate();
    let read = types.filter_map(|(place, it)| {
        let at = |field: &str| format!("{list}[{place}].{field}");
        let id = text(violations, &at("type_id"), Some(&it.type_id));
        let name = text(violations, &at("name"), Some(&it.name));
        let gloss = text(violations, &at("gloss"), Some(&it.gloss));
        let roles = roles(violations, &at("roles"), &it.roles);
        let parent_id = text(violations, &at("parent_type_id"), Some(&it.parent_type_id));
        let wikidata_id = text(violations, &at("wikidata_id"), Some(&it.wikidata_id));
        Some(EventType {
            id: id?,
            name: name?,
            gloss: gloss?,
            roles,
            parent_id: parent_id?,
            wikidata_id: wikidata_id?,
        })
    });
    read.collect()
}

fn roles(violations: &mut Violations, list: &str, roles: &[pb::EventRole]) -> Vec<EventRole> {
    if roles.len() > MOST_REFERENCES {
        violations.add(list, format!("must have at most {MOST_REFERENCES} items"));
        return Vec::new();
    }
    let read = roles.iter().enumerate().filter_map(|(place, role)| {
        let field = format!("{list}[{place}].role_type_id");
        let role_id = text(violations, &field, Some(&role.role_type_id))?;
        Some(EventRole { role_id, is_optional: role.is_optional })
    });
    read.collect()
}

fn role_types(violations: &mut Violations, types: &[pb::RoleType]) -> Vec<RoleType> {
    let list = "ontology.role_types";
    let types = bounded(violations, list, types, |it| &it.type_id).iter().enumerate();
    let read = types.filter_map(|(place, it)| {
        let at = |field: &str| format!("{list}[{place}].{field}");
        let id = text(violations, &at("type_id"), Some(&it.type_id));
        let name = text(violations, &at("name"), Some(&it.name));
        let gloss = text(violations, &at("gloss"), Some(&it.gloss));
        let fillers = references(violations, &at("filler_type_ids"), &it.filler_type_ids);
        Some(RoleType { id: id?, name: name?, gloss: gloss?, fillers })
    });
    read.collect()
}

fn relation_types(violations: &mut Violations, types: &[pb::RelationType]) -> Vec<RelationType> {
    let list = "ontology.relation_types";
    let types = bounded(violations, list, types, |it| &it.type_id).iter().enumerate();
    let read = types.filter_map(|(place, it)| {
        let at = |field: &str| format!("{list}[{place}].{field}");
        let id = text(violations, &at("type_id"), Some(&it.type_id));
        let name = text(violations, &at("name"), Some(&it.name));
        let gloss = text(violations, &at("gloss"), Some(&it.gloss));
        Some(RelationType {
            id: id?,
            name: name?,
            gloss: gloss?,
            sources: references(violations, &at("source_type_ids"), &it.source_type_ids),
            targets: references(violations, &at("target_type_ids"), &it.target_type_ids),
            is_symmetric: it.is_symmetric,
            is_transitive: it.is_transitive,
        })
    });
    read.collect()
}

fn references(violations: &mut Violations, list: &str, ids: &[String]) -> Vec<TypeId> {
    if ids.len() > MOST_REFERENCES {
        violations.add(list, format!("must have at most {MOST_REFERENCES} items"));
        return Vec::new();
    }
    if !repeated(ids.iter().map(String::as_str)).is_empty() {
        violations.add(list, "must not hold an item twice");
    }
    let ids = ids.iter().enumerate();
    ids.filter_map(|(place, id)| text(violations, &format!("{list}[{place}]"), Some(id))).collect()
}

/// An ontology as its reader sees it.
pub fn ontology(ontology: Ontology) -> pb::Ontology {
    let (content, history) = (ontology.content, ontology.history);
    pb::Ontology {
        persona_id: ontology.persona_id.to_string(),
        user_id: ontology.owner.to_string(),
        entity_types: content.entity_types.into_iter().map(entity_type).collect(),
        event_types: content.event_types.into_iter().map(event_type).collect(),
        role_types: content.role_types.into_iter().map(role_type).collect(),
        relation_types: content.relation_types.into_iter().map(relation_type).collect(),
        create_time: history.map(|history| time::to_proto(history.created_at)),
        update_time: history.map(|history| time::to_proto(history.updated_at)),
        etag: history.map(|history| history.etag.to_string()).unwrap_or_default(),
    }
}

fn entity_type(it: EntityType) -> pb::EntityType {
    pb::EntityType {
        type_id: it.id.into_string(),
        name: it.name.into_string(),
        gloss: it.gloss.into_string(),
        wikidata_id: it.wikidata_id.into_string(),
    }
}

fn event_type(it: EventType) -> pb::EventType {
    let role = |role: EventRole| pb::EventRole {
        role_type_id: role.role_id.into_string(),
        is_optional: role.is_optional,
    };
    pb::EventType {
        type_id: it.id.into_string(),
        name: it.name.into_string(),
        gloss: it.gloss.into_string(),
        roles: it.roles.into_iter().map(role).collect(),
        parent_type_id: it.parent_id.into_string(),
        wikidata_id: it.wikidata_id.into_string(),
    }
}

fn role_type(it: RoleType) -> pb::RoleType {
    pb::RoleType {
        type_id: it.id.into_string(),
        name: it.name.into_string(),
        gloss: it.gloss.into_string(),
        filler_type_ids: it.fillers.into_iter().map(TypeId::into_string).collect(),
    }
}

fn relation_type(it: RelationType) -> pb::RelationType {
    pb::RelationType {
        type_id: it.id.into_string(),
        name: it.name.into_string(),
        gloss: it.gloss.into_string(),
        source_type_ids: it.sources.into_iter().map(TypeId::into_string).collect(),
        target_type_ids: it.targets.into_iter().map(TypeId::into_string).collect(),
        is_symmetric: it.is_symmetric,
        is_transitive: it.is_transitive,
    }
}
