//! Serves `GET /metrics` over HTTP, one request at a time on one thread, each limited to a few
//! seconds and a few kilobytes. A slow client delays nobody but other clients of the metrics.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::text::CONTENT_TYPE;

/// Longest request in bytes.
const MAX_REQUEST: usize = 8 << 10;
/// How long a request may take to arrive, and its answer to leave.
const PATIENCE: Duration = Duration::from_secs(3);
/// A pause after the system refused a connection (too many files are open), so that refusals do not
/// fill a core.
const PAUSE: Duration = Duration::from_millis(100);

/// The response to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Metrics,
    BadRequest,
    NotFound,
    WrongMethod,
    TooLong,
}

/// Responds to requests with what `page` returns, until the process ends.
///
/// # Errors
/// If the thread cannot be spawned.
pub fn listen(listener: TcpListener, page: impl Fn() -> String + Send + 'static) -> io::Result<SocketAddr> {
    let local = listener.local_addr()?;
    std::thread::Builder::new().name("kabar-metrics".to_owned()).spawn(move || {
        loop {
            match listener.accept() {
                // A client that hangs up early causes an error here.
                Ok((stream, _)) => drop(answer(&stream, &page)),
                Err(_) => std::thread::sleep(PAUSE),
            }
        }
    })?;
    Ok(local)
}

fn answer(mut stream: &TcpStream, page: impl Fn() -> String) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let verdict = read_request(stream, Instant::now() + PATIENCE)?;
    let (status, body) = match verdict {
        Verdict::Metrics => ("200 OK", page()),
        Verdict::BadRequest => ("400 Bad Request", "this is not HTTP\n".to_owned()),
        Verdict::NotFound => ("404 Not Found", "there is only /metrics\n".to_owned()),
        Verdict::WrongMethod => ("405 Method Not Allowed", "only GET\n".to_owned()),
        Verdict::TooLong => ("431 Request Header Fields Too Large", "the request is too long\n".to_owned()),
    };
    let allow = if verdict == Verdict::WrongMethod { "Allow: GET\r\n" } else { "" };
    let len = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len}\r\n{allow}Connection: close\r\n\r\n"
    );
    stream.write_all((head + &body).as_bytes())?;
    stream.shutdown(std::net::Shutdown::Write)
}

/// Reads a request up to the empty line after its head.
fn read_request(mut stream: &TcpStream, deadline: Instant) -> io::Result<Verdict> {
    let mut request = Vec::new();
    let mut chunk = [0; 1024];
    while !is_whole(&request) {
        if request.len() > MAX_REQUEST {
            return Ok(Verdict::TooLong);
        }
        // A zero duration would mean no time-out.
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut chunk)? {
            0 => return Ok(Verdict::BadRequest),
            len => request.extend_from_slice(&chunk[..len]),
        }
    }
    Ok(judge(&request))
}

fn is_whole(request: &[u8]) -> bool {
    request.windows(4).any(|end| end == b"\r\n\r\n") || request.windows(2).any(|end| end == b"\n\n")
}

/// Parses the first line: method, path, version.
fn judge(request: &[u8]) -> Verdict {
    let line = request.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let Ok(line) = std::str::from_utf8(line) else { return Verdict::BadRequest };
    let mut words = line.split_ascii_whitespace();
    let (Some(method), Some(path), Some(version), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Verdict::BadRequest;
    };
    if !version.starts_with("HTTP/1.") {
        Verdict::BadRequest
    } else if path.split('?').next() != Some("/metrics") {
        Verdict::NotFound
    } else if method != "GET" {
        Verdict::WrongMethod
    } else {
        Verdict::Metrics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> SocketAddr {
        listen(TcpListener::bind("127.0.0.1:0").unwrap(), || "kabar_members 1\n".to_owned()).unwrap()
    }

    fn ask(address: SocketAddr, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn gives_the_page_with_its_length_and_type() {
        let answer = ask(start(), b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"), "{answer}");
        assert!(answer.contains("Content-Length: 16\r\n") && answer.ends_with("\r\n\r\nkabar_members 1\n"), "{answer}");
    }

    #[test]
    fn refuses_everything_else() {
        let address = start();
        for (request, status) in [
            (b"GET / HTTP/1.1\r\n\r\n".as_slice(), "404"),
            (b"GET /metrics/../x HTTP/1.1\r\n\r\n", "404"),
            (b"POST /metrics HTTP/1.1\r\n\r\n", "405"),
            (b"GET /metrics\r\n\r\n", "400"),
            (b"\xff\xfe\r\n\r\n", "400"),
            (b"GET /metrics HTTP/2\r\n\r\n", "400"),
        ] {
            let answer = ask(address, request);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        }
        assert!(ask(address, b"HEAD /metrics HTTP/1.1\r\n\r\n").contains("Allow: GET"));
    }

    #[test]
    fn a_request_without_end_is_cut_off() {
        let address = start();
        let mut stream = TcpStream::connect(address).unwrap();
        // The other side may close before it has read all.
        let _ = stream.write_all(&vec![b'a'; MAX_REQUEST + 2_000]);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431 "));
        assert!(ask(address, b"GET /metrics HTTP/1.0\r\n\r\n").contains("200 OK"));
    }

    #[test]
    fn a_silent_connection_delays_others_only_briefly() {
        let address = start();
        let silent = TcpStream::connect(address).unwrap();
        assert!(ask(address, b"GET /metrics?x=1 HTTP/1.1\r\n\r\n").contains("200 OK"));
        drop(silent);
    }
}
