//! Which service may call which method on its own account.

use std::collections::{HashMap, HashSet};

use roster_kernel::ServiceName;

/// What the services of Roster need of each other, and no more.
const OWN: [(&str, &str); 11] = [
    ("gateway", "/roster.session.v1.AuthenticationService/Authenticate"),
    ("gateway", "/roster.identity.v1.MachineAuthenticationService/AuthenticateMachineToken"),
    ("session", "/roster.identity.v1.CredentialService/VerifyPassword"),
    ("session", "/roster.identity.v1.UserAdminService/BatchGetUsers"),
    ("session", LEDGER),
    ("persona", "/roster.identity.v1.UserAdminService/BatchGetUsers"),
    ("persona", LEDGER),
    ("identity", "/roster.subject.v1.SubjectDataService/CountSubjectData"),
    ("identity", "/roster.subject.v1.SubjectDataService/SumSubjectData"),
    ("identity", "/roster.subject.v1.SubjectDataService/ExportSubjectData"),
    ("identity", "/roster.subject.v1.SubjectDataService/ListSubjects"),
];
const LEDGER: &str = "/roster.identity.v1.SubjectLedgerService/ListSubjectStates";

/// A rule that names no service, or no method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no service name, or {1:?} no path /package.Service/Method")]
pub struct InvalidRule(String, String);

/// Which service may call which method on its own account.
#[derive(Clone, Debug, Default)]
pub struct AllowList {
    callers: HashMap<String, HashSet<ServiceName>>,
}

impl AllowList {
    /// What the services of Roster need of each other, and `more`: pairs of a
    /// service and the path of a method, compared byte for byte.
    pub fn new<'a>(
        more: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, InvalidRule> {
        let mut callers: HashMap<String, HashSet<ServiceName>> = HashMap::new();
        for (service, path) in OWN.into_iter().chain(more) {
            let invalid = || InvalidRule(service.to_owned(), path.to_owned());
            let name = ServiceName::parse(service).ok_or_else(invalid)?;
            if !path.starts_with('/') || path.split('/').count() != 3 || path.ends_with('/') {
                return Err(invalid());
            }
            callers.entry(path.to_owned()).or_default().insert(name);
        }
        Ok(Self { callers })
    }

    /// Whether `service` may call the method of `path`.
    #[must_use]
    pub fn allows(&self, service: &ServiceName, path: &str) -> bool {
        self.callers.get(path).is_some_and(|callers| callers.contains(service))
    }
}

#[cfg(test)]
mod tests {
    use roster_server::AccessTable;

    use super::*;

    #[test]
    fn every_rule_is_about_a_method_of_the_contracts() {
        let table = AccessTable::new(roster_proto::FILE_DESCRIPTOR_SET).unwrap();
        for (_, path) in OWN {
            assert!(table.find(path).is_some(), "{path}");
        }
    }

    #[test]
    fn nobody_may_call_what_is_not_listed_for_them() {
        let list =
            AllowList::new([("crm", "/roster.identity.v1.UserAdminService/GetUser")]).unwrap();
        let [crm, session] = ["crm", "session"].map(|name| ServiceName::parse(name).unwrap());
        assert!(list.allows(&crm, "/roster.identity.v1.UserAdminService/GetUser"));
        assert!(!list.allows(&crm, "/roster.identity.v1.UserAdminService/DeleteUser"));
        assert!(!list.allows(&session, "/roster.identity.v1.UserAdminService/GetUser"));
        assert!(list.allows(&session, "/roster.identity.v1.CredentialService/VerifyPassword"));
        assert!(!list.allows(&crm, "/roster.identity.v1.CredentialService/VerifyPassword"));
        for (name, path) in [("Crm", "/a.B/C"), ("crm", "a.B/C"), ("crm", "/a.B/"), ("crm", "/a")] {
            assert!(AllowList::new([(name, path)]).is_err(), "{name} {path}");
        }
    }
}
