//! The modules of all packages and the names that each of them uses.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::tokens::{Token, tokens};

/// The text of every Rust file by its path.
pub(crate) type Sources = BTreeMap<PathBuf, String>;

/// One module: a file or an inline `mod`.
#[derive(Debug, Default)]
pub(crate) struct Module {
    pub(crate) file: PathBuf,
    /// Children by name.
    children: BTreeMap<String, usize>,
    parent: Option<usize>,
    /// The bindings of its `use` declarations: a path for each name.
    bindings: BTreeMap<String, Vec<String>>,
    /// All paths in it that may name another module.
    paths: Vec<Named>,
}

/// A path as written in the source.
#[derive(Clone, Debug)]
struct Named {
    segments: Vec<String>,
    line: usize,
}

/// A package: the name that Rust code uses for it, and its root module.
#[derive(Debug)]
struct Package {
    name: String,
    root: usize,
}

/// One module that names another: both as paths from their package, `kabar-core::wire::packet`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) from: Vec<String>,
    pub(crate) to: Vec<String>,
    /// File and line.
    pub(crate) place: String,
    /// The path as it is written there.
    pub(crate) written: String,
}

/// The modules of several packages.
#[derive(Debug, Default)]
pub(crate) struct Modules {
    all: Vec<Module>,
    packages: Vec<Package>,
}

impl Modules {
    /// Reads the package `name`, whose root module is `lib`.
    pub(crate) fn add(&mut self, name: &str, lib: &Path, sources: &Sources) {
        let root = self.new_module(None, lib.to_owned());
        self.packages.push(Package { name: name.to_owned(), root });
        let folder = lib.parent().unwrap_or(Path::new("")).to_owned();
        self.read_file(root, &folder, sources);
    }

    fn new_module(&mut self, parent: Option<usize>, file: PathBuf) -> usize {
        self.all.push(Module { file, parent, ..Module::default() });
        self.all.len() - 1
    }

    /// Reads the file of `module`, whose children are in `folder`.
    fn read_file(&mut self, module: usize, folder: &Path, sources: &Sources) {
        let Some(source) = sources.get(&self.all[module].file) else { return };
        let tokens = tokens(source);
        self.read_items(module, folder, &tokens, sources);
    }

    fn read_items(&mut self, module: usize, folder: &Path, tokens: &[Token], sources: &Sources) {
        let text = |at: usize| tokens.get(at).map_or("", |token: &Token| &token.text);
        let mut at = 0;
        while at < tokens.len() {
            let is_elsewhere = text(at) == "#path";
            match text(at) {
                "mod" if matches!(text(at + 2), ";" | "{") => {
                    let name = text(at + 1);
                    let child = self.new_module(Some(module), self.all[module].file.clone());
                    self.all[module].children.insert(name.to_owned(), child);
                    let inside = folder.join(name);
                    if text(at + 2) == "{" {
                        let end = matching_brace(tokens, at + 2);
                        self.read_items(child, &inside, &tokens[at + 3..end], sources);
                        at = end + 1;
                        continue;
                    }
                    let files = [folder.join(format!("{name}.rs")), inside.join("mod.rs")];
                    if let Some(file) = files.into_iter().find(|file| sources.contains_key(file)) {
                        self.all[child].file = file;
                        self.read_file(child, &inside, sources);
                    }
                    at += 3;
                }
                // A visibility names no module: it states which modules may name this one.
                "pub" if text(at + 1) == "(" && matches!(text(at + 2), "crate" | "in" | "self" | "super") => {
                    while at < tokens.len() && text(at) != ")" {
                        at += 1;
                    }
                }
                "use" => {
                    let end = (at..tokens.len()).find(|&it| text(it) == ";").unwrap_or(tokens.len());
                    let is_published = at > 0 && matches!(text(at - 1), "pub" | ")");
                    let mut leaves = Vec::new();
                    use_tree(&tokens[at + 1..end], &[], &mut leaves);
                    self.bind(module, leaves, is_published, tokens);
                    at = end + 1;
                }
                _ if is_elsewhere => {
                    // `#[path]`, then perhaps a visibility, then `mod name;`.
                    at += 1;
                    while at < tokens.len() && text(at) != ";" {
                        at += 1;
                    }
                }
                _ if tokens[at].is_ident() && !(at > 0 && matches!(text(at - 1), "::" | ".")) => {
                    let line = tokens[at].line;
                    let mut segments = vec![text(at).to_owned()];
                    while text(at + 1) == "::" && tokens.get(at + 2).is_some_and(Token::is_ident) {
                        segments.push(text(at + 2).to_owned());
                        at += 2;
                    }
                    if segments.len() > 1 {
                        self.all[module].paths.push(Named { segments, line });
                    }
                    at += 1;
                }
                _ => at += 1,
            }
        }
    }

