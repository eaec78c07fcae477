package ardea.peers;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** The sources alone, with nothing behind them. */
final class Generator {
  private final Job job;
  private final Output out;
  private final List<Source> sources = new ArrayList<>();
  private final CountDownLatch ended;

  Generator(Job job, Output out) {
    this.job = job;
    this.out = out;
    ended = new CountDownLatch(job.parallelism);
  }

  void run() throws InterruptedException {
    hello();
    Probe probe = Probe.local();
    for (int i = 0; i < job.parallelism; i++) {
      sources.add(new Source(probe.source(i), i));
    }
    Thread input = new Thread(() -> readUntilStop(probe), "input");
    input.setDaemon(true);
    input.start();
    sources.forEach(Thread::start);
    while (!ended.await(1, TimeUnit.SECONDS)) {
      progress(probe.snapshot());
    }
    result();
  }

  private void hello() {
    JsonObject line = Output.of("hello");
    line.addProperty("peer", job.peer);
    line.addProperty("variant", job.variant);
    JsonObject versions = new JsonObject();
    versions.addProperty("java", System.getProperty("java.version"));
    line.add("versions", versions);
    line.add("settings", new JsonObject());
    line.addProperty("words_checksum", Numbers.hex(job.words().checksum()));
    out.line(line);
    JsonObject processes = Output.of("processes");
    JsonObject pids = new JsonObject();
    pids.addProperty("adapter", ProcessHandle.current().pid());
    processes.add("pids", pids);
    out.line(processes);
  }

  private static void readUntilStop(Probe probe) {
    try {
      StringBuilder line = new StringBuilder();
      for (int c; (c = System.in.read()) >= 0; ) {
        if (c != '\n') {
          line.append((char) c);
        } else if (line.toString().trim().equals("stop")) {
          probe.stop();
          return;
        } else {
          line.setLength(0);
        }
      }
    } catch (IOException e) {
      // as at its end
    }
    Runtime.getRuntime().exit(Control.STATUS_ENDED);
  }

  private void progress(Snapshot s) {
    JsonObject line = Output.of("progress");
    line.addProperty("t", s.t);
    line.addProperty("emitted", s.emitted);
    line.addProperty("counted", s.words);
    out.line(line);
  }

  private void result() {
    JsonObject line = Output.of("result");
    JsonArray array = new JsonArray();
    Tally sum = new Tally(job);
    long[] counts = new long[job.words().size()];
    for (Source source : sources) {
      JsonObject object = new JsonObject();
      object.addProperty("seed", job.seed + source.index);
      object.addProperty("draws", source.feed.drawn());
      array.add(object);
      sum.checksum += source.sum;
      sum.counted += source.feed.drawn();
      for (int i = 0; source.counts != null && i < counts.length; i++) {
        counts[i] += source.counts[i];
      }
    }
    line.add("sources", array);
    if (job.draws > 0) {
      sum = new Tally(job);
      for (int i = 0; i < counts.length; i++) {
        sum.add(i, counts[i]);
      }
      Control.addTally(line, sum);
    } else {
      line.addProperty("counted", sum.counted);
      line.addProperty("checksum", Numbers.hex(sum.checksum));
    }
    line.addProperty("drained", true);
    line.addProperty("gc_cpu_seconds", GcTime.of(ProcessHandle.current().pid()));
    line.add("notes", new JsonArray());
    out.line(line);
  }

  /** One source. Its fields are read after it has ended. */
  private final class Source extends Thread {
    final int index;
    final Feed feed;
    final long[] counts = job.draws > 0 ? new long[job.words().size()] : null;
    long sum;
    int touched; // so that the words are read

    Source(SourceProbe probe, int index) {
      this.index = index;
      feed = new Feed(job, index, probe);
    }

    @Override
    public void run() {
      while (!feed.ended()) {
        if (!feed.next()) {
          feed.pause();
          continue;
        }
        touched ^= feed.text().charAt(0);
        if (counts != null) {
          job.words().count(feed.place(), counts);
        } else {
          sum += Numbers.mix(feed.place());
        }
      }
      ended.countDown();
    }
  }
}
