//! What messages become.

use serde_json::{Value as Json, json};

use crate::shop::{document, field, schema};

const ITEM: &str = "#/components/schemas/shop.v1.Item";

#[test]
fn answers_are_as_they_are_written() {
    assert_eq!(field("Item", "name"), json!({ "type": "string" }));
    assert_eq!(
        field("Item", "stock"),
        json!({ "type": "string", "format": "int64", "pattern": "^-?[0-9]+$" })
    );
    assert_eq!(field("Item", "grade"), json!({ "$ref": "#/components/schemas/shop.v1.Grade" }));
    assert_eq!(field("Item", "made"), json!({ "type": "string", "format": "date-time" }));
    assert_eq!(field("Item", "lasts")["type"], "string");
    let price = json!({ "type": "integer", "format": "int32" });
    let prices = json!({ "type": "object", "additionalProperties": price });
    assert_eq!(field("Item", "prices"), prices);
    assert_eq!(field("Item", "parts"), json!({ "type": "array", "items": { "$ref": ITEM } }));
    assert_eq!(field("Item", "notes"), json!({ "type": "object" }));
    assert_eq!(field("Item", "note"), json!({}));
    assert_eq!(field("Item", "more")["required"], json!(["@type"]));
    assert_eq!(field("Item", "shelf"), json!({ "type": "integer", "format": "uint32" }));
    assert_eq!(field("Item", "picture"), json!({ "type": "string", "contentEncoding": "base64" }));
    let odd = json!({ "enum": ["NaN", "Infinity", "-Infinity"] });
    let number = json!({ "type": "number", "format": "double" });
    assert_eq!(field("Item", "weight"), json!({ "anyOf": [number, odd] }));
    // Later versions may say more.
    assert_eq!(schema("Item")["additionalProperties"], Json::Null);
    // What can be unset may not be there.
    let always = ["stock", "grade", "prices", "parts", "picture", "weight", "etag"];
    assert_eq!(schema("Item")["required"], json!(always));
}

#[test]
fn requests_are_taken_as_widely_as_they_are() {
    assert_eq!(
        field("Item-Input", "name"),
        json!({ "type": ["string", "null"], "minLength": 1, "maxLength": 20 })
    );
    let stock = field("Item-Input", "stock");
    assert_eq!(stock["type"], json!(["integer", "string", "null"]));
    assert_eq!(
        (stock["minimum"].as_i64(), stock["maximum"].as_i64()),
        (Some(i64::MIN), Some(i64::MAX))
    );
    let parts = field("Item-Input", "parts");
    assert_eq!(parts["items"], json!({ "$ref": format!("{ITEM}-Input") }));
    assert_eq!(field("Item-Input", "note"), json!({}));
    assert_eq!(schema("Item-Input")["additionalProperties"], false);
    // What no answer holds has one form.
    assert!(document()["components"]["schemas"].get("shop.v1.OrderRequest-Input").is_none());
}

#[test]
fn of_a_choice_there_is_one_at_most() {
    let pair = |one: &str, other: &str| json!({ "not": { "required": [one, other] } });
    let pairs = json!([pair("box", "bag"), pair("box", "sheets"), pair("bag", "sheets")]);
    assert_eq!(schema("Item")["allOf"], pairs);
    // One that is optional is none.
    assert_eq!(schema("OrderRequest")["allOf"], Json::Null);
}

#[test]
fn rules_become_constraints() {
    let payer = field("OrderRequest", "payer");
    // So many bytes are another number of characters.
    assert_eq!(payer, json!({ "type": "string", "minLength": 1, "x-max-bytes": 100 }));
    let count = field("OrderRequest", "count");
    assert_eq!(count, json!({ "type": "integer", "format": "int32", "minimum": 1, "maximum": 9 }));
    let total = field("OrderRequest", "total");
    assert_eq!((&total["minimum"], &total["pattern"]), (&json!(0), &json!("^([0-9]{1,18})$")));
    let share = field("OrderRequest", "share");
    assert_eq!((&share["minimum"], &share["maximum"]), (&json!(0.0), &json!(1.0)));
    let known = json!({ "enum": [0, 1] });
    assert_eq!(field("OrderRequest", "grade")["anyOf"][1], known);
    // Nothing said is not enough.
    let most = field("OrderRequest", "most");
    assert_eq!(most["anyOf"][0]["not"], json!({ "const": "GRADE_UNSPECIFIED" }));
    assert_eq!(most["anyOf"][1], json!({ "enum": [1] }));
    let any = json!({ "type": "integer", "format": "int32" });
    assert_eq!(field("OrderRequest", "least")["anyOf"][1], any);
}

#[test]
fn what_would_be_refused_if_it_were_not_there_is_needed() {
    assert_eq!(schema("OrderRequest")["required"], json!(["payer", "code", "count", "most"]));
}

#[test]
fn an_enum_has_its_names() {
    let grade = schema("Grade");
    assert_eq!(grade["enum"], json!(["GRADE_UNSPECIFIED", "GRADE_NEW"]));
    assert_eq!(grade["description"], "How good an item is.");
}

#[test]
fn comments_are_descriptions() {
    assert_eq!(schema("Item")["description"], "Something to buy.");
    assert_eq!(schema("Item")["properties"]["stock"]["description"], "How many there are.");
    assert_eq!(schema("Item")["properties"]["grade"]["description"], Json::Null);
}
