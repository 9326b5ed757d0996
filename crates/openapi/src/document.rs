//! The document.

use http::Method as Verb;
use serde_json::{Map, Value as Json, json};

use crate::{
    access::Level,
    api::{Api, Method},
    failure::{self, Failure, HEAD_TOO_LARGE},
    operation::{Operation, Parameter},
    schema::reference,
};

/// The version of OpenAPI.
const VERSION: &str = "3.1.1";

/// The names of the ways in.
const BEARER: &str = "bearerAuth";
const COOKIE: &str = "cookieAuth";

/// The methods of HTTP that a path item has places for.
const VERBS: [Verb; 8] = [
    Verb::GET,
    Verb::PUT,
    Verb::POST,
    Verb::DELETE,
    Verb::OPTIONS,
    Verb::HEAD,
    Verb::PATCH,
    Verb::TRACE,
];

/// Where those go that it has no place for.
const OTHERS: &str = "x-additional-operations";

impl Api<'_> {
    /// The OpenAPI document.
    #[must_use]
    pub fn document(&self) -> Json {
        let about = &self.about;
        let tags: Vec<_> = self
            .services
            .iter()
            .map(|it| json!({ "name": it.name, "description": it.description }))
            .collect();
        json!({
            "openapi": VERSION,
            "info": {
                "title": about.title,
                "version": about.version,
                "description": about.description,
            },
            // Wherever the document comes from.
            "servers": [{ "url": "/" }],
            "tags": tags,
            "paths": self.paths(),
            "components": {
                "schemas": self.schemas(),
                "responses": self.responses(),
                "headers": headers(),
                "securitySchemes": {
                    BEARER: {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "The token of a session, or a machine token.",
                    },
                    COOKIE: {
                        "type": "apiKey",
                        "in": "cookie",
                        "name": about.cookie,
                        "description": "The session of a browser, which signing in opens.",
                    },
                },
            },
        })
    }

    fn paths(&self) -> Map<String, Json> {
        let mut paths = Map::new();
        for (service, method, operation) in self.operations() {
            let described = describe(&service.name, method, operation);
            let item = paths.entry(&operation.path).or_insert_with(|| json!({}));
            if VERBS.contains(&operation.verb) {
                item[operation.verb.as_str().to_lowercase()] = described;
            } else {
                item[OTHERS][operation.verb.as_str()] = described;
            }
        }
        paths
    }

    /// What is said of any call that fails.
    fn responses(&self) -> Map<String, Json> {
        let failures = self.operations().flat_map(|(_, _, operation)| &operation.failures);
        failures.filter(|it| it.is_general).map(|it| (it.name(), response(it))).collect()
    }

    fn schemas(&self) -> Map<String, Json> {
        let named = self.schemas.named().iter().map(|(name, it)| (name.clone(), it.json()));
        named.chain([(failure::SCHEMA.to_owned(), failure::schema())]).collect()
    }
}

fn describe(tag: &str, method: &Method, operation: &Operation) -> Json {
    let security = match method.level {
        Level::Public => json!([]),
        Level::User | Level::Admin => json!([{ BEARER: [] }, { COOKIE: [] }]),
    };
    let mut described = json!({
        "operationId": operation.id,
        "tags": [tag],
        "summary": method.summary,
        "description": method.description,
        "security": security,
        "x-roster-access": method.level.name(),
        "parameters": operation.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "responses": responses(method, operation),
    });
    if let Some(body) = &operation.body {
        described["requestBody"] = json!({
            "required": body.is_required,
            "content": { "application/json": { "schema": body.schema } },
        });
    }
    described
}

fn parameter(of: &Parameter) -> Json {
    let mut described = json!({
        "name": of.name,
        "in": of.place,
        "required": of.is_required,
        "schema": of.schema,
    });
    if !of.description.is_empty() {
        described["description"] = json!(of.description);
    }
    described
}

fn responses(method: &Method, operation: &Operation) -> Map<String, Json> {
    let mut responses = Map::new();
    responses.insert("200".to_owned(), answer(method));
    for failed in &operation.failures {
        let response = if failed.is_general {
            json!({ "$ref": format!("#/components/responses/{}", failed.name()) })
        } else {
            response(failed)
        };
        responses.insert(failed.status.to_string(), response);
    }
    responses
}

fn response(failed: &Failure) -> Json {
    if failed.status == HEAD_TOO_LARGE {
        return json!({ "description": failed.description });
    }
    let mut headers = json!({ "X-Request-Id": header("X-Request-Id") });
    if matches!(failed.status, 429 | 503) {
        headers["Retry-After"] = header("Retry-After");
    }
    if failed.status == 401 {
        headers["WWW-Authenticate"] = header("WWW-Authenticate");
    }
    json!({
        "description": failed.description,
        "headers": headers,
        "content": { "application/json": { "schema": reference(failure::SCHEMA) } },
    })
}

fn answer(method: &Method) -> Json {
    let mut headers = json!({ "X-Request-Id": header("X-Request-Id") });
    if method.has_etag && !method.is_stream {
        headers["ETag"] = header("ETag");
    }
    let content = if method.is_stream {
        let lines = |what| {
            json!({
                "schema": { "type": "string", "description": what },
                "x-item-schema": method.answer,
            })
        };
        json!({
            "application/x-ndjson": lines("Lines, each with one such object"),
            "text/event-stream": lines("Events, each with one such object as its data"),
        })
    } else {
        json!({ "application/json": { "schema": method.answer } })
    };
    json!({ "description": "It is done.", "headers": headers, "content": content })
}

fn header(name: &str) -> Json {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

/// The headers of answers.
fn headers() -> Json {
    json!({
        "X-Request-Id": {
            "description": "The name of the call in logs and in the audit trail: the one that \
                it was sent with, or a new one.",
            "required": true,
            "schema": { "type": "string", "minLength": 1 },
        },
        "ETag": {
            "description": "The `etag` of what is answered, in quotes: for `If-Match`.",
            "schema": { "type": "string", "pattern": "^\".*\"$" },
        },
        "WWW-Authenticate": {
            "description": "That a bearer token is what lets a caller in.",
            "schema": { "type": "string", "const": "Bearer" },
        },
        "Retry-After": {
            "description": "In how many seconds there is a point in trying again.",
            "schema": { "type": "integer", "minimum": 0 },
        },
    })
}
