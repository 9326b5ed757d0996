//! Whatever path and verb somebody thinks of: what reaches a service is a method
//! that the caller may call, found by its rule, and nothing else.

use std::collections::BTreeMap;

use axum::body::Body;
use http::{Method, StatusCode, Version};
use prost_reflect::DescriptorPool;
use roster_gateway::GatewayConfig;
use roster_proto::FILE_DESCRIPTOR_SET;
use roster_server::{AccessTable, Level};

use crate::edge::Edge;

/// Paths that something is at: with and without a verb behind the colon, for
/// everybody, users and administrators.
const KNOWN: [&str; 8] = [
    "/api/config",
    "/api/auth/login",
    "/api/auth/me",
    "/api/user/profile",
    "/api/admin/users",
    "/api/admin/users/u",
    "/api/admin/users/u:disable",
    "/api/admin/sessions:revoke",
];

/// Paths of gRPC, one of them of a method for services alone.
const GRPC: [&str; 3] = [
    "/roster.identity.v1.UserAdminService/ListUsers",
    "/roster.identity.v1.CredentialService/VerifyPassword",
    "/roster.session.v1.AuthenticationService/Authenticate",
];

const VERBS: [&str; 12] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "LINK",
    "M-SEARCH",
];

/// Other ways of writing a path, some of which somebody on the way may take for it.
fn spellings(path: &str) -> Vec<String> {
    let inner = &path[1..];
    let percent =
        |text: &str| text.bytes().map(|b| format!("%{b:02x}")).collect::<Vec<_>>().concat();
    let mut all = vec![
        path.to_owned(),
        format!("/{path}"),
        format!("//{path}"),
        format!("{path}/"),
        format!("{path}//"),
        format!("{path}/."),
        format!("{path}/.."),
        format!("{path}/../x"),
        format!("/./{inner}"),
        format!("/../{inner}"),
        format!("/x/../{inner}"),
        format!("/x/..%2f{inner}"),
        format!("/x/%2e%2e/{inner}"),
        format!("/x/%2e%2e%2f{inner}"),
        format!("/x/..;/{inner}"),
        format!("/%2e/{inner}"),
        format!("/{inner};a=b"),
        format!("/{inner}%00"),
        format!("/{inner}%20"),
        format!("/{inner}%09"),
        format!("/{inner}%0d%0aHost:x"),
        format!("/{inner}%23"),
        format!("/{inner}%3f"),
        format!("/{inner}?a=b"),
        format!("/{inner}:"),
        format!("/{inner}%3a"),
        format!("/{inner}.json"),
        format!("/{inner}~"),
        format!("/{inner}%ff"),
        format!("/{inner}%c0%af"),
        format!("/{inner}%"),
        format!("/{inner}%zz"),
        path.to_uppercase(),
        path.replace('/', "//"),
        format!("/{}", inner.replace('/', "%2f")),
        format!("/{}", inner.replace('/', "%2F")),
        format!("/{}", inner.replace('/', "%252f")),
        format!("/{}", inner.replace('/', "\\")),
        format!("/{}", inner.replace('/', "%5c")),
        format!("/{}", inner.replace('/', "/./")),
        format!("/{}", percent(inner)),
        path.replace(':', "%3a"),
        path.replace(':', "/"),
        path.replace("admin", "%61dmin"),
        path.replace("admin", "Admin"),
        path.replace("admin", "user/../admin"),
        path.replace("api", "API"),
        path.replace("api", "api/v1"),
        format!("http://internal{path}"),
    ];
    all.sort();
    all.dedup();
    all
}

/// Who may call what, by path of gRPC.
fn levels() -> BTreeMap<String, Level> {
    let access = AccessTable::new(FILE_DESCRIPTOR_SET).unwrap();
    access.iter().map(|(path, rule)| (path.to_owned(), rule.level)).collect()
}

