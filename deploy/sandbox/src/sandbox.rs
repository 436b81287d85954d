//! One running sandbox: its store, its API and its edge.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::arguments::Arguments;
use crate::edge::{Edge, Options};
use crate::store::{self, Store, World};
use crate::workers;

/// Why a sandbox could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address is taken, or not this machine's.
    #[error("cannot listen on {address} for the {what}")]
    Listen {
        /// `API` or `edge`.
        what: &'static str,
        /// The address asked for.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The state could not be loaded.
    #[error("cannot load the state")]
    State {
        /// Why.
        #[from]
        source: store::Error,
    },
    /// The edge could not start.
    #[error("cannot start the edge")]
    Edge {
        /// Why.
        source: io::Error,
    },
}

/// A running sandbox. Dropping it does not stop it: call [`Sandbox::stop`].
#[derive(Debug)]
pub struct Sandbox {
    api: SocketAddr,
    edge: Edge,
    store: Store,
    stop: CancellationToken,
    server: JoinHandle<()>,
}

impl Sandbox {
    /// Starts everything; both addresses accept connections when it returns.
    pub async fn start(arguments: Arguments) -> Result<Self, Error> {
        let store = match &arguments.state {
            Some(folder) => Store::open(folder).await?,
            None => Store::in_memory(World::default()),
        };
        let seed = arguments.seed();
        store.write(|world| world.sow(&seed));
        store.saved().await;
        let workerd = workers::locate(arguments.workerd.as_deref());
        if workerd.is_none() {
            tracing::warn!("workerd not found; Workers will not answer (`make tools` gets it)");
        }
        let api = listen("API", arguments.api).await?;
        let edge = listen("edge", arguments.edge).await?;
        let options = Options {
            workerd: workerd.clone(),
            origins: arguments.origins.iter().cloned().collect(),
        };
        let edge = Edge::start(store.clone(), edge, options)
            .await
            .map_err(|source| Error::Edge { source })?;
        let address = api.local_addr().map_err(|source| Error::Edge { source })?;
        let stop = CancellationToken::new();
        let serving = Api::new(store.clone(), seed, arguments.limit(), workerd);
        let server = tokio::spawn(serving.serve(api, stop.clone()));
        Ok(Self { api: address, edge, store, stop, server })
    }

    /// Where the API listens.
    pub fn api(&self) -> SocketAddr {
        self.api
    }

    /// Where the edge listens.
    pub fn edge(&self) -> SocketAddr {
        self.edge.address()
    }

    /// Stops listening, ends workerd, and saves what is unsaved.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.server.await {
            tracing::error!(%error, "the API ended badly");
        }
        self.edge.stop().await;
        self.store.stop().await;
    }
}

async fn listen(what: &'static str, address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error::Listen { what, address, source })
}
