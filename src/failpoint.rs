//! Named points where tests make the process die or the work fail. Compiled to nothing without
//! the feature `failpoints`, which no shipped artefact has.

/// Acts as the environment variable `ADIEU_FAILPOINT` says: `<name>=abort` dies here, as a crash
/// would; `<name>=panic` panics here; `<name>=pause` stays here for a moment. [`is_wanted`] knows one
/// more.
#[cfg(feature = "failpoints")]
#[allow(clippy::panic, reason = "this is what the failpoint is for")]
pub fn failpoint(name: &str) {
    let Ok(wanted) = std::env::var("ADIEU_FAILPOINT") else {
        return;
    };
    match wanted.split_once('=') {
        Some((at, "abort")) if at == name => std::process::abort(),
        Some((at, "panic")) if at == name => panic!("failpoint {name}"),
        Some((at, "pause")) if at == name => {
            std::thread::sleep(std::time::Duration::from_millis(30))
        }
        _ => {}
    }
}

/// Whether `ADIEU_FAILPOINT` is these words: a mistake that is made on purpose.
#[cfg(feature = "failpoints")]
pub fn is_wanted(mistake: &str) -> bool {
    std::env::var("ADIEU_FAILPOINT").is_ok_and(|wanted| wanted == mistake)
}

/// Nothing.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn failpoint(_name: &str) {}
