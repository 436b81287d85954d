//! The command line of the sandbox.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

use crate::api::Limit;
use crate::store::Seed;

/// A local Cloudflare: the v4 API and an edge, on this machine alone.
#[derive(Debug, Clone, Parser)]
#[command(name = "zerodrift-sandbox", version)]
pub struct Arguments {
    /// Where the API listens; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub api: SocketAddr,
    /// Where the edge listens; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub edge: SocketAddr,
    /// The folder that keeps the state; without it the state ends with the process.
    #[arg(long, value_name = "FOLDER")]
    pub state: Option<PathBuf>,
    /// An account's id (repeatable); zones belong to the first.
    #[arg(long = "account", required = true, value_name = "ID")]
    pub accounts: Vec<String>,
    /// A zone's name (repeatable).
    #[arg(long = "zone", value_name = "NAME")]
    pub zones: Vec<String>,
    /// A token with full rights (repeatable); each is another actor in the audit log.
    #[arg(long = "token", required = true, value_name = "TOKEN")]
    pub tokens: Vec<String>,
    /// A token that may read everything and change nothing (repeatable).
    #[arg(long = "read-token", value_name = "TOKEN")]
    pub read_tokens: Vec<String>,
    /// The workerd to run Workers with; else it is looked for.
    #[arg(long, env = "ZERODRIFT_WORKERD", value_name = "FILE")]
    pub workerd: Option<PathBuf>,
    /// Where requests for a host, or for the content of its DNS record, go (repeatable).
    #[arg(long = "origin", value_name = "HOST=ADDRESS", value_parser = origin)]
    pub origins: Vec<(String, SocketAddr)>,
    /// Calls a token may make in five minutes.
    #[arg(long, default_value_t = Limit::default().requests, value_name = "CALLS")]
    pub rate_limit: u64,
}

fn origin(text: &str) -> Result<(String, SocketAddr), String> {
    let (host, address) = text.split_once('=').ok_or("it is HOST=ADDRESS:PORT")?;
    let address = address.parse().map_err(|error| format!("{address}: {error}"))?;
    Ok((host.to_ascii_lowercase(), address))
}

impl Arguments {
    /// What the state begins with.
    pub fn seed(&self) -> Seed {
        Seed {
            accounts: self.accounts.clone(),
            zones: self.zones.clone(),
            tokens: self.tokens.clone(),
            read_tokens: self.read_tokens.clone(),
        }
    }

    /// The API's rate limit.
    pub fn limit(&self) -> Limit {
        Limit { requests: self.rate_limit, ..Limit::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory as _;
        Arguments::command().debug_assert();
    }

    #[test]
    fn an_origin_is_a_host_and_an_address() {
        assert_eq!(
            origin("API.example.com=127.0.0.1:9").unwrap(),
            ("api.example.com".to_owned(), "127.0.0.1:9".parse().unwrap())
        );
        assert!(origin("api.example.com").is_err());
        assert!(origin("api.example.com=nowhere").is_err());
    }
}
