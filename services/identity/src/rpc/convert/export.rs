//! What is kept of a user, handed out.

use prost::{Message, Name};
use prost_types::Any;
use roster_proto::{identity::v1 as pb, time};
use roster_server::Refusal;

use super::{api_key, machine_token, user};
use crate::{
    domain::{Exported, ExportedKind, Manifest, Record},
    op::{
        export_user_data::{ExportUserData, Part},
        own_data::OwnRecord,
    },
};

/// Reads whose data is wanted.
pub fn export_user_data(request: &pb::ExportUserDataRequest) -> Result<ExportUserData, Refusal> {
    Ok(ExportUserData { user_id: user::user_id(&request.user_id)?, encode: own_record })
}

/// A part of an export as its reader sees it.
pub fn part(part: Part) -> pb::ExportUserDataResponse {
    use pb::export_user_data_response::Part as Answer;

    let part = match part {
        Part::Record(exported) => Answer::Record(record(exported)),
        Part::Manifest(manifest) => Answer::Manifest(self::manifest(manifest)),
    };
    pb::ExportUserDataResponse { part: Some(part) }
}

fn own_record(record: &OwnRecord) -> Record {
    match record {
        OwnRecord::ApiKey(key) => encoded(&api_key::api_key((**key).clone())),
        OwnRecord::Password(facts) => {
            let change_time = Some(time::to_proto(facts.changed_at));
            encoded(&pb::PasswordFacts { change_time })
        }
        OwnRecord::MachineToken(token) => encoded(&machine_token::machine_token(token)),
        OwnRecord::User(account) => encoded(&user::user(account)),
    }
}

fn encoded<M: Message + Name>(message: &M) -> Record {
    Record { type_url: M::type_url(), value: message.encode_to_vec() }
}

fn record(exported: Exported) -> pb::ExportedRecord {
    let Record { type_url, value } = exported.record;
    pb::ExportedRecord {
        participant: exported.participant.to_string(),
        kind: exported.kind,
        record: Some(Any { type_url, value }),
    }
}

fn manifest(manifest: Manifest) -> pb::ExportManifest {
    pb::ExportManifest {
        user_id: manifest.user_id.to_string(),
        create_time: Some(time::to_proto(manifest.created_at)),
        kinds: manifest.kinds.into_iter().map(kind).collect(),
    }
}

fn kind(kind: ExportedKind) -> pb::ExportedKind {
    let sha256 = kind.sha256().to_vec();
    let participant = kind.participant.to_string();
    pb::ExportedKind { participant, kind: kind.kind, count: kind.count, sha256 }
}
