//! The adapter for timely dataflow of ardea bench peers. The contract is in bench/peers/README.md.

mod job;
mod run;
mod words;

use job::Pointer;
use run::{hex, now, Part, Shared, Spec};
use serde_json::{json, Value};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{exit, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use timely::execute::Config;
use timely::{CommunicationConfig, WorkerConfig};

const VERSION: &str = "0.32.0";
const PLANTS: [&str; 3] = ["lost", "double", "swapped"];
const WORKLOADS: [&str; 3] = ["words175k", "words20", "sentences"];
/// How long after the driver's word the window of latencies begins or ends.
const WINDOW_DELAY: i64 = 300_000_000;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("list") => list(),
        Some("run") => match parse(&args[1..]) {
            Ok((spec, generator)) => adapter(spec, generator),
            Err(text) => fail(2, "usage", &text),
        },
        Some("part") => part(&args[1..]),
        _ => fail(2, "usage", "say list, or run with flags; see bench/peers/README.md"),
    }
}

fn say(line: Value) {
    let mut out = std::io::stdout().lock();
    // Without a driver nobody is left to be told, and standard input ends.
    let _ = writeln!(out, "{line}").and_then(|_| out.flush());
}

fn fail(status: i32, kind: &str, text: &str) -> ! {
    say(json!({"type": "error", "kind": kind, "text": text}));
    exit(status)
}

fn list() {
    for (variant, processes, title, unfair) in [
        ("threads", 1, "timely dataflow, one process, two workers", "in its favour: words are pointers, of which neither the letters are moved nor written out; sentences are split in the worker of their source"),
        ("processes", 2, "timely dataflow, two processes", "in its favour: no acks, no manager between the processes; sentences are split in the worker of their source"),
    ] {
        say(json!({
            "type": "row", "peer": "timely", "variant": variant, "title": title, "language": "rust", "version": VERSION,
            "processes": processes, "guarantee": "none", "exact": true, "workloads": WORKLOADS, "latency": true, "smoke": variant == "threads",
            "settings": "sources are workers of their own, as are counting tasks; 4,096 draws a moment, 8 moments under way; a source that must wait parks (step_or_park); in one process &'static str, else owned strings; FxHash; link-time optimization",
            "documents": ["https://timelydataflow.github.io/timely-dataflow/", "https://docs.rs/timely/0.32.0"],
            "unfair": unfair, "code": {"file": "bench/peers/timely/src/job.rs", "region": "timely"}, "missing": "",
        }));
    }
}

fn parse(args: &[String]) -> Result<(Spec, bool), String> {
    let mut spec = Spec {
        variant: String::new(),
        workload: "words175k".into(),
        seed: 1,
        parallelism: 1,
        rate: 0.0,
        draws: 0,
        plant: String::new(),
    };
    let mut generator = false;
    let mut processes = None;
    let mut rest = args.iter();
    while let Some(flag) = rest.next() {
        if flag == "--generator-only" {
            generator = true;
            continue;
        }
        let value = rest.next().ok_or_else(|| format!("{flag} has no value"))?;
        let wrong = |_| format!("{flag} {value}: it must be a number");
        let expect = |what: &str| if value == what { Ok(()) } else { Err(format!("{flag} {value}: it is {what}")) };
        match flag.as_str() {
            "--peer" => expect("timely")?,
            "--guarantee" => expect("none")?,
            "--variant" => spec.variant = value.clone(),
            "--workload" => spec.workload = value.clone(),
            "--seed" => spec.seed = value.parse().map_err(wrong)?,
            "--parallelism" => spec.parallelism = value.parse().map_err(wrong)?,
            "--draws" => spec.draws = value.parse().map_err(wrong)?,
            "--rate" => spec.rate = value.parse().map_err(|_| format!("{flag} {value}: it must be a number"))?,
            "--plant-wrong-count" => {
                if !PLANTS.contains(&value.as_str()) {
                    return Err(format!("{flag} {value}: plant one of {}", PLANTS.join(", ")));
                }
                spec.plant = value.clone();
            }
            "--processes" => processes = Some(value.parse::<usize>().map_err(wrong)?),
            "--dir" => {}
            _ => return Err(format!("no flag {flag}")),
        }
    }
    if !["threads", "processes"].contains(&spec.variant.as_str()) || !WORKLOADS.contains(&spec.workload.as_str()) {
        return Err(format!("no variant {:?} with the workload {:?}: see list", spec.variant, spec.workload));
    }
    let has = if spec.variant == "processes" { 2 } else { 1 };
    if processes.is_some_and(|n| n != has) {
        return Err(format!("{} has {has} processes", spec.variant));
    }
    if !(1..=64).contains(&spec.parallelism) || spec.rate < 0.0 {
        return Err("a parallelism of 1 to 64 and a rate that is not negative are allowed".into());
    }
    Ok((spec, generator))
}

