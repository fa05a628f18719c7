//! What is tried with two devices: each scene is one deletion, made and looked at.

use adieu_protocol::{
    path,
    recent_contact::{DELETIONS_SINCE, MAX_SYNC_PAGE},
};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{
    live::{Live, Looked},
    scene::{Scene, Versions},
    stage::{MESSAGES, Stage, USER, WITNESS},
};
use crate::{curl::Curl, server::ADMIN};

/// A version from before the feature.
const OLDER: &str = "5.1.0";

/// Who does what the devices do not do themselves.
pub struct Show<'a> {
    stage: &'a Stage<'a>,
    admin: Curl,
    user: Curl,
    witnessed: u64,
    /// Where two apps stand: one of an older version, one of the first that has the feature.
    cursors: [String; 2],
}

/// How things stand with a conversation.
struct Stands {
    conversation_id: String,
    server: u64,
    phone: Looked,
    tablet: Looked,
}

impl<'a> Show<'a> {
    /// Signs in the back end and the apps.
    pub fn begin(stage: &'a Stage<'a>) -> Result<Self> {
        let mut show = Self {
            stage,
            admin: Curl::sign_in(stage.server, stage.url, ADMIN)?,
            user: Curl::sign_in(stage.server, stage.url, USER)?,
            witnessed: 0,
            cursors: [const { String::new() }; 2],
        };
        for version in [OLDER, DELETIONS_SINCE] {
            show.told_to_erase(version)?;
        }
        Ok(show)
    }

    /// Deleting on the phone, with the switch as it is at first.
    pub fn switched_off(&mut self, phone: &mut Live, tablet: &mut Live) -> Result<Scene> {
        let before = self.stands("bob", phone, tablet)?;
        phone.delete(&before.conversation_id)?;
        self.witness(tablet)?;
        let mut scene = self.after(&before, phone, tablet)?;
        scene.scene = "switched_off";
        scene.shows = &["SYNC-1", "SYNC-3"];
        let off = self.switch(&json!({}))? == 0;
        scene.expect(off, "the switch is not off at first");
        scene.expect_deleted_on_server_and_phone("this_device");
        scene.expect_kept_on_tablet();
        Ok(scene)
    }

    /// Deleting on the phone while the tablet is connected.
    pub fn online(&mut self, phone: &mut Live, tablet: &mut Live) -> Result<Scene> {
        let before = self.stands("carol", phone, tablet)?;
        phone.delete(&before.conversation_id)?;
        tablet.hears_of_deletion(&before.conversation_id)?;
        self.witness(tablet)?;
        let mut scene = self.after(&before, phone, tablet)?;
        scene.scene = "online";
        scene.shows = &["SYNC-2"];
        scene.tablet_verified = Some(tablet.verify(&before.conversation_id)?);
        scene.expect_deleted_on_server_and_phone("this_device");
        scene.expect_deleted_on_tablet("another_device");
        Ok(scene)
    }

    /// Deleting on the phone while the tablet's app is not running.
    pub fn away(&mut self, phone: &mut Live, mut tablet: Live) -> Result<(Scene, Live)> {
        let before = self.stands("dave", phone, &mut tablet)?;
        tablet.close()?;
        phone.delete(&before.conversation_id)?;
        let mut tablet = self.stage.device("tablet")?;
        tablet.hears_of_deletion(&before.conversation_id)?;
        self.witness(&mut tablet)?;
        let mut scene = self.after(&before, phone, &mut tablet)?;
        scene.scene = "offline";
        scene.shows = &["SYNC-2"];
        scene.tablet_verified = Some(tablet.verify(&before.conversation_id)?);
        scene.expect_deleted_on_server_and_phone("this_device");
        scene.expect_deleted_on_tablet("another_device");
        Ok((scene, tablet))
    }

    /// Deleting through REST.
    pub fn by_the_back_end(&mut self, phone: &mut Live, tablet: &mut Live) -> Result<Scene> {
        let before = self.stands("erin", phone, tablet)?;
        let deletion = json!({
            "From_Account": USER, "Type": 1, "To_Account": "erin", "ClearRamble": 1,
        });
        self.admin.post(path::DELETE, &deletion)?;
        phone.hears_of_deletion(&before.conversation_id)?;
        tablet.hears_of_deletion(&before.conversation_id)?;
        self.witness(tablet)?;
        let mut scene = self.after(&before, phone, tablet)?;
        scene.scene = "back_end";
        scene.shows = &["SYNC-2"];
        scene.tablet_verified = Some(tablet.verify(&before.conversation_id)?);
        scene.expect_deleted_on_server_and_phone("back_end");
        scene.expect_deleted_on_tablet("back_end");
        Ok(scene)
    }

