//! What can be called from outside, as the edge's own binary tells it.

use std::process::Command;

#[test]
fn routes_are_listed_with_who_may_call_them() {
    let listed = Command::new(env!("CARGO_BIN_EXE_roster-gateway")).arg("routes").output().unwrap();
    assert!(listed.status.success());
    let listed = String::from_utf8(listed.stdout).unwrap();
    let lines: Vec<_> = listed.lines().collect();
    for expected in [
        "Public /roster.session.v1.SessionService/Login",
        "User /roster.persona.v1.PersonaService/ListPersonas",
        "Admin /roster.identity.v1.UserAdminService/DeleteUser",
    ] {
        assert!(lines.contains(&expected), "{expected}");
    }
    for internal in ["AuthenticationService", "CredentialService", "SubjectDataService"] {
        assert!(!listed.contains(internal), "{internal}");
    }
}
