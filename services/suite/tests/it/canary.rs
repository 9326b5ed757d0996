//! No secret comes out: not in a log at the finest level, not in what a
//! collector is sent, not in an answer that is an error, and in no file but the
//! one that it is kept in. Every secret here is a word of its own, given wherever the contracts have a place
//! for one, in calls that succeed, fail, and make no sense.

use std::{fs, path::Path, process::Command};

use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use roster_proto::identity::v1::{
    GetProfileRequest, ListUsersRequest, MachineTokenScope, RevokeMachineTokenRequest,
    UpdateUserRequest,
};
use tempfile::tempdir;
use tonic::Status;

use crate::{
    binary::{Ended, Roster, command},
    client::Client,
    process::{sign_in, user, with},
    strangers::{contract, wire},
    telemetry::collector::Collector,
};

/// What every word begins with.
const CANARY: &str = "Canary";

/// The secrets that have been let out.
struct Canaries {
    drawn: Vec<String>,
    /// Errors that were answered, as a client sees them.
    errors: Vec<String>,
}

impl Canaries {
    fn draw(&mut self) -> String {
        let word = format!("{CANARY}{:04}{:x}", self.drawn.len(), 0x00c0_ffee + self.drawn.len());
        self.drawn.push(word.clone());
        word
    }

    /// Notes what came back: the secrets of an answer, or an error.
    fn note(&mut self, method: &MessageDescriptor, answer: Result<bytes::Bytes, Status>) {
        match answer {
            Ok(bytes) => {
                let message = DynamicMessage::decode(method.clone(), bytes).unwrap();
                let held = message.fields().filter(|(field, _)| is_secret(field));
                let secrets = held.filter_map(|(_, value)| value.as_str().map(str::to_owned));
                self.drawn.extend(secrets.filter(|secret| !secret.is_empty()));
            }
            Err(status) => {
                let details = String::from_utf8_lossy(status.details()).into_owned();
                self.errors.push(format!("{status:?} {details}"));
            }
        }
    }
}

fn is_secret(field: &FieldDescriptor) -> bool {
    let name = field.name();
    let last = name.rsplit('_').next().unwrap();
    field.kind() == Kind::String && (["password", "secret"].contains(&last) || name == "token")
}

/// A request with secrets in their places, and all else as it should be, as
/// far as the names of fields say how that is.
fn request(input: &MessageDescriptor, someone: &str, canaries: &mut Canaries) -> DynamicMessage {
    let mut message = DynamicMessage::new(input.clone());
    for field in input.fields() {
        let drawn = canaries.drawn.len();
        let value = match field.name() {
            _ if is_secret(&field) => canaries.draw(),
            "username" => format!("user-{drawn}"),
            "display_name" => "Somebody".to_owned(),
            "user_id" => someone.to_owned(),
            "provider" => format!("provider-{drawn}"),
            "name" => "Main".to_owned(),
            "scope" => {
                message.set_field(&field, Value::EnumNumber(MachineTokenScope::Admin.into()));
                continue;
            }
            _ => continue,
        };
        message.set_field(&field, Value::String(value));
    }
    message
}

/// Every method with a place for a secret, by everybody, in every state of
/// disorder.
async fn every_method(admin: &Client, someone: &str, canaries: &mut Canaries) {
    let forged = admin.with_token(&format!("rst_{}", canaries.draw()), "");
    let forged_machine = admin.with_token(&format!("rmt_{}", canaries.draw()), "");
    let garbled = admin.with_token(&canaries.draw(), "");
    let nobody = Client::new(admin.channel());
    let mut methods = 0;
    for method in contract::methods() {
        let input = method.input();
        methods += usize::from(input.fields().any(|field| is_secret(&field)));
        for client in [admin, &nobody, &forged, &forged_machine, &garbled] {
            let whole = request(&input, someone, canaries).encode_to_vec();
            let mut cut = request(&input, someone, canaries).encode_to_vec();
            cut.pop();
            // Each byte is fine; together they are no text.
            let mut broken = request(&input, someone, canaries).encode_to_vec();
            broken.iter_mut().rev().take(2).for_each(|byte| *byte = 0xff);
            for bytes in [whole, cut, broken] {
                let answer = wire::call(client, &method, bytes.into()).await;
                canaries.note(&method.output(), answer);
            }
        }
    }
    assert!(methods >= 11, "{methods} methods take a secret");
    let issued = canaries.drawn.iter().filter(|it| it.starts_with("rmt_")).count();
    assert!(issued >= 2, "{issued} machine tokens were issued");
}

