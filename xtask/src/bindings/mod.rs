//! The wrappers of the library in other languages: built and run against a real server.

mod blocks;
mod cpp;
mod front;
mod java;
mod node;
mod objc;
mod overhead;
mod samples;
mod stage;
mod swift;
mod tim;

pub use cpp::check as check_cpp;
pub use java::check as check_java;
pub use node::check as check_node;
pub use objc::check as check_objc;
pub use overhead::run as measure_overhead;
pub use stage::Stage;
pub use swift::check as check_swift;
pub use tim::check as check_tim;
