use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use pasetors::{
    keys::{AsymmetricKeyPair, AsymmetricSecretKey, Generate as _, SymmetricKey},
    version4::LocalToken,
};
use roster_kernel::{Actor, MachineActor, MachineTokenId, Origin, SessionId, UserActor, UserId};
use roster_testkit::MockClock;
use tempfile::TempDir;

use super::*;

const IDENTITY: ServiceName = ServiceName::from_static("identity");
const SESSION: ServiceName = ServiceName::from_static("session");

fn paserk(key: &impl pasetors::paserk::FormatAsPaserk) -> String {
    let mut text = String::new();
    key.fmt(&mut text).unwrap();
    text
}

struct World {
    folder: TempDir,
    clock: Arc<MockClock>,
    env: Env,
    pairs: [AsymmetricKeyPair<V4>; 2],
}

impl World {
    fn new() -> Self {
        let (clock, env) = roster_testkit::env(1);
        let pairs = [(); 2].map(|()| AsymmetricKeyPair::<V4>::generate().unwrap());
        Self { folder: tempfile::tempdir().unwrap(), clock, env, pairs }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn signer(&self, pair: usize) -> Signer {
        let path = self.write("secret", &paserk(&self.pairs[pair].secret));
        Signer::new(SigningKey::load(&path).unwrap(), self.env.clone())
    }

    fn publish(&self, pairs: &[usize]) -> PathBuf {
        let lines: Vec<_> = pairs.iter().map(|pair| paserk(&self.pairs[*pair].public)).collect();
        self.write("public", &lines.join("\n"))
    }

    fn verifier(&self, audience: ServiceName) -> Verifier {
        let keys = PublicKeys::load(&self.publish(&[0])).unwrap();
        Verifier::new(keys, audience, Duration::from_secs(2), self.env.clone())
    }

    /// Signs anything at all with the edge's own key.
    fn forge(&self, claims: &serde_json::Value) -> String {
        let footer = serde_json::json!({ "kid": self.signer(0).key.id() }).to_string();
        let secret: &AsymmetricSecretKey<V4> = &self.pairs[0].secret;
        PublicToken::sign(secret, claims.to_string().as_bytes(), Some(footer.as_bytes()), None)
            .unwrap()
    }

    fn machine(&self, (read_only, is_admin, must_change): (bool, bool, bool)) -> Caller {
        let machine = MachineActor {
            token_id: MachineTokenId::generate(&self.env),
            issuer_id: UserId::generate(&self.env),
            read_only,
            is_admin,
            password_change_required: must_change,
        };
        Caller { actor: Actor::Machine(machine), ..self.user() }
    }

    fn user(&self) -> Caller {
        Caller {
            actor: Actor::User(UserActor {
                user_id: UserId::generate(&self.env),
                session_id: SessionId::generate(&self.env),
                is_admin: true,
                password_change_required: false,
            }),
            origin: Origin {
                address: Some([192, 0, 2, 7].into()),
                user_agent: "grpcurl/1.9".to_owned(),
            },
            correlation_id: "call-1".to_owned(),
        }
    }
}

/// What the edge itself never signs: a subject that says more, less or
/// something else than one does.
#[test]
fn a_machine_is_what_is_said_of_it_or_nothing() {
    let world = World::new();
    let verifier = world.verifier(IDENTITY);
    let claims = |sub: serde_json::Value| {
        let iat = world.env.now();
        serde_json::json!({
            "iss": "gateway", "aud": "identity", "iat": iat,
            "exp": iat + TimeDelta::seconds(5), "sub": sub, "address": null,
            "user_agent": "", "correlation_id": "",
        })
    };
    let id = UserId::generate(&world.env).to_string();
    let machine = serde_json::json!({
        "token": id, "issuer": id, "read_only": true, "admin": true,
        "password_change_required": false,
    });
    let verify = |sub| verifier.verify(&world.forge(&claims(sub)));
    let good = verify(serde_json::json!({ "machine": machine })).unwrap();
    assert!(matches!(good.actor, Actor::Machine(MachineActor { read_only: true, .. })));
    for field in machine.as_object().unwrap().keys() {
        let mut less = machine.clone();
        less.as_object_mut().unwrap().remove(field);
        let less = verify(serde_json::json!({ "machine": less }));
        assert_eq!(less, Err(Invalid::Malformed), "{field}");
    }
    let mut more = machine.clone();
    more["session"] = id.clone().into();
    let mut odd = machine.clone();
    odd["token"] = "x".into();
    let user = serde_json::json!({
        "id": id, "session": id, "admin": true, "password_change_required": false,
    });
    for sub in [
        serde_json::json!({ "machine": more }),
        serde_json::json!({ "machine": odd }),
        serde_json::json!({ "machine": user }),
        serde_json::json!({ "user": machine }),
        serde_json::json!({ "machine": machine, "user": user }),
        serde_json::json!("machine"),
    ] {
        assert_eq!(verify(sub.clone()), Err(Invalid::Malformed), "{sub}");
    }
}

#[test]
fn what_is_signed_is_what_is_read() {
    let world = World::new();
    let anonymous = Caller { actor: Actor::Anonymous, ..world.user() };
    let machines = [(false, false, false), (true, false, false), (false, true, true)];
    let machines = machines.map(|flags| world.machine(flags));
    for caller in [world.user(), anonymous].into_iter().chain(machines) {
        let assertion = world.signer(0).sign(&caller, &IDENTITY).unwrap();
        assert_eq!(world.verifier(IDENTITY).verify(&assertion), Ok(caller));
    }
    let service = Caller::service(SESSION);
    assert_eq!(world.signer(0).sign(&service, &IDENTITY), None);
}

#[test]
fn an_assertion_is_for_one_service_and_for_seconds() {
    let world = World::new();
    let assertion = world.signer(0).sign(&world.user(), &IDENTITY).unwrap();
    assert_eq!(world.verifier(SESSION).verify(&assertion), Err(Invalid::Audience));
    let verifier = world.verifier(IDENTITY);
    // Ten seconds, and two that the clocks may differ by.
    world.clock.advance(Duration::from_millis(11_999));
    assert!(verifier.verify(&assertion).is_ok());
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(verifier.verify(&assertion), Err(Invalid::Expired));
}

#[test]
fn an_assertion_of_the_future_is_the_clocks_fault() {
    let world = World::new();
    let verifier = world.verifier(IDENTITY);
    let claims = |ahead: i64, life: i64| {
        let iat = world.env.now() + TimeDelta::milliseconds(ahead);
        serde_json::json!({
            "iss": "gateway", "aud": "identity", "iat": iat,
            "exp": iat + TimeDelta::milliseconds(life), "sub": "anonymous", "address": null,
            "user_agent": "", "correlation_id": "",
        })
    };
    assert!(verifier.verify(&world.forge(&claims(2_000, 10_000))).is_ok());
    let ahead = verifier.verify(&world.forge(&claims(2_001, 10_000)));
    assert_eq!(ahead, Err(Invalid::ClockSkew));
    assert_eq!(Refusal::from(Invalid::ClockSkew).code(), Code::Unavailable);
    for life in [10_001, 0, -1] {
        let odd = verifier.verify(&world.forge(&claims(0, life)));
        assert_eq!(odd, Err(Invalid::Life), "{life}");
    }
    let mut other = claims(0, 10_000);
    other["iss"] = "session".into();
    assert_eq!(verifier.verify(&world.forge(&other)), Err(Invalid::Issuer));
    let mut more = claims(0, 10_000);
    more["role"] = "admin".into();
    assert_eq!(verifier.verify(&world.forge(&more)), Err(Invalid::Malformed));
}

#[test]
fn every_altered_byte_is_noticed() {
    let world = World::new();
    let verifier = world.verifier(IDENTITY);
    for caller in [world.user(), world.machine((true, true, false))] {
        let assertion = world.signer(0).sign(&caller, &IDENTITY).unwrap();
        let (body, footer) = assertion[PREFIX.len()..].rsplit_once('.').unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(body).unwrap();
        for index in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[index] ^= 1;
            let altered = format!("{PREFIX}{}.{footer}", URL_SAFE_NO_PAD.encode(altered));
            assert_eq!(verifier.verify(&altered), Err(Invalid::Signature), "byte {index}");
        }
    }
}

