//! Every `buf.validate` rule of the methods that services call, and of those
//! of personas, violated. The end-to-end tests do the same from outside with all
//! that the edge offers.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage, Value};
use roster_kernel::{Caller, ServiceName};
use roster_proto::{
    persona::v1::{
        CreatePersonaRequest, DeletePersonaRequest, GetPersonaRequest, ListPersonasRequest,
        ListUserPersonasRequest, UpdatePersonaRequest,
    },
    subject::v1::{
        CountSubjectDataRequest, ExportSubjectDataRequest, ListSubjectsRequest,
        SumSubjectDataRequest,
    },
};

use crate::{
    harness::{World, dynamic, fields, named, pool, user_id},
    unimplemented::{full_name, methods},
};

/// A rule, and a message that violates it and nothing else.
struct Violation {
    /// The name that the refusal must give the field.
    field: String,
    rule: String,
    request: DynamicMessage,
}

/// All violations of the rules of `message`, which is the part at `path` of
/// a valid request.
fn violations(request: &DynamicMessage, path: &[FieldDescriptor]) -> Vec<Violation> {
    let message = part(request, path);
    let mut found = Vec::new();
    for field in message.descriptor().fields() {
        let at: Vec<_> = path.iter().cloned().chain([field.clone()]).collect();
        let name: Vec<_> = at.iter().map(FieldDescriptor::name).collect();
        let name = name.join(".");
        for (rule, value, index) in rules(&field) {
            let mut request = request.clone();
            match value {
                Some(value) => part_mut(&mut request, path).set_field(&field, value),
                None => part_mut(&mut request, path).clear_field(&field),
            }
            found.push(Violation { field: format!("{name}{index}"), rule, request });
        }
        let ours =
            matches!(field.kind(), Kind::Message(it) if it.package_name().starts_with("roster."));
        if ours {
            assert!(message.has_field(&field), "{name} must be set, or its rules go untested");
            found.extend(violations(request, &at));
        }
    }
    found
}

fn part(request: &DynamicMessage, path: &[FieldDescriptor]) -> DynamicMessage {
    path.iter().fold(request.clone(), |message, field| {
        message.get_field(field).as_message().unwrap().clone()
    })
}

fn part_mut<'a>(
    request: &'a mut DynamicMessage,
    path: &[FieldDescriptor],
) -> &'a mut DynamicMessage {
    path.iter()
        .fold(request, |message, field| message.get_field_mut(field).as_message_mut().unwrap())
}

/// For each rule of a field: its name, a value that violates it (`None` for
/// no value), and what the refusal appends to the field's name.
fn rules(field: &FieldDescriptor) -> Vec<(String, Option<Value>, &'static str)> {
    let option = pool().get_extension_by_name("buf.validate.field").unwrap();
    let options = field.options();
    if !options.has_extension(&option) {
        return Vec::new();
    }
    let rules = options.get_extension(&option).as_message().unwrap().clone();
    let mut found = Vec::new();
    for (kind, rule) in rules.fields() {
        let Some(rule) = rule.as_message() else {
            assert_eq!(kind.name(), "required");
            found.push(("required".to_owned(), None, ""));
            continue;
        };
        for (of_kind, bound) in rule.fields() {
            let name = format!("{}.{}", kind.name(), of_kind.name());
            let values = violating(&name, bound, field);
            found.extend(
                values.into_iter().map(|(value, index)| (name.clone(), Some(value), index)),
            );
        }
    }
    found
}

fn violating(rule: &str, bound: &Value, field: &FieldDescriptor) -> Vec<(Value, &'static str)> {
    let text = |text: String| (Value::String(text), "");
    let id = || Value::String("01890a5d-ac96-774b-bcce-b302099a8057".to_owned());
    let size = || usize::try_from(bound.as_u64().unwrap()).unwrap();
    match rule {
        "string.min_len" => vec![text("ä".repeat(size() - 1))],
        "string.max_len" => vec![text("ä".repeat(size() + 1))],
        "string.max_bytes" => vec![text("a".repeat(size() + 1)), text("ä".repeat(size() / 2 + 1))],
        "string.uuid" => {
            ["", "x", "01890A5D-AC96-774B-BCCE-B302099A8057", "01890a5dac96774bbcceb302099a8057"]
                .map(|id| text(id.to_owned()))
                .to_vec()
        }
        "string.pattern" => {
            let known = ["request_id", "after_user_id"].contains(&field.name());
            assert!(known, "a pattern that this test does not know");
            let upper = "01890A5D-AC96-774B-BCCE-B302099A8057";
            ["x", upper, " "].map(|id| text(id.to_owned())).to_vec()
        }
        "int32.gte" => {
            vec![(Value::I32(bound.as_i32().unwrap() - 1), ""), (Value::I32(i32::MIN), "")]
        }
        "repeated.min_items" => vec![(Value::List(vec![id(); size() - 1]), "")],
        "repeated.max_items" => vec![(Value::List(vec![id(); size() + 1]), "")],
        "repeated.items" => {
            vec![(Value::List(vec![id(), Value::String("x".to_owned())]), "[1]")]
        }
        other => panic!("no value that violates {other}"),
    }
}

