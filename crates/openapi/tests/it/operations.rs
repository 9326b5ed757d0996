//! What methods become.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::shop::document;

/// An operation of the document.
fn operation(verb: &str, path: &str) -> Json {
    let operation = document()["paths"][path][verb].clone();
    assert!(operation.is_object(), "there is no {verb} {path}");
    operation
}

/// Its parameters in a place, by name, with whether they are needed.
fn parameters(operation: &Json, place: &str) -> BTreeMap<String, bool> {
    let all = operation["parameters"].as_array().unwrap().iter().filter(|it| it["in"] == place);
    all.map(|it| (it["name"].as_str().unwrap().to_owned(), it["required"] == true)).collect()
}

fn statuses(operation: &Json) -> Vec<String> {
    operation["responses"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn nothing_is_offered_but_what_has_a_rule_and_is_not_for_services() {
    let document = document();
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(
        paths,
        [
            "/v1/files/{path}:watch",
            "/v1/items",
            "/v1/items/{item_id}",
            "/v1/items/{item_id}:order",
            "/v1/shelves/{place_1}/items/{place_2}"
        ]
    );
    let text = document.to_string();
    assert!(!text.contains("Secret") && !text.contains("CountRequest"), "{text}");
}

#[test]
fn every_binding_has_a_name_of_its_own() {
    let get = operation("get", "/v1/items/{item_id}");
    assert_eq!(get["operationId"], "Shop_GetItem");
    assert_eq!(get["tags"], json!(["Shop"]));
    assert_eq!(
        (&get["summary"], &get["description"]),
        (&json!("Answers one item"), &json!("Answers one item. Safe to retry."))
    );
    let other = operation("get", "/v1/shelves/{place_1}/items/{place_2}");
    assert_eq!(other["operationId"], "Shop_GetItem_2");
    let pieces = parameters(&other, "path");
    assert_eq!(pieces, [("place_1".to_owned(), true), ("place_2".to_owned(), true)].into());
    let document = document();
    // OpenAPI 3.1 has no place for other HTTP methods.
    let search = &document["paths"]["/v1/items"]["x-additional-operations"]["SEARCH"];
    assert_eq!(search["operationId"], "Shop_Search");
}

#[test]
fn what_is_neither_in_path_nor_body_is_in_the_query() {
    let list = operation("get", "/v1/items");
    let named = |name: &str, needed| (name.to_owned(), needed);
    assert_eq!(
        parameters(&list, "query"),
        [
            named("filter.grade", false),
            named("filter.sold", false),
            named("itemIds", true),
            named("pageSize", false),
            named("readMask", false)
        ]
        .into()
    );
    let all = list["parameters"].as_array().unwrap();
    let schema = |name| &all.iter().find(|it| it["name"] == name).unwrap()["schema"];
    let ids = json!({
        "type": "array",
        "items": { "type": "string", "format": "uuid" },
        "minItems": 1,
        "maxItems": 10,
    });
    assert_eq!(*schema("itemIds"), ids);
    // In a query every number is a text.
    assert_eq!(schema("pageSize")["type"], "integer");
    assert_eq!(schema("pageSize")["minimum"], 0);

    let update = operation("patch", "/v1/items/{item_id}");
    let open = ["etag", "requestId", "updateMask"].map(|name| named(name, false));
    assert_eq!(parameters(&update, "query"), open.into());
    assert!(parameters(&operation("post", "/v1/items/{item_id}:order"), "query").is_empty());
}

#[test]
fn a_body_is_all_that_is_left_or_a_field() {
    let order = operation("post", "/v1/items/{item_id}:order");
    let schema = &order["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(*schema, json!({ "$ref": "#/components/schemas/shop.v1.OrderRequest" }));
    assert_eq!(order["requestBody"]["required"], true);
    let request = crate::shop::schema("OrderRequest");
    assert!(request["properties"].get("itemId").is_none(), "that is in the path");

    let update = operation("patch", "/v1/items/{item_id}");
    let schema = &update["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(*schema, json!({ "$ref": "#/components/schemas/shop.v1.Item-Input" }));
    assert!(operation("get", "/v1/items").get("requestBody").is_none());
}

#[test]
fn an_answer_is_a_message_or_a_field_or_many_of_them() {
    let item = json!({ "$ref": "#/components/schemas/shop.v1.Item" });
    let content = |verb, path| operation(verb, path)["responses"]["200"]["content"].clone();
    let get = content("get", "/v1/items/{item_id}");
    assert_eq!(get, json!({ "application/json": { "schema": item } }));
    let list = content("get", "/v1/items");
    assert_eq!(list["application/json"]["schema"], json!({ "type": "array", "items": item }));
    let watch = content("get", "/v1/files/{path}:watch");
    let forms: Vec<_> = watch.as_object().unwrap().keys().collect();
    assert_eq!(forms, ["application/x-ndjson", "text/event-stream"]);
    assert!(watch.as_object().unwrap().values().all(|it| it["x-item-schema"] == item));
}

#[test]
fn who_may_call_is_said() {
    let get = operation("get", "/v1/items/{item_id}");
    assert_eq!((&get["x-roster-access"], &get["security"]), (&json!("PUBLIC"), &json!([])));
    let list = operation("get", "/v1/items");
    let either = json!([{ "bearerAuth": [] }, { "cookieAuth": [] }]);
    assert_eq!((&list["x-roster-access"], &list["security"]), (&json!("USER"), &either));
    assert_eq!(operation("patch", "/v1/items/{item_id}")["x-roster-access"], "ADMIN");
    let schemes = document()["components"]["securitySchemes"].clone();
    assert_eq!(schemes["cookieAuth"]["name"], "shop");
}

#[test]
fn what_fails_is_said_with_its_status() {
    let get = operation("get", "/v1/items/{item_id}");
    assert_eq!(statuses(&get), ["200", "400", "404", "429", "431", "500", "503", "504"]);
    assert_eq!(get["responses"]["404"]["description"], "NOT_FOUND, reason ITEM_NOT_FOUND");
    let general = json!({ "$ref": "#/components/responses/ServiceUnavailable" });
    assert_eq!(get["responses"]["503"], general);
    let update = operation("patch", "/v1/items/{item_id}");
    let expected = [
        "200", "400", "401", "403", "408", "409", "412", "413", "415", "429", "431", "500", "503",
        "504",
    ];
    assert_eq!(statuses(&update), expected);
    let responses = document()["components"]["responses"].clone();
    let busy = &responses["TooManyRequests"]["headers"];
    assert!(busy.get("Retry-After").is_some() && busy.get("X-Request-Id").is_some());
}

#[test]
fn headers_stand_for_fields() {
    let update = operation("patch", "/v1/items/{item_id}");
    let headers: Vec<_> = parameters(&update, "header").into_keys().collect();
    assert_eq!(headers, ["Idempotency-Key", "If-Match"]);
    assert!(parameters(&operation("get", "/v1/items"), "header").is_empty());
    let version = |operation: &Json| operation["responses"]["200"]["headers"].get("ETag").is_some();
    // An item, an answer with nothing but an item, and a list.
    assert!(version(&operation("get", "/v1/items/{item_id}")));
    assert!(version(&update));
    assert!(!version(&operation("get", "/v1/items")));
}

#[test]
fn it_says_what_it_is_of() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.1");
    assert_eq!(document["info"]["title"], "The <Shop>");
    assert_eq!(document["info"]["version"], "1.2.3");
    let tag = json!({ "name": "Shop", "description": "Sells <things>." });
    assert_eq!(document["tags"], json!([tag]));
}
