//! What is promised and what is there: the methods still to come, and what
//! reflection tells strangers.

use std::{collections::BTreeSet, fs, path::Path};

use prost::Message as _;
use prost_reflect::{MethodDescriptor, prost_types::FileDescriptorProto};
use roster_kernel::{Caller, ServiceName};
use tonic::Code;
use tonic_reflection::pb::{v1, v1alpha};

use crate::{
    client::Client,
    strangers::{
        contract::{self, Level},
        wire::{call, call_behind, outcome},
    },
    whole::Whole,
    world::World,
};

/// Who asks a service behind the edge.
const GATEWAY: &str = "gateway";

/// Has one of the services answer an INTERNAL method, asked as the gateway.
async fn ask_behind(world: &World, service: &str, method: &MethodDescriptor) -> (Code, String) {
    outcome(&match &world.suite {
        Whole::One(suite) => {
            let routes = suite.routes().into_iter().find(|(name, _)| *name == service).unwrap().1;
            let caller = Caller::service(ServiceName::from_static(GATEWAY));
            call_behind(routes, caller, method).await
        }
        Whole::Apart(cluster) => {
            let gateway = Client::new(cluster.connect_to(service, GATEWAY).await);
            call(&gateway, method, Vec::new().into()).await
        }
    })
}

/// Whether a method answers that it is still to be written: asked through the
/// edge where that is possible, and of every service that serves it.
async fn is_to_come(world: &World, method: &MethodDescriptor) -> bool {
    let name = contract::name(method);
    let mut answers = Vec::new();
    if contract::level(method) == Level::Internal {
        let package = method.parent_file().package_name().to_owned();
        for service in ["identity", "persona", "session"] {
            let serves_subjects = package == "roster.subject.v1" && service != "identity";
            if serves_subjects || package == format!("roster.{service}.v1") {
                answers.push(ask_behind(world, service, method).await);
            }
        }
    } else {
        answers.push(outcome(&call(&world.admin, method, Vec::new().into()).await));
    }
    assert!(!answers.is_empty(), "nobody serves {name}");
    let to_come = answers.iter().filter(|(code, _)| *code == Code::Unimplemented).count();
    assert!(to_come == 0 || to_come == answers.len(), "{name}: {answers:?}");
    for (code, reason) in answers {
        assert_eq!(code == Code::Unimplemented, reason == "NOT_IMPLEMENTED", "{name}: {reason}");
        // Where services run apart: it is the service that has answered.
        assert_ne!(reason, "PEER_NOT_ALLOWED", "{name}");
    }
    to_come > 0
}

#[tokio::test(flavor = "multi_thread")]
async fn the_methods_still_to_come_are_those_that_the_architecture_lists() {
    let world = World::with(|config| {
        let internal = contract::internal_methods();
        let rules = internal.iter().map(|it| format!("{GATEWAY} {}", contract::path(it)));
        config.peers.allow = rules.collect();
    })
    .await;
    let mut to_come = BTreeSet::new();
    // An empty message is refused by most methods, and ends the session of
    // one; that one is asked last.
    let (mut methods, last): (Vec<_>, Vec<_>) =
        contract::methods().into_iter().partition(|method| method.name() != "Logout");
    methods.extend(last);
    for method in methods {
        if is_to_come(&world, &method).await {
            to_come.insert(contract::name(&method));
        }
    }
    assert_eq!(to_come, contract::unimplemented());
}

/// What a folder's code says in capitals where it refuses something.
fn reasons_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            reasons_in(&path, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        if code.contains("Refusal") {
            let capital = |b: u8| b.is_ascii_uppercase() || b == b'_';
            let words = code.split('"').filter(|it| it.len() >= 5 && it.bytes().all(capital));
            found.extend(words.map(str::to_owned));
        }
    }
}

/// Every text of the contracts, with what is said of all of them.
fn contracts_in(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts = entries.map(|path| {
        if path.is_dir() { contracts_in(&path) } else { fs::read_to_string(&path).unwrap() }
    });
    texts.collect()
}

#[test]
fn every_reason_for_a_refusal_stands_in_the_contracts() {
    let workspace = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let mut reasons = BTreeSet::new();
    for folder in ["crates", "services"] {
        for each in fs::read_dir(workspace.join(folder)).unwrap() {
            let each = each.unwrap().path();
            // What services refuse each other is no client's business, nor is what
            // helps tests.
            if !["crates/peers", "crates/testkit"].iter().any(|it| each.ends_with(it)) {
                reasons_in(&each.join("src"), &mut reasons);
            }
        }
    }
    assert!(reasons.len() > 40, "{reasons:?}");
    let contracts = contracts_in(&workspace.join("proto"));
    let part_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words: BTreeSet<_> = contracts.split(|c| !part_of_word(c)).collect();
    for reason in &reasons {
        assert!(words.contains(reason.as_str()), "{reason}");
    }
}

/// The files that reflection answers a question with, or the code of its
/// refusal.
type Files = Result<Vec<FileDescriptorProto>, Code>;

fn files(encoded: &[Vec<u8>]) -> Vec<FileDescriptorProto> {
    encoded.iter().map(|file| FileDescriptorProto::decode(&**file).unwrap()).collect()
}

