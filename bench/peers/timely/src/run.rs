//! A run: what its threads share, and what it comes to.

use crate::words::List;
use hdrhistogram::Histogram;
use serde_json::{json, Value};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::Mutex;

const MINUTE: u64 = 60_000_000_000;

/// What the command line asks for, as far as tasks have to know.
#[derive(Clone)]
pub struct Spec {
    pub variant: String,
    pub workload: String,
    pub seed: u64,
    pub parallelism: usize,
    pub rate: f64,
    pub draws: u64,
    pub plant: String,
}

/// What the threads of a process share.
pub struct Shared {
    pub spec: Spec,
    pub list: &'static List, // which is there as long as the process
    pub stop: AtomicBool,
    pub begin: AtomicI64,
    pub end: AtomicI64,
    pub first: AtomicI64,
    pub emitted: Vec<AtomicU64>,
    pub counted: Vec<AtomicU64>,
    pub parts: Mutex<Vec<Part>>,
}

impl Shared {
    pub fn new(spec: Spec, list: List) -> Shared {
        let zeros = |n| (0..n).map(|_| AtomicU64::new(0)).collect();
        Shared {
            list: Box::leak(Box::new(list)),
            stop: AtomicBool::new(false),
            begin: AtomicI64::new(i64::MAX),
            end: AtomicI64::new(i64::MAX),
            first: AtomicI64::new(0),
            emitted: zeros(spec.parallelism),
            counted: zeros(spec.parallelism),
            parts: Mutex::new(Vec::new()),
            spec,
        }
    }

    /// Reports whether times of a draw that was due at an instant are to be recorded.
    pub fn measures(&self, due: i64) -> bool {
        self.begin.load(Relaxed) <= due && due < self.end.load(Relaxed)
    }

    pub fn all_emitted(&self) -> u64 {
        self.emitted.iter().map(|n| n.load(Relaxed)).sum()
    }

    pub fn all_counted(&self) -> u64 {
        self.counted.iter().map(|n| n.load(Relaxed)).sum()
    }
}

/// What a task, or all tasks of a process, have done.
pub struct Part {
    pub draws: Vec<(usize, u64)>, // of sources
    pub counted: u64,
    pub distinct: u64,
    pub foreign: u64,
    pub checksum: u64,
    pub table: u64,
    pub latency: Histogram<u64>,
    pub pacer: Histogram<u64>,
}

impl Part {
    pub fn new() -> Part {
        Part { draws: Vec::new(), counted: 0, distinct: 0, foreign: 0, checksum: 0, table: 0, latency: histogram(), pacer: histogram() }
    }

    pub fn add(&mut self, p: &Part) {
        self.draws.extend_from_slice(&p.draws);
        self.counted += p.counted;
        self.distinct += p.distinct;
        self.foreign += p.foreign;
        self.checksum = self.checksum.wrapping_add(p.checksum);
        self.table = self.table.wrapping_add(p.table);
        self.latency.add(&p.latency).expect("equal ranges");
        self.pacer.add(&p.pacer).expect("equal ranges");
    }

    pub fn result(&mut self, seed: u64) -> Value {
        self.draws.sort();
        let sources: Vec<Value> = self.draws.iter().map(|(s, n)| json!({"seed": seed + *s as u64, "draws": n})).collect();
        json!({
            "type": "result", "sources": sources, "counted": self.counted, "distinct": self.distinct, "foreign": self.foreign,
            "checksum": hex(self.checksum), "table": hex(self.table), "drained": true,
            "latency": bars(&self.latency), "pacer": bars(&self.pacer),
        })
    }

    /// Reads what result has written in another process.
    pub fn read(v: &Value, seed: u64) -> Option<Part> {
        let mut p = Part::new();
        for s in v["sources"].as_array()? {
            p.draws.push(((s["seed"].as_u64()? - seed) as usize, s["draws"].as_u64()?));
        }
        p.counted = v["counted"].as_u64()?;
        p.distinct = v["distinct"].as_u64()?;
        p.foreign = v["foreign"].as_u64()?;
        p.checksum = u64::from_str_radix(v["checksum"].as_str()?, 16).ok()?;
        p.table = u64::from_str_radix(v["table"].as_str()?, 16).ok()?;
        for (name, h) in [("latency", &mut p.latency), ("pacer", &mut p.pacer)] {
            for bar in v[name].as_array()? {
                h.record_n(bar[0].as_u64()?, bar[1].as_u64()?).ok()?;
            }
        }
        Some(p)
    }
}

pub fn hex(n: u64) -> String {
    format!("{n:016x}")
}

pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MINUTE, 3).expect("a valid range")
}

pub fn record(h: &mut Histogram<u64>, nanos: i64) {
    h.saturating_record(nanos.clamp(1, MINUTE as i64) as u64);
}

fn bars(h: &Histogram<u64>) -> Vec<[u64; 2]> {
    h.iter_recorded().map(|b| [b.value_iterated_to().min(MINUTE), b.count_since_last_iteration()]).collect()
}

/// Returns CLOCK_MONOTONIC in nanoseconds.
pub fn now() -> i64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel fills in the struct that it is given.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut t) };
    t.tv_sec as i64 * 1_000_000_000 + t.tv_nsec as i64
}
