//! Rust source as tokens: what is left of it without comments, literals and test code.

/// One token and its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

impl Token {
    pub(crate) fn is_ident(&self) -> bool {
        self.text.starts_with(|first: char| first.is_alphabetic() || first == '_')
    }
}

/// The tokens of `source` outside of items that only a test build has.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    without_tests(&Lexer { rest: source, line: 1 }.all())
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Lexer<'a> {
    fn all(mut self) -> Vec<Token> {
        let mut tokens = Vec::new();
        while let Some(first) = self.rest.chars().next() {
            let line = self.line;
            match first {
                _ if self.rest.starts_with("//") => self.line_comment(),
                _ if self.rest.starts_with("/*") => self.block_comment(),
                _ if self.raw_string() => {}
                _ if self.rest.starts_with("::") => tokens.push(Token { text: self.take(2).to_owned(), line }),
                '"' => self.string(),
                '\'' => self.char_or_lifetime(),
                _ if first.is_alphanumeric() || first == '_' => {
                    let text = self.word();
                    if matches!(text, "b" | "c") && self.rest.starts_with(['"', '\'']) {
                        continue; // The prefix of a literal.
                    }
                    if !first.is_numeric() {
                        tokens.push(Token { text: text.to_owned(), line });
                    }
                }
                _ => {
                    let text = self.take(first.len_utf8());
                    if !first.is_whitespace() {
                        tokens.push(Token { text: text.to_owned(), line });
                    }
                }
            }
        }
        tokens
    }

    fn take(&mut self, len: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(len);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn word(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        self.take(end.unwrap_or(self.rest.len()))
    }

    fn line_comment(&mut self) {
        self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
    }

    fn block_comment(&mut self) {
        let (mut depth, mut at) = (0, 0);
        loop {
            let here = &self.rest[at..];
            if here.starts_with("/*") {
                depth += 1;
                at += 2;
            } else if here.starts_with("*/") {
                depth -= 1;
                at += 2;
            } else {
                at += here.chars().next().map_or(0, char::len_utf8);
            }
            if depth == 0 || at >= self.rest.len() {
                break;
            }
        }
        self.take(at);
    }

    /// Skips `r"…"`, `r#"…"#`, `br"…"`; a raw identifier is none of these.
    fn raw_string(&mut self) -> bool {
        let Some(prefix) = ["r", "br", "cr"].into_iter().find(|prefix| {
            let after = self.rest.strip_prefix(prefix).map(|rest| rest.trim_start_matches('#'));
            after.is_some_and(|rest| rest.starts_with('"'))
        }) else {
            return false;
        };
        let hashes = self.rest[prefix.len()..].find('"').unwrap_or(0);
        let begin = prefix.len() + hashes + 1;
        let end = format!("\"{}", "#".repeat(hashes));
        let len = self.rest[begin..].find(&end).map_or(self.rest.len(), |at| begin + at + end.len());
        self.take(len);
        true
    }

    fn string(&mut self) {
        let mut escaped = false;
        let end = self.rest[1..].find(|c| {
            let is_end = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            is_end
        });
        self.take(end.map_or(self.rest.len(), |at| at + 2));
    }

    fn char_or_lifetime(&mut self) {
        let mut chars = self.rest.char_indices().skip(1);
        let (_, first) = chars.next().unwrap_or((0, ' '));
        let second = chars.next();
        if first == '\\' {
            // The character after the backslash may be a quote.
            let end = self.rest[3..].find('\'').map_or(self.rest.len(), |at| at + 4);
            self.take(end);
        } else if let Some((at, '\'')) = second {
            self.take(at + 1);
        } else {
            self.take(1);
            self.word();
        }
    }
}

