//! TLS: certificates and keys from PEM files, on both sides.

use std::path::Path;

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};
use std::sync::Arc;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::net;
use crate::error::Error;

fn certificates(flag: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let wrong = |why: String| Error::usage(format!("{flag} {}: {why}", path.display()));
    let found = CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
    let found: Vec<_> =
        found.collect::<Result<_, _>>().map_err(|error| wrong(error.to_string()))?;
    if found.is_empty() { Err(wrong("no certificate in it".to_owned())) } else { Ok(found) }
}

fn key(flag: &str, path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    // The error of the parser names no byte of the file; its kind is enough.
    PrivateKeyDer::from_pem_file(path).map_err(|_| {
        Error::usage(format!("{flag} {}: no private key can be read from it", path.display()))
    })
}

fn roots(flag: &str, path: &Path) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(flag, path)? {
        roots
            .add(certificate)
            .map_err(|error| Error::usage(format!("{flag} {}: {error}", path.display())))?;
    }
    Ok(roots)
}

fn wrong(error: impl std::fmt::Display) -> Error {
    Error::usage(format!("TLS: {error}"))
}

/// The listening side; with `client_ca` a client must show a certificate of that authority.
pub(crate) fn acceptor(
    cert: &Path,
    key_file: &Path,
    client_ca: Option<&Path>,
) -> Result<TlsAcceptor, Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions();
    let builder = builder.map_err(wrong)?;
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let roots = Arc::new(roots("--tls-client-ca", path)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider)
                .build()
                .map_err(wrong)?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let config =
        builder.with_single_cert(certificates("--tls-cert", cert)?, key("--tls-key", key_file)?);
    Ok(net::acceptor(config.map_err(wrong)?))
}

/// The sending side, with a certificate of its own where the next hop asks for one.
pub(crate) fn connector(ca: &Path, own: Option<(&Path, &Path)>) -> Result<TlsConnector, Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(wrong)?
        .with_root_certificates(roots("--to-tls-ca", ca)?);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some((cert, key_file)) => builder
            .with_client_auth_cert(
                certificates("--to-tls-cert", cert)?,
                key("--to-tls-key", key_file)?,
            )
            .map_err(wrong)?,
    };
    Ok(net::connector(config))
}
