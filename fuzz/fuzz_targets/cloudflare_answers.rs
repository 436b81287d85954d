//! Whatever answers in Cloudflare's place: every call ends with objects or with an error, for every
//! kind.
//!
//! The first byte chooses the kind, the second the call, the third the status. The rest is the body
//! of every answer; where it has NUL bytes, of one answer after another.
#![no_main]

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use bus_schema::{KindName, Place, Properties, Resource};
use cloud::cloudflare::{Cloudflare, Limits, catalogue};
use cloud::{Cloud, Kind};
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// Statuses a client gives up on at once; waiting for better ones would only slow this down.
const STATUSES: [u16; 6] = [200, 400, 403, 404, 409, 301];
/// What a call may take, its listings and pages included.
const LONGEST: Duration = Duration::from_secs(20);

/// What the next calls are answered.
#[derive(Debug, Default)]
struct Script {
    status: u16,
    bodies: Vec<Vec<u8>>,
    /// How many were given.
    given: usize,
}

struct Stage {
    runtime: Runtime,
    script: Arc<Mutex<Script>>,
    cloud: Cloudflare,
}

static STAGE: LazyLock<Stage> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let script = Arc::new(Mutex::new(Script::default()));
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let base = format!("http://{}/client/v4", listener.local_addr().unwrap());
    runtime.spawn(serve(listener, Arc::clone(&script)));
    let limits = Limits { rate: 100_000_000.try_into().unwrap(), ..Limits::default() };
    let token = "a-token".to_owned().into();
    let cloud = Cloudflare::with_limits(base.parse().unwrap(), &token, limits).unwrap();
    Stage { runtime, script, cloud }
});

async fn serve(listener: TcpListener, script: Arc<Mutex<Script>>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, Arc::clone(&script)));
    }
}

/// Answers every request on a connection.
async fn answer(mut stream: TcpStream, script: Arc<Mutex<Script>>) {
    let mut read = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let Some(head) = read.windows(4).position(|it| it == b"\r\n\r\n") else {
            match stream.read(&mut chunk).await {
                Ok(0) | Err(_) => return,
                Ok(n) => read.extend_from_slice(&chunk[..n]),
            }
            continue;
        };
        let text = String::from_utf8_lossy(&read[..head]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
        let whole = head + 4 + length.and_then(|it| it.trim().parse().ok()).unwrap_or(0);
        if read.len() < whole {
            match stream.read(&mut chunk).await {
                Ok(0) | Err(_) => return,
                Ok(n) => read.extend_from_slice(&chunk[..n]),
            }
            continue;
        }
        let zones = text.starts_with("get /client/v4/zones?");
        read.drain(..whole);
        let reply = reply(zones, &mut script.lock().unwrap());
        if stream.write_all(&reply).await.is_err() {
            return;
        }
    }
}

fn reply(zones: bool, script: &mut Script) -> Vec<u8> {
    let zone = br#"{"success":true,"errors":[],"result":[{"id":"z","name":"example.com"}],"result_info":{"page":1,"total_pages":1}}"#;
    // A list that never ends would be followed for thousands of pages: it ends here.
    let end = br#"{"success":true,"errors":[],"result":null}"#;
    let (status, body): (u16, &[u8]) = if zones {
        (200, zone)
    } else {
        script.given += 1;
        let body = script.bodies.get((script.given - 1) % script.bodies.len().max(1));
        match body.filter(|_| script.given <= 24) {
            Some(body) => (script.status, body),
            None => (200, end),
        }
    };
    let boundary = if body.starts_with(b"--b") {
        "multipart/form-data; boundary=b"
    } else {
        "application/json"
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {boundary}\r\netag: \"e\"\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A declaration of the kind, from its own examples.
fn example(kind: &dyn Kind) -> Properties {
    let fields = kind.describe().fields.iter();
    fields
        .filter_map(|field| {
            let value = serde_json::from_str(field.examples[0]).ok()?;
            Some((field.name.to_owned(), value))
        })
        .collect()
}

async fn play(cloud: &Cloudflare, kind: &dyn Kind, call: u8) {
    let name: KindName = kind.describe().name.parse().unwrap();
    let place = match kind.describe().scope {
        cloud::ScopeLevel::Account => Place::Account("a".to_owned()),
        cloud::ScopeLevel::Zone => Place::Zone("example.com".to_owned()),
    };
    let address = format!("edge/{name}/x").parse().unwrap();
    let properties = kind.normalise(&example(kind)).unwrap_or_default();
    let resource = Resource { address, place: place.clone(), properties, depends_on: Vec::new() };
    match call % 5 {
        0 => {
            if let Ok(found) = cloud.list(&name, &place).await {
                for object in found {
                    // What a listing gives is normalised already.
                    let _ours = kind.is_of(&resource.address, &resource.properties, &object);
                }
            }
        }
        1 => drop(cloud.read(&name, &place, "id").await),
        2 => drop(cloud.create(&resource).await),
        3 => drop(cloud.update(&resource, "id").await),
        _ => drop(cloud.delete(&name, &place, "id").await),
    }
}

fuzz_target!(|data: &[u8]| {
    let [kind, call, status, bodies @ ..] = data else { return };
    let kinds = catalogue().0;
    let kind = kinds[usize::from(*kind) % kinds.len()];
    *STAGE.script.lock().unwrap() = Script {
        status: STATUSES[usize::from(*status) % STATUSES.len()],
        bodies: bodies.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect(),
        given: 0,
    };
    let play = play(&STAGE.cloud, kind, *call);
    let ended = STAGE.runtime.block_on(async { tokio::time::timeout(LONGEST, play).await });
    ended.expect("every call ends");
});