/// Each implemented method with a caller and a valid request.
fn fixtures(
    world: &World,
    persona_id: &str,
    user: &Caller,
) -> Vec<(&'static str, Caller, DynamicMessage)> {
    let persona_id = persona_id.to_owned();
    let owner = user_id(user).to_string();
    let persona = Some(named("Ecologist"));
    let create = CreatePersonaRequest { persona: persona.clone(), ..Default::default() };
    let get = GetPersonaRequest { persona_id: persona_id.clone() };
    let update =
        UpdatePersonaRequest { persona_id: persona_id.clone(), persona, ..Default::default() };
    let delete = DeletePersonaRequest { persona_id, ..Default::default() };
    let of_user = ListUserPersonasRequest { user_id: owner.clone(), ..Default::default() };
    let count = CountSubjectDataRequest { user_ids: vec![owner.clone()] };
    let export = ExportSubjectDataRequest { user_id: owner };
    let sum = SumSubjectDataRequest {};
    let list = ListSubjectsRequest::default();
    let service = Caller::service(ServiceName::parse("identity").unwrap());
    let own = |method, request| (method, user.clone(), request);
    vec![
        own("roster.persona.v1.PersonaService/CreatePersona", dynamic(&create)),
        own("roster.persona.v1.PersonaService/GetPersona", dynamic(&get)),
        own(
            "roster.persona.v1.PersonaService/ListPersonas",
            dynamic(&ListPersonasRequest::default()),
        ),
        own("roster.persona.v1.PersonaService/UpdatePersona", dynamic(&update)),
        own("roster.persona.v1.PersonaService/DeletePersona", dynamic(&delete)),
        (
            "roster.persona.v1.PersonaAdminService/ListUserPersonas",
            world.admin(),
            dynamic(&of_user),
        ),
        ("roster.subject.v1.SubjectDataService/CountSubjectData", service.clone(), dynamic(&count)),
        (
            "roster.subject.v1.SubjectDataService/ExportSubjectData",
            service.clone(),
            dynamic(&export),
        ),
        ("roster.subject.v1.SubjectDataService/ListSubjects", service.clone(), dynamic(&list)),
        ("roster.subject.v1.SubjectDataService/SumSubjectData", service, dynamic(&sum)),
    ]
}

#[tokio::test]
async fn every_violated_rule_is_refused_and_names_its_field() {
    let world = World::new().await;
    let user = world.user();
    let created = world.create(&user, "Ecologist").await;
    let fixtures = fixtures(&world, &created.persona_id, &user);
    let mut known: Vec<_> = fixtures.iter().map(|(method, ..)| *method).collect();
    let ours = ["roster.subject.v1.", "roster.persona.v1.PersonaService/"];
    let also = "roster.persona.v1.PersonaAdminService/ListUserPersonas";
    let mut all: Vec<_> = methods().iter().map(full_name).collect();
    all.retain(|name| ours.iter().any(|prefix| name.starts_with(prefix)) || name == also);
    known.sort_unstable();
    all.sort_unstable();
    assert_eq!(known, all, "a method without a fixture");

    let mut sent = 0;
    for (method, caller, request) in fixtures {
        let path = format!("/{method}");
        for Violation { field, rule, request } in violations(&request, &[]) {
            let answer = world.call(&caller, &path, request).await;
            assert!(answer.is_err(), "{method}: {field} {rule}");
            assert_eq!(fields(answer).join(" "), field, "{method}: {rule}");
            sent += 1;
        }
        // Nothing but the rule was wrong: the request itself is fine.
        world.call(&caller, &path, request).await.unwrap();
    }
    assert_eq!(sent, 65, "a new rule brings new violations");
}
