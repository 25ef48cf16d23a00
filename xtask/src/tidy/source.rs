//! Owns telling code from comments and strings in Rust source; knows no rule.

/// Rust source in two layers with the lines and columns of the original, and spaces for what is in the other.
#[derive(Debug)]
pub(super) struct Source {
    /// Without comments, and without what is in strings and character literals.
    pub(super) code: String,
    /// Comments alone, with their slashes.
    pub(super) comments: String,
}

impl Source {
    pub(super) fn parse(text: &str) -> Self {
        let mut layers = Layers { source: Self { code: String::new(), comments: String::new() }, rest: text };
        while !layers.rest.is_empty() {
            layers.step();
        }
        layers.source
    }

    /// The code without the items under `#[cfg(test)]`.
    pub(super) fn code_without_tests(&self) -> String {
        const MARK: &str = "#[cfg(test)]";
        let mut code = String::new();
        let mut rest = self.code.as_str();
        while let Some(start) = rest.find(MARK) {
            let (before, marked) = rest.split_at(start);
            let (test, after) = marked.split_at(item_length(marked));
            code += before;
            code.extend(test.chars().map(blank));
            rest = after;
        }
        code + rest
    }
}

/// How far the item at the start of `code` reaches: to its `;`, or to the brace that closes its first one.
fn item_length(code: &str) -> usize {
    let mut depth = 0_usize;
    for (index, character) in code.char_indices() {
        match character {
            ';' if depth == 0 => return index + 1,
            '{' => depth += 1,
            '}' if depth <= 1 => return index + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// Numbers of the lines (from 1) of `code` on which `word` stands and is no part of a longer word.
pub(super) fn lines_with_word(code: &str, word: &str) -> Vec<usize> {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    let has_word = |line: &str| {
        line.match_indices(word).any(|(index, _)| {
            !line[..index].ends_with(is_part) && !line[index + word.len()..].starts_with(is_part)
        })
    };
    (1..).zip(code.lines()).filter(|(_, line)| has_word(line)).map(|(number, _)| number).collect()
}

fn blank(character: char) -> char {
    if character == '\n' { '\n' } else { ' ' }
}

/// The layers so far, and the source that is still to be read.
struct Layers<'a> {
    source: Source,
    rest: &'a str,
}

impl Layers<'_> {
    fn step(&mut self) {
        let rest = self.rest;
        if rest.starts_with("//") {
            self.take_comment(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.take_comment(block_comment_length(rest));
        } else if let Some((opening, length)) = string_length(rest, &self.source.code) {
            self.take_code(opening);
            self.take_blank(length - opening);
        } else if let Some(length) = character_length(rest) {
            self.take_blank(length);
        } else {
            self.take_code(rest.chars().next().map_or(0, char::len_utf8));
        }
    }

    fn take_code(&mut self, length: usize) {
        let (taken, rest) = self.rest.split_at(length);
        self.source.code += taken;
        self.source.comments.extend(taken.chars().map(blank));
        self.rest = rest;
    }

    fn take_comment(&mut self, length: usize) {
        let (taken, rest) = self.rest.split_at(length);
        self.source.code.extend(taken.chars().map(blank));
        self.source.comments += taken;
        self.rest = rest;
    }

    fn take_blank(&mut self, length: usize) {
        let (taken, rest) = self.rest.split_at(length);
        self.source.code.extend(taken.chars().map(blank));
        self.source.comments.extend(taken.chars().map(blank));
        self.rest = rest;
    }
}

/// Block comments nest in Rust.
fn block_comment_length(text: &str) -> usize {
    let (mut depth, mut index) = (0_usize, 0);
    while index < text.len() {
        let rest = &text[index..];
        if rest.starts_with("/*") {
            depth += 1;
            index += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            index += 2;
            if depth == 0 {
                return index;
            }
        } else {
            index += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The lengths of a string literal at the start of `text`: of its opening (`r##"`), and in all.
///
/// `before` is the code up to here: the `r` of `r"` opens a string only where it does not end a name.
fn string_length(text: &str, before: &str) -> Option<(usize, usize)> {
    let prefix = text.find(|character| !matches!(character, 'b' | 'c' | 'r'))?;
    if prefix > 2 || (prefix > 0 && before.ends_with(|last: char| last.is_alphanumeric() || last == '_')) {
        return None;
    }
    let is_raw = text[..prefix].ends_with('r');
    let hashes = text[prefix..].len() - text[prefix..].trim_start_matches('#').len();
    let opening = prefix + hashes + 1;
    if !text[prefix + hashes..].starts_with('"') || (hashes > 0 && !is_raw) {
        return None;
    }
    let body = &text[opening..];
    let length = if is_raw {
        let closing = format!("\"{}", "#".repeat(hashes));
        body.find(&closing).map_or(body.len(), |index| index + closing.len())
    } else {
        literal_end(body, '"')
    };
    Some((opening, opening + length))
}

/// The length of a character literal at the start of `text`, which is otherwise a lifetime or no quote at all.
fn character_length(text: &str) -> Option<usize> {
    let body = text.strip_prefix('\'')?;
    let first = body.chars().next()?;
    if first == '\\' || body[first.len_utf8()..].starts_with('\'') {
        return Some(1 + literal_end(body, '\''));
    }
    None
}

/// The length of `body` up to and with the first `quote` that no backslash stands before.
fn literal_end(body: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, character) in body.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return index + quote.len_utf8(),
            _ => {}
        }
    }
    body.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code of `text`, without the spaces that stand for the rest.
    fn code(text: &str) -> String {
        let source = Source::parse(text);
        assert_eq!(source.code.lines().count(), text.lines().count(), "lines must keep their numbers");
        source.code.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_are_no_code_and_nest() {
        assert_eq!(code("a // unsafe\nb /* unsafe /* unsafe */ unsafe */ c"), "a b c");
        assert!(Source::parse("a // one\n/* two */").comments.contains("// one\n/* two */"));
    }

    #[test]
    fn what_is_in_strings_is_no_code() {
        assert_eq!(code(r#"f("unsafe // \" unsafe") g"#), "f(\" ) g");
        assert_eq!(code("f(r##\"unsafe \"# unsafe\"##) g"), "f(r##\" ) g");
        assert_eq!(code("f(b\"unsafe\", br\"\\\") g"), "f(b\" , br\" ) g");
        assert!(!Source::parse("f(\"// no comment\")").comments.contains("no comment"));
    }

    #[test]
    fn names_that_end_like_a_prefix_and_raw_names_are_code() {
        assert_eq!(code("for r in bar { r#type }"), "for r in bar { r#type }");
        assert_eq!(code("number\"unsafe\" x"), "number\" x");
    }

    #[test]
    fn a_quote_in_a_character_opens_no_string_and_a_lifetime_no_character() {
        assert_eq!(code("'\"' unsafe '\\'' b'\"' unsafe"), "unsafe b unsafe");
        assert_eq!(code("fn f<'a>(x: &'a str) { 'x' }"), "fn f<'a>(x: &'a str) { }");
    }

    #[test]
    fn code_without_tests_has_none_of_the_marked_items() {
        let text = "#[cfg(test)]\nuse x;\nfn f() {}\n#[cfg(test)]\nmod tests { fn g() { {} } }\nfn h() {}\n";
        let code = Source::parse(text).code_without_tests();
        assert_eq!(code.split_whitespace().collect::<Vec<_>>().join(" "), "fn f() {} fn h() {}");
        assert_eq!(code.lines().count(), text.lines().count());
    }

    #[test]
    fn words_are_whole_words() {
        assert_eq!(lines_with_word("unsafe_code\nunsafe {\nnot_unsafe", "unsafe"), [2]);
        assert_eq!(lines_with_word("std::env::var\nstd::envoy", "std::env"), [1]);
    }
}
