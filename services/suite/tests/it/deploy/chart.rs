//! The Helm chart, rendered with its own values and with everything turned on.

mod network;

use std::{collections::HashSet, process::Command};

use serde_json::Value;

use super::{assert_understood, settings, texts};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/helm/roster");

/// What stands for a value that a Secret has.
const DATABASE: &str = "postgres://roster@database/roster";

/// The objects that the chart makes with its own values, and with everything
/// turned on.
fn rendered() -> [Vec<Value>; 2] {
    [render(&[]), render(&["--values", &format!("{FOLDER}/ci/full-values.yaml")])]
}

fn helm(arguments: &[&str]) -> std::process::Output {
    let mut helm = Command::new("helm");
    helm.args(["template", "users", FOLDER, "--kube-version", "1.30"]).args(arguments);
    helm.output()
        .expect("helm is not in PATH: `cargo xtask test` fetches it into target/tools/helm")
}

fn render(arguments: &[&str]) -> Vec<Value> {
    let output = helm(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let all: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    all.into_iter().filter(|object| !object.is_null()).collect()
}

fn of<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// What pods are made from: what makes them, and what they are.
fn pods(objects: &[Value]) -> Vec<(&Value, &Value)> {
    let template = |object: &Value| match object["kind"].as_str().unwrap() {
        "Deployment" | "Job" => Some("/spec/template".to_owned()),
        "CronJob" => Some("/spec/jobTemplate/spec/template".to_owned()),
        _ => None,
    };
    objects
        .iter()
        .filter_map(|object| Some((object, object.pointer(&template(object)?).unwrap())))
        .collect()
}

/// Whether an object with `labels` is one that `selector` means.
fn selects(selector: &Value, labels: &Value) -> bool {
    let wanted = selector.as_object().unwrap();
    !wanted.is_empty() && wanted.iter().all(|(key, value)| labels[key] == *value)
}

/// The variables of a container, secrets included.
fn variables(what: &str, container: &Value) -> Vec<(String, String)> {
    let mut names = HashSet::new();
    let given = list(&container["env"]).map(|variable| {
        let name = variable["name"].as_str().unwrap().to_owned();
        assert!(names.insert(name.clone()), "{what}: {name} is given twice");
        let secret = !variable["valueFrom"]["secretKeyRef"].is_null();
        let value = match (name.as_str(), variable["value"].as_str()) {
            ("ROSTER__DATABASE__URL", None) if secret => DATABASE,
            ("ADMIN_PASSWORD", None) if secret => "a password",
            ("ROSTER__TELEMETRY__INSTANCE_ID", None) => "pod",
            (_, Some(value)) => value,
            (_, None) => panic!("{what}: {name} has no value"),
        };
        (name, value.to_owned())
    });
    given.collect()
}

#[test]
fn every_container_is_started_with_settings_that_exist_and_files_that_are_there() {
    for objects in rendered() {
        let mut started = 0;
        for (owner, pod) in pods(&objects) {
            for container in list(&pod["spec"]["containers"]) {
                started += 1;
                let what = name(owner);
                let arguments = texts(&container["args"]);
                assert_understood(what, &arguments);
                let given = variables(what, container);
                assert_files_are_there(what, pod, container, &given);
                let config = settings(what, given);
                if owner["kind"] == "Job" {
                    continue;
                }
                assert!(config.is_apart(), "{what}");
                let stores = !what.contains("gateway");
                assert_eq!(!config.database.url.is_empty(), stores, "{what}");
                assert_eq!(!config.events.servers.is_empty(), stores, "{what}");
                assert_eq!(config.peers.assertion_key.as_os_str().is_empty(), stores, "{what}");
                let grace = &pod["spec"]["terminationGracePeriodSeconds"];
                let before = &container["lifecycle"]["preStop"]["sleep"]["seconds"];
                if owner["kind"] == "Deployment" {
                    let needed = config.server.drain_seconds + before.as_u64().unwrap();
                    assert!(grace.as_u64().unwrap() > needed, "{what}");
                }
            }
        }
        assert!(started >= 8, "{started}");
    }
}

/// Every file that a setting names is in a folder that is mounted, from a volume
/// that there is.
fn assert_files_are_there(what: &str, pod: &Value, container: &Value, given: &[(String, String)]) {
    let volumes: Vec<_> = list(&pod["spec"]["volumes"]).map(|it| &it["name"]).collect();
    let mut folders = Vec::new();
    for mount in list(&container["volumeMounts"]) {
        assert!(volumes.contains(&&mount["name"]), "{what}: {mount}");
        assert_eq!(mount["readOnly"], true, "{what}: {mount}");
        folders.push(mount["mountPath"].as_str().unwrap());
    }
    for (name, file) in given.iter().filter(|(_, value)| value.starts_with('/')) {
        let folder = file.rsplit_once('/').unwrap().0;
        assert!(folders.contains(&folder), "{what}: {name}={file}");
    }
}

#[test]
fn no_container_has_a_right_that_it_does_not_need() {
    for objects in rendered() {
        assert!(of(&objects, "Secret").is_empty() && of(&objects, "ServiceAccount").is_empty());
        for (owner, pod) in pods(&objects) {
            let (what, spec) = (name(owner), &pod["spec"]);
            assert_eq!(spec["automountServiceAccountToken"], false, "{what}");
            let context = &spec["securityContext"];
            assert_eq!(context["runAsNonRoot"], true, "{what}");
            assert_eq!(context["seccompProfile"]["type"], "RuntimeDefault", "{what}");
            assert!(context["runAsUser"].as_u64().unwrap() > 0, "{what}");
            for volume in list(&spec["volumes"]) {
                let secret = &volume["secret"];
                assert!(secret.is_null() || secret["defaultMode"] == 0o400, "{what}: {volume}");
                assert!(volume["hostPath"].is_null(), "{what}: {volume}");
            }
            for container in list(&spec["containers"]) {
                let context = &container["securityContext"];
                for (right, given) in [
                    ("allowPrivilegeEscalation", false),
                    ("privileged", false),
                    ("readOnlyRootFilesystem", true),
                ] {
                    assert_eq!(context[right], given, "{what}: {right}");
                }
                assert_eq!(texts(&context["capabilities"]["drop"]), ["ALL"], "{what}");
                assert!(context["capabilities"]["add"].is_null(), "{what}");
                assert!(container["resources"]["limits"]["memory"].is_string(), "{what}");
                assert!(container["resources"]["requests"]["cpu"].is_string(), "{what}");
            }
        }
    }
}

#[test]
fn every_service_is_asked_how_it_is_and_may_be_missed_once() {
    for (full, objects) in rendered().into_iter().enumerate() {
        let deployments = of(&objects, "Deployment");
        assert_eq!(deployments.len(), 4);
        for deployment in &deployments {
            let (what, template) = (name(deployment), &deployment["spec"]["template"]);
            assert!(selects(
                &deployment["spec"]["selector"]["matchLabels"],
                &template["metadata"]["labels"]
            ));
            let container = &template["spec"]["containers"][0];
            let ports: Vec<_> = list(&container["ports"]).map(|port| &port["name"]).collect();
            for (probe, path) in [
                ("livenessProbe", "/healthz"),
                ("readinessProbe", "/readyz"),
                ("startupProbe", "/healthz"),
            ] {
                let asked = &container[probe]["httpGet"];
                assert_eq!(asked["path"], path, "{what}: {probe}");
                assert!(ports.contains(&&asked["port"]), "{what}: {probe}");
            }
            let scaled = of(&objects, "HorizontalPodAutoscaler").into_iter().any(|scaler| {
                let target = &scaler["spec"]["scaleTargetRef"];
                target["kind"] == "Deployment" && target["name"] == what
            });
            // Two that both say how many there are would never agree.
            assert_eq!(scaled, full == 1, "{what}");
            assert_eq!(deployment["spec"]["replicas"].is_null(), scaled, "{what}");
            for constraint in list(&template["spec"]["topologySpreadConstraints"]) {
                let selector = &constraint["labelSelector"]["matchLabels"];
                assert!(selects(selector, &template["metadata"]["labels"]), "{what}");
            }
        }
        let budgets = of(&objects, "PodDisruptionBudget");
        assert_eq!(budgets.len(), deployments.len());
        for budget in budgets {
            let selector = &budget["spec"]["selector"]["matchLabels"];
            assert_eq!(selected(&objects, selector), [name(budget)]);
        }
    }
}

/// The names of what makes the pods that `selector` means.
fn selected<'a>(objects: &'a [Value], selector: &Value) -> Vec<&'a str> {
    let meant = |pod: &Value| selects(selector, &pod["metadata"]["labels"]);
    let owners = pods(objects).into_iter().filter(|(_, pod)| meant(pod));
    owners.map(|(owner, _)| name(owner)).collect()
}

