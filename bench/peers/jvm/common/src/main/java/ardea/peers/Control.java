package ardea.peers;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import java.util.function.Predicate;

/** One run of a peer: does what standard input says, and tells on standard output how it goes. */
public final class Control {
  private static final long SECOND = 1_000_000_000L;
  private static final long AHEAD = 200_000_000L; // so that an instant is known everywhere before it comes
  private static final long LOOK_MILLISECONDS = 50;
  private static final long REPORT_SECONDS = 20; // with Drain.SECONDS, less than the driver waits
  static final int STATUS_ENDED = 143;

  private final Job job;
  private final Output out;
  private final InputStream in;
  private final IntConsumer exit;
  private final Probes probes;
  private final BlockingQueue<String> orders = new LinkedBlockingQueue<>();
  private final TreeMap<String, Long> pids = new TreeMap<>();
  private final List<String> notes = new ArrayList<>();
  private volatile Throwable failure;
  private boolean firstSeen;
  private boolean said; // the result

  Control(Job job, Output out) throws IOException {
    this(job, out, System.in, Runtime.getRuntime()::exit);
  }

  Control(Job job, Output out, InputStream in, IntConsumer exit) throws IOException {
    this.job = job;
    this.out = out;
    this.in = in;
    this.exit = exit;
    probes = new Probes();
    job.controlPort = probes.port();
  }

  /** Runs a peer until it has ended. */
  void run(Peer peer) throws Exception {
    hello(peer);
    process("adapter", ProcessHandle.current().pid());
    Thread input = new Thread(this::read, "input");
    input.setDaemon(true);
    input.start();
    try (peer; probes) {
      peer.start(job, this);
      follow();
      probes.tell(Request.Kind.STOP, 0);
      boolean drained = peer.drain();
      throwIfFailed();
      first(probes.snapshot()); // a short run may end before it was looked for
      result(probes.report(), drained);
    }
  }

  private void hello(Peer peer) {
    JsonObject line = Output.of("hello");
    line.addProperty("peer", job.peer);
    line.addProperty("variant", job.variant);
    JsonObject versions = new JsonObject();
    peer.versions().forEach(versions::addProperty);
    versions.addProperty("java", System.getProperty("java.version"));
    line.add("versions", versions);
    JsonObject settings = new JsonObject();
    job.settings.forEach(settings::addProperty);
    line.add("settings", settings);
    line.addProperty("words_checksum", Numbers.hex(job.words().checksum()));
    out.line(line);
  }

  /** Says that a process belongs to the system. */
  public synchronized void process(String name, long pid) {
    pids.put(name, pid);
    JsonObject line = Output.of("processes");
    JsonObject object = new JsonObject();
    pids.forEach(object::addProperty);
    line.add("pids", object);
    out.line(line);
  }

  /** Adds a note to the result. */
  public synchronized void note(String text) {
    notes.add(text);
  }

  /**
   * Drains a system whose counting tasks see no end of their input: when all that was emitted is counted, they are told
   * to report.
   *
   * @param tallies how many will report
   * @return whether all was counted and all have reported
   */
  public boolean drainByCount(int tallies) throws InterruptedException {
    boolean drained = awaitCounted();
    probes.tell(Request.Kind.FINISH, 0);
    return await(System.nanoTime() + REPORT_SECONDS * SECOND, p -> p.tallies == tallies) && drained;
  }

  /**
   * Waits until all that was emitted is counted. Where words may be lost, those that have not come within some seconds of
   * the last are taken for lost, which a note says.
   *
   * @return whether all was counted in time, but for what may be lost
   */
  public boolean awaitCounted() throws InterruptedException {
    Drain drain = new Drain(job, System.nanoTime());
    while (true) {
      throwIfFailed();
      Snapshot s = probes.snapshot();
      switch (drain.look(s)) {
        case COUNTED:
          return true;
        case LOST:
          note("%d of %d words were not counted: none came for %d s after the sources had ended"
              .formatted(s.words - s.counted, s.words, Drain.LOST_SECONDS));
          return true;
        case LATE:
          return false;
        case WAITING:
          break;
      }
      TimeUnit.MILLISECONDS.sleep(10); // nothing tells when the last word is counted
    }
  }