/// Runs the dataflow of a process until all has been counted, and returns what its tasks have done.
fn execute(shared: &Arc<Shared>, communication: CommunicationConfig) -> Result<Part, String> {
    let config = Config { communication, worker: WorkerConfig::default() };
    let paced = shared.spec.rate > 0.0;
    let to_workers = shared.clone();
    let alone = shared.spec.variant == "threads";
    let guards = timely::execute(config, move |worker| match (alone, paced) {
        (true, true) => job::work::<(Pointer, i64)>(worker, to_workers.clone()),
        (true, false) => job::work::<Pointer>(worker, to_workers.clone()),
        (false, true) => job::work::<(String, i64)>(worker, to_workers.clone()),
        (false, false) => job::work::<String>(worker, to_workers.clone()),
    })?;
    for result in guards.join() {
        result?;
    }
    let mut all = Part::new();
    for p in shared.parts.lock().expect("no thread panics").iter() {
        all.add(p);
    }
    Ok(all)
}

fn adapter(spec: Spec, generator: bool) {
    let shared = share(spec);
    say(json!({
        "type": "hello", "peer": "timely", "variant": shared.spec.variant, "versions": {"timely": VERSION},
        "words_checksum": hex(shared.list.checksum()),
    }));
    let other: Arc<Mutex<Option<ChildStdin>>> = Arc::default();
    listen(shared.clone(), other.clone());
    let finished = Arc::new(AtomicBool::new(false));
    if generator {
        tell(shared.clone(), finished, true);
        return generate(&shared);
    }
    tell(shared.clone(), finished.clone(), false);
    let result = match shared.spec.variant.as_str() {
        "processes" => two(&shared, &other),
        _ => execute(&shared, CommunicationConfig::Process(2 * shared.spec.parallelism)),
    };
    finished.store(true, Relaxed);
    match result {
        Ok(mut p) => say(p.result(shared.spec.seed)),
        Err(text) => fail(1, "failed", &text),
    }
    exit(0) // threads that wait for standard input hold nothing
}

fn share(spec: Spec) -> Arc<Shared> {
    let list = words::list(&spec.workload, spec.seed).expect("the workload was checked");
    Arc::new(Shared::new(spec, list))
}

/// Does what the driver says. The end of standard input ends the process.
fn listen(shared: Arc<Shared>, other: Arc<Mutex<Option<ChildStdin>>>) {
    thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let at = now() + WINDOW_DELAY;
            let pass = |what: String| {
                if let Some(stdin) = other.lock().expect("no thread panics").as_mut() {
                    let _ = writeln!(stdin, "{what}"); // a process that has ended is noticed elsewhere
                }
            };
            match line.as_str() {
                "begin" => {
                    shared.begin.store(at, Relaxed);
                    pass(format!("begin {at}"));
                    say(json!({"type": "measure-begin", "t": at}));
                }
                "end" => {
                    shared.end.store(at, Relaxed);
                    pass(format!("end {at}"));
                    say(json!({"type": "measure-end", "t": at}));
                }
                "stop" => shared.stop.store(true, Relaxed),
                _ => {}
            }
        }
        exit(143) // the other process notices the end of its standard input
    });
}

/// Tells of progress each second.
fn tell(shared: Arc<Shared>, finished: Arc<AtomicBool>, generator: bool) {
    thread::spawn(move || {
        let mut told = false;
        let mut next = now() + 1_000_000_000;
        while !finished.load(Relaxed) {
            thread::sleep(Duration::from_millis(20));
            let first = shared.first.load(Relaxed);
            if first != 0 && !told {
                told = true;
                say(json!({"type": "first-result", "t": first}));
            }
            let (t, emitted) = (now(), shared.all_emitted());
            if t >= next && emitted > 0 {
                next += 1_000_000_000;
                let counted = if generator { emitted } else { shared.all_counted() };
                say(json!({"type": "progress", "t": t, "emitted": emitted, "counted": counted}));
            }
        }
    });
}

