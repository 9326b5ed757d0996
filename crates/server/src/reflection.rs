//! Reflection: what lets `grpcurl` work without any file.

use std::collections::{HashMap, HashSet};

use prost::Message;
use prost_reflect::DescriptorPool;
use prost_types::FileDescriptorProto;
use tonic::service::Routes;

use crate::{AccessTable, Level, malformed};

/// Why reflection could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum ReflectionError {
    /// A descriptor set cannot be read.
    #[error("unusable descriptor set")]
    Decode(#[from] prost::DecodeError),
    /// A file with INTERNAL methods would be handed out, because a public one
    /// imports it or because it holds public methods as well.
    #[error("reflection would hand out {0}, which holds INTERNAL methods")]
    Exposed(String),
    /// A file imports one that is not in the set.
    #[error("the descriptor set does not hold {0}")]
    Missing(String),
    /// The service cannot be built from it.
    #[error("reflection cannot be built")]
    Build(#[from] tonic_reflection::server::Error),
}

/// A descriptor set whose files are left as they were encoded: decoding them
/// would lose the options that Roster's contracts are annotated with.
#[derive(Clone, PartialEq, prost::Message)]
struct EncodedFiles {
    #[prost(bytes = "vec", repeated, tag = "1")]
    files: Vec<Vec<u8>>,
}

/// The contracts as those get to see them who are let in somewhere: outsiders,
/// as a rule.
#[derive(Clone, Debug)]
pub struct PublicDescriptors {
    encoded: Vec<u8>,
    services: Vec<String>,
}

impl PublicDescriptors {
    /// An encoded `google.protobuf.FileDescriptorSet`, its imports complete.
    #[must_use]
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }
}

/// A file of a descriptor set.
struct File {
    descriptor: FileDescriptorProto,
    encoded: Vec<u8>,
}

/// What outsiders get to see of the contracts: every file with methods that
/// can be called from outside, what these files import, the messages that
/// errors carry, and gRPC's own health service. Files hold INTERNAL services
/// and nothing else, because reflection hands out whole files.
pub fn public_descriptors(
    descriptors: &[u8],
    access: &AccessTable,
) -> Result<PublicDescriptors, ReflectionError> {
    let mut files = HashMap::new();
    let mut wanted = Vec::new();
    for (set, everything) in [
        (descriptors, false),
        (tonic_types::pb::FILE_DESCRIPTOR_SET, true),
        (tonic_health::pb::FILE_DESCRIPTOR_SET, true),
    ] {
        for encoded in EncodedFiles::decode(set)?.files {
            let descriptor = FileDescriptorProto::decode(encoded.as_slice())?;
            if everything || holds(&descriptor, access, |level| level != Level::Internal) {
                wanted.push(descriptor.name().to_owned());
            }
            let name = descriptor.name().to_owned();
            files.entry(name).or_insert(File { descriptor, encoded });
        }
    }
    select(files, wanted, |file| holds(file, access, |level| level == Level::Internal))
}

/// What those get to see of the contracts who may call the methods `paths`,
/// INTERNAL ones or not: the files that hold these, what they import, and the
/// messages that errors carry. Files hold whole services, so a method beside
/// these can be seen, too; that does not make it one that can be called.
pub fn descriptors_of(
    descriptors: &[u8],
    paths: &[&str],
) -> Result<PublicDescriptors, ReflectionError> {
    let mut files = HashMap::new();
    let mut wanted = Vec::new();
    for (set, everything) in [(descriptors, false), (tonic_types::pb::FILE_DESCRIPTOR_SET, true)] {
        for encoded in EncodedFiles::decode(set)?.files {
            let descriptor = FileDescriptorProto::decode(encoded.as_slice())?;
            let holds = |path: &&str| {
                services_of(&descriptor).any(|service| {
                    let rest = path.strip_prefix('/').and_then(|it| it.strip_prefix(&*service));
                    rest.is_some_and(|rest| rest.starts_with('/'))
                })
            };
            if everything || paths.iter().any(holds) {
                wanted.push(descriptor.name().to_owned());
            }
            let name = descriptor.name().to_owned();
            files.entry(name).or_insert(File { descriptor, encoded });
        }
    }
    select(files, wanted, |_| false)
}

/// The `wanted` files and all that they import; none that is `hidden`.
fn select(
    mut files: HashMap<String, File>,
    mut wanted: Vec<String>,
    hidden: impl Fn(&FileDescriptorProto) -> bool,
) -> Result<PublicDescriptors, ReflectionError> {
    let mut taken = HashSet::new();
    let mut selected = EncodedFiles::default();
    let mut services = Vec::new();
    while let Some(name) = wanted.pop() {
        if !taken.insert(name.clone()) {
            continue;
        }
        let file = files.remove(&name).or_else(|| well_known(&name));
        let Some(File { descriptor, encoded }) = file else {
            return Err(ReflectionError::Missing(name));
        };
        if hidden(&descriptor) {
            return Err(ReflectionError::Exposed(name));
        }
        services.extend(services_of(&descriptor));
        wanted.extend(descriptor.dependency);
        selected.files.push(encoded);
    }
    services.sort();
    Ok(PublicDescriptors { encoded: selected.encode_to_vec(), services })
}