    /// The first conversation again: the switch is on now, the tablet connects once more, and there
    /// is something new to tell of that conversation. Its old messages stay on the tablet.
    pub fn never_later(&mut self, phone: &mut Live, tablet: Live) -> Result<(Scene, Live)> {
        tablet.close()?;
        let mut tablet = self.stage.device("tablet")?;
        let before = self.stands("bob", phone, &mut tablet)?;
        self.send("bob")?;
        phone.hears_of_messages(&before.conversation_id, 1)?;
        tablet.hears_of_messages(&before.conversation_id, MESSAGES + 1)?;
        self.witness(&mut tablet)?;
        let mut scene = self.after(&before, phone, &mut tablet)?;
        scene.scene = "never_sent_later";
        scene.shows = &["SYNC-3"];
        let on = self.switch(&json!({}))? == 1;
        scene.expect(on, "the switch is not on");
        scene.expect(
            scene.tablet_messages == [MESSAGES, MESSAGES + 1] && scene.tablet_told.is_empty(),
            "the tablet was sent a deletion that was made while the switch was off",
        );
        scene.expect(
            scene.server_messages == [0, 1] && scene.phone_messages == [0, 1],
            "what was deleted came back, or the newer message did not come",
        );
        Ok((scene, tablet))
    }

    /// The app of an old version, and one of the first that has the feature.
    pub fn versions(&mut self) -> Result<Versions> {
        let older_erases = self.told_to_erase(OLDER)?;
        let newer_erases = self.told_to_erase(DELETIONS_SINCE)?;
        let mut complaints = Vec::new();
        if !older_erases.is_empty() {
            complaints.push("a device of an older version was sent deletions");
        }
        if newer_erases != ["carol", "dave", "erin"] {
            complaints.push("a device of the newer version was not sent the three deletions");
        }
        Ok(Versions {
            scene: "older_version",
            shows: &["SYNC-4"],
            older: OLDER,
            older_erases,
            newer: DELETIONS_SINCE,
            newer_erases,
            complaints,
        })
    }

    /// What a device that states a version is told to erase, from where it stood on.
    fn told_to_erase(&mut self, version: &str) -> Result<Vec<String>> {
        let cursor = &mut self.cursors[usize::from(version != OLDER)];
        let request = json!({
            "From_Account": USER, "DeviceId": format!("an app of version {version}"),
            "Version": version, "Cursor": cursor, "MaxCnt": MAX_SYNC_PAGE, "Wait": 0,
        });
        let answer = self.user.post(path::SYNC, &request)?;
        ensure!(answer["Complete"] == 1, "one page was not enough");
        *cursor = answer["Cursor"].as_str().context("no cursor")?.to_owned();
        let views = answer["Views"].as_array().context("no views")?.iter();
        let erased = views.filter(|view| view["EraseThrough"].as_u64() > Some(0));
        let mut peers: Vec<String> = erased
            .filter_map(|view| Some(view["To_Account"].as_str()?.to_owned()))
            .collect();
        peers.sort();
        Ok(peers)
    }

    /// Asks for the switch, or sets it.
    fn switch(&self, request: &Value) -> Result<u64> {
        let answer = self.admin.post(path::SYNC_DELETIONS, request)?;
        answer["SyncDeletions"].as_u64().context("no switch")
    }

    /// Switches the sync of deletions on.
    pub fn switch_on(&self) -> Result<()> {
        let now = self.switch(&json!({ "SyncDeletions": 1 }))?;
        ensure!(now == 1, "the switch did not go on");
        Ok(())
    }

    fn send(&self, from: &str) -> Result<()> {
        let body = json!([{
            "MsgType": "TIMTextElem",
            "MsgContent": { "Text": format!("{from} writes once more") },
        }]);
        let message = json!({
            "From_Account": from, "To_Account": USER, "MsgRandom": self.witnessed, "MsgBody": body,
        });
        self.admin.post(path::SEND_MSG, &message).map(drop)
    }

    /// Somebody writes, and the tablet has it: so it has had whatever came before.
    fn witness(&mut self, tablet: &mut Live) -> Result<()> {
        self.witnessed += 1;
        self.send(WITNESS)?;
        tablet.hears_of_messages(&format!("c2c_{WITNESS}"), MESSAGES + self.witnessed)
    }

    fn count(&self, peer: &str) -> Result<u64> {
        let request = json!({
            "Operator_Account": USER, "Peer_Account": peer, "MaxCnt": 100, "MinTime": 0,
            "MaxTime": u32::MAX,
        });
        let answer = self.user.post(path::ADMIN_GET_ROAM_MSG, &request)?;
        answer["MsgCnt"].as_u64().context("no count")
    }

    fn stands(&self, peer: &str, phone: &mut Live, tablet: &mut Live) -> Result<Stands> {
        let conversation_id = format!("c2c_{peer}");
        Ok(Stands {
            server: self.count(peer)?,
            phone: phone.look(&conversation_id)?,
            tablet: tablet.look(&conversation_id)?,
            conversation_id,
        })
    }

    fn after(&self, before: &Stands, phone: &mut Live, tablet: &mut Live) -> Result<Scene> {
        let id = &before.conversation_id;
        let now = self.stands(id.trim_start_matches("c2c_"), phone, tablet)?;
        Ok(Scene {
            scene: "",
            shows: &[],
            conversation_id: id.clone(),
            server_messages: [before.server, now.server],
            phone_messages: [before.phone.messages, now.phone.messages],
            tablet_messages: [before.tablet.messages, now.tablet.messages],
            phone_listed: [before.phone.listed, now.phone.listed],
            tablet_listed: [before.tablet.listed, now.tablet.listed],
            phone_told: phone.told_of(id),
            tablet_told: tablet.told_of(id),
            tablet_verified: None,
            complaints: Vec::new(),
        })
    }
}
