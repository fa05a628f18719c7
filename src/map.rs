//! The maps of what is asked for with every call.

use std::collections::HashMap;

/// Hashed by foldhash, which costs less than SipHash for keys this short, and seeded at random for
/// each map. Who chooses the keys, as peers do with their user ids, cannot see how long a look takes
/// here, and so cannot search for keys that collide.
pub type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