/// A file of `google.protobuf`, which some descriptor sets take for granted.
fn well_known(name: &str) -> Option<File> {
    let file = DescriptorPool::global().get_file_by_name(name)?;
    let descriptor = file.file_descriptor_proto().clone();
    Some(File { descriptor, encoded: file.encode_to_vec() })
}

/// Whether a file holds a method of such a level.
fn holds(file: &FileDescriptorProto, access: &AccessTable, is: impl Fn(Level) -> bool) -> bool {
    file.service.iter().any(|service| {
        service.method.iter().any(|method| {
            let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
            access.find(&path).is_some_and(|rule| is(rule.level))
        })
    })
}

fn services_of(file: &FileDescriptorProto) -> impl Iterator<Item = String> {
    file.service.iter().map(|service| format!("{}.{}", file.package(), service.name()))
}

/// The full names of the services that outsiders get to see, in order.
#[must_use]
pub fn services(descriptors: &PublicDescriptors) -> Vec<String> {
    descriptors.services.clone()
}

/// The reflection service, in both of its versions.
pub fn routes(descriptors: &PublicDescriptors) -> Result<Routes, ReflectionError> {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(&descriptors.encoded)
    };
    let routes = Routes::new(builder().build_v1()?).add_service(builder().build_v1alpha()?);
    Ok(malformed::guarded(routes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contracts() -> (AccessTable, PublicDescriptors) {
        let descriptors = roster_proto::FILE_DESCRIPTOR_SET;
        let access = AccessTable::new(descriptors).unwrap();
        let public = public_descriptors(descriptors, &access).unwrap();
        (access, public)
    }

    #[test]
    fn internal_services_are_left_out() {
        let (access, public) = contracts();
        let services = services(&public);
        assert!(services.contains(&"grpc.health.v1.Health".to_owned()));
        assert!(access.iter().any(|(_, rule)| rule.level == Level::Internal));
        for (path, rule) in access.iter() {
            let service = path[1..].split('/').next().unwrap();
            let shown = services.iter().any(|name| name == service);
            assert_eq!(shown, rule.level != Level::Internal, "{service}");
        }
    }

    #[test]
    fn imports_are_complete_and_options_are_kept() {
        let (access, public) = contracts();
        // Fails on an import that is not there.
        let pool = DescriptorPool::decode(public.encoded()).unwrap();
        assert!(pool.get_message_by_name("google.rpc.ErrorInfo").is_some());
        let kept = AccessTable::new(public.encoded()).unwrap();
        let outside = access.iter().filter(|(_, rule)| rule.level != Level::Internal);
        assert_eq!(kept.iter().count(), outside.count());
    }

    #[test]
    fn what_only_internal_services_need_is_left_out() {
        let (_, public) = contracts();
        let pool = DescriptorPool::decode(public.encoded()).unwrap();
        for file in pool.files() {
            assert!(!file.name().starts_with("roster/event/"), "{}", file.name());
        }
    }

    #[test]
    fn of_some_methods_their_files_are_shown_and_no_others() {
        let path = "/roster.identity.v1.CredentialService/ResolveApiKey";
        let shown = descriptors_of(roster_proto::FILE_DESCRIPTOR_SET, &[path]).unwrap();
        assert_eq!(services(&shown), ["roster.identity.v1.CredentialService"]);
        let pool = DescriptorPool::decode(shown.encoded()).unwrap();
        assert!(pool.get_message_by_name("google.rpc.ErrorInfo").is_some());
    }

    #[test]
    fn a_file_that_mixes_levels_is_never_handed_out() {
        let descriptors = roster_proto::FILE_DESCRIPTOR_SET;
        let access = AccessTable::new(descriptors).unwrap();
        let mut set = prost_types::FileDescriptorSet::decode(descriptors).unwrap();
        let internal = set
            .file
            .iter()
            .find(|file| holds(file, &access, |level| level == Level::Internal))
            .map(|file| file.name().to_owned())
            .unwrap();
        let public =
            set.file.iter_mut().find(|file| holds(file, &access, |level| level == Level::Public));
        public.unwrap().dependency.push(internal.clone());
        match public_descriptors(&set.encode_to_vec(), &access) {
            Err(ReflectionError::Exposed(name)) => assert_eq!(name, internal),
            other => panic!("{other:?}"),
        }
    }
}