/// What people do with passwords, and get wrong.
async fn every_day(admin: &Client, canaries: &mut Canaries) -> String {
    let nobody = Client::new(admin.channel());
    let [first, second, third] = [canaries.draw(), canaries.draw(), canaries.draw()];
    let request = roster_proto::identity::v1::CreateUserRequest {
        password: first.clone(),
        request_id: "01890a5d-ac96-774b-bcce-b302099a8001".to_owned(),
        ..user("somebody")
    };
    admin.users().create_user(request.clone()).await.unwrap();
    admin.users().create_user(request).await.unwrap();
    let client = sign_in(&nobody, "somebody", &first).await.unwrap();
    let change = roster_proto::identity::v1::ChangePasswordRequest {
        current_password: first,
        new_password: second.clone(),
        ..Default::default()
    };
    client.account().change_password(change).await.unwrap();
    // A token for a program: used, and used once more when it is over.
    let (machine_token_id, machine) = admin.issue(MachineTokenScope::ReadOnly).await;
    canaries.drawn.push(machine.token().to_owned());
    machine.users().list_users(ListUsersRequest::default()).await.unwrap();
    machine.account().get_profile(GetProfileRequest {}).await.unwrap_err();
    let revoke = RevokeMachineTokenRequest { machine_token_id, ..Default::default() };
    admin.machine_tokens().revoke_machine_token(revoke).await.unwrap();
    machine.users().list_users(ListUsersRequest::default()).await.unwrap_err();
    let reset = UpdateUserRequest {
        user_id: client.user_id.clone(),
        password: third.clone(),
        ..UpdateUserRequest::default()
    };
    admin.users().update_user(reset).await.unwrap();
    sign_in(&nobody, "somebody", &second).await.unwrap_err();
    let again = sign_in(&nobody, "somebody", &third).await.unwrap();
    canaries.drawn.extend([client.token(), again.token()].map(str::to_owned));
    again.user_id.clone()
}

/// Fails where one of the secrets is in a text, in any form that programs
/// print texts in.
#[track_caller]
fn assert_none(canaries: &Canaries, place: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for secret in &canaries.drawn {
        if let Some(at) = text.find(secret.as_str()) {
            let line = text[..at].lines().count();
            panic!("{secret} in {place}, line {line}: {}", around(&text, at));
        }
    }
    let decimal = CANARY.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
    let hex = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    // "Canary" in base64, at the beginning of a field.
    for form in [decimal.as_str(), &hex, &hex.to_uppercase(), "Q2FuYXJ5"] {
        assert!(!text.contains(form), "{form} in {place}");
    }
}

fn around(text: &str, at: usize) -> String {
    text[..at].chars().rev().take(200).collect::<Vec<_>>().into_iter().rev().collect()
}

fn assert_not_kept(canaries: &Canaries, data: &Path, least: usize) {
    let mut files = 0;
    for entry in fs::read_dir(data).unwrap() {
        let path = entry.unwrap().path();
        // The keys are in their own file, and nowhere else.
        if path.file_name().is_some_and(|name| name != "secrets.toml") {
            assert_none(canaries, &path.display().to_string(), &fs::read(&path).unwrap());
            files += 1;
        }
    }
    assert!(files >= least, "{files} files");
}

fn assert_silent(canaries: &Canaries, ended: &Ended) {
    // What Roster itself says at the finest level is there, and nothing that
    // its libraries say there.
    for line in ["DEBUG", "call answered"] {
        assert!(ended.stderr.contains(line), "{line}: {}", ended.stderr);
    }
    assert_none(canaries, "the log", ended.stderr.as_bytes());
    assert_none(canaries, "an error", canaries.errors.join("\n").as_bytes());
    assert!(canaries.errors.len() > 100, "{} errors", canaries.errors.len());
}

