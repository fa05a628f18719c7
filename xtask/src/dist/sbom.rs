//! The list of parts, as CycloneDX 1.5: without a date and a serial number, so that it is the same
//! each time.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{components::Component, platform::Platform};

/// The document.
pub fn document(platform: &Platform, components: &[Component], sqlite: &str) -> Result<String> {
    let library = components
        .iter()
        .find(|component| component.name == "adieu")
        .context("the library is not among its parts")?;
    let parts: Vec<Value> = components
        .iter()
        .filter(|component| component.name != library.name)
        .map(part)
        .chain([json!({
            "type": "library",
            "bom-ref": format!("pkg:generic/sqlite@{sqlite}"),
            "name": "sqlite",
            "version": sqlite,
            "licenses": [{ "license": { "id": "blessing" } }],
            "cpe": format!("cpe:2.3:a:sqlite:sqlite:{sqlite}:*:*:*:*:*:*:*"),
            "purl": format!("pkg:generic/sqlite@{sqlite}"),
        })])
        .collect();
    let uses: Vec<Value> = components
        .iter()
        .map(|component| {
            let mut on: Vec<String> = component
                .uses
                .iter()
                .map(|(name, version)| reference(name, version))
                .collect();
            if component.name == "libsqlite3-sys" {
                on.push(format!("pkg:generic/sqlite@{sqlite}"));
            }
            json!({ "ref": reference(&component.name, &component.version), "dependsOn": on })
        })
        .collect();
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "bom-ref": reference(&library.name, &library.version),
                "name": "libadieu",
                "version": library.version,
                "licenses": [{ "expression": library.licence }],
            },
            "properties": [{ "name": "adieu:platform", "value": platform.name }],
        },
        "components": parts,
        "dependencies": uses,
    });
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn reference(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{version}")
}

fn part(component: &Component) -> Value {
    let reference = reference(&component.name, &component.version);
    let mut part = json!({
        "type": "library",
        "bom-ref": reference,
        "name": component.name,
        "version": component.version,
        "licenses": [{ "expression": component.licence }],
        "purl": reference,
    });
    if let Some(checksum) = &component.checksum {
        part["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    part
}
