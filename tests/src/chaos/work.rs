//! What people ask for meanwhile.

use std::time::Duration;

use serde_json::{Value, json};

use super::draw::Draw;
use super::world::ZONE;

/// The intents for one stack, in order, each with the pause before it.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    pub(super) stack: String,
    pub(super) intents: Vec<(Duration, Value)>,
    /// Whether each waits for the end of the one before.
    pub(super) patient: bool,
}

/// A mix over all golden paths: made, changed, moved, retired, made again; and some that is refused.
pub(super) fn mixed(draw: &mut Draw, lanes: usize, longest: u64) -> Vec<Lane> {
    // Two stacks share a zone's settings, or each is the only one to hold those of its own.
    let apart = draw.percent(50);
    (0..lanes).map(|number| lane(draw, number, apart, longest)).collect()
}

fn lane(draw: &mut Draw, number: usize, apart: bool, longest: u64) -> Lane {
    let stack = format!("lane{number}");
    let mut intents = Vec::new();
    for _ in 0..=1 + draw.below(longest) {
        let intent = match draw.below(10) {
            0 | 1 => json!({ "text": format!("Retire {stack}") }),
            2 if number == 0 => json!({ "text": "Hello there" }),
            _ => made(draw, number, apart, &stack),
        };
        intents.push((draw.millis(0, 300), intent));
    }
    Lane { stack, intents, patient: draw.percent(50) }
}

/// What the stack of a lane is about; the same lane always asks for the same golden path.
fn made(draw: &mut Draw, number: usize, apart: bool, stack: &str) -> Value {
    let host = |name: &str| format!("{name}{number}.example.com");
    match number % 5 {
        0 => json!({
            "path": "edge-cache", "stack": stack,
            "parameters": {
                "hostname": if apart && number > 0 { format!("cache.{ZONE}") } else { host("cache") },
                "origin": address(draw), "rps": 1000 + draw.below(9) * 1000,
                "objects": draw.percent(30),
            },
        }),
        1 => {
            let template = draw.one(&["redirects", "objects", "json-api"]).copied();
            json!({
                "path": "edge-worker", "stack": stack,
                "parameters": { "hostname": host("go"), "template": template },
            })
        }
        2 => {
            let domains = [format!("bad{}.example", draw.below(4)), "worse.example".to_owned()];
            json!({
                "path": "gateway-policy", "stack": stack,
                "parameters": { "action": "block", "domains": domains },
            })
        }
        _ => {
            let hostname = match draw.below(4) {
                0 => host("moved"),
                1 => format!("host{number}.{ZONE}"),
                _ => host("host"),
            };
            record(draw, stack, &hostname)
        }
    }
}

fn record(draw: &mut Draw, stack: &str, hostname: &str) -> Value {
    json!({
        "path": "dns-record", "stack": stack,
        "parameters": { "hostname": hostname, "target": address(draw), "proxied": draw.percent(50) },
    })
}

fn address(draw: &mut Draw) -> String {
    format!("203.0.113.{}", 1 + draw.below(200))
}

/// Many small intents over some stacks.
pub(super) fn crowd(draw: &mut Draw, stacks: usize, each: usize) -> Vec<Lane> {
    (0..stacks)
        .map(|number| {
            let stack = format!("crowd{number}");
            let hostname = format!("crowd{number}.example.com");
            let intents =
                (0..each).map(|_| (draw.millis(0, 200), record(draw, &stack, &hostname))).collect();
            Lane { stack, intents, patient: false }
        })
        .collect()
}
