//! The lists and draws of bench/peers/README.md, to the bit.

use rustc_hash::{FxHashMap, FxHashSet};

const GAMMA: u64 = 0x9e3779b97f4a7c15;

/// The sentences of Storm's own benchmark, ThroughputVsLatency.
const SENTENCES: [&str; 5] = [
    "the cow jumped over the moon",
    "an apple a day keeps the doctor away",
    "four score and seven years ago",
    "snow white and the seven dwarfs",
    "i am at two with nature",
];

/// What sources draw from, and the words that are counted, by place.
pub struct List {
    pub draws: Vec<String>,
    pub words: Vec<String>,
}

/// Returns the list of a workload, if there is such a workload.
pub fn list(workload: &str, seed: u64) -> Option<List> {
    match workload {
        "words175k" => Some(same(dictionary(175_000, seed, true))),
        "words20" => Some(same(dictionary(1 << 17, seed, false))),
        "sentences" => {
            let draws: Vec<String> = SENTENCES.iter().map(|s| s.to_string()).collect();
            let mut words: Vec<String> = Vec::new();
            for word in SENTENCES.iter().flat_map(|s| s.split(' ')) {
                if !words.iter().any(|w| w == word) {
                    words.push(word.to_string());
                }
            }
            Some(List { draws, words })
        }
        _ => None,
    }
}

fn same(words: Vec<String>) -> List {
    List { draws: words.clone(), words }
}

fn dictionary(n: usize, seed: u64, short: bool) -> Vec<String> {
    const WEIGHTS: [(usize, i64); 9] = [(3, 2), (4, 6), (5, 9), (6, 13), (7, 15), (8, 16), (9, 15), (10, 13), (11, 11)];
    let mut random = Pcg { state: (seed as u128) << 64 };
    let mut seen = FxHashSet::default();
    let mut words = Vec::with_capacity(n);
    while words.len() < n {
        let mut length = 20;
        if short {
            let mut at = random.below(100) as i64;
            for (letters, weight) in WEIGHTS {
                at -= weight;
                if at < 0 {
                    length = letters;
                    break;
                }
            }
        }
        let word: String = (0..length).map(|_| (b'a' + random.below(26) as u8) as char).collect();
        if seen.insert(word.clone()) {
            words.push(word);
        }
    }
    words
}

/// PCG-DXSM with a state of 128 bits.
struct Pcg {
    state: u128,
}

impl Pcg {
    fn next(&mut self) -> u64 {
        const FACTOR: u128 = (2549297995355413924 << 64) | 4865540595714422341;
        const STEP: u128 = (6364136223846793005 << 64) | 1442695040888963407;
        self.state = self.state.wrapping_mul(FACTOR).wrapping_add(STEP);
        let (mut z, lo) = ((self.state >> 64) as u64, self.state as u64);
        z ^= z >> 32;
        z = z.wrapping_mul(0xda942042e4dd58b5);
        z ^= z >> 48;
        z.wrapping_mul(lo | 1)
    }

    fn below(&mut self, n: u64) -> u64 {
        let mut product = self.next() as u128 * n as u128;
        if (product as u64) < n {
            let limit = n.wrapping_neg() % n;
            while (product as u64) < limit {
                product = self.next() as u128 * n as u128;
            }
        }
        (product >> 64) as u64
    }
}

fn scramble(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d049bb133111eb);
    z ^ (z >> 31)
}

pub fn mix(i: u64) -> u64 {
    scramble(i.wrapping_add(GAMMA))
}

/// The draws of one source.
pub struct Stream {
    state: u64,
    n: u64,
}

impl Stream {
    pub fn new(list: &List, seed: u64, source: u64) -> Stream {
        Stream { state: mix(seed + source), n: list.draws.len() as u64 }
    }

    pub fn next(&mut self) -> usize {
        self.state = self.state.wrapping_add(GAMMA);
        ((scramble(self.state) as u128 * self.n as u128) >> 64) as usize
    }
}

/// What counts come to.
#[derive(Default)]
pub struct Summary {
    pub counted: u64,
    pub distinct: u64,
    pub foreign: u64,
    pub checksum: u64,
    pub table: u64,
}

impl List {
    /// FNV-1a over all words, each with a newline after it.
    pub fn checksum(&self) -> u64 {
        let mut h: u64 = 0xcbf29ce484222325;
        for b in self.words.iter().flat_map(|w| w.bytes().chain(std::iter::once(b'\n'))) {
            h = (h ^ b as u64).wrapping_mul(0x100000001b3);
        }
        h
    }

    /// The first two different words that the first source draws: every run counts both.
    pub fn first_two(&self, seed: u64) -> (&str, &str) {
        let mut stream = Stream::new(self, seed, 0);
        let mut first = "";
        loop {
            for word in self.draws[stream.next()].split(' ') {
                if first.is_empty() {
                    first = word;
                } else if word != first {
                    return (first, word);
                }
            }
        }
    }

    /// Sums up the counts of a task.
    pub fn summary<'a>(&self, counts: impl Iterator<Item = (&'a str, u64)>) -> Summary {
        let places: FxHashMap<&str, u64> = self.words.iter().enumerate().map(|(i, w)| (w.as_str(), i as u64)).collect();
        let mut s = Summary::default();
        for (word, n) in counts.filter(|c| c.1 > 0) {
            s.counted += n;
            match places.get(word) {
                None => s.foreign += n,
                Some(&place) => {
                    s.distinct += 1;
                    s.checksum = s.checksum.wrapping_add(mix(place).wrapping_mul(n));
                    s.table = s.table.wrapping_add(scramble(mix(place).wrapping_add(n)));
                }
            }
        }
        s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second word is another one, of a sentence as well.
    #[test]
    fn first_two() {
        for workload in ["words175k", "sentences"] {
            let list = list(workload, 1).unwrap();
            let mut stream = Stream::new(&list, 1, 0);
            let (first, second) = list.first_two(1);
            assert_eq!(first, list.draws[stream.next()].split(' ').next().unwrap(), "{workload}");
            assert_ne!(first, second, "{workload}");
        }
    }

    /// Holds lists and draws against the table of the contract.
    #[test]
    fn golden() {
        for (workload, source, sum, checksum, table) in [
            ("words175k", 0, 0x4885308196bc1f6f, 0x892b97aa2e7c0d54, 0x74942013de9c4d77),
            ("words175k", 1, 0x4885308196bc1f6f, 0x79b8d2beacc5c7fe, 0x9bc9fa6940e538fb),
            ("words20", 0, 0x06aee8065ca2b11f, 0x4863c81c54cee753, 0x08624551784fdc77u64),
            ("sentences", 0, 0x16e130176cdaed55, 0x9b64787b93a47db2, 0x0e004cffe4bc0c3b),
        ] {
            let list = list(workload, 1).unwrap();
            assert_eq!(list.checksum(), sum, "{workload}");
            let mut stream = Stream::new(&list, 1, source);
            let mut counts: FxHashMap<&str, u64> = FxHashMap::default();
            for _ in 0..1_000_000 {
                for word in list.draws[stream.next()].split(' ') {
                    *counts.entry(word).or_default() += 1;
                }
            }
            let s = list.summary(counts.iter().map(|(w, n)| (*w, *n)));
            assert_eq!((s.checksum, s.table), (checksum, table), "{workload}, source {source}");
        }
    }
}
