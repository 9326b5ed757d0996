//! What a response becomes.

use http::Method;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use roster_transcode::Routes;
use serde_json::{Value as Json, json};

use crate::library::{library, routes};

fn answered(path: &str, response: &str, json: &Json) -> Json {
    let pool = library();
    let descriptor = pool.get_message_by_name(response).unwrap();
    let message = DynamicMessage::deserialize(descriptor, json).unwrap();
    let routes = routes();
    let call = routes.find(&Method::GET, path).unwrap();
    let written = call.response(message.encode_to_vec().into()).unwrap();
    serde_json::from_slice(&written.body).unwrap()
}

#[test]
fn a_response_is_json_as_protobuf_has_it_with_what_has_its_default() {
    let book = json!({
        "name": "b",
        "author": { "displayName": "A", "born": "1900" },
        "genre": "GENRE_NOVEL",
    });
    let written = json!({
        "name": "b",
        "title": "",
        "author": { "displayName": "A", "born": "1900" },
        "labels": [],
        "notes": {},
        "genre": "GENRE_NOVEL",
    });
    assert_eq!(answered("/v1/books/b", "library.v1.Book", &book), written);
}

#[test]
fn the_state_of_what_a_response_consists_of_is_told() {
    let pool = DescriptorPool::decode(roster_proto::FILE_DESCRIPTOR_SET).unwrap();
    let routes = Routes::new(&pool).unwrap();
    let etag = |path: &str, response: &str, json: Json| {
        let descriptor = pool.get_message_by_name(response).unwrap();
        let message = DynamicMessage::deserialize(descriptor, json).unwrap();
        let call = routes.find(&Method::GET, path).unwrap();
        call.response(message.encode_to_vec().into()).unwrap().etag
    };
    let user = json!({ "user": { "etag": "e1" } });
    let found = etag("/api/admin/users/u", "roster.identity.v1.GetUserResponse", user);
    assert_eq!(found.as_deref(), Some("e1"));
    let none = json!({ "user": {} });
    assert_eq!(etag("/api/admin/users/u", "roster.identity.v1.GetUserResponse", none), None);
    let users = json!({ "users": [{ "etag": "e1" }] });
    assert_eq!(etag("/api/admin/users", "roster.identity.v1.ListUsersResponse", users), None);
}

#[test]
fn a_part_of_a_response_stands_alone() {
    let books = json!({ "books": [{ "name": "b", "title": "T" }], "nextPageToken": "more" });
    let listed = answered("/v1/books", "library.v1.ListBooksResponse", &books);
    assert_eq!(listed[0]["title"], "T");
    let none = answered("/v1/books", "library.v1.ListBooksResponse", &json!({}));
    assert_eq!(none, json!([]));
}

#[test]
fn what_is_no_response_is_not_written() {
    let routes = routes();
    let call = routes.find(&Method::GET, "/v1/books/b").unwrap();
    assert!(call.response(b"\xff".as_slice().into()).is_err());
}
