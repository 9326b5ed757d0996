//! Who reaches whom.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{list, name, of, pods, rendered, selected, selects, settings, variables};

/// Which service has to reach which, as their certificates have it.
const CALLS: [(&str, &str); 7] = [
    ("gateway", "identity"),
    ("gateway", "persona"),
    ("gateway", "session"),
    ("identity", "persona"),
    ("identity", "session"),
    ("persona", "identity"),
    ("session", "identity"),
];

#[test]
fn every_address_of_a_service_is_that_of_all_its_replicas() {
    for objects in rendered() {
        let services: BTreeMap<_, _> =
            of(&objects, "Service").into_iter().map(|it| (name(it), it)).collect();
        assert_eq!(services.len(), 7);
        for (what, service) in &services {
            // A command calls those that wait, too.
            let owner = what.strip_suffix("-all").unwrap_or(what);
            assert_eq!(selected(&objects, &service["spec"]["selector"]), [owner]);
            let headless = service["spec"]["clusterIP"] == "None";
            assert_eq!(headless, !what.ends_with("gateway"), "{what}");
            let all = service["spec"]["publishNotReadyAddresses"] == true;
            assert_eq!(all, what.ends_with("-all"), "{what}");
            assert_ports_exist(&objects, owner, service);
        }
        for (owner, pod) in pods(&objects) {
            let container = &pod["spec"]["containers"][0];
            let config = settings(name(owner), variables(name(owner), container));
            let peers = [&config.peers.identity, &config.peers.session, &config.peers.persona];
            for address in peers.into_iter().flatten() {
                let (host, port) = address.rsplit_once(':').unwrap();
                assert_eq!(host.ends_with("-all"), owner["kind"] == "CronJob", "{address}");
                let service = services[host];
                assert_eq!(service["spec"]["ports"][0]["port"].to_string(), port, "{address}");
            }
        }
        for deployment in of(&objects, "Deployment") {
            let container = &deployment["spec"]["template"]["spec"]["containers"][0];
            let config = settings(name(deployment), variables(name(deployment), container));
            let listens = list(&container["ports"]).map(|it| it["containerPort"].as_u64().unwrap());
            let own = if name(deployment).ends_with("gateway") {
                config.listen
            } else {
                config.peers.listen
            };
            let expected =
                [u64::from(own.port()), u64::from(config.metrics_listen.unwrap().port())];
            assert_eq!(listens.collect::<Vec<_>>(), expected, "{}", name(deployment));
        }
    }
}

fn assert_ports_exist(objects: &[Value], what: &str, service: &Value) {
    let mut deployments = of(objects, "Deployment").into_iter();
    let deployment = deployments.find(|it| name(it) == what).unwrap();
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let ports: Vec<_> = list(&container["ports"]).map(|it| &it["name"]).collect();
    for port in list(&service["spec"]["ports"]) {
        assert!(ports.contains(&&port["targetPort"]), "{what}: {port}");
    }
}

/// The parts of the installation that `peers` mean, and how many they mean beside.
fn parts(objects: &[Value], peers: &Value) -> (BTreeSet<String>, usize) {
    let (mut known, mut others) = (BTreeSet::new(), 0);
    for peer in list(peers) {
        let labels = &peer["podSelector"]["matchLabels"];
        let meant = labels.is_object() && labels["roster/part"].is_string();
        if !meant {
            others += 1;
            continue;
        }
        assert!(!selected(objects, labels).is_empty(), "{peer} means nobody");
        known.insert(labels["roster/part"].as_str().unwrap().to_owned());
    }
    (known, others)
}

#[test]
fn nobody_reaches_what_they_need_not() {
    for objects in rendered() {
        let policies = of(&objects, "NetworkPolicy");
        // Each pod is under exactly one.
        for (owner, pod) in pods(&objects) {
            let labels = &pod["metadata"]["labels"];
            let over = policies
                .iter()
                .filter(|it| selects(&it["spec"]["podSelector"]["matchLabels"], labels));
            assert_eq!(over.count(), 1, "{}", name(owner));
        }
        let (mut out, mut into) = (BTreeSet::new(), BTreeSet::new());
        for policy in policies {
            let part =
                policy["spec"]["podSelector"]["matchLabels"]["roster/part"].as_str().unwrap();
            assert_eq!(policy["spec"]["policyTypes"], serde_json::json!(["Ingress", "Egress"]));
            for rule in list(&policy["spec"]["egress"]) {
                assert!(list(&rule["to"]).count() > 0, "{part}: {rule} reaches everybody");
                assert!(list(&rule["ports"]).count() > 0, "{part}: {rule} has no port");
                let (known, _) = parts(&objects, &rule["to"]);
                out.extend(known.into_iter().map(|to| (part.to_owned(), to)));
            }
            for rule in list(&policy["spec"]["ingress"]) {
                let (known, others) = parts(&objects, &rule["from"]);
                let at = rule["ports"][0]["port"].as_str().unwrap();
                let everybody = known.is_empty() && others == 0;
                assert!(!everybody || (part, at) == ("gateway", "clients"), "{part}: {rule}");
                into.extend(known.into_iter().map(|from| (from, part.to_owned())));
            }
        }
        let calls = CALLS.map(|(from, to)| (from.to_owned(), to.to_owned())).into();
        assert_eq!((&out, &into), (&calls, &calls));
    }
}

#[test]
fn tables_and_events_are_for_those_who_have_some() {
    for objects in rendered() {
        for policy in of(&objects, "NetworkPolicy") {
            let part =
                policy["spec"]["podSelector"]["matchLabels"]["roster/part"].as_str().unwrap();
            let rules = list(&policy["spec"]["egress"]);
            let ports: BTreeSet<_> = rules
                .flat_map(|it| list(&it["ports"]))
                .map(|it| it["port"].as_u64().unwrap())
                .collect();
            let expected: &[u64] = match part {
                "gateway" => &[53, 8443],
                "migrate" => &[53, 5432],
                _ => &[53, 4222, 5432, 8443],
            };
            let expected: BTreeSet<_> = expected.iter().copied().collect();
            let without_collector: BTreeSet<_> =
                ports.into_iter().filter(|port| *port != 4317).collect();
            assert_eq!(without_collector, expected, "{part}");
        }
    }
}
