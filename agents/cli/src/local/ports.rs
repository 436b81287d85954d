//! Which ports a local swarm listens on; all on the loopback interface.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use crate::Failure;

/// A port with what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Port {
    /// Which; 0 for any that is free.
    pub(crate) number: u16,
    /// What it is for.
    pub(crate) what: &'static str,
    /// The flag that chooses it.
    pub(crate) flag: &'static str,
}

/// The ports a person meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ports {
    /// NATS clients.
    pub(crate) nats: Port,
    /// NATS monitoring.
    pub(crate) monitor: Port,
    /// The sandbox's API.
    pub(crate) api: Port,
    /// The sandbox's edge.
    pub(crate) edge: Port,
    /// Hints over HTTP.
    pub(crate) hints: Port,
}

impl Ports {
    /// These numbers.
    pub(crate) const fn new(nats: u16, monitor: u16, api: u16, edge: u16, hints: u16) -> Self {
        Self {
            nats: Port { number: nats, what: "NATS", flag: "--nats-port" },
            monitor: Port { number: monitor, what: "NATS monitoring", flag: "--monitor-port" },
            api: Port { number: api, what: "the sandbox's API", flag: "--api-port" },
            edge: Port { number: edge, what: "the sandbox's edge", flag: "--edge-port" },
            hints: Port { number: hints, what: "hints", flag: "--hints-port" },
        }
    }

    /// Whatever is free.
    pub(crate) const fn any() -> Self {
        Self::new(0, 0, 0, 0, 0)
    }

    /// The same ports with a free number for each 0, all of them free at this moment.
    pub(crate) fn settle(self) -> Result<Self, Failure> {
        // All are held until the last is chosen, so that no number is given twice.
        let (nats, _held_nats) = self.nats.take()?;
        let (monitor, _held_monitor) = self.monitor.take()?;
        let (api, _held_api) = self.api.take()?;
        let (edge, _held_edge) = self.edge.take()?;
        let (hints, _held_hints) = self.hints.take()?;
        Ok(Self { nats, monitor, api, edge, hints })
    }
}

impl Port {
    /// The address it stands for.
    pub(crate) fn address(self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.number))
    }

    /// Whether nobody listens there.
    pub(crate) fn is_free(self) -> bool {
        TcpListener::bind(self.address()).is_ok()
    }

    fn take(self) -> Result<(Self, TcpListener), Failure> {
        let listener = TcpListener::bind(self.address()).map_err(|error| self.taken(error))?;
        let number = listener.local_addr().map_err(|error| self.taken(error))?.port();
        Ok((Self { number, ..self }, listener))
    }

    fn taken(self, error: io::Error) -> Failure {
        Failure::new(format!("port {} is not free for {}", self.number, self.what))
            .because(error)
            .advise(format!(
                "stop what listens there, choose another with {} N, or let any be chosen with \
                 --ports auto",
                self.flag
            ))
    }
}

/// An address nobody listens on at this moment, for what no person needs to know.
pub(crate) fn any_address() -> Result<SocketAddr, Failure> {
    let port = Port { number: 0, what: "an agent's health", flag: "--ports" };
    port.take().map(|(port, _held)| port.address())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_port_is_settled_and_no_two_are_the_same() {
        let ports = Ports::any().settle().unwrap();
        let all = [ports.nats, ports.monitor, ports.api, ports.edge, ports.hints];
        let numbers = all.map(|port| port.number);
        let distinct: std::collections::BTreeSet<_> = numbers.iter().collect();
        assert_eq!(distinct.len(), 5);
        assert!(!numbers.contains(&0));
    }

    #[test]
    fn a_taken_port_is_named_with_what_to_do() {
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let number = held.local_addr().unwrap().port();
        let failure = Ports::new(number, 0, 0, 0, 0).settle().unwrap_err();
        assert_eq!(failure.to_string(), format!("port {number} is not free for NATS"));
        assert!(failure.advice().unwrap().contains("--nats-port"));
    }
}
