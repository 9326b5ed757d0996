//! Handing out all that is kept of a user.

use std::{collections::VecDeque, sync::Arc, vec};

use roster_events::audit::{self, AuditRecord};
use roster_kernel::{Caller, Deadline, ServiceName, UserId};

use super::{
    Cx, admin,
    own_data::{OwnKind, OwnRecord},
};
use crate::{
    domain::{Exported, Manifest, OutOfOrder, Record},
    error::Error,
    participants::{Records, Unavailable},
    store::user,
};

/// The full name of the method.
pub const METHOD: &str = "roster.identity.v1.UserAdminService/ExportUserData";

/// Whose data is wanted, and how this service's own is put into words.
#[derive(Clone, Debug)]
pub struct ExportUserData {
    /// The user.
    pub user_id: UserId,
    /// A thing as the public contract describes it.
    pub encode: fn(&OwnRecord) -> Record,
}

/// A part of an export.
#[derive(Clone, Debug)]
pub enum Part {
    /// One thing that a service keeps.
    Record(Exported),
    /// What the export consists of: the last part.
    Manifest(Manifest),
}

/// An export that is under way. Each part is read when it is asked for: what
/// its reader has no room for stays where it is.
#[derive(Debug)]
pub struct Export {
    cx: Arc<Cx>,
    caller: Caller,
    deadline: Option<Deadline>,
    command: ExportUserData,
    to_come: VecDeque<Source>,
    open: Option<Open>,
    /// Until it has been handed out.
    manifest: Option<Manifest>,
}

/// Where records come from.
#[derive(Clone, Debug)]
enum Source {
    Own(OwnKind),
    Participant(ServiceName),
}

/// A source that is being read.
#[derive(Debug)]
enum Open {
    Own(OwnKind, vec::IntoIter<OwnRecord>),
    Participant(Box<Records>),
}

/// Begins to hand out what is kept of a user, to an administrator. That it
/// began is in the audit trail, however far it comes.
pub async fn export_user_data(
    cx: &Arc<Cx>,
    caller: Caller,
    deadline: Option<Deadline>,
    command: ExportUserData,
) -> Result<Export, Error> {
    let tx = cx.db.begin().await?;
    admin::require(cx, &tx, &caller.actor).await?;
    user::find(&*tx, command.user_id).await?.ok_or(Error::UserNotFound)?;
    audit::append(
        &tx,
        &cx.env,
        AuditRecord {
            caller: &caller,
            method: METHOD,
            target: command.user_id.to_string(),
            fields: Vec::new(),
            request_id: None,
        },
    )
    .await?;
    tx.commit().await?;

    let mut manifest = Manifest::new(command.user_id, cx.env.now());
    for kind in OwnKind::ALL {
        manifest.announce(&cx.name, kind.name());
    }
    let own = OwnKind::ALL.into_iter().map(Source::Own);
    let others = cx.participants.names().await?.into_iter().map(Source::Participant);
    let (to_come, manifest) = (own.chain(others).collect(), Some(manifest));
    let cx = Arc::clone(cx);
    Ok(Export { cx, caller, deadline, command, to_come, open: None, manifest })
}

impl Export {
    /// The next part; `None` behind the manifest. After an error there is
    /// nothing more: a manifest never covers less than everything.
    pub async fn next(&mut self) -> Result<Option<Part>, Error> {
        loop {
            let record = match &mut self.open {
                Some(Open::Own(kind, records)) => {
                    records.next().map(|record| self.command.own(&self.cx, *kind, &record))
                }
                Some(Open::Participant(records)) => records.next().await?,
                None => None,
            };
            if let Some(record) = record {
                self.note(&record)?;
                return Ok(Some(Part::Record(record)));
            }
            self.open = match self.to_come.pop_front() {
                Some(source) => Some(self.begin(source).await?),
                None => return self.end().await,
            };
        }
    }

    fn note(&mut self, record: &Exported) -> Result<(), Error> {
        let noted = self.manifest.as_mut().map_or(Err(OutOfOrder), |it| it.note(record));
        noted.map_err(|OutOfOrder| {
            let participant = record.participant.clone();
            tracing::warn!(%participant, "exported a record out of order");
            Error::Participant(Unavailable(participant))
        })
    }

    async fn begin(&mut self, source: Source) -> Result<Open, Error> {
        let user_id = self.command.user_id;
        match source {
            Source::Own(kind) => {
                Ok(Open::Own(kind, kind.read(&self.cx, user_id).await?.into_iter()))
            }
            Source::Participant(name) => {
                let participants = &self.cx.participants;
                let records =
                    participants.export(&self.caller, &name, user_id, self.deadline).await?;
                for kind in records.kinds() {
                    self.manifest.iter_mut().for_each(|it| it.announce(&name, kind));
                }
                Ok(Open::Participant(Box::new(records)))
            }
        }
    }

    /// The manifest, unless the user has been deleted meanwhile: a participant
    /// may then have erased what it was about to hand out. It does so only
    /// after the deletion is committed here, so that this look comes in time.
    async fn end(&mut self) -> Result<Option<Part>, Error> {
        let Some(manifest) = self.manifest.take() else { return Ok(None) };
        user::find(self.cx.db.read(), self.command.user_id).await?.ok_or(Error::UserNotFound)?;
        Ok(Some(Part::Manifest(manifest)))
    }
}

impl ExportUserData {
    fn own(&self, cx: &Cx, kind: OwnKind, record: &OwnRecord) -> Exported {
        let record = (self.encode)(record);
        Exported { participant: cx.name.clone(), kind: kind.name().to_owned(), record }
    }
}