#[tokio::test]
async fn no_path_and_no_verb_leads_around_the_access_rules() {
    let edge = Edge::new(&GatewayConfig::default()).await;
    let levels = levels();
    let (mut tried, mut reached) = (0_usize, Vec::new());
    for path in KNOWN.iter().chain(&GRPC).flat_map(|path| spellings(path)) {
        for verb in VERBS {
            for caller in [None, Some("user"), Some("admin")] {
                let request = http::Request::builder()
                    .method(verb)
                    .uri(&path)
                    .version(Version::HTTP_2)
                    .header("content-type", "application/json");
                let request = match caller {
                    Some(token) => request.header("authorization", format!("Bearer {token}")),
                    None => request,
                };
                // What cannot even be written as an address is not sent.
                let Ok(request) = request.body(Body::from("{}")) else { continue };
                tried += 1;
                edge.send(request).await;
                for seen in edge.seen() {
                    let level = levels[&seen.path];
                    let allowed = match level {
                        Level::Public => true,
                        Level::User => caller.is_some(),
                        Level::Admin => caller == Some("admin"),
                        Level::Internal => false,
                    };
                    assert!(allowed, "{verb} {path} by {caller:?} reached {}", seen.path);
                    reached.push((caller, level));
                }
            }
        }
    }
    assert!(tried > 10_000, "{tried}");
    // It is no wall without a door.
    for expected in
        [(None, Level::Public), (Some("user"), Level::User), (Some("admin"), Level::Admin)]
    {
        assert!(reached.contains(&expected), "{expected:?}");
    }
}

#[tokio::test]
async fn every_rule_holds_the_access_rule_of_its_method() {
    let edge = Edge::new(&GatewayConfig::default()).await;
    let levels = levels();
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
    let mut tested = 0;
    for (method, verb, template) in rules(&pool) {
        let level = levels[&method];
        for (caller, may) in [
            (None, level == Level::Public),
            (Some("stale"), level == Level::Public),
            (Some("user"), matches!(level, Level::Public | Level::User)),
            (Some("admin"), true),
        ] {
            let mut request = http::Request::builder()
                .method(verb.clone())
                .uri(template.replace(['{', '}'], ""))
                .version(Version::HTTP_2);
            if let Some(token) = caller {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            let answer = edge.send(request.body(Body::empty()).unwrap()).await;
            let expected = match (caller, may) {
                (_, true) => StatusCode::OK,
                (None | Some("stale"), false) => StatusCode::UNAUTHORIZED,
                (Some(_), false) => StatusCode::FORBIDDEN,
            };
            // Streams without an end are answered, and not waited for.
            assert_eq!(answer.status(), expected, "{verb} {template} by {caller:?}");
            let seen = edge.seen();
            assert_eq!(seen.iter().map(|it| &it.path).eq([&method]), may, "{verb} {template}");
            tested += 1;
        }
    }
    assert!(tested > 200, "{tested}");
}

/// The path in gRPC, the verb and the template of each rule.
fn rules(pool: &DescriptorPool) -> Vec<(String, Method, String)> {
    let option = pool.get_extension_by_name("google.api.http").unwrap();
    let mut rules = Vec::new();
    for service in pool.services() {
        for method in service.methods().filter(|it| it.options().has_extension(&option)) {
            let options = method.options();
            let rule = options.get_extension(&option);
            let rule = rule.as_message().unwrap();
            let more = rule.get_field_by_name("additional_bindings").unwrap();
            let more = more.as_list().unwrap().iter().map(|it| it.as_message().unwrap());
            for rule in [rule].into_iter().chain(more) {
                let verbs = ["get", "put", "post", "delete", "patch"];
                let verb = verbs.into_iter().find(|it| rule.has_field_by_name(it)).unwrap();
                let path = rule.get_field_by_name(verb).unwrap().as_str().unwrap().to_owned();
                let verb = Method::from_bytes(verb.to_uppercase().as_bytes()).unwrap();
                let name = format!("/{}/{}", service.full_name(), method.name());
                rules.push((name, verb, path));
            }
        }
    }
    rules
}
