//! Golden paths and environments from folders: what is wrong with them is said with file and line.

use std::error::Error;
use std::path::Path;

use planner::Library;

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(name)
}

#[test]
fn what_is_shipped_fits_the_kinds_and_is_the_same_from_its_folders() {
    let shipped = Library::load(None, None).unwrap();
    let (paths, environments) = (folder("golden-paths"), folder("environments"));
    let read = Library::load(Some(&paths), Some(&environments)).unwrap();
    assert_eq!(shipped.environments, read.environments);
    let names = |library: &Library| -> Vec<String> {
        library.paths.iter().map(|path| path.name.to_string()).collect()
    };
    assert_eq!(names(&shipped), names(&read));
}

#[test]
fn a_mistake_is_named_with_its_file_and_line() {
    let temporary = tempfile::tempdir().unwrap();
    let paths = temporary.path().join("paths");
    std::fs::create_dir(&paths).unwrap();
    let record = std::fs::read_to_string(folder("golden-paths").join("dns-record.yaml")).unwrap();
    let unknown = record.replace("kind: cloudflare.dns_record", "kind: cloudflare.dns_recard");
    std::fs::write(paths.join("dns-record.yaml"), unknown).unwrap();
    let error = Library::load(Some(&paths), None).unwrap_err();
    let said = format!("{error}: {}", error.source().map(ToString::to_string).unwrap_or_default());
    assert!(said.contains("dns-record.yaml:"), "{said}");
    assert!(said.contains("cloudflare.dns_recard"), "{said}");

    let nowhere = temporary.path().join("nowhere");
    let error = Library::load(None, Some(&nowhere)).unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
}
