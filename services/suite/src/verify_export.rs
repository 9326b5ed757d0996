//! `roster verify-export`: whether an export is whole, and as it was sent.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read as _, Write as _},
    path::Path,
};

use anyhow::{Context as _, bail, ensure};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use roster_proto::identity::v1::{
    ExportManifest, ExportUserDataResponse, ExportedRecord, export_user_data_response::Part,
};
use serde::de::DeserializeSeed as _;
use sha2::{Digest as _, Sha256};

const MESSAGE: &str = "roster.identity.v1.ExportUserDataResponse";

/// How much of one kind there is, and what it adds up to.
#[derive(Debug, Default)]
struct Found {
    count: i64,
    digest: Sha256,
}

/// The kinds that were found, by service and kind.
type Kinds = BTreeMap<(String, String), Found>;

/// Checks the export in `file`, and prints what it holds.
pub fn run(file: &Path) -> anyhow::Result<()> {
    let text = if file == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(file)
    };
    let text = text.with_context(|| format!("cannot read {}", file.display()))?;
    let manifest = verify(&text)?;
    let mut out = io::stdout().lock();
    for kind in &manifest.kinds {
        writeln!(out, "{} {}: {}", kind.participant, kind.kind, kind.count)?;
    }
    writeln!(out, "The export of user {} is whole.", manifest.user_id)?;
    Ok(())
}

/// The manifest of an export, when all that it says is so.
fn verify(text: &str) -> anyhow::Result<ExportManifest> {
    let mut kinds = Kinds::new();
    let mut manifest = None;
    for part in parts(text)? {
        ensure!(manifest.is_none(), "there is something behind the manifest");
        match part {
            Part::Record(record) => note(&mut kinds, record)?,
            Part::Manifest(end) => manifest = Some(end),
        }
    }
    let manifest = manifest.context("there is no manifest: the export did not come to its end")?;
    for kind in &manifest.kinds {
        let (service, name) = (&kind.participant, &kind.kind);
        let found = kinds.remove(&(service.clone(), name.clone())).unwrap_or_default();
        let (count, stated) = (found.count, kind.count);
        ensure!(count == stated, "{service} {name}: {count} records, and not {stated}");
        let same = found.digest.finalize().as_slice() == kind.sha256;
        ensure!(same, "{service} {name}: the records are not those that were sent");
    }
    match kinds.into_keys().next() {
        Some((service, name)) => bail!("{service} {name}: not in the manifest"),
        None => Ok(manifest),
    }
}

/// The messages of a stream, one behind the other. Their records are put into
/// bytes again, field by field in the order of the numbers, as services do.
fn parts(text: &str) -> anyhow::Result<Vec<Part>> {
    let pool = DescriptorPool::decode(roster_proto::FILE_DESCRIPTOR_SET)?;
    let message = pool.get_message_by_name(MESSAGE).context("the contracts lack exports")?;
    let mut parts = Vec::new();
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>();
    while let Some(value) = values.next() {
        let place = values.byte_offset();
        let read = value.and_then(|value| message.clone().deserialize(value));
        let read: DynamicMessage =
            read.with_context(|| format!("what ends at byte {place} is no part of an export"))?;
        let answer = ExportUserDataResponse::decode(&*read.encode_to_vec())?;
        parts.push(answer.part.with_context(|| format!("nothing ends at byte {place}"))?);
    }
    Ok(parts)
}

fn note(kinds: &mut Kinds, record: ExportedRecord) -> anyhow::Result<()> {
    let ExportedRecord { participant, kind, record } = record;
    let record = record.with_context(|| format!("{participant} {kind}: an empty record"))?;
    let found = kinds.entry((participant, kind)).or_default();
    found.count += 1;
    found.digest.update((record.value.len() as u64).to_be_bytes());
    found.digest.update(&record.value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use prost::Name as _;
    use prost_reflect::prost_types::Any;
    use roster_proto::identity::v1::{ExportedKind, User};

    use super::*;

    fn printed(answer: &ExportUserDataResponse) -> String {
        let pool = DescriptorPool::decode(roster_proto::FILE_DESCRIPTOR_SET).unwrap();
        let message = pool.get_message_by_name(MESSAGE).unwrap();
        let answer = DynamicMessage::decode(message, &*answer.encode_to_vec()).unwrap();
        serde_json::to_string_pretty(&answer).unwrap() + "\n"
    }

    fn record(display_name: &str) -> (String, Vec<u8>) {
        let user = User {
            display_name: display_name.to_owned(),
            is_admin: true,
            create_time: Some(roster_proto::time::to_proto(roster_testkit::epoch())),
            ..User::default()
        };
        let value = user.encode_to_vec();
        let any = Any { type_url: User::type_url(), value: value.clone() };
        let record = ExportedRecord {
            participant: "identity".to_owned(),
            kind: "users".to_owned(),
            record: Some(any),
        };
        (printed(&ExportUserDataResponse { part: Some(Part::Record(record)) }), value)
    }

    fn manifest(values: &[Vec<u8>]) -> String {
        let mut digest = Sha256::new();
        for value in values {
            digest.update((value.len() as u64).to_be_bytes());
            digest.update(value);
        }
        let kind = ExportedKind {
            participant: "identity".to_owned(),
            kind: "users".to_owned(),
            count: i64::try_from(values.len()).unwrap(),
            sha256: digest.finalize().to_vec(),
        };
        let manifest = ExportManifest { kinds: vec![kind], ..ExportManifest::default() };
        printed(&ExportUserDataResponse { part: Some(Part::Manifest(manifest)) })
    }

    fn refused(text: &str) -> String {
        verify(text).unwrap_err().to_string()
    }

    #[test]
    fn what_was_sent_is_whole() {
        let ((one, first), (other, second)) = (record("Mara"), record("<b>\u{202e}"));
        let manifest = manifest(&[first, second]);
        assert_eq!(verify(&[one, other, manifest].concat()).unwrap().kinds[0].count, 2);
    }

    #[test]
    fn what_was_changed_lost_or_added_is_noticed() {
        let ((one, first), (other, second)) = (record("Mara"), record("Jo"));
        let manifest = manifest(&[first, second]);
        let changed = [one.replace("Mara", "Lara"), other.clone(), manifest.clone()].concat();
        assert_eq!(refused(&changed), "identity users: the records are not those that were sent");
        let swapped = [other.clone(), one.clone(), manifest.clone()].concat();
        assert_eq!(refused(&swapped), refused(&changed));
        let lost = [one.clone(), manifest.clone()].concat();
        assert_eq!(refused(&lost), "identity users: 1 records, and not 2");
        let stray = one.replace("users", "strangers");
        let added = [stray, one.clone(), other.clone(), manifest.clone()].concat();
        assert_eq!(refused(&added), "identity strangers: not in the manifest");
        let cut = [one.clone(), other.clone()].concat();
        assert_eq!(refused(&cut), "there is no manifest: the export did not come to its end");
        let behind = [one, other.clone(), manifest, other].concat();
        assert_eq!(refused(&behind), "there is something behind the manifest");
        for odd in ["ERROR:", "{}", "[]", "{\"record\": {\"odd\": 1}}"] {
            assert!(verify(odd).is_err(), "{odd}");
        }
    }
}
