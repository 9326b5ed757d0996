//! Reflection: what lets `grpcurl` work without any file.

use std::collections::{HashMap, HashSet};

use prost::Message;
use prost_reflect::DescriptorPool;
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use tonic::service::Routes;

use crate::{AccessTable, Level};

/// Why reflection could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum ReflectionError {
    /// A descriptor set cannot be read.
    #[error("unusable descriptor set")]
    Decode(#[from] prost::DecodeError),
    /// The service cannot be built from it.
    #[error("reflection cannot be built")]
    Build(#[from] tonic_reflection::server::Error),
}

/// What outsiders get to see of the contracts: every file without INTERNAL
/// methods, what these files import, the messages that errors carry, and
/// gRPC's own health service. Files hold INTERNAL services and nothing else,
/// because reflection hands out whole files.
pub fn public_descriptors(
    descriptors: &[u8],
    access: &AccessTable,
) -> Result<FileDescriptorSet, ReflectionError> {
    let mut files = HashMap::new();
    let mut wanted = Vec::new();
    for set in
        [descriptors, tonic_types::pb::FILE_DESCRIPTOR_SET, tonic_health::pb::FILE_DESCRIPTOR_SET]
    {
        for file in FileDescriptorSet::decode(set)?.file {
            let own = std::ptr::eq(set, descriptors);
            if !own || is_public(&file, access) {
                wanted.push(file.name().to_owned());
            }
            files.entry(file.name().to_owned()).or_insert(file);
        }
    }
    let mut set = FileDescriptorSet::default();
    let mut taken = HashSet::new();
    while let Some(name) = wanted.pop() {
        if !taken.insert(name.clone()) {
            continue;
        }
        let file = files.remove(&name).or_else(|| well_known(&name));
        if let Some(file) = file {
            wanted.extend(file.dependency.iter().cloned());
            set.file.push(file);
        }
    }
    Ok(set)
}

/// A file of `google.protobuf`, which some descriptor sets take for granted.
fn well_known(name: &str) -> Option<FileDescriptorProto> {
    let file = DescriptorPool::global().get_file_by_name(name)?;
    Some(file.file_descriptor_proto().clone())
}

/// Whether a file holds a service that is not INTERNAL. Files without one
/// follow when they are imported.
fn is_public(file: &FileDescriptorProto, access: &AccessTable) -> bool {
    file.service.iter().any(|service| {
        service.method.iter().any(|method| {
            let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
            access.find(&path).is_some_and(|rule| rule.level != Level::Internal)
        })
    })
}

/// The full names of the services in a set.
#[must_use]
pub fn services(set: &FileDescriptorSet) -> Vec<String> {
    let names = set.file.iter().flat_map(|file| {
        file.service.iter().map(|service| format!("{}.{}", file.package(), service.name()))
    });
    names.collect()
}

/// The reflection service, in both of its versions.
pub fn routes(set: &FileDescriptorSet) -> Result<Routes, ReflectionError> {
    let builder = || tonic_reflection::server::Builder::configure();
    let v1 = builder().register_file_descriptor_set(set.clone()).build_v1()?;
    let v1alpha = builder().register_file_descriptor_set(set.clone()).build_v1alpha()?;
    Ok(Routes::new(v1).add_service(v1alpha))
}

/// Whether every import of a set can be resolved within it.
#[must_use]
pub fn is_closed(set: &FileDescriptorSet) -> bool {
    DescriptorPool::from_file_descriptor_set(set.clone()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_services_are_left_out_and_imports_are_complete() {
        let descriptors = roster_proto::FILE_DESCRIPTOR_SET;
        let access = AccessTable::new(descriptors).unwrap();
        let set = public_descriptors(descriptors, &access).unwrap();
        assert!(is_closed(&set));
        let services = services(&set);
        assert!(services.contains(&"grpc.health.v1.Health".to_owned()));
        for (path, rule) in access.iter() {
            let service = path[1..].split('/').next().unwrap();
            let shown = services.iter().any(|name| name == service);
            assert_eq!(shown, rule.level != Level::Internal, "{service}");
        }
        let files: Vec<_> = set.file.iter().map(FileDescriptorProto::name).collect();
        assert!(files.contains(&"google/rpc/error_details.proto"), "{files:?}");
    }
}
