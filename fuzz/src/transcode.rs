//! Requests in JSON: what is read means what it says, whoever writes it again.

use std::sync::LazyLock;

use http::Method;
use prost_reflect::{DescriptorPool, DynamicMessage, Value};
use roster_transcode::{Call, Routes};

use crate::{input::Input, world::Ground};

const VERBS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

static ROUTES: LazyLock<Routes> = LazyLock::new(|| {
    let pool = DescriptorPool::decode(roster_proto::FILE_DESCRIPTOR_SET).unwrap();
    Routes::new(&pool).unwrap()
});

/// A path, a query and a body, with every verb.
pub fn transcode(_ground: &mut Ground, data: &[u8]) {
    let mut input = Input::new(data);
    let (path, query) = (input.text(), input.text());
    let body = input.bytes();
    for verb in VERBS {
        let Ok(call) = ROUTES.find(&verb, &path) else { continue };
        match call.request(Some(&query), body) {
            Ok(request) => written_again(&call, &request),
            Err(invalid) => {
                assert!(!invalid.0.is_empty(), "invalid, and nothing is named");
                let said = invalid.0.iter().all(|violation| !violation.description.is_empty());
                assert!(said, "{invalid:?}");
            }
        }
    }
}

/// As a body that is all of the request, it is read as the same.
fn written_again(call: &Call, request: &DynamicMessage) {
    let json = serde_json::to_vec(request).expect("what was read from JSON is JSON");
    let again = DynamicMessage::deserialize(
        call.method().input(),
        &mut serde_json::Deserializer::from_slice(&json),
    );
    let again = again.expect("what was written can be read");
    let is_itself = request.fields().all(|(_, value)| !has_nan(value));
    assert!(!is_itself || again == *request, "{}", String::from_utf8_lossy(&json));
}

/// Whether it holds a number that differs from itself.
fn has_nan(value: &Value) -> bool {
    if let Some(message) = value.as_message() {
        return message.fields().any(|(_, value)| has_nan(value));
    }
    if let Some(list) = value.as_list() {
        return list.iter().any(has_nan);
    }
    value.as_f64().is_some_and(f64::is_nan) || value.as_f32().is_some_and(f32::is_nan)
}
