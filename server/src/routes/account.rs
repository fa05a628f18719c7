//! The service `im_open_login_svc`.

use adieu_protocol::{account::AccountImport, conversation_id::check_user_id, envelope::Nothing};

use super::Call;
use crate::{Error, Result, storage::Account};

pub(super) async fn import(call: &Call<'_>, request: AccountImport) -> Result<Nothing> {
    check_user_id(&request.user_id)
        .map_err(|error| Error::BadParameter(format!("UserID: {error}")))?;
    let account = Account {
        name: request.user_id,
        nick: request.nick,
        face_url: request.face_url,
    };
    call.app.storage.import_account(account).await?;
    Ok(Nothing {})
}
