//! Who may call which method: the contract's access options as a table.

use std::{collections::HashMap, sync::Arc};

use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, Value};
use roster_kernel::{Actor, MachineActor};
use tonic::Code;

use crate::Refusal;

const OPTION: &str = "roster.access.v1.access";

/// The value of the option `idempotency_level` of methods that change nothing.
const NO_SIDE_EFFECTS: i32 = 1;

/// The kind of caller that a method is open to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Anyone.
    Public,
    /// Any signed-in user.
    User,
    /// Administrators.
    Admin,
    /// Services of the installation.
    Internal,
}

/// The access rule of one method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodAccess {
    /// The kind of caller that the method is open to.
    pub level: Level,
    /// Whether a user who must choose a new password may call it.
    pub while_password_change_required: bool,
    /// Whether only a signed-in user may call it.
    pub user_required: bool,
    /// Whether it changes nothing.
    pub reads: bool,
    /// Where more than one message may go in one call.
    pub streams: Streams,
}

/// In which directions more than one message may go in one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streams {
    /// From the caller.
    pub requests: bool,
    /// To the caller.
    pub answers: bool,
    /// Whether they go on for as long as what they tell of, or until a server that
    /// stops ends them.
    pub open_ended: bool,
}

impl Streams {
    /// Whether the call may go on for ever.
    #[must_use]
    pub const fn any(self) -> bool {
        self.requests || self.answers
    }
}

/// The access rules of every method of the contracts.
#[derive(Clone, Debug)]
pub struct AccessTable {
    rules: Arc<HashMap<String, MethodAccess>>,
}

/// A descriptor set that access rules cannot be read from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unusable descriptor set: {0}")]
pub struct InvalidDescriptors(String);

impl AccessTable {
    /// Reads the rules from an encoded descriptor set. A method without one
    /// is left out: to callers it does not exist.
    pub fn new(descriptors: &[u8]) -> Result<Self, InvalidDescriptors> {
        let pool = DescriptorPool::decode(descriptors)
            .map_err(|error| InvalidDescriptors(error.to_string()))?;
        let option = pool
            .get_extension_by_name(OPTION)
            .ok_or_else(|| InvalidDescriptors(format!("no option {OPTION}")))?;
        let methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
        let rules = methods.filter_map(|method| {
            let options = method.options();
            let Value::Message(access) = options.get_extension(&option).into_owned() else {
                return None;
            };
            Some((path(&method), rule(&method, &access)?))
        });
        Ok(Self { rules: Arc::new(rules.collect()) })
    }

    /// The rule of a method, by its path `/package.Service/Method`.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<MethodAccess> {
        self.rules.get(path).copied()
    }

    /// Every method with its rule, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, MethodAccess)> {
        self.rules.iter().map(|(path, rule)| (path.as_str(), *rule))
    }
}

fn path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

fn rule(method: &MethodDescriptor, access: &DynamicMessage) -> Option<MethodAccess> {
    let level = match access.get_field_by_name("level")?.as_enum_number()? {
        1 => Level::Public,
        2 => Level::User,
        3 => Level::Admin,
        4 => Level::Internal,
        _ => return None,
    };
    let flag = |name| access.get_field_by_name(name)?.as_bool();
    let streams = Streams {
        requests: method.is_client_streaming(),
        answers: method.is_server_streaming(),
        open_ended: flag("open_ended")?,
    };
    Some(MethodAccess {
        level,
        while_password_change_required: flag("while_password_change_required")?,
        user_required: flag("user_required")?,
        reads: method.options().get_field_by_name("idempotency_level")?.as_enum_number()?
            == NO_SIDE_EFFECTS,
        streams,
    })
}

impl MethodAccess {
    /// The rule of a method that is open to anyone.
    #[must_use]
    pub const fn public(streams: Streams) -> Self {
        Self {
            level: Level::Public,
            while_password_change_required: true,
            user_required: false,
            reads: false,
            streams,
        }
    }

