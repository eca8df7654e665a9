//! Random programs of two or three threads over two words, a lock, a flag with a condition variable
//! and a word that is spun on.

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
    /// Sets the flag under its lock and notifies.
    SetFlag,
    /// Waits for the flag.
    AwaitFlag,
    /// Writes the word that is spun on.
    Publish,
    /// Waits for that word.
    Spin,
}

/// The instructions of each thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Program(pub(crate) Vec<Vec<Instruction>>);

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
    match draw(14) {
        0..=2 => Instruction::Load(word),
        3..=5 => Instruction::Store(word, 1 + draw(2)),
        6 => Instruction::Add(word, 1 + draw(2)),
        7 => Instruction::Exchange(word, draw(2), 3),
        8 | 9 => Instruction::Locked(1 + draw(2)),
        10 => Instruction::SetFlag,
        11 => Instruction::AwaitFlag,
        12 => Instruction::Publish,
        _ => Instruction::Spin,
    }
}
