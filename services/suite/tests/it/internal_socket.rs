//! The socket for services of the same machine: what it lets in, and what it
//! lets out.

use std::{
    fs,
    os::unix::{
        fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
        net::UnixListener,
    },
    path::Path,
};

use roster_proto::identity::v1::{
    ResolveApiKeyRequest, credential_service_client::CredentialServiceClient,
};
use roster_suite::{RosterConfig, StartError, Suite};
use tempfile::tempdir;
use tonic::{
    Code,
    transport::{Channel, Endpoint},
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use crate::{
    api_keys::{add_system, resolve},
    binary::{self, Roster},
    client::{Client, reason},
    strangers::{
        contract,
        wire::{call, outcome},
    },
    world::World,
};

async fn connect(path: &Path) -> Result<Channel, tonic::transport::Error> {
    let uri = format!("unix:{}", path.display());
    Endpoint::from_shared(uri).unwrap().connect().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_is_its_owners_alone_and_goes_with_the_process() {
    let world = World::with_socket().await;
    let path = world.internal_socket();
    let found = fs::symlink_metadata(&path).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    // The folder that it was made in is gone.
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 2, "data and the socket");
    connect(&path).await.unwrap();
    world.suite.stop().await;
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_setting_there_is_no_socket() {
    let world = World::new().await;
    assert!(!world.internal_socket().exists());
    let sockets = fs::read_dir(&world.config.data_dir).unwrap();
    let is_socket = |entry: fs::DirEntry| entry.file_type().unwrap().is_socket();
    assert!(!sockets.map(Result::unwrap).any(is_socket));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_the_one_method_can_be_called() {
    let world = World::with_socket().await;
    let local = Client::new(connect(&world.internal_socket()).await.unwrap());
    // An administrator's token is of no use here.
    let with_token = local.with_token(world.admin.token(), &world.admin.user_id);
    let mut asked = 0;
    for method in contract::methods() {
        let name = contract::name(&method);
        for client in [&local, &with_token] {
            let answer = outcome(&call(client, &method, Vec::new().into()).await);
            if name == "roster.identity.v1.CredentialService/ResolveApiKey" {
                assert_eq!(answer, (Code::InvalidArgument, "INVALID_ARGUMENT".to_owned()));
            } else {
                let unknown = (Code::Unimplemented, "METHOD_UNKNOWN".to_owned());
                assert_eq!(answer, unknown, "{name}");
            }
            asked += 1;
        }
    }
    assert!(asked > 100, "only {asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_describes_itself() {
    let world = World::with_socket().await;
    let channel = connect(&world.internal_socket()).await.unwrap();
    let message_request = Some(MessageRequest::ListServices(String::new()));
    let request = ServerReflectionRequest { host: String::new(), message_request };
    let answers = ServerReflectionClient::new(channel)
        .server_reflection_info(tokio_stream::once(request))
        .await;
    let answer = answers.unwrap().into_inner().message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}");
    };
    let mut names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    names.sort();
    let itself = "grpc.reflection.v1.ServerReflection";
    assert_eq!(names, [itself, "roster.identity.v1.CredentialService"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_has_left_is_replaced() {
    let world = World::with_socket().await;
    let path = world.internal_socket();
    add_system(&world, "acme", "sk-everybodys").await;
    let before = fs::symlink_metadata(&path).unwrap().ino();
    // As a start that was killed half way leaves it, too.
    fs::create_dir(path.with_extension("sock.making")).unwrap();
    fs::write(path.with_extension("sock.making").join("s"), "").unwrap();
    let world = world.crash_and_restart().await;
    assert_ne!(fs::symlink_metadata(&path).unwrap().ino(), before);
    let admin = &world.admin.user_id;
    assert_eq!(resolve(&world, admin, "acme").await.unwrap().into_inner().secret, "sk-everybodys");
}

/// Starts Roster with the socket at `path`.
async fn start(folder: &Path, path: &Path) -> Result<(), StartError> {
    let config = RosterConfig {
        data_dir: folder.join("data"),
        listen: "127.0.0.1:0".parse().unwrap(),
        metrics_listen: None,
        internal_socket: path.to_owned(),
        ..RosterConfig::default()
    };
    let (_, env) = roster_testkit::env(1);
    let params = config.identity.hash_params();
    let mut suite = Suite::assemble(&config, env, params).await.unwrap();
    let started = suite.listen(&config).await;
    suite.stop().await;
    started
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_somebody_elses_is_left_alone() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("internal.sock");
    let listening = UnixListener::bind(&path).unwrap();
    for refused in ["another process listens there", "there is something else in its place"] {
        let error = start(folder.path(), &path).await.unwrap_err();
        let StartError::InternalSocket(named, cause) = error else { panic!("{error:?}") };
        assert_eq!((named.as_str(), cause.to_string().as_str()), (path.to_str().unwrap(), refused));
        // Then something that is no socket.
        let _socket = fs::remove_file(&path);
        fs::write(&path, "precious").unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    drop(listening);
    let nowhere = folder.path().join("no/such/folder.sock");
    let error = start(folder.path(), &nowhere).await.unwrap_err();
    assert!(matches!(error, StartError::InternalSocket(..)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_another_process_has_put_there_is_not_removed() {
    let world = World::with_socket().await;
    let path = world.internal_socket();
    fs::remove_file(&path).unwrap();
    let another = UnixListener::bind(&path).unwrap();
    world.suite.stop().await;
    assert!(path.exists());
    drop(another);
}

/// Two real processes: the second one finds the first one's socket in use, and
/// draws no password that nobody sees.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_does_not_take_the_socket_over() {
    let (one, two) = (tempdir().unwrap(), tempdir().unwrap());
    let path = one.path().join("internal.sock");
    let command = |folder: &Path| {
        let mut command = binary::command(folder);
        command.env("ROSTER__INTERNAL_SOCKET", &path);
        command
    };
    let mut first = Roster::start(command(one.path()));
    let ended = binary::run(command(two.path()));
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.contains("another process listens there"), "{}", ended.stderr);
    // The first one is as well as before, and its mode is kept by the system.
    let channel = connect(&path).await.unwrap();
    let request = ResolveApiKeyRequest::default();
    let answer = CredentialServiceClient::new(channel).resolve_api_key(request).await;
    assert_eq!(reason(answer).0, Code::InvalidArgument);
    first.kill();
    first.wait();
    assert!(path.exists());
    let mut again = Roster::start(command(one.path()));
    assert_eq!(again.stop().code, Some(0));
    assert!(!path.exists());
}
