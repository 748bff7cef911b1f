//! The order of the modules: how `order.txt` is read, and what breaks it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::modules::{Edge, Modules};

/// How the section of the packages is called.
const PACKAGES: &str = "packages";
/// How a section calls the file whose modules it orders.
const OWN: &str = "self";

/// One section: modules of one place, from top to bottom.
#[derive(Debug)]
pub(crate) struct Section {
    /// `packages`, `kabar-core`, `kabar-server::hub`.
    pub(crate) name: String,
    /// The layer of each module; 0 is the top.
    layers: BTreeMap<String, usize>,
    /// Wrong directions that are allowed for now.
    allowed: Vec<(String, String)>,
}

/// Reads sections: `[name]`, then one layer per line, and exceptions; `#` begins a comment.
pub(crate) fn parse(text: &str) -> Result<Vec<Section>, String> {
    let mut sections: Vec<Section> = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        let content = content.split('#').next().unwrap_or("").trim();
        if let Some(name) = content.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            sections.push(Section { name: name.to_owned(), layers: BTreeMap::new(), allowed: Vec::new() });
            continue;
        }
        if content.is_empty() {
            continue;
        }
        let section = sections.last_mut().ok_or(format!("line {line}: no section"))?;
        if let Some(allowed) = content.strip_prefix('!') {
            let (lower, upper) = allowed.split_once("->").ok_or(format!("line {line}: ! LOWER -> UPPER"))?;
            section.allowed.push((lower.trim().to_owned(), upper.trim().to_owned()));
            continue;
        }
        for module in content.split_whitespace() {
            if section.layers.insert(module.to_owned(), line).is_some() {
                return Err(format!("line {line}: {module} is listed twice in [{}]", section.name));
            }
        }
    }
    Ok(sections)
}

/// Everything in `modules` that does not keep to the order of `sections`, one sentence each.
pub(crate) fn violations(sections: &[Section], packages: &BTreeSet<String>, modules: &Modules) -> Vec<String> {
    let mut found = Vec::new();
    for package in packages.iter().map(String::as_str).chain([PACKAGES]) {
        if !sections.iter().any(|section| section.name == package) {
            found.push(format!("[{package}] is missing"));
        }
    }
    let edges = modules.edges();
    for section in sections {
        let path: Vec<&str> = if section.name == PACKAGES { Vec::new() } else { section.name.split("::").collect() };
        let existing = if path.is_empty() { Some(packages.clone()) } else { modules.children(&path) };
        let Some(existing) = existing else {
            found.push(format!("[{}] is no module", section.name));
            continue;
        };
        let before = found.len();
        section.compare(&existing, &mut found);
        let inside = section.project(&path, &edges);
        section.check(&inside, &mut found);
        if found.len() > before {
            found.push(proposal(&section.name, &existing, &inside));
        }
    }
    found
}

impl Section {
    /// Every module is listed, and everything listed is a module.
    fn compare(&self, existing: &BTreeSet<String>, found: &mut Vec<String>) {
        for module in existing.iter().filter(|module| !self.layers.contains_key(*module)) {
            found.push(format!("[{}] does not list {module}", self.name));
        }
        for module in self.layers.keys().filter(|module| !existing.contains(*module) && *module != OWN) {
            found.push(format!("[{}] lists {module}, which does not exist", self.name));
        }
    }

    /// The edges between two modules of this section, by the names that it has for them.
    fn project<'a>(&self, path: &[&str], edges: &'a [Edge]) -> BTreeMap<(&'a str, &'a str), &'a Edge> {
        let mut inside = BTreeMap::new();
        for edge in edges {
            let part = |module: &'a [String]| -> Option<&'a str> {
                let is_inside = module.iter().map(String::as_str).take(path.len()).eq(path.iter().copied());
                is_inside.then(|| module.get(path.len()).map_or(OWN, |name| name))
            };
            if let (Some(from), Some(to)) = (part(&edge.from), part(&edge.to))
                && from != to
            {
                inside.entry((from, to)).or_insert(edge);
            }
        }
        inside
    }

    /// Nothing names a module of the same layer or of one above.
    fn check(&self, inside: &BTreeMap<(&str, &str), &Edge>, found: &mut Vec<String>) {
        let layer = |module: &str| {
            let listed = self.layers.get(module).copied();
            // A file that is not listed stands above its modules.
            listed.or((module == OWN).then_some(0))
        };
        let is_allowed = |from: &str, to: &str| self.allowed.iter().any(|(lower, upper)| lower == from && upper == to);
        for (lower, upper) in &self.allowed {
            if !inside.contains_key(&(lower.as_str(), upper.as_str())) {
                found.push(format!("[{}] allows {lower} -> {upper} without need", self.name));
            }
        }
        for ((from, to), edge) in inside.iter().filter(|((from, to), _)| !is_allowed(from, to)) {
            let (Some(upper), Some(lower)) = (layer(from), layer(to)) else { continue };
            if upper >= lower {
                let place = if upper == lower { "beside" } else { "above" };
                let Edge { place: file, written, .. } = edge;
                found.push(format!("[{}] {file}: {from} names {written}, but {to} stands {place} it", self.name));
            }
        }
    }
}

/// An order that the edges allow, and which modules name each other in a circle.
fn proposal(section: &str, existing: &BTreeSet<String>, inside: &BTreeMap<(&str, &str), &Edge>) -> String {
    let mut left: BTreeSet<&str> = existing.iter().map(String::as_str).collect();
    if inside.keys().any(|(_, to)| *to == OWN) {
        left.insert(OWN);
    }
    let upper = peel(&mut left, |module, left| inside.keys().any(|(from, to)| *to == module && left.contains(from)));
    let lower = peel(&mut left, |module, left| inside.keys().any(|(from, to)| *from == module && left.contains(to)));
    let mut text = format!("an order of [{section}] that the sources allow:");
    for layer in upper {
        let _ = write!(text, "\n    {layer}");
    }
    for ((from, to), edge) in inside.iter().filter(|((from, to), _)| left.contains(from) && left.contains(to)) {
        let _ = write!(text, "\n      circle: {from} -> {to} ({}: {})", edge.place, edge.written);
    }
    for layer in lower.iter().rev() {
        let _ = write!(text, "\n    {layer}");
    }
    text
}

/// Takes off the modules that `is_bound` to none of those left, layer by layer.
fn peel<'a>(left: &mut BTreeSet<&'a str>, is_bound: impl Fn(&str, &BTreeSet<&'a str>) -> bool) -> Vec<String> {
    let mut layers = Vec::new();
    loop {
        let layer: Vec<&str> = left.iter().copied().filter(|module| !is_bound(module, left)).collect();
        if layer.is_empty() {
            return layers;
        }
        left.retain(|module| !layer.contains(module));
        layers.push(layer.join(" "));
    }
}
