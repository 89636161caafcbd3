//! The HTTP clients, each made when it is first needed, and the proxy that stands between.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Client, ClientBuilder, NoProxy, Proxy, Url, redirect};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::call::{is_local, is_loopback};
use super::failed::deepest;
use super::pinned;
use crate::bounded;
use crate::config::{NetworkConfig, ProxyConfig};
use crate::provider::{ErrorClass, ProviderError};
use crate::words::{Text, text};

/// How a host is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// On this machine and without TLS: no proxy, and no certificates.
    Plain,
    /// On this machine, with TLS: no proxy.
    Near,
    /// Elsewhere: by the configured proxy, else the environment's.
    Far,
}

impl Reach {
    fn of(url: &Url) -> Self {
        if is_local(url) {
            Self::Plain
        } else if is_loopback(url) {
            Self::Near
        } else {
            Self::Far
        }
    }
}

/// The clients for all hosts.
#[derive(Debug)]
pub struct Clients {
    network: NetworkConfig,
    plain: OnceLock<Client>,
    near: OnceLock<Client>,
    far: OnceLock<Client>,
    matcher: Matcher,
}

impl Clients {
    pub fn new(network: NetworkConfig) -> Self {
        Self {
            matcher: matcher(network.proxy.as_ref()),
            network,
            plain: OnceLock::new(),
            near: OnceLock::new(),
            far: OnceLock::new(),
        }
    }

    /// The client for this address. Building one reads certificates from disk, so it is done beside the runtime.
    ///
    /// # Errors
    /// The configured proxy or certificates cannot be used. That is not remembered: they may be there the next time.
    pub async fn to(&self, url: &Url) -> Result<Client, ProviderError> {
        let reach = Reach::of(url);
        let slot = match reach {
            Reach::Plain => &self.plain,
            Reach::Near => &self.near,
            Reach::Far => &self.far,
        };
        if let Some(client) = slot.get() {
            return Ok(client.clone());
        }
        let network = self.network.clone();
        let built = tokio::task::spawn_blocking(move || build(reach, &network))
            .await
            .unwrap_or_else(|error| Err(ProviderError::new(ErrorClass::Tls, error.to_string())))?;
        Ok(slot.get_or_init(|| built).clone())
    }

    /// Host and port of the proxy between us and this address, if there is one: never what it is given to let us in.
    pub fn between(&self, url: &Url) -> Option<String> {
        if Reach::of(url) != Reach::Far {
            return None;
        }
        let proxy = self.matcher.intercept(&url.as_str().parse().ok()?)?;
        let authority = proxy.uri().authority()?.as_str();
        Some(authority.rsplit('@').next().unwrap_or(authority).to_owned())
    }
}

/// Finds out what reqwest will do; it does not say so itself.
fn matcher(proxy: Option<&ProxyConfig>) -> Matcher {
    match proxy {
        None | Some(ProxyConfig::Switch(true)) => Matcher::from_env(),
        Some(ProxyConfig::Switch(false)) => Matcher::builder().build(),
        Some(ProxyConfig::Address(address)) => {
            let exceptions = ["NO_PROXY", "no_proxy"]
                .iter()
                .find_map(|name| std::env::var(name).ok());
            Matcher::builder()
                .all(address.clone())
                .no(exceptions.unwrap_or_default())
                .build()
        }
    }
}

fn build(reach: Reach, network: &NetworkConfig) -> Result<Client, ProviderError> {
    rustls::crypto::ring::default_provider().install_default().ok();
    let builder = builder(network.connect());
    let builder = match reach {
        // Without this, building it fails on a machine that has no certificates.
        Reach::Plain => builder.no_proxy().tls_danger_accept_invalid_certs(true),
        Reach::Near => trusting(builder, network)?.no_proxy(),
        Reach::Far => proxied(trusting(builder, network)?, network.proxy.as_ref())?,
    };
    builder
        .build()
        .map_err(|error| ProviderError::new(ErrorClass::Tls, deepest(&error)))
}

fn builder(connect: Duration) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("gpt.nvim/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .connect_timeout(connect)
        .tcp_nodelay(true)
}

