//! TLS on loopback: an authority made for one test, and a server with its certificate before a scripted one.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

/// A certificate authority that nobody trusts yet.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    /// What the server shows itself, if that is the authority's own.
    own: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
}

impl Authority {
    pub fn new() -> Authority {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters of an authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("an authority's certificate");
        Authority {
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
            own: None,
        }
    }

    /// Its certificate.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate as `openssl req -x509` makes it: it is its own authority, and the server's own. With the names that
    /// it is for, perhaps none.
    pub fn of_itself(names: &[&str]) -> Authority {
        let key = KeyPair::generate().expect("a key");
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("parameters of a certificate");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        let secret = PrivateKeyDer::try_from(key.serialize_der()).expect("a key's DER");
        Authority {
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
            own: Some((certificate.der().clone(), secret)),
        }
    }

    /// What a server of this name needs, which offers these protocols.
    fn certify(&self, name: &str, protocols: &[&str]) -> ServerConfig {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("parameters of a certificate");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let secret = PrivateKeyDer::try_from(key.serialize_der()).expect("a key's DER");
        let (shown, secret) = match &self.own {
            Some((certificate, secret)) => (certificate.clone(), secret.clone_key()),
            None => (certificate.der().clone(), secret),
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("TLS of today")
            .with_no_client_auth()
            .with_single_cert(vec![shown], secret)
            .expect("a certificate that fits its key");
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }
}

/// A port of loopback that speaks TLS. It ends when this is dropped.
pub struct TlsServer {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl TlsServer {
    /// With a certificate for `name`; what is inside goes to and comes from the server at `behind`.
    pub async fn before(behind: SocketAddr, authority: &Authority, name: &str) -> TlsServer {
        TlsServer::start(authority, name, &[], move |mut inside| async move {
            if let Ok(mut outside) = TcpStream::connect(behind).await {
                let _ = copy_bidirectional(&mut inside, &mut outside).await;
            }
        })
        .await
    }

    /// With a certificate for `name` and these protocols on offer; `serve` is given each connection.
    pub async fn start<S: Future<Output = ()> + Send>(
        authority: &Authority,
        name: &str,
        protocols: &[&str],
        serve: impl Fn(TlsStream<TcpStream>) -> S + Clone + Send + 'static,
    ) -> TlsServer {
        let acceptor = TlsAcceptor::from(Arc::new(authority.certify(name, protocols)));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on loopback");
        let address = listener.local_addr().expect("the listener's address");
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, serve) = (acceptor.clone(), serve.clone());
                tokio::spawn(async move {
                    if let Ok(inside) = acceptor.accept(stream).await {
                        serve(inside).await;
                    }
                });
            }
        });
        TlsServer { address, accepting }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
