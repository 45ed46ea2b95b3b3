//! How downloads are tried.

use std::time::Duration;

/// How downloads are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FetchOptions {
    /// Address of a folder that is tried instead of the published sources; the name of the file is
    /// appended.
    pub mirror: Option<String>,
    /// How long finding the host and connecting to it may each take.
    pub connect_timeout: Duration,
    /// How long the server may send nothing.
    pub stall_timeout: Duration,
    /// How many times one source is tried; 0 counts as 1.
    pub attempts: u32,
    /// The pause before the second attempt at a source; it doubles with each further one.
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
