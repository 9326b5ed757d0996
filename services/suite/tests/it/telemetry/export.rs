//! What a collector gets of a real process, and what becomes of the process
//! without one.

use std::{
    net::TcpListener,
    process::Command,
    time::{Duration, Instant},
};

use opentelemetry_proto::tonic::trace::v1::Span;
use roster_proto::{
    identity::v1::{CreateUserRequest, DeleteUserRequest, ListUsersRequest},
    persona::v1::{CreatePersonaRequest, Persona},
    session::v1::LoginRequest,
};
use tempfile::{TempDir, tempdir};
use tonic::{Request, metadata::MetadataValue};

use super::collector::{Collector, attributes};
use crate::{
    binary::{Ended, Roster, command},
    client::Client,
    world::{PASSWORD, person},
};

/// The header that reaches the collector, and nobody else.
const HEADERS: &str = "authorization=Bearer collectors-canary";

fn exporting(folder: &TempDir, endpoint: &str) -> Command {
    let mut command = command(folder.path());
    command
        .env("ADMIN_PASSWORD", PASSWORD)
        .env("ROSTER__LOG__FORMAT", "json")
        .env("ROSTER__LOG__FILTER", "info,roster_server::trace=debug")
        .env("ROSTER__TELEMETRY__OTLP_ENDPOINT", endpoint)
        .env("ROSTER__TELEMETRY__OTLP_HEADERS", HEADERS)
        .env("ROSTER__TELEMETRY__INSTANCE_ID", "roster-1")
        .env("OTEL_METRIC_EXPORT_INTERVAL", "200")
        .env("OTEL_BSP_SCHEDULE_DELAY", "100")
        .env("OTEL_BLRP_SCHEDULE_DELAY", "100");
    command
}

async fn sign_in(nobody: &Client, username: &str) -> Client {
    let request = LoginRequest {
        username: username.to_owned(),
        password: PASSWORD.to_owned(),
        ..LoginRequest::default()
    };
    let answer = nobody.sessions().login(request).await.unwrap().into_inner();
    nobody.with_token(&answer.token, &answer.session.unwrap().user_id)
}

/// A call that belongs to the client's own trace number `trace`.
fn traced<T>(trace: u8, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let parent = format!("00-{}-{}-01", format!("{trace:02x}").repeat(16), "b7ad6b7169203331");
    request.metadata_mut().insert("traceparent", MetadataValue::try_from(parent).unwrap());
    request
}

fn trace_id(trace: u8) -> Vec<u8> {
    vec![trace; 16]
}

fn named<'a>(spans: &[&'a Span], name: &str) -> &'a Span {
    let names: Vec<_> = spans.iter().map(|span| &span.name).collect();
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name}: {names:?}"))
}

/// Whether `span` is somewhere below `above`.
fn is_below(span: &Span, above: &Span, spans: &[&Span]) -> bool {
    let parent = spans.iter().find(|it| it.span_id == span.parent_span_id);
    parent.is_some_and(|parent| parent.span_id == above.span_id || is_below(parent, above, spans))
}

const LIST: &str = "/roster.identity.v1.UserAdminService/ListUsers";
const DELETE: &str = "/roster.identity.v1.UserAdminService/DeleteUser";
const AUTHENTICATE: &str = "/roster.session.v1.AuthenticationService/Authenticate";
const COUNT: &str = "/roster.subject.v1.SubjectDataService/CountSubjectData";
const ERASE: &str = "consume roster.event.v1.UserDeleted";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_gets_traces_metrics_and_logs_that_belong_together() {
    let (folder, collector) = (tempdir().unwrap(), Collector::start());
    let mut roster = Roster::start(exporting(&folder, &collector.endpoint()));
    let nobody = roster.connect().await;
    let admin = sign_in(&nobody, "admin").await;
    admin.users().list_users(traced(1, ListUsersRequest::default())).await.unwrap();
    let request = CreateUserRequest { username: "leaving".to_owned(), ..person() };
    admin.users().create_user(request).await.unwrap();
    let leaving = sign_in(&nobody, "leaving").await;
    let persona = Persona { name: Some("One".to_owned()), ..Persona::default() };
    let request = CreatePersonaRequest { persona: Some(persona), ..Default::default() };
    leaving.personas().create_persona(request).await.unwrap();
    let request = DeleteUserRequest { user_id: leaving.user_id, ..Default::default() };
    admin.users().delete_user(traced(2, request)).await.unwrap();
    let erased = |spans: Vec<&Span>| spans.iter().filter(|it| it.name == ERASE).count() == 2;
    collector.until("both erasures", |received| erased(received.trace(&trace_id(2)))).await;
    let ended = roster.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);

    a_call_is_one_trace(&collector);
    a_deletion_is_one_trace_into_the_erasures(&collector);
    logs_lead_to_their_trace(&collector, &ended);
    metrics_arrive(&collector);
    exports_say_who_sends_and_tell_nothing_else(&collector, &ended);
    collector.end();
}

fn a_call_is_one_trace(collector: &Collector) {
    collector.with(|received| {
        let spans = received.trace(&trace_id(1));
        let calls: Vec<_> = spans.iter().filter(|span| span.name == LIST).collect();
        assert_eq!(calls.len(), 2, "at the edge and at the service");
        let edge = calls.iter().find(|it| it.parent_span_id == b"\xb7\xad\x6b\x71\x69\x20\x33\x31");
        let edge = edge.expect("the edge continues the client's span");
        let of_edge = attributes(&edge.attributes);
        assert_eq!(of_edge["rpc.service"], "roster.identity.v1.UserAdminService");
        assert_eq!(of_edge["rpc.method"], "ListUsers");
        assert_eq!(of_edge["rpc.grpc.status_code"], "0");
        assert!(is_below(named(&spans, AUTHENTICATE), edge, &spans));
        let service = calls.iter().find(|it| is_below(it, edge, &spans)).unwrap();
        let counts: Vec<_> = spans.iter().filter(|span| span.name == COUNT).collect();
        assert_eq!(counts.len(), 2, "the session and the persona service are asked");
        assert!(counts.iter().all(|count| is_below(count, service, &spans)));
    });
}

