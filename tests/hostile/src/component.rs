//! Plugin files: the hostile guest as it was built, with another disguise, with more
//! inside, and connectors made of nothing but a contract.

use std::path::PathBuf;

use hostile_guest::{Disguise, MARK_BYTES, MARK_START};

/// Section ids of a component's binary format.
const CORE_MODULE: u8 = 1;
const CORE_INSTANCE: u8 = 2;

/// `plugins/dist/hostile.wasm`.
///
/// # Panics
/// Where it has not been built: there is nothing to test then.
#[must_use]
pub fn hostile() -> Vec<u8> {
    let file = hostile_path();
    std::fs::read(&file).unwrap_or_else(|error| {
        panic!(
            "{}: {error}. Run `tests/run`, which builds the plugins first.",
            file.display()
        )
    })
}

/// Where it is built to.
#[must_use]
pub(crate) fn hostile_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../plugins/dist/hostile.wasm")
}

/// The hostile guest whose `describe` does this.
///
/// # Panics
/// Where the file has no mark, or more than one.
#[must_use]
pub fn disguised(disguise: Disguise) -> Vec<u8> {
    let mut file = hostile();
    let at = position(&file, MARK_START.as_bytes()).expect("the guest has a mark");
    let after = &file[at + MARK_BYTES..];
    assert_eq!(
        position(after, MARK_START.as_bytes()),
        None,
        "the mark stands once"
    );
    let mark = &mut file[at + MARK_START.len()..at + MARK_BYTES];
    mark.fill(b'.');
    mark[..disguise.as_str().len()].copy_from_slice(disguise.as_str().as_bytes());
    file
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// A connector whose functions all trap, with one more core module (text format) in
/// it: so many copies, and so many instances of the first when it is instantiated.
///
/// # Panics
/// Where the text is no module.
#[must_use]
pub fn with_module(text: &str, copies: usize, instances: usize) -> Vec<u8> {
    let module = wat::parse_str(text).unwrap();
    let mut file = connector_in_world(&contract(), "psa-connector", &[&guest_package()]);
    let index = sections(&file)
        .into_iter()
        .filter(|id| *id == CORE_MODULE)
        .count();
    for _ in 0..copies {
        append(&mut file, CORE_MODULE, &module);
    }
    for _ in 0..instances {
        // One instance: made of a module (0), by index, with no arguments.
        let mut one = vec![1, 0];
        number(&mut one, index);
        one.push(0);
        append(&mut file, CORE_INSTANCE, &one);
    }
    file
}

/// The ids of a component's sections, in order.
fn sections(file: &[u8]) -> Vec<u8> {
    let mut ids = Vec::new();
    // Magic and version stand before them.
    let mut at = 8;
    while at < file.len() {
        ids.push(file[at]);
        at += 1;
        let (mut size, mut shift) = (0, 0);
        loop {
            let byte = file[at];
            at += 1;
            size |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        at += size;
    }
    ids
}

fn append(file: &mut Vec<u8>, id: u8, content: &[u8]) {
    file.push(id);
    number(file, content.len());
    file.extend_from_slice(content);
}

/// Unsigned LEB128.
fn number(out: &mut Vec<u8>, mut n: usize) {
    loop {
        let low = u8::try_from(n & 0x7f).unwrap();
        n >>= 7;
        if n == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// The text of `wit/connector`.
///
/// # Panics
/// Where it is not there.
#[must_use]
pub fn contract() -> String {
    wit("connector/connector.wit")
}

/// The text of `wit/guest`, which the contract uses, as one file.
///
/// # Panics
/// Where it is not there.
#[must_use]
pub fn guest_package() -> String {
    let files = ["types", "http", "storage", "log", "plugin"];
    let texts = files.map(|file| wit(&format!("guest/{file}.wit")));
    let (first, others) = texts.split_first().unwrap();
    let interfaces = others.iter().map(|text| {
        let (_, interface) = text.split_once(";\n").unwrap();
        interface.to_owned()
    });
    std::iter::once(first.clone()).chain(interfaces).collect()
}

fn wit(file: &str) -> String {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../wit")
        .join(file);
    std::fs::read_to_string(file).unwrap()
}

/// A component of this contract's world whose functions all trap. `others` are the
/// packages that the contract uses.
///
/// # Panics
/// Where the texts are no WIT.
#[must_use]
pub fn connector_in_world(contract: &str, world: &str, others: &[&str]) -> Vec<u8> {
    let mut resolve = wit_parser::Resolve::default();
    for other in others {
        resolve.push_str("other.wit", other).unwrap();
    }
    let package = resolve.push_str("contract.wit", contract).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mangling = wit_parser::ManglingAndAbi::Standard32;
    let mut module = wit_component::dummy_module(&resolve, world, mangling);
    let encoding = wit_component::StringEncoding::UTF8;
    wit_component::embed_component_metadata(&mut module, &resolve, world, encoding).unwrap();
    let mut encoder = wit_component::ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .unwrap();
    encoder.encode().unwrap()
}
