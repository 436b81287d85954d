//! What we call our objects in Cloudflare, and how we know them again.

use bus_schema::ResourceAddress;
use sha2::{Digest, Sha256};

use crate::kind::Marker;

/// Every name we give begins so.
pub(super) const PREFIX: &str = "zd-";
/// Longest name an R2 bucket can have, in characters.
const LONGEST: usize = 63;

/// The name of an object that has one: `zd-<stack>-<name>`.
///
/// A resource whose own name has a hyphen, or for which that would be too long, gets a digest at the
/// end: without it `zd-edge-api-cache` could belong to two stacks.
pub(super) fn cloud_name(address: &ResourceAddress) -> String {
    let (stack, name) = (address.stack.as_str(), address.name.as_str());
    let plain = format!("{PREFIX}{stack}-{name}");
    if !name.contains('-') && plain.len() <= LONGEST {
        return plain;
    }
    let digest = digest(stack, name);
    let cut: String = plain.chars().take(LONGEST - digest.len() - 1).collect();
    format!("{}-{digest}", cut.trim_end_matches('-'))
}

/// Whose object bears this name; `None` where it is not of ours, or too long to tell.
pub(super) fn owner_of(cloud_name: &str) -> Option<Marker> {
    let rest = cloud_name.strip_prefix(PREFIX)?;
    let (body, last) = rest.rsplit_once('-')?;
    let marker = |stack: &str, name: &str| {
        Some(Marker { stack: stack.parse().ok()?, name: name.parse().ok()? })
    };
    let with_digest = body.match_indices('-').find_map(|(at, _)| {
        let (stack, name) = (body.get(..at)?, body.get(at + 1..)?);
        (digest(stack, name) == last).then(|| marker(stack, name)).flatten()
    });
    with_digest.or_else(|| marker(body, last))
}

fn digest(stack: &str, name: &str) -> String {
    let digest = Sha256::digest(format!("{stack}/{name}").as_bytes());
    hex::encode(digest.get(..4).unwrap_or_default())
}

/// The `ref` of a rule: the same at every apply, so that Cloudflare keeps the rule's id.
pub(super) fn rule_ref(address: &ResourceAddress) -> String {
    format!("zerodrift_{}_{}", address.stack, address.name).replace('-', "_")
}

/// A description for people with the mark of ownership after it.
pub(super) fn mark(description: &str, address: &ResourceAddress) -> String {
    let marker = Marker::of(address);
    if description.is_empty() { marker.to_string() } else { format!("{description} ({marker})") }
}

/// The description without the mark, and the mark.
pub(super) fn unmark(text: &str) -> (String, Option<Marker>) {
    let Some(marker) = Marker::find(text) else { return (text.trim().to_owned(), None) };
    let plain = text
        .replace(&format!(" ({marker})"), "")
        .replace(&format!("({marker})"), "")
        .replace(&marker.to_string(), "");
    (plain.trim().to_owned(), Some(marker))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(stack: &str, name: &str) -> ResourceAddress {
        format!("{stack}/cloudflare.kv_namespace/{name}").parse().unwrap()
    }

    #[test]
    fn a_name_belongs_to_one_resource_only() {
        let one = cloud_name(&address("edge-api", "cache"));
        let other = cloud_name(&address("edge", "api-cache"));
        assert_eq!(one, "zd-edge-api-cache");
        assert_ne!(one, other);
        assert_eq!(owner_of(&one), Some(Marker::of(&address("edge-api", "cache"))));
        assert_eq!(owner_of(&other), Some(Marker::of(&address("edge", "api-cache"))));
    }

    #[test]
    fn a_long_name_still_fits_a_bucket() {
        let (long, longer) = ("s".repeat(40), "n".repeat(39));
        let name = cloud_name(&address(&long, &longer));
        assert_eq!(name.len(), LONGEST);
        assert_ne!(name, cloud_name(&address(&long, &"n".repeat(40))));
    }

    #[test]
    fn nobody_owns_a_foreign_name() {
        assert_eq!(owner_of("assets"), None);
        assert_eq!(owner_of("zd-"), None);
        assert_eq!(owner_of("zd-UPPER-case"), None);
    }

    #[test]
    fn a_mark_comes_off_as_it_went_on() {
        let address = address("edge-api", "cache");
        for text in ["", "Blocks scanners", "with (brackets) inside"] {
            let marked = mark(text, &address);
            assert_eq!(unmark(&marked), (text.to_owned(), Some(Marker::of(&address))));
        }
        assert_eq!(unmark("by hand"), ("by hand".to_owned(), None));
    }

    #[test]
    fn what_somebody_adds_to_a_marked_text_shows() {
        let marked = mark("Blocks scanners", &address("edge-api", "cache"));
        assert_eq!(unmark(&format!("{marked} and bots")).0, "Blocks scanners and bots");
    }
}
