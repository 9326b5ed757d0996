//! Between messages and domain values.

pub mod annotation;
pub mod ontology;
pub mod transfer;

use prost::{Message, Name};
use prost_types::{Any, FieldMask};
use roster_db::replay::Repetition;
use roster_kernel::{PageSize, PersonaId, UserId};
use roster_proto::{persona::v1 as pb, time};
use roster_server::{Refusal, Violations};

use crate::{
    domain::{Persona, PersonaChanges, PersonaContent, Text},
    op::{
        create_persona::CreatePersona,
        delete_persona::DeletePersona,
        page::{Page, PageRequest},
        subject_data::Kept,
        update_persona::UpdatePersona,
    },
};

/// The most bytes of a page token.
const MOST_PAGE_TOKEN_BYTES: usize = 1_024;

/// The most bytes of an etag.
const MOST_ETAG_BYTES: usize = 100;

const TOO_LONG_ETAG: &str = "must have at most 100 bytes";

/// What a mask may name.
const MASKABLE: [&str; 6] =
    ["name", "role", "information_need", "details", "hidden", "is_system_generated"];

/// Said once however many paths are wrong: a refusal does not grow with the
/// request.
const MASK: &str = "may name name, role, information_need, details, hidden and \
                    is_system_generated, and nothing else";

/// Reads what a new persona is to be like.
pub fn create(
    request: &pb::CreatePersonaRequest,
    repetition: &Repetition<'_>,
) -> Result<CreatePersona, Refusal> {
    let mut violations = Violations::new();
    let replay = repetition.key(&mut violations, &request.request_id, request);
    let given = given(&mut violations, request.persona.as_ref());
    if request.persona.as_ref().is_some_and(|persona| persona.name.is_none()) {
        violations.add("persona.name", "must be set");
    }
    let Some(name) = given.name else { return Err(violations.into_refusal()) };
    violations.finish()?;
    let content = PersonaContent {
        name,
        role: given.role.unwrap_or_default(),
        information_need: given.information_need.unwrap_or_default(),
        details: given.details.unwrap_or_default(),
        hidden: given.hidden.unwrap_or_default(),
        is_system_generated: given.is_system_generated.unwrap_or_default(),
    };
    Ok(CreatePersona { content, replay })
}

/// Reads which persona is asked for.
pub fn get(request: &pb::GetPersonaRequest) -> Result<PersonaId, Refusal> {
    PersonaId::parse(&request.persona_id).map_err(|error| Refusal::invalid("persona_id", error))
}

/// Reads which page of one's own personas is asked for.
pub fn own_list(request: &pb::ListPersonasRequest) -> Result<PageRequest, Refusal> {
    let mut violations = Violations::new();
    let page = page(&mut violations, request.page_size, &request.page_token);
    let Some(page) = page else { return Err(violations.into_refusal()) };
    violations.finish()?;
    Ok(page)
}

/// Reads whose personas are asked for, and which page.
pub fn user_list(request: &pb::ListUserPersonasRequest) -> Result<(UserId, PageRequest), Refusal> {
    let mut violations = Violations::new();
    let owner = violations.field("user_id", UserId::parse(&request.user_id));
    let page = page(&mut violations, request.page_size, &request.page_token);
    let Some(asked) = owner.zip(page) else { return Err(violations.into_refusal()) };
    violations.finish()?;
    Ok(asked)
}

/// Reads what is to change of a persona.
pub fn update(
    request: &pb::UpdatePersonaRequest,
    repetition: &Repetition<'_>,
) -> Result<UpdatePersona, Refusal> {
    let mut violations = Violations::new();
    let replay = repetition.key(&mut violations, &request.request_id, request);
    let persona_id = violations.field("persona_id", PersonaId::parse(&request.persona_id));
    let mut etag = etag(&mut violations, &request.etag);
    let mut changes = given(&mut violations, request.persona.as_ref());
    if let Some(persona) = &request.persona {
        if etag.is_empty() {
            etag.clone_from(&persona.etag);
        }
        // A mask that names nothing is one that was not given.
        if let Some(mask) = request.update_mask.as_ref().filter(|mask| !mask.paths.is_empty()) {
            changes = masked(&mut violations, persona, changes, mask);
        }
    }
    let Some(persona_id) = persona_id else { return Err(violations.into_refusal()) };
    violations.finish()?;
    Ok(UpdatePersona { persona_id, changes, etag, replay })
}

