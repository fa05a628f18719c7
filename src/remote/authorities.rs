//! Whose certificates a server may show.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::tls::{Certificate, RootCerts};

use crate::error::{Error, Result};

/// The authorities of a PEM text; without one, those of Mozilla's list.
///
/// # Errors
/// [`Error::Parameter`] for a text with no certificate in it, or one that cannot be read.
pub fn trusted(pem: Option<&str>) -> Result<RootCerts> {
    let Some(pem) = pem else {
        return Ok(RootCerts::WebPki);
    };
    let wrong = |what: String| {
        Error::Parameter(format!(
            "ca_certificates: {what}; allowed: certificates of authorities in PEM form, one after \
             the other"
        ))
    };
    // Only to see whether each can be read as an authority's: ureq passes over those that cannot.
    let mut readable = RootCertStore::empty();
    let mut authorities = Vec::new();
    for (at, found) in CertificateDer::pem_slice_iter(pem.as_bytes()).enumerate() {
        let der = found
            .ok()
            .filter(|der| readable.add(der.clone()).is_ok())
            .ok_or_else(|| wrong(format!("certificate {} cannot be read", at + 1)))?;
        authorities.push(Certificate::from_der(&der).to_owned());
    }
    if authorities.is_empty() {
        return Err(wrong("there is no certificate in it".to_owned()));
    }
    Ok(RootCerts::new_with_certs(&authorities))
}
