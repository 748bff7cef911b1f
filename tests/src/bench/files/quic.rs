//! The same transfer over QUIC: quinn with BBR, one stream, and the receiver synchronises the file
//! before it answers. The server is another process.
//!
//! It has the advantages that a transfer of Kabar does not have: no hash of the content, no entry,
//! no second copy of the proof on the disk, and larger datagrams where the path allows them. Its
//! windows are quinn's own, or as large as is requested.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use quinn::congestion::BbrConfig;
use quinn::rustls::RootCertStore;
use quinn::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use quinn::{ClientConfig, Connection, Endpoint, EndpointConfig, ServerConfig, TransportConfig, VarInt};

use crate::bench::usage::cpu_time;
use crate::bench::{Error, Setup};

/// First byte of a stream on which a file follows, with its length.
const PUT: u8 = b'P';
/// First byte of a stream on which a file is requested.
const GET: u8 = b'G';
/// Bytes per read and write of a file.
const PIECE: usize = 256 << 10;
/// Longest time without a datagram of the other side.
const IDLE: Duration = Duration::from_secs(30);

/// Runs the server, with windows of `window` bytes per stream, or quinn's own. Ends when its input
/// ends.
///
/// # Errors
/// If there is no socket.
pub fn serve(window: Option<u32>) -> Result<(), Error> {
    let home = tempfile::tempdir().map_err(Error::io("create a directory"))?;
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    runtime()?.block_on(async {
        let (config, certificate) = server_config(window)?;
        let endpoint = endpoint(Some(config))?;
        println!("{} {}", local(&endpoint)?, HEXLOWER.encode(&certificate));
        while let Some(incoming) = endpoint.accept().await {
            let path = home.path().join("content");
            tokio::spawn(async move {
                let Ok(connection) = incoming.await else { return };
                while let Ok(streams) = connection.accept_bi().await {
                    let _ = answer(streams, &path).await;
                }
            });
        }
        Ok(())
    })
}

async fn answer(
    (mut send, mut receive): (quinn::SendStream, quinn::RecvStream),
    path: &Path,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut kind = [0];
    receive.read_exact(&mut kind).await?;
    if kind == [PUT] {
        store(&mut receive, path).await?;
        send.write_all(&[0]).await?;
    } else {
        transmit(&mut send, path).await?;
    }
    send.finish()?;
    Ok(())
}

/// Writes what arrives to a file, on another thread, and synchronises it.
async fn store(receive: &mut quinn::RecvStream, path: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (pieces, written) = mpsc::channel();
    let path = path.to_owned();
    let writing = std::thread::spawn(move || write(&path, &written));
    while let Some(chunk) = receive.read_chunk(PIECE, true).await? {
        pieces.send(chunk.bytes)?;
    }
    drop(pieces);
    writing.join().map_err(|_| "the writer failed")??;
    Ok(())
}

fn write(path: &Path, pieces: &Receiver<impl AsRef<[u8]>>) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    while let Ok(piece) = pieces.recv() {
        file.write_all(piece.as_ref())?;
    }
    file.sync_all()
}

async fn transmit(send: &mut quinn::SendStream, path: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (mut file, mut piece) = (std::fs::File::open(path)?, vec![0; PIECE]);
    loop {
        let len = file.read(&mut piece)?;
        if len == 0 {
            return Ok(());
        }
        send.write_all(&piece[..len]).await?;
    }
}

/// The server's process.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
    certificate: Vec<u8>,
}

impl Server {
    pub(super) fn start(setup: &Setup, window: Option<u32>) -> Result<Self, Error> {
        let mut command = Command::new(&setup.this);
        command.arg("peer-quic").stdin(Stdio::piped()).stdout(Stdio::piped());
        command.args(window.map(|window| format!("--window={window}")));
        let mut child = command.spawn().map_err(Error::io("start the QUIC server"))?;
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or_else(|| Error::new("the QUIC server has no output"))?;
        BufReader::new(stdout).read_line(&mut line).map_err(Error::io("start the QUIC server"))?;
        let parsed = line.trim().split_once(' ').and_then(|(address, certificate)| {
            Some((address.parse().ok()?, HEXLOWER.decode(certificate.as_bytes()).ok()?))
        });
        let (address, certificate) = parsed.ok_or_else(|| Error::new("the QUIC server did not start"))?;
        Ok(Self { child, address, certificate })
    }

