//! Well-formed requests that cannot be carried out.

use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MethodDescriptor, ReflectMessage, Value,
};
use roster_proto::identity::v1::{CreateUserRequest, RegisterRequest};
use tonic::Code;

use super::{
    cast::{Cast, Who},
    contract::{self, Level},
    fixture::{OF_NO_ONE, Stage},
    open_world,
    wire::{assert_no_defect, outcome, send},
};
use crate::{
    client::refusal,
    world::{PASSWORD, World, person},
};

/// The caller that a method is made for.
fn intended(method: &MethodDescriptor) -> Who {
    if contract::level(method) == Level::Admin { Who::Admin } else { Who::User }
}

/// The ids that a request must give.
fn id_fields(method: &MethodDescriptor) -> Vec<FieldDescriptor> {
    let is_id = |field: &FieldDescriptor| {
        contract::rules(field).iter().any(|(rule, _)| rule == "string.uuid")
    };
    method.input().fields().filter(is_id).collect()
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_ids_are_not_found() {
    let world = open_world().await;
    let cast = Cast::new(&world, "ids").await;
    let mut asked = 0;
    for method in contract::implemented_methods() {
        // A user without personas and an unknown one look alike to the service
        // that keeps personas: both lists are empty.
        let lists = method.name().starts_with("List");
        let who = intended(&method);
        for field in id_fields(&method) {
            let stage = Stage { world: &world, cast: &cast, who };
            let mut request = stage.fixture(&method).await.request;
            request.set_field(&field, text(&world.env.uuid().to_string()));
            let answer = send(cast.client(who), &method, &request).await;
            let code = outcome(&answer).0;
            let expected = if lists { Code::Ok } else { Code::NotFound };
            assert_eq!(code, expected, "{} {}", contract::name(&method), field.name());
            asked += 1;
        }
    }
    assert!(asked > 10, "only {asked} ids");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_etag_is_aborted() {
    let world = open_world().await;
    let mut asked = 0;
    for (number, method) in contract::implemented_methods().iter().enumerate() {
        let Some(etag) = method.input().get_field_by_name("etag") else { continue };
        let cast = Cast::new(&world, &format!("e{number}")).await;
        let who = intended(method);
        let stage = Stage { world: &world, cast: &cast, who };
        let mut request = stage.fixture(method).await.request;
        request.set_field(&etag, text("stale"));
        let aborted = (Code::Aborted, "ETAG_MISMATCH".to_owned());
        let answer = send(cast.client(who), method, &request).await;
        assert_eq!(outcome(&answer), aborted, "{}", contract::name(method));
        // It was the etag, and nothing has changed.
        request.clear_field(&etag);
        send(cast.client(who), method, &request).await.unwrap();
        asked += 1;
    }
    assert!(asked > 5, "only {asked} methods");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_username_already_exists() {
    let world = open_world().await;
    world.create_user("taken").await;
    let taken =
        (Code::AlreadyExists, "USERNAME_TAKEN".to_owned(), "Username already exists".to_owned());
    for username in ["taken", "TAKEN", "Ｔaken"] {
        let request = CreateUserRequest { username: username.to_owned(), ..person() };
        assert_eq!(refusal(world.admin.users().create_user(request).await), taken, "{username}");
        let request = RegisterRequest {
            username: username.to_owned(),
            display_name: "Another".to_owned(),
            password: PASSWORD.to_owned(),
            ..RegisterRequest::default()
        };
        assert_eq!(refusal(world.nobody().account().register(request).await), taken, "{username}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_is_good_for_one_request() {
    let world = open_world().await;
    let mut asked = 0;
    for (number, method) in contract::implemented_methods().iter().enumerate() {
        let Some(field) = method.input().get_field_by_name("request_id") else { continue };
        let name = contract::name(method);
        let cast = Cast::new(&world, &format!("q{number}")).await;
        let who = intended(method);
        let stage = Stage { world: &world, cast: &cast, who };
        let mut request = stage.fixture(method).await.request;
        request.set_field(&field, text(&world.env.uuid().to_string()));
        let first = send(cast.client(who), method, &request).await.unwrap();
        // What ends the caller's own session cannot be repeated with it.
        let Ok(second) = send(cast.client(who), method, &request).await else {
            assert!(["Logout", "RevokeSession"].contains(&method.name()), "{name}");
            continue;
        };
        assert_eq!(lasting(&first), lasting(&second), "{name}");
        let other = other_request(&request);
        let reused = (Code::InvalidArgument, "REQUEST_ID_REUSED".to_owned());
        assert_eq!(outcome(&send(cast.client(who), method, &other).await), reused, "{name}");
        asked += 1;
    }
    assert!(asked > 8, "only {asked} methods");
}

/// The part of an answer that stays as it is. A deletion goes on while it is
/// looked at.
fn lasting(answer: &DynamicMessage) -> Value {
    match answer.get_field_by_name("deletion").as_deref() {
        Some(Value::Message(it)) => it.get_field_by_name("deletion_id").unwrap().into_owned(),
        Some(_) | None => Value::Message(answer.clone()),
    }
}

/// The same request with another id or name in it.
fn other_request(request: &DynamicMessage) -> DynamicMessage {
    let mut other = request.clone();
    let first = request.descriptor().fields().next().unwrap();
    if let Some(message) = other.get_field_mut(&first).as_message_mut() {
        let named = |name| message.descriptor().get_field_by_name(name);
        let name = named("name").or_else(|| named("label")).unwrap();
        message.set_field(&name, text("Another"));
        return other;
    }
    let value = request.get_field(&first).as_str().unwrap().to_owned();
    let is_id = value.len() == OF_NO_ONE.len();
    let another = if is_id { OF_NO_ONE.to_owned() } else { format!("{value}x") };
    other.set_field(&first, Value::String(another));
    other
}

/// Values at the far ends of what a field's type allows, and some that have
/// broken other programs.
fn extremes(field: &FieldDescriptor) -> Vec<Value> {
    let texts = || {
        let long = "\u{1F600}".repeat(5_000);
        ["", "\0", "a\0b", "%", "_", "\\", "'", "\"; --", "\u{202e}x", "\u{feff}", "\r\n", "{}"]
            .map(text)
            .into_iter()
            .chain([text(&long), text("\u{10ffff}\u{301}"), text("../../etc/passwd")])
            .collect::<Vec<_>>()
    };
    match field.kind() {
        Kind::String => texts(),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            [i32::MIN, -1, 0, 1, i32::MAX].map(Value::I32).to_vec()
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            [i64::MIN, -1, 0, 253_402_300_800, i64::MAX].map(Value::I64).to_vec()
        }
        Kind::Bool => [true, false].map(Value::Bool).to_vec(),
        Kind::Enum(_) => [i32::MIN, -1, 0, 2, i32::MAX].map(Value::EnumNumber).to_vec(),
        Kind::Message(inner) => vec![Value::Message(DynamicMessage::new(inner))],
        Kind::Bytes => [&[][..], &[0xff; 5_000][..]].map(|it| Value::Bytes(it.into())).to_vec(),
        Kind::Double => [
            f64::MIN,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            -0.0,
            f64::MIN_POSITIVE,
            f64::MAX,
        ]
        .map(Value::F64)
        .to_vec(),
        Kind::Float => panic!("{}: a number of a new kind", field.full_name()),
        Kind::Uint32 | Kind::Fixed32 => [0, u32::MAX].map(Value::U32).to_vec(),
        Kind::Uint64 | Kind::Fixed64 => [0, u64::MAX].map(Value::U64).to_vec(),
    }
}

/// Every message that differs from `message` in one field, at any depth,
/// which has an extreme value.
fn with_extremes(message: &DynamicMessage) -> Vec<DynamicMessage> {
    let mut all = Vec::new();
    for field in message.descriptor().fields() {
        let mut values = extremes(&field);
        if let Kind::Message(inner) = field.kind() {
            let present = message.has_field(&field).then(|| message.get_field(&field).into_owned());
            let part = match present {
                Some(Value::Message(part)) => part,
                Some(_) | None => DynamicMessage::new(inner),
            };
            values.extend(with_extremes(&part).into_iter().map(Value::Message));
        }
        if field.is_list() {
            let single = values.iter().map(|value| Value::List(vec![value.clone()]));
            let many = Value::List(vec![values[0].clone(); 2_000]);
            values = single.chain([Value::List(values.clone()), many]).collect();
        }
        all.extend(values.into_iter().map(|value| {
            let mut message = message.clone();
            message.set_field(&field, value);
            message
        }));
    }
    all
}

async fn send_extremes(world: &World, name: &str, method: &MethodDescriptor) -> usize {
    let who = intended(method);
    let mut cast = Cast::new(world, name).await;
    let valid = Stage { world, cast: &cast, who }.fixture(method).await.request;
    let (mut sent, mut renewed) = (0, 0);
    for request in with_extremes(&valid) {
        if let Err(status) = send(cast.client(who), method, &request).await {
            let what = format!("{}: {request}", contract::name(method));
            assert_no_defect(&status, &what);
            if status.code() == Code::Unauthenticated {
                // The request before has ended the session.
                renewed += 1;
                cast = Cast::new(world, &format!("{name}.{renewed}")).await;
            }
        }
        sent += 1;
    }
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn no_extreme_value_of_any_field_is_a_defect() {
    let world = open_world().await;
    let mut sent = 0;
    for (number, method) in contract::implemented_methods().iter().enumerate() {
        sent += send_extremes(&world, &format!("x{number}"), method).await;
    }
    assert!(sent > 1_000, "only {sent} requests");
}
