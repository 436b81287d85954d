//! Reaching a swarm: the one on this machine, or the one that was named.

use std::time::Duration;

use runtime::{Bus, NatsSettings};

use crate::Failure;
use crate::arguments::Common;
use crate::failure::Explain as _;
use crate::local::{Folder, Phase, UpRecord};

/// Longest wait for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// A swarm that was reached.
#[derive(Debug)]
pub(crate) struct Swarm {
    /// Its bus.
    pub(crate) bus: Bus,
    /// Where it is.
    pub(crate) url: String,
    /// What runs it, where that is on this machine.
    pub(crate) local: Option<UpRecord>,
}

impl Swarm {
    /// Connects to the swarm the flags name, else to the one of the nearest state folder.
    pub(crate) async fn reach(common: &Common) -> Result<Self, Failure> {
        let (settings, local) = find(common)?;
        let url = settings.url.clone();
        let bus = connect(&settings).await?;
        Ok(Self { bus, url, local })
    }
}

fn find(common: &Common) -> Result<(NatsSettings, Option<UpRecord>), Failure> {
    if let Some(url) = &common.nats {
        let settings = NatsSettings {
            nkey_file: common.nkey.clone(),
            credentials: common.credentials.clone(),
            tls_ca: common.tls_ca.clone(),
            inbox_prefix: common.inbox_prefix.clone(),
            ..NatsSettings::at(url)
        };
        return Ok((settings, None));
    }
    let folder = Folder::find(common.state.as_deref())?;
    let Some(record) = folder.running()? else {
        return Err(Failure::new("no swarm runs on this machine from this folder").advise(
            "`zerodrift up` starts one here; `--nats URL` reaches one elsewhere; `--state FOLDER` \
             names the state folder of another",
        ));
    };
    if record.phase == Phase::Stopping {
        return Err(Failure::new("the swarm is being stopped")
            .advise("start it again with `zerodrift up` when it is down"));
    }
    Ok((as_operator(&record), Some(record)))
}

/// Who the command line is in a swarm of this machine.
pub(crate) fn as_operator(record: &UpRecord) -> NatsSettings {
    NatsSettings {
        nkey_file: Some(record.nats.operator.clone()),
        ..NatsSettings::at(&record.nats.url)
    }
}

/// Connects, within a person's patience.
pub(crate) async fn connect(settings: &NatsSettings) -> Result<Bus, Failure> {
    let what = format!("the NATS server at {} cannot be reached", settings.url);
    let advice = "is it running, and is this its address? For who you are there, see --nkey and \
                  --credentials";
    match tokio::time::timeout(PATIENCE, runtime::connect(settings, "zerodrift")).await {
        Ok(connected) => connected.or_advise(what, advice),
        Err(_) => Err(Failure::new(what)
            .because(format!("no answer within {} s", PATIENCE.as_secs()))
            .advise(advice)),
    }
}
