package ardea.peers.kafka;

import ardea.peers.Adapter;
import ardea.peers.Control;
import ardea.peers.Job;
import ardea.peers.Peer;
import ardea.peers.Probe;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.utils.AppInfoParser;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

/** Kafka Streams with a broker of its own: words in a topic, counts in another. */
public final class KafkaStreamsPeer implements Peer {
  private static final Duration CLOSE = Duration.ofSeconds(20);

  private final List<WordProducer> producers = new ArrayList<>();
  private Job job;
  private Control control;
  private Broker broker;
  private KafkaStreams streams;

  public static void main(String[] arguments) {
    Adapter.main(new KafkaStreamsPeer(), arguments);
  }

  @Override
  public Map<String, String> versions() {
    return Map.of("kafka", AppInfoParser.getVersion());
  }

  @Override
  public void start(Job job, Control control) throws Exception {
    this.job = job;
    this.control = control;
    broker = Broker.start(job, control);
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.address()))) {
      admin.createTopics(List.of(topic(WordCount.INPUT), topic(WordCount.OUTPUT))).all().get(30, TimeUnit.SECONDS);
    }
    streams = new KafkaStreams(WordCount.build(job), Settings.streams(job, broker));
    streams.setUncaughtExceptionHandler(e -> {
      control.fail(e);
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    streams.start();
    for (int i = 0; i < job.parallelism; i++) {
      producers.add(new WordProducer(job, control, broker, i));
    }
    producers.forEach(Thread::start);
  }

  private NewTopic topic(String name) {
    return new NewTopic(name, job.parallelism, (short) 1);
  }

  /** Closing Kafka Streams commits and flushes: then the newest counts are in the output topic. */
  @Override
  public boolean drain() throws Exception {
    boolean counted = control.awaitCounted();
    boolean closed = streams.close(CLOSE);
    Probe.of(job).result(Counts.read(job, broker));
    return counted && closed;
  }

  @Override
  public void close() throws Exception {
    if (streams != null) {
      streams.close(Duration.ofSeconds(3));
    }
    if (broker != null) {
      broker.close();
    }
  }
}
