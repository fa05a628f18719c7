//! How the show is told.

use console::style;

use super::{
    latency::Latency,
    scene::{Scene, Versions},
    stage::USER,
};
use crate::report::Report;

impl Report {
    /// What became of one deletion.
    pub fn scene(&self, scene: &Scene) {
        if self.json(scene) {
            return;
        }
        let (title, what) = words(scene);
        self.heading(title, scene.shows);
        for line in what {
            self.say(format!("  {line}"));
        }
        for (where_at, [before, after]) in [
            (format!("server, for {USER}"), scene.server_messages),
            ("phone".to_owned(), scene.phone_messages),
            ("tablet".to_owned(), scene.tablet_messages),
        ] {
            self.row(&where_at, &before.to_string(), &after.to_string());
        }
        if scene.scene != "never_sent_later" {
            self.told("phone", &scene.phone_told);
        }
        self.told("tablet", &scene.tablet_told);
        if let Some(look) = &scene.tablet_verified {
            self.say(format!(
                "  the tablet's store: {} records of it can be decoded, {} of others",
                look.readable_records, look.records
            ));
        }
        self.verdict_of(&scene.complaints);
    }

    /// What an app of an old version was told.
    pub fn versions(&self, versions: &Versions) {
        if self.json(versions) {
            return;
        }
        self.heading("A device of an older version", versions.shows);
        for (version, erases) in [
            (versions.older, &versions.older_erases),
            (versions.newer, &versions.newer_erases),
        ] {
            self.say(format!(
                "  curl …/v4/recentcontact/sync  {{\"Version\":\"{version}\",…}}"
            ));
            let erases = if erases.is_empty() {
                "nothing".to_owned()
            } else {
                erases.join(", ")
            };
            self.say(format!(
                "    was told since the beginning to erase: {erases}"
            ));
        }
        self.verdict_of(&versions.complaints);
    }

    /// How long it took.
    pub fn latency(&self, latency: &Latency) {
        if self.json(latency) {
            return;
        }
        let ms = |microseconds: f64| format!("{:.2} ms", microseconds / 1e3);
        self.heading(
            "From on_success on the phone to the event on the tablet",
            &[],
        );
        self.say(format!(
            "  {} deletions: median {}, slowest {}; from the call to the event {}",
            latency.rounds,
            ms(latency.median_us),
            ms(latency.slowest_us),
            ms(latency.call_to_event_median_us),
        ));
        if latency.median_us < 0.0 {
            self.say("  below 0: the tablet was told before the phone");
        }
        self.say(format!(
            "  in the same run: a round trip on the loopback {}, an append with its flush {}",
            ms(latency.round_trip_us),
            ms(latency.flush_us),
        ));
        self.say(format!(
            "  goal: at most three of each, {}: {}",
            ms(latency.goal_us),
            if latency.kept() {
                style("kept").green()
            } else {
                style("MISSED").red()
            }
        ));
    }

    /// The last words.
    pub fn end_of_show(&self, complaints: &[String]) {
        if complaints.is_empty() {
            self.say(format!(
                "\n{}",
                style("what should reach the other devices does, and nothing else").green()
            ));
        }
        Self::complain(complaints);
    }

    fn heading(&self, title: &str, shows: &[&str]) {
        let shows = shows.join(", ");
        self.say(format!("\n{}  {}", style(title).bold(), style(shows).dim()));
    }

    fn told(&self, who: &str, causes: &[String]) {
        if causes.is_empty() {
            self.say(format!("  the {who}'s listener heard of no deletion"));
        }
        for cause in causes {
            self.say(format!(
                "  the {who}'s listener heard ADIEU_EVENT_CONVERSATION_DELETED, ADIEU_CAUSE_{}",
                cause.to_uppercase()
            ));
        }
    }

    fn verdict_of(&self, complaints: &[&str]) {
        for complaint in complaints {
            self.say(format!("  {}", style(complaint).red()));
        }
    }
}

/// What a scene is called, and what was done in it.
fn words(scene: &Scene) -> (&'static str, Vec<String>) {
    let id = &scene.conversation_id;
    let on_phone = format!("phone: adieu_delete_conversation(client, \"{id}\", …) → on_success");
    match scene.scene {
        "switched_off" => (
            "The switch is off, as it is until somebody sets it",
            vec![
                "curl …/v4/config/sync_deletions  {} → SyncDeletions 0".to_owned(),
                on_phone,
            ],
        ),
        "online" => (
            "The switch is on, and the tablet is connected",
            vec![
                "curl …/v4/config/sync_deletions  {\"SyncDeletions\":1} → SyncDeletions 1"
                    .to_owned(),
                on_phone,
            ],
        ),
        "offline" => (
            "The tablet was away",
            vec![
                "the tablet's app ends".to_owned(),
                on_phone,
                "the tablet's app starts".to_owned(),
            ],
        ),
        "back_end" => (
            "A back end deletes through REST",
            vec![format!(
                "curl …/v4/recentcontact/delete  {{\"From_Account\":\"{USER}\",\"To_Account\":\"erin\",…}}"
            )],
        ),
        _ => (
            "What was deleted while the switch was off is not sent later",
            vec![
                "the switch is on, and the tablet's app starts once more".to_owned(),
                format!("curl …/v4/openim/sendmsg: one more message of {id}"),
            ],
        ),
    }
}
