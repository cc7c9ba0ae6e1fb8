//! What speaks TLS with a certificate that nobody has signed.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::CertifiedKey;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;

/// A site with one page, whose title is `Secure`.
pub(crate) async fn site() -> SocketAddr {
    let acceptor = acceptor();
    listen(move |client| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(client) = acceptor.accept(client).await {
                answer(client).await;
            }
        }
    })
    .await
}

/// A proxy that is spoken to over TLS, before one that is not.
pub(crate) async fn proxy(plain: String) -> SocketAddr {
    let acceptor = acceptor();
    listen(move |client| {
        let (acceptor, plain) = (acceptor.clone(), plain.clone());
        async move {
            let Ok(mut client) = acceptor.accept(client).await else { return };
            let mut proxy = TcpStream::connect(plain).await.expect("the proxy runs");
            let _ = tokio::io::copy_bidirectional(&mut client, &mut proxy).await;
        }
    })
    .await
}

/// A proxy that puts itself in the place of every site.
pub(crate) async fn interceptor() -> SocketAddr {
    let acceptor = acceptor();
    listen(move |mut client| {
        let acceptor = acceptor.clone();
        async move {
            if !head(&mut client).await.starts_with("CONNECT ") {
                return;
            }
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("it listens");
            if let Ok(client) = acceptor.accept(client).await {
                answer(client).await;
            }
        }
    })
    .await
}

fn acceptor() -> TlsAcceptor {
    let names = ["localhost", "127.0.0.1"].map(str::to_owned);
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(names).expect("a certificate");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![cert.der().clone()],
            signing_key.serialize_der().try_into().expect("a key"),
        )
        .expect("they belong together");
    TlsAcceptor::from(Arc::new(config))
}

/// Has each connection served in a task of its own. They end with the test's runtime.
async fn listen<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(serve(client));
        }
    });
    address
}

async fn answer(mut client: impl AsyncRead + AsyncWrite + Unpin) {
    if head(&mut client).await.is_empty() {
        return;
    }
    let page = "<title>Secure</title>";
    let length = page.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{page}"
    );
    let _ = client.write_all(answer.as_bytes()).await;
    let _ = client.shutdown().await;
}

/// The head of a request; nothing, where the other side leaves before its end.
async fn head(client: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match client.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return String::new(),
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}
