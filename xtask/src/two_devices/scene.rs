//! What is shown of one deletion on two devices, and what must hold of it.

use serde::Serialize;

use super::{live::Verified, stage::MESSAGES};

/// One deletion, and what became of it everywhere. The keys of the JSON line are these names.
#[derive(Clone, Debug, Serialize)]
pub struct Scene {
    /// What was tried.
    pub scene: &'static str,
    /// Sentences of the contract that it shows.
    pub shows: &'static [&'static str],
    /// What was deleted.
    pub conversation_id: String,
    /// Messages that the server gives to the user, before and after.
    pub server_messages: [u64; 2],
    /// Messages on the phone, before and after.
    pub phone_messages: [u64; 2],
    /// Messages on the tablet, before and after.
    pub tablet_messages: [u64; 2],
    /// Whether the phone's list shows it (1), before and after.
    pub phone_listed: [u64; 2],
    /// The same of the tablet's.
    pub tablet_listed: [u64; 2],
    /// Whom the phone's listener was told of as the one who deleted it.
    pub phone_told: Vec<String>,
    /// The same of the tablet's.
    pub tablet_told: Vec<String>,
    /// The library's own look at the tablet's store, where the copy is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tablet_verified: Option<Verified>,
    /// What is not as it should be.
    pub complaints: Vec<&'static str>,
}

/// What devices of two versions were told to erase.
#[derive(Clone, Debug, Serialize)]
pub struct Versions {
    /// What was tried.
    pub scene: &'static str,
    /// Sentences of the contract that it shows.
    pub shows: &'static [&'static str],
    /// A version from before the feature.
    pub older: &'static str,
    /// What a device that states it was told to erase.
    pub older_erases: Vec<String>,
    /// The first version that has the feature.
    pub newer: &'static str,
    /// What a device that states that was told to erase.
    pub newer_erases: Vec<String>,
    /// What is not as it should be.
    pub complaints: Vec<&'static str>,
}

impl Scene {
    /// Complains unless something holds.
    pub fn expect(&mut self, holds: bool, otherwise: &'static str) {
        if !holds {
            self.complaints.push(otherwise);
        }
    }

    /// The deletion itself, and by whom.
    pub fn expect_deleted_on_server_and_phone(&mut self, cause: &str) {
        self.expect(
            self.server_messages == [MESSAGES, 0],
            "the server still gives messages to the user, or gave none before",
        );
        self.expect(
            self.phone_messages == [MESSAGES, 0] && self.phone_listed == [1, 0],
            "the phone still has it, or did not have it before",
        );
        self.expect(
            self.phone_told == [cause],
            "the phone's listener was not told once, and by whom",
        );
    }

    /// The other device keeps its copy, and hears of nothing.
    pub fn expect_kept_on_tablet(&mut self) {
        self.expect(
            self.tablet_messages == [MESSAGES; 2] && self.tablet_listed == [1, 1],
            "the tablet did not keep its copy",
        );
        self.expect(
            self.tablet_told.is_empty(),
            "the tablet's listener was told of a deletion",
        );
    }

    /// The other device has erased its copy, and heard by whom.
    pub fn expect_deleted_on_tablet(&mut self, cause: &str) {
        self.expect(
            self.tablet_messages == [MESSAGES, 0] && self.tablet_listed == [1, 0],
            "the tablet still has its copy, or did not have one before",
        );
        self.expect(
            self.tablet_told == [cause],
            "the tablet's listener was not told once, and by whom",
        );
        let clean = self
            .tablet_verified
            .is_some_and(|verified| verified.readable_records == 0 && verified.records > 0);
        self.expect(clean, "something of it is left in the tablet's store");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Scene {
        Scene {
            scene: "online",
            shows: &[],
            conversation_id: "c2c_carol".to_owned(),
            server_messages: [MESSAGES, 0],
            phone_messages: [MESSAGES, 0],
            tablet_messages: [MESSAGES, 0],
            phone_listed: [1, 0],
            tablet_listed: [1, 0],
            phone_told: vec!["this_device".to_owned()],
            tablet_told: vec!["another_device".to_owned()],
            tablet_verified: Some(Verified {
                readable_records: 0,
                records: 1,
            }),
            complaints: Vec::new(),
        }
    }

    /// The complaints about a scene in which all is well but for what `spoil` does.
    fn of(spoil: impl FnOnce(&mut Scene)) -> usize {
        let mut scene = good();
        spoil(&mut scene);
        scene.expect_deleted_on_server_and_phone("this_device");
        scene.expect_deleted_on_tablet("another_device");
        scene.complaints.len()
    }

    #[test]
    fn a_good_scene_has_no_complaint_and_each_flaw_has_one() {
        assert_eq!(of(|_| ()), 0);
        let flaws: [fn(&mut Scene); 12] = [
            |scene| scene.server_messages = [0, 0],
            |scene| scene.server_messages[1] = 1,
            |scene| scene.phone_messages[1] = 1,
            |scene| scene.phone_listed[1] = 1,
            |scene| scene.phone_told.clear(),
            |scene| scene.tablet_messages[1] = MESSAGES,
            |scene| scene.tablet_listed[1] = 1,
            |scene| scene.tablet_told.clear(),
            |scene| scene.tablet_told.push("another_device".to_owned()),
            |scene| scene.tablet_told = vec!["back_end".to_owned()],
            |scene| scene.tablet_verified = None,
            |scene| {
                scene.tablet_verified = Some(Verified {
                    readable_records: 1,
                    records: 1,
                });
            },
        ];
        for (number, flaw) in flaws.into_iter().enumerate() {
            assert_eq!(of(flaw), 1, "flaw {number}");
        }
        let mut kept = good();
        kept.expect_kept_on_tablet();
        assert_eq!(kept.complaints.len(), 2, "it was erased, and it was told");
    }
}
