//! The example programs, run as they stand: their own code, against the whole of
//! Roster.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{Router, extract::Request};
use roster_example_client::{
    Connection, Credential, NewUser, Server, connect, create_user, explain, list_users,
};
use roster_kernel::Env;
use roster_proto::identity::v1::{DeleteUserRequest, MachineTokenScope, User};
use roster_server::{
    Limits, Tasks,
    metrics::{ConnectionMeter, Meters},
    serve,
};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tonic::{Code, Status};
use tower::ServiceExt as _;

use crate::{
    binary::{Roster, command},
    client::Client,
    cluster::certificates,
    database::count_of,
    process::sign_in,
    world::{PASSWORD, World},
};

fn somebody(username: &str) -> NewUser {
    NewUser {
        username: username.to_owned(),
        display_name: "Somebody".to_owned(),
        password: PASSWORD.into(),
    }
}

/// Where the edge is, without TLS.
fn edge(world: &World) -> Server {
    Server { address: format!("http://{}", world.suite.address()), authority: None }
}

async fn with_token(server: &Server, machine: &Client) -> Connection {
    let token = SecretString::from(machine.token());
    connect(server, &Credential::Token(token)).await.unwrap()
}

async fn usernames(connection: &mut Connection) -> Vec<String> {
    let mut found = Vec::new();
    let note = |user: User| {
        found.push(user.username);
        Ok::<_, Status>(())
    };
    list_users(connection, note).await.unwrap();
    // Those of one moment come in any order.
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_client_lists_and_creates_users_with_a_machine_token() {
    let world = World::new().await;
    let (_, machine) = world.admin.issue(MachineTokenScope::Admin).await;
    let mut connection = with_token(&edge(&world), &machine).await;
    let mut expected = vec!["admin".to_owned()];
    // More than one page.
    for number in 0..110 {
        let created = create_user(&mut connection, &somebody(&format!("user-{number}"))).await;
        expected.push(created.unwrap().username);
    }
    expected.sort();
    assert_eq!(usernames(&mut connection).await, expected);

    let taken = create_user(&mut connection, &somebody("user-0")).await.unwrap_err();
    let said = explain(&taken);
    assert_eq!(said, "AlreadyExists: Username already exists\n  reason USERNAME_TAKEN (roster)");
    let odd = create_user(&mut connection, &somebody("a")).await.unwrap_err();
    let said = explain(&odd);
    assert!(said.contains("\n  username must have 3 to 50 characters"), "{said}");

    let (_, reader) = world.admin.issue(MachineTokenScope::ReadOnly).await;
    let mut reader = with_token(&edge(&world), &reader).await;
    assert!(usernames(&mut reader).await.len() > 100);
    let refused = create_user(&mut reader, &somebody("another")).await.unwrap_err();
    assert!(explain(&refused).contains("READ_ONLY_TOKEN"));
}

/// Something in front of Roster that loses the first answer: the call has taken
/// effect, and whoever made it does not know.
async fn lossy(world: &World, tasks: &Tasks) -> (Server, Arc<AtomicUsize>) {
    let channel = world.nobody().channel();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let app = Router::new().fallback(move |request: Request| {
        let (channel, counted) = (channel.clone(), Arc::clone(&counted));
        async move {
            let request = request.map(tonic::body::Body::new);
            let answer = channel.oneshot(request).await.unwrap();
            match counted.fetch_add(1, Ordering::SeqCst) {
                0 => Status::unavailable("the connection broke").into_http(),
                _ => answer.map(axum::body::Body::new),
            }
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let meter = ConnectionMeter::new(&Meters::none());
    let served = serve(listener, app, Limits::default(), meter, tasks.token());
    tasks.spawn("lossy", async { assert_eq!(served.await, 0, "connections that were cut") });
    (Server { address, authority: None }, calls)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_client_creates_one_user_however_often_it_has_to_ask() {
    let world = World::new().await;
    let (_, machine) = world.admin.issue(MachineTokenScope::Admin).await;
    let tasks = Tasks::new();
    let (server, calls) = lossy(&world, &tasks).await;
    let mut connection = with_token(&server, &machine).await;
    let created = create_user(&mut connection, &somebody("mara")).await.unwrap();
    assert_eq!((created.username.as_str(), calls.load(Ordering::SeqCst)), ("mara", 2));
    assert_eq!(usernames(&mut connection).await, ["admin", "mara"]);
    drop(connection);
    tasks.shutdown().await;
}

/// The TLS of a real process, whose certificate comes from an authority of its
/// own.
#[tokio::test(flavor = "multi_thread")]
async fn the_rust_client_speaks_tls_and_keeps_its_token_from_the_network() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = folder.path().join("certs");
    roster_suite::dev_certs(&certificates, &Env::system()).unwrap();
    let mut command = command(folder.path());
    command
        .env("ADMIN_PASSWORD", PASSWORD)
        .env("ROSTER__TLS__CERTIFICATE", certificates.join("gateway.pem"))
        .env("ROSTER__TLS__KEY", certificates.join("gateway.key.pem"));
    let mut roster = Roster::start(command);
    let address = roster.address();
    let tls = tonic::transport::ClientTlsConfig::new()
        .ca_certificate(tonic::transport::Certificate::from_pem(
            fs::read(certificates.join("ca.pem")).unwrap(),
        ))
        .domain_name("localhost");
    let endpoint = tonic::transport::Endpoint::from_shared(format!("https://{address}")).unwrap();
    let channel = endpoint.tls_config(tls).unwrap().connect().await.unwrap();
    let admin = sign_in(&Client::new(channel), "admin", PASSWORD).await.unwrap();
    let (_, machine) = admin.issue(MachineTokenScope::ReadOnly).await;

    let server = Server {
        address: format!("https://{address}"),
        authority: Some(certificates.join("ca.pem")),
    };
    let mut connection = with_token(&server, &machine).await;
    assert_eq!(usernames(&mut connection).await, ["admin"]);
    let token = || Credential::Token(SecretString::from(machine.token()));
    for (address, authority) in [
        // Somebody else's authority is nobody's.
        (format!("https://{address}"), Some(certificates.join("gateway.pem"))),
        // Without TLS a token stays on this machine.
        ("http://192.0.2.1:8080".to_owned(), None),
    ] {
        let server = Server { address, authority };
        assert!(connect(&server, &token()).await.is_err(), "{}", server.address);
    }
    assert_eq!(roster.stop().code, Some(0));
}

/// What a service that is no part of Roster shows at the identity service.
fn certificate(of: &str) -> Credential {
    let folder = certificates();
    Credential::Certificate {
        certificate: folder.join(format!("{of}.pem")),
        key: folder.join(format!("{of}.key.pem")),
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn the_rust_client_calls_the_identity_service_directly_for_what_is_listed_for_it() {
    let world = World::apart(|config| {
        config.peers.allow = ["ListUsers", "CreateUser", "DeleteUser"]
            .map(|it| format!("operator /roster.identity.v1.UserAdminService/{it}"))
            .to_vec();
    })
    .await;
    let server = Server {
        address: format!("https://{}", world.suite.identity()),
        authority: Some(certificates().join("ca.pem")),
    };
    let mut operator = connect(&server, &certificate("operator")).await.unwrap();
    let created = create_user(&mut operator, &somebody("mara")).await.unwrap();
    assert_eq!(usernames(&mut operator).await, ["admin", "mara"]);
    let signed_in = world.sign_in("mara").await;
    assert_eq!(signed_in.user_id, created.user_id);

    // In effect everywhere when it is answered, as if an administrator had asked.
    let request = DeleteUserRequest { user_id: created.user_id, ..Default::default() };
    let deleted = operator.delete_user(request.clone()).await.unwrap().into_inner();
    assert!(!signed_in.is_signed_in().await);
    assert_eq!(deleted.deletion.unwrap().requested_by, "", "a service is no user");

    // Under the service's name, from where it is, in a call that has a name.
    let noted = "select count(*) from audit_event where actor_kind = 'service' \
                 and actor_id = 'operator' and address = '127.0.0.1' and correlation_id <> ''";
    assert_eq!(count_of(&world.tables("identity"), noted).await, 2);

    // What is not listed is refused: to this service, and to others.
    let not_listed = roster_proto::identity::v1::GetUserRequest { user_id: request.user_id };
    let refused = operator.get_user(not_listed).await.unwrap_err();
    assert!(explain(&refused).contains("PEER_NOT_ALLOWED"), "{}", explain(&refused));
    let mut persona = connect(&server, &certificate("persona")).await.unwrap();
    let refused = create_user(&mut persona, &somebody("june")).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert!(explain(&refused).contains("PEER_NOT_ALLOWED"), "{}", explain(&refused));

    // Without a certificate nobody is let in, whatever else they show; and a
    // token counts at the edge only.
    let (_, machine) = world.admin.issue(MachineTokenScope::Admin).await;
    let token = Credential::Token(SecretString::from(machine.token()));
    // TLS 1.3: the client's end of the handshake may be over before the refusal.
    let let_in = match connect(&server, &token).await {
        Ok(mut connection) => create_user(&mut connection, &somebody("june")).await.is_ok(),
        Err(_refused) => false,
    };
    assert!(!let_in);
    assert_eq!(usernames(&mut operator).await, ["admin"]);
}
