//! Finds the steps in a source text by its syntax.
//!
//! # Left out
//! * what is compiled for tests only, and macros: assertions and probes;
//! * constants and `const fn`, which cannot ask which mutant is active;
//! * `impl`s of what is for people or has no steps: `Debug`, `Display`, `Default`, `Error`, `From`;
//! * what is counted for people, and what waits for company: see [`NOT_NEEDED`].

use crate::mutants::Site;
use std::ops::Range;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    Arm, Attribute, BinOp, Block, Expr, ExprBinary, ExprIf, ExprMethodCall, ExprWhile,
    GenericArgument, ImplItemFn, ItemFn, ItemImpl, ItemMod, Local, Meta, Pat, PathArguments,
    ReturnType, Signature, Stmt, Type,
};

/// Words that tell that a statement only counts, or only makes something faster: in what is
/// assigned to, or called.
const NOT_NEEDED: &[&str] =
    &["account", "counters", "counts", "gather", "history", "pieces", "report", "steps"];

/// Traits whose `impl`s have no steps.
const NO_STEPS: &[&str] = &["Debug", "Display", "Default", "Error", "From"];

/// A step, and what is to be had without it.
#[derive(Debug)]
pub(super) struct Place {
    /// The function that it is in.
    pub(super) function: String,
    /// Its line, from 1.
    pub(super) line: usize,
    /// What is replaced, in bytes.
    pub(super) range: Range<usize>,
    /// What it is named after, in bytes.
    pub(super) text: Range<usize>,
    /// What stands there.
    pub(super) site: Site,
    /// What is there instead.
    pub(super) replace: String,
    /// The same in a word.
    pub(super) to: &'static str,
}

/// What a block gives that nothing is done in.
type Nothing = Option<&'static str>;

/// The places of a source text, in its order.
pub(super) fn places(source: &str) -> syn::Result<Vec<Place>> {
    let file = syn::parse_file(source)?;
    let mut scan = Scan { source, function: String::new(), places: Vec::new() };
    scan.visit_file(&file);
    scan.places.sort_by_key(|place| (place.range.start, place.range.end));
    Ok(scan.places)
}

struct Scan<'s> {
    source: &'s str,
    function: String,
    places: Vec<Place>,
}

