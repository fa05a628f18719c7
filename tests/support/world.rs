//! A server on which alice talks to bob, to carol, and in a group, and a device of hers.

use tempfile::TempDir;

use super::{Client, Server};

pub const BOB: [&str; 3] = ["bob: come at dawn", "alice: i will", "bob: come alone"];
pub const CLUB: [&str; 2] = ["bob: the vote is on friday", "carol: bring the minutes"];

/// A server with alice, bob and carol: alice's conversations with bob, with carol, and a group.
pub fn start() -> Server {
    let server = Server::start();
    server.accounts(&["alice", "bob", "carol"]);
    server.send("bob", "alice", BOB[0]);
    server.send("alice", "bob", BOB[1]);
    server.send("bob", "alice", BOB[2]);
    server.send("carol", "alice", "carol: tea at four?");
    server.group("club", "The Club", "carol", &["alice", "bob"]);
    server.send_group("club", "bob", CLUB[0]);
    server.send_group("club", "carol", CLUB[1]);
    server
}

/// A device of alice with all of it.
pub fn device(server: &Server) -> (TempDir, Client) {
    let folder = tempfile::tempdir().unwrap();
    let client = server.device("alice", folder.path()).open();
    client.pulled();
    assert_eq!(client.texts("c2c_bob"), BOB);
    assert_eq!(client.texts("group_club"), CLUB);
    assert_eq!(client.texts("c2c_carol"), ["carol: tea at four?"]);
    (folder, client)
}
