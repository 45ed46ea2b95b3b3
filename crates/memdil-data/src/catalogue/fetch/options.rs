//! Options of downloads.

use std::time::Duration;

/// Options of downloads: the source, timeouts and retries.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FetchOptions {
    /// Base address that replaces the published sources; the file name is appended.
    pub mirror: Option<String>,
    /// Timeout for each of resolving the host name and connecting.
    pub connect_timeout: Duration,
    /// Timeout for a server that stops sending.
    pub stall_timeout: Duration,
    /// Attempts per source; 0 counts as 1.
    pub attempts: u32,
    /// The pause before the second attempt at a source, doubled for each further attempt.
    pub backoff: Duration,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            mirror: None,
            connect_timeout: Duration::from_secs(15),
            stall_timeout: Duration::from_secs(30),
            attempts: 5,
            backoff: Duration::from_secs(1),
        }
    }
}
