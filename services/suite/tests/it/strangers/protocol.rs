//! What is not a call at all, or almost one.

use prost::Message as _;
use roster_proto::identity::v1::{CreateUserRequest, GetUserRequest, ListUsersRequest};
use tonic::{Code, transport::Channel};

use super::{
    contract, open_world,
    wire::{assert_no_defect, connect, exchange, framed, head, reason},
};
use crate::world::{World, person};

const LIST: &str = "/roster.identity.v1.UserAdminService/ListUsers";

struct Line {
    channel: Channel,
    bearer: String,
}

impl Line {
    async fn new(world: &World) -> Self {
        let bearer = format!("Bearer {}", world.admin.token());
        Self { channel: connect(world).await, bearer }
    }

    fn head(&self, path: &str) -> http::request::Builder {
        head(path).header("authorization", &self.bearer)
    }

    async fn send(&self, head: http::request::Builder, body: Vec<u8>) -> (Code, String) {
        let (status, _) = exchange(&self.channel, head, body).await;
        (status.code(), reason(&status))
    }
}

fn list() -> Vec<u8> {
    framed(&ListUsersRequest::default().encode_to_vec())
}

fn because(code: Code, reason: &str) -> (Code, String) {
    (code, reason.to_owned())
}

/// Paths that some program somewhere takes for `path`.
fn misspelled(path: &str) -> Vec<String> {
    let (service, method) = path[1..].split_once('/').unwrap();
    let (lower, upper) = (service.to_lowercase(), path.to_uppercase());
    let (initial, rest) = method.split_at(1);
    let escaped = format!("%{:02X}", initial.as_bytes()[0]);
    vec![
        upper,
        format!("/{path}"),
        format!("{path}/"),
        format!("{path}?x"),
        format!("{path}?"),
        format!("{path};x=1"),
        format!("{path}%20"),
        format!("{path}%00"),
        format!("/{service}//{method}"),
        format!("/{service}%2F{method}"),
        format!("/{service}%2f{method}"),
        format!("/%2F{service}/{method}"),
        format!("/{service}/{escaped}{rest}"),
        format!("/{service}/{}{rest}", initial.to_lowercase()),
        format!("/{service}/{method}x"),
        format!("/{service}/Nothing"),
        format!("/{service}"),
        format!("/{service}/"),
        format!("/{lower}/{method}"),
        format!("/{}/{method}", service.replace(".v1.", ".v2.")),
        format!("/{}/{method}", service.replace('.', "/")),
        format!("/./{service}/{method}"),
        format!("/x/../{service}/{method}"),
        format!("/roster.identity.v1.AccountService/GetSettings/..{path}"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_exact_path_is_the_method() {
    let world = open_world().await;
    let line = Line::new(&world).await;
    assert_eq!(line.send(line.head(LIST), list()).await, because(Code::Ok, ""));
    for path in misspelled(LIST).into_iter().chain(["/api/admin/users".to_owned(), "/".to_owned()])
    {
        let answer = line.send(line.head(&path), list()).await;
        assert_eq!(answer, because(Code::Unimplemented, "METHOD_UNKNOWN"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_the_path_reaches_an_internal_method() {
    let world = open_world().await;
    let line = Line::new(&world).await;
    for method in contract::internal_methods() {
        for path in misspelled(&contract::path(&method)) {
            let answer = line.send(line.head(&path), framed(&[])).await;
            assert_eq!(answer, because(Code::Unimplemented, "METHOD_UNKNOWN"), "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_post_of_the_grpc_content_type_is_a_call() {
    let world = open_world().await;
    let line = Line::new(&world).await;
    let protocol = because(Code::InvalidArgument, "PROTOCOL");
    for verb in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"] {
        let answer = line.send(line.head(LIST).method(verb), list()).await;
        assert_eq!(answer, protocol, "{verb}");
    }
    for content_type in [
        "",
        "text/plain",
        "application/json",
        "application/x-www-form-urlencoded",
        "application/grpc+json",
        "application/grpcx",
        "application/grpc, text/plain",
        "multipart/form-data; boundary=application/grpc",
    ] {
        let head = http::Request::post(LIST)
            .header("authorization", &line.bearer)
            .header("content-type", content_type);
        assert_eq!(line.send(head, list()).await, protocol, "{content_type:?}");
    }
    let without = http::Request::post(LIST).header("authorization", &line.bearer);
    assert_eq!(line.send(without, list()).await, protocol, "no content type");
    let twice = line.head(LIST).header("content-type", "text/plain");
    assert_eq!(line.send(twice, list()).await, protocol, "two content types");
}

/// Bodies that hold no message of any method.
fn rubbish() -> Vec<(&'static str, Vec<u8>)> {
    let list = list();
    vec![
        ("nothing", Vec::new()),
        ("half a prefix", vec![0, 0]),
        ("a prefix and no message", vec![0, 0, 0, 0, 9]),
        ("half a message", framed(&[0x0a, 0x05, b'a', b'b', b'c', b'd', b'e'])[..9].to_vec()),
        ("a message without end", framed(&[0x0a, 0x7f, b'a'])),
        ("no field number", framed(&[0x00, 0x00])),
        ("a wire type that does not exist", framed(&[0x0f])),
        ("a number of eleven bytes", framed(&[0xff; 11])),
        ("a text that is not UTF-8", framed(&[0x0a, 0x02, 0xc3, 0x28])),
        ("a group that never ends", framed(&[0x0b; 300])),
        ("HTML", framed(b"<html><body>hello</body></html>")),
        ("JSON", framed(br#"{"userId": "x"}"#)),
        ("a compressed message that is not announced", [&[1_u8][..], &list[1..]].concat()),
        ("a flag that does not exist", [&[7_u8][..], &list[1..]].concat()),
        ("a length that is a lie", vec![0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]),
        ("no prefix", b"hello, world".to_vec()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn rubbish_is_refused_and_never_a_defect() {
    let world = open_world().await;
    let line = Line::new(&world).await;
    let mut refused = 0;
    for method in contract::public_methods() {
        let path = contract::path(&method);
        for (what, body) in rubbish() {
            let (status, _) = exchange(&line.channel, line.head(&path), body).await;
            assert_no_defect(&status, &format!("{what} for {path}"));
            // A message without fields takes what it does not know for
            // fields of another version.
            if status.code() != Code::Ok {
                assert_ne!(reason(&status), "", "{what} for {path}: {status:?}");
                refused += 1;
            }
        }
        // Nobody gets to see how a method takes rubbish.
        if contract::level(&method) != contract::Level::Public {
            let (status, _) =
                exchange(&line.channel, head(&path), b"\0\0\0\0\x01\x0f".to_vec()).await;
            assert_eq!(status.code(), Code::Unauthenticated, "{path}");
        }
    }
    assert!(refused > 400, "only {refused} of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_message_is_an_invalid_argument() {
    let world = open_world().await;
    let line = Line::new(&world).await;
    let get = "/roster.identity.v1.UserAdminService/GetUser";
    let malformed = because(Code::InvalidArgument, "MALFORMED_REQUEST");
    for body in
        [Vec::new(), framed(&[0x0f]), framed(&[0x0a, 0x02, 0xc3, 0x28]), vec![0, 0, 0, 0, 9]]
    {
        assert_eq!(line.send(line.head(get), body.clone()).await, malformed, "{body:?}");
    }
    // Health and reflection speak the same protocol, and no better of us.
    for path in [
        "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ] {
        let (status, _) = exchange(&line.channel, head(path), framed(&[0x0f])).await;
        assert_no_defect(&status, &path);
    }
    // A field of a later version is none of this one's business.
    let id = GetUserRequest { user_id: world.admin.user_id.clone() }.encode_to_vec();
    let newer = [&id[..], &[0xa2, 0x06, 0x01, b'x']].concat();
    assert_eq!(line.send(line.head(get), framed(&newer)).await, because(Code::Ok, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compression_that_nobody_speaks_is_refused_with_what_is_spoken() {
    let world = open_world().await;
    let line = Line::new(&world).await;
    for encoding in ["gzip", "zstd", "rubbish"] {
        let head = line.head(LIST).header("grpc-encoding", encoding);
        let (status, _) = exchange(&line.channel, head, list()).await;
        let refused = (status.code(), reason(&status));
        assert_eq!(refused, because(Code::Unimplemented, "COMPRESSION_UNSUPPORTED"), "{encoding}");
        let spoken = status.metadata().get("grpc-accept-encoding");
        assert_eq!(spoken.unwrap(), "identity", "{encoding}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_beyond_the_limit_is_refused_for_its_size() {
    let world = open_world().await;
    let line = Line::new(&world).await;
    let limit = world.config.gateway.max_message_bytes;
    let create = "/roster.identity.v1.UserAdminService/CreateUser";
    let sized = |bytes: usize| {
        let request = CreateUserRequest { display_name: "x".repeat(bytes), ..person() };
        framed(&request.encode_to_vec())
    };
    // Large, but within the limit: it is the name that is too long.
    let answer = line.send(line.head(create), sized(limit - 1_024)).await;
    assert_eq!(answer, because(Code::InvalidArgument, "INVALID_ARGUMENT"));
    for bytes in [limit + 1, 4 * limit, 5 * 1024 * 1024] {
        let answer = line.send(line.head(create), sized(bytes)).await;
        assert_eq!(answer, because(Code::ResourceExhausted, "MESSAGE_TOO_LARGE"), "{bytes}");
    }
    // The line still works.
    assert_eq!(line.send(line.head(LIST), list()).await, because(Code::Ok, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_token_that_was_not_given_out_is_refused() {
    let world = open_world().await;
    let line = Line::new(&world).await;
    let own = world.admin.users();
    for username in ["one", "two", "three"] {
        world.create_user(username).await;
    }
    let page = ListUsersRequest { page_size: 2, ..ListUsersRequest::default() };
    let given = own.clone().list_users(page).await.unwrap().into_inner().next_page_token;
    assert!(!given.is_empty());
    let mut flipped = given.clone().into_bytes();
    flipped[3] = if flipped[3] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    let tokens = ["x".to_owned(), "x".repeat(1_024), "x".repeat(500_000), "\u{1F600}".repeat(200)];
    let cut = [given[1..].to_owned(), given[..given.len() - 1].to_owned(), format!("{given}A")];
    for page_token in tokens.into_iter().chain(cut).chain([flipped]) {
        let shown: String = page_token.chars().take(40).collect();
        let request = ListUsersRequest { page_token, page_size: 2, ..Default::default() };
        let body = framed(&request.encode_to_vec());
        let answer = line.send(line.head(LIST), body).await;
        assert_eq!(answer, because(Code::InvalidArgument, "INVALID_ARGUMENT"), "{shown}");
    }
    // A token of one query is none of another.
    let other = ListUsersRequest {
        page_token: given,
        page_size: 2,
        is_admin: Some(true),
        ..ListUsersRequest::default()
    };
    let answer = line.send(line.head(LIST), framed(&other.encode_to_vec())).await;
    assert_eq!(answer, because(Code::InvalidArgument, "INVALID_ARGUMENT"));
}
