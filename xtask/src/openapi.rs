//! The suite `openapi`: a hostile body on every call, made from the description of the API.
//!
//! Whatever comes, the answer has the form that the description promises, and is never the
//! server's own fault.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    captured::Captured,
    server::{ADMIN, APP_ID, Server},
    tally::Tally,
    workspace::Workspace,
};

/// The generator of bodies; its version, because what it generates changes with it.
const GENERATOR: &str = "schemathesis==4.32.5";
/// Bodies for each call.
const BODIES: &str = "25";
const CHECKS: &str = "not_a_server_error,response_schema_conformance,status_code_conformance,content_type_conformance";

/// Runs the generator against a server of its own.
pub fn check(workspace: &Workspace, captured: &mut Captured) -> Result<Tally> {
    let folder = workspace.scratch("openapi");
    fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let programs = install(&folder, captured)?;
    let description = folder.join("openapi.json");
    fs::write(
        &description,
        hurried(&workspace.root.join("docs/openapi.json"))?,
    )?;
    let store = tempfile::tempdir()?;
    let server = Server::new(
        Workspace::server(&workspace.debug()),
        store.path().to_owned(),
    )?;
    let serving = server.serve()?;
    // The one who asks is always the same, and let in.
    let settings = folder.join("schemathesis.toml");
    fs::write(
        &settings,
        format!(
            "[parameters]\n\"query.sdkappid\" = {APP_ID}\n\"query.identifier\" = \"{ADMIN}\"\n\"query.usersig\" = \"{}\"\n",
            server.user_sig(ADMIN)?
        ),
    )?;
    let mut tally = Tally::default();
    let mut generator = Command::new(programs.join("schemathesis"));
    generator
        .arg("--config-file")
        .arg(&settings)
        .arg("run")
        .arg(&description)
        .args(["--url", &serving.url, "--phases", "fuzzing"])
        .args(["--max-examples", BODIES, "--checks", CHECKS])
        // The same bodies every time: a new one that fails is for a person to look at.
        .args(["--seed", "1", "--no-color", "--request-timeout", "60"])
        .current_dir(&folder);
    tally.check(captured.run(&mut generator)?);
    Ok(tally)
}

/// A place of its own for the generator, made once.
fn install(folder: &Path, captured: &mut Captured) -> Result<std::path::PathBuf> {
    let programs = folder.join("python/bin");
    if !programs.join("schemathesis").exists() {
        let mut make = Command::new("python3");
        make.args(["-m", "venv"]).arg(folder.join("python"));
        ensure!(captured.run(&mut make)?, "python3 -m venv failed");
        let mut install = Command::new(programs.join("pip"));
        install.args(["--quiet", "install", GENERATOR]);
        ensure!(captured.run(&mut install)?, "{GENERATOR} was not installed");
    }
    Ok(programs)
}

/// The description without long polls: a generator would wait for all of them.
fn hurried(description: &Path) -> Result<String> {
    let text = fs::read_to_string(description)
        .with_context(|| format!("cannot read {}", description.display()))?;
    let mut api: Value = serde_json::from_str(&text).context("the description is no JSON")?;
    let wait = "/paths/~1v4~1recentcontact~1sync/post/requestBody/content/application~1json/schema/properties/Wait/maximum";
    *api.pointer_mut(wait).context("sync has no Wait")? = 0.into();
    Ok(api.to_string())
}
