//! What several processes measure, as if one had.

use std::collections::BTreeMap;

/// Adds scrapes up: what has happened has happened at one process or another, and
/// what there is all of them see.
pub fn sum(scrapes: &[String]) -> String {
    let mut kinds = BTreeMap::new();
    let mut said: Vec<&str> = Vec::new();
    let mut values: BTreeMap<&str, f64> = BTreeMap::new();
    for line in scrapes.iter().flat_map(|scrape| scrape.lines()) {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            kinds.extend(kind.split_once(' '));
        }
        if line.starts_with('#') {
            if !said.contains(&line) {
                said.push(line);
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let value: f64 = value.parse().unwrap();
        let name = series.split('{').next().unwrap();
        let is_level = kinds.get(name) == Some(&"gauge");
        let merged = values.entry(series).or_default();
        *merged = if is_level { merged.max(value) } else { *merged + value };
    }
    let values = values.into_iter().map(|(series, value)| format!("{series} {value}"));
    said.into_iter().map(str::to_owned).chain(values).collect::<Vec<_>>().join("\n")
}