#[test]
fn other_algorithms_and_nonsense_are_refused() {
    let world = World::new();
    let verifier = world.verifier(IDENTITY);
    let key = SymmetricKey::<V4>::generate().unwrap();
    let local = LocalToken::encrypt(&key, b"{}", None, None).unwrap();
    let good = world.signer(0).sign(&world.user(), &IDENTITY).unwrap();
    let unsigned = good.rsplit_once('.').unwrap().0;
    let long = "x".repeat(MOST_BYTES + 1);
    for text in ["", "v4.public.", &local, unsigned, &long, &good.replace("v4", "v3")] {
        assert_eq!(verifier.verify(text), Err(Invalid::Malformed), "{text}");
    }
}

#[test]
fn keys_are_replaced_one_after_the_other() {
    let world = World::new();
    let verifier = world.verifier(IDENTITY);
    let [old, new] = [0, 1].map(|pair| world.signer(pair).sign(&world.user(), &IDENTITY).unwrap());
    assert_eq!(verifier.verify(&new), Err(Invalid::UnknownKey));
    world.publish(&[0, 1]);
    verifier.keys.refresh();
    assert!(verifier.verify(&old).is_ok() && verifier.verify(&new).is_ok());
    world.publish(&[1]);
    verifier.keys.refresh();
    assert_eq!(verifier.verify(&old), Err(Invalid::UnknownKey));
    // What cannot be used changes nothing.
    for text in ["", "k4.public.nonsense", &paserk(&world.pairs[0].secret)] {
        world.write("public", text);
        verifier.keys.refresh();
        assert!(verifier.verify(&new).is_ok());
    }
}

#[test]
fn the_secret_key_stays_secret() {
    let world = World::new();
    let text = paserk(&world.pairs[0].secret);
    let path = world.write("secret", &text);
    let shown = format!("{:?}", SigningKey::load(&path).unwrap());
    let bytes = text.strip_prefix("k4.secret.").unwrap();
    assert!(!shown.contains(bytes) && shown.contains("k4.pid."), "{shown}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(SigningKey::load(&path), Err(KeyError::Exposed(_))));
}
