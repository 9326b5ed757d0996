//! What headers add to a request.

use http::Method;
use prost_reflect::{DescriptorPool, DynamicMessage};
use roster_transcode::{Conditions, Routes, Unmet};

const UPDATE: (Method, &str) = (Method::PATCH, "/api/admin/users/u");

fn request((verb, path): (Method, &str), body: &str) -> DynamicMessage {
    let pool = DescriptorPool::decode(roster_proto::FILE_DESCRIPTOR_SET).unwrap();
    let routes = Routes::new(&pool).unwrap();
    routes.find(&verb, path).unwrap().request(None, body.as_bytes()).unwrap()
}

fn conditions(etag: Option<&str>, request_id: Option<&str>) -> Conditions {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Conditions { etag: owned(etag), request_id: owned(request_id) }
}

fn text(request: &DynamicMessage, field: &str) -> String {
    request.get_field_by_name(field).unwrap().as_str().unwrap().to_owned()
}

#[test]
fn headers_stand_where_the_contract_has_a_field_for_them() {
    let mut update = request(UPDATE, "{}");
    conditions(Some("e1"), Some("r1")).put(&mut update).unwrap();
    assert_eq!(text(&update, "etag"), "e1");
    assert_eq!(text(&update, "request_id"), "r1");
}

#[test]
fn a_header_and_a_body_that_say_the_same_agree_and_others_do_not() {
    let body = r#"{"etag": "e1", "requestId": "r1"}"#;
    let mut update = request(UPDATE, body);
    conditions(Some("e1"), Some("r1")).put(&mut update).unwrap();
    for (etag, request_id, field) in [(Some("e2"), None, "etag"), (None, Some("r2"), "request_id")]
    {
        let Err(Unmet::Contradicted(invalid)) =
            conditions(etag, request_id).put(&mut request(UPDATE, body))
        else {
            panic!("{field}")
        };
        assert_eq!(invalid.0[0].field, field);
    }
}

#[test]
fn a_condition_that_nothing_can_meet_is_refused_and_a_key_that_nobody_needs_is_not() {
    let login = || request((Method::POST, "/api/auth/login"), "{}");
    assert_eq!(conditions(Some("e1"), None).put(&mut login()), Err(Unmet::Unconditional));
    assert_eq!(conditions(None, Some("r1")).put(&mut login()), Ok(()));
}
