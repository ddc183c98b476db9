//! The HTTP client: redirects are bounded and never leave TLS, nothing is decompressed.

use reqwest::blocking::{Client, ClientBuilder};
use reqwest::redirect::{Attempt, Policy};

use super::DownloadOptions;
use crate::Error;

/// A client with these options.
pub(super) fn build(options: &DownloadOptions) -> Result<Client, Error> {
    // An error means that a provider is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match builder(options).build() {
        Ok(client) => Ok(client),
        // A machine without certificate authorities can still use http; https then fails with a word about certificates.
        Err(error) => builder(options).tls_certs_only([]).build().map_err(|_| Error::Download {
            url: "any address".to_owned(),
            reason: format!("cannot set up connections: {}", chain(&error)),
            part: None,
        }),
    }
}

fn builder(options: &DownloadOptions) -> ClientBuilder {
    let most = options.most_redirects;
    Client::builder()
        .user_agent(concat!("dodge-data/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(options.connect_timeout)
        // Of each read, not of the whole. The one who waits for the bytes is stricter; this ends the reading thread.
        .timeout(options.idle_timeout.saturating_mul(2))
        .redirect(Policy::custom(move |attempt| follow(attempt, most)))
}

fn follow(attempt: Attempt<'_>, most: usize) -> reqwest::redirect::Action {
    let previous = attempt.previous();
    if previous.len() > most {
        return attempt.error(format!("more than {most} redirects"));
    }
    if previous.contains(attempt.url()) {
        return attempt.error("the redirects go in a circle");
    }
    if previous.last().is_some_and(|last| last.scheme() == "https") && attempt.url().scheme() != "https" {
        return attempt.error("a redirect leads from https to an address without encryption");
    }
    attempt.follow()
}

/// The error with its causes, without the address, which may hold a signature.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut line = match error {
        error if error.is_redirect() => "redirects cannot be followed".to_owned(),
        error if error.is_timeout() => "the server does not answer in time".to_owned(),
        error if error.is_connect() => "no connection".to_owned(),
        error if error.is_body() || error.is_decode() => "the connection broke off".to_owned(),
        _ => "the request failed".to_owned(),
    };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !line.contains(&text) {
            line += &format!(": {text}");
        }
        cause = error.source();
    }
    line
}