/// Everything that a collector was sent.
fn assert_not_sent(canaries: &Canaries, collector: &Collector) {
    collector.with(|received| {
        for method in ["/Login", "/CreateUser", "/ChangePassword", "/CreateApiKey"] {
            assert!(received.spans.iter().any(|span| span.name.ends_with(method)), "{method}");
        }
        assert!(received.logs.len() > 100 && !received.metrics.is_empty());
        let spans = format!("{:?}", received.spans);
        let (logs, metrics) = (format!("{:?}", received.logs), format!("{:?}", received.metrics));
        for (what, sent) in [("a trace", spans), ("a log record", logs), ("a metric", metrics)] {
            assert_none(canaries, what, sent.as_bytes());
        }
        // It was told who sends, by a secret that is in nothing else.
        assert!(received.authorizations.iter().all(|it| it.contains(CANARY)));
    });
}

/// The keys of the installation, as they are written down.
fn keys(data: &Path) -> Vec<String> {
    let text = fs::read_to_string(data.join("secrets.toml")).unwrap();
    let table: toml::Table = toml::from_str(&text).unwrap();
    let mut keys = Vec::new();
    for value in table.values() {
        collect(value, &mut keys);
    }
    assert!(keys.len() >= 3 && keys.iter().all(|key| key.len() >= 32), "{}", keys.len());
    keys
}

fn collect(value: &toml::Value, keys: &mut Vec<String>) {
    if let Some(key) = value.as_str() {
        keys.push(key.to_owned());
    }
    for (_, inner) in value.as_table().into_iter().flatten() {
        collect(inner, keys);
    }
}

/// Has everything sent to `collector`, with a header that is secret.
fn exporting(command: &mut Command, collector: &Collector, secret: &str) {
    command
        .env("ROSTER__TELEMETRY__OTLP_ENDPOINT", collector.endpoint())
        .env("ROSTER__TELEMETRY__OTLP_HEADERS", format!("authorization=Bearer {secret}"))
        // Soon, and all of it: what does not fit into a queue is dropped.
        .env("OTEL_BSP_SCHEDULE_DELAY", "50")
        .env("OTEL_BSP_MAX_QUEUE_SIZE", "100000")
        .env("OTEL_BLRP_SCHEDULE_DELAY", "50")
        .env("OTEL_BLRP_MAX_QUEUE_SIZE", "100000");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_secret_is_logged_sent_answered_or_kept_in_the_clear() {
    let finest = "trace,h2=trace,h2::codec=trace,hyper=trace,tonic=trace,sqlx=trace,sea_orm=trace";
    for format in ["text", "json"] {
        let folder = tempdir().unwrap();
        let mut canaries = Canaries { drawn: Vec::new(), errors: Vec::new() };
        let mut command = with(command(folder.path()), "ROSTER__LOG__FILTER", finest);
        command.env("ROSTER__LOG__FORMAT", format).env("ALLOW_REGISTRATION", "true");
        let collector = Collector::start();
        exporting(&mut command, &collector, &canaries.draw());
        // Once a password that was given, once one that was drawn.
        let given = (format == "text").then(|| canaries.draw());
        if let Some(password) = &given {
            command.env("ADMIN_PASSWORD", password);
        }
        let mut roster = Roster::start(command);
        let password = given.unwrap_or_else(|| roster.printed("password"));
        let admin = sign_in(&roster.connect().await, "admin", &password).await.unwrap();
        canaries.drawn.extend([password, admin.token().to_owned()]);
        let someone = every_day(&admin, &mut canaries).await;
        every_method(&admin, &someone, &mut canaries).await;

        let data = folder.path().join("data");
        canaries.drawn.extend(keys(&data));
        // While it runs, what it has written is in the logs of its databases.
        assert_not_kept(&canaries, &data, 10);
        let ended = roster.stop();
        assert_silent(&canaries, &ended);
        assert_not_sent(&canaries, &collector);
        assert_not_kept(&canaries, &data, 4);
        collector.end();
    }
}