/// Leaves out items under `#[cfg(test)]`, `#[cfg(doctest)]`, `#[test]` and all attributes.
fn without_tests(all: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < all.len() {
        if text(all, at) != "#" || !matches!(text(all, at + 1), "[" | "!") {
            kept.push(all[at].clone());
            at += 1;
            continue;
        }
        let open = if text(all, at + 1) == "!" { at + 2 } else { at + 1 };
        let end = closing(all, open);
        let attribute = &all[open + 1..end.max(open + 1)];
        at = end + 1;
        if is_test_only(attribute) {
            while text(all, at) == "#" {
                at = closing(all, at + 1) + 1;
            }
            at = item_end(all, at);
        } else if text(attribute, 0) == "path" {
            // A module whose file is elsewhere: `modules` skips it at this token.
            kept.push(Token { text: "#path".to_owned(), line: all[open].line });
        }
    }
    kept
}

fn text(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| &token.text)
}

/// The index of the bracket that closes the one at `open`.
fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match &*token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len()
}

/// The index after the item, field, variant or statement that begins at `begin`.
fn item_end(tokens: &[Token], begin: usize) -> usize {
    let is_item = ["pub", "fn", "impl", "struct", "enum", "mod", "use", "const", "static", "type", "trait", "let"]
        .contains(&text(tokens, begin));
    let mut at = begin;
    while at < tokens.len() {
        match text(tokens, at) {
            ";" => return at + 1,
            "," if !is_item => return at + 1,
            "}" | ")" | "]" => return at,
            "{" => return closing(tokens, at) + 1,
            "(" | "[" => at = closing(tokens, at) + 1,
            _ => at += 1,
        }
    }
    at
}

/// Whether an attribute (without its brackets) compiles its item for tests only.
fn is_test_only(attribute: &[Token]) -> bool {
    match text(attribute, 0) {
        "test" => true,
        "cfg" if attribute.len() > 2 => needs_test(&attribute[2..closing(attribute, 1).min(attribute.len())]),
        _ => false,
    }
}

/// Whether a `cfg` predicate holds in test builds only.
fn needs_test(predicate: &[Token]) -> bool {
    let arguments = || {
        let inner = &predicate[2..closing(predicate, 1).min(predicate.len())];
        let mut parts = vec![0];
        let mut at = 0;
        while at < inner.len() {
            match text(inner, at) {
                "(" => at = closing(inner, at),
                "," => parts.push(at + 1),
                _ => {}
            }
            at += 1;
        }
        let ends = parts.iter().skip(1).map(|next| next - 1).chain([inner.len()]);
        parts
            .iter()
            .zip(ends)
            .map(|(&from, to)| inner[from..to].to_vec())
            .filter(|it| !it.is_empty())
            .collect::<Vec<_>>()
    };
    match text(predicate, 0) {
        "test" | "doctest" => true,
        "all" => arguments().iter().any(|it| needs_test(it)),
        "any" => arguments().iter().all(|it| needs_test(it)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::tokens;

    fn words(source: &str) -> String {
        tokens(source).iter().map(|token| &*token.text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn skips_comments_and_literals() {
        assert_eq!(words("a // crate::b\n/* c /* d */ e */ f"), "a f");
        assert_eq!(words(r##"a("crate::\"b", r#"c " d"#, b"e", 'f', '\'', '\u{41}') g"##), "a ( , , , , , ) g");
        assert_eq!(words("fn f<'a>(x: &'a str) -> 'static"), "fn f < > ( x : & str ) - >");
    }

    #[test]
    fn counts_lines() {
        let all = tokens("a\n\"x\ny\"\nb");
        assert_eq!(all.iter().map(|token| token.line).collect::<Vec<_>>(), [1, 4]);
    }

    #[test]
    fn skips_test_code() {
        assert_eq!(words("#[cfg(test)] mod tests; a"), "a");
        assert_eq!(words("#[cfg(all(test, unix))] #[allow(x)] fn f<A, B>() { b } a"), "a");
        assert_eq!(words("#[cfg(any(test, feature = \"std\"))] a"), "a");
        assert_eq!(words("#[cfg(not(test))] a"), "a");
        assert_eq!(words("S { #[cfg(test)] b: T, c }"), "S { c }");
        assert_eq!(words("#[test] fn f() {} #[inline] a"), "a");
    }
}
