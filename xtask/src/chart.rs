//! The Helm chart: what it renders is what Kubernetes takes.
//!
//! That it is right, too, is for the tests of `services/suite` to say
//! (`tests/it/deploy.rs`).

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result, ensure};

use crate::{
    check::{root, run},
    tools,
};

/// The versions of Kubernetes whose objects are asked for: the oldest that the
/// chart is for, and the newest that there are schemas of.
const VERSIONS: [&str; 2] = ["1.30", "1.37"];

/// The chart, and the values that turn everything on.
const CHART: &str = "deploy/helm/roster";
const FULL: &str = "deploy/helm/roster/ci/full-values.yaml";

/// Lints the chart, renders it with its own values and with everything turned on,
/// and compares every object with its schema. Objects that are not Kubernetes'
/// own, such as those of cert-manager, have none here.
pub fn check() -> Result<()> {
    let schemas = tools::kubernetes_validate()?;
    for (name, values) in [("default", None), ("full", Some(FULL))] {
        let mut lint = helm(&["lint", "--strict", CHART], VERSIONS[0])?;
        lint.args(values.iter().flat_map(|file| ["--values", file]));
        run(&format!("chart, {name} values"), lint)?;
        let rendered = render(name, values)?;
        for version in VERSIONS {
            let mut validate = Command::new(&schemas);
            validate.args(["--quiet", "--strict", "--no-warn", "-k", version]).arg(&rendered);
            run(&format!("objects of Kubernetes {version}"), validate)?;
        }
    }
    Ok(())
}

fn helm(arguments: &[&str], version: &str) -> Result<Command> {
    let mut helm = Command::new(tools::helm()?);
    helm.args(arguments).args(["--kube-version", version]).current_dir(root());
    Ok(helm)
}

/// Renders the chart into a file.
fn render(name: &str, values: Option<&str>) -> Result<PathBuf> {
    let mut template = helm(&["template", "roster", CHART], VERSIONS[0])?;
    template.args(values.iter().flat_map(|file| ["--values", file]));
    let output = template.output().with_context(|| format!("cannot start {template:?}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the chart cannot be rendered:\n{told}");
    let file = tools::folder("helm")?.join(format!("{name}.yaml"));
    fs::write(&file, output.stdout)?;
    Ok(file)
}