/// Reads which persona is to be deleted.
pub fn delete(
    request: &pb::DeletePersonaRequest,
    repetition: &Repetition<'_>,
) -> Result<DeletePersona, Refusal> {
    let mut violations = Violations::new();
    let replay = repetition.key(&mut violations, &request.request_id, request);
    let persona_id = violations.field("persona_id", PersonaId::parse(&request.persona_id));
    let etag = etag(&mut violations, &request.etag);
    let Some(persona_id) = persona_id else { return Err(violations.into_refusal()) };
    violations.finish()?;
    Ok(DeletePersona { persona_id, etag, replay })
}

/// A page of personas.
pub fn personas(page: Page<Persona>) -> (Vec<pb::Persona>, String) {
    (page.items.into_iter().map(persona).collect(), page.next_page_token)
}

/// A thing as it is handed out with all that is kept of its owner.
pub fn exported(kept: Kept) -> Any {
    match kept {
        Kept::Annotation(it) => any(&annotation::annotation(it)),
        Kept::Ontology(it) => any(&ontology::ontology(it)),
        Kept::Persona(it) => any(&persona(it)),
    }
}

fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

/// A persona as its reader sees it: every field is set.
pub fn persona(persona: Persona) -> pb::Persona {
    let content = persona.content;
    pb::Persona {
        persona_id: persona.id.to_string(),
        user_id: persona.owner.to_string(),
        name: Some(content.name.into_string()),
        role: Some(content.role.into_string()),
        information_need: Some(content.information_need.into_string()),
        details: Some(content.details.into_string()),
        hidden: Some(content.hidden),
        is_system_generated: Some(content.is_system_generated),
        create_time: Some(time::to_proto(persona.created_at)),
        update_time: Some(time::to_proto(persona.updated_at)),
        etag: persona.etag.to_string(),
    }
}

/// The values that a message sets, whether a mask names them or not: what is
/// sent must be well-formed.
fn given(violations: &mut Violations, persona: Option<&pb::Persona>) -> PersonaChanges {
    let Some(persona) = persona else {
        violations.add("persona", "must be set");
        return PersonaChanges::default();
    };
    if persona.etag.len() > MOST_ETAG_BYTES {
        violations.add("persona.etag", TOO_LONG_ETAG);
    }
    PersonaChanges {
        name: text(violations, "persona.name", persona.name.as_deref()),
        role: text(violations, "persona.role", persona.role.as_deref()),
        information_need: text(
            violations,
            "persona.information_need",
            persona.information_need.as_deref(),
        ),
        details: text(violations, "persona.details", persona.details.as_deref()),
        hidden: persona.hidden,
        is_system_generated: persona.is_system_generated,
    }
}

fn text<const MIN: usize, const MAX: usize>(
    violations: &mut Violations,
    field: &str,
    given: Option<&str>,
) -> Option<Text<MIN, MAX>> {
    violations.field(field, Text::parse(given?))
}

/// What a mask selects of the values that are given; a field that it names
/// and that is not given is cleared.
fn masked(
    violations: &mut Violations,
    persona: &pb::Persona,
    given: PersonaChanges,
    mask: &FieldMask,
) -> PersonaChanges {
    let names = |field: &str| mask.paths.iter().any(|path| path == field);
    if !mask.paths.iter().all(|path| MASKABLE.contains(&path.as_str())) {
        violations.add("update_mask", MASK);
    }
    if names("name") && persona.name.is_none() {
        violations.add("persona.name", "must be set: it cannot be cleared");
    }
    PersonaChanges {
        name: given.name.filter(|_| names("name")),
        role: names("role").then(|| given.role.unwrap_or_default()),
        information_need: names("information_need")
            .then(|| given.information_need.unwrap_or_default()),
        details: names("details").then(|| given.details.unwrap_or_default()),
        hidden: names("hidden").then(|| given.hidden.unwrap_or_default()),
        is_system_generated: names("is_system_generated")
            .then(|| given.is_system_generated.unwrap_or_default()),
    }
}

/// Reads the etag within a thing that is sent back as it was read: it counts
/// where the request's own is empty.
fn etag_of(violations: &mut Violations, field: &str, given: &str, etag: &mut String) {
    if given.len() > MOST_ETAG_BYTES {
        violations.add(field, TOO_LONG_ETAG);
    } else if etag.is_empty() {
        given.clone_into(etag);
    }
}

fn etag(violations: &mut Violations, etag: &str) -> String {
    if etag.len() > MOST_ETAG_BYTES {
        violations.add("etag", TOO_LONG_ETAG);
    }
    etag.to_owned()
}

fn page(violations: &mut Violations, size: i32, token: &str) -> Option<PageRequest> {
    if token.len() > MOST_PAGE_TOKEN_BYTES {
        violations.add("page_token", "must have at most 1024 bytes");
    }
    let size = violations.field("page_size", PageSize::parse(size))?;
    Some(PageRequest { size, token: token.to_owned() })
}