    /// Whether `actor` may call the method.
    ///
    /// A service may call what administrators may: session shows the users'
    /// names, and asks for them with the same method as an administrator.
    pub fn decide(self, actor: &Actor) -> Result<(), Refusal> {
        match (self.level, actor) {
            (Level::Admin, Actor::Service(_)) if self.user_required => Err(user_required()),
            (Level::Public, _) | (Level::Admin | Level::Internal, Actor::Service(_)) => Ok(()),
            (Level::User | Level::Admin, Actor::Anonymous) => Err(unauthenticated()),
            (Level::User, Actor::User(user)) => {
                self.password_is_settled(user.password_change_required)
            }
            (Level::User, Actor::Machine(_) | Actor::Service(_)) => Err(user_required()),
            (Level::Admin, Actor::User(user)) if user.is_admin => {
                self.password_is_settled(user.password_change_required)
            }
            (Level::Admin, Actor::User(_)) => Err(admin_required()),
            (Level::Admin, Actor::Machine(machine)) => self.decide_machine(machine),
            (Level::Internal, Actor::Anonymous | Actor::User(_) | Actor::Machine(_)) => {
                Err(Refusal::new(
                    Code::PermissionDenied,
                    "INTERNAL_ONLY",
                    "Only services of this installation can call this",
                ))
            }
        }
    }

    /// What is for administrators, for a program: what its issuer may do, less
    /// what its token is not for.
    fn decide_machine(self, machine: &MachineActor) -> Result<(), Refusal> {
        if self.user_required {
            return Err(user_required());
        }
        if !machine.is_admin {
            return Err(admin_required());
        }
        self.password_is_settled(machine.password_change_required)?;
        if machine.read_only && !self.reads {
            return Err(Refusal::new(
                Code::PermissionDenied,
                "READ_ONLY_TOKEN",
                "This machine token may only look; use one with the scope to administer",
            ));
        }
        Ok(())
    }

    fn password_is_settled(self, change_required: bool) -> Result<(), Refusal> {
        if change_required && !self.while_password_change_required {
            return Err(Refusal::new(
                Code::PermissionDenied,
                "PASSWORD_CHANGE_REQUIRED",
                "Change your password first",
            ));
        }
        Ok(())
    }
}

/// The refusal of whoever is not an administrator.
#[must_use]
pub fn admin_required() -> Refusal {
    Refusal::new(Code::PermissionDenied, "ADMIN_REQUIRED", "Admin access required")
}

/// The refusal of programs where a person is asked for.
#[must_use]
pub fn user_required() -> Refusal {
    Refusal::new(Code::PermissionDenied, "USER_REQUIRED", "Only a signed-in user can do this")
}

/// The refusal of whoever has not signed in.
#[must_use]
pub fn unauthenticated() -> Refusal {
    Refusal::new(Code::Unauthenticated, "UNAUTHENTICATED", "Sign in first")
}

#[cfg(test)]
mod tests {
    use roster_kernel::{Env, MachineTokenId, ServiceName, SessionId, UserActor, UserId};

    use super::*;

    fn user(is_admin: bool, password_change_required: bool) -> Actor {
        let env = Env::system();
        Actor::User(UserActor {
            user_id: UserId::generate(&env),
            session_id: SessionId::generate(&env),
            is_admin,
            password_change_required,
        })
    }

    #[test]
    fn every_level_meets_every_actor() {
        let service = Actor::Service(ServiceName::parse("session").unwrap());
        let actors =
            [Actor::Anonymous, user(false, false), user(true, false), user(true, true), service];
        let expected = [
            (Level::Public, ["", "", "", "", ""]),
            (Level::User, ["UNAUTHENTICATED", "", "", "PASSWORD_CHANGE_REQUIRED", "USER_REQUIRED"]),
            (
                Level::Admin,
                ["UNAUTHENTICATED", "ADMIN_REQUIRED", "", "PASSWORD_CHANGE_REQUIRED", ""],
            ),
            (
                Level::Internal,
                ["INTERNAL_ONLY", "INTERNAL_ONLY", "INTERNAL_ONLY", "INTERNAL_ONLY", ""],
            ),
        ];
        for (level, reasons) in expected {
            let access = MethodAccess {
                level,
                while_password_change_required: false,
                ..MethodAccess::public(Streams::default())
            };
            for (actor, reason) in actors.iter().zip(reasons) {
                let decided = access.decide(actor).err().map_or("", |refusal| refusal.reason());
                assert_eq!(decided, reason, "{level:?} {actor:?}");
            }
        }
    }