impl Scan<'_> {
    fn add(&mut self, of: &impl Spanned, site: Site, replace: &str, to: &'static str) {
        let span = of.span();
        self.places.push(Place {
            function: self.function.clone(),
            line: span.start().line,
            range: span.byte_range(),
            text: span.byte_range(),
            site,
            replace: replace.to_owned(),
            to,
        });
    }

    fn add_bool(&mut self, condition: &Expr, values: &[&'static str]) {
        for value in values {
            self.add(condition, Site::Expression, value, value);
        }
    }

    /// A condition as a whole; of a chain with `let` the parts that have none.
    fn add_condition(&mut self, condition: &Expr, values: &[&'static str]) {
        match has_let(condition) {
            false => self.add_bool(condition, values),
            true => parts(condition, &mut |part| {
                if !matches!(part, Expr::Let(_)) {
                    self.add_bool(part, values);
                }
            }),
        }
    }

    /// A function, unless it is `const`.
    fn enter(&mut self, signature: &Signature, attributes: &[Attribute], block: &Block) {
        if signature.constness.is_some() || is_for_tests(attributes) {
            return;
        }
        let outer = std::mem::replace(&mut self.function, signature.ident.to_string());
        self.block(block, nothing(&signature.output));
        self.function = outer;
    }

    /// The statements of a block, whose value is `nothing` if nothing is done.
    fn block(&mut self, block: &Block, nothing: Nothing) {
        for (index, statement) in block.stmts.iter().enumerate() {
            let is_last = index + 1 == block.stmts.len();
            match statement {
                Stmt::Expr(step, Some(_)) if is_step(step) || is_choice(step) => {
                    if !self.is_not_needed(step) {
                        self.add(statement, Site::Statements, "", "nothing");
                    }
                    self.visit_expr(step);
                }
                Stmt::Expr(last, None) if is_last => self.last(last, nothing),
                Stmt::Expr(inner, None) => self.last(inner, Some("")),
                Stmt::Local(local) => self.local(statement, local),
                _ => self.visit_stmt(statement),
            }
        }
    }

    /// An expression that is `nothing` if nothing is done.
    fn last(&mut self, last: &Expr, nothing: Nothing) {
        match (last, nothing) {
            (Expr::If(branches), _) => self.branches(branches, nothing),
            (Expr::Match(choice), _) => {
                self.visit_expr(&choice.expr);
                for arm in &choice.arms {
                    self.guard(arm);
                    self.last(&arm.body, nothing);
                }
            }
            (Expr::Block(inner), _) => self.block(&inner.block, nothing),
            (step, Some(value)) if is_step(step) && !self.is_not_needed(step) => {
                let to = if value.is_empty() { "nothing" } else { value };
                self.add(step, Site::Expression, value, to);
                self.visit_expr(step);
            }
            _ => self.visit_expr(last),
        }
    }

    fn branches(&mut self, branches: &ExprIf, nothing: Nothing) {
        self.add_condition(&branches.cond, &["true", "false"]);
        self.visit_expr(&branches.cond);
        self.block(&branches.then_branch, nothing);
        if let Some((_, other)) = &branches.else_branch {
            self.last(other, nothing);
        }
    }

    fn guard(&mut self, arm: &Arm) {
        if let Some((_, guard)) = &arm.guard {
            self.add_condition(guard, &["true", "false"]);
            self.visit_expr(guard);
        }
    }

    /// A value that is dropped at once is a step; one that is only held may be let go.
    fn local(&mut self, statement: &Stmt, local: &Local) {
        let Some(init) = &local.init else { return };
        match &local.pat {
            Pat::Wild(_) if is_step(&init.expr) => {
                self.add(statement, Site::Statements, "", "nothing");
            }
            Pat::Ident(name)
                if name.ident.to_string().starts_with('_')
                    && !matches!(*init.expr, Expr::Macro(_)) =>
            {
                let end = statement.span().byte_range().end;
                self.add(statement, Site::Statements, &format!("drop({});", name.ident), "let go");
                self.places.last_mut().expect("just added").range = end..end;
            }
            _ => {}
        }
        self.visit_local(local);
    }

    /// Whether a statement only counts, or makes something faster.
    fn is_not_needed(&self, step: &Expr) -> bool {
        let text = &self.source[step.span().byte_range()];
        let head = text.split(['=', '(']).next().unwrap_or_default();
        let mut words = head.split(|mark: char| !mark.is_alphanumeric() && mark != '_');
        words.any(|word| NOT_NEEDED.contains(&word))
    }
}

impl<'a> Visit<'a> for Scan<'_> {
    fn visit_item_mod(&mut self, item: &'a ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'a ItemImpl) {
        let name = item.trait_.as_ref().and_then(|(_, path, _)| path.segments.last());
        let has_steps = name.is_none_or(|name| NO_STEPS.iter().all(|no| name.ident != no));
        if has_steps && !is_for_tests(&item.attrs) {
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'a ItemFn) {
        self.enter(&item.sig, &item.attrs, &item.block);
    }

    fn visit_impl_item_fn(&mut self, item: &'a ImplItemFn) {
        self.enter(&item.sig, &item.attrs, &item.block);
    }

    fn visit_item_const(&mut self, _: &'a syn::ItemConst) {}

    fn visit_impl_item_const(&mut self, _: &'a syn::ImplItemConst) {}

    fn visit_item_static(&mut self, _: &'a syn::ItemStatic) {}

    fn visit_type(&mut self, _: &'a Type) {}

    fn visit_block(&mut self, block: &'a Block) {
        self.block(block, None);
    }

    fn visit_expr_if(&mut self, branches: &'a ExprIf) {
        self.branches(branches, None);
    }

    fn visit_expr_while(&mut self, turn: &'a ExprWhile) {
        self.add_condition(&turn.cond, &["false"]);
        self.visit_expr(&turn.cond);
        self.block(&turn.body, Some(""));
    }

    fn visit_expr_for_loop(&mut self, turn: &'a syn::ExprForLoop) {
        self.visit_expr(&turn.expr);
        self.block(&turn.body, Some(""));
    }

    fn visit_expr_loop(&mut self, turn: &'a syn::ExprLoop) {
        self.block(&turn.body, Some(""));
    }

    fn visit_arm(&mut self, arm: &'a Arm) {
        self.guard(arm);
        self.visit_expr(&arm.body);
    }

    fn visit_expr_binary(&mut self, binary: &'a ExprBinary) {
        let neutral = match binary.op {
            BinOp::And(_) => "true",
            BinOp::Or(_) => "false",
            _ => return visit::visit_expr_binary(self, binary),
        };
        for side in [&*binary.left, &*binary.right] {
            // What is a part of the same is not one by itself; in a chain it is seen to already.
            let is_chain = matches!(side, Expr::Binary(inner) if same(&inner.op, &binary.op));
            if !is_chain && !has_let(&binary.left) && !has_let(&binary.right) {
                self.add_bool(side, &[neutral]);
            }
            self.visit_expr(side);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'a ExprMethodCall) {
        if call.method == "then" || call.method == "then_some" {
            self.add_bool(&call.receiver, &["true", "false"]);
        }
        visit::visit_expr_method_call(self, call);
    }
}

/// What a function gives that does nothing, if that is known.
fn nothing(output: &ReturnType) -> Nothing {
    let ReturnType::Type(_, output) = output else { return Some("") };
    let Type::Path(path) = &**output else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let value = arguments.args.first()?;
    let is_unit =
        matches!(value, GenericArgument::Type(Type::Tuple(tuple)) if tuple.elems.is_empty());
    (last.ident == "Result" && is_unit).then_some("Ok(())")
}

/// Whether an expression does something when its value is dropped.
fn is_step(step: &Expr) -> bool {
    match step {
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => path.path.segments.last().is_some_and(|last| {
                ["Ok", "Err", "Some"].iter().all(|constructor| last.ident != constructor)
            }),
            _ => true,
        },
        Expr::MethodCall(_) | Expr::Assign(_) | Expr::Await(_) => true,
        Expr::Try(inner) => is_step(&inner.expr),
        Expr::Binary(binary) => is_assignment(&binary.op),
        _ => false,
    }
}

/// Whether it is a choice: with a semicolon, one whose value is dropped.
fn is_choice(step: &Expr) -> bool {
    matches!(step, Expr::If(_) | Expr::Match(_))
}

fn is_assignment(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}

fn same(one: &BinOp, other: &BinOp) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// Whether a condition binds something.
fn has_let(condition: &Expr) -> bool {
    match condition {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

/// The parts of a chain of `&&`.
fn parts<'e>(chain: &'e Expr, each: &mut impl FnMut(&'e Expr)) {
    match chain {
        Expr::Binary(binary) if matches!(binary.op, BinOp::And(_)) => {
            parts(&binary.left, each);
            parts(&binary.right, each);
        }
        part => each(part),
    }
}

/// Whether an attribute is a `cfg` of tests.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    let is_of_tests = |attribute: &Attribute| {
        let Meta::List(list) = &attribute.meta else { return false };
        let text = list.tokens.to_string();
        list.path.is_ident("cfg") && text.contains("test") && !text.contains("not (test")
    };
    attributes.iter().any(is_of_tests)
}
