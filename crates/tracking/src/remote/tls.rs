//! Which certificates of a tracking server are trusted, where the user names some.
//!
//! A certificate that signs others (a CA) is one by which others are verified, as everywhere. But `openssl req -x509` makes
//! a certificate for a server that says it could sign others, too; MLflow's Python client accepts it where the user names
//! it, and a verification by chains refuses it (`CaUsedAsEndEntity`). So a server may also show one of the very
//! certificates that the user named: nobody else has its key. Its names and its time count all the same.

use std::{fs, path::Path, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};

use super::validity;
use crate::Error;

const SERVER: &str = "MLFLOW_TRACKING_SERVER_CERT_PATH";
const CLIENT: &str = "MLFLOW_TRACKING_CLIENT_CERT_PATH";

/// Trusts the certificates in the PEM file `server` and those that they have signed, nothing else; says who we are with
/// certificate and key in the PEM file `client`.
pub(super) fn trusting(server: &Path, client: Option<&Path>) -> Result<ClientConfig, Error> {
    let unusable = |reason: String| unusable(SERVER, server, &reason);
    let provider = Arc::new(ring::default_provider());
    let named = Named::new(certificates(server)?, &provider).map_err(unusable)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(named));
    let Some(client) = client else {
        return Ok(config.with_no_client_auth());
    };
    let bytes = read(CLIENT, client)?;
    let refuse = |reason: String| self::unusable(CLIENT, client, &reason);
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(&bytes).collect::<Result<_, _>>().map_err(|error| refuse(error.to_string()))?;
    let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| refuse(error.to_string()))?;
    config.with_client_auth_cert(chain, key).map_err(|error| refuse(error.to_string()))
}

/// The certificates in the PEM file that names those of the server; at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let unusable = |reason: String| unusable(SERVER, path, &reason);
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&read(SERVER, path)?)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(error.to_string()))?;
    if certificates.is_empty() {
        return Err(unusable("it holds no PEM certificate".to_owned()));
    }
    Ok(certificates)
}

/// The PEM file with our own certificate and its key, for the builder of connections.
pub(super) fn identity(path: &Path) -> Result<reqwest::Identity, Error> {
    reqwest::Identity::from_pem(&read(CLIENT, path)?).map_err(|error| unusable(CLIENT, path, &error.to_string()))
}

fn read(name: &str, path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| unusable(name, path, &error.to_string()))
}

fn unusable(name: &str, path: &Path, reason: &str) -> Error {
    Error::Option { name: name.to_owned(), reason: format!("({}) cannot be used: {reason}", path.display()) }
}

/// Verifies by the certificates that the user named.
#[derive(Debug)]
struct Named {
    certificates: Vec<CertificateDer<'static>>,
    /// Those among them that can have signed others; there may be none.
    chains: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl Named {
    fn new(certificates: Vec<CertificateDer<'static>>, provider: &Arc<CryptoProvider>) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        for (certificate, number) in certificates.iter().zip(1..) {
            let is_root = roots.add(certificate.clone()).is_ok();
            if let (false, Err(error)) = (is_root, ParsedCertificate::try_from(certificate)) {
                return Err(format!("its certificate number {number} is none that is understood ({error})"));
            }
        }
        let chains = if roots.is_empty() {
            None
        } else {
            let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
            Some(builder.build().map_err(|error| error.to_string())?)
        };
        Ok(Self { certificates, chains, provider: Arc::clone(provider) })
    }
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let by_chain = self
            .chains
            .as_ref()
            .map(|chains| chains.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now));
        let refused = match by_chain {
            Some(Ok(verified)) => return Ok(verified),
            Some(Err(refused)) => refused,
            None => CertificateError::UnknownIssuer.into(),
        };
        if !self.certificates.iter().any(|named| named.as_ref() == end_entity.as_ref()) {
            return Err(refused);
        }
        verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
        validity::check(end_entity, now)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
