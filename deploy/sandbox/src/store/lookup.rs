//! What the edge asks of the state.

use super::{
    Account, Bucket, DnsRecord, Namespace, Route, Rule, Script, Store, WorkerDomain, World,
};

/// Which zone a host belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneName {
    /// The zone's id.
    pub id: String,
    /// The zone's name.
    pub name: String,
    /// The account's id.
    pub account: String,
}

impl World {
    /// A namespace of any account.
    pub fn namespace(&self, id: &str) -> Option<&Namespace> {
        self.accounts.values().find_map(|account| account.namespaces.get(id))
    }

    /// A namespace of any account, to change.
    pub fn namespace_mut(&mut self, id: &str) -> Option<&mut Namespace> {
        self.accounts.values_mut().find_map(|account| account.namespaces.get_mut(id))
    }

    /// A bucket, to change.
    pub fn bucket_mut(&mut self, account: &str, bucket: &str) -> Option<&mut Bucket> {
        self.accounts.get_mut(account)?.buckets.get_mut(bucket)
    }
}

impl Store {
    /// The zone with the longest name that covers a host (lower-case, without port).
    pub fn zone_for_host(&self, host: &str) -> Option<ZoneName> {
        self.read(|world| {
            world
                .zones
                .values()
                .filter(|zone| zone.covers(host))
                .max_by_key(|zone| zone.name.len())
                .map(|zone| ZoneName {
                    id: zone.id.clone(),
                    name: zone.name.clone(),
                    account: zone.account.clone(),
                })
        })
    }

    /// The records of a name, or of the wildcard one level up (`*.example.com`) if it has none.
    pub fn records(&self, zone: &str, name: &str) -> Vec<DnsRecord> {
        self.read(|world| {
            let Some(zone) = world.zones.get(zone) else { return Vec::new() };
            let named = |name: &str| -> Vec<DnsRecord> {
                zone.records.values().filter(|record| record.name == name).cloned().collect()
            };
            let exact = named(name);
            match name.split_once('.') {
                Some((_, parent)) if exact.is_empty() => named(&format!("*.{parent}")),
                _ => exact,
            }
        })
    }

    /// The enabled and disabled rules of a phase, in order.
    pub fn rules(&self, zone: &str, phase: &str) -> Vec<Rule> {
        self.read(|world| {
            let zone = world.zones.get(zone)?;
            Some(zone.phase(phase)?.rules.clone())
        })
        .unwrap_or_default()
    }

    /// A zone's Worker routes.
    pub fn routes(&self, zone: &str) -> Vec<Route> {
        self.read(|world| world.zones.get(zone).map(|zone| zone.routes.values().cloned().collect()))
            .unwrap_or_default()
    }

    /// A zone's setting: what it was set to, else the default.
    pub fn setting(&self, zone: &str, setting: &str) -> Option<serde_json::Value> {
        self.read(|world| {
            let zone = world.zones.get(zone)?;
            zone.settings
                .get(setting)
                .map(|changed| changed.value.clone())
                .or_else(|| super::settings::default_of(setting))
        })
    }

    /// A script of an account.
    pub fn script(&self, account: &str, name: &str) -> Option<Script> {
        self.read(|world| world.accounts.get(account)?.scripts.get(name).cloned())
    }

    /// Every script, with its account's id.
    pub fn scripts(&self) -> Vec<(String, Script)> {
        self.of_accounts(|account| account.scripts.values().cloned().collect())
    }

    /// Every host bound to a Worker, with its account's id.
    pub fn domains(&self) -> Vec<(String, WorkerDomain)> {
        self.of_accounts(|account| account.domains.values().cloned().collect())
    }

    fn of_accounts<T>(&self, each: impl Fn(&Account) -> Vec<T>) -> Vec<(String, T)> {
        self.read(|world| {
            world
                .accounts
                .values()
                .flat_map(|account| {
                    each(account).into_iter().map(|item| (account.id.clone(), item))
                })
                .collect()
        })
    }
}
