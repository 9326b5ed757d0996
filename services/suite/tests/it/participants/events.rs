//! What the broker may do to the example in Python: repeat, reorder, and hand
//! over what makes no sense.

use std::sync::Arc;

use roster_events::{
    Address, Bus as _, Event, Inflow, JetStreamBus, NatsConfig, Receipt, Subscription,
};
use roster_kernel::{Env, EventId, ServiceName, UserId};
use roster_proto::{
    event::v1::{Receipt as NoEvent, UserDeleted, UserStateChanged},
    subject::v1::{Role, State, SubjectState, Version},
};
use roster_testkit::{TempNats, eventually};

use super::notes::Notes;
use crate::{binary::PATIENCE, cluster::Ground};

const IDENTITY: ServiceName = ServiceName::from_static("identity");

/// Identity, in the hands of the test.
struct Identity {
    bus: Arc<JetStreamBus>,
    receipts: Box<dyn Inflow>,
    env: Env,
}

impl Identity {
    async fn on(ground: &Ground) -> Self {
        let config = NatsConfig {
            servers: vec![ground.broker.url()],
            user: "identity".to_owned(),
            password_file: ground.password_file("identity").unwrap(),
            ..NatsConfig::default()
        };
        let bus = Arc::new(JetStreamBus::connect(&IDENTITY, config).await.unwrap());
        eventually(async || bus.is_connected()).await;
        let receipts = Subscription::Receipts { source: IDENTITY };
        let receipts = bus.subscribe(receipts).await.unwrap();
        Self { bus, receipts, env: Env::system() }
    }

    fn event<M: prost::Message + prost::Name>(&self, user: UserId, message: &M) -> Event {
        Event::new(EventId::generate(&self.env), IDENTITY, user, self.env.now(), message)
    }

    fn deleted(&self, user: UserId, number: i64) -> Event {
        let state = Some(state(user, State::Deleted, number));
        self.event(
            user,
            &UserDeleted { state, deletion_id: UserId::generate(&self.env).to_string() },
        )
    }

    fn changed(&self, user: UserId, number: i64) -> Event {
        let state = Some(state(user, State::Active, number));
        self.event(user, &UserStateChanged { state })
    }

    async fn publish(&self, payload: Vec<u8>) {
        let address = Address::Events { source: IDENTITY };
        self.bus.publish(&address, payload.into()).await.unwrap();
    }

    /// The next receipt.
    async fn receipt(&mut self) -> Receipt {
        let next = tokio::time::timeout(PATIENCE, self.receipts.next()).await;
        let delivery = next.expect("no receipt").unwrap();
        let address =
            Address::Receipts { source: IDENTITY, consumer: ServiceName::from_static("notes") };
        assert_eq!(delivery.address, address);
        let receipt = Receipt::decode(&delivery.payload).unwrap();
        delivery.done().await;
        receipt
    }

    /// What is answered to an event.
    async fn answer(&mut self, event: &Event) -> Receipt {
        self.publish(event.encode()).await;
        self.receipt().await
    }
}

fn state(user: UserId, state: State, number: i64) -> SubjectState {
    SubjectState {
        user_id: user.to_string(),
        version: Some(Version { incarnation: 1, number }),
        session_epoch: 0,
        role: Role::User.into(),
        state: state.into(),
        password_change_required: false,
    }
}

fn erased(receipt: &Receipt) -> Vec<(String, i64)> {
    match receipt {
        Receipt::Done { counts, .. } => counts.clone(),
        Receipt::Failed { failure, .. } => panic!("failed: {failure}"),
    }
}

fn failure(receipt: Receipt) -> String {
    match receipt {
        Receipt::Failed { failure, .. } => failure,
        Receipt::Done { .. } => panic!("carried out: {receipt:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL, a broker and Python: cargo xtask test has them"]
async fn repetitions_and_disorder_have_one_effect_and_poison_is_answered() {
    let (folder, ground) = (tempfile::tempdir().unwrap(), Ground::guarded(&["notes"]).await);
    let mut identity = Identity::on(&ground).await;
    let notes = Notes::on(&ground, folder.path());
    let [alice, bob] = [(); 2].map(|()| UserId::generate(&identity.env));
    notes.write(&alice.to_string(), &["milk", "bread"]);
    let mut running = notes.start();

    // Her end comes before the change that came before it.
    let end = identity.deleted(alice, 9);
    let first = identity.answer(&end).await;
    assert_eq!(erased(&first), [("notes".to_owned(), 2)]);
    let change = identity.changed(alice, 5);
    identity.answer(&change).await;
    let refused = notes.try_write(&alice.to_string(), &["behind her back"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    // The same answer, word for word, however often and after however many
    // starts.
    assert_eq!(identity.answer(&end).await, first);
    running.kill();
    running.wait();
    let mut running = notes.start();
    assert_eq!(identity.answer(&end).await, first);

    // Of somebody never heard of, too.
    identity.answer(&identity.deleted(bob, 3)).await;
    let refused = notes.try_write(&bob.to_string(), &["too late"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");

    // What is not for the notes, or is no event, is passed over in silence.
    let mut told = identity.deleted(bob, 4);
    told.audience = ServiceName::parse("others");
    identity.publish(told.encode()).await;
    identity.publish(b"no event".to_vec()).await;
    let mut told = identity.deleted(bob, 4);
    told.audience = ServiceName::parse("notes");
    let Receipt::Done { event_id, .. } = identity.answer(&told).await else { panic!("failed") };
    assert_eq!(event_id, told.id);

    let poison = identity.event(alice, &UserDeleted::default());
    assert_eq!(failure(identity.answer(&poison).await), "malformed subject state");
    let message = UserStateChanged { state: Some(state(bob, State::Active, 6)) };
    let poison = identity.event(alice, &message);
    let why = "envelope and event name different users";
    assert_eq!(failure(identity.answer(&poison).await), why);
    let unheard_of = identity.event(alice, &NoEvent::default());
    assert_eq!(failure(identity.answer(&unheard_of).await), "unknown kind of event");
    // It goes on behind all that.
    identity.answer(&identity.changed(UserId::generate(&identity.env), 1)).await;
    let ended = running.stop();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let secret = TempNats::password_of("notes");
    assert!(!ended.stderr.contains(&secret), "{}", ended.stderr);
}
