//! The wrappers of the library in other languages: built and run against a real server.

mod cpp;
mod samples;
mod stage;
mod tim;

pub use cpp::check as check_cpp;
pub use tim::check as check_tim;
