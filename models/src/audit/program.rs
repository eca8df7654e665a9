//! Programs of a few threads over two words, a lock, a reader-writer lock, a flag with a condition
//! variable and a word that is spun on: litmus tests, and random ones.

use Instruction::*;

/// One instruction; words are numbered 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Instruction {
    /// Notes the value of a word.
    Load(usize),
    /// Writes a word.
    Store(usize, u64),
    /// Adds to a word, and notes what it was.
    Add(usize, u64),
    /// Exchanges a word if it is the first value, and notes what it was.
    Exchange(usize, u64, u64),
    /// Takes the lock, notes and changes the value that it guards, gives it back.
    Locked(u64),
    /// Takes the reader-writer lock shared, notes the value that it guards, gives it back.
    Shared,
    /// The same if it needs no wait; notes [`HELD`] otherwise.
    TryShared,
    /// Takes the reader-writer lock exclusively, changes the value, gives it back.
    Exclusive(u64),
    /// Takes it exclusively if that needs no wait, notes and changes the value; or notes [`HELD`].
    TryExclusive(u64),
    /// Sets the flag under its lock and notifies.
    SetFlag,
    /// Waits for the flag.
    AwaitFlag,
    /// Writes the word that is spun on.
    Publish,
    /// Waits for that word.
    Spin,
}

/// What a thread notes that found the reader-writer lock held.
pub(crate) const HELD: u64 = 99;

/// The instructions of each thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Program(pub(crate) Vec<Vec<Instruction>>);

impl Program {
    /// Whether it tries to take a lock, which loom does not explore.
    pub(super) fn has_tries(&self) -> bool {
        self.0.iter().flatten().any(|one| matches!(one, TryShared | TryExclusive(_)))
    }
}

/// A program with a name.
pub(super) struct Litmus {
    pub(super) name: &'static str,
    threads: &'static [&'static [Instruction]],
}

impl Litmus {
    pub(super) fn program(&self) -> Program {
        Program(self.threads.iter().map(|thread| thread.to_vec()).collect())
    }
}

/// The words.
const X: usize = 0;
const Y: usize = 1;

/// Small programs that everybody who knows weak memory knows, and some for the locks.
pub(super) const LITMUS: &[Litmus] = &[
    Litmus { name: "load, store | load", threads: &[&[Load(X), Store(X, 1)], &[Load(X)]] },
    Litmus {
        name: "message passing",
        threads: &[&[Store(X, 1), Store(Y, 1)], &[Load(Y), Load(X)]],
    },
    Litmus {
        name: "store buffering",
        threads: &[&[Store(X, 1), Load(Y)], &[Store(Y, 1), Load(X)]],
    },
    Litmus { name: "load buffering", threads: &[&[Load(X), Store(Y, 1)], &[Load(Y), Store(X, 1)]] },
    Litmus { name: "read-read coherence", threads: &[&[Store(X, 1)], &[Load(X), Load(X)]] },
    Litmus { name: "2+2W", threads: &[&[Store(X, 1), Store(Y, 2)], &[Store(Y, 1), Store(X, 2)]] },
    Litmus {
        name: "IRIW",
        threads: &[&[Store(X, 1)], &[Store(Y, 1)], &[Load(X), Load(Y)], &[Load(Y), Load(X)]],
    },
    Litmus {
        name: "load, exchange | the same",
        threads: &[&[Load(X), Exchange(X, 0, 3)], &[Load(X), Exchange(X, 0, 3)]],
    },
    Litmus { name: "add | add", threads: &[&[Add(X, 1)], &[Add(X, 2)]] },
    Litmus { name: "lock | lock", threads: &[&[Locked(1)], &[Locked(2)]] },
    Litmus { name: "write | try read", threads: &[&[Exclusive(1)], &[TryShared]] },
    Litmus {
        name: "write | read | try read",
        threads: &[&[Exclusive(1)], &[Shared], &[TryShared, TryShared]],
    },
    Litmus {
        name: "read | try write",
        threads: &[&[Shared, Load(X)], &[Store(X, 1), TryExclusive(1)]],
    },
    Litmus {
        name: "write | read | try write",
        threads: &[&[Exclusive(1)], &[Shared], &[TryExclusive(2), TryExclusive(1)]],
    },
    Litmus {
        name: "try write | try read",
        threads: &[&[TryExclusive(1), TryShared], &[TryShared, TryExclusive(2)]],
    },
    Litmus {
        name: "wait | notify",
        threads: &[&[AwaitFlag, Load(X)], &[Store(X, 1), SetFlag, Store(X, 2)]],
    },
    Litmus {
        name: "spin | publish",
        threads: &[&[Spin, Load(X)], &[Store(X, 1), Publish, Store(X, 2)]],
    },
];

/// An endless sequence of programs.
pub(crate) fn random(seed: u64) -> impl Iterator<Item = Program> {
    let mut state = seed;
    let mut draw = move |below: u64| {
        // splitmix64
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % below
    };
    std::iter::repeat_with(move || {
        let threads = 2 + draw(2);
        let longest = if threads == 2 { 4 } else { 3 };
        let thread = |draw: &mut dyn FnMut(u64) -> u64| {
            (0..=draw(longest)).map(|_| instruction(draw)).collect()
        };
        Program((0..threads).map(|_| thread(&mut draw)).collect())
    })
}

fn instruction(draw: &mut dyn FnMut(u64) -> u64) -> Instruction {
    let word = draw(2) as usize;
    match draw(19) {
        0..=2 => Load(word),
        3..=5 => Store(word, 1 + draw(2)),
        6 => Add(word, 1 + draw(2)),
        7 => Exchange(word, draw(2), 3),
        8 | 9 => Locked(1 + draw(2)),
        10 => SetFlag,
        11 => AwaitFlag,
        12 => Publish,
        13 => Spin,
        14 => Shared,
        15 => TryShared,
        16 => TryExclusive(1 + draw(2)),
        _ => Exclusive(1 + draw(2)),
    }
}
