//! Transfers between messages and domain values.

use std::collections::HashSet;

use roster_db::replay::Repetition;
use roster_kernel::{PersonaId, UserId};
use roster_proto::persona::v1 as pb;
use roster_server::{Refusal, Violations};

use crate::op::transfer_personas::{TransferPersonas, Transferred};

/// The most personas that one request names.
const MOST_PERSONAS: usize = 1_000;

/// Reads which personas go from whom to whom.
pub fn transfer(
    request: &pb::TransferPersonasRequest,
    repetition: &Repetition<'_>,
) -> Result<TransferPersonas, Refusal> {
    let mut violations = Violations::new();
    let replay = repetition.key(&mut violations, &request.request_id, request);
    let from = violations.field("from_user_id", UserId::parse(&request.from_user_id));
    let to = violations.field("to_user_id", UserId::parse(&request.to_user_id));
    if from.is_some() && from == to {
        violations.add("to_user_id", "must be another user than from_user_id");
    }
    if request.all != request.persona_ids.is_empty() {
        violations.add("all", "must be set if and only if no persona_ids are given");
    }
    let personas = personas(&mut violations, &request.persona_ids);
    let Some((from, to)) = from.zip(to) else { return Err(violations.into_refusal()) };
    violations.finish()?;
    let personas = (!request.all).then_some(personas);
    let validate_only = request.validate_only;
    Ok(TransferPersonas { from, to, personas, validate_only, replay })
}

fn personas(violations: &mut Violations, texts: &[String]) -> Vec<PersonaId> {
    if texts.len() > MOST_PERSONAS {
        violations.add("persona_ids", "must have at most 1,000 items");
        return Vec::new();
    }
    let ids = texts.iter().enumerate().filter_map(|(place, text)| {
        violations.field(&format!("persona_ids[{place}]"), PersonaId::parse(text))
    });
    let ids: Vec<_> = ids.collect();
    if ids.iter().collect::<HashSet<_>>().len() < ids.len() {
        violations.add("persona_ids", "must not hold an item twice");
    }
    ids
}

/// How much was transferred.
pub fn transferred(transferred: Transferred) -> pb::TransferPersonasResponse {
    let count = |rows| i64::try_from(rows).unwrap_or(i64::MAX);
    pb::TransferPersonasResponse {
        persona_count: count(transferred.personas),
        ontology_count: count(transferred.ontologies),
        annotation_count: count(transferred.annotations),
    }
}
