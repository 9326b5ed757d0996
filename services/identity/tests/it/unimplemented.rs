use prost_reflect::{DynamicMessage, MethodDescriptor};
use roster_server::{AccessTable, Level};
use tonic::Code;

use crate::world::{World, anonymous, peer, pool, refusal};

/// What the contract promises for a later issue.
const LATER: &[&str] = &[];

/// Every method that this service has to answer.
pub fn methods() -> Vec<MethodDescriptor> {
    pool()
        .services()
        .filter(|service| service.package_name() == "roster.identity.v1")
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .collect()
}

/// The full name of a method.
pub fn full_name(method: &MethodDescriptor) -> String {
    format!("{}/{}", method.parent_service().full_name(), method.name())
}

#[tokio::test]
async fn exactly_these_methods_are_not_implemented_yet() {
    let world = World::new().await;
    let table = AccessTable::new(roster_proto::FILE_DESCRIPTOR_SET).unwrap();
    let mut later = Vec::new();
    for method in methods() {
        let name = full_name(&method);
        let path = format!("/{name}");
        let caller = match table.find(&path).unwrap().level {
            Level::Internal => peer(),
            Level::Admin | Level::User => world.root.clone(),
            Level::Public => anonymous(),
        };
        let answer = world.call(&caller, &path, DynamicMessage::new(method.input())).await;
        if answer.as_ref().is_err_and(|status| status.code() == Code::Unimplemented) {
            assert_eq!(refusal(answer).1, "NOT_IMPLEMENTED", "{name}");
            later.push(name);
        }
    }
    later.sort();
    assert_eq!(later, LATER);
}