fn a_deletion_is_one_trace_into_the_erasures(collector: &Collector) {
    collector.with(|received| {
        let spans = received.trace(&trace_id(2));
        let edge = named(&spans, DELETE);
        let commits: Vec<_> = spans.iter().filter(|span| span.name == "COMMIT").collect();
        let erasures: Vec<_> = spans.iter().filter(|span| span.name == ERASE).collect();
        let consumers: Vec<_> =
            erasures.iter().map(|it| attributes(&it.attributes)["consumer"].clone()).collect();
        assert!(["persona", "session"].iter().all(|it| consumers.contains(&(*it).to_owned())));
        let root = spans.iter().find(|it| it.parent_span_id == b"\xb7\xad\x6b\x71\x69\x20\x33\x31");
        let root = root.expect("the edge continues the client's span");
        assert_eq!(root.name, edge.name);
        for erasure in erasures {
            assert!(is_below(erasure, root, &spans), "through the outbox");
            assert!(commits.iter().any(|commit| is_below(commit, erasure, &spans)));
        }
    });
}

fn logs_lead_to_their_trace(collector: &Collector, ended: &Ended) {
    collector.with(|received| {
        let spans = received.trace(&trace_id(1));
        let of_trace: Vec<_> =
            received.logs.iter().filter(|it| it.trace_id == trace_id(1)).collect();
        // The edge's line about the call, and what its services say of theirs.
        for severity in ["INFO", "DEBUG"] {
            assert!(of_trace.iter().any(|it| it.severity_text == severity), "{severity}");
        }
        for record in of_trace {
            assert!(spans.iter().any(|span| span.span_id == record.span_id));
        }
    });
    let id = "01".repeat(16);
    let lines = ended.stderr.lines().map(|it| serde_json::from_str(it).unwrap());
    let of_trace: Vec<serde_json::Value> =
        lines.filter(|line: &serde_json::Value| line["span"]["trace_id"] == id).collect();
    assert!(!of_trace.is_empty(), "{}", ended.stderr);
    let request_id = &of_trace[0]["span"]["request.id"];
    assert!(of_trace.iter().all(|line| line["span"]["request.id"] == *request_id));
    assert!(request_id.as_str().is_some_and(|it| it.len() == 36), "{request_id}");
}

fn metrics_arrive(collector: &Collector) {
    collector.with(|received| {
        for (name, unit) in [
            ("rpc.server.call.duration", "s"),
            ("db.client.operation.duration", "s"),
            ("roster.hash.duration", "s"),
            ("roster.login.attempts", "{attempt}"),
            ("roster.outbox.oldest.age", "s"),
            ("roster.orphans", "{row}"),
            ("process.memory.usage", "By"),
        ] {
            let metric = received.metrics.iter().find(|it| it.name == name);
            assert_eq!(metric.unwrap_or_else(|| panic!("no {name}")).unit, unit);
        }
    });
}

fn exports_say_who_sends_and_tell_nothing_else(collector: &Collector, ended: &Ended) {
    collector.with(|received| {
        for resource in &received.resources {
            let resource = attributes(&resource.attributes);
            assert_eq!(resource["service.name"], "roster");
            assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
            assert_eq!(resource["service.instance.id"], "roster-1");
        }
        assert!(received.authorizations.iter().all(|it| it == "Bearer collectors-canary"));
        // The exporter speaks gRPC, too: of that there is nothing.
        let exports = |name: &str| name.contains("opentelemetry") || name.contains("Export");
        assert!(!received.spans.iter().any(|span| exports(&span.name)));
        let all = format!("{:?} {:?}", received.spans, received.logs);
        for secret in ["canary", PASSWORD, "rst_"] {
            assert!(!all.contains(secret) && !ended.stderr.contains(secret), "{secret}");
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_hangs_when_the_collector_is_gone() {
    let (folder, collector) = (tempdir().unwrap(), Collector::start());
    let mut roster = Roster::start(exporting(&folder, &collector.endpoint()));
    let admin = sign_in(&roster.connect().await, "admin").await;
    collector.until("a span", |received| !received.spans.is_empty()).await;
    collector.end();
    calls_are_answered(&admin).await;
    ends_in_time(roster);
}

/// Worse than a collector that is gone: one that takes connections, and says
/// nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_hangs_when_the_collector_says_nothing() {
    let (folder, deaf) = (tempdir().unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let endpoint = format!("http://{}", deaf.local_addr().unwrap());
    let mut roster = Roster::start(exporting(&folder, &endpoint));
    let admin = sign_in(&roster.connect().await, "admin").await;
    calls_are_answered(&admin).await;
    ends_in_time(roster);
}

/// More calls than the queues of the exporters hold.
async fn calls_are_answered(admin: &Client) {
    let begun = Instant::now();
    for _ in 0..600 {
        assert!(admin.is_signed_in().await);
    }
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

fn ends_in_time(mut roster: Roster) {
    let begun = Instant::now();
    let ended = roster.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    // A failing export is told of, and not at every attempt.
    let told = ended.stderr.lines().filter(|it| it.contains("\"opentelemetry")).count();
    assert!((1..=3).contains(&told), "{told}: {}", ended.stderr);
}
