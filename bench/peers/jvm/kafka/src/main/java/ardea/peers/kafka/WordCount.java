package ardea.peers.kafka;

import ardea.peers.CounterProbe;
import ardea.peers.Job;
import ardea.peers.Probe;
import java.nio.ByteBuffer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.KeyValueStore;

/** The topology as a user would write it: words are the keys of a topic, their counts go to another. */
final class WordCount {
  static final String INPUT = "words";
  static final String OUTPUT = "counts";

  private WordCount() {}

  static Topology build(Job job) {
    // user code: kafka
    StreamsBuilder builder = new StreamsBuilder();
    builder
        .stream(INPUT, Consumed.with(Serdes.String(), Serdes.ByteArray()))
        .groupByKey(Grouped.with(Serdes.String(), Serdes.ByteArray()))
        .aggregate(
            () -> 0L,
            (word, value, count) -> {
              counted(job, value);
              return count + 1;
            },
            Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as("counts")
                .withKeySerde(Serdes.String())
                .withValueSerde(Serdes.Long()))
        .toStream()
        .to(OUTPUT, Produced.with(Serdes.String(), Serdes.Long()));
    return builder.build();
    // end of user code
  }

  private static final ThreadLocal<CounterProbe> PROBE = new ThreadLocal<>();

  private static void counted(Job job, byte[] value) {
    CounterProbe probe = PROBE.get();
    if (probe == null) {
      probe = Probe.of(job).counter();
      PROBE.set(probe);
    }
    if (job.timed()) {
      probe.counted(ByteBuffer.wrap(value).getLong());
    } else {
      probe.counted();
    }
  }
}
