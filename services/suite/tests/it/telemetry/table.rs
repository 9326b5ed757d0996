//! What the documents say about metrics is what there is.

use std::collections::{BTreeMap, BTreeSet};

use roster_proto::{
    identity::v1::DeleteUserRequest,
    persona::v1::{CreatePersonaRequest, Persona},
};

use crate::world::World;

const TABLE: &str = include_str!("../../../../../deploy/metrics.md");
const RULES: &str = include_str!("../../../../../deploy/prometheus/roster.rules.yml");
const DASHBOARD: &str = include_str!("../../../../../deploy/grafana/roster.json");

/// The metric that is there only with TLS.
const CERTIFICATE: &str = "roster_tls_certificate_time_left_seconds";

/// What is said of a metric.
#[derive(Debug, Default, PartialEq, Eq)]
struct Metric {
    kind: String,
    meaning: String,
    labels: BTreeSet<String>,
}

/// The rows of the table, under the names that Prometheus has for them.
fn documented() -> BTreeMap<String, Metric> {
    let rows = TABLE.lines().filter(|line| line.starts_with("| `"));
    let metrics = rows.map(|row| {
        let columns: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, unit, attributes, meaning] = columns[..] else { panic!("{row}") };
        let plain = |name: &str| name.trim_matches('`').replace('.', "_");
        let unit = match unit {
            "s" => "_seconds",
            "By" => "_bytes",
            _ => "",
        };
        let total = if kind == "counter" { "_total" } else { "" };
        let labels = attributes.split(',').map(|it| plain(it.trim())).filter(|it| !it.is_empty());
        let metric =
            Metric { kind: kind.to_owned(), meaning: meaning.to_owned(), labels: labels.collect() };
        (plain(name) + unit + total, metric)
    });
    metrics.collect()
}

/// What a scrape finds.
fn exported(scrape: &str) -> BTreeMap<String, Metric> {
    let mut metrics: BTreeMap<String, Metric> = BTreeMap::new();
    for line in scrape.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, meaning) = help.split_once(' ').unwrap();
            meaning.clone_into(&mut metrics.entry(name.to_owned()).or_default().meaning);
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            kind.clone_into(&mut metrics.entry(name.to_owned()).or_default().kind);
        } else {
            let (name, labels) = line.split_once('{').unwrap_or((line, ""));
            let name = name.split(' ').next().unwrap();
            let parts = ["_bucket", "_sum", "_count"];
            let family = parts.iter().filter_map(|it| name.strip_suffix(it));
            let family = family.into_iter().find(|it| metrics.contains_key(*it)).unwrap_or(name);
            let labels = labels.split("\",").filter_map(|it| it.split_once('='));
            let labels = labels.map(|(label, _value)| label.to_owned()).filter(|it| it != "le");
            metrics.get_mut(family).unwrap().labels.extend(labels);
        }
    }
    // About the process that is scraped, and no metric of Roster's.
    metrics.remove("target_info");
    metrics
}

#[tokio::test]
async fn the_table_holds_every_metric_and_no_other() {
    let world = World::new().await;
    let leaving = world.create_signed_in("leaving").await;
    let persona = Persona { name: Some("One".to_owned()), ..Persona::default() };
    let request = CreatePersonaRequest { persona: Some(persona), ..Default::default() };
    leaving.personas().create_persona(request).await.unwrap();
    let request = DeleteUserRequest { user_id: leaving.user_id.clone(), ..Default::default() };
    world.drive(world.admin.users().delete_user(request)).await.unwrap();
    world.settle().await;
    let exported = exported(&world.suite.scrape());
    let mut documented = documented();
    // Where there is a certificate: the test of TLS scrapes it.
    assert!(documented.remove(CERTIFICATE).is_some());
    for (name, metric) in &documented {
        assert_eq!(exported.get(name), Some(metric), "{name}");
    }
    assert!(exported.keys().eq(documented.keys()), "{:?}", exported.keys());
}

/// The metrics that `expressions` are about, all of which exist.
fn named<'a>(expressions: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    const FUNCTIONS: [&str; 2] = ["histogram_quantile", "min_over_time"];

    let documented = documented();
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let mut named = BTreeSet::new();
    for expression in expressions {
        // What Grafana puts in is none of a metric's names.
        let plain = expression.replace("$__rate_interval", "5m");
        for name in plain.split(word).filter(|it| it.contains('_')) {
            let parts = ["_bucket", "_count"];
            let family = parts.iter().find_map(|it| name.strip_suffix(it)).unwrap_or(name);
            if documented.contains_key(family) {
                named.insert(family.to_owned());
            } else {
                let is_label = documented.values().any(|metric| metric.labels.contains(name));
                assert!(is_label || FUNCTIONS.contains(&name), "{name}: {expression}");
            }
        }
    }
    named
}

#[test]
fn the_alerts_are_about_metrics_that_exist() {
    let expressions = RULES.lines().filter(|line| !line.trim_start().starts_with(['#', '-', 's']));
    let named = named(expressions);
    for watched in ["roster_orphans", "roster_outbox_oldest_age_seconds"] {
        assert!(named.contains(watched), "{watched}");
    }
    assert!(named.len() >= 7, "{named:?}");
}

#[test]
fn the_dashboard_shows_metrics_that_exist() {
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let shown = named(targets.map(|target| target["expr"].as_str().unwrap()));
    assert!(shown.len() >= 18, "{shown:?}");
    let titles: BTreeSet<_> = panels.iter().map(|panel| panel["title"].as_str()).collect();
    assert_eq!(titles.len(), panels.len());
}
