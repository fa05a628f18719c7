//! Bringing the server's state to the device.

mod puller;

pub use puller::{Page, Puller, Sink};