/// Both versions of reflection are the same messages in different packages.
macro_rules! reflection {
    ($version:ident, $client:ident) => {
        mod $client {
            use super::*;

            use $version::{
                ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
                server_reflection_request::MessageRequest,
                server_reflection_response::MessageResponse,
            };

            async fn ask(
                client: &Client,
                question: MessageRequest,
            ) -> Result<MessageResponse, Code> {
                let request = ServerReflectionRequest {
                    host: String::new(),
                    message_request: Some(question),
                };
                let mut reflection = ServerReflectionClient::new(client.transport());
                let answers = reflection.server_reflection_info(tokio_stream::once(request)).await;
                match answers.unwrap().into_inner().message().await {
                    Ok(answer) => Ok(answer.unwrap().message_response.unwrap()),
                    Err(status) => Err(status.code()),
                }
            }

            pub async fn services(client: &Client) -> Vec<String> {
                match ask(client, MessageRequest::ListServices(String::new())).await.unwrap() {
                    MessageResponse::ListServicesResponse(list) => {
                        list.service.into_iter().map(|service| service.name).collect()
                    }
                    other => panic!("{other:?}"),
                }
            }

            async fn read(client: &Client, question: MessageRequest) -> Files {
                match ask(client, question).await? {
                    MessageResponse::FileDescriptorResponse(answer) => {
                        Ok(files(&answer.file_descriptor_proto))
                    }
                    other => panic!("{other:?}"),
                }
            }

            pub async fn symbol(client: &Client, name: &str) -> Files {
                read(client, MessageRequest::FileContainingSymbol(name.to_owned())).await
            }

            pub async fn file(client: &Client, name: &str) -> Files {
                read(client, MessageRequest::FileByFilename(name.to_owned())).await
            }
        }
    };
}

reflection!(v1, reflection_v1);
reflection!(v1alpha, reflection_v1alpha);

/// What reflection lists, besides itself.
const LISTED: [&str; 12] = [
    "grpc.health.v1.Health",
    "roster.identity.v1.AccountService",
    "roster.identity.v1.ApiKeyService",
    "roster.identity.v1.MachineTokenService",
    "roster.identity.v1.SystemApiKeyService",
    "roster.identity.v1.UserAdminService",
    "roster.persona.v1.AnnotationService",
    "roster.persona.v1.OntologyService",
    "roster.persona.v1.PersonaAdminService",
    "roster.persona.v1.PersonaService",
    "roster.session.v1.SessionAdminService",
    "roster.session.v1.SessionService",
];

#[tokio::test(flavor = "multi_thread")]
async fn reflection_lists_the_public_services_in_both_versions() {
    let world = World::new().await;
    let nobody = world.nobody();
    for (itself, listed) in [
        ("grpc.reflection.v1.ServerReflection", reflection_v1::services(&nobody).await),
        ("grpc.reflection.v1alpha.ServerReflection", reflection_v1alpha::services(&nobody).await),
    ] {
        let expected: BTreeSet<_> = LISTED.into_iter().chain([itself]).collect();
        assert_eq!(listed.len(), expected.len());
        assert_eq!(listed.iter().map(String::as_str).collect::<BTreeSet<_>>(), expected);
    }
    let public = contract::public_methods();
    let public: BTreeSet<_> =
        public.iter().map(|method| method.parent_service().full_name().to_owned()).collect();
    let ours = LISTED.iter().filter(|name| name.starts_with("roster."));
    assert_eq!(ours.map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), public);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_public_can_be_looked_up() {
    let world = World::new().await;
    let nobody = world.nobody();
    for method in contract::public_methods() {
        let (file, input) = (method.parent_file(), method.input());
        for (symbol, file) in [
            (method.parent_service().full_name(), &file),
            (method.full_name(), &file),
            (input.full_name(), &input.parent_file()),
        ] {
            for found in [
                reflection_v1::symbol(&nobody, symbol).await.unwrap(),
                reflection_v1alpha::symbol(&nobody, symbol).await.unwrap(),
            ] {
                assert!(found.iter().any(|it| it.name() == file.name()), "{symbol}");
            }
        }
        assert!(reflection_v1::file(&nobody, file.name()).await.is_ok(), "{}", file.name());
    }
    // What errors carry, so that clients can print it.
    for symbol in ["google.rpc.ErrorInfo", "google.rpc.BadRequest", "google.rpc.RetryInfo"] {
        assert!(reflection_v1::symbol(&nobody, symbol).await.is_ok(), "{symbol}");
        assert!(reflection_v1alpha::symbol(&nobody, symbol).await.is_ok(), "{symbol}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_internal_can_be_looked_up_by_anybody() {
    let world = World::new().await;
    let user = world.create_signed_in("curious").await;
    let mut asked = 0;
    for client in [&world.nobody(), &user, &world.admin] {
        for method in contract::internal_methods() {
            let (service, file) = (method.parent_service(), method.parent_file());
            for name in [
                service.full_name(),
                method.full_name(),
                method.input().full_name(),
                method.output().full_name(),
            ] {
                assert_eq!(
                    reflection_v1::symbol(client, name).await,
                    Err(Code::NotFound),
                    "{name}"
                );
                let found = reflection_v1alpha::symbol(client, name).await;
                assert_eq!(found, Err(Code::NotFound), "{name}");
                asked += 1;
            }
            let name = file.name();
            assert_eq!(reflection_v1::file(client, name).await, Err(Code::NotFound), "{name}");
            assert_eq!(reflection_v1alpha::file(client, name).await, Err(Code::NotFound), "{name}");
        }
    }
    assert!(asked > 60, "only {asked} names");
}