/// With the configured proxy. That of the environment is reqwest's default.
fn proxied(builder: ClientBuilder, proxy: Option<&ProxyConfig>) -> Result<ClientBuilder, ProviderError> {
    let address = match proxy {
        None | Some(ProxyConfig::Switch(true)) => return Ok(builder),
        Some(ProxyConfig::Switch(false)) => return Ok(builder.no_proxy()),
        Some(ProxyConfig::Address(address)) => address.trim(),
    };
    let scheme = address.split_once("://").map_or("http", |(scheme, _)| scheme);
    let proxy = Proxy::all(address)
        .ok()
        .filter(|_| matches!(scheme, "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h"))
        // It may hold a password: it is not repeated.
        .ok_or_else(|| ProviderError::ours(ErrorClass::Configuration, text!("network.no_proxy")))?;
    Ok(builder.no_proxy().proxy(proxy.no_proxy(NoProxy::from_env())))
}

/// With the configured certificates beside the system's.
fn trusting(builder: ClientBuilder, network: &NetworkConfig) -> Result<ClientBuilder, ProviderError> {
    let Some(file) = &network.ca_file else {
        return Ok(builder);
    };
    let certificates = certificates(file).map_err(|reason| {
        let place = file.display().to_string();
        let unusable = text!("network.ca_file", file = place, reason = reason);
        ProviderError::ours(ErrorClass::Configuration, unusable)
    })?;
    let tls = pinned::trusting(certificates).map_err(|error| ProviderError::new(ErrorClass::Tls, error.to_string()))?;
    Ok(builder.tls_backend_preconfigured(tls))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Text> {
    let pem = bounded::read(file, bounded::SMALL);
    let pem = pem.map_err(|unread| text!("network.ca_file_unread", reason = unread.reason()))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(text!("network.ca_file_empty")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(proxy: ProxyConfig, url: &str) -> Option<String> {
        let network = NetworkConfig {
            proxy: Some(proxy),
            ..NetworkConfig::default()
        };
        Clients::new(network).between(&Url::parse(url).unwrap())
    }

    fn configured(proxy: &str) -> Result<Client, ProviderError> {
        let network = NetworkConfig {
            proxy: Some(ProxyConfig::Address(proxy.into())),
            ..NetworkConfig::default()
        };
        build(Reach::Far, &network)
    }

    #[test]
    fn the_proxy_between_is_named_without_what_lets_us_in() {
        for (proxy, named) in [
            ("http://me:secret@proxy.test:3128", "proxy.test:3128"),
            ("proxy.test:3128", "proxy.test:3128"),
            ("socks5h://me:secret@proxy.test:1080/", "proxy.test:1080"),
        ] {
            let proxy = ProxyConfig::Address(proxy.into());
            assert_eq!(between(proxy, "https://llm.test/v1").as_deref(), Some(named));
        }
    }

    #[test]
    fn this_machine_is_reached_without_a_proxy() {
        for url in [
            "http://localhost:1/",
            "http://127.0.0.1/",
            "https://127.0.0.7/",
            "https://[::1]:4/",
        ] {
            let proxy = ProxyConfig::Address("http://proxy.test:3128".into());
            assert_eq!(between(proxy, url), None, "{url}");
        }
        assert_eq!(between(ProxyConfig::Switch(false), "https://llm.test/"), None);
    }

    #[test]
    fn an_address_that_is_none_is_refused_without_being_repeated() {
        for proxy in ["", "http://", "ftp://me:secret@proxy.test", "http://me:secret@"] {
            let error = configured(proxy).unwrap_err();
            assert_eq!(error.class, ErrorClass::Configuration, "{proxy}");
            assert!(
                error.message.starts_with("network.proxy is no address"),
                "{}",
                error.message
            );
            assert!(!error.message.contains("secret"), "{}", error.message);
        }
        assert!(configured("socks5://me:secret@127.0.0.1:1").is_ok());
    }

    #[test]
    fn a_file_of_certificates_that_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("text");
        std::fs::write(&text, "no certificate").unwrap();
        let broken = folder.path().join("broken");
        std::fs::write(&broken, "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n").unwrap();
        let missing = folder.path().join("missing");
        for (file, why) in [
            (&text, "holds no certificates"),
            (&broken, "holds no certificates"),
            (&missing, "cannot be read (No such file"),
        ] {
            let network = NetworkConfig {
                ca_file: Some(file.clone()),
                ..NetworkConfig::default()
            };
            let error = build(Reach::Far, &network).unwrap_err();
            let begin = format!("network.ca_file, {}: it {why}", file.display());
            assert_eq!(error.class, ErrorClass::Configuration);
            assert!(error.message.starts_with(&begin), "{}", error.message);
        }
    }
}
