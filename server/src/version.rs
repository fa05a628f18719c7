//! The version that a device states.

use adieu_protocol::recent_contact::DELETIONS_SINCE;

use crate::{Error, Result};

/// Most parts of a version, and most digits of a part.
const PARTS: usize = 4;
const DIGITS: usize = 9;

/// Whether a device that states this version is sent the deletions of others. One that states
/// none is taken for new.
///
/// # Errors
/// What is no version.
// SYNC-4
pub fn gets_deletions(version: Option<&str>) -> Result<bool> {
    let Some(version) = version else {
        return Ok(true);
    };
    let stated = parts(version).ok_or_else(|| {
        Error::BadParameter(format!(
            "Version is not 1 to {PARTS} numbers of at most {DIGITS} digits with dots between them, as in {DELETIONS_SINCE}"
        ))
    })?;
    Ok(parts(DELETIONS_SINCE).is_none_or(|since| stated >= since))
}

/// Missing parts count as 0.
fn parts(version: &str) -> Option<[u32; PARTS]> {
    let mut parts = [0; PARTS];
    for (at, part) in version.split('.').enumerate() {
        let fits =
            (1..=DIGITS).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        *parts.get_mut(at).filter(|_| fits)? = part.parse().ok()?;
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    // SYNC-4
    #[test]
    fn versions_are_compared_part_by_part() {
        for newer in [
            "5.1.1", "5.1.1.0", "5.1.118", "5.2", "6", "10.0.1", "05.1.1",
        ] {
            assert!(gets_deletions(Some(newer)).unwrap(), "{newer}");
        }
        assert!(gets_deletions(None).unwrap());
        for older in ["5.1", "5.1.0", "5.1.0.9", "5.0.999", "4.9.1", "0", "5"] {
            assert!(!gets_deletions(Some(older)).unwrap(), "{older}");
        }
        for absurd in [
            "",
            ".",
            "5.",
            ".5",
            "5..1",
            "5.1.1.1.1",
            "-1",
            "+5",
            " 5",
            "5.1.1\n",
            "v5",
            "5,1",
            "1e9",
            "9999999999",
            "\u{665}.1",
            &"1".repeat(1_000_000),
        ] {
            let error = gets_deletions(Some(absurd)).unwrap_err();
            assert_eq!(error.code(crate::command::Service::Contact), 50002);
            assert!(error.to_string().len() < 200);
        }
    }
}
