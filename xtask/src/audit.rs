//! What comes from elsewhere: under which licences, from where, and how often.
//!
//! The rules are those of `deny.toml`, which cargo-deny reads too. It takes longer to compile than
//! all suites may take; this reads from cargo's own words what can be read without it. Advisories
//! cannot.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result};
use serde::Deserialize;
use spdx::{Expression, ParseMode};

use crate::{
    captured::Captured,
    dist::components::{checksums, said},
    tally::Tally,
    workspace::Workspace,
};

#[derive(Deserialize)]
struct Rules {
    licenses: Licences,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licences {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    skip: Vec<Skip>,
}

/// A version that is allowed beside another one.
#[derive(Deserialize)]
struct Skip {
    #[serde(rename = "crate")]
    named: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    req: String,
    path: Option<String>,
}

/// Checks every package that Cargo.lock knows of.
pub fn check(workspace: &Workspace, captured: &mut Captured) -> Result<Tally> {
    let rules =
        fs::read_to_string(workspace.root.join("deny.toml")).context("cannot read deny.toml")?;
    let rules: Rules = toml::from_str(&rules).context("cannot read deny.toml")?;
    let metadata = said(&mut workspace.cargo(&[
        "metadata",
        "--locked",
        "--all-features",
        "--format-version=1",
    ]))?;
    let metadata: Metadata =
        serde_json::from_str(&metadata).context("cannot read cargo metadata")?;
    let checksums = checksums(&workspace.root)?;
    let mut tally = Tally::default();
    for package in &metadata.packages {
        let mut complaints = package.complaints(&workspace.root, &rules.licenses.allow);
        let named = (package.name.clone(), package.version.clone());
        if package.source.is_some() && !checksums.contains_key(&named) {
            complaints.push("has no checksum in Cargo.lock".to_owned());
        }
        tally.check(complaints.is_empty());
        for complaint in complaints {
            captured.note(&format!(
                "{} {}: {complaint}",
                package.name, package.version
            ))?;
        }
    }
    for complaint in repeated(&metadata.packages, &rules.bans.skip) {
        tally.check(false);
        captured.note(&complaint)?;
    }
    Ok(tally)
}

impl Package {
    fn complaints(&self, root: &Path, allowed: &[String]) -> Vec<String> {
        let mut complaints = Vec::new();
        match &self.source {
            Some(source) if source.starts_with("registry+") => {}
            Some(source) => {
                complaints.push(format!("comes from {source}, and not from the registry"))
            }
            None if Path::new(&self.manifest_path).starts_with(root) => {
                let any = self
                    .dependencies
                    .iter()
                    .filter(|one| one.path.is_none() && one.req == "*");
                complaints.extend(any.map(|one| format!("takes any version of {}", one.name)));
            }
            None => complaints.push(format!("lies at {}", self.manifest_path)),
        }
        let licence = self.license.as_deref().unwrap_or_default();
        match Expression::parse_mode(licence, ParseMode::LAX) {
            Ok(expression) => {
                let fits = expression.evaluate(|one| allowed.contains(&one.to_string()));
                if !fits {
                    complaints.push(format!("{licence} is none of the licences of deny.toml"));
                }
            }
            Err(error) => complaints.push(format!("its licence {licence:?} is none: {error}")),
        }
        complaints
    }
}

/// Packages that are there in more versions than deny.toml knows of, and what it knows of and is
/// not there.
fn repeated(packages: &[Package], skip: &[Skip]) -> Vec<String> {
    let skip: BTreeSet<&str> = skip.iter().map(|one| one.named.as_str()).collect();
    let mut versions: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for package in packages {
        let named = format!("{}@{}", package.name, package.version);
        versions.entry(&package.name).or_default().insert(named);
    }
    let mut complaints = Vec::new();
    for all in versions.values() {
        let unknown: Vec<&str> = all
            .iter()
            .map(String::as_str)
            .filter(|one| !skip.contains(one))
            .collect();
        if unknown.len() > 1 {
            complaints.push(format!("{} are there at once", unknown.join(", ")));
        }
    }
    let there: BTreeSet<&str> = versions
        .values()
        .filter(|all| all.len() > 1)
        .flatten()
        .map(String::as_str)
        .collect();
    complaints.extend(
        skip.difference(&there)
            .map(|gone| format!("deny.toml knows {gone}, which stands beside no other version")),
    );
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(version: &str, license: &str, source: Option<&str>) -> Package {
        Package {
            name: "x".to_owned(),
            version: version.to_owned(),
            license: Some(license.to_owned()),
            source: source.map(str::to_owned),
            manifest_path: "/root/x/Cargo.toml".to_owned(),
            dependencies: vec![Dependency {
                name: "y".to_owned(),
                req: "*".to_owned(),
                path: None,
            }],
        }
    }

    #[test]
    fn what_is_wrong_with_a_package_is_said() {
        let allowed = ["MIT".to_owned(), "Unicode-3.0".to_owned()];
        let registry = Some("registry+x");
        for (license, source, count) in [
            ("MIT", registry, 0),
            ("MIT/Apache-2.0", registry, 0),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", registry, 0),
            ("Apache-2.0", registry, 1),
            ("MIT AND Apache-2.0", registry, 1),
            ("nonsense", registry, 1),
            ("MIT", Some("git+x"), 1),
            // Of this workspace, and with a dependency of any version.
            ("MIT", None, 1),
        ] {
            let complaints =
                package("1.0.0", license, source).complaints(Path::new("/root"), &allowed);
            assert_eq!(
                complaints.len(),
                count,
                "{license} {source:?}: {complaints:?}"
            );
        }
        let elsewhere = package("1.0.0", "MIT", None).complaints(Path::new("/home"), &allowed);
        assert_eq!(elsewhere.len(), 1, "{elsewhere:?}");
    }

    #[test]
    fn repeated_packages_are_known_or_named() {
        let one = |version| package(version, "MIT", Some("registry+x"));
        let skip = |named: &str| Skip {
            named: named.to_owned(),
        };
        let both = [one("1.0.0"), one("2.0.0")];
        assert_eq!(repeated(&both, &[]), ["x@1.0.0, x@2.0.0 are there at once"]);
        assert!(repeated(&both, &[skip("x@1.0.0")]).is_empty());
        assert_eq!(repeated(&both[..1], &[]).len(), 0);
        assert_eq!(repeated(&both[..1], &[skip("x@1.0.0")]).len(), 1);
    }
}
