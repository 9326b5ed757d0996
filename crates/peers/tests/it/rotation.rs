//! Certificates and keys that are replaced while calls go on.

use std::{fs, sync::Arc};

use roster_kernel::ServiceName;
use roster_peers::{Identity, Target, connect};

use crate::world::{
    Authority, INTERNAL, USER, World, call, issue, new_keys, proper, request, service, write,
};

const CALLS: usize = 20;

#[tokio::test]
async fn certificates_and_their_authority_are_replaced_without_a_failed_call() {
    let mut world = World::new().await;
    let folder = world.folder.path();
    let config = world.issue("gateway", &proper("gateway"));
    let gateway = Identity::load(&config).unwrap();
    let target = Target {
        service: ServiceName::from_static("session"),
        addresses: vec![world.address.to_string()],
    };
    let upstream = connect(target, Arc::clone(&gateway), None, world.env.clone());
    let calls = async || {
        let all = (0..CALLS).map(|_| call(&upstream, request(INTERNAL, service("gateway"))));
        for called in futures_util::future::join_all(all).await {
            called.unwrap();
        }
    };
    let refresh = || {
        gateway.refresh();
        world.identity.refresh();
    };
    let connection = async || {
        calls().await;
        world.seen().peer
    };
    let first = connection().await;
    assert_eq!(connection().await, first);
    // Both authorities count, then each service changes, then one counts.
    let new = Authority::new();
    let both = format!("{}{}", world.authority.pem(), new.pem());
    for name in ["gateway", "session"] {
        write(&folder.join(format!("{name}.authority.pem")), &both);
    }
    tokio::join!(calls(), async { refresh() });
    calls().await;
    for name in ["gateway", "session"] {
        let issued = issue(folder, name, &new, &new, &proper(name));
        write(&issued.authority, &both);
        tokio::join!(calls(), async { refresh() });
        calls().await;
    }
    for name in ["gateway", "session"] {
        write(&folder.join(format!("{name}.authority.pem")), &new.pem());
    }
    refresh();
    calls().await;
    // What is open already is not what new calls go over.
    assert_ne!(connection().await, first);
    // Who knows nothing of the old authority is served, and who was issued a
    // certificate by it no longer is.
    let ask = async |by| {
        let identity = issue(folder, "another", by, &new, &proper("gateway"));
        call(&world.to_session(&identity, None), request(INTERNAL, service("gateway"))).await
    };
    ask(&new).await.unwrap();
    ask(&world.authority).await.unwrap_err();
    // The gateway itself shows its new one to whoever asks.
    world.stop().await;
    world.start().await;
    calls().await;
}

#[tokio::test]
async fn assertion_keys_are_replaced_without_a_failed_call() {
    let world = World::new().await;
    let folder = world.folder.path();
    new_keys(folder, &["second"]);
    let identity = world.issue("gateway", &proper("gateway"));
    let [old, new] =
        ["first", "second"].map(|key| world.to_session(&identity, Some(world.signer(key))));
    let public = |name: &str| fs::read_to_string(folder.join(format!("{name}.public"))).unwrap();
    let [first, second] = ["first", "second"].map(public);
    let ask = async |upstream| call(upstream, request(USER, world.user())).await;
    let unknown = Err("ASSERTION_KEY_UNKNOWN".to_owned());

    assert_eq!((ask(&old).await, ask(&new).await), (Ok(()), unknown.clone()));
    write(&folder.join("first.public"), &format!("{first}\n{second}\n"));
    world.keys.refresh();
    assert_eq!((ask(&old).await, ask(&new).await), (Ok(()), Ok(())));
    write(&folder.join("first.public"), &second);
    world.keys.refresh();
    assert_eq!((ask(&old).await, ask(&new).await), (unknown, Ok(())));
}
