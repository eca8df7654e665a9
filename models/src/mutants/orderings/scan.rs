//! Finds the memory orderings in a source text by its tokens, so that none is a comment.

use proc_macro2::{Delimiter, Group, LexError, TokenStream, TokenTree};
use std::ops::Range;

/// A place where an ordering is named.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The type whose `impl` it is in.
    pub(super) owner: String,
    /// The function that it is in.
    pub(super) function: String,
    /// The call that it is an argument of.
    pub(super) call: Call,
    /// Whether it is that of a read-modify-write that fails: the second one of its call.
    pub(super) is_failure: bool,
    /// The ordering, as in `Acquire`.
    pub(super) ordering: String,
    /// Its line, from 1.
    pub(super) line: usize,
    /// `Ordering::Acquire`, in bytes.
    pub(super) range: Range<usize>,
}

/// A call, as in `self.word.load(...)`; empty where there is none.
#[derive(Clone, Debug, Default)]
pub(super) struct Call {
    /// `word`.
    pub(super) word: String,
    /// `load`.
    pub(super) operation: String,
    /// From the path of the operation to the end of the arguments, in bytes.
    pub(super) range: Range<usize>,
}

/// What tokens are inside of.
#[derive(Clone, Default)]
struct Scope {
    owner: String,
    function: String,
    call: Call,
}

/// The places of a source text, in its order; what is compiled for tests only has none.
pub(super) fn places(source: &str) -> Result<Vec<Place>, LexError> {
    let mut places = Vec::new();
    walk(source.parse()?, &Scope::default(), &mut places);
    Ok(places)
}

fn walk(tokens: TokenStream, scope: &Scope, places: &mut Vec<Place>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    // Of the braces that come next.
    let mut inner = scope.clone();
    let mut is_skipped = false;
    let mut is_failure = false;
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == ';' => {
                (inner, is_skipped, is_failure) = (scope.clone(), false, false);
            }
            TokenTree::Ident(word) if word == "use" => is_skipped = true,
            TokenTree::Ident(word) if word == "fn" => {
                if let Some(TokenTree::Ident(name)) = tokens.get(index + 1) {
                    inner.function = name.to_string();
                }
            }
            // Not that of a returned type.
            TokenTree::Ident(word) if word == "impl" && inner.function == scope.function => {
                inner.owner = implementor(&tokens[index + 1..]);
            }
            TokenTree::Ident(_) if is_variant(&tokens[..index]) && !is_skipped => {
                places.push(place(scope, &tokens, index, is_failure));
                is_failure = true;
            }
            TokenTree::Group(group) if is_attribute(&tokens[..index]) => {
                is_skipped |= is_for_tests(group);
            }
            TokenTree::Group(group) => {
                let call = call(&tokens[..index], group);
                if !is_skipped {
                    walk(group.stream(), &Scope { call, ..inner.clone() }, places);
                }
                if group.delimiter() == Delimiter::Brace {
                    (inner, is_skipped) = (scope.clone(), false);
                }
            }
            _ => {}
        }
    }
}

/// The place of the ordering at `index`.
fn place(scope: &Scope, tokens: &[TokenTree], index: usize, is_failure: bool) -> Place {
    let start = start_of_path(tokens, index);
    Place {
        owner: scope.owner.clone(),
        function: scope.function.clone(),
        call: scope.call.clone(),
        is_failure,
        ordering: tokens[index].to_string(),
        line: tokens[index].span().start().line,
        range: start..tokens[index].span().byte_range().end,
    }
}

/// Whether what follows is a variant of `Ordering`.
fn is_variant(before: &[TokenTree]) -> bool {
    match before {
        [.., TokenTree::Ident(name), one, two] => name == "Ordering" && is_colons(one, two),
        _ => false,
    }
}

fn is_colons(one: &TokenTree, two: &TokenTree) -> bool {
    is_punct(one, ':') && is_punct(two, ':')
}

fn is_punct(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// Where the path begins whose last name is at `index`.
fn start_of_path(tokens: &[TokenTree], mut index: usize) -> usize {
    while let [.., TokenTree::Ident(_), one, two] = &tokens[..index]
        && is_colons(one, two)
    {
        index -= 3;
    }
    tokens[index].span().byte_range().start
}

/// The type of an `impl`, of whose tokens these are the rest: the last name before its body, but
/// for its parameters.
fn implementor(rest: &[TokenTree]) -> String {
    let mut depth = 0;
    let mut name = String::new();
    for token in rest {
        match token {
            TokenTree::Group(_) => break,
            TokenTree::Ident(word) if word == "where" => break,
            TokenTree::Ident(word) if depth == 0 => name = word.to_string(),
            token if is_punct(token, '<') => depth += 1,
            token if is_punct(token, '>') => depth -= 1,
            _ => {}
        }
    }
    name
}

fn is_attribute(before: &[TokenTree]) -> bool {
    match before {
        [.., hash, bang] if is_punct(bang, '!') => is_punct(hash, '#'),
        [.., hash] => is_punct(hash, '#'),
        [] => false,
    }
}

/// Whether an attribute is a `cfg` that names tests.
fn is_for_tests(attribute: &Group) -> bool {
    let mut tokens = attribute.stream().into_iter();
    let is_cfg = matches!(tokens.next(), Some(TokenTree::Ident(name)) if name == "cfg");
    is_cfg && names_tests(tokens.collect())
}

/// Whether it names tests outside of `not(...)`.
fn names_tests(condition: TokenStream) -> bool {
    let mut is_negated = false;
    condition.into_iter().any(|token| match token {
        TokenTree::Group(group) => !std::mem::take(&mut is_negated) && names_tests(group.stream()),
        TokenTree::Ident(name) => {
            is_negated = name == "not";
            name == "test"
        }
        _ => false,
    })
}

/// The call whose arguments are in `group`, behind these tokens.
fn call(before: &[TokenTree], group: &Group) -> Call {
    let Some(TokenTree::Ident(operation)) = before.last() else { return Call::default() };
    if group.delimiter() != Delimiter::Parenthesis {
        return Call::default();
    }
    let receiver = before[..before.len() - 1].split_last().filter(|(dot, _)| is_punct(dot, '.'));
    let word = receiver.and_then(|(_, path)| {
        // Past an index, as in `words[1]`.
        path.iter().rev().find(|token| !matches!(token, TokenTree::Group(_)))
    });
    Call {
        word: word.map_or_else(String::new, TokenTree::to_string),
        operation: operation.to_string(),
        range: start_of_path(before, before.len() - 1)..group.span().byte_range().end,
    }
}
