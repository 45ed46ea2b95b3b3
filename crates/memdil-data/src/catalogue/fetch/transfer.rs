//! A single HTTP request whose body is written to a file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::IpAddr;
use std::path::Path;

use ureq::http::{Response, StatusCode, Uri, header};
use ureq::{Agent, Body, Error, Timeout};

use super::options::FetchOptions;
use crate::error::DataError;

/// The reason why an attempt failed, which determines the next step.
pub(super) enum Failure {
    /// Another attempt may succeed.
    Temporary(String),
    /// This source cannot be used.
    Source(String),
    /// A failure on this machine, so another source would not help.
    Local(DataError),
}

/// Completes `part` to `total` bytes and syncs it to disk, resuming after the existing bytes.
///
/// Returns the number of bytes kept from an earlier attempt.
pub(super) fn transfer(
    url: &str,
    part: &Path,
    total: u64,
    options: &FetchOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<u64, Failure> {
    let here = |cause| Failure::Local(DataError::unwritable(part)(cause));
    let mut file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(part)
        .map_err(here)?;
    let mut there = file.metadata().map_err(here)?.len();
    if there > total {
        file.set_len(0).map_err(here)?;
        there = 0;
    }
    if there < total {
        let response = request(url, there, options)?;
        let Some(start) = start_of_body(&response, there, total)? else {
            file.set_len(0).map_err(here)?;
            return Err(Failure::Temporary(format!("cannot resume at byte {there}")));
        };
        if start < there {
            file.set_len(start).map_err(here)?;
        }
        there = start;
        file.seek(SeekFrom::Start(start)).map_err(here)?;
        copy_body(response, &mut file, part, start, total, options, progress)?;
    }
    file.sync_all().map_err(here)?;
    Ok(there)
}

fn request(url: &str, there: u64, options: &FetchOptions) -> Result<Response<Body>, Failure> {
    let mut config = Agent::config_builder()
        .user_agent(concat!("memdil/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        .timeout_resolve(Some(options.connect_timeout))
        .timeout_connect(Some(options.connect_timeout))
        .timeout_per_read(Some(options.stall_timeout))
        .timeout_per_write(Some(options.stall_timeout));
    if is_this_machine(url) {
        // A proxy from the environment cannot reach a server on this machine.
        config = config.proxy(None);
    }
    // The checksum covers the stored bytes, so the transfer must not compress them.
    let mut request = Agent::new_with_config(config.build())
        .get(url)
        .header(header::ACCEPT_ENCODING, "identity");
    if there > 0 {
        request = request.header(header::RANGE, format!("bytes={there}-"));
    }
    let response = request.call().map_err(|error| {
        let failure = if is_temporary(&error) {
            Failure::Temporary
        } else {
            Failure::Source
        };
        failure(describe(&error, options))
    })?;
    let status = response.status();
    let cause = format!("responded with {status}");
    match status {
        StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
            Ok(response)
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            Err(Failure::Temporary(cause))
        }
        _ if status.is_server_error() => Err(Failure::Temporary(cause)),
        _ => Err(Failure::Source(cause)),
    }
}

/// The file offset of the response body; `None` if the server does not resume at the requested
/// offset.
fn start_of_body(
    response: &Response<Body>,
    there: u64,
    total: u64,
) -> Result<Option<u64>, Failure> {
    let size = |bytes: u64| Failure::Source(format!("has {bytes} bytes, not {total}"));
    if response.status() == StatusCode::OK {
        // A server without support for ranges sends the whole file.
        return match response.body().content_length() {
            Some(length) if length != total => Err(size(length)),
            _ => Ok(Some(0)),
        };
    }
    // For example `bytes 500-999/1000`; an unknown size is an asterisk.
    let range = response.headers().get(header::CONTENT_RANGE);
    let range = range.and_then(|range| range.to_str().ok()?.strip_prefix("bytes "));
    let satisfiable = response.status() != StatusCode::RANGE_NOT_SATISFIABLE;
    match range.and_then(|range| range.split_once('/')) {
        Some((range, whole)) if satisfiable && range.starts_with(&format!("{there}-")) => {
            match whole.parse() {
                Ok(whole) if whole != total => Err(size(whole)),
                _ => Ok(Some(there)),
            }
        }
        _ => Ok(None),
    }
}

fn copy_body(
    response: Response<Body>,
    file: &mut File,
    part: &Path,
    start: u64,
    total: u64,
    options: &FetchOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), Failure> {
    let here = |cause| Failure::Local(DataError::unwritable(part)(cause));
    let mut body = response.into_body().into_reader();
    let mut buffer = vec![0; 1 << 16];
    let mut done = start;
    progress(done, start);
    loop {
        let n = match body.read(&mut buffer) {
            Ok(0) if done == total => return Ok(()),
            Ok(0) => {
                let cause = format!("ended after {done} of {total} bytes");
                return Err(Failure::Temporary(cause));
            }
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let cause = describe(&Error::from(error), options);
                let cause = format!("{cause} after {done} of {total} bytes");
                return Err(Failure::Temporary(cause));
            }
        };
        if done + n as u64 > total {
            file.set_len(0).map_err(here)?;
            return Err(Failure::Source(format!("sent more than {total} bytes")));
        }
        file.write_all(&buffer[..n]).map_err(here)?;
        done += n as u64;
        progress(done, start);
    }
}

/// Whether a failed request is worth another attempt. A host that cannot be found or reached is not
/// tried again, so that a machine without network access reports the error without delay.
fn is_temporary(error: &Error) -> bool {
    match error {
        Error::Timeout(timeout) => !matches!(timeout, Timeout::Resolve | Timeout::Connect),
        Error::Io(error) => matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::TimedOut
        ),
        Error::Protocol(_) => true,
        _ => false,
    }
}

fn describe(error: &Error, options: &FetchOptions) -> String {
    let text = match error {
        Error::HostNotFound => "host not found".to_owned(),
        Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
            format!("not reached within {:?}", options.connect_timeout)
        }
        Error::Timeout(_) => format!("no response for {:?}", options.stall_timeout),
        Error::Io(error) => error.to_string(),
        other => other.to_string(),
    };
    text.lines().collect::<Vec<_>>().join(" ")
}

fn is_this_machine(url: &str) -> bool {
    host(url).is_some_and(|host| {
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || address
                .parse()
                .is_ok_and(|address: IpAddr| address.is_loopback())
    })
}

/// The host of an HTTP or HTTPS address.
pub(super) fn host(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let known = matches!(uri.scheme_str(), Some("http" | "https"));
    let host = uri.host().filter(|host| known && !host.is_empty());
    host.map(str::to_owned)
}
