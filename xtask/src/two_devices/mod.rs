//! `cargo xtask demo --devices 2`: what reaches a user's other devices, with the operator's switch
//! off and on. The devices are C programs; the back end, and an app of an old version, are curl.

pub mod latency;
pub mod live;
mod report;
mod scene;
mod show;
mod stage;

use anyhow::{Context, Result, anyhow};

use self::{
    latency::Latency,
    scene::{Scene, Versions},
    show::Show,
    stage::Stage,
};
use crate::{
    c_build, curl::CURL, report::Report, server::Server, tally::Tally, workspace::Workspace,
};

/// Rounds that are measured where nobody looks at how long they take.
const FEW_ROUNDS: usize = 3;

/// Everything that a run found.
pub struct Findings {
    /// One for each thing that was tried.
    pub scenes: Vec<Scene>,
    /// An app of an old version.
    pub versions: Versions,
    /// How long it takes.
    pub latency: Latency,
}

impl Findings {
    /// What is not as it should be, however long it took.
    fn complaints(&self) -> Vec<String> {
        let scenes = self.scenes.iter().map(|one| (one.scene, &one.complaints));
        let versions = (self.versions.scene, &self.versions.complaints);
        scenes
            .chain([versions])
            .flat_map(|(scene, complaints)| {
                let said = complaints.iter();
                said.map(move |complaint| format!("{scene}: {complaint}"))
            })
            .collect()
    }
}

/// Runs it, for people or with JSON. Says whether everything came true.
pub fn run(json: bool) -> Result<bool> {
    CURL.meet()
        .map_err(|reason| anyhow!("the back end of this demo is curl: {reason}"))?;
    let workspace = Workspace::find()?;
    let report = Report::new(json);
    report.step("building library, server and C programs", || {
        workspace.build_release()
    })?;
    let findings = show(&workspace, latency::ROUNDS, &report)?;
    let mut complaints = findings.complaints();
    if !findings.latency.kept() {
        complaints.push("latency: the median is over its goal; is the machine busy?".to_owned());
    }
    report.end_of_show(&complaints);
    Ok(complaints.is_empty())
}

/// The same as a test; how long anything takes is noted, and not judged.
pub fn check(workspace: &Workspace, captured: &mut crate::captured::Captured) -> Result<Tally> {
    let mut tally = Tally::default();
    let findings = show(workspace, FEW_ROUNDS, &Report::silent())?;
    for scene in &findings.scenes {
        captured.note(&format!("{scene:?}"))?;
        tally.check(scene.complaints.is_empty());
    }
    captured.note(&format!("{:?}", findings.versions))?;
    tally.check(findings.versions.complaints.is_empty());
    captured.note(&format!("{:?}", findings.latency))?;
    Ok(tally)
}

/// All of it, with everything built in the release profile.
fn show(workspace: &Workspace, rounds: usize, report: &Report) -> Result<Findings> {
    let programs = c_build::build(workspace, &workspace.release(), "two-devices")?;
    let folder = tempfile::Builder::new()
        .prefix("adieu-two-devices-")
        .tempdir()
        .context("cannot make a temporary folder")?;
    let server = Server::new(
        Workspace::server(&workspace.release()),
        folder.path().join("server"),
    )?;
    let log = stage::write_log(folder.path(), rounds)?;
    report.step("importing into the server", || server.import(&log))?;
    let serving = server.serve()?;
    let stage = Stage {
        folder: folder.path(),
        server: &server,
        url: &serving.url,
        program: &programs.live,
    };
    let (mut phone, mut tablet) = report.step("starting phone and tablet", || {
        Ok((stage.device("phone")?, stage.device("tablet")?))
    })?;
    let mut show = Show::begin(&stage)?;

    let mut scenes = Vec::new();
    let mut shown = |scene: Scene| {
        report.scene(&scene);
        scenes.push(scene);
    };
    shown(show.switched_off(&mut phone, &mut tablet)?);
    show.switch_on()?;
    shown(show.online(&mut phone, &mut tablet)?);
    let (scene, mut tablet) = show.away(&mut phone, tablet)?;
    shown(scene);
    shown(show.by_the_back_end(&mut phone, &mut tablet)?);
    let (scene, mut tablet) = show.never_later(&mut phone, tablet)?;
    shown(scene);
    let versions = show.versions()?;
    report.versions(&versions);
    let latency = latency::measure(&stage, &mut phone, &mut tablet, rounds, report)?;
    report.latency(&latency);
    phone.close()?;
    tablet.close()?;
    Ok(Findings {
        scenes,
        versions,
        latency,
    })
}
