//! What a request becomes.

use serde_json::json;

use crate::library::{called, refused};

#[test]
fn pieces_of_the_path_are_fields() {
    for (path, name) in [
        ("/v1/books/b", "b"),
        ("/v1/books/a%20b%2Fc%3Ad+e", "a b/c:d+e"),
        ("/v1/books/%E2%82%AC", "€"),
        ("/v1/books/%00", "\0"),
        ("/v1/shelves/s%201/books/b", "shelves/s 1/books/b"),
        // A slash of a name is none between names.
        ("/v1/shelves/s%2Ft/books/b%2fc%25", "shelves/s%2Ft/books/b%2fc%"),
    ] {
        assert_eq!(called("GET", path, "").unwrap().1, json!({ "name": name }), "{path}");
    }
    let (_, file) = called("GET", "/v1/files/a/b%2Fc", "").unwrap();
    assert_eq!(file, json!({ "path": "a/b%2Fc" }));
}

#[test]
fn the_query_holds_fields_of_any_kind() {
    let query = "page_size=7&filter.genre=GENRE_NOVEL&filter.labels=new&filter.labels=old+one\
                 &filter.lent=false&printedAfter=2026-11-28T00:00:00Z&readMask=title,author.displayName\
                 &descending=true&cursor=aGk%3D&weight=0.5&filter.author.born=1900";
    let (method, request) = called("GET", &format!("/v1/books?{query}"), "").unwrap();
    assert_eq!(method, "ListBooks");
    assert_eq!(
        request,
        json!({
            "pageSize": 7,
            "filter": {
                "genre": "GENRE_NOVEL",
                "labels": ["new", "old one"],
                "lent": false,
                "author": { "born": "1900" },
            },
            "printedAfter": "2026-11-28T00:00:00Z",
            "readMask": "title,author.displayName",
            "descending": true,
            "cursor": "aGk=",
            "weight": 0.5,
        })
    );
    let (_, numbered) = called("GET", "/v1/books?filter.genre=1&page_size=0", "").unwrap();
    assert_eq!(numbered, json!({ "filter": { "genre": "GENRE_NOVEL" } }));
}

#[test]
fn a_query_that_holds_something_else_is_refused_by_name() {
    for (query, fields) in [
        ("pagesize=7", vec!["pagesize"]),
        ("page_size=many", vec!["page_size"]),
        ("page_size=1&pageSize=2", vec!["page_size"]),
        ("page_size=99999999999", vec!["page_size"]),
        ("descending=yes", vec!["descending"]),
        ("filter=x", vec!["filter"]),
        ("filter.notes=x", vec!["filter.notes"]),
        ("filter.labels.x=y", vec!["filter.labels.x"]),
        ("filter.genre=GENRE_POEM", vec!["filter.genre"]),
        ("printed_after=yesterday&weight=heavy", vec!["printed_after", "weight"]),
        ("=x", vec![""]),
        ("filter.=x&.=y", vec!["filter.", "."]),
        ("%FF=1", vec!["\u{fffd}"]),
    ] {
        assert_eq!(refused("GET", &format!("/v1/books?{query}"), ""), fields, "{query}");
    }
}

