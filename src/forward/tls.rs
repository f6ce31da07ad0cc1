//! TLS configuration of both sides from PEM files. Errors name the flag and the file, never a byte
//! of a key.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::error::Error;

/// TLS for listening sockets. With `client_ca`, clients must present a certificate of that
/// authority.
pub(crate) fn acceptor(
    cert: &Path,
    key: &Path,
    client_ca: Option<&Path>,
) -> Result<TlsAcceptor, Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(tls_error)?;
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let roots = Arc::new(root_certificates("--tls-client-ca", path)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider)
                .build()
                .map_err(tls_error)?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let config = builder
        .with_single_cert(certificates("--tls-cert", cert)?, private_key("--tls-key", key)?)
        .map_err(tls_error)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// TLS for connections to the next hop, with a client certificate if the next hop asks for one.
pub(crate) fn connector(ca: &Path, own: Option<(&Path, &Path)>) -> Result<TlsConnector, Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(tls_error)?
        .with_root_certificates(root_certificates("--to-tls-ca", ca)?);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => builder
            .with_client_auth_cert(
                certificates("--to-tls-cert", cert)?,
                private_key("--to-tls-key", key)?,
            )
            .map_err(tls_error)?,
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

fn certificates(flag: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found = CertificateDer::pem_file_iter(path)
        .and_then(|found| found.collect::<Result<Vec<_>, _>>())
        .map_err(|error| file_error(flag, path, error))?;
    if found.is_empty() {
        return Err(file_error(flag, path, "contains no certificate"));
    }
    Ok(found)
}

fn private_key(flag: &str, path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    // The parser's own error is dropped: it adds nothing and must not be able to quote the key.
    PrivateKeyDer::from_pem_file(path)
        .map_err(|_| file_error(flag, path, "contains no readable private key"))
}

fn root_certificates(flag: &str, path: &Path) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(flag, path)? {
        roots.add(certificate).map_err(|error| file_error(flag, path, error))?;
    }
    Ok(roots)
}

fn file_error(flag: &str, path: &Path, why: impl std::fmt::Display) -> Error {
    Error::usage(format!("{flag} {}: {why}", path.display()))
}

fn tls_error(error: impl std::fmt::Display) -> Error {
    Error::usage(format!("TLS: {error}"))
}
