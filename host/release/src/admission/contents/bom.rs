//! CycloneDX in JSON (ECMA-424): lists of other tools are read (1.4 to 1.6), one of our own is written (1.6).
//!
//! Of what others write only the components count: their type, name, version and package URL.

use bytes::Bytes;
use ostler_core::Digest;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Contents, Package};

const VERSIONS: [&str; 3] = ["1.4", "1.5", "1.6"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bom {
    bom_format: String,
    spec_version: String,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(default)]
    group: Option<String>,
    name: String,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    purl: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    /// serde_json goes 128 deep, and no deeper.
    #[serde(default)]
    components: Vec<Component>,
}

/// Adds to `contents` what the document tells.
pub(super) fn read(text: &[u8], contents: &mut Contents) -> Result<(), String> {
    let told = |error: String| format!("the list of contents is no CycloneDX document in JSON: {error}");
    let bom: Bom = serde_json::from_slice(text).map_err(|error| told(error.to_string()))?;
    if bom.bom_format != "CycloneDX" {
        return Err(told("bomFormat is not \"CycloneDX\"".into()));
    }
    if !VERSIONS.contains(&bom.spec_version.as_str()) {
        return Err(told(format!("specVersion is none of {}", VERSIONS.join(", "))));
    }
    contents.told = true;
    bom.components.into_iter().try_for_each(|component| add(component, contents).map_err(told))
}

fn add(component: Component, contents: &mut Contents) -> Result<(), String> {
    let known = component.purl.as_deref().map_or(Ok(None), Package::of_purl)?;
    let name = match &component.group {
        Some(group) if !group.is_empty() => format!("{group}/{}", component.name),
        _ => component.name.clone(),
    };
    let other = || {
        let package = Package::other(&name, component.version.as_deref())?;
        Some(component.purl.as_deref().map_or(package.clone(), |purl| package.known_as(purl)))
    };
    let package = known.or_else(other);
    let package = package.ok_or_else(|| "a component has no name, or one that is no text".to_owned())?;
    contents.add(Package { build: component.scope.as_deref() == Some("excluded"), ..package })?;
    component.components.into_iter().try_for_each(|inner| add(inner, contents))
}

/// The document of `contents`.
pub(super) fn write(contents: &Contents, plugin: &str, digest: &Digest) -> Bytes {
    let producers = contents.producers.iter();
    let producers: Vec<_> = producers
        .map(|(role, what)| json!({ "name": format!("ostler:producers:{role}"), "value": what }))
        .collect();
    let document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial(digest),
        "version": 1,
        "metadata": {
            "tools": { "components": [{ "type": "application", "name": "ostler", "version": env!("CARGO_PKG_VERSION") }] },
            "component": {
                "type": "application", "bom-ref": digest.to_string(), "name": plugin, "version": digest.short(),
                "hashes": [{ "alg": "SHA-256", "content": digest.hex() }],
            },
            "properties": producers,
        },
        "components": contents.packages.iter().enumerate().map(component).collect::<Vec<_>>(),
    });
    document.to_string().into()
}

fn component((index, package): (usize, &Package)) -> Value {
    let mut component = json!({ "type": "library", "bom-ref": index.to_string(), "name": package.name });
    if let Some(version) = &package.version {
        component["version"] = version.as_str().into();
    }
    if let Some(purl) = &package.purl {
        component["purl"] = purl.as_str().into();
    }
    if package.build {
        component["scope"] = "excluded".into();
    }
    component
}

/// A UUID of the eighth kind (RFC 9562) that names what it is the list of: the same component, the same number.
fn serial(digest: &Digest) -> String {
    let mut bytes = digest.bytes();
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = Digest::from_bytes(bytes).hex();
    let [a, b, c, d, e] = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &hex[part]);
    format!("urn:uuid:{a}-{b}-{c}-{d}-{e}")
}