#[test]
fn a_body_is_all_that_is_left_or_one_field() {
    let (_, lent) = called("POST", "/v1/books/b:lend", r#"{"reader":"Ada","days":"3"}"#).unwrap();
    assert_eq!(lent, json!({ "name": "b", "reader": "Ada", "days": "3" }));
    let (_, nothing) = called("POST", "/v1/books/b:lend", "").unwrap();
    assert_eq!(nothing, json!({ "name": "b" }));
    let book = r#"{"title":"T","author":{"display_name":"A"},"notes":{"a":"b"}}"#;
    let (_, created) = called("POST", "/v1/books?validate_only=true", book).unwrap();
    assert_eq!(
        created,
        json!({
            "book": { "title": "T", "author": { "displayName": "A" }, "notes": { "a": "b" } },
            "validateOnly": true,
        })
    );
}

#[test]
fn a_body_may_be_a_list() {
    let (_, labelled) = called("PUT", "/v1/books/b/labels", r#"["a","b"]"#).unwrap();
    assert_eq!(labelled, json!({ "name": "b", "labels": ["a", "b"] }));
    for body in [r#""a""#, "[1]", "[", r#"["a"],"name":"c""#, "[[]]"] {
        assert_eq!(refused("PUT", "/v1/books/b/labels", body).len(), 1, "{body}");
    }
}

#[test]
fn the_path_holds_whatever_the_body_says() {
    for body in [r#"{"name":"other"}"#, r#"{"name":""}"#, "{}"] {
        let (_, lent) = called("POST", "/v1/books/b:lend", body).unwrap();
        assert_eq!(lent, json!({ "name": "b" }), "{body}");
        let (_, updated) = called("PATCH", "/v1/books/b", body).unwrap();
        assert_eq!(updated["book"]["name"], "b", "{body}");
    }
    assert_eq!(refused("POST", "/v1/books/b:lend?name=c", "{}"), ["name"]);
    assert_eq!(refused("POST", "/v1/books/b:lend?days=3", "{}"), ["days"]);
    assert_eq!(refused("POST", "/v1/books?book.title=T", "{}"), ["book.title"]);
    assert_eq!(refused("GET", "/v1/books/b?name=c", ""), ["name"]);
}

#[test]
fn a_body_that_holds_something_else_is_refused_by_name() {
    for (body, fields) in [
        (r#"{"pages":3}"#, vec!["book.pages"]),
        (r#"{"author":{"title":"T"}}"#, vec!["book.author.title"]),
        (r#"{"title":3}"#, vec!["book.title"]),
        (r#"{"labels":["a",{}]}"#, vec!["book.labels[1]"]),
        (r#"{"title":"a","title":"b"}"#, vec!["book.title"]),
        (r#"{"author":{"displayName":"a","display_name":"b"}}"#, vec!["book.author.display_name"]),
        (r#"{"notes":{"a":"b","a":"c"}}"#, vec!["book.notes.a"]),
        ("[]", vec!["book"]),
    ] {
        assert_eq!(refused("POST", "/v1/books", body), fields, "{body}");
    }
    let deep = format!("{}1{}", r#"{"author":"#.repeat(500), "}".repeat(500));
    assert!(refused("POST", "/v1/books", &deep)[0].starts_with("book.author.author"));
    let alike = r#"{"notes":{"a_b":"1","aB":"2"},"labels":["a","a"]}"#;
    assert!(called("POST", "/v1/books", alike).is_ok());
    for body in ["{", "x", r#"{"title":"a"}}"#, r#"{"title":"a"},"validateOnly":true"#, "{}{}"] {
        let named = refused("POST", "/v1/books", body);
        assert_eq!(named.len(), 1, "{body}: {named:?}");
    }
    assert_eq!(refused("GET", "/v1/books", "{}"), [""]);
    assert_eq!(refused("POST", "/v1/books/b:lend", r#"{"days":1} x"#), [""]);
}

#[test]
fn a_change_without_a_mask_changes_what_its_body_names() {
    let body =
        r#"{"title":"","author":{"displayName":"A"},"labels":[],"notes":{"a":"b"},"printed":null}"#;
    let (_, updated) = called("PATCH", "/v1/books/b", body).unwrap();
    let mut paths: Vec<_> = updated["updateMask"].as_str().unwrap().split(',').collect();
    paths.sort_unstable();
    assert_eq!(paths, ["author.displayName", "labels", "notes", "printed", "title"]);
    let (_, said) = called("PATCH", "/v1/books/b?updateMask=title,author.born", body).unwrap();
    assert_eq!(said["updateMask"], "title,author.born");
}
