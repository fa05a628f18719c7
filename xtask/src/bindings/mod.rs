//! The wrappers of the library in other languages: built and run against a real server.

mod cpp;
mod samples;
mod stage;

pub use cpp::check as check_cpp;