    pub(super) fn cpu_time(&self) -> Result<f64, Error> {
        cpu_time(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client that is connected.
pub(super) struct Client {
    runtime: tokio::runtime::Runtime,
    connection: Connection,
    home: tempfile::TempDir,
}

impl Client {
    /// Connects to the server at this address: its own, or that of a relay.
    pub(super) fn connect(server: &Server, address: SocketAddr, window: Option<u32>) -> Result<Self, Error> {
        let home = tempfile::tempdir().map_err(Error::io("create a directory"))?;
        let runtime = runtime()?;
        let connection = runtime.block_on(async {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from(server.certificate.as_slice())).map_err(failed)?;
            let mut config = ClientConfig::with_root_certificates(Arc::new(roots)).map_err(failed)?;
            config.transport_config(Arc::new(transport(window)?));
            let endpoint = endpoint(None)?;
            endpoint.connect_with(config, address, "localhost").map_err(failed)?.await.map_err(failed)
        })?;
        Ok(Self { runtime, connection, home })
    }

    /// Sends a file. Returns seconds until the server has synchronised it.
    pub(super) fn put(&self, path: PathBuf) -> Result<f64, Error> {
        let begin = Instant::now();
        self.runtime.block_on(async {
            let (mut send, mut receive) = self.connection.open_bi().await.map_err(failed)?;
            send.write_all(&[PUT]).await.map_err(failed)?;
            transmit(&mut send, &path).await.map_err(failed)?;
            send.finish().map_err(failed)?;
            receive.read_exact(&mut [0]).await.map_err(failed)
        })?;
        Ok(begin.elapsed().as_secs_f64())
    }

    /// Receives the file that was sent last. Returns seconds until it is synchronised here.
    pub(super) fn get(&self) -> Result<f64, Error> {
        let begin = Instant::now();
        self.runtime.block_on(async {
            let (mut send, mut receive) = self.connection.open_bi().await.map_err(failed)?;
            send.write_all(&[GET]).await.map_err(failed)?;
            send.finish().map_err(failed)?;
            store(&mut receive, &self.home.path().join("content")).await.map_err(failed)
        })?;
        Ok(begin.elapsed().as_secs_f64())
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(format!("the transfer over QUIC failed: {error}"))
}

fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Error::io("start a runtime"))
}

/// An endpoint with a receive buffer as that of Kabar's server.
fn endpoint(server: Option<ServerConfig>) -> Result<Endpoint, Error> {
    let bind = || {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
        let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20);
        Endpoint::new(EndpointConfig::default(), server, socket, Arc::new(quinn::TokioRuntime))
    };
    bind().map_err(Error::io("create a socket"))
}

fn local(endpoint: &Endpoint) -> Result<SocketAddr, Error> {
    endpoint.local_addr().map_err(Error::io("create a socket"))
}

fn server_config(window: Option<u32>) -> Result<(ServerConfig, Vec<u8>), Error> {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".into()]).map_err(failed)?;
    let certificate = CertificateDer::from(certified.cert);
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let mut config = ServerConfig::with_single_cert(vec![certificate.clone()], key.into()).map_err(failed)?;
    config.transport_config(Arc::new(transport(window)?));
    Ok((config, certificate.to_vec()))
}

fn transport(window: Option<u32>) -> Result<TransportConfig, Error> {
    let mut config = TransportConfig::default();
    config.congestion_controller_factory(Arc::new(BbrConfig::default()));
    if let Some(window) = window {
        config.stream_receive_window(VarInt::from_u32(window));
        config.send_window(u64::from(window));
    }
    config.max_idle_timeout(Some(IDLE.try_into().map_err(failed)?));
    Ok(config)
}