/// Draws and throws away.
fn generate(shared: &Arc<Shared>) {
    let spec = &shared.spec;
    let results: Vec<(u64, u64)> = thread::scope(|scope| {
        let tasks: Vec<_> = (0..spec.parallelism)
            .map(|s| {
                scope.spawn(move || {
                    let mut stream = words::Stream::new(&shared.list, spec.seed, s as u64);
                    let (mut drawn, mut sum) = (0, 0u64);
                    while !shared.stop.load(Relaxed) && (spec.draws == 0 || drawn < spec.draws) {
                        let n = if spec.draws > 0 { (spec.draws - drawn).min(64) } else { 64 };
                        for _ in 0..n {
                            let place = stream.next();
                            sum = sum.wrapping_add(words::mix(place as u64)).wrapping_add(shared.list.draws[place].as_bytes()[0] as u64);
                        }
                        drawn += n;
                        shared.emitted[s].store(drawn, Relaxed);
                    }
                    (drawn, sum)
                })
            })
            .collect();
        tasks.into_iter().map(|t| t.join().expect("no thread panics")).collect()
    });
    let mut p = Part::new();
    for (s, (drawn, sum)) in results.iter().enumerate() {
        p.draws.push((s, *drawn));
        p.counted += drawn;
        p.checksum = p.checksum.wrapping_add(*sum);
    }
    if spec.draws > 0 {
        let mut counts = rustc_hash::FxHashMap::default();
        for s in 0..spec.parallelism {
            let mut stream = words::Stream::new(&shared.list, spec.seed, s as u64);
            for _ in 0..spec.draws {
                for word in shared.list.draws[stream.next()].split(' ') {
                    *counts.entry(word).or_insert(0u64) += 1;
                }
            }
        }
        let s = shared.list.summary(counts.iter().map(|(w, n)| (*w, *n)));
        (p.counted, p.distinct, p.checksum, p.table) = (s.counted, s.distinct, s.checksum, s.table);
    }
    say(p.result(spec.seed));
    exit(0)
}

/// Runs sources here and counting tasks in another process.
fn two(shared: &Arc<Shared>, other: &Arc<Mutex<Option<ChildStdin>>>) -> Result<Part, String> {
    let addresses = free_addresses().map_err(|e| e.to_string())?;
    let s = &shared.spec;
    let mut child = Command::new(std::env::current_exe().map_err(|e| e.to_string())?)
        .arg("part")
        .args([&addresses[0], &addresses[1], &s.workload, &s.plant])
        .args([s.seed.to_string(), s.parallelism.to_string(), s.rate.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
    *other.lock().expect("no thread panics") = child.stdin.take();
    say(json!({"type": "processes", "pids": {"counting": child.id()}}));
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let to_reader = shared.clone();
    let reader = thread::spawn(move || {
        let mut result = None;
        for line in lines.map_while(Result::ok) {
            let v: Value = serde_json::from_str(&line).unwrap_or(Value::Null);
            if v["type"] == "progress" {
                to_reader.counted[0].store(v["counted"].as_u64().unwrap_or(0), Relaxed);
                to_reader.first.store(v["first"].as_i64().unwrap_or(0), Relaxed);
            } else if v["type"] == "result" {
                result = Part::read(&v, to_reader.spec.seed);
            }
        }
        result
    });
    let mut all = execute(shared, cluster(0, &addresses, s.parallelism))?;
    let theirs = reader.join().expect("no thread panics").ok_or("the counting process has ended without a result")?;
    child.wait().map_err(|e| e.to_string())?;
    all.add(&theirs);
    Ok(all)
}

fn cluster(process: usize, addresses: &[String], threads: usize) -> CommunicationConfig {
    CommunicationConfig::Cluster { threads, process, addresses: addresses.to_vec(), report: false, zerocopy: false }
}

/// Finds two ports that are free now.
fn free_addresses() -> std::io::Result<Vec<String>> {
    let held = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
    held.iter().map(|l| Ok(l.local_addr()?.to_string())).collect()
}

/// Is the process of the counting tasks. It ends when all is counted, or with its standard input.
fn part(args: &[String]) {
    let number = |i: usize| args[i].parse::<f64>().unwrap_or(1.0);
    let spec = Spec {
        variant: "processes".into(),
        workload: args[2].clone(),
        plant: args[3].clone(),
        seed: number(4) as u64,
        parallelism: number(5) as usize,
        rate: number(6),
        draws: 0,
    };
    let shared = share(spec);
    let hearing = shared.clone();
    thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let (what, at) = line.split_once(' ').unwrap_or((&line, ""));
            let to = if what == "begin" { &hearing.begin } else { &hearing.end };
            to.store(at.parse().unwrap_or(i64::MAX), Relaxed);
        }
        exit(143)
    });
    let telling = shared.clone();
    thread::spawn(move || loop {
        thread::sleep(Duration::from_millis(50));
        say(json!({"type": "progress", "counted": telling.all_counted(), "first": telling.first.load(Relaxed)}));
    });
    match execute(&shared, cluster(1, &args[..2], shared.spec.parallelism)) {
        Ok(mut p) => say(p.result(shared.spec.seed)),
        Err(text) => fail(1, "failed", &text),
    }
    exit(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Has flags that the contract does not allow refused, and the others taken.
    #[test]
    fn flags() {
        for (variant, flag, value, good) in [
            ("threads", "--plant-wrong-count", "lost", true),
            ("threads", "--plant-wrong-count", "halved", false),
            ("threads", "--processes", "1", true),
            ("threads", "--processes", "2", false),
            ("processes", "--processes", "2", true),
            ("processes", "--processes", "1", false),
            ("processes", "--processes", "some", false),
        ] {
            let args = ["--peer", "timely", "--variant", variant, flag, value].map(String::from);
            assert_eq!(parse(&args).is_ok(), good, "{variant} {flag} {value}");
        }
    }
}