    /// Enters what a `use` binds. One that is published names its target only if this file uses it.
    fn bind(&mut self, module: usize, leaves: Vec<Leaf>, is_published: bool, tokens: &[Token]) {
        for Leaf { name, segments, line } in leaves {
            let is_used = || tokens.iter().filter(|token| token.text == name).count() > 1;
            if !is_published || is_used() {
                self.all[module].paths.push(Named { segments: segments.clone(), line });
            }
            if name != "_" {
                self.all[module].bindings.insert(name, segments);
            }
        }
    }

    /// Everything that one module names in another, each pair and file once.
    pub(crate) fn edges(&self) -> Vec<Edge> {
        let mut edges = BTreeMap::new();
        for (index, module) in self.all.iter().enumerate() {
            for named in &module.paths {
                let Some(to) = self.resolve(index, &named.segments, 0) else { continue };
                let (from, to) = (self.path_of(index), self.path_of(to));
                if from != to {
                    let place = format!("{}:{}", module.file.display(), named.line);
                    let written = named.segments.join("::");
                    let key = (from.clone(), to.clone());
                    edges.entry(key).or_insert(Edge { from, to, place, written });
                }
            }
        }
        edges.into_values().collect()
    }

    /// The names of the modules directly in `path` (`kabar-core::client`), if there is such a
    /// module.
    pub(crate) fn children(&self, path: &[&str]) -> Option<BTreeSet<String>> {
        let (package, inner) = path.split_first()?;
        let mut module = self.packages.iter().find(|it| it.name == *package)?.root;
        for name in inner {
            module = *self.all[module].children.get(*name)?;
        }
        Some(self.all[module].children.keys().cloned().collect())
    }

    fn path_of(&self, module: usize) -> Vec<String> {
        let Some(parent) = self.all[module].parent else {
            return self.packages.iter().filter(|it| it.root == module).map(|it| it.name.clone()).collect();
        };
        let mut path = self.path_of(parent);
        path.extend(self.all[parent].children.iter().filter(|(_, it)| **it == module).map(|(name, _)| name.clone()));
        path
    }

    /// The module that holds what `segments` mean in `module`; none if that is no module of ours.
    fn resolve(&self, module: usize, segments: &[String], depth: usize) -> Option<usize> {
        if depth > 16 {
            return None;
        }
        let (first, mut rest) = segments.split_first()?;
        let mut here = match &**first {
            "crate" => self.root_of(module),
            "self" => module,
            "super" => self.all[module].parent?,
            name => {
                let binding = self.all[module].bindings.get(name).filter(|it| it[0] != *name || it.len() > 1);
                if let Some(child) = self.all[module].children.get(name) {
                    *child
                } else if let Some(target) = binding.filter(|it| *it != segments) {
                    let target: Vec<String> = target.iter().chain(rest).cloned().collect();
                    return self.resolve(module, &target, depth + 1);
                } else {
                    self.packages.iter().find(|it| it.name.replace('-', "_") == name)?.root
                }
            }
        };
        while let Some((next, after)) = rest.split_first() {
            if next == "super" {
                here = self.all[here].parent?;
            } else if let Some(child) = self.all[here].children.get(next) {
                here = *child;
            } else if let Some(target) = self.all[here].bindings.get(next).filter(|_| next != "self") {
                let target: Vec<String> = target.iter().chain(after).cloned().collect();
                // An import from a crate that is not ours is attributed to the module that imports
                // it.
                return self.resolve(here, &target, depth + 1).or(Some(here));
            } else {
                break;
            }
            rest = after;
        }
        Some(here)
    }

    fn root_of(&self, module: usize) -> usize {
        self.all[module].parent.map_or(module, |parent| self.root_of(parent))
    }
}

/// One name that a `use` brings into scope.
struct Leaf {
    name: String,
    segments: Vec<String>,
    line: usize,
}

/// The leaves of `a::{b, c as d, e::*}`, each after `prefix`.
fn use_tree(tokens: &[Token], prefix: &[String], leaves: &mut Vec<Leaf>) {
    let mut segments = prefix.to_vec();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match &*token.text {
            "{" => {
                let mut begin = at + 1;
                let end = matching_brace(tokens, at);
                while begin < end {
                    let mut stop = begin;
                    while stop < end && tokens[stop].text != "," {
                        stop = if tokens[stop].text == "{" { matching_brace(tokens, stop) + 1 } else { stop + 1 };
                    }
                    use_tree(&tokens[begin..stop], &segments, leaves);
                    begin = stop + 1;
                }
                return;
            }
            "as" => {
                let name = tokens.get(at + 1).map_or_else(String::new, |it| it.text.clone());
                leaves.push(Leaf { name, segments, line: token.line });
                return;
            }
            "*" => {
                leaves.push(Leaf { name: "_".to_owned(), segments, line: token.line });
                return;
            }
            "self" if !segments.is_empty() => {}
            _ if token.is_ident() => segments.push(token.text.clone()),
            _ => {}
        }
        at += 1;
    }
    if let (Some(name), Some(last)) = (segments.last().cloned(), tokens.last()) {
        leaves.push(Leaf { name, segments, line: last.line });
    }
}

fn matching_brace(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match &*token.text {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len()
}
