//! Who asks: the URL's common parameters.

use adieu_protocol::{conversation_id::check_user_id, user_sig::Signer};

use crate::{Error, Result};

/// Who asks, after the credential has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The administrator: any account, all commands.
    Admin(String),
    /// An account, for itself.
    Account(String),
}

impl Caller {
    /// The identifier.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Admin(name) | Self::Account(name) => name,
        }
    }

    /// Whether all commands are open.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        matches!(self, Self::Admin(_))
    }

    /// Passes for the administrator and for the account itself.
    ///
    /// # Errors
    /// [`Error::ForeignView`].
    pub fn act_for(&self, account: &str) -> Result<()> {
        match self {
            Self::Account(name) if name != account => Err(Error::ForeignView(name.clone())),
            _ => Ok(()),
        }
    }
}

/// Reads and checks `sdkappid`, `identifier` and `usersig`. `random` and `contenttype` are not
/// looked at: a published client sends the same `random` for ever, and another no content type.
///
/// # Errors
/// What is missing or does not hold.
pub fn sign_in(query: &str, signer: &Signer, admin: &str, now: u64) -> Result<Caller> {
    let (mut app_id, mut identifier, mut user_sig) = (None, None, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "sdkappid" => app_id = Some(value),
            "identifier" => identifier = Some(value),
            "usersig" => user_sig = Some(value),
            _ => {}
        }
    }
    let app_id = app_id
        .filter(|value| !value.is_empty())
        .ok_or(Error::AppIdMissing)?;
    if app_id.parse() != Ok(signer.app_id()) {
        return Err(Error::AppIdWrong);
    }
    let identifier = identifier.unwrap_or_default();
    check_user_id(&identifier).map_err(|error| Error::BadIdentifier(error.to_string()))?;
    signer.verify(user_sig.as_deref().unwrap_or_default(), &identifier, now)?;
    let name = identifier.into_owned();
    Ok(if name == admin {
        Caller::Admin(name)
    } else {
        Caller::Account(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(query: &str) -> std::result::Result<Caller, i32> {
        let signer = Signer::new(7, b"secret");
        sign_in(query, &signer, "admin", 1_000)
            .map_err(|error| error.code(crate::command::Service::Contact))
    }

    #[test]
    fn each_parameter_is_asked_for() {
        let sig = Signer::new(7, b"secret").sign("a b", 1_000, 60);
        assert_eq!(code(""), Err(60012));
        assert_eq!(code("sdkappid="), Err(60012));
        assert_eq!(code("sdkappid=8&identifier=a&usersig=x"), Err(60006));
        assert_eq!(code("sdkappid=-7&identifier=a&usersig=x"), Err(60006));
        assert_eq!(code("sdkappid=7"), Err(60004));
        assert_eq!(
            code(&format!("sdkappid=7&identifier={}", "x".repeat(33))),
            Err(60004)
        );
        assert_eq!(code("sdkappid=7&identifier=a"), Err(70002));
        assert_eq!(code("sdkappid=7&identifier=a&usersig=x"), Err(70003));
        assert_eq!(
            code(&format!("sdkappid=7&identifier=a&usersig={sig}")),
            Err(70013)
        );
        let good = format!("sdkappid=7&identifier=a%20b&usersig={sig}&random=1&contenttype=json");
        assert_eq!(code(&good), Ok(Caller::Account("a b".to_owned())));
        let sig = Signer::new(7, b"secret").sign("admin", 1_000, 60);
        let admin = format!("usersig={sig}&identifier=admin&sdkappid=7");
        assert_eq!(code(&admin), Ok(Caller::Admin("admin".to_owned())));
    }

    #[test]
    fn an_account_acts_for_itself_only() {
        let caller = Caller::Account("a".to_owned());
        assert!(caller.act_for("a").is_ok());
        assert_eq!(
            caller
                .act_for("b")
                .unwrap_err()
                .code(crate::command::Service::Contact),
            50003
        );
        assert!(Caller::Admin("x".to_owned()).act_for("b").is_ok());
    }
}
