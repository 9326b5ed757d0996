//! Assertions: what the gateway has not signed opens nothing, and what is
//! signed counts for whom it says, where it says, and for as long as it may.

use std::{
    fs,
    net::IpAddr,
    os::unix::fs::PermissionsExt as _,
    sync::{Arc, LazyLock},
    time::Duration,
};

use pasetors::{
    keys::{AsymmetricKeyPair, AsymmetricSecretKey, Generate as _},
    paserk::FormatAsPaserk,
    token::UntrustedToken,
    version4::{PublicToken, V4},
};
use roster_kernel::{
    Actor, Caller, Env, MachineActor, MachineTokenId, Origin, ServiceName, SessionId, Timestamp,
    UserActor, UserId,
};
use roster_peers::assertion::{LONGEST_LIFE, PublicKeys, Signer, SigningKey, Verifier};
use roster_testkit::MockClock;
use serde_json::Value;

use crate::{input::Input, world::Ground};

const IDENTITY: ServiceName = ServiceName::from_static("identity");
const SESSION: ServiceName = ServiceName::from_static("session");

/// By how much the clocks may differ.
const TOLERANCE: Duration = Duration::from_secs(2);

/// No assertion is longer.
const MOST_BYTES: usize = 8 * 1024;

/// What goes along of what a client calls itself, and of the name of a call.
const MOST_USER_AGENT: usize = 512;
const MOST_CORRELATION_ID: usize = 64;

/// The gateway, its key, and two services that know it.
struct Gateway {
    env: Env,
    _clock: Arc<MockClock>,
    secret: AsymmetricSecretKey<V4>,
    footer: Vec<u8>,
    signer: Signer,
    identity: Verifier,
    session: Verifier,
}

static GATEWAY: LazyLock<Gateway> = LazyLock::new(Gateway::new);

/// A header, claims, a footer, what a client calls itself, the name of a call,
/// who calls and from where, and what one byte becomes.
pub fn assertion(_ground: &mut Ground, data: &[u8]) {
    let mut input = Input::new(data);
    let header = input.text();
    assert!(GATEWAY.identity.verify(&header).is_err(), "what nobody has signed counts");
    let (claims, footer) = (input.bytes(), input.bytes());
    if !claims.is_empty() {
        GATEWAY.claimed(claims);
        let signed = GATEWAY.sign(claims, footer);
        assert!(GATEWAY.identity.verify(&signed).is_err(), "a key that is not named counts");
    }
    let caller = GATEWAY.caller(&mut input);
    GATEWAY.spoken_for(&caller, input.bytes());
}

impl Gateway {
    fn new() -> Self {
        let (clock, env) = roster_testkit::env(1);
        let pair = AsymmetricKeyPair::<V4>::generate().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            path
        };
        let key = SigningKey::load(&write("secret", paserk(&pair.secret))).unwrap();
        let keys = PublicKeys::load(&write("public", paserk(&pair.public))).unwrap();
        let signer = Signer::new(key, env.clone());
        let verifier = |audience| Verifier::new(keys.clone(), audience, TOLERANCE, env.clone());
        let (identity, session) = (verifier(IDENTITY), verifier(SESSION));
        let footer = footer_of(&signer, &env);
        Self { env, _clock: clock, secret: pair.secret, footer, signer, identity, session }
    }

    /// Signs anything with the gateway's own key.
    fn sign(&self, claims: &[u8], footer: &[u8]) -> String {
        PublicToken::sign(&self.secret, claims, Some(footer), None).unwrap()
    }

    /// Claims that the key has signed, whoever has made them.
    fn claimed(&self, claims: &[u8]) {
        let signed = self.sign(claims, &self.footer);
        let Ok(caller) = self.identity.verify(&signed) else { return };
        let claims: Value = serde_json::from_slice(claims).unwrap();
        // By name, or by place, which is another way to write the same down.
        let claim = |name: &str, place: usize| {
            let claim = claims.get(name).or_else(|| claims.get(place));
            claim.and_then(Value::as_str).expect("what counts is complete")
        };
        assert_eq!((claim("iss", 0), claim("aud", 1)), ("gateway", "identity"));
        let time = |name, place| claim(name, place).parse::<Timestamp>().unwrap();
        let (issued, expires, now) = (time("iat", 2), time("exp", 3), self.env.now());
        assert!(issued < expires && expires <= issued + LONGEST_LIFE, "it lives too long");
        assert!(issued <= now + TOLERANCE, "it is of the future");
        assert!(now < expires + TOLERANCE, "it is over");
        self.spoken_for(&caller, &[]);
    }

    /// A caller for whom the gateway may speak.
    fn caller(&self, input: &mut Input<'_>) -> Caller {
        let user_agent = input.text().into_owned();
        let correlation_id = input.text().chars().take(MOST_CORRELATION_ID).collect();
        let (who, address) = input.bytes().split_first().unwrap_or((&0, &[]));
        let flag = |bit: u8| who & bit == bit;
        let actor = if *who == 0 {
            Actor::Anonymous
        } else if flag(4) {
            Actor::Machine(MachineActor {
                token_id: MachineTokenId::generate(&self.env),
                issuer_id: UserId::generate(&self.env),
                read_only: flag(8),
                is_admin: flag(1),
                password_change_required: flag(2),
            })
        } else {
            Actor::User(UserActor {
                user_id: UserId::generate(&self.env),
                session_id: SessionId::generate(&self.env),
                is_admin: flag(1),
                password_change_required: flag(2),
            })
        };
        let address = <[u8; 4]>::try_from(address)
            .map(IpAddr::from)
            .or_else(|_| <[u8; 16]>::try_from(address).map(IpAddr::from));
        let origin = Origin { address: address.ok(), user_agent };
        Caller { actor, origin, correlation_id }
    }

    /// What the gateway says of `caller` is read as it was said, by the service
    /// that it was said to; one other byte, and it says nothing.
    fn spoken_for(&self, caller: &Caller, change: &[u8]) {
        let signed = self.signer.sign(caller, &IDENTITY).expect("the caller is no service");
        let user_agent = caller.origin.user_agent.chars().take(MOST_USER_AGENT).collect();
        let origin = Origin { user_agent, ..caller.origin.clone() };
        let said = Caller { origin, ..caller.clone() };
        let read = self.identity.verify(&signed);
        if signed.len() <= MOST_BYTES {
            assert_eq!(read, Ok(said));
        } else {
            assert!(read.is_err(), "an assertion of {} bytes counts", signed.len());
        }
        assert!(self.session.verify(&signed).is_err(), "another service takes it");
        if let [at, byte, ..] = *change {
            let mut changed = signed.clone().into_bytes();
            let at = usize::from(at) * changed.len() / 256;
            changed[at] = byte & 0x7F;
            let changed = String::from_utf8(changed).unwrap();
            let counts = changed != signed && self.identity.verify(&changed).is_ok();
            assert!(!counts, "a changed assertion counts: {changed}");
        }
    }
}

fn paserk(key: &impl FormatAsPaserk) -> String {
    let mut text = String::new();
    key.fmt(&mut text).unwrap();
    text
}

/// How the gateway names its key.
fn footer_of(signer: &Signer, env: &Env) -> Vec<u8> {
    let origin = Origin::default();
    let caller = Caller { actor: Actor::Anonymous, origin, correlation_id: env.uuid().to_string() };
    let assertion = signer.sign(&caller, &IDENTITY).unwrap();
    let token = UntrustedToken::<pasetors::Public, V4>::try_from(&assertion).unwrap();
    token.untrusted_footer().to_vec()
}
