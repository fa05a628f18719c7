//! Bringing the server's state to the device: [`Line`] fetches what has changed since the cursor,
//! [`Puller`] when the host asks for it, [`Live`] all the time.

mod line;
mod live;
mod puller;

pub use line::{Elsewhere, Line, Page, Sink};
pub use live::Live;
pub use puller::Puller;
