package ardea.peers.flink;

import ardea.peers.Job;
import ardea.peers.Probe;
import ardea.peers.Tally;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.api.java.tuple.Tuple2;

/** A sink that sums up the final counts. */
final class Results implements Sink<Tuple2<String, Long>> {
  private final Job job;

  Results(Job job) {
    this.job = job;
  }

  @Override
  public SinkWriter<Tuple2<String, Long>> createWriter(WriterInitContext context) {
    return new Writer(job);
  }

  private static final class Writer implements SinkWriter<Tuple2<String, Long>> {
    private final Job job;
    private final Tally tally;

    Writer(Job job) {
      this.job = job;
      tally = new Tally(job);
    }

    @Override
    public void write(Tuple2<String, Long> count, Context context) {
      tally.add(count.f0, count.f1);
    }

    @Override
    public void flush(boolean endOfInput) {
      if (endOfInput) {
        Probe.of(job).result(tally);
      }
    }

    @Override
    public void close() {}
  }
}
