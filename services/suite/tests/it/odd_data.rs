//! What people, and those who are up to something, put into texts: data, kept
//! and returned as it is, and interpreted by nothing, logs least of all.

use roster_proto::{
    identity::v1::{CreateUserRequest, GetUserRequest, UpdateProfileRequest},
    persona::v1::{CreatePersonaRequest, Persona},
    session::v1::{ListSessionsRequest, LoginRequest},
};
use tempfile::tempdir;
use tonic::{Code, transport::Endpoint};

use crate::{
    binary::{Roster, command},
    client::Client,
    process::{sign_in, user, with},
    strangers::wire,
    world::{PASSWORD, World, person},
};

/// Texts that mean something to a terminal, a browser, a log or an editor.
fn hostile() -> Vec<String> {
    let family = "👩\u{200d}👩\u{200d}👧\u{200d}👦";
    [
        "<script>alert(1)</script><img src=x onerror=alert(1)>",
        "'; DROP TABLE user; --",
        "${jndi:ldap://example.org/a} {{7*7}} %s%n$(id)`id`",
        "line\nbreak\r\nINFO roster: all is well\n",
        "\u{1b}[2J\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}31m",
        "\u{202e}gnp.exe\u{2066}\u{2069}\u{200f}",
        "a\u{200b}b\u{200d}c\u{feff}d\u{ad}e",
        "\u{2028}paragraph\u{2029}\u{85}next",
        " \t leading and trailing \u{a0}\u{3000} ",
        "\u{7f}\u{1}\u{2}\u{1f}",
        "\u{fffd}\u{fffe}\u{10ffff}\u{e000}",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain([format!("Zal{}go", "\u{301}\u{489}".repeat(40)), family.repeat(14)])
    .collect()
}

#[tokio::test]
async fn texts_come_back_as_they_were_sent() {
    let world = World::new().await;
    for (number, text) in hostile().into_iter().enumerate() {
        let username = format!("person-{number}");
        let request =
            CreateUserRequest { username: username.clone(), display_name: text, ..person() };
        let text = request.display_name.clone();
        let created = world.create(request).await;
        assert_eq!(created.display_name, text);
        let request = GetUserRequest { user_id: created.user_id };
        let read = world.admin.users().get_user(request).await.unwrap().into_inner();
        assert_eq!(read.user.unwrap().display_name, text);

        let client = world.sign_in(&username).await;
        let request = UpdateProfileRequest {
            display_name: Some(format!("{}!", text.chars().skip(1).collect::<String>())),
            ..UpdateProfileRequest::default()
        };
        let changed = client.account().update_profile(request.clone()).await.unwrap().into_inner();
        assert_eq!(Some(changed.user.unwrap().display_name), request.display_name);
        let persona = Persona { name: Some(text.clone()), ..Persona::default() };
        let request = CreatePersonaRequest { persona: Some(persona), ..Default::default() };
        let persona = client.personas().create_persona(request).await.unwrap().into_inner();
        assert_eq!(persona.persona.unwrap().name, Some(text));
    }
}

#[tokio::test]
async fn what_the_contract_refuses_is_refused() {
    let world = World::new().await;
    let with_name = |text: &str| CreateUserRequest {
        username: "person".to_owned(),
        display_name: text.to_owned(),
        ..person()
    };
    let with_email =
        |text: &str| CreateUserRequest { email: text.to_owned(), ..with_name("Somebody") };
    for request in [
        with_name("a\0b"),
        with_name(""),
        // One letter to a reader, 101 characters to Roster.
        with_name(&format!("a{}", "\u{301}".repeat(100))),
        with_email("a@b\n"),
        with_email("a\r\nBcc: x@example.org@b"),
        with_email("a\u{1b}[31m@b"),
        with_email("a\0@b"),
        with_email(&format!("{}@b", "a".repeat(253))),
    ] {
        let refused = world.admin.users().create_user(request.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{request:?}");
        // Nor does the refusal say it again.
        assert!(!refused.message().contains(['\n', '\r', '\u{1b}', '\0']), "{refused:?}");
    }
    for (number, email) in
        ["<b>@example.org", "a\u{202e}@b", "\"q\"@b", "a'--@b"].into_iter().enumerate()
    {
        let request =
            CreateUserRequest { username: format!("person-{number}"), ..with_email(email) };
        assert_eq!(world.create(request).await.email, email);
    }
}

/// A client that calls itself what it likes. Control characters cannot be in a
/// header; all else can.
async fn calling_itself(world: &World, user_agent: &[u8]) -> Client {
    let endpoint = Endpoint::from_shared(format!("http://{}", world.suite.address())).unwrap();
    let name = http::HeaderValue::from_bytes(user_agent).unwrap();
    Client::new(endpoint.user_agent(name).unwrap().connect().await.unwrap())
}

#[tokio::test]
async fn a_user_agent_is_shown_as_it_is_and_never_fails_a_login() {
    let world = World::new().await;
    world.create_user("person").await;
    let long = "x".repeat(2_000);
    for (sent, kept) in [
        ("<script>\u{202e}\u{2028}\u{9b}31m".as_bytes(), "<script>\u{202e}\u{2028}\u{9b}31m "),
        (b"\xff\xfe odd \xc3", "\u{fffd}\u{fffd} odd \u{fffd} "),
        (long.as_bytes(), &long[..512]),
    ] {
        let client = calling_itself(&world, sent).await;
        let client = sign_in(&client, "person", PASSWORD).await.unwrap();
        let list = client.sessions().list_sessions(ListSessionsRequest::default()).await.unwrap();
        let sessions = list.into_inner().sessions;
        let own = sessions.iter().find(|session| session.is_current).unwrap();
        assert!(own.user_agent.starts_with(kept), "{:?}", own.user_agent);
    }
}

/// Where a log line begins that one event has written, and nothing else.
fn is_one_event(line: &str, format: &str) -> bool {
    if format == "json" {
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(line);
        return parsed.is_ok_and(|it| it["timestamp"].is_string() && it["level"].is_string());
    }
    let time = line.split_whitespace().next().unwrap_or_default();
    time.len() == 27 && time.ends_with('Z') && time.starts_with("20")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn logs_stay_one_line_per_event_whatever_is_sent() {
    for format in ["text", "json"] {
        let folder = tempdir().unwrap();
        let mut command = with(command(folder.path()), "ADMIN_PASSWORD", PASSWORD);
        command.env("ROSTER__LOG__FILTER", "trace").env("ROSTER__LOG__FORMAT", format);
        let mut roster = Roster::start(command);
        let channel = roster.channel().await;
        let nobody = roster.connect().await;
        let admin = sign_in(&nobody, "admin", PASSWORD).await.unwrap();
        for text in hostile() {
            let login = LoginRequest {
                username: text.clone(),
                password: text.clone(),
                ..LoginRequest::default()
            };
            nobody.sessions().login(login).await.unwrap_err();
            let request = CreateUserRequest { display_name: text.clone(), ..user(&text) };
            admin.users().create_user(request).await.unwrap_err();
            // What of it can be in a header.
            let allowed: Vec<u8> =
                text.bytes().filter(|byte| *byte >= 0x20 && *byte != 0x7f).collect();
            let percent =
                text.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
            for path in [
                "/roster.session.v1.SessionService/Login".to_owned(),
                format!("/roster.session.v1.SessionService/{percent}"),
                format!("/{percent}/%0aINFO%20forged?{percent}"),
            ] {
                let mut head = wire::head(&path);
                for name in
                    ["user-agent", "x-request-id", "traceparent", "authorization", "baggage"]
                {
                    head = head.header(name, allowed.as_slice());
                }
                wire::exchange(&channel, head, wire::framed(text.as_bytes())).await;
            }
        }
        let log = roster.stop().stderr;
        assert!(log.lines().count() > 100, "{log}");
        for line in log.split_terminator('\n') {
            assert!(is_one_event(line, format), "{line:?}");
            let moves = |c: char| {
                c.is_control() && c != '\t'
                    || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}')
                    || matches!(c, '\u{2066}'..='\u{2069}')
            };
            assert!(!line.contains(moves), "{line:?}");
        }
    }
}