#[test]
fn migrations_run_before_the_first_process_of_a_version() {
    let [objects, full] = rendered();
    for (objects, commands) in [
        (objects, vec![vec!["migrate"]]),
        (
            full,
            vec![
                vec!["migrate", "identity"],
                vec!["migrate", "persona"],
                vec!["migrate", "session"],
            ],
        ),
    ] {
        let [job] = of(&objects, "Job").try_into().unwrap();
        let hook = &job["metadata"]["annotations"]["helm.sh/hook"];
        assert_eq!(hook, "pre-install,pre-upgrade");
        let containers = list(&job["spec"]["template"]["spec"]["containers"]);
        let run: Vec<_> = containers.map(|it| texts(&it["args"])).collect();
        assert_eq!(run, commands);
    }
}

#[test]
fn certificates_name_their_services_in_both_ways() {
    let [_, objects] = rendered();
    let certificates = of(&objects, "Certificate");
    assert_eq!(certificates.len(), 4);
    for certificate in certificates {
        let service = name(certificate).rsplit('-').next().unwrap();
        assert_eq!(texts(&certificate["spec"]["dnsNames"]), [service]);
        let uri = format!("spiffe://users.example.org/roster/{service}");
        assert_eq!(texts(&certificate["spec"]["uris"]), [uri]);
        let secret = certificate["spec"]["secretName"].as_str().unwrap();
        let [deployment] = of(&objects, "Deployment")
            .into_iter()
            .filter(|it| name(it).ends_with(service))
            .collect::<Vec<_>>()
            .try_into()
            .unwrap();
        let volumes = list(&deployment["spec"]["template"]["spec"]["volumes"]);
        let mut used = volumes.map(|it| &it["secret"]["secretName"]);
        assert!(used.any(|it| it == secret), "{service}");
    }
}

#[test]
fn the_rules_are_those_that_are_there_for_everybody() {
    let rules = include_str!("../../../../../deploy/prometheus/roster.rules.yml");
    let shipped = include_str!("../../../../../deploy/helm/roster/files/roster.rules.yml");
    assert_eq!(rules, shipped, "copy deploy/prometheus/roster.rules.yml into the chart");
    let [_, objects] = rendered();
    let [rule] = of(&objects, "PrometheusRule").try_into().unwrap();
    let rules: Value = serde_saphyr::from_str(rules).unwrap();
    assert_eq!(rule["spec"], rules);
}

#[test]
fn values_that_make_no_sense_are_refused() {
    for value in [
        "database.urlSecret.nam=x",
        "gateway.tlsSecret=",
        "services.identity.env.ROSTR__LOG__FILTER=debug",
        "services.sesion.replicas=3",
        "events.servers={nats://user:word@host:4222}",
        "events.replicas=2",
        "drainSeconds=0",
    ] {
        let output = helm(&["--set", value]);
        assert!(!output.status.success(), "{value}");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains("schema"), "{value}: {told}");
    }
}
