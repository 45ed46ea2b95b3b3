//! A local web server with scripted replies.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A received request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) head: String,
    /// The offset of `Range: bytes=N-`.
    pub(crate) from: Option<usize>,
}

/// Replies to one request on an open connection, which is closed afterwards.
pub(crate) type Reply = Box<dyn Fn(&Request, &mut TcpStream) + Send>;

pub(crate) struct Server {
    pub(crate) base: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Sends the k-th reply to the k-th request, and the last reply to all later requests.
    pub(crate) fn new(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        // The thread runs until the process exits; each connection is bounded by its timeouts.
        thread::spawn(move || {
            for (k, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                stream
                    .set_read_timeout(Some(Duration::from_secs(20)))
                    .unwrap();
                stream
                    .set_write_timeout(Some(Duration::from_secs(20)))
                    .unwrap();
                if let Some(request) = read_request(&stream) {
                    seen.lock().unwrap().push(request.clone());
                    replies[k.min(replies.len() - 1)](&request, &mut stream);
                }
            }
        });
        Self { base, requests }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn ranges(&self) -> Vec<Option<usize>> {
        self.requests().iter().map(|request| request.from).collect()
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.base)
    }
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut head = String::new();
    let mut reader = BufReader::new(stream);
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.to_lowercase();
    let path = head.split(' ').nth(1)?.to_owned();
    let from = head.lines().find_map(|line| {
        line.strip_prefix("range: bytes=")?
            .strip_suffix('-')?
            .parse()
            .ok()
    });
    Some(Request { path, head, from })
}

/// Sends a header and a body; errors because the client has closed the connection are ignored.
pub(crate) fn send(stream: &mut TcpStream, status: &str, headers: &[String], body: &[u8]) {
    let mut head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
    for header in headers {
        head.push_str(&format!("{header}\r\n"));
    }
    let _ = stream
        .write_all(format!("{head}\r\n").as_bytes())
        .and_then(|()| stream.write_all(body));
}

fn length(bytes: usize) -> String {
    format!("Content-Length: {bytes}")
}

/// Sends the whole file and ignores a requested range.
pub(crate) fn whole(content: &[u8]) -> Reply {
    let content = content.to_vec();
    Box::new(move |_, stream| send(stream, "200 OK", &[length(content.len())], &content))
}

/// Sends the requested range, and closes the connection after `at_most` bytes.
pub(crate) fn ranged(content: &[u8], at_most: usize) -> Reply {
    let content = content.to_vec();
    Box::new(move |request, stream| {
        let all = content.len();
        let from = request.from.unwrap_or(0);
        let body = &content[from..][..at_most.min(all - from)];
        if request.from.is_some() {
            let range = format!("Content-Range: bytes {from}-{}/{all}", all - 1);
            send(
                stream,
                "206 Partial Content",
                &[length(all - from), range],
                body,
            );
        } else {
            send(stream, "200 OK", &[length(all)], body);
        }
    })
}

/// Sends only a status.
pub(crate) fn status(status: &'static str) -> Reply {
    Box::new(move |_, stream| send(stream, status, &[length(0)], &[]))
}

/// Sends the given header and body.
pub(crate) fn raw(status: &'static str, headers: Vec<String>, body: Vec<u8>) -> Reply {
    Box::new(move |_, stream| send(stream, status, &headers, &body))
}

/// Waits until the client closes the connection.
pub(crate) fn wait_for_disconnect(stream: &mut TcpStream) {
    let _ = stream.read(&mut [0]);
}

/// An address without a listener.
pub(crate) fn unused_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