    fn machine(is_admin: bool, read_only: bool, password_change_required: bool) -> Actor {
        let env = Env::system();
        Actor::Machine(MachineActor {
            token_id: MachineTokenId::generate(&env),
            issuer_id: UserId::generate(&env),
            read_only,
            is_admin,
            password_change_required,
        })
    }

    #[test]
    fn a_machine_may_do_what_its_issuer_may_and_its_token_is_for() {
        let actors = [
            machine(true, false, false),
            machine(true, true, false),
            machine(false, false, false),
            machine(false, true, false),
            machine(true, false, true),
        ];
        let no_admin = "ADMIN_REQUIRED";
        let to_change = "PASSWORD_CHANGE_REQUIRED";
        // (level, changes nothing, for users alone), and what each is told.
        let expected = [
            ((Level::Public, false, false), [""; 5]),
            ((Level::User, true, false), ["USER_REQUIRED"; 5]),
            ((Level::Admin, true, false), ["", "", no_admin, no_admin, to_change]),
            ((Level::Admin, false, false), ["", "READ_ONLY_TOKEN", no_admin, no_admin, to_change]),
            ((Level::Admin, false, true), ["USER_REQUIRED"; 5]),
            ((Level::Internal, true, false), ["INTERNAL_ONLY"; 5]),
        ];
        for ((level, reads, user_required), reasons) in expected {
            let access = MethodAccess {
                level,
                while_password_change_required: false,
                user_required,
                reads,
                ..MethodAccess::public(Streams::default())
            };
            for (actor, reason) in actors.iter().zip(reasons) {
                let decided = access.decide(actor).err();
                let decided = decided.as_ref().map_or("", Refusal::reason);
                assert_eq!(decided, reason, "{access:?} {actor:?}");
            }
        }
    }

    #[test]
    fn what_outlives_the_call_is_not_for_services_either() {
        let service = Actor::Service(ServiceName::from_static("crm"));
        let open = MethodAccess { level: Level::Admin, ..MethodAccess::public(Streams::default()) };
        assert_eq!(open.decide(&service), Ok(()));
        let for_users = MethodAccess { user_required: true, ..open };
        assert_eq!(for_users.decide(&service), Err(user_required()));
    }

    #[test]
    fn a_method_can_be_open_while_the_password_must_be_changed() {
        let access =
            MethodAccess { level: Level::User, ..MethodAccess::public(Streams::default()) };
        assert_eq!(access.decide(&user(false, true)), Ok(()));
    }

    #[test]
    fn the_contracts_are_read() {
        let table = AccessTable::new(roster_proto::FILE_DESCRIPTOR_SET).unwrap();
        let authenticate = "/roster.session.v1.AuthenticationService/Authenticate";
        let rule = table.find(authenticate).unwrap();
        assert_eq!((rule.level, rule.streams.any()), (Level::Internal, false));
        let export = "/roster.subject.v1.SubjectDataService/ExportSubjectData";
        assert!(table.find(export).unwrap().streams.answers);
        let of_tokens = |method: &str| {
            table.find(&format!("/roster.identity.v1.MachineTokenService/{method}")).unwrap()
        };
        let flags = |rule: MethodAccess| (rule.user_required, rule.reads);
        assert_eq!(flags(of_tokens("IssueMachineToken")), (true, false));
        assert_eq!(flags(of_tokens("ListMachineTokens")), (false, true));
        assert!(table.find("/roster.session.v1.AuthenticationService/Nothing").is_none());
        assert!(AccessTable::new(b"rubbish").is_err());
    }
}