  private boolean await(long deadline, Predicate<Snapshot> done) throws InterruptedException {
    while (!done.test(probes.snapshot())) {
      throwIfFailed();
      if (System.nanoTime() > deadline) {
        return false;
      }
      TimeUnit.MILLISECONDS.sleep(10); // nothing tells when the last word is counted
    }
    return true;
  }

  /** Ends the run: the system has failed. */
  public void fail(Throwable t) {
    failure = t;
    orders.add("failed");
  }

  private void throwIfFailed() {
    if (failure != null) {
      throw new IllegalStateException("the system has failed", failure);
    }
  }

  /** Ends all when the driver has gone, also while the system is drained or ended. */
  private void read() {
    try (BufferedReader lines = new BufferedReader(new InputStreamReader(in))) {
      for (String line; (line = lines.readLine()) != null; ) {
        orders.add(line.trim());
      }
    } catch (IOException e) {
      // as at its end
    }
    exit.accept(statusAtEnd());
  }

  private synchronized int statusAtEnd() {
    return said ? 0 : STATUS_ENDED;
  }

  /** Returns when the sources are to stop or have ended. */
  private void follow() throws Exception {
    long progress = System.nanoTime();
    while (true) {
      String order = orders.poll(LOOK_MILLISECONDS, TimeUnit.MILLISECONDS);
      if (order != null && order.equals("stop")) {
        return;
      } else if (order != null) {
        obey(order);
      }
      boolean ends = job.draws > 0;
      long now = System.nanoTime();
      if (firstSeen && !ends && now < progress) {
        continue; // nothing to find out: do not disturb
      }
      Snapshot s = probes.snapshot();
      first(s);
      if (s.emitted > 0 && now >= progress) {
        progress(s);
        progress = now + SECOND;
      }
      if (ends && s.ended == job.parallelism) {
        return;
      }
    }
  }

  private void obey(String order) throws Exception {
    switch (order) {
      case "begin" -> instant(Request.Kind.BEGIN, "measure-begin");
      case "end" -> instant(Request.Kind.END, "measure-end");
      case "failed" -> throwIfFailed();
      default -> throw new UsageException("unknown order " + order);
    }
  }

  private void instant(Request.Kind kind, String type) {
    long t = System.nanoTime() + AHEAD;
    probes.tell(kind, t);
    JsonObject line = Output.of(type);
    line.addProperty("t", t);
    out.line(line);
  }

  private void first(Snapshot s) {
    if (!firstSeen && s.first != Probe.NEVER) {
      firstSeen = true;
      JsonObject line = Output.of("first-result");
      line.addProperty("t", s.first);
      out.line(line);
    }
  }

  private void progress(Snapshot s) {
    JsonObject line = Output.of("progress");
    line.addProperty("t", s.t);
    line.addProperty("emitted", s.emitted);
    line.addProperty("counted", s.counted);
    out.line(line);
  }

  private synchronized void result(Report report, boolean drained) {
    JsonObject line = Output.of("result");
    JsonArray sources = new JsonArray();
    long replayed = 0;
    report.sources.sort((a, b) -> Integer.compare(a.index(), b.index()));
    for (Report.Source source : report.sources) {
      JsonObject object = new JsonObject();
      object.addProperty("seed", job.seed + source.index());
      object.addProperty("draws", source.draws());
      sources.add(object);
      replayed += source.replayed();
    }
    line.add("sources", sources);
    Tally sum = new Tally(job);
    report.tallies.forEach(sum::merge);
    addTally(line, sum);
    line.addProperty("replayed", replayed);
    line.addProperty("drained", drained);
    line.addProperty("gc_cpu_seconds", pids.values().stream().mapToDouble(GcTime::of).sum());
    if (job.timed()) {
      line.add("latency", Latency.pairs(report.latency));
      line.add("pacer", Latency.pairs(report.pacer));
    }
    JsonArray texts = new JsonArray();
    notes.forEach(texts::add);
    line.add("notes", texts);
    out.line(line);
    said = true;
  }

  static void addTally(JsonObject line, Tally t) {
    line.addProperty("counted", t.counted);
    line.addProperty("distinct", t.distinct);
    line.addProperty("foreign", t.foreign);
    line.addProperty("checksum", Numbers.hex(t.checksum));
    line.addProperty("table", Numbers.hex(t.table));
  }
}
