//! The dataflow: sources on the first workers, counting on the others.

use crate::run::{now, record, Part, Shared};
use crate::words::{List, Stream};
use rustc_hash::{FxHashMap, FxHasher};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::Arc;
use std::time::Duration;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::vec::Map;
use timely::dataflow::operators::{Operator, Probe};
use timely::dataflow::{InputHandle, ProbeHandle};
use timely::worker::Worker;
use timely::ExchangeData;

/// Draws that a source sends at a time, as one moment of the dataflow, and how many moments may be under way.
const BATCH: u64 = 4096;
const AHEAD: u64 = 8;

/// How long a source that must wait for the counting tasks parks at most: their progress wakes it.
const PATIENCE: Option<Duration> = Some(Duration::from_millis(1));

/// What travels: a word or a sentence, at a rate with the instant at which it was due.
pub trait Item: ExchangeData + Clone {
    /// What a count is kept under.
    type Key: Borrow<str> + Eq + Hash + 'static;
    fn new(text: &'static str, due: i64) -> Self;
    fn key(&self) -> Self::Key;
    fn text(&self) -> &str;
    fn due(&self) -> i64;
    /// Returns the words of a sentence.
    fn split(self) -> impl Iterator<Item = Self>;
}

/// A text that may cross from process to process.
impl Item for String {
    type Key = String;
    fn new(text: &'static str, _: i64) -> String {
        text.to_string()
    }
    fn key(&self) -> String {
        self.clone()
    }
    fn text(&self) -> &str {
        self
    }
    fn due(&self) -> i64 {
        0
    }
    fn split(self) -> impl Iterator<Item = String> {
        let words: Vec<String> = str::split(&self, ' ').map(str::to_string).collect();
        words.into_iter()
    }
}

/// A text that stays in its process, as a pointer.
#[derive(Clone, Copy)]
pub struct Pointer(&'static str);

impl Serialize for Pointer {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Pointer {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Pointer, D::Error> {
        Err(D::Error::custom("a pointer of another process"))
    }
}

impl Item for Pointer {
    type Key = &'static str;
    fn new(text: &'static str, _: i64) -> Pointer {
        Pointer(text)
    }
    fn key(&self) -> &'static str {
        self.0
    }
    fn text(&self) -> &str {
        self.0
    }
    fn due(&self) -> i64 {
        0
    }
    // user code: timely
    fn split(self) -> impl Iterator<Item = Pointer> {
        self.0.split(' ').map(Pointer)
    }
    // end of user code
}

/// A text with the instant at which it was due.
impl<T: Item> Item for (T, i64) {
    type Key = T::Key;
    fn new(text: &'static str, due: i64) -> (T, i64) {
        (T::new(text, due), due)
    }
    fn key(&self) -> T::Key {
        self.0.key()
    }
    fn text(&self) -> &str {
        self.0.text()
    }
    fn due(&self) -> i64 {
        self.1
    }
    fn split(self) -> impl Iterator<Item = (T, i64)> {
        let due = self.1;
        self.0.split().map(move |word| (word, due))
    }
}

// user code: timely
/// Plays the part of one worker. Workers 0 to parallelism-1 draw, the others count.
pub fn work<T: Item>(worker: &mut Worker, shared: Arc<Shared>) {
    let sources = shared.spec.parallelism as u64;
    let index = worker.index();
    let sentences = shared.spec.workload == "sentences";
    let mut input = InputHandle::new();
    let probe = ProbeHandle::new();
    let counting = shared.clone();
    worker.dataflow::<u64, _, _>(|scope| {
        let route = Exchange::new(move |item: &T| {
            let mut h = FxHasher::default();
            h.write(item.text().as_bytes());
            sources + h.finish() % sources
        });
        let drawn = input.to_stream(scope);
        let words = if sentences { drawn.flat_map(Item::split) } else { drawn };
        words
            .unary::<CapacityContainerBuilder<Vec<()>>, _, _, _>(route, "count", move |_, _| {
                let mut task = Counter::new(counting, index);
                move |input, _output| {
                    input.for_each(|_, batch: &mut Vec<T>| {
                        for item in batch.drain(..) {
                            task.add(item);
                        }
                    });
                    task.tell();
                }
            })
            .probe_with(&probe);
    });
    // end of user code
    if index < sources as usize {
        let mut source = Source::new(shared, index);
        loop {
            let n = source.due();
            if n == 0 && source.stopped() {
                break;
            }
            for _ in 0..n {
                input.send(source.draw::<T>());
            }
            if n > 0 {
                input.advance_to(*input.time() + 1);
            }
            worker.step();
            while probe.less_than(&input.time().saturating_sub(AHEAD)) {
                worker.step_or_park(PATIENCE);
            }
            if n == 0 {
                let next = source.next();
                while let pause @ 1.. = next - now() {
                    worker.step_or_park(Some(Duration::from_nanos(pause as u64)));
                }
            }
        }
    }
}

/// Draws the words of one source, at a rate when they are due.
struct Source {
    shared: Arc<Shared>,
    stream: Stream,
    index: usize,
    drawn: u64,
    start: i64,
    nanos: f64,
    part: Part,
}

impl Source {
    fn new(shared: Arc<Shared>, index: usize) -> Source {
        let rate = shared.spec.rate;
        Source {
            stream: Stream::new(&shared.list, shared.spec.seed, index as u64),
            index,
            drawn: 0,
            start: now(),
            nanos: if rate > 0.0 { 1e9 / rate } else { 0.0 },
            part: Part::new(),
            shared,
        }
    }

    fn intended(&self, k: u64) -> i64 {
        self.start + ((k * self.shared.spec.parallelism as u64 + self.index as u64) as f64 * self.nanos) as i64
    }

    /// Returns how many draws are to be sent now.
    fn due(&mut self) -> u64 {
        self.shared.emitted[self.index].store(self.drawn, Relaxed);
        let mut most = BATCH;
        if self.shared.spec.draws > 0 {
            most = most.min(self.shared.spec.draws - self.drawn);
        }
        if self.shared.stop.load(Relaxed) {
            return 0;
        }
        if self.nanos == 0.0 {
            return most;
        }
        let instant = now();
        let mut n = 0;
        while n < most && self.intended(self.drawn + n) <= instant {
            let due = self.intended(self.drawn + n);
            if self.shared.measures(due) {
                record(&mut self.part.pacer, instant - due);
            }
            n += 1;
        }
        n
    }

    fn stopped(&self) -> bool {
        self.shared.stop.load(Relaxed) || (self.shared.spec.draws > 0 && self.drawn == self.shared.spec.draws)
    }

    fn draw<T: Item>(&mut self) -> T {
        let due = if self.nanos > 0.0 { self.intended(self.drawn) } else { 0 };
        self.drawn += 1;
        let list: &'static List = self.shared.list;
        T::new(&list.draws[self.stream.next()], due)
    }

    /// Returns the instant until which to wait for the next draw, at least 100 microseconds from now.
    fn next(&self) -> i64 {
        self.intended(self.drawn).max(now() + 100_000)
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.part.draws.push((self.index, self.drawn));
        self.shared.emitted[self.index].store(self.drawn, Relaxed);
        self.shared.parts.lock().expect("no thread panics").push(std::mem::replace(&mut self.part, Part::new()));
    }
}

/// Counts the words of one task.
struct Counter<T: Item> {
    shared: Arc<Shared>,
    task: usize,
    counting: bool,
    counts: FxHashMap<T::Key, u64>,
    counted: u64,
    part: Part,
}

impl<T: Item> Counter<T> {
    fn new(shared: Arc<Shared>, worker: usize) -> Counter<T> {
        let sources = shared.spec.parallelism;
        Counter { task: worker.wrapping_sub(sources), counting: worker >= sources, counts: FxHashMap::default(), counted: 0, part: Part::new(), shared }
    }

    fn add(&mut self, item: T) {
        match self.counts.get_mut(item.text()) {
            Some(n) => *n += 1,
            None => {
                self.counts.insert(item.key(), 1);
            }
        }
        self.counted += 1;
        let due = item.due();
        if due != 0 && self.shared.measures(due) {
            record(&mut self.part.latency, now() - due);
        }
    }

    fn tell(&mut self) {
        if !self.counting || self.counted == 0 {
            return;
        }
        self.shared.counted[self.task].store(self.counted, Relaxed);
        let _ = self.shared.first.compare_exchange(0, now(), Relaxed, Relaxed);
    }

    /// Plants a wrong count, in the task that has counted the word.
    fn spoil(&mut self) {
        let (first, second) = self.shared.list.first_two(self.shared.spec.seed);
        let mut change = |word: &str, by: u64| {
            if let Some(n) = self.counts.get_mut(word) {
                *n = n.wrapping_add(by);
            }
        };
        match self.shared.spec.plant.as_str() {
            "lost" => change(first, u64::MAX),
            "double" => change(first, 1),
            "swapped" => {
                change(first, u64::MAX);
                change(second, 1);
            }
            _ => {}
        }
    }
}

impl<T: Item> Drop for Counter<T> {
    fn drop(&mut self) {
        if !self.counting {
            return;
        }
        self.spoil();
        let s = self.shared.list.summary(self.counts.iter().map(|(w, n)| (w.borrow(), *n)));
        let p = &mut self.part;
        (p.counted, p.distinct, p.foreign, p.checksum, p.table) = (s.counted, s.distinct, s.foreign, s.checksum, s.table);
        self.shared.parts.lock().expect("no thread panics").push(std::mem::replace(p, Part::new()));
    }
}
